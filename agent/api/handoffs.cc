// GET /v1/handoffs: what was handed over or asked: offers of custody, requests to have one back,
// legs and consultations; the oldest first.
#include <algorithm>

#include "agent/api/offers.h"
#include "agent/api/routes.h"
#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "agent/json/work.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::uint64_t kSecondsMax = 10ULL * 366 * 24 * 3600;

struct HandoffFilter {
  bool pending = false;
  std::int64_t older_than_seconds = 0;
  std::string direction;  // "in", "out", or empty: both and others'
};

Result<HandoffFilter> read_handoff_filter(const httplib::Request& request) {
  HandoffFilter out;
  out.pending = query_flag(request, "pending");
  LT_TRY(const auto older, query_number(request, "older_than", kSecondsMax));
  out.older_than_seconds = static_cast<std::int64_t>(older.value_or(0));
  out.direction = request.get_param_value("direction");
  if (!out.direction.empty() && out.direction != "in" && out.direction != "out")
    return Error(Errc::kInvalidArgument, "direction must be in or out");
  return out;
}

}  // namespace

const char* to_string(OfferState state) {
  switch (state) {
    case OfferState::kOpen: return "open";
    case OfferState::kAccepted: return "accepted";
    case OfferState::kDeclined: return "declined";
    case OfferState::kReclaimed: return "reclaimed";
  }
  return "open";
}

std::vector<Offer> offers_of(const RecordState& state) {
  std::vector<Offer> offers;
  for (const LinkEntry& link : state.chain) {
    switch (link.kind) {
      case UpdateKind::kOffer:
        offers.push_back(
            {link.id, link.by, link.to, link.hlc.millis(), link.urgent, OfferState::kOpen});
        break;
      case UpdateKind::kAccept:
        if (!offers.empty()) offers.back().state = OfferState::kAccepted;
        break;
      case UpdateKind::kDecline:
        if (!offers.empty()) offers.back().state = OfferState::kDeclined;
        break;
      case UpdateKind::kReclaim:
        if (!offers.empty()) offers.back().state = OfferState::kReclaimed;
        break;
      case UpdateKind::kSucceed:  // a successor of the target takes over its turn, the offer stays
                                  // open
        if (!offers.empty() && offers.back().state == OfferState::kOpen &&
            offers.back().to == link.to)
          offers.back().to = link.by;
        break;
      default: break;
    }
  }
  return offers;
}

std::optional<Offer> open_offer(const RecordState& state) {
  if (state.offered.is_zero()) return std::nullopt;
  auto offers = offers_of(state);
  if (offers.empty()) return std::nullopt;
  return offers.back();
}

std::optional<UnixMillis> recall_requested(const store::Replica& replica, const RecordState& state,
                                           const UpdateId& offer) {
  for (const UpdateId& id : state.timeline) {
    const auto update = replica.find_update(id);
    if (!update || update->open.kind != UpdateKind::kRecallRequest) continue;
    const auto& about = update->open.references;
    if (std::ranges::find(about, offer) != about.end()) return update->update.envelope.hlc.millis();
  }
  return std::nullopt;
}

namespace {

struct HandoffLine {
  UnixMillis since = 0;
  json line;
};

// Everything of one record that was handed over or asked, as far as the filter wants it.
class Collector {
 public:
  // `direct`: lines go there at once, in the order of the records; null: they are kept for sorting.
  Collector(const ApiContext& api, const HandoffFilter& filter, const LineSink* direct)
      : replica_(api.replica()),
        registry_(replica_.registry()),
        filter_(filter),
        direct_(direct),
        ours_(replica_.identity().agency),
        now_(api.now()) {}

  void add(const RecordState& state) {
    if (!filter_.pending || !state.offered.is_zero()) add_offers(state);
    const bool asked = std::ranges::any_of(state.invitations, [](const Invitation& invitation) {
      return invitation.kind == UpdateKind::kConsult;
    });
    if (asked) add_consultations(state);
    if (state.kind == RecordKind::kLeg && !state.chain.empty()) add_leg(state);
  }
  bool wanted() const { return wanted_; }  // false: whoever asked has gone
  std::vector<HandoffLine> take() {
    std::ranges::stable_sort(lines_, {}, &HandoffLine::since);
    return std::move(lines_);
  }

