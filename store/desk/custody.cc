// Operations that pass a record on: every link of custody but those of legs and copies.
#include <algorithm>
#include <map>
#include <set>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/desk/carry_out.h"
#include "store/desk/keys.h"

namespace lienthong::store {
namespace {

Result<OperationResult> write_link(Task& task, Draft out, const Remark& remark) {
  put_remark(out, remark);
  return task.write(std::move(out));
}

Result<OperationResult> answer(Task& task, UpdateKind kind, const Remark& remark) {
  const RecordState& state = task.state();
  LT_TRY_VOID(task.require_offer());
  if (state.offered != task.ours())
    return Error(Errc::kNotAllowed, task.code() + " is offered to " + task.name_of(state.offered) +
                                        ", not to us: only it may answer");
  return write_link(task, task.draft(kind), remark);
}

// The offer never left this machine, so it is taken back as if it had not been made. Its key and
// that of the recall are remembered, so that the same operations applied again change nothing.
Result<OperationResult> withdraw_offer(Task& task, const UpdateId& offer) {
  if (const auto update = task.transaction().find_update(offer))
    if (const auto closed = wire::decode_closed(update->update.closed); closed.ok())
      remember_key(task.transaction(), closed->key_hash, task.state().record);
  remember_key(task.transaction(), task.key_hash(), task.state().record);
  LT_TRY_VOID(task.transaction().withdraw(offer));
  LT_TRY_VOID(task.reload());
  return task.result(task.state().tip());
}

// The last link of the branch that has a link with that id, or one that begins with these digits.
// Where the branch forks further on, the one before that fork.
Result<UpdateId> end_of_branch(Task& task, std::string_view digits) {
  const RecordState& state = task.state();
  if (digits.empty()) return state.tip();
  std::map<UpdateId, std::vector<UpdateId>> next;  // links of losing branches too
  std::set<UpdateId> links;
  for (const LinkEntry& link : state.chain) links.insert(link.id);
  for (const Fork& fork : task.transaction().forks_of(state.record))
    for (const Branch& branch : fork.branches)
      for (const Act& act : branch.acts)
        if (is_link(act.kind)) links.insert(act.id);
  for (const UpdateId& link : links)
    if (const auto update = task.transaction().find_update(link);
        update && update->update.envelope.link)
      next[*update->update.envelope.link].push_back(link);
  std::vector<UpdateId> found;
  for (const UpdateId& link : links)
    if (link.hex().starts_with(digits)) found.push_back(link);
  if (digits.size() < 4 || found.empty())
    return Error(Errc::kNotFound, "no link of custody of " + task.code() + " has the id \"" +
                                      std::string(digits) +
                                      "\": `lienthong handoff track` lists them");
  if (found.size() > 1)
    return Error(Errc::kConflict, "several links of custody of " + task.code() +
                                      " have an id that begins with \"" + std::string(digits) +
                                      "\": give more of it");
  UpdateId at = found.front();
  while (next.contains(at) && next[at].size() == 1) at = next[at].front();
  return at;
}

}  // namespace

Result<OperationResult> carry_out(Task& task, const Offer& what) {
  LT_TRY_VOID(task.require_agency(what.to, "offer"));
  LT_TRY_VOID(task.require_custody("offer it"));
  Draft out = task.draft(UpdateKind::kOffer);
  out.open.target = what.to;
  out.open.urgent = what.urgent;
  return write_link(task, std::move(out), what.remark);
}

Result<OperationResult> carry_out(Task& task, const Accept& what) {
  return answer(task, UpdateKind::kAccept, what.remark);
}

Result<OperationResult> carry_out(Task& task, const Decline& what) {
  return answer(task, UpdateKind::kDecline, what.remark);
}

Result<OperationResult> carry_out(Task& task, const Recall& what) {
  const RecordState& state = task.state();
  LT_TRY_VOID(task.require_offer());
  if (state.holder != task.ours())
    return Error(Errc::kNotAllowed, task.code() + " was offered by " + task.name_of(state.holder) +
                                        ": only it may ask for it back" +
                                        (state.offered == task.ours() ? "; we may decline" : ""));
  const UpdateId offer_id = state.tip();
  const auto offer = task.transaction().find_update(offer_id);
  const bool alone = state.heads.size() == 1 && state.heads.front() == offer_id;
  if (offer && offer->ours && !offer->seal && alone) return withdraw_offer(task, offer_id);
  for (const UpdateId& id : state.timeline) {
    const auto entry = task.transaction().find_update(id);
    if (!entry || entry->open.kind != UpdateKind::kRecallRequest ||
        std::ranges::find(entry->open.references, offer_id) == entry->open.references.end())
      continue;
    OperationResult asked = task.result(id);
    asked.repeated = true;
    return asked;
  }
  Draft out = task.draft(UpdateKind::kRecallRequest);
  out.open.references.push_back(offer_id);
  return write_link(task, std::move(out), what.remark);
}

Result<OperationResult> carry_out(Task& task, const Reclaim& what) {
  const RecordState& state = task.state();
  const std::string code = task.code();
  if (state.turn() == task.ours())
    return Error(Errc::kNotAllowed, state.offered.is_zero()
                                        ? code + " is held by us already: offer it, or work on it"
                                        : code + " is offered to us: accept or decline it");
  const Registry& registry = task.registry();
  const TreeVersion newest = registry.newest();
  const bool offered = !state.offered.is_zero();
  if (!registry.superior(task.ours(), state.holder, newest) ||
      (offered && !registry.superior(task.ours(), state.offered, newest)))
    return Error(Errc::kNotAllowed,
                 "only an agency above " + task.name_of(state.holder) +
                     (offered ? " and " + task.name_of(state.offered) : std::string()) +
                     " may reclaim " + code);
  return write_link(task, task.draft(UpdateKind::kReclaim), what.remark);
}

Result<OperationResult> carry_out(Task& task, const Uphold& what) {
  LT_TRY(const UpdateId link, end_of_branch(task, what.branch));
  const auto named = task.transaction().find_update(link);
  if (!named)
    return Error(Errc::kCorrupt, "update " + link.short_hex() + " of a record is missing");
  const Registry& registry = task.registry();
  if (!registry.above_or_equal(task.ours(), named->agency, registry.newest()))
    return Error(Errc::kNotAllowed, "only " + task.name_of(named->agency) +
                                        " or an agency above it may uphold what it signed in " +
                                        task.code());
  Draft out = task.draft(UpdateKind::kUphold);
  out.link = link;
  out.open.decision = what.decision;
  return task.write(std::move(out));
}

Result<OperationResult> carry_out(Task& task, const Succeed& what) {
  const Registry& registry = task.registry();
  const AgencyId& turn = task.state().turn();
  if (turn == task.ours())
    return Error(Errc::kNotAllowed, task.code() + " is already ours to act on");
  if (registry.resolve(turn, registry.newest()) != task.ours())
    return Error(Errc::kNotAllowed, "we are not the sole successor of " + task.name_of(turn) +
                                        ", whose turn it is on " + task.code());
  Draft out = task.draft(UpdateKind::kSucceed);
  out.open.target = turn;
  return write_link(task, std::move(out), what.remark);
}

// Domain: NĐ 61/2018 Đ.19(7).
Result<OperationResult> carry_out(Task& task, const ReturnHome& what) {
  const RecordState& state = task.state();
  const std::string code = task.code();
  if (state.kind == RecordKind::kLeg)
    return Error(Errc::kInvalidArgument,
                 code + " is a leg: finish it with its outcome, and it goes back by itself");
  const Registry& registry = task.registry();
  const AgencyId home = registry.resolve(intake_of(state), registry.newest());
  if (home == state.holder && state.offered.is_zero())
    return Error(Errc::kNotAllowed,
                 code + " is with " + task.name_of(home) + ", the desk that received it, already");
  LT_TRY_VOID(task.require_custody("send it back to the desk that received it"));
  if (registry.dissolved(home, registry.newest()))
    return Error(Errc::kNotAllowed, task.name_of(home) + ", which received " + code +
                                        ", is dissolved without a sole successor: offer it to the "
                                        "agency that answers the citizen now");
  Draft out = task.draft(UpdateKind::kOffer);
  out.open.target = home;
  out.open.urgent = what.urgent;
  return write_link(task, std::move(out), what.remark);
}

}  // namespace lienthong::store
