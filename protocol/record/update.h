// One immutable change to one record, and its name. docs/protocol/updates.md.
// Pure values; no threads, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/base/instant.h"
#include "protocol/base/result.h"

namespace lienthong {

enum class UpdateKind : std::uint16_t {  // on the wire: never change
  // links of custody
  kCreated = 1,
  kOffer = 2,
  kAccept = 3,
  kDecline = 4,
  kReclaim = 5,
  kSucceed = 6,
  // under a link
  kSet = 16,            // fields, with or without a timeline entry: the custodian
  kNote = 17,           // timeline entry by any agency of the audience; a superior's is a directive
  kRecallRequest = 18,  // the offerer asks for its offer back; references the offer
  kConsult = 19,        // the custodian asks `target` for an opinion until `deadline`
  kReply = 20,          // the agency consulted answers; `link` and references name the consult
  kShare = 21,          // the custodian lets `target` read
  kInspect = 22,        // a superior opened the closed parts
  kErase = 23,          // closed parts are gone; origin agency or a superior, naming the decision
  kAdopt = 24,   // the custodian takes over writes that were set aside: references and writes
  kUphold = 25,  // at or above the link's author: the branch that ends at `link` stands
};
bool is_link(UpdateKind kind);
const char* to_string(UpdateKind kind);  // "created", "offer", …; "unknown" for a later version's

enum class RecordKind : std::uint16_t {  // on the wire: never change
  kDossier = 1,
  kLeg = 2,
  kFeedback = 3,
  kDocument = 4,
  kProcedure = 5,
};

// The lowest rules version that can express everything this program writes, and the highest it
// folds.
inline constexpr std::uint16_t kRulesVersion = 1;

struct Envelope {
  RecordId record;            // zero in the first update: the record is named by that update's id
  CertificateId certificate;  // the author's
  TreeVersion tree_version = 0;
  std::uint16_t rules_version = kRulesVersion;
  Hlc hlc;
  std::vector<UpdateId> deps;    // heads seen, ascending, at most kParentCountMax
  std::optional<UpdateId> link;  // link followed or written under; none only in the first update
  bool operator==(const Envelope&) const = default;
};

using FieldValue =
    std::variant<std::monostate, std::string, std::int64_t, Bytes>;  // monostate: cleared
struct FieldWrite {
  std::uint16_t field = 0;
  FieldValue value;
  bool operator==(const FieldWrite&) const = default;
};

// Value forms of the bodies in lienthong.capnp. Empty or zero: absent.
struct OpenBody {
  UpdateKind kind = UpdateKind::kNote;
  RecordKind record_kind = RecordKind::kDossier;
  AgencyId target;
  bool urgent = false;
  std::vector<FieldWrite> writes;            // ascending by field
  std::vector<std::uint16_t> closed_fields;  // ascending
  std::string action;  // a code, see is_action_code(); other words are the closed part's
  UnixMillis at = 0;
  std::vector<UpdateId> references;
  RecordId lead;
  UnixMillis deadline = 0;
  std::string decision;
  // What a note says of the codes of its dossier; no verdict looks at it.
  std::string official_code, code_system;
  bool code_withdrawn = false;
  bool operator==(const OpenBody&) const = default;
};

struct ClosedBody {
  Bytes key_hash;  // 16 bytes or empty
  std::vector<FieldWrite> writes;
  std::string officer;
  std::string note;
  std::string action;     // what was done, in words
  std::string account{};  // who used the author's local API: an account there, or a token's name
  bool operator==(const ClosedBody&) const = default;
};

// What everybody who has the record may read of what was done: 1 to 64 of a to z, 0 to 9 and '-'.
bool is_action_code(std::string_view action);

// Drawn once for each record. The salt of each closed part is derived from it, so whoever has it
// can test guesses at all of them, and whoever is shown one salt at that one part alone.
inline constexpr std::size_t kSecretSize = 16;
using RecordSecret = std::array<std::uint8_t, kSecretSize>;
using Salt = std::array<std::uint8_t, 32>;

// As it is stored and sent. Either `closed` is here, or only its hash (erased, or stripped on the
// way), or the update never had a closed part (both empty: hash zero).
struct Update {
  Envelope envelope;
  Bytes open;           // canonical OpenBody, kept verbatim
  Bytes closed;         // canonical ClosedBody, kept verbatim; empty: absent
  Hash256 closed_hash;  // always set when there is or was a closed part
  // The record's, beside a first update's closed part; no other update bears one. Of no hash: the
  // closed part's hash is what shows that it is the right one.
  std::optional<RecordSecret> secret;
  bool operator==(const Update&) const = default;
};

// Fixed layout, little-endian: record 32, certificate 32, tree version 4, rules version 2, hlc 8,
// dep count 1, deps 32 each, link flag 1, link 0 or 32.
Bytes encode_envelope(const Envelope& envelope);
// Fails: kTruncated, kMalformed (flag, order of deps, bytes too many), kTooLarge (deps).
Result<Envelope> decode_envelope(ByteView bytes);

// BLAKE2b-256(envelope), keyed with the record's secret. Shown with a closed part it proves that
// part and tells nothing of the secret.
Salt closed_part_salt(const RootFingerprint& root, const RecordSecret& secret, ByteView envelope);
// BLAKE2b-256(salt ‖ envelope ‖ closed)
Hash256 closed_part_hash(const RootFingerprint& root, const Salt& salt, ByteView envelope,
                         ByteView closed);
Hash256 closed_part_hash(const RootFingerprint& root, const RecordSecret& secret, ByteView envelope,
                         ByteView closed);
// BLAKE2b-256(tag ‖ envelope ‖ H(open) ‖ closed hash)
UpdateId update_id(const RootFingerprint& root, const Update& update);

// Form of envelope and open part, no rights: sizes, canonical body, deps, link, limits of texts and
// lists; in every rules version a first update, and no other, is `created`, without record, deps
// and link. Fails: kTooLarge, kMalformed, kNotCanonical. A kind of a later rules version passes if
// the envelope's rules_version is later than ours. The closed part has no say: whoever holds only
// its hash must come to the same verdict.
Result<OpenBody> check_form(const Update& update);
// Form of a closed part that is here. Fails: kTooLarge, kMalformed, kNotCanonical: then it is not
// kept, its hash is.
Result<ClosedBody> check_closed_form(const Update& update, const OpenBody& open);

// Checks that `closed` matches `closed_hash` under the record's secret: kBadHash.
Result<void> check_closed(const RootFingerprint& root, const RecordSecret& secret,
                          const Update& update);

// One closed part with what proves it to whoever has none of the record's others: the id of the
// update, which its seal covers, follows from what is here. The other parts' salts do not.
struct ShownPart {
  Update update;  // its closed part is here, the secret is not
  Salt salt{};
};
// The update's closed part is here (LT_CHECK).
ShownPart show_closed_part(const RootFingerprint& root, const RecordSecret& secret, Update update);
// What it says. Fails: kBadHash (it is not what was written), kTooLarge, kMalformed, kNotCanonical.
Result<ClosedBody> check_shown(const RootFingerprint& root, const ShownPart& shown);

// The id of the record that the update belongs to.
RecordId record_of(const Update& update, const UpdateId& id);

}  // namespace lienthong
