// GET …/why: who holds a dossier, since when, what it waits for, and where its last change has got
// to.
#include <algorithm>
#include <map>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/reasons.h"
#include "agent/json/status.h"
#include "agent/json/time.h"
#include "agent/json/work.h"
#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/between.h"
#include "store/office/conflicts.h"
#include "store/office/lateness.h"
#include "store/office/reached.h"
#include "store/office/reading.h"
#include "store/office/updates.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using texts::Reason;

enum class HopState : std::uint8_t { kAcknowledged, kSent, kNotSent };

const char* to_text(HopState state) {
  switch (state) {
    case HopState::kAcknowledged: return "acknowledged";
    case HopState::kSent: return "sent";
    case HopState::kNotSent: return "not-sent";
  }
  return "not-sent";
}

struct Hop {
  NeighbourStatus neighbour;
  HopState state = HopState::kNotSent;
  bool towards_turn = false;  // the next on the way to the agency whose turn it is
};

std::optional<ClosedBody> closed_of(const store::StoredUpdate& update) {
  if (update.update.closed.empty()) return std::nullopt;
  auto closed = wire::decode_closed(update.update.closed);
  return closed.ok() ? std::optional(*std::move(closed)) : std::nullopt;
}

class Explanation {
 public:
  Explanation(const ApiContext& api, const store::RecordEntry& entry)
      : api_(api),
        replica_(api.replica()),
        registry_(replica_.registry()),
        state_(entry.state),
        updates_(entry.updates),
        ours_(replica_.identity().agency) {
    if (!entry.updates.empty()) last_ = replica_.find_update(entry.updates.back());
    find_hops();
  }
  json to_json();

 private:
  void find_hops();
  HopState hop_state(const NeighbourStatus& neighbour) const;
  bool leads_to_turn(const AgencyId& neighbour) const;
  void reason(Reason why, const std::vector<std::string>& values = {}, UnixMillis since = 0);
  void explain_offer();
  void explain_links();
  void explain_record();
  void explain_times();
  void explain_held_back();
  void explain_forks();
  void explain_waiting();
  void explain_work();
  Reason waits_for() const;
  json hops_json() const;
  std::string name(const AgencyId& agency) const;
  std::string code(const AgencyId& agency) const { return agency_code(agency, *registry_); }

  const ApiContext& api_;
  const store::Replica& replica_;
  std::shared_ptr<const Registry> registry_;
  const RecordState& state_;
  const std::vector<std::uint64_t>& updates_;
  AgencyId ours_;
  std::optional<store::StoredUpdate> last_;
  std::vector<Hop> hops_;
  json reasons_ = json::array();
};

std::string Explanation::name(const AgencyId& agency) const {
  const AgencyInfo* info = registry_->find_agency(agency);
  return info != nullptr ? info->name + " (" + info->code + ")" : agency.short_hex();
}

bool Explanation::leads_to_turn(const AgencyId& neighbour) const {
  if (state_.chain.empty() || state_.turn() == ours_) return false;
  const AgencyId& turn = state_.turn();
  if (neighbour == turn) return true;
  const bool direct =
      std::ranges::any_of(hops_, [&](const Hop& hop) { return hop.neighbour.agency == turn; });
  return !direct && store::leads_to(*registry_, ours_, neighbour, turn);
}

HopState Explanation::hop_state(const NeighbourStatus& neighbour) const {
  if (!last_) return HopState::kNotSent;
  if (last_->agency == neighbour.agency && neighbour.agency != ours_)
    return HopState::kAcknowledged;
  if (!replica_.feed_position(neighbour.agency, last_->id)) return HopState::kNotSent;
  std::vector<NodeId> nodes;
  if (neighbour.node) nodes.push_back(*neighbour.node);
  if (store::has_reached(replica_, last_->id, neighbour.agency, nodes))
    return HopState::kAcknowledged;
  const bool connected = neighbour.state == LinkState::kConnected;
  return connected && last_->seal ? HopState::kSent : HopState::kNotSent;
}

void Explanation::find_hops() {
  const auto members = replica_.audience_of(state_);
  for (NeighbourStatus& neighbour : api_.links.neighbours()) {
    const bool sibling = neighbour.agency == ours_;  // another machine of ours
    if (!sibling && !std::ranges::binary_search(members, neighbour.agency)) continue;
    Hop hop;
    hop.state = hop_state(neighbour);
    hop.neighbour = std::move(neighbour);
    hops_.push_back(std::move(hop));
  }
  for (Hop& hop : hops_) hop.towards_turn = leads_to_turn(hop.neighbour.agency);
  std::ranges::stable_sort(hops_, std::greater<>(), &Hop::towards_turn);
}

void Explanation::reason(Reason why, const std::vector<std::string>& values, UnixMillis since) {
  json out = reason_json(why, values);
  if (since != 0) out["since"] = format_time(since);
  reasons_.push_back(std::move(out));
}

