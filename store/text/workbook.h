// Workbooks as spreadsheets save them (.xlsx, ECMA-376), read as tables are: the first sheet that
// is not hidden, each cell as what it says. Dates become 2024-03-01 or, with a time of the day,
// 2024-03-01T08:30:00+07:00; numbers lose no digit and get the zeros in front that their format
// shows; a cell merged downwards stands in each of its rows; a formula is its last value. Nothing
// is computed, nothing is fetched. The container is read by libarchive, the sheets by pugixml.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace lienthong::store {

// Begins as a workbook does.
bool is_workbook(std::string_view bytes);

struct SheetRow {
  std::uint64_t line = 0;  // as the spreadsheet numbers it, from 1
  std::vector<std::string> cells;
  std::string fault;  // of a cell that holds an error, as "B7: #REF!"; empty: none
};

// Rows without any cell are left out. kMalformed: no workbook that can be read (cut off, under a
// password, another kind of file). kTooLarge: more than 256 MB unpacked, or 4,000,000 cells.
Result<std::vector<SheetRow>> read_workbook(std::string_view bytes);

}  // namespace lienthong::store
