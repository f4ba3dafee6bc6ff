#include "store/text/workbook.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <pugixml.hpp>

namespace lienthong::store {
namespace {

constexpr std::size_t kUnpackedBytesMax = 256U << 20;
constexpr std::size_t kCellCountMax = 4'000'000;
constexpr std::uint64_t kRowsMax = 1'048'576;
constexpr std::size_t kColumnsMax = 16'384;

Error no_workbook() {
  return Error(
      Errc::kMalformed,
      "this is no workbook that can be read (cut off, or under a password); save it again, "
      "or save the sheet as \"CSV UTF-8\"");
}
Error too_large() {
  return Error(Errc::kTooLarge, "the workbook is too large; save the sheet as \"CSV UTF-8\"");
}

// ---- the container ----

using Parts = std::map<std::string, std::string>;

bool is_wanted(std::string_view name) {
  return name.starts_with("xl/") && (name.ends_with(".xml") || name.ends_with(".rels"));
}

Result<Parts> unpack(std::string_view bytes) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> in(archive_read_new(),
                                                                  &archive_read_free);
  archive_read_support_format_zip(in.get());
  if (archive_read_open_memory(in.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return no_workbook();
  Parts out;
  std::size_t total = 0;
  archive_entry* entry = nullptr;
  for (;;) {
    const int next = archive_read_next_header(in.get(), &entry);
    if (next == ARCHIVE_EOF) return out;
    if (next < ARCHIVE_WARN) return no_workbook();
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || !is_wanted(name)) continue;
    std::string part;
    std::array<char, 1U << 16> chunk{};
    for (;;) {
      const la_ssize_t size = archive_read_data(in.get(), chunk.data(), chunk.size());
      if (size < 0) return no_workbook();
      if (size == 0) break;
      total += static_cast<std::size_t>(size);
      if (total > kUnpackedBytesMax) return too_large();
      part.append(chunk.data(), static_cast<std::size_t>(size));
    }
    out.emplace(name, std::move(part));
  }
}

// ---- XML, whatever prefix its names have ----

std::string_view local(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& each : node.children())
    if (local(each) == name) return each;
  return {};
}

std::string_view attribute(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_attribute& each : node.attributes()) {
    const std::string_view full = each.name();
    if (full == name || full.ends_with(":" + std::string(name))) return each.value();
  }
  return {};
}

template <class Number>
Number number_of(std::string_view text, Number otherwise) {
  Number out = otherwise;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size() ? out : otherwise;
}

// A text and its runs, without how it is to be pronounced.
std::string text_of(const pugi::xml_node& node) {
  std::string out;
  for (const pugi::xml_node& each : node.children()) {
    if (local(each) == "t") out += each.text().get();
    if (local(each) == "r") out += text_of(each);
  }
  return out;
}

// ---- numbers ----

// What a number of a style is.
struct Style {
  bool date = false;
  std::size_t digits = 0;  // "000000000000": so many at least
};

// Whether a format shows a day, apart from what stands in quotes or brackets.
bool shows_a_date(std::string_view format) {
  char inside = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (inside != 0) {
      if (c == inside) inside = 0;
    } else if (c == '"' || c == '[') {
      inside = c == '[' ? ']' : '"';
    } else if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == 'y' || c == 'Y' || c == 'd' || c == 'D') {
      return true;
    }
  }
  return false;
}

Style style_of(unsigned id, const std::map<unsigned, std::string>& formats) {
  if (const auto own = formats.find(id); own != formats.end()) {
    const std::string& format = own->second;
    if (!format.empty() && format.find_first_not_of('0') == std::string::npos)
      return {false, format.size()};
    return {shows_a_date(format), 0};
  }
  // Those that are built in.
  const bool date =
      (id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58);
  return {date, 0};
}

std::string plain_number(std::string_view text, std::size_t digits) {
  const double value = number_of<double>(text, std::nan(""));
  if (!std::isfinite(value)) return std::string(text);
  char out[40];
  const bool whole = std::floor(value) == value && std::abs(value) < 1e15;
  std::snprintf(out, sizeof out, whole ? "%.0f" : "%.15g", value);
  std::string shown(out);
  if (whole && value >= 0 && shown.size() < digits) shown.insert(0, digits - shown.size(), '0');
  return shown;
}