void Explanation::explain_offer() {
  const auto offer = store::open_offer(state_);
  if (!offer) return;
  const std::string from = name(state_.holder), to = name(state_.offered);
  reason(Reason::kOfferOpen, {from, to}, offer->offered_at);
  if (const auto asked = store::recall_requested(replica_, state_, offer->id))
    reason(Reason::kRecallRequested, {from}, *asked);
}

// What is dated more than a day after it came.
void Explanation::explain_times() {
  struct Doubt {
    AgencyId agency;
    UnixMillis named = 0, came = 0;
  };
  std::map<UpdateId, Doubt> doubts;
  store::for_each_update(replica_, updates_, [&](store::StoredUpdate&& update) {
    const UnixMillis named = update.update.envelope.hlc.millis();
    if (store::is_doubtful(named, update.received_at))
      doubts.emplace(update.id, Doubt{update.agency, named, update.received_at});
  });
  if (doubts.empty()) return;
  for (const UpdateId& id : state_.timeline)
    if (const auto at = doubts.find(id); at != doubts.end())
      reason(Reason::kTimeDoubtful,
             {name(at->second.agency), format_time(at->second.named), format_time(at->second.came)},
             at->second.came);
}

void Explanation::explain_held_back() {
  if (state_.chain.empty()) return;
  if (const auto to = replica_.held_back_from(state_.record))
    return reason(Reason::kHeldBack,
                  {name(state_.holder), std::to_string(store::kPushedCountMax), name(*to)});
  if (state_.holder != ours_ || state_.offered.is_zero()) return;
  const bool direct = std::ranges::any_of(
      hops_, [&](const Hop& hop) { return hop.neighbour.agency == state_.offered; });
  const std::size_t open =
      direct ? 0 : store::old_offers(replica_, api_.now(), 0, [] { return false; }).out;
  if (open > store::kPushedCountMax)
    reason(Reason::kHeldBackElsewhere,
           {std::to_string(open), std::to_string(store::kPushedCountMax)});
}

void Explanation::explain_links() {
  for (const Hop& hop : hops_) {
    if (hop.state == HopState::kAcknowledged && !hop.towards_turn) continue;
    const std::string who = name(hop.neighbour.agency);
    if (hop.neighbour.state != LinkState::kConnected)
      reason(Reason::kLinkDown, {who}, hop.neighbour.last_contact);
    if (hop.state == HopState::kNotSent)
      reason(Reason::kNotSent, {who}, last_ ? last_->received_at : 0);
    if (hop.state == HopState::kSent)
      reason(Reason::kNotAcknowledged, {who}, last_ ? last_->received_at : 0);
  }
}

void Explanation::explain_record() {
  if (store::is_late(state_, api_.now()))
    reason(Reason::kLate, {}, open_integer(state_, Field::kDueAt).value_or(0));
  if (const auto aside = open_set_aside(state_); !aside.empty())
    reason(Reason::kSetAside, {std::to_string(aside.size())});
  if (!state_.inert.empty()) reason(Reason::kInert, {std::to_string(state_.inert.size())});
  if (has_conflict(state_)) reason(Reason::kConflict);
}

// Where two wrote the next link of custody.
void Explanation::explain_forks() {
  for (const ForkEntry& fork : state_.forks) {
    const auto link = replica_.find_update(fork.link);
    const std::string where = link ? format_time(link->update.envelope.hlc.millis()) : "";
    const auto word = replica_.find_update(fork.decision);
    if (fork.bound && word)
      reason(Reason::kForkDecided, {where, name(word->agency)}, word->update.envelope.hlc.millis());
    else if (fork.notary == ours_)
      reason(Reason::kForkOurs, {where});
    else
      reason(Reason::kForkOpen, {where, fork.notary.is_zero() ? "?" : name(fork.notary)});
  }
}

// What has come of it and does not count yet, as something that it builds on is not here.
void Explanation::explain_waiting() {
  const store::WaitingUpdates waiting = store::waiting_of(replica_, state_.record);
  const auto tell = [this](const store::WaitingGroup& group, Reason why) {
    if (group.count != 0) reason(why, {std::to_string(group.count)}, group.since);
  };
  tell(waiting.on_missing, Reason::kParentMissing);
  tell(waiting.on_refused, Reason::kParentRefused);
  tell(waiting.on_registry, Reason::kRegistryMissing);
  tell(waiting.on_revoked, Reason::kMachineRevoked);
}

