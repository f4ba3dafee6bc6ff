#include "store/desk/operations.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>
#include <cctype>

#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "store/desk/application.h"
#include "store/desk/checks.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kKeyHashSize = 16;
constexpr std::size_t kCodeBytesMax = 64;

void count_components(const std::vector<FieldWrite>& closed, std::vector<FieldWrite>& open) {
  const FieldWrite* components = find_write(closed, Field::kComponents);
  if (components == nullptr) return;
  std::int64_t count = 0, digitised = 0;
  if (const auto* bytes = std::get_if<Bytes>(&components->value)) {
    if (const auto list = wire::decode_components(*bytes); list.ok()) {
      count = static_cast<std::int64_t>(list->size());
      digitised = std::ranges::count_if(*list, [](const wire::Component& item) {
        return !item.digest.empty() || item.kind == "digital";
      });
    }
  }
  put(open, Field::kComponentCount, count);
  put(open, Field::kDigitisedCount, digitised);
}

}  // namespace

// ---- values ----

const FieldWrite* find_write(const std::vector<FieldWrite>& writes, Field field) {
  const auto at = std::ranges::find(writes, number_of(field), &FieldWrite::field);
  return at != writes.end() ? &*at : nullptr;
}

void put(std::vector<FieldWrite>& writes, Field field, FieldValue value) {
  const auto at = std::ranges::find(writes, number_of(field), &FieldWrite::field);
  if (at != writes.end()) {
    at->value = std::move(value);
    return;
  }
  writes.push_back({number_of(field), std::move(value)});
}

void put_if_absent(std::vector<FieldWrite>& writes, Field field, FieldValue value) {
  if (find_write(writes, field) == nullptr) put(writes, field, std::move(value));
}

std::optional<Status> status_of(const FieldValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 1 || *number > 10) return std::nullopt;
  return static_cast<Status>(*number);
}

std::optional<FieldValue> current(const RecordState& state, Field field) {
  const auto at = state.open_fields.find(number_of(field));
  if (at == state.open_fields.end() || std::holds_alternative<std::monostate>(at->second.value))
    return std::nullopt;
  return at->second.value;
}

std::optional<Status> current_status(const RecordState& state) {
  const auto value = current(state, Field::kStatus);
  return value ? status_of(*value) : std::nullopt;
}

std::string code_of(const RecordState& state) {
  const auto value = current(state, Field::kCode);
  const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
  return text != nullptr ? *text : state.record.short_hex();
}

std::string allowed_after(std::optional<Status> from) {
  std::string list;
  for (int i = 1; i <= 10; ++i) {
    const auto to = static_cast<Status>(i);
    if (from == to || !transition_allowed(from, to)) continue;
    if (!list.empty()) list += ", ";
    list += to_json(to);
  }
  return list.empty() ? "nothing" : list;
}

Result<void> check_transition(std::optional<Status> from, Status to) {
  if (transition_allowed(from, to)) return {};
  const std::string name(from ? to_json(*from) : "new");
  return Error(Errc::kNotAllowed, "status cannot go from " + name + " to " +
                                      std::string(to_json(to)) + ": " +
                                      std::string(rule_against(from, to)) + "; after " + name +
                                      " may come: " + allowed_after(from));
}

void put_writes(Draft& out, std::vector<FieldWrite> open, std::vector<FieldWrite> closed) {
  std::ranges::sort(open, {}, &FieldWrite::field);
  std::ranges::sort(closed, {}, &FieldWrite::field);
  out.open.writes = std::move(open);
  for (const FieldWrite& write : closed) out.open.closed_fields.push_back(write.field);
  if (closed.empty()) return;
  if (!out.closed) out.closed.emplace();
  out.closed->writes = std::move(closed);
}

std::string Application::name_of(const AgencyId& agency) const {
  const AgencyInfo* info = transaction_.registry().find_agency(agency);
  return info != nullptr ? info->code + " (" + info->name + ")" : agency.short_hex();
}

