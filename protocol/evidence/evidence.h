// Evidence: one record's signed history with everything that proves it, in a file for somebody who
// trusts none of our machines. docs/protocol/evidence.md. Pure values; no threads, no clock.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "protocol/record/fold.h"
#include "protocol/record/registry.h"
#include "protocol/record/seal.h"

namespace lienthong {

// Where an update stands in a seal's tree, and the path from there to its root.
struct EvidencePlace {
  std::uint32_t seal = 0;  // place in Evidence::seals
  std::uint16_t index = 0;
  std::vector<Hash256> proof;
  bool operator==(const EvidencePlace&) const = default;
};

struct EvidenceUpdate {
  Update update;                      // its closed part is here if it is shown, the secret never
  std::optional<Salt> salt;           // of the closed part that is shown
  std::vector<EvidencePlace> places;  // at least one, ascending by seal
  bool operator==(const EvidenceUpdate&) const = default;
};

struct Evidence {
  RootFingerprint root;  // that the first statement, a genesis, founds
  RecordId record;
  std::vector<Statement> statements;    // each passes Registry::check() after those before it
  std::vector<Seal> seals;              // each named by some update
  std::vector<EvidenceUpdate> updates;  // parents first; the record's first update is the first
  bool operator==(const Evidence&) const = default;
};

Bytes encode_evidence(const Evidence& evidence);
// Form only. Fails: kTruncated, kTooLarge, kMalformed (no such file, bytes too many), kBadVersion,
// with the place: "update 3: …".
Result<Evidence> decode_evidence(ByteView bytes);

// What one update is worth by what is in the file.
struct ProvedUpdate {
  GraphUpdate graph;
  std::vector<HeldSeal> seals;
  std::vector<std::uint16_t> leaves;  // beside `seals`
  // Of the first seal: its certificate, that of who issued this, and so on up to the root's.
  std::vector<CertificateId> issued;
  bool closed = false;              // it has, or had, a closed part
  std::optional<ClosedBody> shown;  // what that says, where it is shown
};

struct ProvedRecord {
  std::shared_ptr<const Registry> registry;
  RecordId record;
  std::vector<ProvedUpdate> updates;  // in the order of the file
  RecordState state;                  // by the full rules
  // Nothing in it needs more than the plain rules of the page: no revocation, closing, withdrawal
  // or adoption, one chain of tree versions under the first keys, no fork.
  bool plain = false;
};

// Checks everything that the page says. Fails as what is checked, with the place: then nothing in
// the file is to be believed.
Result<ProvedRecord> prove(const Evidence& evidence);

}  // namespace lienthong
