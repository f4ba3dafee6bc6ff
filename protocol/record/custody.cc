#include "protocol/record/custody.h"

#include <algorithm>

#include "protocol/base/limits.h"

namespace lienthong::custody {
namespace {

bool strictly_above(const AgencyId& upper, const AgencyId& lower, TreeVersion version,
                    const TreeView& tree) {
  return upper != lower && tree.above_or_equal(upper, lower, version);
}

// The kinds that extend the chain, apart from kCreated, which has no link.
bool may_link(const GraphUpdate& update, const Standing& at, const TreeView& tree,
              TreeVersion version) {
  const AgencyId& author = update.agency;
  const AgencyId& target = update.open.target;
  const bool offer_open = !at.offered.is_zero();
  const AgencyId& turn = offer_open ? at.offered : at.holder;
  switch (update.open.kind) {
    case UpdateKind::kOffer:
      return !offer_open && author == at.holder && target != at.holder && !target.is_zero();
    case UpdateKind::kAccept:
    case UpdateKind::kDecline: return offer_open && author == at.offered;
    case UpdateKind::kReclaim:
      return author != turn && tree.superior(author, at.holder, version) &&
             (!offer_open || tree.superior(author, at.offered, version));
    case UpdateKind::kSucceed: return target == turn && tree.resolve(target, version) == author;
    default: return false;
  }
}

bool in_audience(const GraphUpdate& update, const Place& place, const TreeView& tree,
                 TreeVersion version) {
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

bool supervises(const GraphUpdate& update, const Place& place, const TreeView& tree,
                TreeVersion version) {
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

InertReason judge_right(const GraphUpdate& update, const Place& place, const TreeView& tree,
                        TreeVersion version) {
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
    case UpdateKind::kNote: return audience_if(in_audience(update, place, tree, version));
    case UpdateKind::kInspect: return turn_if(supervises(update, place, tree, version));
    case UpdateKind::kErase:
      return turn_if(update.agency == place.origin ||
                     strictly_above(update.agency, place.origin, version, tree));
    case UpdateKind::kUphold:
      return turn_if(tree.above_or_equal(update.agency, place.author, version));
    default: return turn_if(may_link(update, at, tree, version));
  }
}

}  // namespace

bool is_custodial(UpdateKind kind) { return is_field_write(kind) || is_invitation(kind); }

bool is_invitation(UpdateKind kind) {
  return kind == UpdateKind::kConsult || kind == UpdateKind::kShare;
}

bool is_decision(UpdateKind kind) {
  return kind == UpdateKind::kReclaim || kind == UpdateKind::kUphold;
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

InertReason judge(const GraphUpdate& update, const Place& place, const TreeView& tree,
                  TreeVersion version) {
  if (!may_follow(update.open.kind, place.kind)) return InertReason::kBadLink;
  if (version < place.tree_version || version < update.certificate_version) {
    return InertReason::kTreeOlderThanLink;
  }
  if (tree.dissolved(update.agency, version)) return InertReason::kDissolved;
  if (place.reason == InertReason::kTooDeep) return InertReason::kTooDeep;
  if (place.reason != InertReason::kNone) return InertReason::kNotItsTurn;
  if (is_link(update.open.kind) && place.standing.depth >= kChainDepthMax) {
    return InertReason::kTooDeep;
  }
  return judge_right(update, place, tree, version);
}

bool right_as_held(const GraphUpdate& update, const Place& place, const TreeView& tree) {
  const TreeVersion version = version_of(update);
  return version == update.envelope.tree_version ||
         judge(update, place, tree, version) == InertReason::kNone;
}

}  // namespace lienthong::custody
