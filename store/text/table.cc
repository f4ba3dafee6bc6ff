#include "store/text/table.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "protocol/base/csv.h"
#include "store/text/encoding.h"
#include "store/text/plain.h"
#include "store/text/workbook.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kTitleRowsMax = 20;  // above the headings

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool has_word(std::string_view words, std::string_view word) {
  if (word.empty()) return false;
  const std::string padded = " " + std::string(words) + " ";
  return padded.find(" " + std::string(word) + " ") != std::string::npos;
}

// Text that was kept from being a number or a formula, as what it says.
std::string unwrapped(std::string text) {
  if (const std::string plain = csv_plain(text); plain != text) return plain;
  if (text.size() >= 3 && text.starts_with("=\"") && text.ends_with('"')) {
    std::string out;
    for (std::size_t at = 2; at + 1 < text.size(); ++at) {
      out += text[at];
      if (text[at] == '"' && at + 2 < text.size() && text[at + 1] == '"') ++at;
    }
    return out;
  }
  if (text.size() > 1 && text.front() == '\'' && is_digit(text[1])) return text.substr(1);
  return text;
}

// What surrounds a text in a file of text, and does not in a workbook, is taken away there.
enum class From : std::uint8_t { kText, kWorkbook };

Result<Row> tidy_row(const CsvRow& given, From from) {
  Row out;
  out.line = given.line;
  for (const std::string& field : given.fields) {
    LT_TRY(std::string cell, tidy_text(field));
    out.cells.push_back(from == From::kText ? unwrapped(std::move(cell)) : std::move(cell));
  }
  return out;
}

bool is_empty(const Row& row) {
  return std::ranges::all_of(row.cells, [](const std::string& cell) { return cell.empty(); });
}

std::vector<char> separators_to_try(std::string_view text) {
  std::vector<char> out = {CsvReader(text).separator()};
  for (const char c : {';', ',', '\t', '|'})
    if (out.front() != c) out.push_back(c);
  return out;
}

class TableMaker {
 public:
  TableMaker(std::span<const Heading> headings, std::string_view passed_over)
      : headings_(headings), passed_over_(passed_over) {}

  // The row that names columns; npos: none does.
  std::size_t find_heads(const std::vector<Row>& rows) const {
    std::size_t best = std::string::npos, most = 0;
    for (std::size_t i = 0; i < std::min(rows.size(), kTitleRowsMax); ++i) {
      const auto known = static_cast<std::size_t>(std::ranges::count_if(
          rows[i].cells, [this](const std::string& cell) { return meaning(cell).has_value(); }));
      if (known > most) {
        best = i;
        most = known;
      }
    }
    return best;
  }

  Result<Table> make(Rows rows, std::size_t heads) {
    Table out;
    const Row head = rows.rows[heads];
    out.head_line = head.line;
    rows.rows.erase(rows.rows.begin(), rows.rows.begin() + static_cast<std::ptrdiff_t>(heads) + 1);
    LT_TRY(const std::vector<std::size_t> kept, choose(head, rows, out));
    out.body.empty = rows.empty;
    out.body.errors = std::move(rows.errors);
    std::erase_if(out.body.errors,
                  [&](const RowError& error) { return error.line < out.head_line; });
    for (Row& row : rows.rows) take(std::move(row), head, kept, out);
    std::ranges::stable_sort(out.body.errors, {}, &RowError::line);
    return out;
  }

 private:
  std::optional<std::size_t> meaning(std::string_view cell) const {
    const std::string key = word_key(cell);
    for (std::size_t i = 0; i < headings_.size(); ++i)
      if (cell == headings_[i].name || (!key.empty() && (key == word_key(headings_[i].name) ||
                                                         has_word(headings_[i].words, key))))
        return i;
    return std::nullopt;
  }

