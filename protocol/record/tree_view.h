// What the fold asks about agencies. Answers depend on the tree version named and nothing else, so
// a verdict is the same on every replica. The Registry implements it; tests bring small trees.
#pragma once

#include <vector>

#include "protocol/base/ids.h"

namespace lienthong {

class TreeView {
 public:
  virtual ~TreeView() = default;
  virtual TreeVersion newest() const = 0;
  // Whether `upper` is `lower` or an ancestor of it. False for unknown agencies. An agency that was
  // dissolved keeps its last parent.
  virtual bool above_or_equal(const AgencyId& upper, const AgencyId& lower,
                              TreeVersion version) const = 0;
  // Edges to the topmost agency; 0 for it.
  virtual unsigned level(const AgencyId& agency, TreeVersion version) const = 0;
  // Dissolved in `version` or earlier: has no rights.
  virtual bool dissolved(const AgencyId& agency, TreeVersion version) const = 0;
  // Follows sole successors to the end; the agency itself where there is none or more than one.
  virtual AgencyId resolve(const AgencyId& agency, TreeVersion version) const = 0;
  // Strictly above, nearest first.
  virtual std::vector<AgencyId> superiors(const AgencyId& agency, TreeVersion version) const = 0;
  // Every agency that is believed now, dissolved ones too; ascending.
  virtual std::vector<AgencyId> everyone() const = 0;
};

}  // namespace lienthong
