// The registry: everything the root and the agencies have said about agencies, keys and trust, and
// what follows from it. docs/protocol/registry.md.
//
// A set of statements that only grows; every answer is a function of that set, never of the order
// in which it came. Immutable once made: readers of any thread share one by shared_ptr.
//
// What counts (docs/protocol/registry.md):
// - Tree versions are one chain. Of two changes that follow the same one, that signed by the paper
//   key stands; else that whose branch holds a word of the paper key; else that with the lower id.
//   A change must be signed by one of the two keys valid before it; only the paper key replaces the
//   paper key. A change of a parent that would make a circle is passed over, the rest of its
//   version stands.
// - Other words of the root count under every key that the standing chain ever named, except, for
//   certificates and revocations, a key in use that the paper key has replaced.
// - Every agency ever declared has its place in the shape of the tree, in all versions; whether the
//   declaration is believed decides only whether its certificates are. A standing tree version that
//   moves or renames an agency confirms it whoever declared it; where only the declarer's seal was
//   cut off, so does a certificate in force for the agency.
// - Trust is evaluated from the root down in the order of the newest tree: what an agency's
//   certificates and its declaration are worth is judged with the revocations of agencies before it
//   alone. A dissolved agency comes after its last superiors and its sole successor.
// - A revocation acts on seals of that node's certificates for agencies that lie, in the newest
//   tree, strictly below its author (an author since dissolved: its sole successor); the root's, on
//   topmost agencies'. Of those that act, one that another was written after gives way; of
//   concurrent ones the higher agency's counts; of several of one agency a seal must be within the
//   cuts of each. All this for each incarnation by itself.
// - A closing holds what the node sealed beyond it to a tree version: such a statement, or update,
//   needs its right under that version too. It acts as a revocation does, but of several of one
//   agency it is enough to be within the cuts of any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/record/statement.h"
#include "protocol/record/tree_view.h"
#include "protocol/record/update.h"

namespace lienthong {

// Why a certificate, and so what it signed, does not count.
enum class Belief : std::uint8_t {
  kBelieved,
  kUnknown,  // certificate, issuer or tree version not here yet: what names it waits
  kNoRight,  // issuer may not issue, or is not strictly above: final
  kCutOff,   // revoked: may be moved by a later revocation
};

// Whether the code that an agency bears is its own.
enum class CodeRight : std::uint8_t {
  kNone,    // it lies under none that its declarer's office ever bore by right: nobody finds it
  kFormer,  // under one that the office above bore once; gives way to whoever is given it today
  kGiven,   // under that of the office above, or the root's word
};

struct AgencyInfo {
  AgencyId id;
  AgencyId declared_parent;
  AgencyId declared_by;          // zero: the root
  std::string code, name, tier;  // by the newest tree
  UnixMillis declared_at = 0;
  Belief belief = Belief::kUnknown;  // of its declaration
  CodeRight code_right = CodeRight::kNone;
  bool withdrawn = false;  // its declaration was taken back, and nothing rests on it
};

// A seal under which an update is held.
struct HeldSeal {
  Seal seal;
  SealId id;
};

// What the registry makes of an update. docs/protocol/registry.md, "Closings".
struct UpdateTrust {
  bool believed = false;
  TreeVersion held_to = 0;              // at least the version named
  TreeVersion certificate_version = 0;  // under which its author's certificate was issued
};

struct TreeHead {
  TreeVersion number = 0;
  StatementId id;  // of the genesis for 0
};

inline constexpr std::size_t kAgencyDepthMax = 32;      // declared superiors of an agency
inline constexpr std::size_t kAgencyCodeBytesMax = 64;  // also of a tier
inline constexpr std::size_t kAgencyNameBytesMax = 1024;

class Registry : public TreeView {
 public:
  // The registry of a deployment that knows its genesis. `root` is the fingerprint that was pinned.
  static Result<Registry> create(const RootFingerprint& root, const Statement& genesis);

  // What adding a statement would do. Form, hashes and signatures only; belief is evaluated.
  // Fails: kMalformed, kNotCanonical, kTooLarge, kBadSignature, kBadHash: refused for ever.
  // kUnknownCertificate (or a root key not named yet), kUnknownAgency, kUnknownParent (tree version
  // or statement named): waits, the caller keeps it and tries again after others were added. A
  // statement that is here already is fine.
  Result<StatementId> check(const Statement& statement) const;
  // Whether a statement that is not here yet, and passes check(), is to be taken in. Fails:
  // kNotAllowed (more was said under its certificate, or one that this goes back to, than there is
  // room for: refused); kRevoked (sealed beyond the cuts of a revocation that counts: kept aside
  // and not carried, until the cut is moved or something that counts names it).
  Result<void> admit(const Statement& statement) const;
  // A copy with those statements added (each must pass check() after those before it) and
  // everything evaluated anew, in the order given above, so that no two nodes can revoke each
  // other.
  Result<std::shared_ptr<const Registry>> with(std::span<const Statement> statements) const;