UnixMillis Application::event_time() const {
  return operation_.event && operation_.event->at != 0 ? operation_.event->at : transaction_.now();
}

OperationResult Application::result(const UpdateId& update, bool repeated) const {
  return {state_.record, update, code_of(state_), repeated, warnings_};
}

Draft Application::draft(UpdateKind kind) const {
  Draft out;
  out.record = state_.record;
  out.open.kind = kind;
  out.open.key_hash = operation_.key_hash;
  return out;
}

// The remark of a link, consultation or note goes into the closed part.
void Application::put_note(Draft& out) const {
  if (!operation_.event) return;
  const Event& event = *operation_.event;
  out.open.action = event.action;
  out.open.at = event.at;
  if (event.officer.empty() && event.note.empty()) return;
  if (!out.closed) out.closed.emplace();
  out.closed->officer = event.officer;
  out.closed->note = event.note;
}

Result<OperationResult> Application::write(Draft out) {
  LT_TRY(const UpdateId id, transaction_.write(std::move(out)));
  return result(id);
}

Result<OperationResult> Application::run() {
  LT_TRY(auto repeated, find_repeated());
  if (repeated) return *std::move(repeated);
  if (operation_.kind == OperationKind::kCreate) return create();
  LT_TRY_VOID(find_target(operation_.code));
  return dispatch();
}

Result<std::optional<OperationResult>> Application::find_repeated() const {
  if (operation_.key_hash.empty()) return std::optional<OperationResult>();
  OperationResult found;
  found.repeated = true;
  if (const auto id = transaction_.find_key(operation_.key_hash)) {
    found.update = *id;
    if (const auto stored = transaction_.find_update(*id)) {
      found.record = record_of(stored->update, *id);
      const bool was_create = stored->open.kind == UpdateKind::kCreated;
      const bool creates =
          operation_.kind == OperationKind::kCreate || operation_.kind == OperationKind::kSend;
      if (was_create != creates)
        return Error(Errc::kConflict, "this key was used before, for another kind of operation");
    }
  } else if (const auto record = transaction_.local_value(std::string(local::kOperationKey) +
                                                          to_hex(operation_.key_hash))) {
    if (record->size() != RecordId::kSize)
      return Error(Errc::kCorrupt, "a remembered operation key");
    found.record = RecordId::from(*record);
  } else {
    return std::optional<OperationResult>();
  }
  if (const auto entry = transaction_.find_record(found.record)) {
    found.code = code_of(entry->state);
    if (found.update.is_zero() && !entry->state.chain.empty()) found.update = entry->state.tip();
  }
  return std::optional<OperationResult>(std::move(found));
}

Result<void> Application::find_target(const std::string& code) {
  std::vector<RecordId> found;
  if (code.size() == 2 * RecordId::kSize) {
    if (auto bytes = from_hex(code); bytes.ok()) found.push_back(RecordId::from(*bytes));
  }
  if (found.empty()) found = transaction_.find_code(code);
  if (found.size() > 1) {
    std::string list;
    for (const RecordId& id : found) list += (list.empty() ? "" : ", ") + id.hex();
    return Error(Errc::kConflict,
                 "several records bear the code " + code + "; name one by its record id: " + list);
  }
  auto entry = found.empty() ? std::nullopt : transaction_.find_record(found.front());
  if (!entry) return Error(Errc::kNotFound, "no dossier " + code + " on this machine");
  state_ = std::move(entry->state);
  if (state_.needs_newer_rules())
    return Error(Errc::kNotAllowed,
                 "dossier " + code + " needs rules version " + std::to_string(state_.rules_needed) +
                     "; upgrade this program, it is only kept and passed on until then");
  if (state_.chain.empty())
    return Error(Errc::kNotAllowed, "the creation of dossier " + code +
                                        " was cut off by a revocation; a superior must confirm it");
  return {};
}

