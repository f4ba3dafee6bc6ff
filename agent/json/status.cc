#include "agent/json/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "store/office/data_check.h"
#include "store/office/late_work.h"
#include "store/office/lists.h"
#include "store/replica/damage.h"
#include "store/replica/scrub.h"

namespace lienthong::agent {

using nlohmann::json;

const char* to_string(LinkState state) {
  switch (state) {
    case LinkState::kConnected: return "connected";
    case LinkState::kDialling: return "dialling";
    case LinkState::kDown: return "down";
  }
  return "down";
}

json time_json(UnixMillis time) { return time == 0 ? json(nullptr) : json(format_time(time)); }

bool in_sync(const std::vector<NeighbourStatus>& neighbours) {
  const auto connected = [](const NeighbourStatus& neighbour) {
    return neighbour.state == LinkState::kConnected;
  };
  if (!neighbours.empty() && std::ranges::none_of(neighbours, connected)) return false;
  return std::ranges::all_of(neighbours, [&](const NeighbourStatus& neighbour) {
    return !connected(neighbour) || neighbour.in_sync;
  });
}

namespace {

// Whether some neighbour has refused what is ours: then it lacks that, whatever else it confirms.
bool refused_by_some(const store::Replica& replica, const store::Counts& counts) {
  return counts.refused > 0 &&
         std::ranges::any_of(replica.refused(SIZE_MAX), &store::RefusedEntry::by_peer);
}

}  // namespace

namespace {

json name_json(const AgencyId& agency, const Registry& registry) {
  const AgencyInfo* info = registry.find_agency(agency);
  return info == nullptr ? json(nullptr) : json(info->name);
}

}  // namespace

json neighbour_json(const NeighbourStatus& neighbour, const Registry& registry, Detail detail) {
  json out = {
      {"agency", agency_json(neighbour.agency, registry)},
      {"agency_name", name_json(neighbour.agency, registry)},
      {"state", to_string(neighbour.state)},
      {"address", neighbour.address},
      {"last_contact", time_json(neighbour.last_contact)},
      {"rtt", neighbour.rtt_seconds ? json(*neighbour.rtt_seconds) : json(nullptr)},
      {"pending_out",
       {{"updates", neighbour.pending_out_updates}, {"bytes", neighbour.pending_out_bytes}}},
      {"pending_in",
       {{"updates", neighbour.pending_in_updates}, {"bytes", neighbour.pending_in_bytes}}},
      {"sent_bytes", neighbour.sent_bytes},
      {"received_bytes", neighbour.received_bytes},
      {"ip_sent_bytes", neighbour.ip_sent_bytes},
      {"ip_received_bytes", neighbour.ip_received_bytes},
      {"caught_up_at", time_json(neighbour.caught_up_at)},
      {"in_sync", neighbour.state == LinkState::kConnected && neighbour.in_sync},
      {"comparing", neighbour.state == LinkState::kConnected && neighbour.comparing},
      {"differs", neighbour.differs},
      {"stands_since", time_json(neighbour.stands_since)}};
  if (detail == Detail::kShort) return out;
  out["node"] = neighbour.node ? json(neighbour.node->hex()) : json(nullptr);
  out["connected_since"] = time_json(neighbour.connected_since);
  out["sessions"] = neighbour.sessions;
  out["failures"] = neighbour.failures;
  out["last_error"] = neighbour.last_error;
  out["next_attempt"] = time_json(neighbour.next_attempt);
  return out;
}

json budget_json(const BudgetStatus& budget) {
  json closed = json::array();
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    if (budget.gates[lane] == LaneGate::kOpen) continue;
    closed.push_back({{"lane", lane}, {"reason", to_string(budget.gates[lane])}});
  }
  return {{"bytes_per_day", budget.bytes_per_day == 0 ? json(nullptr) : json(budget.bytes_per_day)},
          {"spent_bytes", budget.spent_total},
          {"spent_bytes_by_lane", budget.spent},
          {"spent_bytes_day_before", budget.spent_before},
          {"forecast_bytes", budget.forecast},
          {"day_seconds", budget.elapsed.count()},
          {"closed_lanes", std::move(closed)}};
}

