// A set of places in a feed as disjoint ascending stretches. Pure; no threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/feed/feed.h"

namespace lienthong {

class Stretches {
 public:
  // Hashes are kept where given and mean nothing here.
  void add(std::uint64_t first, std::uint64_t last, std::uint64_t hash = 0) {
    CursorRange grown{first, last, hash};
    std::vector<CursorRange> kept;
    for (const CursorRange& range : ranges_) {
      if (range.last + 1 < grown.first || grown.last + 1 < range.first) {
        kept.push_back(range);
        continue;
      }
      grown.first = std::min(grown.first, range.first);
      grown.last = std::max(grown.last, range.last);
    }
    const auto place = std::find_if(kept.begin(), kept.end(), [&](const CursorRange& range) {
      return range.first > grown.first;
    });
    kept.insert(place, grown);
    ranges_ = std::move(kept);
  }
  bool contains(std::uint64_t place) const { return find(place) != nullptr; }
  bool covers(std::uint64_t first, std::uint64_t last) const {
    const CursorRange* range = find(first);
    return range != nullptr && last <= range->last;
  }
  // The first place from `place` on that is not in the set.
  std::uint64_t next_free(std::uint64_t place) const {
    const CursorRange* range = find(place);
    return range == nullptr ? place : range->last + 1;
  }
  void drop_up_to(std::uint64_t place) {
    std::erase_if(ranges_, [&](const CursorRange& range) { return range.last <= place; });
  }
  void remove(std::uint64_t first, std::uint64_t last) {
    std::vector<CursorRange> kept;
    for (const CursorRange& range : ranges_) {
      if (range.first < first) kept.push_back({range.first, std::min(range.last, first - 1), 0});
      if (range.last > last) kept.push_back({std::max(range.first, last + 1), range.last, 0});
      if (range.first >= first && range.last <= last) continue;
    }
    ranges_ = std::move(kept);
  }
  void clear() { ranges_.clear(); }
  bool empty() const { return ranges_.empty(); }
  std::span<const CursorRange> ranges() const { return ranges_; }

 private:
  const CursorRange* find(std::uint64_t place) const {
    for (const CursorRange& range : ranges_) {
      if (range.first <= place && place <= range.last) return &range;
    }
    return nullptr;
  }
  std::vector<CursorRange> ranges_;
};

}  // namespace lienthong
