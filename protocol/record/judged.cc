#include "protocol/record/judged.h"

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"
#include "protocol/base/limits.h"

namespace lienthong::custody {

// A believed reclaim: who, and under which tree.
struct Judged::Claim {
  Index agency = 0;
  TreeVersion version = 0;
  auto operator<=>(const Claim&) const = default;
};

Judged::Judged(std::span<const GraphUpdate> updates, const TreeView& tree) : tree_(tree) {
  order(updates);
  find_links();
  judge_all();
  find_in_force();
}

// Follows one line as far as it goes before the next.
void Judged::order(std::span<const GraphUpdate> updates) {
  const auto count = static_cast<Index>(updates.size());
  std::unordered_map<UpdateId, Index> place;
  place.reserve(count);
  for (Index i = 0; i < count; ++i) place.emplace(updates[i].id, i);
  LT_CHECK(place.size() == count);
  std::vector<std::size_t> starts(count + 1, 0);  // of the children of each
  std::vector<Index> missing(count, 0);
  std::vector<Index> ready;
  for (Index i = 0; i < count; ++i) {
    for (const UpdateId& dep : updates[i].envelope.deps) {
      const auto parent = place.find(dep);
      LT_CHECK(parent != place.end());
      ++starts[parent->second];
    }
    missing[i] = static_cast<Index>(updates[i].envelope.deps.size());
    if (missing[i] == 0) ready.push_back(i);
  }
  std::size_t sum = 0;
  for (std::size_t& start : starts) sum += std::exchange(start, sum);
  std::vector<Index> children(sum);
  for (Index i = 0; i < count; ++i) {
    for (const UpdateId& dep : updates[i].envelope.deps) children[starts[place.at(dep)]++] = i;
  }
  const auto first = std::find_if(ready.begin(), ready.end(), [&](Index i) {
    return updates[i].open.kind == UpdateKind::kCreated && !updates[i].envelope.link;
  });
  LT_CHECK(first != ready.end());
  std::iter_swap(first, ready.end() - 1);
  updates_.reserve(count);
  index_.reserve(count);
  std::vector<Index> parents;
  while (!ready.empty()) {
    const Index i = ready.back();
    ready.pop_back();
    for (std::size_t c = i == 0 ? 0 : starts[i - 1]; c < starts[i]; ++c) {
      if (--missing[children[c]] == 0) ready.push_back(children[c]);
    }
    parents.clear();
    for (const UpdateId& dep : updates[i].envelope.deps) parents.push_back(index_.at(dep));
    graph_.add(parents);
    index_.emplace(updates[i].id, static_cast<Index>(updates_.size()));
    JudgedUpdate judged;
    judged.update = &updates[i];
    judged.agency = intern(updates[i].agency);
    updates_.push_back(judged);
  }
  LT_CHECK(updates_.size() == count);
}

Index Judged::intern(const AgencyId& agency) {
  const auto [at, added] = agency_index_.emplace(agency, static_cast<Index>(agencies_.size()));
  if (added) agencies_.push_back(agency);
  return at->second;
}

// Which link each names, where that is an ancestor. Nearly always a parent, or the link of one.
void Judged::find_links() {
  std::vector<Ancestors::Pair> asked;
  for (Index i = 0; i < updates_.size(); ++i) {
    JudgedUpdate& judged = updates_[i];
    if (!judged.update->envelope.link) continue;
    const auto found = index_.find(*judged.update->envelope.link);
    if (found == index_.end() || found->second >= i) continue;
    const Index link = found->second;
    const auto parents = graph_.parents(i);
    if (std::any_of(parents.begin(), parents.end(), [&](Index parent) {
          return parent == link || updates_[parent].link == link;
        })) {
      judged.link = link;
    } else {
      asked.push_back({i, link});
    }
  }
  const std::vector<bool> answers = graph_.has(asked);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (answers[i]) updates_[asked[i].of].link = asked[i].ancestor;
  }
}

// Those with more than kAncestorCountMax updates of their author's agency in their past.
std::vector<bool> Judged::find_too_deep() const {
  std::vector<bool> too_deep(updates_.size(), false);
  std::vector<std::size_t> written(agencies_.size(), 0);
  for (const JudgedUpdate& judged : updates_) ++written[judged.agency];
  for (Index agency = 0; agency < written.size(); ++agency) {
    if (written[agency] <= kAncestorCountMax) continue;
    std::vector<Index> own;
    for (Index i = 0; i < updates_.size(); ++i) {
      if (updates_[i].agency == agency) own.push_back(i);
    }
    const std::vector<std::uint32_t> counts = graph_.count_among(own);
    for (std::size_t k = 0; k < own.size(); ++k) too_deep[own[k]] = counts[k] > kAncestorCountMax;
  }
  return too_deep;
}

void Judged::judge_all() {
  const std::vector<bool> too_deep = find_too_deep();
  updates_[0].trusted = updates_[0].update->believed;
  add_link(0, Standing{}, kNone);
  for (Index i = 1; i < updates_.size(); ++i) judge(i, too_deep);
}

