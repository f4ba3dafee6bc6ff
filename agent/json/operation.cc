#include "agent/json/operation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "agent/json/fields.h"
#include "agent/json/text_check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Event;
using store::Operation;
using store::Remark;

constexpr std::size_t kHistoryCountMax = 1000;

struct RecordName {
  std::string_view name;
  RecordKind kind;
};
constexpr RecordName kRecordNames[] = {
    {"dossier", RecordKind::kDossier},     {"leg", RecordKind::kLeg},
    {"feedback", RecordKind::kFeedback},   {"document", RecordKind::kDocument},
    {"procedure", RecordKind::kProcedure},
};

bool has_name(std::string_view names, std::string_view name) {
  return name.find(' ') == std::string_view::npos &&
         names.find(" " + std::string(name) + " ") != std::string_view::npos;
}

// What a line says that a record is to have.
struct Given {
  RecordKind kind = RecordKind::kDossier;
  std::vector<FieldWrite> open, closed;
  std::vector<Event> history;
};

enum class Creating : std::uint8_t { kNo, kYes };  // a record, or a change of one

class LineParser {
 public:
  LineParser(const json& line, const ParseContext& context, std::string& place)
      : line_(line), context_(context), place_(place) {}

  Result<Operation> run();

 private:
  struct KindInfo {
    std::string_view name;
    std::string_view keys;  // that its line may have, beside op and key, each between blanks
    Result<Operation> (LineParser::*read)();
  };
  static std::span<const KindInfo> kinds();
  static std::string kind_names();

  Error fail(Errc code, std::string place, std::string detail) {
    place_ = std::move(place);
    return Error(code, std::move(detail));
  }
  Result<const KindInfo*> kind();
  Result<Bytes> key_hash();

  // ---- one kind each ----
  Result<Operation> create();
  Result<Operation> create_leg(json value);
  Result<Operation> set_fields();
  template <store::ListAct act>
  Result<Operation> change_list();
  Result<Operation> add_event();
  Result<Operation> say_code();
  Result<Operation> offer();
  Result<Operation> consult();
  Result<Operation> reply();
  Result<Operation> share();
  Result<Operation> uphold();
  Result<Operation> erase();
  Result<Operation> adopt();
  Result<Operation> apologise();
  Result<Operation> finish();
  Result<Operation> return_home();
  Result<Operation> send();
  template <class Kind>
  Result<Operation> remarked();  // has a record and a remark, and no more

  // ---- members ----
  bool has(const char* name) const { return line_.contains(name); }
  Result<std::string> record();
  Result<Remark> remark();
  Result<std::string> text(const json& object, const char* name, const std::string& place);
  Result<std::string> code_in(const json& object, const char* name, const std::string& place);
  Result<UnixMillis> time(const json& object, const char* name, const std::string& place);
  Result<AgencyId> agency(const char* name) { return agency(line_, name, name); }
  Result<AgencyId> agency(const json& object, const char* name, const std::string& place);
  Result<UpdateId> update(const char* name);
  Result<bool> flag(const json& object, const char* name, bool usual, const std::string& place);
  Result<Event> event(const json& value, const std::string& place);
  Result<void> fields(const json& object, const std::string& place, Creating creating, Given& out);
  Result<void> field(const std::string& name, const json& value, const std::string& place,
                     Creating creating, Given& out);
  Result<void> group(const std::string& name, const json& value, const std::string& place,
                     Creating creating, Given& out);
  Result<void> holder(const json& value);
  Result<void> history(const json& value, const std::string& place, Given& out);

  const json& line_;
  const ParseContext& context_;
  std::string& place_;
};