// What others have still to do, and where the result has to go.
void Explanation::explain_work() {
  for (const store::Leg& leg : store::legs_of(replica_, state_)) {
    if (!store::is_open(leg.state)) continue;
    const std::vector<std::string> values{leg.code, name(leg.agency)};
    const bool late = store::is_late(leg, api_.now());
    switch (leg.state) {
      case store::LegState::kOffered:
        reason(late ? Reason::kLegLateOffered : Reason::kLegOpenOffered, values, leg.asked_at);
        break;
      case store::LegState::kReturned:
        reason(late ? Reason::kLegLateReturned : Reason::kLegOpenReturned, values, leg.asked_at);
        break;
      case store::LegState::kFinished:
        reason(late ? Reason::kLegLateFinished : Reason::kLegOpenFinished, values, leg.finished_at);
        break;
      default: reason(late ? Reason::kLegLateWorked : Reason::kLegOpenWorked, values, leg.asked_at);
    }
  }
  for (const store::Consultation& asked : store::consultations_of(replica_, state_)) {
    if (!asked.is_open()) continue;
    const bool over = store::is_overdue(asked, api_.now());
    reason(over ? Reason::kConsultationOverdue : Reason::kConsultationOpen, {name(asked.to)},
           asked.asked_at);
  }
  if (const auto home = store::to_return_to(state_, *registry_))
    reason(Reason::kToReturn, {name(*home)});
}

// What the dossier waits for, if only for one thing.
Reason Explanation::waits_for() const {
  switch (store::waits_for(replica_, state_, *registry_)) {
    case store::WaitsFor::kAnswerToOffer: return Reason::kWaitsAnswer;
    case store::WaitsFor::kPapers: return Reason::kWaitsPapers;
    case store::WaitsFor::kPayment: return Reason::kWaitsPayment;
    case store::WaitsFor::kWayBack: return Reason::kWaitsReturn;
    case store::WaitsFor::kHandingOver: return Reason::kWaitsHandingOver;
    case store::WaitsFor::kNothing: return Reason::kWaitsNothing;
    case store::WaitsFor::kHolderAndLegs: return Reason::kWaitsLegs;
    case store::WaitsFor::kHolder: return Reason::kWaitsHolder;
  }
  return Reason::kWaitsHolder;
}

json Explanation::hops_json() const {
  json list = json::array();
  for (const Hop& hop : hops_)
    list.push_back({{"agency", code(hop.neighbour.agency)},
                    {"state", to_text(hop.state)},
                    {"link", lienthong::agent::to_string(hop.neighbour.state)},
                    {"towards_turn", hop.towards_turn},
                    {"last_contact", time_json(hop.neighbour.last_contact)},
                    {"next_attempt", time_json(hop.neighbour.next_attempt)},
                    {"address", hop.neighbour.address}});
  return list;
}

json Explanation::to_json() {
  explain_offer();
  explain_links();
  explain_record();
  explain_held_back();
  explain_times();
  explain_forks();
  explain_waiting();
  explain_work();
  json out = {
      {"code", open_text(state_, Field::kCode).value_or("")},
      {"record", state_.record.hex()},
      {"holder", agency_json(state_.holder, *registry_)},
      {"since", time_json(store::held_since(state_))},
      {"turn", state_.chain.empty() ? json(nullptr) : agency_json(state_.turn(), *registry_)},
      {"offered_to", agency_json(state_.offered, *registry_)},
      {"late", store::is_late(state_, api_.now())},
      {"reasons", std::move(reasons_)},
      {"hops", hops_json()},
      {"next_attempt", nullptr}};
  const AgencyInfo* holder = registry_->find_agency(state_.holder);
  out["holder_name"] = holder != nullptr ? json(holder->name) : json(nullptr);
  const json waits = reason_json(waits_for());
  out["waiting_for_code"] = waits.at("code");
  out["waiting_for"] = waits.at("text_en");
  out["waiting_for_vi"] = waits.at("text_vi");
  if (state_.kind == RecordKind::kDossier) {
    json work = explanation_json(api_, state_);
    if (work.contains("step")) out["step"] = std::move(work["step"]);
  }
  put_work(out, replica_, state_, api_.now());
  if (last_)
    out["last_change"] = {
        {"id", last_->id.hex()},
        {"kind", to_string(last_->open.kind)},
        {"by", code(last_->agency)},
        {"at", format_time(last_->update.envelope.hlc.millis())},
        {"here_since", time_json(last_->received_at)},
        {"doubtful", store::is_doubtful(last_->update.envelope.hlc.millis(), last_->received_at)},
        {"sealed", last_->seal.has_value()}};
  const bool shown = last_ && store::takes_part(replica_, state_);
  if (const auto closed = shown ? closed_of(*last_) : std::nullopt; closed)
    if (!closed->account.empty()) out["last_change"]["account"] = closed->account;
  for (const Hop& hop : hops_) {
    if (hop.state == HopState::kAcknowledged && !hop.towards_turn) continue;
    if (hop.neighbour.next_attempt == 0) continue;
    out["next_attempt"] = format_time(hop.neighbour.next_attempt);
    break;
  }
  return out;
}

}  // namespace

void get_why(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto entry = call.api.replica().find_record(*record);
  if (!entry)
    return send_error(call.response, Error(Errc::kNotFound, "no record " + record->hex()));
  send_json(call.response, Explanation(call.api, *entry).to_json());
}

}  // namespace lienthong::agent
