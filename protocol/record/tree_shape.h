// The shape of the tree of agencies in each of its versions, by small numbers: who is dissolved,
// what is left below them, whom they count as below. docs/protocol/registry.md, "The shape of the
// tree". Computed once for each version; what a version does not change takes no room. Pure values;
// readers of any thread may share one that nobody changes.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/record/tree_view.h"

namespace lienthong {

class TreeShape {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  // ---- making one ----
  // An agency declared below `parent` (kNone: topmost), in all versions there are. No version there
  // is may concern it. Its number: 0, 1, 2 …
  Index add(Index parent);
  // What the next version says; it holds for all that follow until said otherwise.
  // False, and nothing is changed: `parent` is at or below the agency by the parents as they are.
  bool move(Index agency, Index parent);
  // `successor`: the sole one; kNone: there is none, or more than one.
  void dissolve(Index agency, Index successor);
  // The next version, `version` higher than the last (the first is 0 and has what was declared).
  void finish(TreeVersion version);
  // The same from nothing but its own words: the parent of each agency, which form a tree, and
  // those that are dissolved with their sole successors.
  void finish(TreeVersion version, std::span<const Index> parents,
              std::span<const std::pair<Index, Index>> dissolved);

  // ---- asking; a version that is not here reads as the last one before it ----
  std::size_t size() const { return last_.size(); }
  TreeVersion newest() const { return newest_; }
  Index parent(Index agency, TreeVersion version) const;  // also of a dissolved one; kNone: topmost
  Index up(Index agency, TreeVersion version) const;      // next on the walk up; kNone: the end
  bool dissolved(Index agency, TreeVersion version) const;
  Index successor(Index agency, TreeVersion version) const;  // kNone: not dissolved, or no sole one
  unsigned level(Index agency, TreeVersion version) const;
  // TreeView says what these mean.
  bool above_or_equal(Index upper, Index lower, TreeVersion version) const;
  bool superior(Index upper, Index lower, TreeVersion version) const;
  Index resolve(Index agency, TreeVersion version) const;

 private:
  static constexpr Index kStays = UINT32_MAX - 1;  // as a successor: not dissolved
  struct Place {
    Index parent = kNone;
    Index up = kNone;
    Index successor = kStays;
    unsigned level = 0;
    bool operator==(const Place&) const = default;
  };
  struct Entry {
    Place place;
    TreeVersion from = 0;
    Index before = kNone;  // entry of the same agency with a lower version
  };

  const Place& at(Index agency, TreeVersion version) const;
  void set(Index agency, TreeVersion from, const Place& place);
  std::vector<Index> leave_below() const;
  std::vector<Index> walk_up(const std::vector<Index>& successors) const;
  std::vector<unsigned> levels() const;

  std::vector<Entry> entries_;
  std::vector<Index> last_;  // entry of each agency with the highest version
  TreeVersion newest_ = 0;
  std::vector<Index> parents_;  // as the next version has them
  std::vector<Index> named_;    // successors of those that it names as dissolved; kStays: not named
};

// A tree of a shape and the ids of its numbers, all of them believed.
class ShapedTree : public TreeView {
 public:
  ShapedTree() = default;
  ShapedTree(TreeShape shape, std::vector<AgencyId> ids);
  const TreeShape& shape() const { return shape_; }

  TreeVersion newest() const override { return shape_.newest(); }
  bool above_or_equal(const AgencyId&, const AgencyId&, TreeVersion) const override;
  bool superior(const AgencyId&, const AgencyId&, TreeVersion) const override;
  unsigned level(const AgencyId&, TreeVersion) const override;
  bool dissolved(const AgencyId&, TreeVersion) const override;
  AgencyId resolve(const AgencyId&, TreeVersion) const override;
  std::vector<AgencyId> superiors(const AgencyId&, TreeVersion) const override;
  std::vector<AgencyId> everyone() const override;

 private:
  TreeShape::Index find(const AgencyId& id) const;
  TreeShape shape_;
  std::vector<AgencyId> ids_;
  std::unordered_map<AgencyId, TreeShape::Index> index_;
};

}  // namespace lienthong