std::span<const LineParser::KindInfo> LineParser::kinds() {
  static constexpr KindInfo kKinds[] = {
      {"create", " dossier leg feedback document procedure ", &LineParser::create},
      {"set", " code fields event ", &LineParser::set_fields},
      {"add", " code component fee answer ", &LineParser::change_list<store::ListAct::kAdd>},
      {"replace", " code component fee answer at ",
       &LineParser::change_list<store::ListAct::kReplace>},
      {"remove", " code component fee answer ", &LineParser::change_list<store::ListAct::kRemove>},
      {"event", " code event ", &LineParser::add_event},
      {"note", " code note officer at ", &LineParser::remarked<store::AddNote>},
      {"code add", " code official system note officer at ", &LineParser::say_code},
      {"code withdraw", " code official note officer at ", &LineParser::say_code},
      {"offer", " code to urgent note officer at ", &LineParser::offer},
      {"accept", " code note officer at ", &LineParser::remarked<store::Accept>},
      {"decline", " code note officer at ", &LineParser::remarked<store::Decline>},
      {"recall", " code note officer at ", &LineParser::remarked<store::Recall>},
      {"reclaim", " code note officer at ", &LineParser::remarked<store::Reclaim>},
      {"uphold", " code branch decision ", &LineParser::uphold},
      {"erase", " code decision ", &LineParser::erase},
      {"inspect", " code note officer at ", &LineParser::remarked<store::Inspect>},
      {"succeed", " code note officer at ", &LineParser::remarked<store::Succeed>},
      {"consult", " code to note officer at deadline ", &LineParser::consult},
      {"reply", " code about note officer at ", &LineParser::reply},
      {"share", " code to note officer at ", &LineParser::share},
      {"adopt", " code update ", &LineParser::adopt},
      {"finish", " code outcome note officer at ", &LineParser::finish},
      {"return", " code urgent note officer at ", &LineParser::return_home},
      {"apologise", " code due_at note officer at ", &LineParser::apologise},
      {"send", " code to urgent ", &LineParser::send},
  };
  return kKinds;
}

std::string LineParser::kind_names() {
  std::string list;
  for (const KindInfo& info : kinds()) list += (list.empty() ? "" : ", ") + std::string(info.name);
  return list;
}

Result<const LineParser::KindInfo*> LineParser::kind() {
  const auto op = line_.find("op");
  if (op == line_.end())
    return fail(Errc::kInvalidArgument, "op", "missing; it is one of " + kind_names());
  if (!op->is_string()) return fail(Errc::kInvalidArgument, "op", "must be a string");
  const auto& name = op->get_ref<const std::string&>();
  const auto info = std::ranges::find(kinds(), name, &KindInfo::name);
  if (info == kinds().end())
    return fail(Errc::kInvalidArgument, "op",
                "unknown operation \"" + name + "\"; it is one of " + kind_names());
  return &*info;
}

Result<std::string> LineParser::text(const json& object, const char* name,
                                     const std::string& place) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::string();
  auto read = read_text(*at);
  if (!read.ok()) return fail(read.error().code(), place, read.error().detail());
  return read;
}

Result<UnixMillis> LineParser::time(const json& object, const char* name,
                                    const std::string& place) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return UnixMillis{0};
  auto read = read_time(*at);
  if (!read.ok()) return fail(read.error().code(), place, read.error().detail());
  return read;
}

Result<AgencyId> LineParser::agency(const json& object, const char* name,
                                    const std::string& place) {
  const auto at = object.find(name);
  if (at == object.end())
    return fail(Errc::kInvalidArgument, place, "missing: the code of an agency");
  auto read = read_agency(*at, *context_.registry);
  if (!read.ok()) return fail(read.error().code(), place, read.error().detail());
  return read;
}

Result<UpdateId> LineParser::update(const char* name) {
  const auto at = line_.find(name);
  auto bytes = at != line_.end() && at->is_string() ? from_hex(at->get_ref<const std::string&>())
                                                    : Result<Bytes>(Error(Errc::kMalformed, ""));
  if (!bytes.ok() || bytes->size() != UpdateId::kSize)
    return fail(Errc::kInvalidArgument, name, "must be the id of an update, 64 hexadecimal digits");
  return UpdateId::from(*bytes);
}

Result<Event> LineParser::event(const json& value, const std::string& place) {
  if (!value.is_object()) return fail(Errc::kInvalidArgument, place, "must be an object");
  for (const auto& [name, unused] : value.items())
    if (!has_name(" at officer unit action note ", name))
      return fail(Errc::kInvalidArgument, place + "." + name,
                  "unknown field; an event has at, officer, unit, action and note");
  Event out;
  LT_TRY(out.at, time(value, "at", place + ".at"));
  LT_TRY(out.officer, text(value, "officer", place + ".officer"));
  LT_TRY(out.unit, text(value, "unit", place + ".unit"));
  LT_TRY(out.action, text(value, "action", place + ".action"));
  LT_TRY(out.note, text(value, "note", place + ".note"));
  return out;
}

Result<void> LineParser::holder(const json& value) {
  auto read = read_agency(value, *context_.registry);
  if (!read.ok()) return fail(read.error().code(), "dossier.holder", read.error().detail());
  if (*read == context_.ours) return {};
  return fail(
      Errc::kNotAllowed, "dossier.holder",
      "a new dossier is held by the agency that creates it; create it there, or create it here and "
      "offer it");
}

