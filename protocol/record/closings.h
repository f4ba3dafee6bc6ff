// Which closings an agency's desk owes when the registry has grown (docs/protocol/registry.md,
// "Closings"), and cuts that are too many for one statement. Pure; no threads.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong {

// The last seal of each incarnation that is held of a node, ascending.
using LastSeals = std::function<std::vector<Cut>(const NodeId&)>;

// The agencies whose machines a tree version closes: those that it dissolves, and those that were
// at or above some agency by the walk under the version before and are not under it. Ascending.
bool closes(const Registry& registry, TreeVersion version, const AgencyId& agency);
std::vector<AgencyId> closed_agencies(const Registry& registry, TreeVersion version);

// The agency whose desk writes the closings of that one's machines: the lowest strictly above it,
// by the parents and by the walk, under the newest tree, that is not dissolved. Zero: the root.
AgencyId closing_agency(const Registry& registry, const AgencyId& of);

// What the desk of `desk` owes in the commit that takes the registry from `before` to `after`: for
// each machine that it believes and that a version new in `after` closes, a closing with what is
// held of it; for each that it believes only since, and that an earlier version closes, one with
// nothing within. None where one for that version counts. Each fits into a statement.
std::vector<Closing> closings_owed(const Registry& before, const Registry& after,
                                   const AgencyId& desk, const LastSeals& last_seals,
                                   UnixMillis now);

// By number, of one incarnation: the seal that came first.
using FirstSeals = std::map<std::uint32_t, SealId>;

// Numbers below some cut for that certificate were used twice: the words, to be said by somebody
// who may, that name the seals which came first, one for the revocations and each version's
// closings that count. None where they are named already, or lie beyond. From the 17th number of an
// incarnation on all that are held of it are named at once, up to 1,024: so whoever uses numbers
// twice one after the other does not make its superior say ever more.
std::vector<StatementBody> bind_numbers(const Registry& registry, const CertificateId& certificate,
                                        std::uint64_t incarnation, const FirstSeals& twins,
                                        const FirstSeals& held, UnixMillis now);

// The same said in as many statements as it takes, each of its own stretch; one where it fits.
std::vector<Closing> in_statements(Closing whole);
std::vector<Revocation> in_statements(Revocation whole);

}  // namespace lienthong
