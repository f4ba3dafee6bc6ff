// Offers of custody, read from a record's chain; private to api_*.cc.
#pragma once

#include <optional>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::agent {

enum class OfferState : std::uint8_t { kOpen, kAccepted, kDeclined, kReclaimed };
const char* to_string(OfferState state);

struct Offer {
  UpdateId id;
  AgencyId from, to;
  UnixMillis offered_at = 0;
  bool urgent = false;
  OfferState state = OfferState::kOpen;
};
// In the order of the chain; only the last can be open.
std::vector<Offer> offers_of(const RecordState& state);
std::optional<Offer> open_offer(const RecordState& state);
// Whether the offerer has asked for it back; when.
std::optional<UnixMillis> recall_requested(const store::Replica& replica, const RecordState& state,
                                           const UpdateId& offer);

}  // namespace lienthong::agent