Result<OperationResult> Application::dispatch() {
  switch (operation_.kind) {
    case OperationKind::kCreate: break;
    case OperationKind::kSet:
    case OperationKind::kEvent: return set();
    case OperationKind::kNote: return note();
    case OperationKind::kOffer: return offer();
    case OperationKind::kAccept: return answer(UpdateKind::kAccept);
    case OperationKind::kDecline: return answer(UpdateKind::kDecline);
    case OperationKind::kRecall: return recall();
    case OperationKind::kReclaim: return reclaim();
    case OperationKind::kSucceed: return succeed();
    case OperationKind::kConsult: return consult();
    case OperationKind::kReply: return reply();
    case OperationKind::kShare: return share();
    case OperationKind::kAdopt: return adopt();
    case OperationKind::kApologise: return apologise();
    case OperationKind::kFinish: return finish();
    case OperationKind::kReturnHome: return return_home();
    case OperationKind::kSend: return send_copy();
  }
  return create();
}

Result<void> Application::require_custody(std::string_view what) const {
  const std::string code = code_of(state_);
  if (!state_.offered.is_zero()) {
    if (state_.offered == ours_)
      return Error(Errc::kNotAllowed, code + " is offered to us by " + name_of(state_.holder) +
                                          ": accept it first, then " + std::string(what));
    if (state_.holder == ours_)
      return Error(Errc::kNotAllowed,
                   code + " is offered to " + name_of(state_.offered) +
                       " and rests until it answers: recall the offer, or wait, to " +
                       std::string(what));
  }
  if (state_.holder == ours_) return {};
  const Registry& registry = transaction_.registry();
  if (registry.resolve(state_.holder, registry.newest()) == ours_)
    return Error(Errc::kNotAllowed, code + " is held by " + name_of(state_.holder) +
                                        ", which we succeed: write succeed first, then " +
                                        std::string(what));
  return Error(Errc::kNotAllowed, code + " is held by " + name_of(state_.holder) +
                                      ": only the holder may " + std::string(what) +
                                      "; leave a note, or ask for the dossier");
}

Result<void> Application::require_target(std::string_view what) const {
  if (operation_.to.is_zero())
    return Error(Errc::kInvalidArgument, std::string(what) + " needs an agency");
  const Registry& registry = transaction_.registry();
  if (registry.find_agency(operation_.to) == nullptr)
    return Error(Errc::kUnknownAgency,
                 "agency " + operation_.to.short_hex() + " is not in the registry");
  if (operation_.to == ours_)
    return Error(Errc::kInvalidArgument, "cannot " + std::string(what) + " to ourselves");
  if (registry.dissolved(operation_.to, registry.newest()))
    return Error(Errc::kNotAllowed, name_of(operation_.to) + " is dissolved; name its successor");
  return {};
}

// ---- create ----

Result<void> Application::check_new_code(const std::string& code) const {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  };
  if (code.empty() || code.size() > kCodeBytesMax || !std::ranges::all_of(code, plain))
    return Error(Errc::kInvalidArgument, "a code is 1 to 64 letters, digits, '.', '-' and '_'");
  const Registry& registry = transaction_.registry();
  const AgencyInfo* ours = registry.find_agency(ours_);
  const std::string prefix = code.substr(0, code.find('-'));
  const AgencyInfo* named = registry.find_agency_by_code(prefix);
  if (named != nullptr && named->id != ours_)
    return Error(Errc::kNotAllowed, "code " + code + " belongs to " + name_of(named->id) +
                                        "; ours begin with " +
                                        (ours != nullptr ? ours->code : "?") +
                                        "-, or leave the code out and it is numbered here");
  const auto taken = transaction_.find_code(code);
  if (taken.empty()) return {};
  const auto entry = transaction_.find_record(taken.front());
  return Error(Errc::kConflict, "code " + code + " is taken by record " +
                                    taken.front().short_hex() +
                                    (entry ? ", held by " + name_of(entry->state.holder) : ""));
}

