// GET /v1/handoffs: offers of custody, open or answered.
#include <algorithm>

#include "agent/api_offers.h"
#include "agent/api_routes.h"
#include "agent/json_dossier.h"
#include "agent/json_fields.h"
#include "agent/json_time.h"

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

bool passes(const HandoffFilter& filter, const Offer& offer, const AgencyId& ours,
            std::int64_t age) {
  if (filter.pending && offer.state != OfferState::kOpen) return false;
  if (filter.direction == "in" && offer.to != ours) return false;
  if (filter.direction == "out" && offer.from != ours) return false;
  return age >= filter.older_than_seconds;
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

void get_handoffs(ApiCall& call) {
  auto filter = read_handoff_filter(call.request);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const store::Replica& replica = api->replica();
    const auto registry = replica.registry();
    const AgencyId ours = replica.identity().agency;
    const UnixMillis now = api->now();
    replica.for_each_record([&](const store::RecordEntry& entry) {
      const RecordState& state = entry.state;
      if (wanted.pending && state.offered.is_zero()) return !api->stopping;
      for (const Offer& offer : offers_of(state)) {
        const std::int64_t age = std::max<std::int64_t>(0, (now - offer.offered_at) / 1000);
        if (!passes(wanted, offer, ours, age)) continue;
        json line = {
            {"code", open_text(state, Field::kCode).value_or("")},
            {"record", state.record.hex()},
            {"from", agency_json(offer.from, *registry)},
            {"to", agency_json(offer.to, *registry)},
            {"offered_at", format_time(offer.offered_at)},
            {"age_seconds", age},
            {"urgent", offer.urgent},
            {"recall_requested", offer.state == OfferState::kOpen &&
                                     recall_requested(replica, state, offer.id).has_value()},
            {"state", to_string(offer.state)}};
        if (!put(line)) return false;
      }
      return true;
    });
  });
}

}  // namespace lienthong::agent