 private:
  void put(const char* what, const RecordState& state, const AgencyId& from, const AgencyId& to,
           UnixMillis since, const char* state_name, json more) {
    const std::int64_t age = std::max<std::int64_t>(0, (now_ - since) / 1000);
    if (age < filter_.older_than_seconds) return;
    if (filter_.direction == "in" && to != ours_) return;
    if (filter_.direction == "out" && from != ours_) return;
    json line = {{"what", what},
                 {"code", open_text(state, Field::kCode).value_or("")},
                 {"record", state.record.hex()},
                 {"from", agency_json(from, *registry_)},
                 {"to", agency_json(to, *registry_)},
                 {"offered_at", format_time(since)},
                 {"age_seconds", age},
                 {"urgent", false},
                 {"recall_requested", false},
                 {"overdue", false},
                 {"state", state_name}};
    line.update(more);
    if (direct_ == nullptr)
      lines_.push_back({since, std::move(line)});
    else if (wanted_)
      wanted_ = (*direct_)(line);
  }
  json due_json(UnixMillis due, bool overdue) const {
    json out = {{"overdue", overdue}};
    if (due != 0) out["deadline"] = format_time(due);
    return out;
  }
  void add_offers(const RecordState& state) {
    for (const Offer& offer : offers_of(state)) {
      const bool open = offer.state == OfferState::kOpen;
      if (filter_.pending && !open) continue;
      const auto asked = open ? recall_requested(replica_, state, offer.id) : std::nullopt;
      put("offer", state, offer.from, offer.to, offer.offered_at, to_string(offer.state),
          {{"urgent", offer.urgent}, {"recall_requested", asked.has_value()}});
      if (asked) put("recall", state, offer.from, offer.to, *asked, "open", json::object());
    }
  }
  void add_consultations(const RecordState& state) {
    for (const Consultation& asked : consultations_of(replica_, state)) {
      const bool open = asked.answered_at == 0;
      if (filter_.pending && !open) continue;
      const UnixMillis end = open ? now_ : asked.answered_at;
      json more = due_json(asked.deadline, asked.deadline != 0 && end > asked.deadline);
      more["id"] = asked.id.hex();
      put("consultation", state, asked.from, asked.to, asked.asked_at, open ? "open" : "answered",
          std::move(more));
    }
  }
  // While a leg is offered its offer stands in the list.
  void add_leg(const RecordState& state) {
    if (!state.offered.is_zero()) return;
    const auto lead = replica_.find_record(state.lead);
    const store::Leg leg = store::read_leg(lead ? lead->state : RecordState{}, state);
    if (filter_.pending && !store::is_open(leg.state)) return;
    const AgencyId from = lead && !lead->state.chain.empty() ? lead->state.holder : state.origin;
    put("leg", state, from, leg.agency, leg.asked_at,
        std::string(store::to_string(leg.state)).c_str(),
        due_json(leg.due_at, store::is_late(leg, now_)));
  }

  const store::Replica& replica_;
  std::shared_ptr<const Registry> registry_;
  const HandoffFilter& filter_;
  const LineSink* direct_;
  bool wanted_ = true;
  AgencyId ours_;
  UnixMillis now_;
  std::vector<HandoffLine> lines_;
};

}  // namespace

void get_handoffs(ApiCall& call) {
  auto filter = read_handoff_filter(call.request);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    // What waits is little and sorted; the whole history of a province is neither.
    Collector collector(*api, wanted, wanted.pending ? nullptr : &put);
    const auto look = [&](const store::RecordEntry& entry) {
      collector.add(entry.state);
      return collector.wanted() && !api->stopping;
    };
    using store::Mark;
    if (wanted.pending)
      api->replica().for_each_marked({Mark::kOffered, Mark::kAsked, Mark::kLeg}, look);
    else
      api->replica().for_each_record(look);
    for (const HandoffLine& line : collector.take())
      if (!put(line.line)) return;
  });
}

}  // namespace lienthong::agent
