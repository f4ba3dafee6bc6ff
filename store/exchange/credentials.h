// What vouches for a certificate: shown to a peer that does not know it. Pure.
#pragma once

#include <vector>

#include "protocol/record/registry.h"

namespace lienthong::store {

// The certificate's statement, that of its agency, and those of everyone who signed them, up to the
// root; parents first; without the genesis, which everybody pins. Empty: the certificate is not
// there.
std::vector<Statement> credentials(const Registry& registry, const CertificateId& certificate);

}  // namespace lienthong::store