  // Which cells are kept, by their place.
  Result<std::vector<std::size_t>> choose(const Row& head, const Rows& rows, Table& out) const {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < head.cells.size(); ++i) {
      const auto column = meaning(head.cells[i]);
      const bool filled = std::ranges::any_of(
          rows.rows, [i](const Row& row) { return i < row.cells.size() && !row.cells[i].empty(); });
      const std::string place = "column " + std::to_string(i + 1);
      if (!column && (!filled || has_word(passed_over_, word_key(head.cells[i])))) {
        if (filled) out.left.push_back(head.cells[i]);
        continue;
      }
      if (!column) return unknown(head.cells[i], place);
      if (std::ranges::find(out.columns, *column) != out.columns.end())
        return Error(Errc::kInvalidArgument,
                     place + ": the column \"" + head.cells[i] + "\" stands twice");
      out.columns.push_back(*column);
      kept.push_back(i);
    }
    if (out.columns.empty()) return unknown(head.cells.front(), "column 1");
    return kept;
  }

  Error unknown(const std::string& cell, const std::string& place) const {
    if (cell.empty())
      return Error(Errc::kInvalidArgument, place + ": a column with content has no heading");
    std::vector<std::string_view> names;
    for (const Heading& heading : headings_) names.push_back(heading.name);
    const std::string near = nearest(cell, names);
    return Error(Errc::kInvalidArgument, place + ": unknown column \"" + cell +
                                             "\"; the first row names the fields" +
                                             (near.empty() ? "" : "; did you mean " + near + "?"));
  }

  static void take(Row row, const Row& head, const std::vector<std::size_t>& kept, Table& out) {
    const std::size_t given = row.cells.size();
    while (row.cells.size() > head.cells.size() && row.cells.back().empty()) row.cells.pop_back();
    if (row.cells.size() != head.cells.size()) {
      out.body.errors.push_back(
          {row.line, Error(Errc::kInvalidArgument, "the row has " + std::to_string(given) +
                                                       " fields, the heading " +
                                                       std::to_string(head.cells.size()))});
      return;
    }
    Row chosen;
    chosen.line = row.line;
    for (const std::size_t i : kept) chosen.cells.push_back(std::move(row.cells[i]));
    if (is_empty(chosen)) {
      ++out.body.empty;
    } else {
      out.body.rows.push_back(std::move(chosen));
    }
  }

  std::span<const Heading> headings_;
  std::string_view passed_over_;
};

// Of decoded text.
Rows rows_of(std::string_view text, char separator) {
  Rows out;
  CsvReader reader(text, separator);
  for (;;) {
    auto row = reader.next();
    if (row.ok() && !*row) return out;
    auto tidy = row.ok() ? tidy_row(**row, From::kText) : Result<Row>(row.error());
    if (!tidy.ok()) {
      out.errors.push_back({reader.line(), tidy.error()});
    } else if (is_empty(*tidy)) {
      ++out.empty;
    } else {
      out.rows.push_back(*std::move(tidy));
    }
  }
}

// Of a workbook. Its rows end with their last cell; what is missing is empty.
Result<Rows> rows_of_workbook(std::string_view bytes) {
  LT_TRY(const std::vector<SheetRow> sheet, read_workbook(bytes));
  std::size_t width = 0;
  for (const SheetRow& row : sheet) width = std::max(width, row.cells.size());
  Rows out;
  for (const SheetRow& row : sheet) {
    if (!row.fault.empty()) {
      out.errors.push_back(
          {row.line, Error(Errc::kInvalidArgument,
                           "a cell holds an error of the spreadsheet, " + row.fault)});
      continue;
    }
    auto tidy = tidy_row({row.line, row.cells}, From::kWorkbook);
    if (!tidy.ok()) {
      out.errors.push_back({row.line, tidy.error()});
    } else if (is_empty(*tidy)) {
      ++out.empty;
    } else {
      tidy->cells.resize(width);
      out.rows.push_back(*std::move(tidy));
    }
  }
  return out;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

// 4.9E+10, 4,9E+10, 9E+08
bool is_shortened(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  if (e == std::string_view::npos || e == 0 || e + 2 >= text.size()) return false;
  if (text[e + 1] != '+' || !all_digits(text.substr(e + 2))) return false;
  const std::string_view front = text.substr(0, e);
  return std::ranges::all_of(front, [](char c) { return is_digit(c) || c == '.' || c == ','; });
}

// 05-Jan, Jan-05, 5-thg 1, thg 1-24: what remains of "5-1" or "1-24".
bool is_month_name(std::string_view text) {
  static constexpr std::array<std::string_view, 13> kMonths = {
      "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "thg"};
  const std::string key = folded(text);
  for (const std::string_view month : kMonths) {
    const std::size_t at = key.find(month);
    if (at == std::string::npos) continue;
    std::string rest = key;
    rest.erase(at, month.size());
    if (rest.size() >= 2 && rest.find('-') != std::string::npos &&
        std::ranges::all_of(rest, [](char c) { return is_digit(c) || c == '-' || c == ' '; }))
      return true;
  }
  return false;
}

}  // namespace

Result<Rows> read_rows(std::string_view bytes, char separator) {
  if (is_workbook(bytes)) return rows_of_workbook(bytes);
  LT_TRY(const std::string text, decode_text(bytes));
  return rows_of(text, separator);
}

Result<Table> read_table(std::string_view bytes, std::span<const Heading> headings,
                         std::string_view passed_over) {
  TableMaker maker(headings, passed_over);
  std::optional<Rows> first;
  if (is_workbook(bytes)) {
    LT_TRY(first, rows_of_workbook(bytes));
    const std::size_t heads = maker.find_heads(first->rows);
    if (heads != std::string::npos) return maker.make(*std::move(first), heads);
  } else {
    LT_TRY(const std::string text, decode_text(bytes));
    for (const char separator : separators_to_try(text)) {
      Rows rows = rows_of(text, separator);
      const std::size_t heads = maker.find_heads(rows.rows);
      if (heads != std::string::npos) return maker.make(std::move(rows), heads);
      if (!first) first = std::move(rows);
    }
  }
  if (first->rows.empty() && !first->errors.empty()) return first->errors.front().error;
  if (first->rows.empty())
    return Error(Errc::kInvalidArgument, "the file is empty; its first row names the fields");
  return maker.make(*std::move(first), 0);  // says which heading is not known
}

Repaired repair_code(std::string_view text) {
  if (is_shortened(text)) return {std::string(text), Mangled::kShortened};
  if (is_month_name(text) || date_order(text) != DateOrder::kNoDate)
    return {std::string(text), Mangled::kDate};
  return {std::string(text), Mangled::kNo};
}

Repaired repair_id_number(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ' ');
  if (is_shortened(digits)) return {std::string(text), Mangled::kShortened};
  // "49000000001.0", "49000000001,00"
  if (const std::size_t point = digits.find_first_of(".,");
      point != std::string::npos && point >= 8 &&
      digits.find_first_not_of('0', point + 1) == std::string::npos)
    digits.resize(point);
  if (!all_digits(digits)) return {std::string(text), Mangled::kNo};
  if (digits.size() == 11) return {"0" + digits, Mangled::kLostZeros};
  if (digits.size() == 10) return {"00" + digits, Mangled::kLostZeros};
  if (digits.size() == 8) return {"0" + digits, Mangled::kLostZeros};
  return {digits.size() == 12 || digits.size() == 9 ? digits : std::string(text), Mangled::kNo};
}

