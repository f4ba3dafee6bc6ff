// What a Registry holds and what evaluate() makes of it. Internal to protocol/record: others use
// record/registry.h. Agencies, certificates and revocations are numbered in the order of arrival,
// in which whatever a statement names comes before it; no answer depends on those numbers.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/record/registry.h"

namespace lienthong::registry_detail {

using Index = std::uint32_t;
inline constexpr Index kNone = std::numeric_limits<Index>::max();

struct Entry {
  StatementId id;
  Statement statement;
  StatementBody body;
  SealId seal_id;  // zero unless sealed

  const Seal* seal() const { return std::get_if<Seal>(&statement.authority); }
  // Only for what is signed by a root key.
  const NodeId& root_key() const { return std::get<RootSignature>(statement.authority).key; }
};

struct AgencyNode {
  const Entry* entry = nullptr;
  const AgencyDeclaration* body = nullptr;
  AgencyInfo info;
  Index declared_parent = kNone;
  Index declarer = kNone;                              // certificate; kNone: the root
  std::vector<std::pair<TreeVersion, Index>> parents;  // from that version on; ascending, first 0
  std::vector<std::pair<TreeVersion, std::vector<Index>>>
      dissolutions;  // with successors; ascending
  std::vector<Index> ever_children;
  std::vector<Index> certificates;
  std::vector<std::string> former_codes;  // before the root renamed it
  bool renamed = false;                   // its code is the root's word
  bool named = false;                     // by a standing change, in whatever part
  unsigned level = 0;                     // in the newest tree
  unsigned rank = 0;                      // place in the order of evaluation
  bool confirmed = false;
  bool no_right = false;
  bool believed = false;
};

struct CertificateNode {
  const Entry* entry = nullptr;
  const Certificate* body = nullptr;
  Index agency = kNone;
  Index issuer = kNone;                 // certificate; kNone: the root
  std::vector<Index> replaced_by;       // same node and agency
  const Revocation* revoked = nullptr;  // the revocation that counts
  bool no_right = false;
  bool believed = false;
  bool may_issue = false;  // as far as believed
};

struct RevocationNode {
  const Entry* entry = nullptr;
  const Revocation* body = nullptr;
  Index author = kNone;  // certificate; kNone: the root
  std::vector<Index> after;
  bool active = false;  // believed
};

struct WithdrawalNode {
  const Entry* entry = nullptr;
  const Withdrawal* body = nullptr;
  Index author = kNone;  // certificate; kNone: the root
};

struct Evaluated {
  std::vector<AgencyNode> agencies;
  std::vector<CertificateNode> certificates;
  std::vector<RevocationNode> revocations;
  std::vector<WithdrawalNode> withdrawals;
  std::unordered_map<AgencyId, Index> agency_index;
  std::unordered_map<CertificateId, Index> certificate_index;
  std::unordered_map<NodeId, std::vector<Index>> node_certificates;
  std::multimap<DhPublicKey, Index> dh_certificates;
  std::unordered_map<std::string, std::vector<Index>> by_code;  // of the best right each
  std::vector<const Entry*> chain;          // standing tree changes; chain[n - 1] is number n
  std::unordered_set<NodeId> keys_ever;     // of the root, along the standing chain
  std::unordered_set<NodeId> keys_trusted;  // those less the ones that the paper key replaced
  UnixMillis newest_root_word = 0;
  Hash256 digest;
};

// The set of statements.
struct Held {
  RootFingerprint root;
  std::unordered_map<StatementId, std::shared_ptr<const Entry>> entries;
  std::vector<StatementId> order;
  std::unordered_set<NodeId> root_keys;  // named by the genesis or any tree change
  TreeVersion highest = 0;               // number of any tree change

  const Entry* find(const StatementId& id) const {
    const auto found = entries.find(id);
    return found == entries.end() ? nullptr : found->second.get();
  }
  template <class Body>
  const Body* find_body(const StatementId& id) const {
    const Entry* entry = find(id);
    return entry == nullptr ? nullptr : std::get_if<Body>(&entry->body);
  }
};

struct Data : Held {
  Evaluated evaluated;
};

// ---- the shape of the tree, by number ----
Index parent_at(const Evaluated& from, Index agency, TreeVersion version);
unsigned level_at(const Evaluated& from, Index agency, TreeVersion version);
bool above_or_equal_at(const Evaluated& from, Index upper, Index lower, TreeVersion version);
bool dissolved_at(const Evaluated& from, Index agency, TreeVersion version);
const std::vector<Index>* successors_at(const Evaluated& from, Index agency, TreeVersion version);
Index resolve_at(const Evaluated& from, Index agency, TreeVersion version);

// Whether the revocation that counts, if any, leaves the seal standing.
bool within_cuts(const Revocation* revocation, const Seal& seal, const SealId& id);

// What is withdrawn, by whose right codes are borne, and who is found by them: follows from what is
// believed.
void settle_codes(const Held& data, Evaluated& out);

// Fills data.evaluated from data.entries and data.order.
void evaluate(Data& data);

}  // namespace lienthong::registry_detail