  // The same with those that pass, evaluated once. `failed`: one for each statement; none: it was
  // added, or is here already.
  std::shared_ptr<const Registry> grow(std::span<const Statement> statements,
                                       std::vector<std::optional<Error>>& failed) const;

  const RootFingerprint& root() const;  // the one that was pinned

  // ---- several roots ----
  // Under which an update, seal or statement of that certificate is hashed: that of the certificate
  // itself; the pinned one while it is not here. Valid as long as the registry.
  const RootFingerprint& root_of(const CertificateId& certificate) const;
  // That writes the tree to which the pinned one belongs.
  const RootFingerprint& writing_root() const;
  // Those of which the genesis is here, the pinned one first.
  std::vector<RootFingerprint> roots() const;
  // What that root signed beside tree versions, and counts; ascending.
  std::vector<StatementId> words_of_root(const RootFingerprint& root) const;
  // Under the root that signed it or, while that is not known, the pinned one.
  StatementId id_of(const Statement& statement) const;
  // BLAKE2b-256 over the sorted ids of all statements.
  Hash256 digest() const;
  std::size_t size() const;
  bool contains(const StatementId& id) const;
  const Statement* find_statement(const StatementId& id) const;
  // In an order in which each passes check() after those before it (order of arrival).
  std::vector<StatementId> statements() const;
  // The latest date on any statement of the root that counts; the genesis' created_at if it is
  // alone.
  UnixMillis newest_root_word() const;

  // ---- agencies ----
  // Null when its declaration is not here; look at `belief`.
  const AgencyInfo* find_agency(const AgencyId& id) const;
  // Whom somebody means who types this: a code as it is borne today (exact match; believed, neither
  // dissolved nor withdrawn, by the best right there is), a code with "~" and the first letters of
  // an id, or an id. Fails: kUnknownAgency (nobody, or nobody by right), kConflict (several by the
  // same right: both are named, and who declared them; there is no tie to be broken).
  Result<const AgencyInfo*> agency_named(std::string_view name) const;
  // The one agency that bears the code; null: none, or several.
  const AgencyInfo* find_agency_by_code(std::string_view code) const;
  // All that call themselves so today, by whatever right; ascending by id.
  std::vector<const AgencyInfo*> bearers_of(std::string_view code) const;
  // Believed, also dissolved ones, without those that were withdrawn; by code, id.
  std::vector<const AgencyInfo*> agencies() const;
  // nullopt: topmost or unknown. A dissolved agency keeps its last parent.
  std::optional<AgencyId> parent(const AgencyId& id, TreeVersion version) const;
  // Believed ones, also dissolved ones; ascending by id.
  std::vector<AgencyId> children(const AgencyId& id, TreeVersion version) const;
  std::vector<AgencyId> successors(const AgencyId& id, TreeVersion version) const;

