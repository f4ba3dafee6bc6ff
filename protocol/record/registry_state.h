// What a Registry holds and what evaluate() makes of it. Internal to protocol/record: others use
// record/registry.h. Agencies, certificates and revocations are numbered in the order of arrival,
// in which whatever a statement names comes before it; no answer depends on those numbers.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocol/record/registry.h"
#include "protocol/record/registry_cuts.h"
#include "protocol/record/tree_shape.h"

namespace lienthong::registry_detail {

using Index = std::uint32_t;
inline constexpr Index kNone = std::numeric_limits<Index>::max();

struct Entry {
  StatementId id;
  Statement statement;
  StatementBody body;
  RootFingerprint root;  // under which it was signed; of an adoption, the adopter
  SealId seal_id;        // zero unless sealed

  const Seal* seal() const { return std::get_if<Seal>(&statement.authority); }
  const Adoption* adoption() const { return std::get_if<Adoption>(&body); }
  // Only for what is signed by a root key.
  const NodeId& root_key() const { return std::get<RootSignature>(statement.authority).key; }
};

struct AgencyNode {
  const Entry* entry = nullptr;
  const AgencyDeclaration* body = nullptr;
  AgencyInfo info;
  Index declared_parent = kNone;
  Index declarer = kNone;  // certificate; kNone: the root
  std::vector<std::pair<TreeVersion, std::vector<Index>>>
      dissolutions;  // that versions name, with successors; ascending
  std::vector<Index> ever_children;
  std::vector<Index> certificates;
  std::vector<std::string> former_codes;  // before the root renamed it
  bool renamed = false;                   // its code is the root's word
  bool named = false;                     // by a standing change, in whatever part
  bool moved = false;                     // by a change of its parent
  bool joined = false;                    // by the adoption of its root
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
  Index issuer = kNone;            // certificate; kNone: the root
  std::vector<Index> replaced_by;  // same node and agency
  Limits revoked;                  // by the revocations that count
  // By the closings that count; versions ascending.
  std::vector<std::pair<TreeVersion, Limits>> closed;
  unsigned depth = 0;      // issues between it and the root's
  std::uint64_t said = 0;  // cost of what was sealed under it
  std::uint64_t room = 0;  // for that
  bool over = false;       // more was said than there is room for: nothing sealed under it counts
  bool no_right = false;
  bool believed = false;
  bool may_issue = false;  // as far as believed
};

// A revocation, or a closing.
struct CuttingNode {
  const Entry* entry = nullptr;
  const Revocation* revocation = nullptr;  // null: a closing
  const Closing* closing = nullptr;
  Index author = kNone;              // certificate; kNone: the root
  std::vector<std::uint32_t> after;  // places among those of its node and version, below its own
  bool active = false;               // believed

  TreeVersion tree_version() const {
    return closing != nullptr ? closing->tree_version : revocation->tree_version;
  }
};

struct WithdrawalNode {
  const Entry* entry = nullptr;
  const Withdrawal* body = nullptr;
  Index author = kNone;  // certificate; kNone: the root
};

// What follows from the words of one root about its keys and its tree.
struct RootNode {
  std::unordered_set<NodeId> keys_ever;     // along the standing chain
  std::unordered_set<NodeId> keys_trusted;  // those less the ones that the paper key replaced
  const Entry* adopted_by = nullptr;        // the adoption that ends its chain

