#include "tools/lienthong/csv_dossier.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "protocol/base/csv.h"  // text in, cells out: no agent is asked, none is needed

namespace lienthong::tools {
namespace {

constexpr std::string_view kHistory = "history";

enum class CellKind : std::uint8_t { kText, kInteger, kJson, kComputed };

struct Column {
  std::string_view name;
  CellKind kind;
};

// Those of protocol/record/fields.h that a dossier has, in their order; a test holds the two
// together. Then what is no field.
constexpr std::array kColumns = {
    Column{"code", CellKind::kText},
    Column{"procedure", CellKind::kText},
    Column{"procedure_name", CellKind::kText},
    Column{"field", CellKind::kText},
    Column{"channel", CellKind::kText},
    Column{"submitted_at", CellKind::kText},
    Column{"received_at", CellKind::kText},
    Column{"clock_starts_at", CellKind::kText},
    Column{"due_at", CellKind::kText},
    Column{"finished_at", CellKind::kText},
    Column{"returned_at", CellKind::kText},
    Column{"status", CellKind::kText},
    Column{"intake_agency", CellKind::kText},
    Column{"competent_agency", CellKind::kText},
    Column{"unit", CellKind::kText},
    Column{"fees", CellKind::kJson},
    Column{"component_count", CellKind::kComputed},
    Column{"digitised_count", CellKind::kComputed},
    Column{"procedure_version", CellKind::kText},
    Column{"step", CellKind::kInteger},
    Column{"result.number", CellKind::kText},
    Column{"result.signed_at", CellKind::kText},
    Column{"result.kind", CellKind::kText},
    Column{"result_digitised", CellKind::kComputed},
    Column{"survey_count", CellKind::kComputed},
    Column{"reappointed_at", CellKind::kText},
    Column{"applicant.name", CellKind::kText},
    Column{"applicant.kind", CellKind::kText},
    Column{"applicant.id_number", CellKind::kText},
    Column{"applicant.phone", CellKind::kText},
    Column{"applicant.email", CellKind::kText},
    Column{"applicant.address", CellKind::kText},
    Column{"summary", CellKind::kText},
    Column{"officer", CellKind::kText},
    Column{"components", CellKind::kJson},
    Column{"applicant.postal_code", CellKind::kText},
    Column{"result.digest", CellKind::kText},
    Column{"survey", CellKind::kJson},
    Column{"holder", CellKind::kComputed},
    Column{kHistory, CellKind::kJson},
};

// nullopt: there is no such column.
std::optional<CellKind> kind_of(std::string_view name) {
  const auto at = std::ranges::find(kColumns, name, &Column::name);
  return at != kColumns.end() ? std::optional(at->kind) : std::nullopt;
}

// JSON cannot carry anything else.
bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

const Json* find_path(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (;;) {
    const std::size_t dot = path.find('.');
    const auto inner = at->is_object() ? at->find(std::string(path.substr(0, dot))) : at->end();
    if (!at->is_object() || inner == at->end() || inner->is_null()) return nullptr;
    at = &*inner;
    if (dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
}

void put_path(Json& object, std::string_view path, Json value) {
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) {
    object[std::string(path)] = std::move(value);
  } else {
    put_path(object[std::string(path.substr(0, dot))], path.substr(dot + 1), std::move(value));
  }
}

// What an entry of the history says itself; the agent knows the rest anew.
Json plain_history(const Json& history) {
  Json list = Json::array();
  for (const Json& entry : history) {
    Json plain = Json::object();
    for (const char* name : {"at", "officer", "unit", "action", "note"})
      if (entry.is_object() && entry.contains(name)) plain[name] = entry[name];
    list.push_back(std::move(plain));
  }
  return list;
}

std::string cell_of(const Json& dossier, const std::string& column) {
  const Json* value = find_path(dossier, column);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  if (column == kHistory) return value->empty() ? std::string() : plain_history(*value).dump();
  return value->dump();
}

Json make_error(std::string_view message, const std::string& place) {
  Json error{{"code", "invalid-argument"}, {"message", message}};
  if (!place.empty()) error["place"] = place;
  return error;
}

// Null for a cell that cannot be read.
Json value_of(CellKind kind, const std::string& cell) {
  if (kind == CellKind::kText) return Json(cell);
  if (kind == CellKind::kJson) {
    Json value = Json::parse(cell, nullptr, false);
    return value.is_array() || value.is_object() ? value : Json();
  }
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return failed == std::errc() && end == cell.data() + cell.size() ? Json(number) : Json();
}

// What is wrong with the heading; null: nothing.
Json check_heads(const std::vector<std::string>& heads) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::string place = "column " + std::to_string(i + 1);
    if (!is_utf8(heads[i])) return make_error("invalid UTF-8", place);
    if (!kind_of(heads[i]))
      return make_error("unknown column \"" + heads[i] + "\"; the first row names the fields",
                        place);
    if (std::find(heads.begin(), heads.begin() + static_cast<std::ptrdiff_t>(i), heads[i]) !=
        heads.begin() + static_cast<std::ptrdiff_t>(i))
      return make_error("the column \"" + heads[i] + "\" stands twice", place);
  }
  return nullptr;
}

CsvDossier read_row(const CsvRow& row, const std::vector<std::string>& heads) {
  CsvDossier out;
  out.line = row.line;
  if (row.fields.size() != heads.size()) {
    out.error = make_error("the row has " + std::to_string(row.fields.size()) + " fields, the " +
                               "heading " + std::to_string(heads.size()),
                           "");
    return out;
  }
  Json dossier = Json::object();
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const CellKind kind = *kind_of(heads[i]);
    if (row.fields[i].empty() || kind == CellKind::kComputed) continue;
    if (!is_utf8(row.fields[i])) {
      out.error = make_error("invalid UTF-8", "column " + heads[i]);
      return out;
    }
    Json value = value_of(kind, row.fields[i]);
    if (value.is_null()) {
      out.error = make_error(kind == CellKind::kInteger ? "must be a whole number, not negative"
                                                        : "must be a JSON list or object",
                             "column " + heads[i]);
      return out;
    }
    put_path(dossier, heads[i], std::move(value));
  }
  out.dossier = std::move(dossier);
  return out;
}

}  // namespace

const std::vector<std::string>& csv_columns() {
  static const std::vector<std::string> columns = [] {
    std::vector<std::string> names;
    for (const Column& column : kColumns) names.emplace_back(column.name);
    return names;
  }();
  return columns;
}

std::string csv_header() { return csv_row(csv_columns()); }

std::string csv_row_of(const Json& dossier) {
  std::vector<std::string> cells;
  for (const std::string& column : csv_columns()) cells.push_back(cell_of(dossier, column));
  return csv_row(cells);
}

CsvDossiers read_csv(std::string_view text) {
  CsvDossiers out;
  CsvReader reader(text);
  std::optional<std::vector<std::string>> heads;
  for (;;) {
    auto row = reader.next();
    if (row.ok() && !*row) break;
    if (!row.ok()) {
      Json error{{"code", to_string(row.error().code())}, {"message", row.error().detail()}};
      if (!heads) {
        out.error = std::move(error);
        return out;
      }
      out.rows.push_back({reader.line(), nullptr, std::move(error)});
    } else if (!heads) {
      out.error = check_heads((*row)->fields);
      if (!out.error.is_null()) return out;
      heads = std::move((*row)->fields);
    } else {
      out.rows.push_back(read_row(**row, *heads));
    }
  }
  if (!heads) out.error = make_error("the file is empty; its first row names the fields", "");
  return out;
}

}  // namespace lienthong::tools