Result<std::string> Application::choose_code() const {
  const FieldWrite* written = find_write(operation_.open, Field::kCode);
  const auto* text = written != nullptr ? std::get_if<std::string>(&written->value) : nullptr;
  const std::string given = !operation_.code.empty() ? operation_.code
                            : text != nullptr        ? *text
                                                     : "";
  while (given.empty()) {  // numbers that somebody gave out by hand are passed over; ends with the
                           // day's
    LT_TRY(std::string code, transaction_.next_code());
    if (transaction_.find_code(code).empty()) return code;
  }
  LT_TRY_VOID(check_new_code(given));
  return given;
}

// A dossier that begins its life here is new; one that brings its past (a reception, a history) may
// be in any state.
Result<void> Application::check_new_status(const std::vector<FieldWrite>& writes) const {
  const FieldWrite* status = find_write(writes, Field::kStatus);
  if (status == nullptr || !operation_.history.empty() ||
      find_write(writes, Field::kReceivedAt) != nullptr)
    return {};
  const auto to = status_of(status->value);
  if (!to) return Error(Errc::kInvalidArgument, "status is out of range");
  if (transition_allowed(std::nullopt, *to)) return {};
  return Error(Errc::kNotAllowed,
               "a new dossier cannot begin as " + std::string(to_json(*to)) + "; it may be " +
                   allowed_after(std::nullopt) +
                   ", or give received_at or history of a dossier that is under way");
}

Result<OperationResult> Application::create() {
  switch (operation_.record_kind) {
    case RecordKind::kProcedure: return publish();
    case RecordKind::kLeg: return create_leg();
    case RecordKind::kFeedback: return create_feedback();
    case RecordKind::kDocument: return create_document();
    default: break;
  }
  std::vector<FieldWrite> open = operation_.open;
  LT_TRY_VOID(check_new_status(open));
  LT_TRY(const std::string code, choose_code());
  put(open, Field::kCode, code);
  put_if_absent(open, Field::kIntakeAgency, to_bytes(ours_.view()));
  if (find_write(open, Field::kStatus) == nullptr) {
    const FieldWrite* channel = find_write(open, Field::kChannel);
    const bool online = channel != nullptr && channel->value == FieldValue(std::int64_t{2});
    const bool received = find_write(open, Field::kReceivedAt) != nullptr;
    const Status status = online && !received ? Status::kRegistered : Status::kAccepted;
    put(open, Field::kStatus, static_cast<std::int64_t>(status));
    if (status == Status::kAccepted) put_if_absent(open, Field::kReceivedAt, transaction_.now());
  }
  count_components(operation_.closed, open);
  if (operation_.record_kind == RecordKind::kDossier) LT_TRY_VOID(keep_clock(open, true));
  Draft out;
  out.open.kind = UpdateKind::kCreated;
  out.open.record_kind = operation_.record_kind;
  out.open.key_hash = operation_.key_hash;
  put_note(out);
  put_writes(out, std::move(open), operation_.closed);
  LT_TRY(UpdateId last, transaction_.write(std::move(out)));
  const auto record = id_cast<RecordId>(last);
  LT_TRY_VOID(write_history(record, last));
  return OperationResult{record, last, code, false, warnings_};
}

Result<void> Application::write_history(const RecordId& record, UpdateId& last) {
  const FieldWrite* given = find_write(operation_.open, Field::kUnit);
  const auto* wanted = given != nullptr ? std::get_if<std::string>(&given->value) : nullptr;
  std::string unit = wanted != nullptr ? *wanted : "";
  for (const Event& event : operation_.history) {
    Draft out;
    out.record = record;
    out.open.kind = UpdateKind::kSet;
    out.open.action = event.action;
    out.open.at = event.at;
    if (!event.unit.empty()) {
      put(out.open.writes, Field::kUnit, event.unit);
      unit = event.unit;
    }
    if (!event.officer.empty() || !event.note.empty()) {
      out.closed.emplace();
      out.closed->officer = event.officer;
      out.closed->note = event.note;
    }
    LT_TRY(last, transaction_.write(std::move(out)));
  }
  if (wanted == nullptr || unit == *wanted) return {};
  Draft out;  // where the dossier lies today, not where its history ends
  out.record = record;
  out.open.kind = UpdateKind::kSet;
  put(out.open.writes, Field::kUnit, *wanted);
  LT_TRY(last, transaction_.write(std::move(out)));
  return {};
}

