// Work between agencies, as a record's chain and updates tell it: what is offered, who is asked,
// which legs there are, who waits for whom, and where a dossier has to go back to.
// Reads one replica; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/record/registry.h"
#include "store/office/leg.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// ---- offers of custody ----

enum class OfferState : std::uint8_t { kOpen, kAccepted, kDeclined, kReclaimed };
std::string_view to_string(OfferState state);

struct HandoffOffer {
  UpdateId id;
  AgencyId from, to;
  UnixMillis offered_at = 0;
  bool urgent = false;
  OfferState state = OfferState::kOpen;
};
// In the order of the chain; only the last can be open.
std::vector<HandoffOffer> offers_of(const RecordState& state);
std::optional<HandoffOffer> open_offer(const RecordState& state);
// When the offerer asked for it back; nullopt: it has not.
std::optional<UnixMillis> recall_requested(const Replica& replica, const RecordState& state,
                                           const UpdateId& offer);

struct OfferCounts {
  std::size_t in = 0, out = 0;  // to us, by us
};
// Offers that have had no answer for that long; false from `stopping`: go on.
OfferCounts old_offers(const Replica& replica, UnixMillis now, UnixMillis age,
                       const std::function<bool()>& stopping);

// Since when its holder has held it; 0: nobody holds it.
UnixMillis held_since(const RecordState& state);

// ---- consultations ----

struct Consultation {
  UpdateId id;  // what a reply is about
  AgencyId from, to;
  UnixMillis asked_at = 0;
  UnixMillis deadline = 0;     // 0: none was set
  UnixMillis answered_at = 0;  // 0: open
  bool is_open() const { return answered_at == 0; }
};
// In the order of asking.
std::vector<Consultation> consultations_of(const Replica& replica, const RecordState& state);
// It was answered, or would be answered now, after the moment that was set.
bool is_overdue(const Consultation& consultation, UnixMillis now);

// ---- legs and the way home ----

// Legs here that name the dossier, in the order in which they came.
enum class LegWords : std::uint8_t { kNo, kYes };  // duty and outcome, which lie in closed parts
std::vector<Leg> legs_of(const Replica& replica, const RecordState& dossier,
                         LegWords with = LegWords::kYes);

// The desk that received a dossier whose work is over, while another agency holds it; nullopt: it
// is there, or still worked on. Legs have none: they go back to their dossier.
std::optional<AgencyId> to_return_to(const RecordState& state, const Registry& registry);

enum class WaitsFor : std::uint8_t {  // the first that holds
  kAnswerToOffer,
  kPapers,
  kPayment,
  kWayBack,
  kHandingOver,
  kNothing,
  kHolderAndLegs,
  kHolder,
};
WaitsFor waits_for(const Replica& replica, const RecordState& state, const Registry& registry);

// ---- all of it ----

struct Handoff {
  enum class What : std::uint8_t { kOffer, kRecall, kConsultation, kLeg };
  What what = What::kOffer;
  AgencyId from, to;
  UnixMillis since = 0;
  std::string_view state;  // "open", "accepted", …
  bool urgent = false, recall_requested = false, overdue = false;
  UnixMillis deadline = 0;           // 0: none
  std::optional<UpdateId> question;  // consultation: what a reply is about
};
std::string_view to_string(Handoff::What what);

// What of a record was handed over or asked: offers, requests to have one back, consultations, and
// legs that are not offered (while one is, its offer says so). `pending`: only what is open.
std::vector<Handoff> handoffs_of(const Replica& replica, const RecordState& state, bool pending,
                                 UnixMillis now);

}  // namespace lienthong::store
