#include "protocol/base/csv.h"

#include <algorithm>

namespace lienthong {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::string_view kSeparators = ",;\t|";

char find_separator(std::string_view text) {
  std::size_t counts[kSeparators.size()] = {};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    const bool any = std::ranges::any_of(counts, [](std::size_t count) { return count != 0; });
    if ((c == '\n' || c == '\r') && any) break;
    const std::size_t place = kSeparators.find(c);
    if (place != std::string_view::npos) ++counts[place];
  }
  return kSeparators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts)];
}

// Digits with at most one sign and one mark, as spreadsheets read them.
bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && is_digit(text.front()) && is_digit(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return is_digit(c) || c == '.' || c == ','; }) &&
         std::ranges::count_if(text, [&](char c) { return !is_digit(c); }) <= 1;
}

// What a spreadsheet takes for a formula, apostrophes in front left aside.
bool acts(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\''), text.size()));
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

std::string quoted_field(std::string_view text);

}  // namespace

std::string csv_plain(std::string_view field) {
  if (field.starts_with('\'') && acts(field)) field.remove_prefix(1);
  return std::string(field);
}

std::string csv_field(std::string_view text) {
  if (acts(text) && !is_number(text)) return quoted_field("'" + std::string(text));
  return quoted_field(text);
}

namespace {

std::string quoted_field(std::string_view text) {
  const bool spaced = text.starts_with(' ') || text.ends_with(' ') || text.starts_with("sep=");
  if (text.find_first_of(",;|\t\"\r\n") == std::string_view::npos && !spaced)
    return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string csv_row(const std::vector<std::string>& fields) {
  // A row of one empty field would be a blank line.
  if (fields.size() == 1 && fields.front().empty()) return "\"\"\r\n";
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i != 0) out += ',';
    out += csv_field(fields[i]);
  }
  return out + "\r\n";
}

CsvReader::CsvReader(std::string_view text, char separator) : text_(text) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  constexpr std::string_view kSaid = "sep=";
  const bool said = text_.starts_with(kSaid) && text_.size() > kSaid.size() + 1 &&
                    (text_[kSaid.size() + 1] == '\r' || text_[kSaid.size() + 1] == '\n');
  if (said) {
    separator_ = text_[kSaid.size()];
    at_ = kSaid.size() + 1;
    take_line_end();
  } else {
    separator_ = find_separator(text_);
  }
  if (separator != 0) separator_ = separator;
}

bool CsvReader::at_line_end() const {
  return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
}

void CsvReader::take_line_end() {
  if (at_ >= text_.size()) return;
  at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
  ++line_;
}

// Goes on behind the line on which it failed.
Error CsvReader::skip(Errc code, std::string detail) {
  at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
  take_line_end();
  return Error(code, std::move(detail));
}

Result<std::string> CsvReader::quoted() {
  const std::uint64_t opened = line_;
  std::string out;
  ++at_;
  for (;; ++at_) {
    if (at_ >= text_.size())
      return Error(Errc::kMalformed,
                   "the quote that opens on line " + std::to_string(opened) + " never closes");
    const char c = text_[at_];
    if (c == '"') {
      if (text_.substr(at_ + 1, 1) != "\"") break;
      ++at_;
    }
    if (c == '\0') return skip(Errc::kMalformed, "a NUL byte");
    if (c == '\n' || (c == '\r' && text_.substr(at_ + 1, 1) != "\n")) ++line_;
    if (out.size() == kCsvFieldBytesMax)
      return skip(Errc::kTooLarge,
                  "a field has more than " + std::to_string(kCsvFieldBytesMax) + " bytes");
    out += c;
  }
  ++at_;
  if (!at_line_end() && text_[at_] != separator_)
    return skip(Errc::kMalformed, "text after a closing quote; write a quote as \"\"");
  return out;
}

Result<std::string> CsvReader::field() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted();
  const std::size_t begin = at_;
  for (; !at_line_end() && text_[at_] != separator_; ++at_) {
    if (text_[at_] == '\0') return skip(Errc::kMalformed, "a NUL byte");
    if (text_[at_] == '"' && separator_ != '\t')
      return skip(Errc::kMalformed,
                  "a quote inside a field; put the field in quotes, with \"\" for it");
  }
  if (at_ - begin > kCsvFieldBytesMax)
    return skip(Errc::kTooLarge,
                "a field has more than " + std::to_string(kCsvFieldBytesMax) + " bytes");
  return std::string(text_.substr(begin, at_ - begin));
}

Result<std::optional<CsvRow>> CsvReader::next() {
  while (at_ < text_.size() && at_line_end()) take_line_end();
  if (at_ >= text_.size()) return std::optional<CsvRow>();
  CsvRow row;
  row.line = row_line_ = line_;
  for (;;) {
    LT_TRY(std::string text, field());
    if (row.fields.size() == kCsvFieldCountMax)
      return skip(Errc::kTooLarge,
                  "a row has more than " + std::to_string(kCsvFieldCountMax) + " fields");
    row.fields.push_back(std::move(text));
    if (at_line_end()) break;
    ++at_;
  }
  take_line_end();
  return std::optional(std::move(row));
}

}  // namespace lienthong
