#include "tools/lienthong/procedure_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include "store/text/encoding.h"
#include "store/text/table.h"
#include "store/text/workbook.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/json_items.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/words.h"

namespace lienthong::tools {
namespace {

using Row = std::map<std::string, std::string>;

struct Word {
  std::string_view from, to;
};
constexpr std::array kUnits = {Word{"ngay_lam_viec", "working_day"}, Word{"ngay", "calendar_day"},
                               Word{"gio", "hour"}, Word{"nua_ngay", "half_day"},
                               Word{"trong_ngay", "same_day"}};
constexpr std::array kChannels = {Word{"truc_tiep", "counter"}, Word{"truc_tuyen", "online"},
                                  Word{"buu_chinh", "postal"}};
// What stands beside a procedure's own members in JSON goes into its definition.
constexpr std::array kMembers = {"code",           "procedure_name", "field",     "decision",
                                 "effective_from", "effective_to",   "successor", "definition"};

template <class Words>
std::string translate(const Words& words, std::string_view text) {
  for (const Word& word : words)
    if (word.from == text || word.to == text) return std::string(word.to);
  return {};
}

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string cell; std::getline(in, cell, mark);) out.push_back(cell);
  if (text.ends_with(mark)) out.emplace_back();
  return out;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// "0,5" and "0.5" too.
std::optional<double> number_in(std::string text) {
  for (char& c : text)
    if (c == ',') c = '.';
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || !(number > 0))
    return std::nullopt;
  return number;
}

// FNV-1a, so that the same line again is known and a changed one is not.
std::string fingerprint(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  return fmt::format("{:016x}", hash);
}

Json amount_of(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? Json(whole) : Json(number);
}

class Reader {
 public:
  explicit Reader(const ProcedureDefaults& defaults) : defaults_(defaults) {}

  ProcedureFile run(const std::string& bytes) {
    if (store::is_workbook(bytes)) {
      table(bytes);
      return std::move(out_);
    }
    const auto text = store::decode_text(bytes);
    if (!text.ok()) throw Failure(kFailed, tell_reason(text.error().detail()));
    const std::string start = trimmed(text->substr(0, 4096));
    if (start.starts_with('{') || start.starts_with('[')) {
      for (const JsonItem& item : cut_json(*text)) json(item);
    } else {
      table(*text);
    }
    return std::move(out_);
  }

 private:
  void remark(std::string code, std::string kind, std::string text) {
    out_.remarks.push_back({line_, std::move(code), std::move(kind), std::move(text)});
  }
  void refuse(const std::string& code, std::string text) {
    ++out_.skipped;
    remark(code, "refused", std::move(text));
  }

  void json(const JsonItem& item) {
    line_ = item.line;
    const Json procedure = Json::parse(item.text, nullptr, false);
    if (procedure.is_discarded()) return refuse("", tr("is not JSON"));
    object(procedure);
  }

  void object(const Json& given) {
    if (!given.is_object()) return refuse("", tr("is not a JSON object"));
    Json procedure = Json::object();
    Json definition = given.value("definition", Json::object());
    if (!definition.is_object())
      return refuse(text_of(given, "code"), tr("definition is no object"));
    for (const auto& [name, value] : given.items()) {
      const bool own =
          std::any_of(kMembers.begin(), kMembers.end(), [&](const char* m) { return name == m; });
      if (name == "name") {
        procedure["procedure_name"] = value;
      } else if (own) {
        procedure[name] = value;
      } else {
        definition[name] = value;
      }
    }
    check_limits(text_of(given, "code"), definition);
    procedure["definition"] = std::move(definition);
    publish(std::move(procedure));
  }

  // Takes out, and reports, limits that do not say their unit.
  void check_limits(const std::string& code, Json& definition) {
    const auto check = [&](Json& object, const std::string& name, const std::string& place) {
      if (!object.contains(name) || !object[name].is_object()) return;
      if (!text_of(object[name], "unit").empty()) return;
      remark(code, "unknown-limit",
             format("{}: {} has no unit; imported as unknown", place,
                    text_of(object[name], "amount")));
      object.erase(name);
    };
    check(definition, "limit", "limit");
    check(definition, "supplement_limit", "supplement_limit");
    if (definition.contains("limit_by_channel") && definition["limit_by_channel"].is_object())
      for (const char* channel : {"counter", "online", "postal"})
        check(definition["limit_by_channel"], channel, std::string("limit_by_channel.") + channel);
    if (!definition.contains("steps") || !definition["steps"].is_array()) return;
    std::size_t number = 0;
    for (Json& step : definition["steps"]) {
      ++number;
      if (step.is_object()) check(step, "limit", "steps[" + std::to_string(number) + "].limit");
    }
  }

