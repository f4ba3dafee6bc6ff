#include "protocol/base/csv.h"

#include <algorithm>

namespace lienthong {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

char find_separator(std::string_view text) {
  static constexpr std::string_view kSeparators = ",;\t";
  std::size_t counts[kSeparators.size()] = {};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    const std::size_t place = kSeparators.find(c);
    if (place != std::string_view::npos) ++counts[place];
  }
  return kSeparators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts)];
}

}  // namespace

std::string csv_field(std::string_view text) {
  const bool spaced = text.starts_with(' ') || text.ends_with(' ');
  if (text.find_first_of(",;\t\"\r\n") == std::string_view::npos && !spaced)
    return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

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

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  separator_ = find_separator(text_);
}

bool CsvReader::at_line_end() const {
  return at_ >= text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
}

void CsvReader::take_line_end() {
  if (at_ >= text_.size()) return;
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
}

// Goes on behind the line on which it failed.
Error CsvReader::skip(Errc code, std::string detail) {
  const std::size_t end = text_.find('\n', at_);
  at_ = end == std::string_view::npos ? text_.size() : end + 1;
  ++line_;
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
    if (c == '\n') ++line_;
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
    if (text_[at_] == '"')
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
