// Which updates of a record lie in the past of which. Internal to record/. Pure; no threads.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace lienthong {

// For updates in an order with parents first: which of the earlier ones each has in its past.
// One bit for every pair: 6 MB for 10,000 updates.
class Ancestors {
 public:
  explicit Ancestors(std::size_t count) : starts_(count) {
    std::size_t words = 0;
    for (std::size_t i = 0; i < count; ++i) {
      starts_[i] = words;
      words += width(i);
    }
    words_.resize(words);
  }

  void add_parent(std::uint32_t child, std::uint32_t parent) {
    std::uint64_t* to = &words_[starts_[child]];
    if (parent > 0) {
      const std::uint64_t* from = &words_[starts_[parent]];
      for (std::size_t i = 0; i < width(parent); ++i) to[i] |= from[i];
    }
    to[parent / 64] |= std::uint64_t{1} << parent % 64;
  }

  bool has(std::uint32_t of, std::uint32_t ancestor) const {
    return ancestor < of && (words_[starts_[of] + ancestor / 64] >> ancestor % 64 & 1) != 0;
  }

  // How many ancestors are in `set`, a bit for each update.
  std::size_t count_in(std::uint32_t of, const std::vector<std::uint64_t>& set) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < width(of); ++i) {
      count += static_cast<std::size_t>(std::popcount(words_[starts_[of] + i] & set[i]));
    }
    return count;
  }

 private:
  static std::size_t width(std::size_t index) { return (index + 63) / 64; }
  std::vector<std::size_t> starts_;
  std::vector<std::uint64_t> words_;
};

}  // namespace lienthong