Repaired repair_phone(std::string_view text) {
  std::string digits(text);
  if (is_shortened(digits)) return {digits, Mangled::kShortened};
  if (digits.size() > 9 && digits.ends_with(".0")) digits.resize(digits.size() - 2);
  // Mobiles begin with 3, 5, 7, 8, 9 after the 0, fixed lines with 2 and have a digit more.
  const bool mobile = digits.size() == 9 && digits.find_first_of("35789") == 0;
  const bool fixed = digits.size() == 10 && digits.front() == '2';
  if (all_digits(digits) && (mobile || fixed)) return {"0" + digits, Mangled::kLostZeros};
  return {std::string(text), Mangled::kNo};
}

Repaired repair_procedure_code(std::string_view text) {
  Repaired out = repair_code(text);
  if (out.what != Mangled::kNo || text.size() < 3 || !is_digit(text[0])) return out;
  const std::string_view digits = text.substr(2);
  if ((text[1] != '.' && text[1] != ',') || !all_digits(digits) || digits.size() > 6) return out;
  if (digits.size() < 5 && text[1] == '.') return out;  // a code of the place itself, such as 9.1
  std::string whole = std::string(1, text[0]) + "." + std::string(digits);
  whole.append(6 - digits.size(), '0');
  if (whole == text) return out;
  return {std::move(whole), Mangled::kLostZeros};
}

DateOrder date_order(std::string_view text) {
  std::array<int, 3> numbers{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    std::size_t count = 0;
    while (at < text.size() && is_digit(text[at]) && count < 5) {
      numbers[i] = numbers[i] * 10 + (text[at] - '0');
      ++at;
      ++count;
    }
    if (count == 0 || (i < 2 && count > 2)) return DateOrder::kNoDate;
    if (i == 2) {
      if (count != 4 && count != 2) return DateOrder::kNoDate;
      break;
    }
    if (at >= text.size() || (text[at] != '/' && text[at] != '-' && text[at] != '.'))
      return DateOrder::kNoDate;
    ++at;
  }
  if (at < text.size() && text[at] != ' ' && text[at] != 'T') return DateOrder::kNoDate;
  if (numbers[0] < 1 || numbers[1] < 1 || numbers[0] > 31 || numbers[1] > 31)
    return DateOrder::kNoDate;
  if (numbers[0] > 12 && numbers[1] > 12) return DateOrder::kNoDate;
  if (numbers[0] > 12) return DateOrder::kDayFirst;
  if (numbers[1] > 12) return DateOrder::kMonthFirst;
  return DateOrder::kEither;
}

std::string nearest(std::string_view text, std::span<const std::string_view> names) {
  const std::string key = word_key(text);
  std::size_t least = std::max<std::size_t>(1, key.size() / 3) + 1;
  std::string out;
  for (const std::string_view name : names) {
    const std::size_t far = distance(key, word_key(name));
    if (far >= least) continue;
    least = far;
    out = std::string(name);
  }
  return out;
}

}  // namespace lienthong::store
