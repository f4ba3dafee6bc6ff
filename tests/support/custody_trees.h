// The agencies of the custody model and their trees, written naively and on their own, as the
// oracle of protocol/record/tree_shape.h: every question is answered by walking.
// docs/protocol/custody.md. No threads.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong::model {

// Two provinces P and Q; P has two districts with two communes each and a department X; Q has G.
enum Agency : int { kNobody = -1, P, D1, D2, A, B, C, E, X, Q, G };
inline constexpr int kAgencyCount = 8;  // those under P, itself included: who acts in histories
inline constexpr int kFirstAgencyCount = 10;  // declared by the first tree

// An agency that one of the first tree declared below itself: `number` 1 to 15.
constexpr int minted(int by, int number) { return 16 * number + by; }
constexpr bool is_minted(int agency) { return agency >= 16; }
constexpr int declarer(int agency) { return agency % 16; }
std::string agency_name(int agency);          // "A", "A/1"; "-": nobody
int agency_by_name(const std::string& name);  // kNobody for any other

// One tree version. Who is dissolved and the walk up are found once.
struct Tree {
  std::map<int, int> named;   // dissolved by its own words, with their successors
  std::map<int, int> parent;  // of the first tree's agencies; kNobody: topmost
  std::map<int, int> heir;    // of the dissolved, those included that were left below one
  std::map<int, int> up;      // the next agency on the walk up
  static Tree make(const std::map<int, int>& parents, const std::map<int, int>& successors);
};

std::map<int, int> first_parents();

class Trees {
 public:
  // 0: as first declared. 1: D1 dissolved into P, A into B, C into E. 2: E moves from D2, which
  // lives on, to P. 3: D2 gets B. 4: A merged into C, of the other district; both districts live
  // on. 5: Q below P. 6: A merged into B within D1. 7: D1 dissolved into its own commune A. 8: C
  // moves to D1.
  static const Trees& standard();
  // 0 as ever, and one later version.
  Trees(const std::map<int, int>& parents, const std::map<int, int>& successors);

  TreeVersion newest() const { return versions_.rbegin()->first; }
  const Tree& at(TreeVersion version) const { return versions_.at(version); }

  int parent(int agency, TreeVersion version) const;  // kNobody: topmost
  int heir(int agency, TreeVersion version) const;    // kNobody: not dissolved
  int up(int agency, TreeVersion version) const;
  bool dissolved(int agency, TreeVersion version) const;
  std::vector<int> walk(int agency, TreeVersion version) const;  // up from it, itself first
  bool over(int upper, int lower, TreeVersion version) const;    // at or above by the walk
  bool over_by_parents(int upper, int lower, TreeVersion version) const;
  bool superior(int upper, int lower, TreeVersion version) const;  // by both
  int level(int agency, TreeVersion version) const;
  int resolve(int agency, TreeVersion version) const;  // kNobody: a circle of successors
  // The lowest agency at or above all of them; kNobody: there is none.
  int common(const std::set<int>& agencies, TreeVersion version) const;

 private:
  Trees() = default;
  std::map<TreeVersion, Tree> versions_;
};

// from, step(from), …; a circle ends before its first repetition.
std::vector<int> line(int from, const std::function<int(int)>& step);

}  // namespace lienthong::model