  void table(const std::string& text) {
    const auto headings = procedure_headings();
    const auto table = store::read_table(text, headings, words_passed_over());
    if (!table.ok())
      throw Failure(
          kFailed, format("the file is neither JSON nor a table with the columns code and name: {}",
                          tell_reason(table.error().detail())));
    out_.empty = table->body.empty;
    auto failed = table->body.errors.begin();
    const auto refuse_up_to = [&](std::uint64_t line) {
      for (; failed != table->body.errors.end() && failed->line < line; ++failed) {
        line_ = failed->line;
        refuse("", tell_reason(failed->error.detail()));
      }
    };
    for (const store::Row& given : table->body.rows) {
      refuse_up_to(given.line);
      line_ = given.line;
      Row row;
      for (std::size_t i = 0; i < given.cells.size(); ++i)
        row[std::string(headings[table->columns[i]].name)] = given.cells[i];
      std::ranges::replace(row["name"], '\n', ' ');  // a name is one line
      take(row);
    }
    refuse_up_to(UINT64_MAX);
  }

  void take(Row& row) {
    const std::string code = row["code"];
    Json definition = Json::object();
    limit(row, definition);
    for (const char* name : {"level", "source", "note"})
      if (!row[name].empty()) definition[name] = row[name];
    if (!row["agencies"].empty()) definition["route"] = row["agencies"];
    if (!row["step_limits"].empty()) {
      definition["step_limits"] = row["step_limits"];
      remark(
          code, "left-out",
          tr("limits of steps are kept as text; publish the steps as JSON to have them counted"));
    }
    Json procedure{{"code", code}, {"procedure_name", row["name"]}, {"field", row["field"]}};
    for (const char* name : {"decision", "effective_from", "effective_to", "successor"})
      if (!row[name].empty()) procedure[name] = row[name];
    if (!procedure.contains("decision") && row["source"].starts_with("QĐ "))
      procedure["decision"] = row["source"].substr(0, row["source"].find(';'));
    procedure["definition"] = std::move(definition);
    publish(std::move(procedure));
  }

  void limit(Row& row, Json& definition) {
    const std::string code = row["code"];
    const std::string unit = translate(kUnits, row["unit"]);
    const std::string& channels = row["limit_by_channel"];
    if (unit.empty()) {
      const std::string given = row["limit"].empty() ? row["note"] : row["limit"];
      remark(
          code, "unknown-limit",
          row["unit"].empty()
              ? format("the limit has no unit; imported as unknown ({})", given)
              : format("unit \"{}\" is not known; the limit is imported as unknown", row["unit"]));
      return;
    }
    if (unit == "same_day") {
      definition["limit"] = {{"unit", unit}};
      return;
    }
    if (const auto amount = number_in(row["limit"])) {
      definition["limit"] = {{"amount", amount_of(*amount)}, {"unit", unit}};
    } else if (channels.empty()) {
      remark(code, "unknown-limit",
             format("the limit \"{}\" is no number; imported as unknown", row["limit"]));
    }
    if (channels.empty()) return;
    for (const std::string& part : split(channels, ';')) {
      const std::size_t colon = part.find(':');
      const std::string channel = translate(kChannels, trimmed(part.substr(0, colon)));
      const auto amount =
          colon == std::string::npos ? std::nullopt : number_in(trimmed(part.substr(colon + 1)));
      if (channel.empty() || !amount) {
        remark(code, "unknown-limit",
               format("the limit \"{}\" of a channel is not understood; left out", part));
        continue;
      }
      definition["limit_by_channel"][channel] = {{"amount", amount_of(*amount)}, {"unit", unit}};
    }
  }

  void publish(Json procedure) {
    const std::string code = text_of(procedure, "code");
    if (code.empty())
      return refuse("", format("\"{}\" has no code; codes are not invented here",
                               text_of(procedure, "procedure_name")));
    if (text_of(procedure, "procedure_name").empty()) return refuse(code, tr("has no name"));
    const auto fill = [&procedure](const char* name, const std::string& value) {
      if (!value.empty() && text_of(procedure, name).empty()) procedure[name] = value;
    };
    fill("decision", defaults_.decision);
    fill("effective_from", defaults_.effective_from);
    fill("effective_to", defaults_.effective_to);
    Json operation{{"op", "create"}, {"procedure", procedure}};
    operation["key"] = "procedure " + code + " " + fingerprint(procedure.dump());
    out_.lines.push_back({line_, code, std::move(operation)});
  }

  const ProcedureDefaults& defaults_;
  ProcedureFile out_;
  std::size_t line_ = 1;
};

}  // namespace

ProcedureFile read_procedures(const std::string& text, const ProcedureDefaults& defaults) {
  return Reader(defaults).run(text);
}

}  // namespace lienthong::tools
