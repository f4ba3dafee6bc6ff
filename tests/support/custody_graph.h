// The custody model's updates and trees as real values, for the fold.
#pragma once

#include "protocol/record/fold.h"
#include "protocol/record/tree_shape.h"
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

// The same trees as the protocol has them, up to version `newest`, with three agencies that each of
// the first tree's declared below itself.
ShapedTree shaped(const Trees& trees, TreeVersion newest);

// The standard trees, where version 1 is the newest; nobody declared any others.
class EightAgencies : public ShapedTree {
 public:
  EightAgencies();
};

// Field that the writes of to_graph() set, open and closed.
inline constexpr std::uint16_t kOpenField = 15;
inline constexpr std::uint16_t kClosedField = 0x4007;

}  // namespace lienthong::model