void Judged::judge(Index i, const std::vector<bool>& too_deep) {
  JudgedUpdate& judged = updates_[i];
  const GraphUpdate& update = *judged.update;
  if (judged.link == kNone) {
    judged.reason = InertReason::kBadLink;
    return;
  }
  const JudgedUpdate& link = updates_[judged.link];
  Place place;
  place.kind = link.update->open.kind;
  place.tree_version = link.update->envelope.tree_version;
  place.reason = link.reason;
  place.author = link.update->agency;
  place.origin = updates_[0].update->agency;
  Index under = kNone;
  if (link.reason == InertReason::kNone) {
    under = custody_link_of(link);
    if (is_invitation(place.kind)) place.invited = link.update->open.target;
  }
  if (under != kNone) {
    place.standing = paths_[under].standing;
    const UpdateKind kind = update.open.kind;
    if (kind == UpdateKind::kNote || kind == UpdateKind::kInspect) place.people = people_at(under);
  }
  judged.reason = custody::judge(update, place, tree_, update.envelope.tree_version);
  if (judged.reason == InertReason::kNone && too_deep[i]) judged.reason = InertReason::kTooDeep;
  if (judged.reason != InertReason::kNone) return;
  judged.trusted = update.believed && right_as_held(update, place, tree_);
  if (is_link(update.open.kind)) add_link(i, place.standing, under);
}

Index Judged::custody_link_of(const JudgedUpdate& update) const {
  const JudgedUpdate* at = &update;
  while (at->custody_link == kNone) {
    if (at->link == kNone || at->reason != InertReason::kNone) return kNone;
    at = &updates_[at->link];
  }
  return at->custody_link;
}

void Judged::add_link(Index i, const Standing& before, Index previous) {
  JudgedUpdate& judged = updates_[i];
  const LinkEntry entry = link_entry(*judged.update);
  LinkPath path{step(before, entry), previous == kNone ? kNone : paths_[previous].person};
  path.person = with_person(with_person(path.person, entry.by), entry.to);
  LinkNode link;
  link.update = i;
  link.agency = judged.agency;
  link.previous = previous;
  link.holder = intern(path.standing.holder);
  if (!path.standing.offered.is_zero()) link.offered = intern(path.standing.offered);
  judged.custody_link = static_cast<Index>(links_.size());
  links_.push_back(std::move(link));
  paths_.push_back(path);
}

Index Judged::with_person(Index list, const AgencyId& agency) {
  if (agency.is_zero()) return list;
  for (Index at = list; at != kNone; at = people_[at].before) {
    if (people_[at].agency == agency) return list;
  }
  people_.push_back(Person{agency, list});
  return static_cast<Index>(people_.size() - 1);
}

std::span<const AgencyId> Judged::people_at(Index link) {
  if (listed_ != link) {
    listed_ = link;
    list_.clear();
    for (Index at = paths_[link].person; at != kNone; at = people_[at].before) {
      list_.push_back(people_[at].agency);
    }
  }
  return list_;
}

// ---- in force ----

void Judged::find_in_force() {
  bool all_trusted = true;
  for (LinkNode& link : links_) {
    link.in_force = updates_[link.update].trusted;
    all_trusted = all_trusted && link.in_force;
  }
  if (!all_trusted) confirm();
  for (Index i = 0; i < links_.size(); ++i) {
    const LinkNode& link = links_[i];
    if (link.in_force && link.previous != kNone) links_[link.previous].next.push_back(i);
  }
  for (Index i = 0; i < updates_.size(); ++i) {
    const JudgedUpdate& judged = updates_[i];
    const UpdateKind kind = judged.update->open.kind;
    if (!judged.trusted || (!is_field_write(kind) && kind != UpdateKind::kUphold)) continue;
    links_[updates_[judged.link].custody_link].under.push_back(i);
  }
}

// Children before parents, each handing up the believed reclaims at and below it. They are few: one
// for each agency and tree version.
void Judged::confirm() {
  std::vector<std::vector<Claim>> below(links_.size());  // ascending
  for (auto i = static_cast<Index>(links_.size()); i-- > 0;) {
    LinkNode& link = links_[i];
    std::vector<Claim> claims = std::move(below[i]);
    if (!link.in_force) {
      link.in_force = std::any_of(claims.begin(), claims.end(),
                                  [&](const Claim& claim) { return confirms(claim, link); });
    }
    if (link.previous == kNone) continue;
    const GraphUpdate& update = update_of(link);
    if (updates_[link.update].trusted && update.open.kind == UpdateKind::kReclaim) {
      insert_sorted(claims, Claim{link.agency, version_of(update)});
    }
    std::vector<Claim>& up = below[link.previous];
    if (up.size() < claims.size()) std::swap(up, claims);
    if (claims.empty()) continue;
    const auto middle = up.insert(up.end(), claims.begin(), claims.end());
    std::inplace_merge(up.begin(), middle, up.end());
    up.erase(std::unique(up.begin(), up.end()), up.end());
  }
}

// At or above who signed the link and, if that took the record back itself, those it took from.
bool Judged::confirms(const Claim& claim, const LinkNode& link) const {
  const AgencyId& author = agencies_[claim.agency];
  const auto above = [&](Index agency) {
    return agency == kNone || tree_.superior(author, agencies_[agency], claim.version);
  };
  if (!above(link.agency)) return false;
  if (update_of(link).open.kind != UpdateKind::kReclaim) return true;
  const LinkNode& taken_from = links_[link.previous];
  return above(taken_from.holder) && above(taken_from.offered);
}

}  // namespace lienthong::custody
