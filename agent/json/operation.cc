#include "agent/json/operation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "agent/json/fields.h"
#include "agent/json/text_check.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using store::Event;
using store::Operation;
using store::OperationKind;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kHistoryCountMax = 1000;

struct KindInfo {
  std::string_view name;
  OperationKind kind;
  std::string_view keys;  // that its line may have, beside op and key, each between blanks
};
constexpr KindInfo kKinds[] = {
    {"create", OperationKind::kCreate, " dossier leg feedback document procedure "},
    {"set", OperationKind::kSet, " code fields event "},
    {"event", OperationKind::kEvent, " code event "},
    {"note", OperationKind::kNote, " code note officer at "},
    {"offer", OperationKind::kOffer, " code to urgent note officer at "},
    {"accept", OperationKind::kAccept, " code note officer at "},
    {"decline", OperationKind::kDecline, " code note officer at "},
    {"recall", OperationKind::kRecall, " code note officer at "},
    {"reclaim", OperationKind::kReclaim, " code note officer at "},
    {"succeed", OperationKind::kSucceed, " code note officer at "},
    {"consult", OperationKind::kConsult, " code to note officer at deadline "},
    {"reply", OperationKind::kReply, " code about note officer at "},
    {"share", OperationKind::kShare, " code to note officer at "},
    {"adopt", OperationKind::kAdopt, " code update "},
    {"finish", OperationKind::kFinish, " code outcome note officer at "},
    {"return", OperationKind::kReturnHome, " code urgent note officer at "},
    {"apologise", OperationKind::kApologise, " code due_at note officer at "},
    {"send", OperationKind::kSend, " code to urgent "},
};

struct RecordName {
  std::string_view name;
  RecordKind kind;
};
constexpr RecordName kRecordNames[] = {
    {"dossier", RecordKind::kDossier},     {"leg", RecordKind::kLeg},
    {"feedback", RecordKind::kFeedback},   {"document", RecordKind::kDocument},
    {"procedure", RecordKind::kProcedure},
};

std::string kind_names() {
  std::string list;
  for (const KindInfo& info : kKinds) list += (list.empty() ? "" : ", ") + std::string(info.name);
  return list;
}

bool has_name(std::string_view names, std::string_view name) {
  return name.find(' ') == std::string_view::npos &&
         names.find(" " + std::string(name) + " ") != std::string_view::npos;
}

class LineParser {
 public:
  LineParser(const json& line, const ParseContext& context, std::string& place)
      : line_(line), context_(context), place_(place) {}

  Result<Operation> run();

 private:
  Error fail(Errc code, std::string place, std::string detail) {
    place_ = std::move(place);
    return Error(code, std::move(detail));
  }
  Result<const KindInfo*> kind();
  Result<void> common(Operation& out);
  Result<std::string> text(const json& object, const char* name, const std::string& place);
  Result<UnixMillis> time(const json& object, const char* name, const std::string& place);
  Result<AgencyId> agency(const char* name) { return agency(line_, name, name); }
  Result<AgencyId> agency(const json& object, const char* name, const std::string& place);
  Result<UpdateId> update(const char* name);
  Result<bool> flag(const json& object, const char* name, bool usual, const std::string& place);
  Result<Event> event(const json& value, const std::string& place);
  Result<void> created(Operation& out);
  Result<void> leg(json& value, Operation& out);
  Result<void> fields(const json& object, const std::string& place, bool creating, Operation& out);
  Result<void> field(const std::string& name, const json& value, const std::string& place,
                     bool creating, Operation& out);
  Result<void> group(const std::string& name, const json& value, const std::string& place,
                     bool creating, Operation& out);
  Result<void> holder(const json& value);
  Result<void> history(const json& value, Operation& out);
  Result<void> remarks(Operation& out);

  const json& line_;
  const ParseContext& context_;
  std::string& place_;
};

Result<const KindInfo*> LineParser::kind() {
  const auto op = line_.find("op");
  if (op == line_.end())
    return fail(Errc::kInvalidArgument, "op", "missing; it is one of " + kind_names());
  if (!op->is_string()) return fail(Errc::kInvalidArgument, "op", "must be a string");
  const auto& name = op->get_ref<const std::string&>();
  const auto* info = std::ranges::find(kKinds, name, &KindInfo::name);
  if (info == std::end(kKinds))
    return fail(Errc::kInvalidArgument, "op",
                "unknown operation \"" + name + "\"; it is one of " + kind_names());
  return info;
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

Result<void> LineParser::history(const json& value, Operation& out) {
  if (!value.is_array()) return fail(Errc::kInvalidArgument, "dossier.history", "must be a list");
  if (value.size() > kHistoryCountMax)
    return fail(Errc::kTooLarge, "dossier.history",
                "more than " + std::to_string(kHistoryCountMax) + " entries");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string place = "dossier.history[" + std::to_string(i) + "]";
    LT_TRY(Event entry, event(value[i], place));
    if (entry.at == 0)
      return fail(Errc::kInvalidArgument, place + ".at", "missing: when it happened");
    out.history.push_back(std::move(entry));
  }
  std::ranges::stable_sort(out.history, {}, &Event::at);
  return {};
}

