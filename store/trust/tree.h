// Changing the tree of agencies: what a version of it would do, looked at before a root key signs.
// docs/operations.md, "Reorganisation". The registry's answers are pure; what reads a replica, any
// thread.
#pragma once

#include <string>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

// An agency that a version dissolves, named by it or left below one that is.
struct Dissolved {
  AgencyId agency;
  bool named = false;
  AgencyId heir;  // who acts for it from then on; zero: nobody, each dossier is to be decided
  std::vector<AgencyId> successors;  // named
  std::size_t machines = 0;
  std::size_t turns = 0;  // records on which it is its turn; counted by plan_tree()
};

struct TreeOutlook {
  TreeChange change;                 // what the root is to sign
  std::vector<Dissolved> dissolved;  // by code
  std::vector<AgencyId> closed;      // whose machines are held to the version; ascending
  // Of them those whose closings are the root's to write: there is nobody above.
  std::vector<AgencyId> closed_by_root;
};

// What the next version would do if it said that: moves first, then names, then ends. Pure.
// Fails: kInvalidArgument (nothing is said, an agency is said something of twice, it goes below
// itself, it succeeds itself, a code that is none), kUnknownAgency, kNotAllowed (it or a successor
// is dissolved already, or is dissolved by this), kConflict (the code is borne by another),
// kTooLarge (too much for one version: say it in several).
Result<TreeOutlook> outlook(const Registry& registry, std::vector<AgencyChange> changes,
                            std::string note, UnixMillis now);

struct TreePlan {
  TreeOutlook outlook;
  std::vector<StatementBody> said;  // for the root to sign: the version, then closings
  std::size_t records = 0;          // that this machine holds
  std::size_t turns_passing = 0;    // records whose turn goes to an heir
  std::size_t turns_undecided = 0;  // whose turn goes to nobody
  std::size_t offers_open = 0;      // of them: offered when it happens; the offers stay open
  std::vector<RecordId> undecided;  // the first kUndecidedMax of those
};
inline constexpr std::size_t kUndecidedMax = 10'000;
// The same with what this machine holds: reads every record. `stopping`: true ends it (kClosed).
Result<TreePlan> plan_tree(const Replica& replica, std::vector<AgencyChange> changes,
                           std::string note, UnixMillis now, const std::function<bool()>& stopping);

// Agencies that bear that code no more, the latest first: dissolved, or called otherwise since.
std::vector<AgencyId> former_bearers(const Registry& registry, std::string_view code);

}  // namespace lienthong::store
