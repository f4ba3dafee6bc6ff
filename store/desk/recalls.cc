#include "store/desk/recalls.h"

#include "store/office/between.h"
#include "store/office/marks.h"

namespace lienthong::store {
namespace {

// When the request for that offer came here; nullopt: there is none.
std::optional<UnixMillis> came_at(const Replica& replica, const RecordState& state,
                                  const UpdateId& offer) {
  for (auto id = state.timeline.rbegin(); id != state.timeline.rend(); ++id) {
    if (*id == offer) break;
    const auto update = replica.find_update(*id);
    if (!update || update->open.kind != UpdateKind::kRecallRequest) continue;
    const auto& about = update->open.references;
    if (!about.empty() && about.front() == offer) return update->received_at;
  }
  return std::nullopt;
}

}  // namespace

std::vector<WaitingRecall> waiting_recalls(const Replica& replica,
                                           const std::function<bool()>& stopping) {
  std::vector<WaitingRecall> out;
  const AgencyId& ours = replica.identity().agency;
  for_each_marked(replica, {Mark::kOffered}, [&](const RecordEntry& entry) {
    const RecordState& state = entry.state;
    if (state.offered != ours || state.needs_newer_rules()) return !stopping();
    const auto offer = open_offer(state);
    if (!offer) return !stopping();
    if (const auto at = came_at(replica, state, offer->id))
      out.push_back({state.record, offer->id, *at + kRecallPatience});
    return !stopping();
  });
  return out;
}

bool answer_recall(Transaction& transaction, const WaitingRecall& recall) {
  const auto entry = transaction.find_record(recall.record);
  if (!entry || entry->state.chain.empty() || transaction.restored()) return false;
  const RecordState& state = entry->state;
  const auto offer = open_offer(state);
  if (!offer || offer->id != recall.offer || state.offered != transaction.identity().agency)
    return false;
  Draft draft;
  draft.record = recall.record;
  draft.open.kind = UpdateKind::kDecline;
  draft.open.action = "recalled";
  return transaction.write(std::move(draft)).ok();
}

}  // namespace lienthong::store