// ---- work on a dossier ----

// The moments that a change of state itself says, where the office does not say otherwise.
void Application::date_status(std::vector<FieldWrite>& writes, UnixMillis at) const {
  const FieldWrite* write = find_write(writes, Field::kStatus);
  if (write == nullptr) return;
  const auto to = status_of(write->value);
  if (!to || to == current_status(state_)) return;
  if (to == Status::kAccepted && !current(state_, Field::kReceivedAt))
    put_if_absent(writes, Field::kReceivedAt, at);
  // A correction ends later; reports go by the first end.
  if (to == Status::kDone && !current(state_, Field::kFinishedAt))
    put_if_absent(writes, Field::kFinishedAt, at);
  if (to == Status::kReturned && !current(state_, Field::kReturnedAt))
    put_if_absent(writes, Field::kReturnedAt, at);
}

Result<OperationResult> Application::set() {
  const bool is_event = operation_.kind == OperationKind::kEvent;
  if (operation_.open.empty() && operation_.closed.empty() && !operation_.event)
    return Error(Errc::kInvalidArgument, "nothing to write: give fields or an event");
  if (is_event &&
      (!operation_.event || (operation_.event->action.empty() && operation_.event->note.empty())))
    return Error(Errc::kInvalidArgument, "an event needs an action or a note");
  LT_TRY_VOID(require_custody(is_event ? "add events" : "change it"));
  if (state_.kind == RecordKind::kProcedure) return amend();
  std::vector<FieldWrite> open = operation_.open;
  if (find_write(open, Field::kCode) != nullptr)
    return Error(Errc::kInvalidArgument, "the code of a dossier does not change");
  if (state_.kind == RecordKind::kFeedback || state_.kind == RecordKind::kDocument)
    return set_record(std::move(open));
  if (const FieldWrite* status = find_write(open, Field::kStatus)) {
    const auto to = status_of(status->value);
    if (!to) return Error(Errc::kInvalidArgument, "status cannot be cleared");
    LT_TRY_VOID(check_transition(current_status(state_), *to));
  }
  LT_TRY_VOID(check_writes(open));
  LT_TRY_VOID(check_single_result(transaction_, state_, open));
  date_status(open, event_time());
  count_components(operation_.closed, open);
  if (state_.kind == RecordKind::kDossier) LT_TRY_VOID(keep_clock(open, false));
  Draft out = draft(UpdateKind::kSet);
  put_note(out);
  if (operation_.event) {
    out.open.at = event_time();
    if (!operation_.event->unit.empty()) put_if_absent(open, Field::kUnit, operation_.event->unit);
  }
  put_writes(out, std::move(open), operation_.closed);
  return write(std::move(out));
}

Result<OperationResult> Application::note() {
  if (!operation_.event || (operation_.event->note.empty() && operation_.event->action.empty()))
    return Error(Errc::kInvalidArgument, "a note needs a text");
  Draft out = draft(UpdateKind::kNote);
  put_note(out);
  return write(std::move(out));
}

Result<OperationResult> apply_operation(Transaction& transaction, const Operation& operation,
                                        const Calendar& calendar) {
  return Application(transaction, operation, calendar).run();
}

Bytes idempotency_hash(const RootFingerprint& root, std::string_view key) {
  const auto tag_size = static_cast<std::uint8_t>(kTagKey.size());
  crypto_generichash_state state;
  Bytes out(kKeyHashSize);
  crypto_generichash_init(&state, nullptr, 0, out.size());
  crypto_generichash_update(&state, &tag_size, 1);
  crypto_generichash_update(&state, as_bytes(kTagKey).data(), kTagKey.size());
  crypto_generichash_update(&state, root.bytes.data(), root.bytes.size());
  crypto_generichash_update(&state, as_bytes(key).data(), key.size());
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

}  // namespace lienthong::store
