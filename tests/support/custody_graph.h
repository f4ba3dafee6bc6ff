// The custody model's updates and trees as real values, for the fold.
#pragma once

#include "protocol/record/fold.h"
#include "tests/support/custody_model.h"

namespace lienthong::model {

UpdateId update_id(int order);  // in the order of the numbers
AgencyId agency_id(int agency);
int agency_of(const AgencyId& id);  // kNobody for any other

UpdateId id_of(const World& world, int id);
std::vector<UpdateId> ids_of(const World& world, const std::vector<int>& numbers);
std::vector<UpdateId> ids_of(const World& world, const std::set<int>& numbers);  // ascending

// As the registry has it judged.
GraphUpdate to_graph(const World& world, const Item& item, const Trees& trees,
                     const Registry& registry);
std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask, const Trees& trees,
                                  const Registry& registry);
// Nothing is revoked or closed but what the items say.
std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask);

class ModelTree : public TreeView {
 public:
  // `trees` stays. `newest`: of what the registry knows.
  ModelTree(const Trees& trees, TreeVersion newest) : trees_(trees), newest_(newest) {}
  TreeVersion newest() const override { return newest_; }
  bool above_or_equal(const AgencyId& upper, const AgencyId& lower, TreeVersion v) const override;
  unsigned level(const AgencyId& agency, TreeVersion version) const override;
  bool dissolved(const AgencyId& agency, TreeVersion version) const override;
  AgencyId resolve(const AgencyId& agency, TreeVersion version) const override;
  std::vector<AgencyId> superiors(const AgencyId& agency, TreeVersion version) const override;
  std::vector<AgencyId> everyone() const override;

 private:
  const Trees& trees_;
  TreeVersion newest_;
};

// The standard trees, where version 1 is the newest.
class EightAgencies : public ModelTree {
 public:
  EightAgencies() : ModelTree(Trees::standard(), 1) {}
};

// Field that the writes of to_graph() set, open and closed.
inline constexpr std::uint16_t kOpenField = 15;
inline constexpr std::uint16_t kClosedField = 0x4007;

}  // namespace lienthong::model
