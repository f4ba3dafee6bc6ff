#include "tests/simulation/beyond.h"

#include <algorithm>
#include <set>

namespace lienthong::sim {

Bytes state_without_beyond(const store::Replica& replica, const store::RecordEntry& entry) {
  const Registry& registry = *replica.registry();
  std::vector<GraphUpdate> graph;  // children first
  std::set<UpdateId> built_upon;
  for (auto at = entry.updates.rbegin(); at != entry.updates.rend(); ++at) {
    auto stored = replica.find_update(*at);
    if (!stored) continue;
    std::vector<HeldSeal> seals;
    if (stored->seal)
      if (const auto evidence = replica.find_seal(*stored->seal))
        seals.push_back({evidence->seal(), *stored->seal});
    const bool beyond = !seals.empty() && registry.beyond_revocation(seals[0].seal, seals[0].id);
    if (beyond && !built_upon.contains(stored->id)) continue;
    GraphUpdate update;
    update.id = stored->id;
    update.envelope = stored->update.envelope;
    update.open = std::move(stored->open);
    update.agency = stored->agency;
    update.node = stored->node;
    const UpdateTrust trust =
        registry.trust_in(update.envelope.certificate, seals, update.envelope.tree_version);
    update.believed = trust.believed;
    update.held_to = trust.held_to;
    update.certificate_version = trust.certificate_version;
    built_upon.insert(update.envelope.deps.begin(), update.envelope.deps.end());
    graph.push_back(std::move(update));
  }
  std::ranges::reverse(graph);
  const bool begins = std::ranges::any_of(
      graph, [](const GraphUpdate& update) { return update.envelope.record.is_zero(); });
  return begins ? encode_state(fold(graph, registry)) : Bytes{};
}

bool begins_beyond_a_cut(const RecordState& state) {
  return std::ranges::any_of(state.inert, [&state](const InertEntry& entry) {
    return entry.reason == InertReason::kCutOff && entry.id == id_cast<UpdateId>(state.record);
  });
}

}  // namespace lienthong::sim
