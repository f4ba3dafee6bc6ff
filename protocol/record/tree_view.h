// What the fold asks about agencies. Answers depend on the tree version named and nothing else, so
// a verdict is the same on every replica. The Registry implements it; tests make one of a
// TreeShape. docs/protocol/registry.md, "The shape of the tree".
#pragma once

#include <span>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong {

class TreeView {
 public:
  virtual ~TreeView() = default;
  // The highest number of any version. What names a higher one waits; a version later than the
  // last of the standing chain reads as that one, so this is also the newest tree there is.
  virtual TreeVersion newest() const = 0;
  // Whether `upper` is `lower` or on the walk up from it: from a dissolved agency to its successor,
  // from any other to its parent. False for unknown agencies.
  virtual bool above_or_equal(const AgencyId& upper, const AgencyId& lower,
                              TreeVersion version) const = 0;
  // The same by the walk and by the parents alone: what rights ask for.
  virtual bool superior(const AgencyId& upper, const AgencyId& lower,
                        TreeVersion version) const = 0;
  // How many parents are above; 0 for a topmost agency. The smaller level is the higher agency.
  virtual unsigned level(const AgencyId& agency, TreeVersion version) const = 0;
  // Dissolved under `version`, or left below one that is: has no rights.
  virtual bool dissolved(const AgencyId& agency, TreeVersion version) const = 0;
  // The first agency on the line of successors that is not dissolved. Where there is none, for want
  // of a sole successor or in a circle, one that is dissolved itself: whoever that matters to asks.
  virtual AgencyId resolve(const AgencyId& agency, TreeVersion version) const = 0;
  // The walk up: strictly above, nearest first.
  virtual std::vector<AgencyId> superiors(const AgencyId& agency, TreeVersion version) const = 0;
  // Every agency that is believed now, dissolved ones too; ascending.
  virtual std::vector<AgencyId> everyone() const = 0;

  // The lowest agency at or above all of them by the walk; zero: there is none.
  AgencyId common(std::span<const AgencyId> agencies, TreeVersion version) const;
  // The first agency not dissolved at `agency` or on the walk up from it; zero: there is none.
  AgencyId surviving(const AgencyId& agency, TreeVersion version) const;
};

}  // namespace lienthong