json refused_peer_json(const RefusedPeer& peer) {
  return {{"address", peer.address},
          {"reason", peer.reason},
          {"last", time_json(peer.last)},
          {"count", peer.count}};
}

// How old the last whole reading of the disk is.
json scrub_json(const store::Replica& replica) {
  const store::ScrubState state = store::scrub_state(replica);
  return {{"begun", time_json(state.begun)}, {"finished", time_json(state.finished)}};
}

// What lists are read from, while it is being made.
json lists_json(const store::Replica& replica) {
  const auto progress = store::lists_progress(replica);
  if (!progress) return nullptr;
  return {{"records", progress->records}, {"of", progress->of}};
}

json damage_json(const store::Replica& replica) {
  const auto damage = store::find_damage(replica);
  if (!damage) return nullptr;
  json out = {{"at", time_json(damage->at)},
              {"findings", damage->findings},
              {"kept_as", damage->kept_as},
              {"writes_missing", nullptr},
              {"first_write", damage->first_write},
              {"last_write", damage->last_write},
              {"updates_kept", damage->updates_kept},
              {"updates_missing", damage->updates_missing},
              {"first_update", damage->first_update},
              {"last_update", damage->last_update},
              {"updates_waiting", damage->updates_waiting},
              {"statements_missing", damage->statements_missing},
              {"scans_missing", damage->scans_missing},
              {"store_was_gone", damage->store_was_gone},
              {"unsure", damage->unsure},
              {"seen_at", time_json(damage->seen_at)}};
  if (damage->writes_missing) out["writes_missing"] = *damage->writes_missing;
  return out;
}

json status_json(const store::Replica& replica, const std::vector<NeighbourStatus>& neighbours,
                 const StatusFacts& facts) {
  const auto registry = replica.registry();
  const store::Counts counts = replica.counts();
  const store::Identity& identity = replica.identity();
  const AgencyInfo* ours = registry->find_agency(identity.agency);
  json list = json::array();
  for (const NeighbourStatus& neighbour : neighbours)
    list.push_back(neighbour_json(neighbour, *registry, Detail::kShort));
  json held = json::array();
  for (const store::HeldPush& push : replica.held_pushes())
    held.push_back({{"origin", agency_json(push.origin, *registry)},
                    {"to", agency_json(push.to, *registry)},
                    {"count", push.count}});
  json late = json::array();
  for (const store::LateWork& work : store::late_work(replica))
    late.push_back({{"agency", agency_json(work.agency, *registry)},
                    {"node", work.node.hex()},
                    {"updates", work.updates},
                    {"statements", work.statements},
                    {"since", time_json(work.since)}});
  return {{"agency", agency_json(identity.agency, *registry)},
          {"agency_name", ours != nullptr ? json(ours->name) : json(nullptr)},
          {"node", identity.node.hex()},
          {"root", replica.root().hex()},
          {"version", facts.version},
          {"records", counts.records},
          {"updates", counts.updates},
          {"waiting", counts.waiting},
          {"inert", counts.inert},
          {"refused", counts.refused},
          {"only_here", facts.only_here},
          {"unsealed", counts.unsealed},
          {"stripped", counts.stripped},
          {"held_back", std::move(held)},
          {"late_work", std::move(late)},
          {"in_sync", !facts.trouble && in_sync(neighbours) && !refused_by_some(replica, counts)},
          {"restored", replica.restored()},
          {"damage", damage_json(replica)},
          {"scrub", scrub_json(replica)},
          {"lists", lists_json(replica)},
          {"clock_doubtful", store::clock_doubtful(replica, facts.now)},
          {"trouble", facts.trouble ? json(facts.trouble->message()) : json(nullptr)},
          {"disk_bytes", replica.disk_bytes()},
          {"last_change", replica.last_change()},
          {"started_at", time_json(facts.started_at)},
          {"budget", facts.budget ? budget_json(*facts.budget) : json(nullptr)},
          {"registry",
           {{"digest", registry->digest().hex()},
            {"statements", registry->size()},
            {"tree_version", registry->newest()},
            {"newest_root_word", time_json(registry->newest_root_word())}}},
          {"neighbours", std::move(list)}};
}

}  // namespace lienthong::agent
