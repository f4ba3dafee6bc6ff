#include "tools/lienthong/csv_dossier.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "protocol/base/csv.h"  // text in, cells out: no agent is asked, none is needed
#include "store/text/plain.h"
#include "store/text/table.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/words.h"

namespace lienthong::tools {
namespace {

constexpr std::string_view kHistory = "history";

enum class CellKind : std::uint8_t {
  kText,
  kInteger,
  kJson,
  kComputed,
  kCode,
  kProcedure,
  kMoment,
  kStatus,
  kChannel,
  kIdNumber,
  kPhone
};

struct Column {
  std::string_view name;
  CellKind kind;
};

// Those of protocol/record/fields.h that a dossier has, in their order; a test holds the two
// together. Then what is no field.
constexpr std::array kColumns = {
    Column{"code", CellKind::kCode},
    Column{"procedure", CellKind::kProcedure},
    Column{"procedure_name", CellKind::kText},
    Column{"field", CellKind::kText},
    Column{"channel", CellKind::kChannel},
    Column{"submitted_at", CellKind::kMoment},
    Column{"received_at", CellKind::kMoment},
    Column{"clock_starts_at", CellKind::kMoment},
    Column{"due_at", CellKind::kMoment},
    Column{"finished_at", CellKind::kMoment},
    Column{"returned_at", CellKind::kMoment},
    Column{"status", CellKind::kStatus},
    Column{"intake_agency", CellKind::kText},
    Column{"competent_agency", CellKind::kText},
    Column{"unit", CellKind::kText},
    Column{"fees", CellKind::kJson},
    Column{"component_count", CellKind::kComputed},
    Column{"digitised_count", CellKind::kComputed},
    Column{"procedure_version", CellKind::kText},
    Column{"step", CellKind::kInteger},
    Column{"result.number", CellKind::kText},
    Column{"result.signed_at", CellKind::kMoment},
    Column{"result.kind", CellKind::kText},
    Column{"result_digitised", CellKind::kComputed},
    Column{"survey_count", CellKind::kComputed},
    Column{"reappointed_at", CellKind::kMoment},
    Column{"support_agency", CellKind::kText},
    Column{"applicant.name", CellKind::kText},
    Column{"applicant.kind", CellKind::kText},
    Column{"applicant.id_number", CellKind::kIdNumber},
    Column{"applicant.phone", CellKind::kPhone},
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
  if (kind == CellKind::kStatus) return Json(status_called(cell).value_or(cell));
  if (kind == CellKind::kChannel) return Json(channel_called(cell).value_or(cell));
  if (kind == CellKind::kJson) {
    Json value = Json::parse(cell, nullptr, false);
    return value.is_array() || value.is_object() ? value : Json();
  }
  if (kind != CellKind::kInteger) return Json(cell);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return failed == std::errc() && end == cell.data() + cell.size() ? Json(number) : Json();
}

store::Repaired repair(CellKind kind, const std::string& cell) {
  switch (kind) {
    case CellKind::kCode: return store::repair_code(cell);
    case CellKind::kProcedure: return store::repair_procedure_code(cell);
    case CellKind::kIdNumber: return store::repair_id_number(cell);
    case CellKind::kPhone: return store::repair_phone(cell);
    default: return {cell, store::Mangled::kNo};
  }
}

std::vector<store::Heading> headings() {
  std::vector<store::Heading> out;
  for (const Column& column : kColumns) out.push_back({column.name, words_of_field(column.name)});
  return out;
}

class DossierReader {
 public:
  CsvDossiers run(std::string_view text) {
    auto table = store::read_table(text, headings(), words_passed_over());
    if (!table.ok()) {
      out_.error =
          Json{{"code", to_string(table.error().code())}, {"message", table.error().detail()}};
      return std::move(out_);
    }
    columns_ = std::move(table->columns);
    out_.empty = table->body.empty;
    out_.left = std::move(table->left);
    for (const store::Row& row : table->body.rows) look_at_dates(row);
    for (const store::Row& row : table->body.rows) out_.rows.push_back(read(row));
    for (const store::RowError& failed : table->body.errors)
      out_.rows.push_back(
          {failed.line, nullptr,
           Json{{"code", to_string(failed.error.code())}, {"message", failed.error.detail()}}});
    std::ranges::stable_sort(out_.rows, {}, &CsvDossier::line);
    return std::move(out_);
  }

