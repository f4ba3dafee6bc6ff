// How one root adopts another's agencies: what both sign, and the file that goes between those who
// keep the two root keys. docs/protocol/registry.md, "Several roots". Pure; no threads.
#pragma once

#include <optional>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong {

// What puts the agencies of `adopted` (a registry of that root alone, or that has adopted others)
// below `place`, an agency of the adopter's tree; still to be signed by both.
Adoption propose_adoption(const Registry& adopter, const Registry& adopted, const AgencyId& place,
                          UnixMillis now, std::string note);

// What goes from one to the other: the registry of whoever wrote it and, from the second time on,
// the adoption with the signatures that there are.
struct AdoptionFile {
  RootFingerprint root;               // of whoever wrote it
  std::vector<Statement> statements;  // that registry, in its order
  std::optional<Adoption> adoption;
  std::optional<RootSignature> adopter, adopted;
};
Bytes encode_adoption_file(const AdoptionFile& file);
// Form and signatures. Fails: kMalformed, kTruncated, kTooLarge, kBadSignature.
Result<AdoptionFile> decode_adoption_file(ByteView bytes);
// The registry in it. Fails as Registry::create() and with().
Result<std::shared_ptr<const Registry>> registry_in(const AdoptionFile& file);

}  // namespace lienthong
