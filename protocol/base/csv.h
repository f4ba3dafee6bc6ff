// Comma-separated values as RFC 4180 has them, and as offices' spreadsheets write them: a byte
// order mark and a line "sep=;" are passed over, the separator is ',', ';', a tab or '|' (whichever
// the first line with one has most of, outside quotes, where nothing says it), lines end with CRLF,
// LF or CR, a quoted field may hold any of these. Pure; a reader is used by one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong {

inline constexpr std::size_t kCsvFieldBytesMax = 1U << 20;
inline constexpr std::size_t kCsvFieldCountMax = 500;  // of one row

// The field in quotes where it needs them. A text that a spreadsheet would take for a formula (it
// begins with = + - @, a tab or CR, and is no plain number) gets an apostrophe in front, and one
// that begins with apostrophes before such a sign one more, so that csv_plain() gives it back.
std::string csv_field(std::string_view text);
// Without the apostrophe of csv_field().
std::string csv_plain(std::string_view field);
// One row with its CRLF.
std::string csv_row(const std::vector<std::string>& fields);

struct CsvRow {
  std::uint64_t line = 0;  // of the file, from 1, on which the row begins
  std::vector<std::string> fields;
};

// Reads rows one by one; blank lines are passed over. After a failure that names a row, next() goes
// on with the following line; after an unterminated quote there is nothing left.
class CsvReader {
 public:
  // The text outlives the reader. `separator`: 0 finds it.
  explicit CsvReader(std::string_view text, char separator = 0);

  // nullopt: the end. Fails: kMalformed (NUL, a quote inside a field without quotes unless tabs
  // separate, text after a closing quote, a quote that never ends), kTooLarge; the detail names no
  // line, see line().
  Result<std::optional<CsvRow>> next();
  char separator() const { return separator_; }
  std::uint64_t line() const { return row_line_; }  // on which the last row began

 private:
  Result<std::string> field();
  Result<std::string> quoted();
  Error skip(Errc code, std::string detail);
  bool at_line_end() const;
  void take_line_end();

  std::string_view text_;
  std::size_t at_ = 0;
  char separator_ = ',';
  std::uint64_t line_ = 1, row_line_ = 0;
};

}  // namespace lienthong