Result<void> LineParser::field(const std::string& name, const json& value, const std::string& place,
                               bool creating, Operation& out) {
  const FieldInfo* info = find_field_by_json(name);
  if (info == nullptr || info->field == Field::kComponentCount ||
      info->field == Field::kDigitisedCount)
    return fail(Errc::kInvalidArgument, place, "unknown field \"" + name + "\"");
  if (creating && (info->kinds & bit(out.record_kind)) == 0)
    return fail(Errc::kInvalidArgument, place, "this kind of record has no field \"" + name + "\"");
  if (!creating && info->field == Field::kCode)
    return fail(Errc::kInvalidArgument, place, "the code of a dossier does not change");
  auto read = read_field(*info, value, *context_.registry);
  if (!read.ok()) return fail(read.error().code(), place, read.error().detail());
  if (creating && std::holds_alternative<std::monostate>(*read)) return {};
  auto& writes = info->part == Part::kOpen ? out.open : out.closed;
  const auto number = static_cast<std::uint16_t>(info->field);
  if (std::ranges::find(writes, number, &FieldWrite::field) != writes.end())
    return fail(Errc::kInvalidArgument, place, "written twice");
  writes.push_back({number, *std::move(read)});
  return {};
}

Result<void> LineParser::fields(const json& object, const std::string& place, bool creating,
                                Operation& out) {
  for (const auto& [name, value] : object.items()) {
    const std::string here = place + "." + name;
    if (creating && name == "history") {
      if (!value.is_null()) LT_TRY_VOID(history(value, out));
    } else if (creating && name == "holder") {
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
                               bool creating, Operation& out) {
  if (value.is_null() && creating) return {};
  if (!value.is_object()) return fail(Errc::kInvalidArgument, place, "must be an object");
  for (const auto& [inner, inner_value] : value.items())
    LT_TRY_VOID(field(name + "." + inner, inner_value, place + "." + inner, creating, out));
  return {};
}

// The record that a line creates, under the name of its kind.
Result<void> LineParser::created(Operation& out) {
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
  out.record_kind = found->kind;
  if (found->kind != RecordKind::kLeg) return fields(value, place, true, out);
  json rest = value;
  LT_TRY_VOID(leg(rest, out));
  return fields(rest, place, true, out);
}

// Takes what a leg has beside its fields out of `value`.
Result<void> LineParser::leg(json& value, Operation& out) {
  LT_TRY(out.lead, text(value, "dossier", "leg.dossier"));
  if (out.lead.empty())
    return fail(Errc::kInvalidArgument, "leg.dossier", "missing: the code of the dossier");
  LT_TRY(out.to, agency(value, "to", "leg.to"));
  LT_TRY(out.urgent, flag(value, "urgent", false, "leg.urgent"));
  LT_TRY(out.share, flag(value, "share", true, "leg.share"));
  for (const char* name : {"dossier", "to", "urgent", "share"}) value.erase(name);
  return {};
}

Result<bool> LineParser::flag(const json& object, const char* name, bool usual,
                              const std::string& place) {
  const auto at = object.find(name);
  if (at == object.end()) return usual;
  if (!at->is_boolean()) return fail(Errc::kInvalidArgument, place, "must be true or false");
  return at->get<bool>();
}

// The remark of the operation itself becomes its event.
Result<void> LineParser::remarks(Operation& out) {
  Event remark;
  LT_TRY(remark.note, text(line_, "note", "note"));
  LT_TRY(remark.officer, text(line_, "officer", "officer"));
  LT_TRY(remark.at, time(line_, "at", "at"));
  if (!remark.note.empty() || !remark.officer.empty() || remark.at != 0)
    out.event = std::move(remark);
  return {};
}

Result<void> LineParser::common(Operation& out) {
  LT_TRY(const std::string key, text(line_, "key", "key"));
  if (key.size() > kKeyBytesMax)
    return fail(Errc::kTooLarge, "key", "longer than " + std::to_string(kKeyBytesMax) + " bytes");
  if (!key.empty()) out.key_hash = store::idempotency_hash(context_.registry->root(), key);
  if (out.kind == OperationKind::kCreate) return {};
  LT_TRY(out.code, text(line_, "code", "code"));
  if (out.code.empty()) return fail(Errc::kInvalidArgument, "code", "missing: the dossier's code");
  return {};
}

Result<Operation> LineParser::run() {
  if (!line_.is_object()) return fail(Errc::kMalformed, "", "a line must be a JSON object");
  LT_TRY(const KindInfo* info, kind());
  for (const auto& [name, unused] : line_.items())
    if (name != "op" && name != "key" && !has_name(info->keys, name))
      return fail(Errc::kInvalidArgument, name,
                  "unknown field \"" + name + "\"; " + std::string(info->name) + " has op, key," +
                      std::string(info->keys.substr(0, info->keys.size() - 1)));
  Operation out;
  out.kind = info->kind;
  LT_TRY_VOID(common(out));
  const auto need = [&](const char* name) { return line_.find(name) != line_.end(); };
  if (out.kind == OperationKind::kCreate) LT_TRY_VOID(created(out));
  if (has_name(info->keys, "fields") && need("fields")) {
    if (!line_.at("fields").is_object())
      return fail(Errc::kInvalidArgument, "fields", "must be an object");
    LT_TRY_VOID(fields(line_.at("fields"), "fields", false, out));
  }
  if (has_name(info->keys, "note")) LT_TRY_VOID(remarks(out));
  if (has_name(info->keys, "event") && need("event")) {
    LT_TRY(out.event, event(line_.at("event"), "event"));
  }
  if (has_name(info->keys, "to")) {
    LT_TRY(out.to, agency("to"));
  }
  if (has_name(info->keys, "urgent")) {
    LT_TRY(out.urgent, flag(line_, "urgent", false, "urgent"));
  }
  if (has_name(info->keys, "outcome")) {
    LT_TRY(std::string outcome, text(line_, "outcome", "outcome"));
    if (!outcome.empty())
      out.open.push_back({static_cast<std::uint16_t>(Field::kOutcome), std::move(outcome)});
  }
  if (has_name(info->keys, "deadline")) {
    LT_TRY(out.deadline, time(line_, "deadline", "deadline"));
  }
  if (has_name(info->keys, "due_at") && need("due_at"))
    LT_TRY_VOID(field("due_at", line_.at("due_at"), "due_at", false, out));
  if (out.kind == OperationKind::kReply) {
    LT_TRY(out.about, update("about"));
  }
  if (out.kind == OperationKind::kAdopt && need("update")) {
    LT_TRY(out.about, update("update"));
  }
  return out;
}

}  // namespace

Result<json> parse_line(std::string_view line) {
  if (line.size() > kLineBytesMax)
    return Error(Errc::kTooLarge, "the line has " + std::to_string(line.size()) +
                                      " bytes, at most " + std::to_string(kLineBytesMax) +
                                      " are taken");
  LT_TRY_VOID(check_utf8(line));
  std::vector<std::set<std::string>> names;
  std::string twice;
  bool too_deep = false;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& value) {
    if (static_cast<std::size_t>(depth) > kDepthMax) too_deep = true;
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end && !names.empty()) names.pop_back();
    if (event == json::parse_event_t::key && !names.empty() && twice.empty()) {
      const auto& name = value.get_ref<const std::string&>();
      if (!names.back().insert(name).second) twice = name;
    }
    return !too_deep;
  };
  try {
    json parsed = json::parse(line, watch);
    if (too_deep) return Error(Errc::kTooLarge, "nested deeper than " + std::to_string(kDepthMax));
    if (!twice.empty())
      return Error(Errc::kMalformed, "\"" + twice + "\" stands twice in one object");
    if (!parsed.is_object()) return Error(Errc::kMalformed, "a line must be a JSON object");
    return parsed;
  } catch (const json::parse_error& error) {
    return Error(Errc::kMalformed, "broken JSON at byte " + std::to_string(error.byte));
  }
}

Result<Operation> parse_operation(const json& line, const ParseContext& context,
                                  std::string& place) {
  place.clear();
  return LineParser(line, context, place).run();
}

std::string derived_key(const json& line, std::size_t occurrence) {
  return "line:" + line.dump() + "#" + std::to_string(occurrence);
}

}  // namespace lienthong::agent
