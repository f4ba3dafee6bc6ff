#include "protocol/record/tree_shape.h"

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"

namespace lienthong {

// ---- making one ----

TreeShape::Index TreeShape::add(Index parent) {
  LT_CHECK(parent == kNone || parent < size());
  const auto self = static_cast<Index>(size());
  last_.push_back(kNone);
  parents_.push_back(parent);
  named_.push_back(kStays);
  if (parent == kNone) {
    set(self, 0, Place{});
    return self;
  }
  std::vector<Index> above;  // entries of the parent
  for (Index entry = last_[parent]; entry != kNone; entry = entries_[entry].before) {
    above.push_back(entry);
  }
  for (auto it = above.rbegin(); it != above.rend(); ++it) {
    const Place over = entries_[*it].place;
    Place place{parent, parent, over.successor, over.level + 1};  // left below, if it is dissolved
    if (over.successor != kStays && over.successor != kNone) place.up = over.successor;
    set(self, entries_[*it].from, place);
  }
  return self;
}

bool TreeShape::move(Index agency, Index parent) {
  for (Index above = parent; above != kNone; above = parents_[above]) {
    if (above == agency) return false;
  }
  parents_[agency] = parent;
  return true;
}

void TreeShape::dissolve(Index agency, Index successor) { named_[agency] = successor; }

void TreeShape::finish(TreeVersion version, std::span<const Index> parents,
                       std::span<const std::pair<Index, Index>> dissolved) {
  LT_CHECK(parents.size() == size());
  parents_.assign(parents.begin(), parents.end());
  named_.assign(size(), kStays);
  for (const auto& [agency, successor] : dissolved) named_[agency] = successor;
  finish(version);
}

void TreeShape::finish(TreeVersion version) {
  LT_CHECK(version >= newest_);
  const std::vector<Index> successors = leave_below();
  const std::vector<Index> up = walk_up(successors);
  const std::vector<unsigned> level = levels();
  for (Index i = 0; i < size(); ++i) {
    set(i, version, Place{parents_[i], up[i], successors[i], level[i]});
  }
  newest_ = version;
}

void TreeShape::set(Index agency, TreeVersion from, const Place& place) {
  const Index last = last_[agency];
  if (last != kNone) {
    if (entries_[last].place == place) return;
    if (entries_[last].from == from) {
      entries_[last].place = place;
      return;
    }
  }
  last_[agency] = static_cast<Index>(entries_.size());
  entries_.push_back(Entry{place, from, last});
}

// The successors of all who are dissolved, what is left below them included; level by level down,
// so that each is decided by what is above it.
std::vector<TreeShape::Index> TreeShape::leave_below() const {
  std::vector<Index> successors = named_;
  std::vector<Index> fresh;
  for (Index i = 0; i < size(); ++i) {
    if (named_[i] != kStays) fresh.push_back(i);
  }
  if (fresh.empty()) return successors;
  std::vector<Index> first_child(size(), kNone);
  std::vector<Index> next_child(size(), kNone);
  for (auto i = static_cast<Index>(size()); i-- > 0;) {
    if (parents_[i] != kNone) next_child[i] = std::exchange(first_child[parents_[i]], i);
  }
  std::vector<Index> seen_from(size(),
                               kNone);  // the agency whose line of successors was marked last
  while (!fresh.empty()) {
    std::vector<Index> left;
    for (const Index above : fresh) {
      if (first_child[above] == kNone) continue;
      for (Index at = above; at < kStays && seen_from[at] != above; at = successors[at]) {
        seen_from[at] = above;
      }
      for (Index child = first_child[above]; child != kNone; child = next_child[child]) {
        if (successors[child] == kStays && seen_from[child] != above) left.push_back(child);
      }
    }
    for (const Index child : left) successors[child] = successors[parents_[child]];
    fresh = std::move(left);
  }
  return successors;
}

// The next step of the walk up from each. All dissolved agencies on a circle go to their parents at
// once, until there is no circle.
std::vector<TreeShape::Index> TreeShape::walk_up(const std::vector<Index>& successors) const {
  std::vector<Index> up = parents_;
  std::vector<Index> turned;  // dissolved, and not below their parents
  for (Index i = 0; i < size(); ++i) {
    if (successors[i] >= kStays || successors[i] == parents_[i]) continue;
    up[i] = successors[i];
    turned.push_back(i);
  }
  while (!turned.empty()) {
    std::vector<Index> walked_from(size(), kNone);
    std::vector<bool> on_circle(size(), false);
    bool found = false;
    for (const Index start : turned) {
      Index at = start;
      while (at != kNone && walked_from[at] == kNone) {
        walked_from[at] = start;
        at = up[at];
      }
      if (at == kNone || walked_from[at] != start) continue;
      found = true;
      for (Index i = at; !on_circle[i]; i = up[i]) on_circle[i] = true;
    }
    if (!found) break;
    for (const Index i : turned) {
      if (on_circle[i]) up[i] = parents_[i];
    }
    std::erase_if(turned, [&](Index i) { return on_circle[i]; });
  }
  return up;
}

std::vector<unsigned> TreeShape::levels() const {
  constexpr unsigned kUnknown = UINT32_MAX;
  std::vector<unsigned> level(size(), kUnknown);
  std::vector<Index> path;
  for (Index i = 0; i < size(); ++i) {
    Index at = i;
    while (at != kNone && level[at] == kUnknown) {
      path.push_back(at);
      at = parents_[at];
    }
    unsigned next = at == kNone ? 0 : level[at] + 1;
    for (; !path.empty(); path.pop_back()) level[path.back()] = next++;
  }
  return level;
}

// ---- asking ----

const TreeShape::Place& TreeShape::at(Index agency, TreeVersion version) const {
  Index entry = last_[agency];
  while (entries_[entry].from > version) entry = entries_[entry].before;
  return entries_[entry].place;
}

TreeShape::Index TreeShape::parent(Index agency, TreeVersion version) const {
  return at(agency, version).parent;
}

TreeShape::Index TreeShape::up(Index agency, TreeVersion version) const {
  return at(agency, version).up;
}

bool TreeShape::dissolved(Index agency, TreeVersion version) const {
  return at(agency, version).successor != kStays;
}

TreeShape::Index TreeShape::successor(Index agency, TreeVersion version) const {
  const Index successor = at(agency, version).successor;
  return successor == kStays ? kNone : successor;
}

unsigned TreeShape::level(Index agency, TreeVersion version) const {
  return at(agency, version).level;
}

bool TreeShape::above_or_equal(Index upper, Index lower, TreeVersion version) const {
  while (lower != kNone && lower != upper) lower = up(lower, version);
  return lower == upper && upper != kNone;
}

bool TreeShape::superior(Index upper, Index lower, TreeVersion version) const {
  Index above = lower;
  while (above != kNone && above != upper) above = parent(above, version);
  return above != kNone && above_or_equal(upper, lower, version);
}

TreeShape::Index TreeShape::resolve(Index agency, TreeVersion version) const {
  std::vector<Index> line{agency};
  for (;;) {
    const Index next = successor(line.back(), version);
    if (next == kNone || std::find(line.begin(), line.end(), next) != line.end()) break;
    line.push_back(next);
  }
  return line.back();
}

// ---- a tree with ids ----

AgencyId TreeView::common(std::span<const AgencyId> agencies, TreeVersion version) const {
  if (agencies.empty()) return {};
  std::vector<AgencyId> line = superiors(agencies[0], version);
  line.insert(line.begin(), agencies[0]);
  for (const AgencyId& at : line) {
    if (std::all_of(agencies.begin(), agencies.end(),
                    [&](const AgencyId& agency) { return above_or_equal(at, agency, version); })) {
      return at;
    }
  }
  return {};
}

AgencyId TreeView::surviving(const AgencyId& agency, TreeVersion version) const {
  if (agency.is_zero() || !dissolved(agency, version)) return agency;
  for (const AgencyId& above : superiors(agency, version)) {
    if (!dissolved(above, version)) return above;
  }
  return {};
}

ShapedTree::ShapedTree(TreeShape shape, std::vector<AgencyId> ids)
    : shape_(std::move(shape)), ids_(std::move(ids)) {
  LT_CHECK(ids_.size() == shape_.size());
  for (TreeShape::Index i = 0; i < ids_.size(); ++i) index_.emplace(ids_[i], i);
}

TreeShape::Index ShapedTree::find(const AgencyId& id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? TreeShape::kNone : found->second;
}

bool ShapedTree::above_or_equal(const AgencyId& upper, const AgencyId& lower,
                                TreeVersion version) const {
  const TreeShape::Index above = find(upper);
  const TreeShape::Index below = find(lower);
  return above != TreeShape::kNone && below != TreeShape::kNone &&
         shape_.above_or_equal(above, below, version);
}

bool ShapedTree::superior(const AgencyId& upper, const AgencyId& lower, TreeVersion version) const {
  const TreeShape::Index above = find(upper);
  const TreeShape::Index below = find(lower);
  return above != TreeShape::kNone && below != TreeShape::kNone &&
         shape_.superior(above, below, version);
}

unsigned ShapedTree::level(const AgencyId& agency, TreeVersion version) const {
  const TreeShape::Index index = find(agency);
  return index == TreeShape::kNone ? 0 : shape_.level(index, version);
}

bool ShapedTree::dissolved(const AgencyId& agency, TreeVersion version) const {
  const TreeShape::Index index = find(agency);
  return index != TreeShape::kNone && shape_.dissolved(index, version);
}

AgencyId ShapedTree::resolve(const AgencyId& agency, TreeVersion version) const {
  const TreeShape::Index index = find(agency);
  return index == TreeShape::kNone ? agency : ids_[shape_.resolve(index, version)];
}

std::vector<AgencyId> ShapedTree::superiors(const AgencyId& agency, TreeVersion version) const {
  std::vector<AgencyId> out;
  TreeShape::Index at = find(agency);
  if (at == TreeShape::kNone) return out;
  for (at = shape_.up(at, version); at != TreeShape::kNone; at = shape_.up(at, version)) {
    out.push_back(ids_[at]);
  }
  return out;
}

std::vector<AgencyId> ShapedTree::everyone() const {
  std::vector<AgencyId> out = ids_;
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace lienthong