Result<void> LineParser::history(const json& value, const std::string& place, Given& out) {
  if (out.kind == RecordKind::kLeg || out.kind == RecordKind::kProcedure)
    return fail(Errc::kInvalidArgument, place, "this kind of record has no field \"history\"");
  if (!value.is_array()) return fail(Errc::kInvalidArgument, place, "must be a list");
  if (value.size() > kHistoryCountMax)
    return fail(Errc::kTooLarge, place,
                "more than " + std::to_string(kHistoryCountMax) + " entries");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string here = place + "[" + std::to_string(i) + "]";
    LT_TRY(Event entry, event(value[i], here));
    if (entry.at == 0)
      return fail(Errc::kInvalidArgument, here + ".at", "missing: when it happened");
    out.history.push_back(std::move(entry));
  }
  std::ranges::stable_sort(out.history, {}, &Event::at);
  return {};
}

Result<void> LineParser::field(const std::string& name, const json& value, const std::string& place,
                               Creating creating, Given& out) {
  const FieldInfo* info = find_field_by_json(name);
  if (info == nullptr || info->field == Field::kComponentCount ||
      info->field == Field::kDigitisedCount)
    return fail(Errc::kInvalidArgument, place, "unknown field \"" + name + "\"");
  if (creating == Creating::kYes && (info->kinds & bit(out.kind)) == 0)
    return fail(Errc::kInvalidArgument, place, "this kind of record has no field \"" + name + "\"");
  if (creating == Creating::kNo && info->field == Field::kCode)
    return fail(Errc::kInvalidArgument, place, "the code of a dossier does not change");
  auto read = read_field(*info, value, *context_.registry);
  if (!read.ok()) return fail(read.error().code(), place, read.error().detail());
  if (creating == Creating::kYes && std::holds_alternative<std::monostate>(*read)) return {};
  auto& writes = info->part == Part::kOpen ? out.open : out.closed;
  const auto number = static_cast<std::uint16_t>(info->field);
  if (std::ranges::find(writes, number, &FieldWrite::field) != writes.end())
    return fail(Errc::kInvalidArgument, place, "written twice");
  writes.push_back({number, *std::move(read)});
  return {};
}

Result<void> LineParser::fields(const json& object, const std::string& place, Creating creating,
                                Given& out) {
  for (const auto& [name, value] : object.items()) {
    const std::string here = place + "." + name;
    if (creating == Creating::kYes && name == "history") {
      if (!value.is_null()) LT_TRY_VOID(history(value, here, out));
    } else if (creating == Creating::kYes && name == "holder") {
      if (!value.is_null()) LT_TRY_VOID(holder(value));
    } else if (name == "holder") {
      return fail(Errc::kInvalidArgument, here,
                  "custody is not a field: offer the dossier, the other accepts it");
    } else if (name == "applicant" || name == "result") {
      LT_TRY_VOID(group(name, value, here, creating, out));
    } else {
      LT_TRY_VOID(field(name, value, here, creating, out));
    }
  }
  return {};
}

// Fields that stand together: "applicant", "result".
Result<void> LineParser::group(const std::string& name, const json& value, const std::string& place,
                               Creating creating, Given& out) {
  if (value.is_null() && creating == Creating::kYes) return {};
  if (!value.is_object()) return fail(Errc::kInvalidArgument, place, "must be an object");
  for (const auto& [inner, inner_value] : value.items())
    LT_TRY_VOID(field(name + "." + inner, inner_value, place + "." + inner, creating, out));
  return {};
}

Result<bool> LineParser::flag(const json& object, const char* name, bool usual,
                              const std::string& place) {
  const auto at = object.find(name);
  if (at == object.end()) return usual;
  if (!at->is_boolean()) return fail(Errc::kInvalidArgument, place, "must be true or false");
  return at->get<bool>();
}

// A code as people bring it, in the form in which codes are kept.
Result<std::string> LineParser::code_in(const json& object, const char* name,
                                        const std::string& place) {
  LT_TRY(const std::string given, text(object, name, place));
  return tidy_code(given);
}

Result<std::string> LineParser::record() {
  LT_TRY(std::string code, code_in(line_, "code", "code"));
  if (code.empty()) return fail(Errc::kInvalidArgument, "code", "missing: the dossier's code");
  return code;
}

Result<Remark> LineParser::remark() {
  Remark out;
  LT_TRY(out.note, text(line_, "note", "note"));
  LT_TRY(out.officer, text(line_, "officer", "officer"));
  LT_TRY(out.at, time(line_, "at", "at"));
  return out;
}

