#include "protocol/record/custody.h"

#include <algorithm>
#include <tuple>

#include "protocol/base/limits.h"

namespace lienthong::custody {
namespace {

bool strictly_above(const AgencyId& upper, const AgencyId& lower, TreeVersion version,
                    const TreeView& tree) {
  return upper != lower && tree.above_or_equal(upper, lower, version);
}

// The kinds that extend the chain, apart from kCreated, which has no link.
bool may_link(const GraphUpdate& update, const Standing& at, const TreeView& tree) {
  const AgencyId& author = update.agency;
  const AgencyId& target = update.open.target;
  const TreeVersion version = update.envelope.tree_version;
  const bool offer_open = !at.offered.is_zero();
  const AgencyId& turn = offer_open ? at.offered : at.holder;
  switch (update.open.kind) {
    case UpdateKind::kOffer:
      return !offer_open && author == at.holder && target != at.holder && !target.is_zero();
    case UpdateKind::kAccept:
    case UpdateKind::kDecline: return offer_open && author == at.offered;
    case UpdateKind::kReclaim:
      return author != turn && tree.above_or_equal(author, at.holder, version) &&
             (!offer_open || tree.above_or_equal(author, at.offered, version));
    case UpdateKind::kSucceed: return target == turn && tree.resolve(target, version) == author;
    default: return false;
  }
}

bool in_audience(const GraphUpdate& update, const Place& place, const TreeView& tree) {
  const TreeVersion version = update.envelope.tree_version;
  const auto admits = [&](const AgencyId& agency) {
    return tree.above_or_equal(update.agency, agency, version) ||
           tree.resolve(agency, version) == update.agency;
  };
  if (!place.invited.is_zero() && (update.agency == place.invited || admits(place.invited))) {
    return true;
  }
  return std::any_of(place.people.begin(), place.people.end(), [&](const AgencyId& agency) {
    return update.agency == agency || admits(agency);
  });
}

bool supervises(const GraphUpdate& update, const Place& place, const TreeView& tree) {
  const TreeVersion version = update.envelope.tree_version;
  if (!place.invited.is_zero() && strictly_above(update.agency, place.invited, version, tree)) {
    return true;
  }
  return std::any_of(place.people.begin(), place.people.end(), [&](const AgencyId& agency) {
    return strictly_above(update.agency, agency, version, tree);
  });
}

bool may_follow(UpdateKind kind, UpdateKind link) {
  switch (kind) {
    case UpdateKind::kCreated: return false;
    case UpdateKind::kReply: return link == UpdateKind::kConsult;
    case UpdateKind::kNote:
    case UpdateKind::kInspect: return is_link(link) || is_invitation(link);
    default: return is_link(link);
  }
}

InertReason judge_right(const GraphUpdate& update, const Place& place, const TreeView& tree) {
  const Standing& at = place.standing;
  const auto turn_if = [](bool right) {
    return right ? InertReason::kNone : InertReason::kNotItsTurn;
  };
  const auto audience_if = [](bool right) {
    return right ? InertReason::kNone : InertReason::kNotInAudience;
  };
  switch (update.open.kind) {
    case UpdateKind::kSet:
    case UpdateKind::kAdopt:
    case UpdateKind::kConsult:
    case UpdateKind::kShare:  // fields rest while an offer is open, and so does what else binds
      return turn_if(at.offered.is_zero() && update.agency == at.holder);
    case UpdateKind::kRecallRequest:
      return turn_if(!at.offered.is_zero() && update.agency == at.holder &&
                     update.open.references == std::vector<UpdateId>{at.offer});
    case UpdateKind::kReply: return audience_if(update.agency == place.invited);
    case UpdateKind::kNote: return audience_if(in_audience(update, place, tree));
    case UpdateKind::kInspect: return turn_if(supervises(update, place, tree));
    case UpdateKind::kErase:
      return turn_if(
          update.agency == place.origin ||
          strictly_above(update.agency, place.origin, update.envelope.tree_version, tree));
    default: return turn_if(may_link(update, at, tree));
  }
}

// A reclaim as a claim to decide: who, and under which tree.
struct Claim {
  std::uint32_t agency = 0;
  TreeVersion tree_version = 0;
  auto operator<=>(const Claim&) const = default;
};

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// ---- which of several successors stands ----

struct Moment {  // in the order of time as the updates tell it
  Hlc hlc;
  UpdateId id;
  auto operator<=>(const Moment&) const = default;
};

Moment moment_of(const GraphUpdate& update) { return {update.envelope.hlc, update.id}; }

// A successor of the fork with everything in force that follows it.
struct Branch {
  std::uint32_t first = 0;
  std::vector<std::uint32_t> signers;  // agencies with links or field writes in it; ascending
  std::vector<Claim> claims;           // its reclaims; ascending
  std::int64_t newest_named = -1;      // tree version of its reclaims and succeeds; -1: none
  Moment taken_up;  // earliest link by another than its first signer, else its first
};

// What decides between branches, most weighty first.
struct Weight {
  std::int64_t decided_under =
      -1;  // tree version of a reclaim that binds all other branches; -1: none
  std::int64_t decided_height = 0;  // 0 for the topmost agency, negative below
  std::size_t signers = 0;
  std::int64_t grounded = -1;  // tree version of a first link that is a reclaim or succeed
  Moment taken_up;
  UpdateId first;
};

bool outweighs(const Weight& a, const Weight& b) {
  const auto more = [](const Weight& w) {
    return std::tuple(w.decided_under, w.decided_height, w.signers, w.grounded);
  };
  if (more(a) != more(b)) return more(a) > more(b);
  return std::tie(a.taken_up, a.first) < std::tie(b.taken_up, b.first);
}

class Fork {
 public:
  Fork(std::span<const LinkNode> links, std::span<const AgencyId> agencies, const TreeView& tree,
       std::span<const std::uint32_t> successors)
      : links_(links), agencies_(agencies), tree_(tree), branches_signed_(agencies.size(), 0) {
    for (const std::uint32_t first : successors) {
      branches_.push_back(survey(first));
      const Branch& branch = branches_.back();
      for (const std::uint32_t agency : branch.signers) {
        if (branches_signed_[agency]++ == 0) signers_.push_back(agency);
      }
      if (branch.newest_named > newest_named_) {
        second_named_ = newest_named_;
        newest_named_ = branch.newest_named;
      } else {
        second_named_ = std::max(second_named_, branch.newest_named);
      }
    }
  }

