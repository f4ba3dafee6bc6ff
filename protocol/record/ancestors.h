// Which updates of a record lie in the past of which. Internal to record/. Pure; no threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lienthong {

// The graph of a record's updates, parents first, and questions about the past put many at once, so
// that each is answered in passes over the graph. Exact for any graph: nothing is kept for each
// pair of updates. Room: what updates and their parents take, and 64 bytes for each update during a
// pass. Time: a pass for each 512 updates asked about; where it is said, a single one.
class Ancestors {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  // The next update; its parents have been added.
  void add(std::span<const Index> parents);
  std::size_t size() const { return starts_.size() - 1; }
  std::span<const Index> parents(Index update) const {
    return {parents_.data() + starts_[update], parents_.data() + starts_[update + 1]};
  }

  struct Pair {
    Index of = 0;
    Index ancestor = 0;
  };
  // Whether each `ancestor` lies in the past of its `of`.
  std::vector<bool> has(std::span<const Pair> pairs) const;

  // How many of `updates`, in ascending order, lie in the past of each of them.
  std::vector<std::uint32_t> count_among(std::span<const Index> updates) const;

  // For each update the lowest of `marks` (one for each; kNone: none) that it or any update after
  // it bears. One pass.
  std::vector<Index> lowest_from(std::vector<Index> marks) const;

  // For each update the union of the `bits` (one word for each) of the updates that have it in
  // their past. One pass.
  std::vector<std::uint64_t> bits_after(std::span<const std::uint64_t> bits) const;

  // For each update whether some update that has it in its past bears another label than `label`
  // says of it (one for each; kNone: none). One pass.
  std::vector<bool> other_label_after(std::span<const Index> labels) const;

 private:
  std::vector<std::size_t> starts_{0};  // one more than updates
  std::vector<Index> parents_;
};

}  // namespace lienthong
