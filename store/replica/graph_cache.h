// Internal to store/replica: the updates of the records that were folded last, as the fold saw
// them. To fold a record of thousands again costs mostly reading them, and a record that is written
// to by two offices at once is folded again with nearly each of their writes. What is kept is what
// cannot have changed: under the same registry, and written before the transaction that reads it.
// The writer's alone.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "protocol/record/fold.h"
#include "store/replica/database.h"
#include "store/replica/ledger.h"
#include "store/replica/rows.h"

namespace lienthong::store {

class GraphCache {
 public:
  // All updates of the record, in the order of arrival. `first_of_commit`: number of the first that
  // the transaction wrote. Good until the next call.
  std::span<const GraphUpdate> read(const Overlay& overlay, const Ledger& ledger,
                                    std::uint32_t record, const RecordRow& row,
                                    std::uint64_t first_of_commit);

  // So many of them were not kept, and had to be read from their rows.
  std::size_t missed() const { return missed_; }

  static constexpr std::size_t kUpdatesMin = 16;      // of a record, to be kept
  static constexpr std::size_t kUpdatesMax = 10'000;  // kept in all, but for the last record

 private:
  struct Kept {
    std::uint32_t record = 0;
    std::shared_ptr<const Registry> registry;
    std::vector<std::uint64_t> numbers;  // ascending
    std::vector<GraphUpdate> graph;      // the same
    std::vector<bool> stays;             // the same: cannot change
  };
  void make_room();

  std::list<Kept> kept_;  // the last one first
  std::vector<GraphUpdate> read_;
  std::size_t missed_ = 0;
};

}  // namespace lienthong::store
