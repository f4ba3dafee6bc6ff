#include "store/desk/checks.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "protocol/record/codec.h"
#include "store/office/leg.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kCodeBytesMax = 64;
constexpr std::array kResultFields = {Field::kResultNumber, Field::kResultKind,
                                      Field::kResultDigest};

// Why a transition is refused: the decree's article or the row of the states' table.
std::string_view rule_against(std::optional<Status> from, Status to) {
  if (!from) return "a dossier begins as registered online, accepted, or refused (NĐ 61/2018 Đ.17)";
  switch (*from) {
    case Status::kRefused: return "a refusal ends the dossier (NĐ 61/2018 Đ.17, Đ.19(8))";
    case Status::kWithdrawn: return "the applicant took it back, which ends the dossier";
    case Status::kRegistered:
      return "what was handed in online is accepted or refused first (NĐ 61/2018 Đ.17); papers may "
             "be asked for before that, but no clock runs yet";
    case Status::kAccepted:
      if (to == Status::kSupplement || to == Status::kPayment || to == Status::kStopped)
        return "it is handed on for processing first (NĐ 61/2018 Đ.18), and asked for while that "
               "goes on (Đ.19(4))";
      break;
    case Status::kSupplement:
    case Status::kPayment:
      if (to == Status::kDone || to == Status::kReturned)
        return "its clock stands still until the applicant has answered; the answer brings it back "
               "to processing (NĐ 61/2018 Đ.19(4))";
      break;
    case Status::kStopped: return "what was stopped goes on by being processed again";
    case Status::kDone:
    case Status::kReturned:
      return "the work has ended (NĐ 61/2018 Đ.20); an error is corrected in a new cycle, which "
             "begins with processing and a reason (Đ.21)";
    case Status::kProcessing: break;
  }
  if (to == Status::kReturned)
    return "a result is returned once it is there: done comes first (NĐ 61/2018 Đ.20)";
  if (to == Status::kRegistered || to == Status::kAccepted)
    return "a reception is not undone (NĐ 61/2018 Đ.5(1)c); correct its fields instead";
  return "the states of the national portal know no such step";
}

bool has_ended(std::optional<Status> status) {
  return status == Status::kDone || status == Status::kReturned;
}

// That gives the field a value, in either part. Null: none.
const FieldWrite* find_in(const Writes& open, const Writes& closed, Field field) {
  for (const Writes* writes : {&open, &closed})
    if (writes_value(*writes, field)) return find_write(*writes, field);
  return nullptr;
}

// What was written of the result since the dossier was last taken up again.
std::map<Field, FieldValue> result_of_cycle(const Task& task) {
  std::map<Field, FieldValue> given;
  std::optional<Status> status;
  for (const UpdateId& id : task.state().timeline) {
    const auto update = task.transaction().find_update(id);
    if (!update) continue;
    if (const auto* number = value_of<std::int64_t>(update->open.writes, Field::kStatus)) {
      const auto next = status_of(*number);
      if (has_ended(status) && !has_ended(next)) given.clear();
      status = next;
    }
    const auto closed = wire::decode_closed(update->update.closed);
    const Writes closed_writes = closed.ok() ? closed->writes : Writes();
    for (const Field field : kResultFields)
      if (const FieldWrite* write = find_in(update->open.writes, closed_writes, field))
        given[field] = write->value;
  }
  return given;
}

Result<void> check_no_open_legs(const Task& task) {
  std::string list;
  for (const RecordId& id : task.transaction().led_by(task.state().record)) {
    const auto entry = task.transaction().find_record(id);
    if (!entry || entry->state.kind != RecordKind::kLeg || entry->state.chain.empty()) continue;
    const Leg leg = read_leg(task.state(), entry->state);
    if (!is_open(leg.state) || !leg.asked_by_holder) continue;
    list += (list.empty() ? "" : ", ") + leg.code + " (" + std::string(to_string(leg.state)) +
            ", " + task.name_of(leg.agency) + ")";
  }
  if (list.empty()) return {};
  return Error(Errc::kNotAllowed,
               task.code() + " is not done while legs are open: " + list +
                   "; accept what comes back with its outcome, and write status withdrawn to a leg "
                   "that is not needed any more");
}

}  // namespace

bool is_plain_code(std::string_view code) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  };
  return !code.empty() && code.size() <= kCodeBytesMax && std::ranges::all_of(code, plain);
}

// ---- states ----

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

// ---- fields ----

Result<void> check_fields(const Task& task, const Writes& open, const Writes& closed) {
  const RecordKind kind = task.state().kind;
  for (const auto* writes : {&open, &closed}) {
    for (const FieldWrite& write : *writes) {
      const FieldInfo* info = find_field(write.field);
      if (info != nullptr && (info->kinds & bit(kind)) == 0)
        return Error(Errc::kInvalidArgument,
                     task.code() + " has no field \"" + std::string(info->json) + "\"");
    }
  }
  const FieldWrite* status = find_write(open, Field::kStatus);
  if (status == nullptr || kind != RecordKind::kDossier) return {};
  if (status_of(status->value) != Status::kDone || task.status() == Status::kDone) return {};
  return check_no_open_legs(task);
}

Result<void> check_single_result(const Task& task, const Writes& open, const Writes& closed) {
  const bool concerned = std::ranges::any_of(
      kResultFields, [&](Field field) { return find_in(open, closed, field) != nullptr; });
  if (!concerned) return {};
  const auto given = result_of_cycle(task);
  for (const Field field : kResultFields) {
    const auto before = given.find(field);
    const FieldWrite* write = find_in(open, closed, field);
    if (before == given.end() || write == nullptr || write->value == before->second) continue;
    const auto* shown = std::get_if<std::string>(&before->second);
    return Error(Errc::kNotAllowed,
                 name_of(field) + " is " + (shown != nullptr ? "\"" + *shown + "\"" : "given") +
                     " already: a dossier has one result in each cycle; to correct a finished "
                     "dossier, set it back to processing with the reason first");
  }
  return {};
}

Result<void> check_order(const RecordState& state, const Writes& open,
                         std::initializer_list<Field> fields) {
  std::int64_t before = 0;
  std::string before_name;
  for (const Field field : fields) {
    const auto moment = integer_after(state, open, field);
    if (!moment) continue;
    if (*moment < before)
      return Error(Errc::kInvalidArgument, name_of(field) + " would be before " + before_name +
                                               ": look at the two dates again");
    before = *moment;
    before_name = name_of(field);
  }
  return {};
}

}  // namespace lienthong::store
