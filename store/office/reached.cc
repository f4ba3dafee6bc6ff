#include "store/office/reached.h"

#include <algorithm>

namespace lienthong::store {

bool has_reached(const Replica& replica, const UpdateId& update, const AgencyId& agency,
                 std::span<const NodeId> others) {
  const auto position = replica.feed_position(agency, update);
  if (!position) return false;
  const std::uint64_t epoch = replica.feed_end(FeedKind::kUpdates, agency).epoch;
  const auto confirmed = [&](const NodeId& node) {
    const Cursor heard = replica.heard_cursor(FeedKind::kUpdates, node);
    return heard.mark.epoch == epoch && heard.covers(*position);
  };
  if (std::ranges::any_of(others, confirmed)) return true;
  const auto registry = replica.registry();
  return std::ranges::any_of(registry->certificates_of(agency), [&](const CertificateId& id) {
    const Certificate* certificate = registry->find_certificate(id);
    return certificate != nullptr && confirmed(certificate->node);
  });
}

bool leads_to(const Registry& registry, const AgencyId& ours, const AgencyId& neighbour,
              const AgencyId& goal) {
  const TreeVersion newest = registry.newest();
  if (registry.above_or_equal(ours, goal, newest))
    return registry.parent(neighbour, newest) == ours &&
           registry.above_or_equal(neighbour, goal, newest);
  return registry.parent(ours, newest) == neighbour;
}

}  // namespace lienthong::store
