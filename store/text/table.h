// Tables as people hand them in, saved by whatever program: one reader for all of them. Workbooks
// as workbook.h says; text in any encoding of encoding.h: separators ',', ';', tab or '|'; a line
// "sep=;" before the first; quotes, and line ends within them; every kind of line end; rows and
// columns with nothing in them are passed over. Cells are tidy_text(), without what spreadsheets
// put around a text to keep it one (="049…", '049…). Pure; any thread.
//
// Headings are known by what they mean: "Mã hồ sơ", "ma ho so", "MÃ HỒ SƠ (*)" and "code" may be
// one column. A title above the headings is passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong::store {

struct Row {
  std::uint64_t line = 0;  // of the file, from 1, on which it begins
  std::vector<std::string> cells;
};
struct RowError {
  std::uint64_t line = 0;
  Error error;
};
struct Rows {
  std::vector<Row> rows;         // none without content
  std::vector<RowError> errors;  // of rows that cannot be read
  std::uint64_t empty = 0;       // rows of separators and blanks alone; empty lines do not count
};

// Rows as they come. `separator`: 0 finds it. Fails as decode_text().
Result<Rows> read_rows(std::string_view bytes, char separator = 0);

struct Heading {
  std::string_view name;   // of the column: itself a heading
  std::string_view words;  // word_key() of others that mean it, each between blanks
};

struct Table {
  std::vector<std::size_t> columns;  // which Heading each cell of a row stands under
  std::uint64_t head_line = 0;
  Rows body;                      // cells as `columns`
  std::vector<std::string> left;  // headings of columns that `passed_over` names
};

// `passed_over`: as Heading::words, columns that say nothing of their own, such as a running
// number. kInvalidArgument: no headings, an unknown one above a column with content (named, with
// the nearest that is known), one that stands twice; and as decode_text(). A row with more or fewer
// cells than there are headings is among the errors of the body.
Result<Table> read_table(std::string_view bytes, std::span<const Heading> headings,
                         std::string_view passed_over = {});

// ---- what spreadsheets make of what was typed ----

enum class Mangled : std::uint8_t {
  kNo,
  kShortened,  // 4.9E+10: digits are lost
  kDate,       // 05-Jan, thg 1-24, 01/02/2024: a code that was taken for a date
  kLostZeros,  // repaired: zeros in front, or the last ones of a procedure's code
};
struct Repaired {
  std::string text;
  Mangled what = Mangled::kNo;
};
// Of 12 digits (9 of the old cards) with its zeros back where 11, 10 or 8 are left.
Repaired repair_id_number(std::string_view text);
// Of 10 digits where 9 are left that begin as numbers of this country do.
Repaired repair_phone(std::string_view text);
// "2.00072" → "2.000720", "1,001193" → "1.001193".
Repaired repair_procedure_code(std::string_view text);
Repaired repair_code(std::string_view text);

// "13/04/2024" and such: which number is no month, and so which of the two is. Day first is how
// dates are written here; a column in which one cell can only be read with the month first is not
// to be read either way.
enum class DateOrder : std::uint8_t { kNoDate, kEither, kDayFirst, kMonthFirst };
DateOrder date_order(std::string_view text);

// Of `names` the one that was probably meant; empty: none is near.
std::string nearest(std::string_view text, std::span<const std::string_view> names);

}  // namespace lienthong::store
