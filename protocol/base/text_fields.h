// The text form of our small files, those that travel by hand among them: a heading
// "lienthong <kind> <version>", then "name value" lines; '#' begins a comment line. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong {

class TextFields {
 public:
  // kMalformed: no such heading; kBadVersion: another version than 1.
  static Result<TextFields> parse(std::string_view text, std::string_view kind);

  // kMalformed when it is missing.
  Result<std::string_view> one(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  // Hexadecimal of exactly N bytes; kMalformed names the field.
  template <std::size_t N>
  Result<std::array<std::uint8_t, N>> bytes(std::string_view name) const {
    LT_TRY(const std::string_view hex, one(name));
    const auto decoded = from_hex(hex);
    if (!decoded || decoded->size() != N) {
      return Error(Errc::kMalformed, kind_ + " file: \"" + std::string(name) + "\" is not " +
                                         std::to_string(N) + " bytes in hexadecimal");
    }
    std::array<std::uint8_t, N> out;
    std::copy(decoded->begin(), decoded->end(), out.begin());
    return out;
  }

 private:
  std::string kind_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;  // views of the text
};

class TextFieldsWriter {
 public:
  explicit TextFieldsWriter(std::string_view kind);
  TextFieldsWriter& comment(std::string_view text);
  TextFieldsWriter& field(std::string_view name, std::string_view value);
  TextFieldsWriter& field(std::string_view name, ByteView bytes) {
    return field(name, to_hex(bytes));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace lienthong