  // ---- trust ----
  const Certificate* find_certificate(const CertificateId& id) const;
  // Of those believed for the node's key, the latest issued; within `agency` if given.
  std::optional<CertificateId> certificate_of(const NodeId& node) const;
  std::optional<CertificateId> certificate_of(const NodeId& node, const AgencyId& agency) const;
  std::vector<CertificateId> certificates_of(
      const AgencyId& agency) const;  // believed; latest first
  // A certificate whose node is revoked with no cut at all is kCutOff. One that fell with its
  // issuer counts again while a believed one for the same key and agency names it in `replaces`; it
  // then lets issue only what both do.
  Belief certificate_belief(const CertificateId& id) const;
  // Certificates believed here and not there; in order of arrival.
  std::vector<CertificateId> newly_believed(const Registry& before) const;
  // Nodes of which some certificate that is here in both is believed, revoked or closed otherwise
  // than there; ascending.
  std::vector<NodeId> judged_otherwise(const Registry& before) const;
  // Whether what the node sealed so is worth the same here and there, whatever tree version it
  // names. Null: what is not sealed yet.
  bool judges_alike(const Registry& other, const NodeId& node, const HeldSeal* seal) const;
  // Whether a seal counts: its certificate is believed and no revocation cuts it off. The seal's
  // own signature has been checked by the caller.
  Belief seal_belief(const Seal& seal, const SealId& id) const;
  // Whether some revocation or closing counts for it.
  bool is_cut(const CertificateId& id) const;
  // Whether it lies beyond the cuts of a revocation that counts for its certificate.
  bool beyond_revocation(const Seal& seal, const SealId& id) const;
  // The agencies of the certificates to which one of that node's goes back, from the root's down,
  // its own last. Empty: no certificate names it.
  std::vector<AgencyId> issuing_line(const NodeId& node) const;
  // The latest of `named` and of the versions to which closings hold what that certificate's node
  // sealed so: with several seals of one update, where every one lies beyond; with none (it is not
  // sealed yet), always.
  TreeVersion held_to(const CertificateId& author, std::span<const HeldSeal> seals,
                      TreeVersion named) const;
  // The revocations (version 0), or the closings for that version, that count for a certificate and
  // an incarnation, and what each says of that; no cut: nothing is within.
  struct CountingWord {
    StatementId id;
    std::optional<Cut> cut;
  };
  std::vector<CountingWord> counting(const CertificateId& id, TreeVersion version,
                                     std::uint64_t incarnation) const;
  // Tree versions for which a closing counts for that certificate; ascending.
  std::vector<TreeVersion> closings_of(const CertificateId& id) const;
  // An update under that certificate and tree version. It is believed if the certificate is and,
  // where seals are held of it, one of them counts and lies within the cuts for that certificate
  // too. The caller has checked that all were made by that certificate's node.
  UpdateTrust trust_in(const CertificateId& author, std::span<const HeldSeal> seals,
                       TreeVersion named) const;
  // All certificates that bear that X25519 key, believed or not, in no particular order. Anybody
  // who may issue can have one with somebody else's key: only the key's owner can speak under any.
  std::vector<CertificateId> certificates_with(const DhPublicKey& key) const;
  // Whether its machine may hold a session under it: it is believed, and no revocation counts for
  // it.
  bool may_connect(const CertificateId& certificate) const;
  // May `issuer` (a certificate) now write a certificate or revocation about `agency`, or declare
  // one below it, under `version`? Strictly above, believed, may_issue, not revoked, not dissolved.
  bool may_issue_for(const CertificateId& issuer, const AgencyId& agency,
                     TreeVersion version) const;
  // The same of declaring an agency below `parent`, or taking that back: at it or above.
  bool may_declare(const CertificateId& issuer, const AgencyId& parent, TreeVersion version) const;

  // How much may be said under that certificate, and how much of it is left; in statement_cost().
  // 0: unknown, or over. What is left can shrink when those beside it say much, to an equal share.
  std::uint64_t room_of(const CertificateId& certificate) const;
  std::uint64_t room_left(const CertificateId& certificate) const;

  // What the next tree change follows.
  TreeHead tree_head() const;
  // The standing change of that number; the genesis for 0; zero beyond the chain.
  StatementId tree_id(TreeVersion version) const;

  // ---- TreeView ---- (a version later than the standing chain's reads as its last)
  // The highest number of any tree change here. Never falls, so what once did not wait never will;
  // after a word of the paper key it can be over tree_head().number.
  TreeVersion newest() const override;
  bool above_or_equal(const AgencyId&, const AgencyId&, TreeVersion) const override;
  bool superior(const AgencyId&, const AgencyId&, TreeVersion) const override;
  unsigned level(const AgencyId&, TreeVersion) const override;
  bool dissolved(const AgencyId&, TreeVersion) const override;
  AgencyId resolve(const AgencyId&, TreeVersion) const override;
  std::vector<AgencyId> superiors(const AgencyId&, TreeVersion) const override;
  std::vector<AgencyId> everyone() const override;

 private:
  struct State;
  explicit Registry(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// What sealing it takes of a certificate's room.
std::uint64_t statement_cost(const StatementBody& body);

// Under the roots of their certificates.
SealId seal_id(const Registry& registry, const Seal& seal);
UpdateId update_id(const Registry& registry, const Update& update);

// Helpers that make and sign statements; all randomness and time are arguments.
Statement make_genesis(const SigningKey& in_use, const SigningKey& on_paper, UnixMillis now,
                       const std::array<std::uint8_t, 16>& nonce);
Statement sign_by_root(const RootFingerprint& root, const SigningKey& key,
                       const StatementBody& body);
// An adoption, signed by each root under its own name: the adopter with either key, the adopted one
// with its key on paper.
RootSignature sign_adoption(const RootFingerprint& root, const SigningKey& key,
                            const Adoption& adoption);
Statement make_adoption(const Adoption& adoption, const RootSignature& adopter,
                        const RootSignature& adopted);
// Sealed by a node as the one leaf (its body's hash) of seal `number` of `incarnation`.
Statement sign_by_node(const RootFingerprint& root, const SigningKey& key,
                       const CertificateId& certificate, std::uint64_t incarnation,
                       std::uint32_t number, const SealId& previous, const StatementBody& body);

}  // namespace lienthong