// Days since the last day of 1899, or since 1904 began; of the first, day 60 is one that never was.
std::string date_of(std::string_view text, bool from_1904) {
  const double value = number_of<double>(text, std::nan(""));
  if (!(value >= 0 && value < 2'958'466)) return std::string(text);
  auto day = static_cast<int>(value);
  auto seconds = static_cast<int>(std::lround((value - day) * 86'400));
  if (seconds >= 86'400) {
    seconds = 0;
    ++day;
  }
  if (!from_1904 && day == 0) return std::string(text);  // a time of the day alone
  using namespace std::chrono;
  const sys_days base =
      from_1904 ? sys_days(year(1904) / 1 / 1) : sys_days(year(1899) / 12 / (day < 60 ? 31 : 30));
  const year_month_day date(base + days(day));
  char out[64];
  int size = std::snprintf(out, sizeof out, "%04d-%02u-%02u", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (seconds != 0)
    size += std::snprintf(out + size, sizeof out - static_cast<std::size_t>(size),
                          "T%02d:%02d:%02d+07:00", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return {out, static_cast<std::size_t>(size)};
}

// "BC12" → column 54, row 12, from 0 and 1; false: no place.
bool read_place(std::string_view text, std::size_t& column, std::uint64_t& row) {
  std::size_t at = 0, number = 0;
  for (; at < text.size() && text[at] >= 'A' && text[at] <= 'Z' && at < 3; ++at)
    number = number * 26 + static_cast<std::size_t>(text[at] - 'A' + 1);
  if (number == 0 || number > kColumnsMax) return false;
  row = number_of<std::uint64_t>(text.substr(at), 0);
  column = number - 1;
  return row != 0 && row <= kRowsMax;
}

// ---- the sheet ----

class Workbook {
 public:
  explicit Workbook(Parts parts) : parts_(std::move(parts)) {}

  Result<std::vector<SheetRow>> run() {
    LT_TRY(const std::string name, sheet_name());
    read_styles();
    read_shared();
    pugi::xml_document document;
    if (!load(name, document)) return no_workbook();
    const pugi::xml_node sheet = document.document_element();
    for (const pugi::xml_node& row : child(sheet, "sheetData").children())
      if (local(row) == "row") LT_TRY_VOID(take_row(row));
    for (const pugi::xml_node& merged : child(sheet, "mergeCells").children())
      fill_down(attribute(merged, "ref"));
    std::vector<SheetRow> out;
    for (auto& [line, row] : rows_) out.push_back(std::move(row));
    return out;
  }

 private:
  bool load(const std::string& name, pugi::xml_document& document) {
    const auto part = parts_.find(name);
    return part != parts_.end() &&
           document.load_buffer_inplace(part->second.data(), part->second.size(),
                                        pugi::parse_default | pugi::parse_ws_pcdata);
  }

  // Of the first sheet that people see.
  Result<std::string> sheet_name() {
    pugi::xml_document book, relations;
    if (!load("xl/workbook.xml", book) || !load("xl/_rels/workbook.xml.rels", relations))
      return no_workbook();
    const std::string_view since =
        attribute(child(book.document_element(), "workbookPr"), "date1904");
    from_1904_ = since == "1" || since == "true";
    std::string id;
    for (const pugi::xml_node& sheet : child(book.document_element(), "sheets").children()) {
      const std::string_view state = attribute(sheet, "state");
      if (local(sheet) != "sheet" || state == "hidden" || state == "veryHidden") continue;
      id = attribute(sheet, "id");
      break;
    }
    for (const pugi::xml_node& relation : relations.document_element().children()) {
      if (attribute(relation, "Id") != id || id.empty()) continue;
      std::string target(attribute(relation, "Target"));
      return target.starts_with('/') ? target.substr(1) : "xl/" + target;
    }
    return no_workbook();
  }

  void read_styles() {
    pugi::xml_document document;
    if (!load("xl/styles.xml", document)) return;
    std::map<unsigned, std::string> formats;
    for (const pugi::xml_node& format : child(document.document_element(), "numFmts").children())
      formats[number_of<unsigned>(attribute(format, "numFmtId"), 0)] =
          attribute(format, "formatCode");
    for (const pugi::xml_node& style : child(document.document_element(), "cellXfs").children())
      styles_.push_back(style_of(number_of<unsigned>(attribute(style, "numFmtId"), 0), formats));
  }

  void read_shared() {
    pugi::xml_document document;
    if (!load("xl/sharedStrings.xml", document)) return;
    for (const pugi::xml_node& text : document.document_element().children())
      if (local(text) == "si") shared_.push_back(text_of(text));
  }

  Result<void> take_row(const pugi::xml_node& node) {
    line_ = number_of<std::uint64_t>(attribute(node, "r"), line_ + 1);
    if (line_ == 0 || line_ > kRowsMax) return no_workbook();
    SheetRow row;
    row.line = line_;
    std::size_t column = 0;
    for (const pugi::xml_node& cell : node.children()) {
      if (local(cell) != "c") continue;
      const std::string_view place = attribute(cell, "r");
      std::uint64_t at_row = 0;
      if (!place.empty() && !read_place(place, column, at_row)) return no_workbook();
      std::string text = cell_text(cell);
      if (attribute(cell, "t") == "e" && row.fault.empty())
        row.fault = std::string(place) + ": " + text;
      if (!text.empty()) {
        if (column >= kColumnsMax) return no_workbook();
        cells_ += column >= row.cells.size() ? column + 1 - row.cells.size() : 0;
        if (cells_ > kCellCountMax) return too_large();
        if (column >= row.cells.size()) row.cells.resize(column + 1);
        row.cells[column] = std::move(text);
      }
      ++column;
    }
    if (!row.cells.empty()) rows_[line_] = std::move(row);
    return {};
  }

  std::string cell_text(const pugi::xml_node& cell) const {
    const std::string_view type = attribute(cell, "t");
    if (type == "inlineStr") return text_of(child(cell, "is"));
    const std::string_view value = child(cell, "v").text().get();
    if (type == "s") {
      const auto index = number_of<std::size_t>(value, SIZE_MAX);
      return index < shared_.size() ? shared_[index] : std::string();
    }
    if (type == "b") return value == "1" ? "TRUE" : "FALSE";
    if (type == "str" || type == "e" || type == "d" || value.empty()) return std::string(value);
    const auto index = number_of<std::size_t>(attribute(cell, "s"), SIZE_MAX);
    const Style style = index < styles_.size() ? styles_[index] : Style();
    return style.date ? date_of(value, from_1904_) : plain_number(value, style.digits);
  }

  // "B7:B9": what stands in B7 stands in all of them.
  void fill_down(std::string_view range) {
    const std::size_t colon = range.find(':');
    std::size_t left = 0, right = 0;
    std::uint64_t top = 0, bottom = 0;
    if (colon == std::string_view::npos || !read_place(range.substr(0, colon), left, top) ||
        !read_place(range.substr(colon + 1), right, bottom) || left != right)
      return;
    const auto first = rows_.find(top);
    if (first == rows_.end() || left >= first->second.cells.size()) return;
    const std::string text = first->second.cells[left];
    for (auto row = std::next(first); row != rows_.end() && row->first <= bottom; ++row)
      if (left < row->second.cells.size()) row->second.cells[left] = text;
  }

  Parts parts_;
  bool from_1904_ = false;
  std::vector<Style> styles_;
  std::vector<std::string> shared_;
  std::map<std::uint64_t, SheetRow> rows_;
  std::uint64_t line_ = 0;
  std::size_t cells_ = 0;
};

}  // namespace

bool is_workbook(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"); }

Result<std::vector<SheetRow>> read_workbook(std::string_view bytes) {
  LT_TRY(Parts parts, unpack(bytes));
  if (!parts.contains("xl/workbook.xml")) return no_workbook();
  return Workbook(std::move(parts)).run();
}

}  // namespace lienthong::store
