// Where a machine's seals end as far as they are held: what a revocation or a closing leaves
// standing. Internal to store/.
#pragma once

#include <vector>

#include "store/replica/rows.h"

namespace lienthong::store {

// For anything with scan(): the seals held of a node, ascending by incarnation and number.
template <class Source>
std::vector<NodeSeal> read_node_seals(const Source& source, const NodeId& node) {
  std::vector<NodeSeal> out;
  const std::string prefix = key::node_seals(node);
  source.scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
    out.push_back(decode_node_seal(k, value));
    return true;
  });
  return out;
}

// Of two seals with one number: the one that was here first.
bool came_before(const NodeSeal& a, const NodeSeal& b);

// The cuts that leave just those seals standing, ascending as they are: numbers that are not among
// them lie beyond, and of those used twice the seal that came first is within. Whoever begins ever
// anew does not fill the room of its superior: of very many incarnations those that came first.
std::vector<Cut> cuts_within(std::vector<NodeSeal> seals);

}  // namespace lienthong::store
