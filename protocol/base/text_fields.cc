#include "protocol/base/text_fields.h"

namespace lienthong {
namespace {

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  return line;
}

}  // namespace

Result<TextFields> TextFields::parse(std::string_view text, std::string_view kind) {
  TextFields out;
  out.kind_ = kind;
  const std::string heading = "lienthong " + out.kind_ + " ";
  bool found = false;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    if (!found) {
      if (!line.starts_with(heading)) {
        return Error(Errc::kMalformed,
                     "this is no " + out.kind_ + " file: \"" + heading + "1\" is missing");
      }
      if (line.substr(heading.size()) != "1") {
        return Error(Errc::kBadVersion, "the " + out.kind_ + " file is of another version than 1");
      }
      found = true;
      continue;
    }
    const auto space = line.find(' ');
    if (space == std::string_view::npos) {
      return Error(Errc::kMalformed, out.kind_ + " file: a line without a value: \"" +
                                         std::string(line.substr(0, 40)) + "\"");
    }
    out.fields_.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  if (!found) return Error(Errc::kMalformed, "the " + out.kind_ + " file is empty");
  return out;
}

Result<std::string_view> TextFields::one(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return value;
  }
  return Error(Errc::kMalformed, kind_ + " file: \"" + std::string(name) + "\" is missing");
}

std::vector<std::string_view> TextFields::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : fields_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

TextFieldsWriter::TextFieldsWriter(std::string_view kind)
    : text_("lienthong " + std::string(kind) + " 1\n") {}

TextFieldsWriter& TextFieldsWriter::comment(std::string_view text) {
  text_ += "# " + std::string(text) + "\n";
  return *this;
}

TextFieldsWriter& TextFieldsWriter::field(std::string_view name, std::string_view value) {
  text_ += std::string(name) + " " + std::string(value) + "\n";
  return *this;
}

}  // namespace lienthong