 private:
  // Where a date can only have the month first, no other of its column is believed either.
  void look_at_dates(const store::Row& row) {
    month_first_.resize(columns_.size(), 0);
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (kColumns[columns_[i]].kind == CellKind::kMoment && month_first_[i] == 0 &&
          store::date_order(row.cells[i]) == store::DateOrder::kMonthFirst)
        month_first_[i] = row.line;
  }

  CsvDossier read(const store::Row& row) {
    CsvDossier out;
    out.line = row.line;
    Json dossier = Json::object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = kColumns[columns_[i]];
      if (row.cells[i].empty() || column.kind == CellKind::kComputed) continue;
      out.error = put(row, i, column, dossier);
      if (!out.error.is_null()) return out;
    }
    // What has no number yet needs somebody to give it to.
    if (!dossier.contains("code") && find_path(dossier, "applicant.name") == nullptr &&
        find_path(dossier, "applicant.id_number") == nullptr) {
      out.error = make_error(tr("nothing is said of who applies; without a code of its own the row "
                                "gets no number"),
                             "");
      return out;
    }
    out.dossier = std::move(dossier);
    return out;
  }

  // What is wrong with the cell; null: nothing.
  Json put(const store::Row& row, std::size_t i, const Column& column, Json& dossier) {
    const std::string place = "column " + std::string(column.name);
    const store::Repaired repaired = repair(column.kind, row.cells[i]);
    const bool names = column.kind == CellKind::kCode || column.kind == CellKind::kProcedure;
    const bool lost =
        repaired.what == store::Mangled::kShortened || repaired.what == store::Mangled::kDate;
    if (lost && names)
      return make_error(format("\"{}\" is what a spreadsheet made of a code; format the column as "
                               "text and type it again",
                               row.cells[i]),
                        place);
    if (lost) {
      remark(row.line, column, false,
             format("{}: a spreadsheet has shortened the number; ask for it and write it again",
                    row.cells[i]));
    } else if (repaired.what == store::Mangled::kLostZeros) {
      remark(row.line, column, true,
             format("{} → {}: a spreadsheet had taken zeros away", row.cells[i], repaired.text));
    }
    if (column.kind == CellKind::kMoment && month_first_[i] != 0 &&
        store::date_order(row.cells[i]) != store::DateOrder::kNoDate &&
        store::date_order(row.cells[i]) != store::DateOrder::kDayFirst)
      return make_error(format("day and month cannot be told apart: line {} has the month first; "
                               "write dates as 31/12/2024 or 2024-12-31",
                               month_first_[i]),
                        place);
    Json value = value_of(column.kind, repaired.text);
    if (value.is_null())
      return make_error(column.kind == CellKind::kInteger ? "must be a whole number, not negative"
                                                          : "must be a JSON list or object",
                        place);
    put_path(dossier, column.name, std::move(value));
    return nullptr;
  }

  void remark(std::uint64_t line, const Column& column, bool repaired, std::string text) {
    out_.remarks.push_back({line, std::string(column.name), repaired, std::move(text)});
  }

  CsvDossiers out_;
  std::vector<std::size_t> columns_;        // of kColumns, a cell each
  std::vector<std::uint64_t> month_first_;  // line that says so; 0: none
};

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

std::vector<std::string> cells_of_dossier(const Json& dossier) {
  std::vector<std::string> cells;
  for (const std::string& column : csv_columns()) cells.push_back(cell_of(dossier, column));
  return cells;
}

std::string csv_row_of(const Json& dossier) { return csv_row(cells_of_dossier(dossier)); }

CsvDossiers read_csv(std::string_view bytes) { return DossierReader().run(bytes); }

}  // namespace lienthong::tools
