// Statements of the registry: what the root and the agencies say about agencies, keys and trust.
// docs/protocol/registry.md. Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/base/ids.h"
#include "protocol/base/instant.h"
#include "protocol/record/seal.h"

namespace lienthong {

struct Genesis {
  NodeId key_in_use;    // Ed25519
  NodeId key_on_paper;  // Ed25519
  UnixMillis created_at = 0;
  Bytes nonce;  // 16
  bool operator==(const Genesis&) const = default;
};

struct AgencyDeclaration {
  AgencyId parent;  // zero: topmost
  std::string code, name, tier;
  UnixMillis declared_at = 0;
  Bytes nonce;  // 16
  TreeVersion tree_version = 0;
  bool operator==(const AgencyDeclaration&) const = default;
};

struct Reparent {
  AgencyId parent;
  bool operator==(const Reparent&) const = default;
};
struct Dissolve {
  std::vector<AgencyId> successors;
  bool operator==(const Dissolve&) const = default;
};
struct Rename {
  std::string code, name;
  bool operator==(const Rename&) const = default;
};
struct AgencyChange {
  AgencyId agency;
  std::variant<Reparent, Dissolve, Rename> change;
  bool operator==(const AgencyChange&) const = default;
};
struct TreeChange {
  TreeVersion number = 0;
  StatementId previous;
  std::vector<AgencyChange> changes;
  UnixMillis decided_at = 0;
  std::string note;
  NodeId key_in_use;    // zero: unchanged
  NodeId key_on_paper;  // zero: unchanged
  bool operator==(const TreeChange&) const = default;
};

using DhPublicKey = std::array<std::uint8_t, 32>;  // X25519

struct Certificate {
  AgencyId agency;
  NodeId node;  // Ed25519
  DhPublicKey dh_key{};
  bool may_issue = false;
  std::uint8_t thousand = 0;  // 0 to 9
  UnixMillis renew_by = 0;
  UnixMillis issued_at = 0;
  CertificateId replaces;  // zero: none
  TreeVersion tree_version = 0;
  Signature possession{};  // by `node` over possession_hash()
  bool operator==(const Certificate&) const = default;
};

// Of numbers below a cut's: with a seal, first = last and it alone is within; with none (zero), no
// seal that bears one of them.
struct CutException {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  SealId seal;
  bool operator==(const CutException&) const = default;
};
// The last seal of one incarnation that is within.
struct Cut {
  std::uint64_t incarnation = 0;
  std::uint32_t number = 0;
  SealId seal;                            // zero: any seal with that number
  std::vector<CutException> except = {};  // ascending, disjoint
  bool operator==(const Cut&) const = default;
};
// The incarnations of which a revocation or closing speaks, both ends included. So what is too long
// for one statement is said in several, each of its own stretch.
struct Stretch {
  std::uint64_t first = 0;
  std::uint64_t last = UINT64_MAX;
  bool contains(std::uint64_t incarnation) const {
    return first <= incarnation && incarnation <= last;
  }
  bool operator==(const Stretch&) const = default;
};
struct Revocation {
  NodeId node;
  std::vector<Cut> cuts;  // ascending, within the stretch
  std::string reason;
  UnixMillis decided_at = 0;
  std::vector<StatementId> after;
  TreeVersion tree_version = 0;
  Stretch stretch = {};
  bool operator==(const Revocation&) const = default;
};
// Holds what the node sealed beyond the cuts, and says under an older tree, to that version.
struct Closing {
  NodeId node;
  TreeVersion version = 0;  // from 1
  std::vector<Cut> cuts;    // ascending, within the stretch
  UnixMillis decided_at = 0;
  std::vector<StatementId> after;
  TreeVersion tree_version = 0;  // at least `version`
  Stretch stretch = {};
  bool operator==(const Closing&) const = default;
};

// Takes a declaration back on which nothing rests: what is named in a standing change of the tree,
// has a believed certificate or a believed agency below it stays as it is.
struct Withdrawal {
  AgencyId agency;
  std::string reason;
  UnixMillis decided_at = 0;
  TreeVersion tree_version = 0;
  bool operator==(const Withdrawal&) const = default;
};

// A tree version of two roots: the topmost agencies under the adopted one come below `place`, an
// agency of the adopter's tree. The adopted root's chain ends with it.
struct Adoption {
  TreeVersion number = 0;  // one more than the higher of those that it follows
  RootFingerprint adopter;
  StatementId previous;  // the adopter's tree version before
  RootFingerprint adopted;
  StatementId adopted_previous;
  AgencyId place;
  std::vector<StatementId> kept;  // what the adopted root signed and stays good; ascending
  UnixMillis decided_at = 0;
  std::string note;
  bool operator==(const Adoption&) const = default;
};

using StatementBody = std::variant<Genesis, AgencyDeclaration, TreeChange, Certificate, Revocation,
                                   Closing, Withdrawal, Adoption>;

// Who vouches for a statement: nobody (genesis: its hash is pinned), a root key, or a node by a
// seal of one leaf, that leaf being the hash of the body. So a revocation's cut judges statements
// as it judges updates.
struct RootSignature {
  NodeId key;
  Signature signature{};
  bool operator==(const RootSignature&) const = default;
};
// Only an adoption's: each signs the body's hash under its own root.
struct BothRoots {
  RootSignature adopter, adopted;
  bool operator==(const BothRoots&) const = default;
};
using Authority = std::variant<std::monostate, RootSignature, Seal, BothRoots>;

struct Statement {
  Bytes body;  // canonical, kept verbatim
  Authority authority;
  bool operator==(const Statement&) const = default;
};

// Genesis: hash without a fingerprint (it *is* the fingerprint).
RootFingerprint root_fingerprint(ByteView genesis_body);
// Hash of a body: what a root key signs and the one leaf of a node's seal.
Hash256 statement_hash(const RootFingerprint& root, ByteView body);
Bytes root_signing_bytes(const RootFingerprint& root, const Hash256& body_hash);
// What a machine signs with its node key: under that root it speaks for that agency, with these two
// keys. A certificate bears the signature, so that nobody certifies a node key that is not in that
// machine's hands. It says nothing of dates and rights: a renewal bears the same one again.
Hash256 possession_hash(const RootFingerprint& root, const AgencyId& agency, const NodeId& node,
                        const DhPublicKey& dh_key);
Signature sign_possession(const RootFingerprint& root, const AgencyId& agency,
                          const SigningKey& key, const DhPublicKey& dh_key);
// Names a statement: hash of its body's hash and of who vouches for it (the root key, or the id of
// the seal; not the signature's bytes). So one body under two authorities is two statements, and
// nobody can push a statement out of a replica by delivering a copy under a worthless signature of
// its own first. The genesis: the fingerprint. `root` is the one under which it was signed: that of
// its sealer's certificate; of an adoption, the adopter.
StatementId statement_id(const RootFingerprint& root, const Statement& statement);

// tag 1: 0 none, 1 root, 2 seal, 3 both roots; sized body; then the authority in its fixed layout.
Bytes encode_statement(const Statement& statement);
Result<Statement> decode_statement(ByteView bytes);

}  // namespace lienthong