// ---- one kind each ----
// The record that a line creates stands under the name of its kind.
Result<Operation> LineParser::create() {
  const RecordName* found = nullptr;
  for (const RecordName& record : kRecordNames) {
    if (!line_.contains(record.name)) continue;
    if (found != nullptr)
      return fail(Errc::kInvalidArgument, std::string(record.name), "one line creates one record");
    found = &record;
  }
  if (found == nullptr)
    return fail(Errc::kInvalidArgument, "dossier",
                "missing; a line creates a dossier, leg, feedback, document or procedure");
  const std::string place(found->name);
  const json& value = line_.at(place);
  if (!value.is_object()) return fail(Errc::kInvalidArgument, place, "must be an object");
  if (found->kind == RecordKind::kLeg) return create_leg(value);
  Given given;
  given.kind = found->kind;
  LT_TRY_VOID(fields(value, place, Creating::kYes, given));
  auto& [kind, open, closed, history] = given;
  switch (kind) {
    case RecordKind::kFeedback:
      return Operation(
          store::CreateFeedback{std::move(open), std::move(closed), std::move(history)});
    case RecordKind::kDocument:
      return Operation(
          store::CreateDocument{std::move(open), std::move(closed), std::move(history)});
    case RecordKind::kProcedure: return Operation(store::PublishProcedure{std::move(open)});
    case RecordKind::kLeg:
    case RecordKind::kDossier: break;
  }
  return Operation(store::CreateDossier{std::move(open), std::move(closed), std::move(history)});
}

// `value`: what a leg has beside its fields is taken out of it.
Result<Operation> LineParser::create_leg(json value) {
  store::CreateLeg out;
  LT_TRY(out.dossier, code_in(value, "dossier", "leg.dossier"));
  if (out.dossier.empty())
    return fail(Errc::kInvalidArgument, "leg.dossier", "missing: the code of the dossier");
  LT_TRY(out.to, agency(value, "to", "leg.to"));
  LT_TRY(out.urgent, flag(value, "urgent", false, "leg.urgent"));
  LT_TRY(out.share, flag(value, "share", true, "leg.share"));
  for (const char* name : {"dossier", "to", "urgent", "share"}) value.erase(name);
  Given given;
  given.kind = RecordKind::kLeg;
  LT_TRY_VOID(fields(value, "leg", Creating::kYes, given));
  out.open = std::move(given.open);
  out.closed = std::move(given.closed);
  return Operation(std::move(out));
}

Result<Operation> LineParser::set_fields() {
  store::SetFields out;
  LT_TRY(out.record, record());
  if (has("fields")) {
    if (!line_.at("fields").is_object())
      return fail(Errc::kInvalidArgument, "fields", "must be an object");
    Given given;
    LT_TRY_VOID(fields(line_.at("fields"), "fields", Creating::kNo, given));
    out.open = std::move(given.open);
    out.closed = std::move(given.closed);
  }
  if (has("event")) {
    LT_TRY(out.event, event(line_.at("event"), "event"));
  }
  return Operation(std::move(out));
}

// The entry stands under what it is: a component, a fee, an answer. One that is removed is named
// there, one that is replaced by `at`.
template <store::ListAct act>
Result<Operation> LineParser::change_list() {
  store::ChangeList out;
  out.act = act;
  LT_TRY(out.record, record());
  constexpr std::pair<const char*, Field> kLists[] = {
      {"component", Field::kComponents}, {"fee", Field::kFees}, {"answer", Field::kSurvey}};
  const std::pair<const char*, Field>* list = nullptr;
  for (const auto& each : kLists) {
    if (!has(each.first)) continue;
    if (list != nullptr)
      return fail(Errc::kInvalidArgument, each.first, "one line changes one entry of one list");
    list = &each;
  }
  if (list == nullptr)
    return fail(Errc::kInvalidArgument, "component", "missing: a component, a fee or an answer");
  out.list = list->second;
  const char* const name = act == store::ListAct::kAdd || act == store::ListAct::kReplace
                               ? "at"
                               : list->first;  // where it is said which one is meant
  if (has(name)) {
    const json& at = line_.at(name);
    if (at.is_number_unsigned()) {
      out.at = std::to_string(at.get<std::uint64_t>());
    } else {
      LT_TRY(out.at, text(line_, name, name));
    }
  }
  if (act == store::ListAct::kRemove) return Operation(std::move(out));
  const FieldInfo* info = find_field(static_cast<std::uint16_t>(out.list));
  auto entry = read_field(*info, json::array({line_.at(list->first)}), *context_.registry);
  if (!entry.ok()) return fail(entry.error().code(), list->first, entry.error().detail());
  out.entry = *std::move(entry);
  return Operation(std::move(out));
}