  std::uint32_t standing() const {
    const Branch* best = nullptr;
    Weight best_weight;
    for (const Branch& branch : branches_) {
      const Weight weight = weigh(branch);
      if (best == nullptr || outweighs(weight, best_weight)) {
        best = &branch;
        best_weight = weight;
      }
    }
    return best->first;
  }

 private:
  Branch survey(std::uint32_t first) const {
    Branch branch;
    branch.first = first;
    const LinkNode& first_link = links_[first];
    branch.taken_up = moment_of(*first_link.update);
    bool foreign = false;
    std::vector<std::uint32_t> ahead{first};
    while (!ahead.empty()) {
      const LinkNode& link = links_[ahead.back()];
      ahead.pop_back();
      ahead.insert(ahead.end(), link.next.begin(), link.next.end());
      branch.signers.push_back(link.agency);
      branch.signers.insert(branch.signers.end(), link.writers.begin(), link.writers.end());
      const TreeVersion version = link.update->envelope.tree_version;
      const UpdateKind kind = link.update->open.kind;
      if (kind == UpdateKind::kReclaim) branch.claims.push_back({link.agency, version});
      if (kind == UpdateKind::kReclaim || kind == UpdateKind::kSucceed) {
        branch.newest_named = std::max<std::int64_t>(branch.newest_named, version);
      }
      if (link.agency != first_link.agency) {
        const Moment moment = moment_of(*link.update);
        branch.taken_up = foreign ? std::min(branch.taken_up, moment) : moment;
        foreign = true;
      }
    }
    sort_unique(branch.signers);
    sort_unique(branch.claims);
    return branch;
  }

  Weight weigh(const Branch& branch) const {
    const GraphUpdate& first = *links_[branch.first].update;
    Weight weight;
    weight.signers = branch.signers.size();
    weight.taken_up = branch.taken_up;
    weight.first = first.id;
    if (first.open.kind == UpdateKind::kReclaim || first.open.kind == UpdateKind::kSucceed) {
      weight.grounded = first.envelope.tree_version;
    }
    for (const Claim& claim : branch.claims) {
      if (!binds_others(branch, claim)) continue;
      const auto height =
          -static_cast<std::int64_t>(tree_.level(agencies_[claim.agency], claim.tree_version));
      const auto found = std::pair<std::int64_t, std::int64_t>(claim.tree_version, height);
      if (found > std::pair(weight.decided_under, weight.decided_height) ||
          weight.decided_under < 0) {
        std::tie(weight.decided_under, weight.decided_height) = found;
      }
    }
    return weight;
  }

  // At or above all who signed in the other branches, in the newest tree that it or they name.
  bool binds_others(const Branch& branch, const Claim& claim) const {
    const std::int64_t others_named =
        branch.newest_named == newest_named_ ? second_named_ : newest_named_;
    const auto version =
        static_cast<TreeVersion>(std::max<std::int64_t>(others_named, claim.tree_version));
    const AgencyId& author = agencies_[claim.agency];
    if (tree_.dissolved(author, version)) return false;
    return std::all_of(signers_.begin(), signers_.end(), [&](std::uint32_t agency) {
      const bool own = std::binary_search(branch.signers.begin(), branch.signers.end(), agency);
      const bool other_too = branches_signed_[agency] > (own ? 1U : 0U);
      return !other_too || tree_.above_or_equal(author, agencies_[agency], version);
    });
  }

