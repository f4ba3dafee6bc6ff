#include "tests/unit/docs_vectors.h"

#include "protocol/base/check.h"

namespace lienthong::vectors {
namespace {

constexpr std::size_t kLineColumns = 98;
constexpr std::size_t kShownMax = 576;  // characters of a value on the page
constexpr std::string_view kIndent = "  ";

std::string head(const Vector& vector) {
  return vector.name + ' ' + static_cast<char>(vector.mark);
}

std::string render_one(const Vector& vector) {
  std::string out = head(vector);
  if (out.size() + 1 + vector.value.size() <= kLineColumns) return out + ' ' + vector.value + '\n';
  const std::size_t width = kLineColumns - kIndent.size();
  out += '\n';
  for (std::size_t at = 0; at < vector.value.size(); at += width)
    out += std::string(kIndent) + vector.value.substr(at, width) + '\n';
  return out;
}

std::size_t byte_count(std::string_view value) {
  return value.starts_with('"') ? value.size() - 2 : value.size() / 2;
}

}  // namespace

std::string written(ByteView bytes) { return bytes.empty() ? "\"\"" : to_hex(bytes); }

std::string written(std::uint64_t number) { return '#' + std::to_string(number); }

std::string written(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out + '"';
}

Theme::Theme(std::vector<Vector> printed) {
  for (Vector& vector : printed)
    if (vector.mark == Mark::kExample) printed_.emplace(vector.name, std::move(vector.value));
}

Bytes Theme::example(std::string name, ByteView ours, const std::function<bool(ByteView)>& good) {
  LT_CHECK(good(ours));
  Bytes chosen = to_bytes(ours);
  if (const auto found = printed_.find(name); found != printed_.end()) {
    const auto there = from_hex(found->second);
    if (there.ok() && good(*there)) chosen = *there;
  }
  put(std::move(name), Mark::kExample, written(ByteView(chosen)));
  return chosen;
}

void Theme::put(std::string name, Mark mark, std::string value) {
  for (const Vector& vector : vectors_) LT_CHECK(vector.name != name);
  vectors_.push_back({std::move(name), mark, std::move(value)});
}

std::string render(const std::vector<Vector>& vectors) {
  std::string out;
  for (const Vector& vector : vectors) out += render_one(vector);
  return out;
}

std::string render_short(const std::vector<Vector>& vectors) {
  std::string out;
  for (const Vector& vector : vectors) {
    const bool shown = vector.value.size() <= kShownMax;
    const std::string size = "(" + std::to_string(byte_count(vector.value)) + " bytes)";
    out += shown ? render_one(vector) : head(vector) + ' ' + size + '\n';
  }
  return out;
}

std::vector<Vector> parse(std::string_view text) {
  std::vector<Vector> out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with(kIndent)) {
      if (!out.empty()) out.back().value += line.substr(kIndent.size());
      continue;
    }
    const std::size_t name_end = line.find(' ');
    Vector& vector = out.emplace_back();
    vector.name = line.substr(0, name_end);
    if (name_end == std::string_view::npos || name_end + 1 >= line.size()) continue;
    vector.mark = static_cast<Mark>(line[name_end + 1]);
    if (name_end + 3 < line.size()) vector.value = line.substr(name_end + 3);
  }
  return out;
}

}  // namespace lienthong::vectors
