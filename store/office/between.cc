#include "store/office/between.h"

#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/marks.h"
#include "store/office/reading.h"

namespace lienthong::store {

// ---- offers of custody ----

std::string_view to_string(OfferState state) {
  switch (state) {
    case OfferState::kOpen: return "open";
    case OfferState::kAccepted: return "accepted";
    case OfferState::kDeclined: return "declined";
    case OfferState::kReclaimed: return "reclaimed";
  }
  return "open";
}

std::vector<HandoffOffer> offers_of(const RecordState& state) {
  std::vector<HandoffOffer> offers;
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

std::optional<HandoffOffer> open_offer(const RecordState& state) {
  if (state.offered.is_zero()) return std::nullopt;
  auto offers = offers_of(state);
  if (offers.empty()) return std::nullopt;
  return offers.back();
}

std::optional<UnixMillis> recall_requested(const Replica& replica, const RecordState& state,
                                           const UpdateId& offer) {
  // What asks for an offer back stands after it.
  std::optional<UnixMillis> first;
  for (auto id = state.timeline.rbegin(); id != state.timeline.rend() && *id != offer; ++id) {
    const auto update = replica.find_update(*id);
    if (!update || update->open.kind != UpdateKind::kRecallRequest) continue;
    const auto& about = update->open.references;
    if (std::ranges::find(about, offer) != about.end())
      first = update->update.envelope.hlc.millis();
  }
  return first;
}

OfferCounts old_offers(const Replica& replica, UnixMillis now, UnixMillis age,
                       const std::function<bool()>& stopping) {
  const AgencyId ours = replica.identity().agency;
  OfferCounts out;
  for_each_marked(replica, {Mark::kOffered}, [&](const RecordEntry& entry) {
    const auto offer = open_offer(entry.state);
    if (!offer || now - offer->offered_at < age) return !stopping();
    if (offer->to == ours) ++out.in;
    if (offer->from == ours) ++out.out;
    return !stopping();
  });
  return out;
}

UnixMillis held_since(const RecordState& state) {
  UnixMillis since = 0;
  for (const LinkEntry& link : state.chain)
    if (link.kind != UpdateKind::kOffer && link.kind != UpdateKind::kDecline &&
        link.by == state.holder)
      since = link.hlc.millis();
  return since;
}

// ---- consultations ----

std::vector<Consultation> consultations_of(const Replica& replica, const RecordState& state) {
  std::vector<Consultation> out;
  for (const Invitation& invitation : state.invitations) {
    if (invitation.kind != UpdateKind::kConsult) continue;
    const auto asked = replica.find_update(invitation.id);
    if (!asked) continue;
    out.push_back({invitation.id, asked->agency, invitation.target,
                   asked->update.envelope.hlc.millis(), asked->open.deadline, 0});
  }
  if (out.empty()) return out;
  const auto is_asked = [&out](const UpdateId& id) {
    return std::ranges::find(out, id, &Consultation::id) != out.end();
  };
  // An answer stands after its question.
  auto from = std::ranges::find_if(state.timeline, is_asked);
  for (; from != state.timeline.end(); ++from) {
    const auto update = replica.find_update(*from);
    if (!update || update->open.kind != UpdateKind::kReply) continue;
    for (Consultation& consultation : out)
      if (consultation.is_open() && std::ranges::find(update->open.references, consultation.id) !=
                                        update->open.references.end())
        consultation.answered_at = update->update.envelope.hlc.millis();
  }
  std::ranges::stable_sort(out, {}, &Consultation::asked_at);
  return out;
}

bool is_overdue(const Consultation& consultation, UnixMillis now) {
  const UnixMillis end = consultation.is_open() ? now : consultation.answered_at;
  return consultation.deadline != 0 && end > consultation.deadline;
}

// ---- legs and the way home ----

namespace {

// What the closed part says in that field; where it is not here, the leg says so.
std::string closed_words(Leg& leg, const Replica& replica, const RecordState& state, Field field) {
  const auto at = state.closed_fields.find(static_cast<std::uint16_t>(field));
  if (at == state.closed_fields.end() || at->second.writes.empty()) return {};
  const auto update = replica.find_update(at->second.writes.front());
  const auto closed = wire::decode_closed(update ? ByteView(update->update.closed) : ByteView());
  if (!closed.ok()) {
    leg.missing.push_back(field);
    return {};
  }
  return written_text(closed->writes, field).value_or(std::string());
}

void put_words(Leg& leg, const Replica& replica, const RecordState& state) {
  if (!takes_part(replica, state)) return;
  leg.duty = closed_words(leg, replica, state, Field::kDuty);
  leg.outcome = closed_words(leg, replica, state, Field::kOutcome);
}

}  // namespace

std::vector<Leg> legs_of(const Replica& replica, const RecordState& dossier, LegWords with) {
  std::vector<Leg> out;
  for (const RecordId& id : replica.led_by(dossier.record)) {
    const auto entry = replica.find_record(id);
    if (!entry || entry->state.kind != RecordKind::kLeg || entry->state.chain.empty()) continue;
    Leg leg = read_leg(dossier, entry->state);
    if (with == LegWords::kYes) put_words(leg, replica, entry->state);
    out.push_back(std::move(leg));
  }
  return out;
}

std::optional<AgencyId> to_return_to(const RecordState& state, const Registry& registry) {
  const auto status = open_status(state);
  const bool over =
      status == Status::kDone || status == Status::kRefused || status == Status::kWithdrawn;
  if (state.kind != RecordKind::kDossier || state.chain.empty() || !over) return std::nullopt;
  const AgencyId home = registry.resolve(intake_of(state), registry.newest());
  if (home == state.holder) return std::nullopt;
  return home;
}

WaitsFor waits_for(const Replica& replica, const RecordState& state, const Registry& registry) {
  const auto status = open_status(state);
  if (!state.offered.is_zero()) return WaitsFor::kAnswerToOffer;
  if (status == Status::kSupplement) return WaitsFor::kPapers;
  if (status == Status::kPayment) return WaitsFor::kPayment;
  if (to_return_to(state, registry)) return WaitsFor::kWayBack;
  if (status == Status::kDone) return WaitsFor::kHandingOver;
  if (status == Status::kRefused || status == Status::kWithdrawn || status == Status::kStopped ||
      status == Status::kReturned)
    return WaitsFor::kNothing;
  const auto legs = legs_of(replica, state, LegWords::kNo);
  const bool open = std::ranges::any_of(legs, [](const Leg& leg) { return is_open(leg.state); });
  return open ? WaitsFor::kHolderAndLegs : WaitsFor::kHolder;
}

// ---- all of it ----

std::string_view to_string(Handoff::What what) {
  switch (what) {
    case Handoff::What::kOffer: return "offer";
    case Handoff::What::kRecall: return "recall";
    case Handoff::What::kConsultation: return "consultation";
    case Handoff::What::kLeg: return "leg";
  }
  return "offer";
}

namespace {

void add_offers(std::vector<Handoff>& out, const Replica& replica, const RecordState& state,
                bool pending) {
  for (const HandoffOffer& offer : offers_of(state)) {
    const bool open = offer.state == OfferState::kOpen;
    if (pending && !open) continue;
    const auto asked = open ? recall_requested(replica, state, offer.id) : std::nullopt;
    Handoff line;
    line.from = offer.from;
    line.to = offer.to;
    line.since = offer.offered_at;
    line.state = to_string(offer.state);
    line.urgent = offer.urgent;
    line.recall_requested = asked.has_value();
    out.push_back(line);
    if (!asked) continue;
    Handoff recall;
    recall.what = Handoff::What::kRecall;
    recall.from = offer.from;
    recall.to = offer.to;
    recall.since = *asked;
    recall.state = "open";
    out.push_back(recall);
  }
}

void add_consultations(std::vector<Handoff>& out, const Replica& replica, const RecordState& state,
                       bool pending, UnixMillis now) {
  for (const Consultation& asked : consultations_of(replica, state)) {
    if (pending && !asked.is_open()) continue;
    Handoff line;
    line.what = Handoff::What::kConsultation;
    line.from = asked.from;
    line.to = asked.to;
    line.since = asked.asked_at;
    line.state = asked.is_open() ? "open" : "answered";
    line.overdue = is_overdue(asked, now);
    line.deadline = asked.deadline;
    line.question = asked.id;
    out.push_back(line);
  }
}

void add_leg(std::vector<Handoff>& out, const Replica& replica, const RecordState& state,
             bool pending, UnixMillis now) {
  if (state.kind != RecordKind::kLeg || state.chain.empty() || !state.offered.is_zero()) return;
  const auto lead = replica.find_record(state.lead);
  const Leg leg = read_leg(lead ? lead->state : RecordState{}, state);
  if (pending && !is_open(leg.state)) return;
  Handoff line;
  line.what = Handoff::What::kLeg;
  line.from = lead && !lead->state.chain.empty() ? lead->state.holder : state.origin;
  line.to = leg.agency;
  line.since = leg.asked_at;
  line.state = to_string(leg.state);
  line.overdue = is_late(leg, now);
  line.deadline = leg.due_at;
  out.push_back(line);
}

}  // namespace

std::vector<Handoff> handoffs_of(const Replica& replica, const RecordState& state, bool pending,
                                 UnixMillis now) {
  std::vector<Handoff> out;
  if (!pending || !state.offered.is_zero()) add_offers(out, replica, state, pending);
  const bool asked = std::ranges::any_of(state.invitations, [](const Invitation& invitation) {
    return invitation.kind == UpdateKind::kConsult;
  });
  if (asked) add_consultations(out, replica, state, pending, now);
  add_leg(out, replica, state, pending, now);
  return out;
}

}  // namespace lienthong::store