  // What it signed beyond the list in its adoption counts no more.
  bool stays(const StatementId& id) const {
    return adopted_by == nullptr || std::ranges::binary_search(adopted_by->adoption()->kept, id);
  }
};

// A standing tree change or adoption.
struct Step {
  TreeVersion number = 0;
  RootFingerprint root;  // in whose chain it stands; of an adoption, the adopter
  const Entry* entry = nullptr;
};

struct Evaluated {
  TreeShape shape;  // by the numbers of the agencies
  std::vector<AgencyNode> agencies;
  std::vector<CertificateNode> certificates;
  std::vector<CuttingNode> cuttings;
  std::vector<WithdrawalNode> withdrawals;
  std::unordered_map<AgencyId, Index> agency_index;
  std::unordered_map<CertificateId, Index> certificate_index;
  std::unordered_map<NodeId, std::vector<Index>> node_certificates;
  std::multimap<DhPublicKey, Index> dh_certificates;
  std::unordered_map<std::string, std::vector<Index>> by_code;  // of the best right each
  std::map<RootFingerprint, RootNode> roots;
  std::vector<Step> steps;  // of all roots; ascending by number, root
  std::vector<Step> line;   // of our root, then of whoever adopted it, and so on
  UnixMillis newest_root_word = 0;
  Hash256 digest;
};

// The set of statements.
struct Held {
  RootFingerprint root;
  std::unordered_map<StatementId, std::shared_ptr<const Entry>> entries;
  std::vector<StatementId> order;
  // The roots of which the genesis is here: the keys that it or any tree change names.
  std::map<RootFingerprint, std::unordered_set<NodeId>> root_keys;
  std::vector<std::shared_ptr<const Entry>> adoptions;
  TreeVersion highest = 0;  // number of any tree version of which everything before is here

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

// Under which root it was signed: that of its sealer's certificate, of its root key. nullopt: not
// known here.
std::optional<RootFingerprint> root_of(const Held& data, const Statement& statement);

struct Data : Held {
  Evaluated evaluated;
};

// ---- the shape of the tree, by number ----
Index parent_at(const Evaluated& from, Index agency, TreeVersion version);
Index up_at(const Evaluated& from, Index agency, TreeVersion version);  // of the walk
unsigned level_at(const Evaluated& from, Index agency, TreeVersion version);
bool above_or_equal_at(const Evaluated& from, Index upper, Index lower, TreeVersion version);
bool superior_at(const Evaluated& from, Index upper, Index lower, TreeVersion version);
bool dissolved_at(const Evaluated& from, Index agency, TreeVersion version);
const std::vector<Index>* successors_at(const Evaluated& from, Index agency, TreeVersion version);
Index resolve_at(const Evaluated& from, Index agency, TreeVersion version);

// The latest of the version named and of those to which closings hold what the node of that
// certificate sealed so; with several seals, where every one of them lies beyond.
TreeVersion held_to(const CertificateNode& author, std::span<const HeldSeal> seals,
                    TreeVersion named);

// What signed by a root key counts: that key is trusted, or ever was one.
bool by_trusted_root(const Evaluated& from, const Entry& entry);
bool by_root_ever(const Evaluated& from, const Entry& entry);
// Number of a tree change or adoption, 0: of a genesis; none: it is no tree version of that root.
std::optional<TreeVersion> number_in_chain(const Entry& entry, const RootFingerprint& root);
// Which tree changes and adoptions stand, under every root that is here.
void stand_chains(const Held& data, Evaluated& out);

// What is withdrawn, by whose right codes are borne, and who is found by them: follows from what is
// believed.
void settle_codes(const Held& data, Evaluated& out);

// What a statement takes of the room of the certificate under which it is sealed.
std::uint64_t cost_of(std::size_t body_bytes, const StatementBody& body);
// The room of each certificate, and which are over.
void share_room(const Held& data, Evaluated& out);

// Fills data.evaluated from data.entries and data.order.
void evaluate(Data& data);

inline Index index_of(const Evaluated& from, const AgencyId& id) {
  const auto found = from.agency_index.find(id);
  return found == from.agency_index.end() ? kNone : found->second;
}

inline const CertificateNode* node_of(const Evaluated& from, const CertificateId& id) {
  const auto found = from.certificate_index.find(id);
  return found == from.certificate_index.end() ? nullptr : &from.certificates[found->second];
}

}  // namespace lienthong::registry_detail

namespace lienthong {
struct Registry::State : registry_detail::Data {};
}  // namespace lienthong
