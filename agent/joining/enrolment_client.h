// The newcomer's side of enrolment over the network. Blocking.
#pragma once

#include <functional>

#include "protocol/enrolment/enrolment.h"

namespace lienthong::agent {

// Dials the token's addresses in their order, each once; the grant is checked as it comes, and
// `keep` stores what it gave before the parent is told that it is complete. Fails: the parent's
// refusal, kBadSignature, keep's error; kClosed when no address led to an answer, with what each
// said.
Result<void> enrol_over_network(const Token& token, const NodeKeys& keys, Entropy& entropy,
                                const std::function<Result<void>(const GrantedNode&)>& keep);

}  // namespace lienthong::agent
