// Operations that pass a dossier on, ask or show others, or take over what was set aside.
#include <algorithm>

#include "protocol/record/codec.h"
#include "store/desk/application.h"

namespace lienthong::store {

// ---- custody ----

Result<OperationResult> Application::offer() {
  LT_TRY_VOID(require_target("offer"));
  LT_TRY_VOID(require_custody("offer it"));
  Draft out = draft(UpdateKind::kOffer);
  out.open.target = operation_.to;
  out.open.urgent = operation_.urgent;
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> Application::answer(UpdateKind kind) {
  const std::string code = code_of(state_);
  if (state_.offered.is_zero())
    return Error(Errc::kNotAllowed,
                 "no offer of " + code + " is open; it is held by " + name_of(state_.holder));
  if (state_.offered != ours_) {
    const Registry& registry = transaction_.registry();
    const bool successor = registry.resolve(state_.offered, registry.newest()) == ours_;
    return Error(Errc::kNotAllowed,
                 code + " is offered to " + name_of(state_.offered) + ", not to us: " +
                     (successor ? "we succeed it, write succeed first" : "only it may answer"));
  }
  Draft out = draft(kind);
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> Application::recall() {
  const std::string code = code_of(state_);
  if (state_.offered.is_zero())
    return Error(Errc::kNotAllowed,
                 "no offer of " + code + " is open; it is held by " + name_of(state_.holder));
  if (state_.holder != ours_)
    return Error(Errc::kNotAllowed, code + " was offered by " + name_of(state_.holder) +
                                        ": only it may ask for it back" +
                                        (state_.offered == ours_ ? "; we may decline" : ""));
  const UpdateId offer_id = state_.tip();
  const auto offer_update = transaction_.find_update(offer_id);
  const bool alone = state_.heads.size() == 1 && state_.heads.front() == offer_id;
  if (offer_update && offer_update->ours && !offer_update->seal && alone)
    return withdraw_offer(offer_id);
  for (const UpdateId& id : state_.timeline) {
    const auto entry = transaction_.find_update(id);
    if (entry && entry->open.kind == UpdateKind::kRecallRequest &&
        std::ranges::find(entry->open.references, offer_id) != entry->open.references.end())
      return result(id, true);
  }
  Draft out = draft(UpdateKind::kRecallRequest);
  out.open.references.push_back(offer_id);
  put_note(out);
  return write(std::move(out));
}

// The offer never left this machine, so it is taken back as if it had not been made. Its key and
// that of the recall are remembered, so that the same operations applied again change nothing.
Result<OperationResult> Application::withdraw_offer(const UpdateId& offer_id) {
  const auto remember = [this](const Bytes& key) {
    if (!key.empty())
      transaction_.set_local_value(std::string(local::kOperationKey) + to_hex(key),
                                   to_bytes(state_.record.view()));
  };
  const auto offer_update = transaction_.find_update(offer_id);
  if (offer_update) remember(offer_update->open.key_hash);
  remember(operation_.key_hash);
  LT_TRY_VOID(transaction_.withdraw(offer_id));
  auto entry = transaction_.find_record(state_.record);
  if (!entry || entry->state.chain.empty())
    return Error(Errc::kCorrupt, "a record without its chain");
  state_ = std::move(entry->state);
  return result(state_.tip());
}

Result<OperationResult> Application::reclaim() {
  const std::string code = code_of(state_);
  if (state_.offered.is_zero())
    return Error(Errc::kNotAllowed, "no offer of " + code +
                                        " is open, so there is nothing to reclaim; " +
                                        "it is held by " + name_of(state_.holder));
  if (state_.offered == ours_)
    return Error(Errc::kNotAllowed, code + " is offered to us: accept or decline it");
  const Registry& registry = transaction_.registry();
  const TreeVersion newest = registry.newest();
  if (!registry.above_or_equal(ours_, state_.holder, newest) ||
      !registry.above_or_equal(ours_, state_.offered, newest))
    return Error(Errc::kNotAllowed, "only an agency at or above both " + name_of(state_.holder) +
                                        " and " + name_of(state_.offered) + " may reclaim " + code);
  Draft out = draft(UpdateKind::kReclaim);
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> Application::succeed() {
  const Registry& registry = transaction_.registry();
  const AgencyId& turn = state_.turn();
  if (turn == ours_)
    return Error(Errc::kNotAllowed, code_of(state_) + " is already ours to act on");
  if (registry.resolve(turn, registry.newest()) != ours_)
    return Error(Errc::kNotAllowed, "we are not the sole successor of " + name_of(turn) +
                                        ", whose turn it is on " + code_of(state_));
  Draft out = draft(UpdateKind::kSucceed);
  out.open.target = turn;
  put_note(out);
  return write(std::move(out));
}

// ---- asking and showing others ----

Result<OperationResult> Application::consult() {
  LT_TRY_VOID(require_target("consult"));
  LT_TRY_VOID(require_custody("consult others"));
  Draft out = draft(UpdateKind::kConsult);
  out.open.target = operation_.to;
  out.open.deadline = operation_.deadline;
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> Application::reply() {
  if (!operation_.about)
    return Error(Errc::kInvalidArgument, "a reply needs the consultation it is about");
  const auto asked = transaction_.find_update(*operation_.about);
  if (!asked || asked->open.kind != UpdateKind::kConsult ||
      record_of(asked->update, asked->id) != state_.record)
    return Error(Errc::kNotFound,
                 "no consultation " + operation_.about->short_hex() + " in " + code_of(state_));
  if (asked->open.target != ours_)
    return Error(Errc::kNotAllowed,
                 "that consultation asks " + name_of(asked->open.target) + ", not us");
  Draft out = draft(UpdateKind::kReply);
  out.link = asked->id;
  out.open.references.push_back(asked->id);
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> Application::share() {
  LT_TRY_VOID(require_target("share"));
  LT_TRY_VOID(require_custody("share it"));
  Draft out = draft(UpdateKind::kShare);
  out.open.target = operation_.to;
  put_note(out);
  return write(std::move(out));
}

// ---- what was set aside ----

Result<OperationResult> Application::adopt() {
  LT_TRY_VOID(require_custody("adopt what was set aside"));
  std::vector<StoredUpdate> open;
  for (const UpdateId& id : state_.set_aside) {
    if (operation_.about && *operation_.about != id) continue;
    if (std::ranges::find(state_.adopted, id) != state_.adopted.end()) continue;
    auto entry = transaction_.find_update(id);
    if (entry && (entry->open.kind == UpdateKind::kSet || entry->open.kind == UpdateKind::kAdopt))
      open.push_back(*std::move(entry));
  }
  if (open.empty())
    return Error(Errc::kNotFound, operation_.about ? "no change " + operation_.about->short_hex() +
                                                         " is set aside in " + code_of(state_)
                                                   : "nothing is set aside in " + code_of(state_));
  std::ranges::sort(open, {}, [](const StoredUpdate& entry) {
    return std::pair(entry.update.envelope.hlc, entry.id);
  });
  UpdateId last;
  for (std::size_t i = 0; i < open.size(); ++i) {
    LT_TRY(last, adopt_one(open[i].id, i == 0));
  }
  return result(last);
}

Result<UpdateId> Application::adopt_one(const UpdateId& id, bool with_key) {
  const auto aside = transaction_.find_update(id);
  LT_CHECK(aside.has_value());
  Draft out = draft(UpdateKind::kAdopt);
  if (!with_key) out.open.key_hash.clear();
  out.open.references.push_back(id);
  out.open.action = aside->open.action;
  out.open.at = aside->open.at;
  if (const FieldWrite* status = find_write(aside->open.writes, Field::kStatus)) {
    const auto record = transaction_.find_record(state_.record);
    const auto to = status_of(status->value);
    if (record && to) LT_TRY_VOID(check_transition(current_status(record->state), *to));
  }
  std::vector<FieldWrite> closed_writes;
  if (!aside->update.closed.empty()) {
    LT_TRY(ClosedBody closed, wire::decode_closed(aside->update.closed));
    out.closed.emplace();
    out.closed->officer = std::move(closed.officer);
    out.closed->note = std::move(closed.note);
    closed_writes = std::move(closed.writes);
  } else if (!aside->open.closed_fields.empty()) {
    return Error(Errc::kNotAllowed,
                 "the closed part of " + id.short_hex() + " is not here, so it cannot be adopted");
  }
  put_writes(out, aside->open.writes, std::move(closed_writes));
  return transaction_.write(std::move(out));
}

}  // namespace lienthong::store
