#include "tools/lienthong/workbook_out.h"

#include <xlsxwriter.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/base/csv.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kCellCharsMax = 32'767;  // of one cell, by the format
constexpr std::size_t kWidthMax = 60;

// "12", "-3.5": what a sum is made of. No zeros in front, as codes have.
bool is_number(const std::string& text, double& value) {
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  if (text.size() == first || text.size() > 15) return false;
  if (text[first] == '0' && text.size() > first + 1 && text[first + 1] != '.') return false;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() && text[first] >= '0' &&
         text[first] <= '9';
}

}  // namespace

struct WorkbookFile::Impl {
  Impl(const std::string& out, Cells kind) : file(out), cells(kind) {
    if (!file.is_plain()) throw Failure(kFailed, format("cannot write {}", out));
    book = workbook_new(file.path().c_str());
    if (book == nullptr) throw Failure(kFailed, format("cannot write {}", out));
    sheet = workbook_add_worksheet(book, nullptr);
    head = workbook_add_format(book);
    format_set_bold(head);
    format_set_text_wrap(head);
    text = workbook_add_format(book);
    format_set_num_format(text, "@");
  }

  OutputFile file;
  Cells cells;
  lxw_workbook* book = nullptr;
  lxw_worksheet* sheet = nullptr;
  lxw_format *head = nullptr, *text = nullptr;
  std::vector<std::size_t> widths;
  lxw_row_t rows = 0;
};

WorkbookFile::WorkbookFile(const std::string& out, Cells cells) {
  if (out.empty() || out == "-")
    throw Failure(kUsage, tr("a workbook is written to a file: --out FILE.xlsx"));
  impl_ = std::make_unique<Impl>(out, cells);
}

WorkbookFile::~WorkbookFile() {
  if (impl_ && impl_->book != nullptr) (void)workbook_close(impl_->book);
}

void WorkbookFile::add(const std::vector<std::string>& row) {
  if (impl_->rows >= LXW_ROW_MAX)
    throw Failure(kFailed, tr("a sheet has at most 1,048,576 rows; take a part of them, or CSV"));
  impl_->widths.resize(std::max(impl_->widths.size(), row.size()));
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto column = static_cast<lxw_col_t>(i);
    double number = 0;
    impl_->widths[i] = std::min(std::max(impl_->widths[i], columns(row[i])), kWidthMax);
    if (row[i].empty()) continue;
    if (impl_->rows > 0 && impl_->cells == Cells::kNumbersToo && is_number(row[i], number)) {
      worksheet_write_number(impl_->sheet, impl_->rows, column, number, nullptr);
    } else {
      const std::string cell =
          columns(row[i]) > kCellCharsMax ? shorten(row[i], kCellCharsMax - 1) : row[i];
      worksheet_write_string(impl_->sheet, impl_->rows, column, cell.c_str(),
                             impl_->rows == 0 ? impl_->head : impl_->text);
    }
  }
  ++impl_->rows;
}

void WorkbookFile::add_csv(const std::string& text) {
  CsvReader reader(text, ',');
  for (;;) {
    auto row = reader.next();
    if (!row.ok()) throw Failure(kFailed, tell_reason(row.error().detail()));
    if (!*row) return;
    std::vector<std::string> cells;
    for (const std::string& field : (*row)->fields) cells.push_back(csv_plain(field));
    add(cells);
  }
}

void WorkbookFile::finish() {
  for (std::size_t i = 0; i < impl_->widths.size(); ++i) {
    const auto column = static_cast<lxw_col_t>(i);
    worksheet_set_column(impl_->sheet, column, column,
                         static_cast<double>(std::max<std::size_t>(impl_->widths[i], 6)) + 2,
                         nullptr);
  }
  if (impl_->rows > 0 && !impl_->widths.empty()) {
    worksheet_freeze_panes(impl_->sheet, 1, 0);
    worksheet_autofilter(impl_->sheet, 0, 0, impl_->rows - 1,
                         static_cast<lxw_col_t>(impl_->widths.size() - 1));
  }
  const lxw_error problem = workbook_close(std::exchange(impl_->book, nullptr));
  if (problem != LXW_NO_ERROR)
    throw Failure(kFailed, format("cannot write {}", lxw_strerror(problem)));
  impl_->file.finish();
}

}  // namespace lienthong::tools
