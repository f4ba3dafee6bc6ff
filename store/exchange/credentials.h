// What vouches for a certificate: shown to a peer that does not know it. Pure.
#pragma once

#include <vector>

#include "protocol/record/registry.h"

namespace lienthong::store {

// The certificate's statement and all that it names, directly or by others: its agency, those who
// signed, what it replaces, the tree versions under which they signed and what these name. What is
// named comes first; without the genesis, which everybody pins. The oldest are left out beyond
// wire::kCredentialCountMax and what a message holds: most peers have them. Empty: the certificate
// is not there.
std::vector<Statement> credentials(const Registry& registry, const CertificateId& certificate);

}  // namespace lienthong::store
