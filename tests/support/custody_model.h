// The custody rules once more, written naively and on their own, as the oracle that the fold is
// held against: one record, a tree of eight agencies, one reorganisation. Small numbers stand for
// ids.
#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "protocol/record/fold.h"

namespace lienthong::model {

enum Agency : int { kNobody = -1, P, D1, D2, A, B, C, E, X };  // X: a department under the province
inline constexpr int kAgencyCount = 8;

// The tree: version 0 as first declared; in version 1 D1 is dissolved (its duties to P), A is
// merged into B and C into E.
int parent_of(int agency, TreeVersion version);
int successor_of(int agency, TreeVersion version);  // kNobody: not dissolved
bool above_or_equal(int upper, int lower, TreeVersion version);
int resolve(int agency, TreeVersion version);

inline constexpr std::size_t kUpdateCountMax = 512;
using Mask = std::bitset<kUpdateCountMax>;

struct Item {
  int id = 0;
  UpdateKind kind = UpdateKind::kCreated;
  int agency = A;
  int machine = 1;
  std::uint64_t hlc = 1;
  std::vector<int> deps;
  int link = -1;
  int to = kNobody;
  TreeVersion tree_version = 0;
  int seal = 0;          // number at the machine
  bool believed = true;  // as judged by the revocations of the moment
  bool forged = false;
  std::vector<int> references;
};

struct World {  // every update ever written; ids are 0, 1, 2 …, parents first
  std::vector<Item> items;
  std::vector<Mask> past;
  void add(Item item);
  Mask all() const;
};

// What the model knows: links, and the writes of the custodian. The rest it passes over.
bool modelled(UpdateKind kind);

struct Outcome {
  int holder = kNobody;
  int offered = kNobody;
  std::vector<int> chain;
  std::vector<int> forks;
  std::set<int> bad;       // no right, or cut off
  std::set<int> late;      // set aside
  std::vector<int> shown;  // latest writes, the one shown first
};

class Model {
 public:
  explicit Model(const World& world) : world_(world) {}
  Outcome fold(const Mask& mask);

 private:
  struct Standing {
    int holder, offered;
  };
  std::optional<Standing> state(int id);
  void find_tree(const Mask& mask);
  std::vector<int> branch(int first) const;
  std::set<int> signers(int first) const;
  int pick(const std::vector<int>& successors) const;
  bool in_force(int id) const;

  const World& world_;
  std::map<int, std::optional<Standing>> states_;
  std::map<int, std::vector<int>> kids_;
  std::map<int, std::set<int>> under_;
  std::set<int> confirmed_;
  int root_ = -1;
};

// ---- the same as real values ----

UpdateId update_id(int id);  // in the order of the numbers
AgencyId agency_id(int agency);
GraphUpdate to_graph(const World& world, const Item& item);
std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask);

class EightAgencies : public TreeView {
 public:
  TreeVersion newest() const override { return 1; }
  bool above_or_equal(const AgencyId& upper, const AgencyId& lower, TreeVersion v) const override;
  bool superior(const AgencyId& upper, const AgencyId& lower, TreeVersion v) const override {
    return above_or_equal(upper, lower, v);
  }
  unsigned level(const AgencyId& agency, TreeVersion version) const override;
  bool dissolved(const AgencyId& agency, TreeVersion version) const override;
  AgencyId resolve(const AgencyId& agency, TreeVersion version) const override;
  std::vector<AgencyId> superiors(const AgencyId& agency, TreeVersion version) const override;
  std::vector<AgencyId> everyone() const override;
};

// Field that the writes of to_graph() set, open and closed.
inline constexpr std::uint16_t kOpenField = 15;
inline constexpr std::uint16_t kClosedField = 0x4007;

}  // namespace lienthong::model
