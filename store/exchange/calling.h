// What whoever dials a neighbour needs of the replica: session numbers, the key to expect, and what
// is sealed before the first message leaves. docs/protocol/transport.md. No thread or clock.
#pragma once

#include <memory>
#include <optional>

#include "store/exchange/driver.h"

namespace lienthong::store {

// Takes the next session number into `number`. Numbers rise over all peers alike, so that a peer
// whose key is not known beforehand can be given one too.
Job take_session_number(std::shared_ptr<std::uint64_t> number);

// The other side has closed because our number was not above what it saw last.
bool refused_as_replay(CloseCode code, bool closed_by_peer);
// Moves our numbers past what the detail of such a close names, within reason.
Job skip_session_numbers(std::string_view close_detail);

// The machine that is dialled: of the agency's certificates under which a session may be held, our
// own apart, the latest issued. None: it will show its own.
struct Callee {
  CertificateId certificate;
  DhPublic dh_key{};
};
std::optional<Callee> callee_of(const Replica& replica, const AgencyId& agency);

// Seals what waits for that agency, at most `limit` updates; 0: nothing.
Job seal_at_most(const AgencyId& agency, std::size_t limit);

}  // namespace lienthong::store