  std::span<const LinkNode> links_;
  std::span<const AgencyId> agencies_;
  const TreeView& tree_;
  std::vector<Branch> branches_;
  std::vector<std::uint32_t> branches_signed_;  // by agency
  std::vector<std::uint32_t> signers_;          // of any branch
  std::int64_t newest_named_ = -1;              // of all branches
  std::int64_t second_named_ = -1;              // of all but one that names the newest
};

}  // namespace

bool is_custodial(UpdateKind kind) { return is_field_write(kind) || is_invitation(kind); }

bool is_invitation(UpdateKind kind) {
  return kind == UpdateKind::kConsult || kind == UpdateKind::kShare;
}

bool is_field_write(UpdateKind kind) {
  return kind == UpdateKind::kSet || kind == UpdateKind::kAdopt;
}

LinkEntry link_entry(const GraphUpdate& update) {
  const UpdateKind kind = update.open.kind;
  LinkEntry entry;
  entry.id = update.id;
  entry.kind = kind;
  entry.by = update.agency;
  if (kind == UpdateKind::kOffer || kind == UpdateKind::kSucceed) entry.to = update.open.target;
  entry.tree_version = update.envelope.tree_version;
  entry.hlc = update.envelope.hlc;
  entry.urgent = kind == UpdateKind::kOffer && update.open.urgent;
  return entry;
}

Standing step(const Standing& before, const LinkEntry& link) {
  Standing after;
  after.holder = before.holder;
  after.depth = before.depth + 1;
  switch (link.kind) {
    case UpdateKind::kOffer:
      after.offered = link.to;
      after.offer = link.id;
      break;
    case UpdateKind::kSucceed:
      if (!before.offered.is_zero() && before.holder != link.by) {
        after.offered = link.by;  // the offer stays open, to the successor
        after.offer = before.offer;
      } else {
        after.holder = link.by;
      }
      break;
    case UpdateKind::kDecline: break;
    default: after.holder = link.by;  // created, accept, reclaim
  }
  return after;
}

InertReason judge(const GraphUpdate& update, const Place& place, const TreeView& tree) {
  if (!may_follow(update.open.kind, place.kind)) return InertReason::kBadLink;
  if (update.envelope.tree_version < place.tree_version) return InertReason::kTreeOlderThanLink;
  if (tree.dissolved(update.agency, update.envelope.tree_version)) return InertReason::kDissolved;
  if (place.reason == InertReason::kTooDeep) return InertReason::kTooDeep;
  if (place.reason != InertReason::kNone) return InertReason::kNotItsTurn;
  if (is_link(update.open.kind) && place.standing.depth >= kChainDepthMax) {
    return InertReason::kTooDeep;
  }
  return judge_right(update, place, tree);
}

void find_in_force(std::span<LinkNode> links, std::span<const AgencyId> agencies,
                   const TreeView& tree) {
  bool all_believed = true;
  for (LinkNode& link : links) {
    link.in_force = link.update->believed;
    all_believed = all_believed && link.in_force;
  }
  if (!all_believed) {
    // Children before parents, each handing up the reclaims at and below it; few are distinct.
    std::vector<std::vector<Claim>> below(links.size());
    for (std::uint32_t i = static_cast<std::uint32_t>(links.size()); i-- > 0;) {
      LinkNode& link = links[i];
      sort_unique(below[i]);
      const auto confirms = [&](const Claim& claim) {
        return tree.above_or_equal(agencies[claim.agency], link.update->agency, claim.tree_version);
      };
      if (!link.in_force) {
        link.in_force = std::any_of(below[i].begin(), below[i].end(), confirms);
      }
      if (link.previous == kNoLink) continue;
      std::vector<Claim>& up = below[link.previous];
      up.insert(up.end(), below[i].begin(), below[i].end());
      if (link.update->believed && link.update->open.kind == UpdateKind::kReclaim) {
        up.push_back({link.agency, link.update->envelope.tree_version});
      }
      std::vector<Claim>().swap(below[i]);
    }
  }
  for (std::uint32_t i = 0; i < links.size(); ++i) {
    const LinkNode& link = links[i];
    if (link.in_force && link.previous != kNoLink) links[link.previous].next.push_back(i);
  }
}

Chain find_chain(std::span<const LinkNode> links, std::span<const AgencyId> agencies,
                 const TreeView& tree) {
  Chain chain;
  if (links.empty() || !links[0].in_force) return chain;
  std::uint32_t at = 0;
  for (;;) {
    chain.links.push_back(at);
    const std::vector<std::uint32_t>& next = links[at].next;
    if (next.empty()) return chain;
    if (next.size() > 1) chain.forks.push_back(at);
    at = next.size() == 1 ? next[0] : Fork(links, agencies, tree, next).standing();
  }
}

}  // namespace lienthong::custody
