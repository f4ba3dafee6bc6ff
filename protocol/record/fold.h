// The state of a record as a function of the set of its updates and the registry. The custody rules
// are those of docs/protocol/custody.md; their exact conditions were checked against an
// executable model, so do not "simplify" them. Pure; same bytes whatever order the updates arrived
// in.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "protocol/record/tree_view.h"
#include "protocol/record/update.h"

namespace lienthong {

// An update as the fold sees it: verified, in the graph (all parents are in the set), and judged by
// the registry.
struct GraphUpdate {
  UpdateId id;
  Envelope envelope;
  OpenBody open;
  AgencyId agency;       // of the author's certificate
  NodeId node;           // of the author's certificate
  bool believed = true;  // false: cut off by a revocation, or its certificate has no right
  TreeVersion certificate_version = 0;  // that the author's certificate names
  // The greatest version of a closing that counts and that it was sealed beyond; its right must
  // hold under that too. Not above the version that it names itself: nothing is closed.
  TreeVersion held_to = 0;
};
// The version that an update is held to: the one it names, or a later one of a closing.
TreeVersion version_of(const GraphUpdate& update);

enum class InertReason : std::uint8_t {  // on disk: never change
  kNone = 0,
  kNotItsTurn = 1,  // the path of links does not give the author this right
  kBadLink = 2,     // link is no ancestor, or is not what this kind may follow
  kTreeOlderThanLink = 3,
  kDissolved = 4,  // author has no rights under the tree version named
  kNotInAudience = 5,
  kTooDeep = 6,  // over kChainDepthMax or kAncestorCountMax in its own past
  kCutOff = 7,   // revoked
  kClosed = 8,   // sealed beyond a closing, and without the right under that version
};
const char* to_string(InertReason reason);

struct LinkEntry {
  UpdateId id;
  UpdateKind kind = UpdateKind::kCreated;
  AgencyId by;
  AgencyId to;  // offer: target; succeed: the agency succeeded; else zero
  TreeVersion tree_version = 0;
  Hlc hlc;
  bool urgent = false;
  bool operator==(const LinkEntry&) const = default;
};

// One register. `writes` are the causally latest writes that count, the one shown first; more than
// one is a conflict. Open values are here; closed ones are read from the updates.
struct Register {
  std::vector<UpdateId> writes;
  FieldValue value;  // of writes[0]; monostate for closed fields and for cleared ones
  bool operator==(const Register&) const = default;
};

struct InertEntry {
  UpdateId id;
  InertReason reason = InertReason::kNone;
  bool operator==(const InertEntry&) const = default;
};

// A consultation or share in force: admits `target` to replies and notes.
struct Invitation {
  UpdateId id;
  UpdateKind kind = UpdateKind::kConsult;
  AgencyId target;
  UpdateId link;  // the custody link that it was made under
  TreeVersion tree_version = 0;
  bool operator==(const Invitation&) const = default;
};

// Which line decided a fork; docs/protocol/custody.md, "The standing chain".
enum class ForkLine : std::uint8_t {  // on disk: never change
  kDecided = 1,                       // a reclaim or uphold that binds the others
  kCommonSuperior = 2,                // the lowest common superior has signed in the branch
  kParts = 3,                         // signed from more parts of the tree below that one
  kTakenUp = 4,                       // taken up first, by the clocks
};
const char* to_string(ForkLine line);

// A link of the standing chain with several successors in force.
struct ForkEntry {
  UpdateId link;
  std::vector<UpdateId> branches;  // the successors; ascending
  UpdateId stands;                 // one of them
  ForkLine line = ForkLine::kTakenUp;
  UpdateId decision;   // kDecided: the earliest word (hlc, id) that settled it; else zero
  AgencyId notary;     // whose desk looks at it: the first agency not dissolved at or above all who
                       // signed in any branch, under the newest tree; zero: nobody's
  bool bound = false;  // some decision binds the other branches; if not, the notary's word is due
  bool operator==(const ForkEntry&) const = default;
};

struct RecordState {
  RecordId record;
  RecordKind kind = RecordKind::kDossier;
  std::uint16_t rules_needed =
      kRulesVersion;  // greatest of its updates; over ours: only heads are kept
  AgencyId origin;
  RecordId lead;                 // legs
  std::vector<LinkEntry> chain;  // standing, from `created`; empty when the creation is cut off
  AgencyId holder;               // zero when chain is empty
  AgencyId offered;              // target of the open offer; zero: none
  std::map<std::uint16_t, Register> open_fields;
  std::map<std::uint16_t, Register> closed_fields;
  std::vector<UpdateId> heads;      // ascending
  std::vector<UpdateId> timeline;   // in force and counting, of every kind, by (hlc, id)
  Hlc latest;                       // of the timeline's last entry
  std::vector<UpdateId> set_aside;  // had the right, but their link was closed or lost; ascending
  std::vector<UpdateId> adopted;    // of set_aside: taken over by the holder since
  std::vector<InertEntry> inert;    // ascending by id
  std::vector<ForkEntry> forks;     // in the order of the chain
  std::vector<AgencyId> participants;   // ascending: origin, targets in force, authors of links;
                                        // without superiors and successors, see audience()
  std::vector<Invitation> invitations;  // ascending by id
  UpdateId erased_by;                   // zero: not erased; of several the lowest (hlc, id)
  bool operator==(const RecordState&) const = default;

  bool needs_newer_rules() const { return rules_needed > kRulesVersion; }
  const UpdateId& tip() const { return chain.back().id; }
  // Who may write the next link: offered, else holder; zero when there is no chain.
  const AgencyId& turn() const { return offered.is_zero() ? holder : offered; }
};

// From scratch. `updates` in any order, closed under parents, no duplicates.
RecordState fold(std::span<const GraphUpdate> updates, const TreeView& tree);

// The fast path: applies `update`, which is not among those that `state` was folded from, and
// returns true; the result equals fold() of all. Otherwise returns false and leaves `state` as it
// was: where trust or a fork is to be decided anew, or what the update moves lies further back than
// `beside` tells. `state` empty (record zero) and a first update: always true.
//
// `beside`: of those updates the ones that `update` does not have in its past, in any order.
// Without it there are none, which only holds where its parents are state.heads: else false.
struct Beside {
  std::span<const GraphUpdate> updates;
  // The clock of another update of the record. Asked for at most one.
  std::function<Hlc(const UpdateId&)> clock_of;
};
bool extend(RecordState& state, const GraphUpdate& update, const TreeView& tree);
bool extend(RecordState& state, const GraphUpdate& update, const TreeView& tree,
            const Beside& beside);

// participants ∪ their superiors and successors in the newest tree; of a procedure also everyone,
// who are all to go by it; ascending.
std::vector<AgencyId> audience(const RecordState& state, const TreeView& tree);

// Canonical bytes: equal states give equal bytes on every replica. Ids through a sorted table.
Bytes encode_state(const RecordState& state);
Result<RecordState> decode_state(ByteView bytes);
// Hash of encode_state: what replicas compare.
Hash256 state_digest(const RootFingerprint& root, const RecordState& state);

}  // namespace lienthong
