// A workbook (.xlsx) with one sheet, written row by row by libxlsxwriter: the first row stands
// still and can be filtered by. Cells are text, so that zeros in front stay and nothing is a
// formula; a cell of digits is a number where the caller says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace lienthong::tools {

class WorkbookFile {
 public:
  enum class Cells : unsigned char { kText, kNumbersToo };

  // `out`: where it is to lie; what is there stays until finish(). Throws Failure kUsage where that
  // is empty, kFailed where it is no plain file.
  WorkbookFile(const std::string& out, Cells cells);
  ~WorkbookFile();  // not finished: nothing is left behind
  WorkbookFile(const WorkbookFile&) = delete;
  WorkbookFile& operator=(const WorkbookFile&) = delete;

  // The first one has the headings. Throws Failure kFailed beyond 1,048,576 rows.
  void add(const std::vector<std::string>& row);
  // Rows as CSV, with its headings.
  void add_csv(const std::string& text);
  void finish();  // throws Failure kFailed

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::tools