Result<Operation> LineParser::add_event() {
  store::AddEvent out;
  LT_TRY(out.record, record());
  if (has("event")) {
    LT_TRY(out.event, event(line_.at("event"), "event"));
  }
  return Operation(std::move(out));
}

Result<Operation> LineParser::say_code() {
  store::SayCode out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.code, text(line_, "official", "official"));
  if (out.code.empty())
    return fail(Errc::kInvalidArgument, "official", "missing: the code that another system gave");
  LT_TRY(out.system, text(line_, "system", "system"));
  out.withdraw = line_.at("op") == "code withdraw";
  return Operation(std::move(out));
}

template <class Kind>
Result<Operation> LineParser::remarked() {
  Kind out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  return Operation(std::move(out));
}

Result<Operation> LineParser::offer() {
  store::Offer out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.to, agency("to"));
  LT_TRY(out.urgent, flag(line_, "urgent", false, "urgent"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::consult() {
  store::Consult out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.to, agency("to"));
  LT_TRY(out.deadline, time(line_, "deadline", "deadline"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::reply() {
  store::Reply out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.about, update("about"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::share() {
  store::Share out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.to, agency("to"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::uphold() {
  store::Uphold out;
  LT_TRY(out.record, record());
  LT_TRY(out.branch, code_in(line_, "branch", "branch"));
  LT_TRY(out.decision, text(line_, "decision", "decision"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::erase() {
  store::Erase out;
  LT_TRY(out.record, record());
  LT_TRY(out.decision, text(line_, "decision", "decision"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::adopt() {
  store::Adopt out;
  LT_TRY(out.record, record());
  if (has("update")) {
    LT_TRY(out.change, update("update"));
  }
  return Operation(std::move(out));
}

Result<Operation> LineParser::apologise() {
  store::Apologise out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  if (has("due_at")) {
    Given given;
    LT_TRY_VOID(field("due_at", line_.at("due_at"), "due_at", Creating::kNo, given));
    if (const auto* due_at = std::get_if<std::int64_t>(&given.open.front().value))
      out.due_at = *due_at;
  }
  return Operation(std::move(out));
}

Result<Operation> LineParser::finish() {
  store::FinishLeg out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.outcome, text(line_, "outcome", "outcome"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::return_home() {
  store::ReturnHome out;
  LT_TRY(out.record, record());
  LT_TRY(out.remark, remark());
  LT_TRY(out.urgent, flag(line_, "urgent", false, "urgent"));
  return Operation(std::move(out));
}

Result<Operation> LineParser::send() {
  store::SendDocument out;
  LT_TRY(out.record, record());
  LT_TRY(out.to, agency("to"));
  LT_TRY(out.urgent, flag(line_, "urgent", false, "urgent"));
  return Operation(std::move(out));
}

// ---- any of them ----

Result<Bytes> LineParser::key_hash() {
  LT_TRY(const std::string key, text(line_, "key", "key"));
  if (key.size() > kKeyBytesMax)
    return fail(Errc::kTooLarge, "key", "longer than " + std::to_string(kKeyBytesMax) + " bytes");
  if (key.empty()) return Bytes();
  return store::idempotency_hash(context_.registry->root(), key);
}

Result<Operation> LineParser::run() {
  if (!line_.is_object()) return fail(Errc::kMalformed, "", "a line must be a JSON object");
  LT_TRY(const KindInfo* info, kind());
  for (const auto& [name, unused] : line_.items())
    if (name != "op" && name != "key" && name != "accept_clock" && name != "revision" &&
        !has_name(info->keys, name))
      return fail(Errc::kInvalidArgument, name,
                  "unknown field \"" + name + "\"; " + std::string(info->name) + " has op, key," +
                      std::string(info->keys.substr(0, info->keys.size() - 1)));
  LT_TRY(Bytes key, key_hash());
  LT_TRY(const bool accept_clock, flag(line_, "accept_clock", false, "accept_clock"));
  LT_TRY(std::string revision, code_in(line_, "revision", "revision"));
  if (!revision.empty() && info->name == "create")
    return fail(Errc::kInvalidArgument, "revision", "what is created has no revision yet");
  LT_TRY(Operation out, (this->*info->read)());
  out.revision = std::move(revision);
  out.accept_clock = accept_clock;
  out.key_hash = std::move(key);
  return out;
}

}  // namespace

Result<Operation> parse_operation(const json& line, const ParseContext& context,
                                  std::string& place) {
  place.clear();
  return LineParser(line, context, place).run();
}

}  // namespace lienthong::agent
