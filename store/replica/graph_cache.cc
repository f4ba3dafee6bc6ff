#include "store/replica/graph_cache.h"

#include <algorithm>
#include <utility>

#include "store/replica/reads.h"

namespace lienthong::store {

std::span<const GraphUpdate> GraphCache::read(const Overlay& overlay, const Ledger& ledger,
                                              std::uint32_t record, const RecordRow& row,
                                              std::uint64_t first_of_commit) {
  Kept before;
  if (const auto at = std::ranges::find(kept_, record, &Kept::record); at != kept_.end()) {
    if (at->registry == ledger.registry) before = std::move(*at);
    kept_.erase(at);
  }
  std::vector<GraphUpdate> graph(row.updates.size());
  RecordRow missing;
  std::vector<std::size_t> places;
  std::size_t old = 0;
  for (std::size_t i = 0; i < row.updates.size(); ++i) {
    const std::uint64_t number = row.updates[i];
    while (old < before.numbers.size() && before.numbers[old] < number) ++old;
    if (old < before.numbers.size() && before.numbers[old] == number && before.stays[old]) {
      graph[i] = std::move(before.graph[old]);
    } else {
      missing.updates.push_back(number);
      places.push_back(i);
    }
  }
  missed_ = places.size();
  std::vector<GraphUpdate> fresh = read_graph(overlay, ledger, missing);
  for (std::size_t i = 0; i < places.size(); ++i) graph[places[i]] = std::move(fresh[i]);
  if (graph.size() < kUpdatesMin) return read_ = std::move(graph);
  Kept& kept = kept_.emplace_front();
  kept.record = record;
  kept.registry = ledger.registry;
  kept.numbers = row.updates;
  kept.graph = std::move(graph);
  // A number of this transaction may be another's after a rollback, and what does not count in full
  // may come to by a further seal.
  for (std::size_t i = 0; i < kept.graph.size(); ++i)
    kept.stays.push_back(kept.numbers[i] < first_of_commit && counts_in_full(kept.graph[i]));
  make_room();
  return kept.graph;
}

void GraphCache::make_room() {
  std::size_t sum = 0;
  for (auto at = kept_.begin(); at != kept_.end();) {
    sum += at->numbers.size();
    at = sum > kUpdatesMax && at != kept_.begin() ? kept_.erase(at) : std::next(at);
  }
}

}  // namespace lienthong::store
