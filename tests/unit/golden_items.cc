#include "tests/unit/golden_items.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace lienthong::golden {
namespace {

constexpr std::size_t kHexColumns = 96;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    out += text[i] == 'n' ? '\n' : text[i];
  }
  return out;
}

Bytes bytes_of(const std::string& hex, const Item& item) {
  auto bytes = from_hex(hex);
  if (!bytes.ok()) throw std::runtime_error("item " + item.name + ": no hexadecimal");
  return *std::move(bytes);
}

// One line of a file, less its end.
std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

std::string without_comments(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    out += line.substr(0, line.find("//"));
    out += '\n';
  }
  return out;
}

// What stands between the braces.
Enumerators enumerators_in(const std::string& body) {
  Enumerators out;
  std::uint64_t next = 0;
  std::istringstream parts(body);
  for (std::string part; std::getline(parts, part, ',');) {
    std::erase_if(part, [](char c) { return c == ' ' || c == '\n'; });
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals != std::string::npos) next = std::stoull(part.substr(equals + 1), nullptr, 0);
    out[part.substr(0, equals)] = next++;
  }
  return out;
}

void add_enumerations(const std::filesystem::path& path, std::map<std::string, Enumerators>& out) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  constexpr std::string_view kWord = "enum class ";
  for (std::size_t at = text.find(kWord); at != std::string::npos; at = text.find(kWord, at + 1)) {
    const std::size_t line = text.rfind('\n', at) + 1;  // npos + 1: 0
    const std::size_t before = line < 2 ? 0 : text.rfind('\n', line - 2) + 1;
    const std::string promise = text.substr(before, text.find('\n', at) - before);
    const bool promised = promise.find("never change") != std::string::npos;
    const std::size_t open = text.find('{', at), close = text.find('}', at);
    if (!promised || open == std::string::npos || close == std::string::npos) continue;
    const std::string head = text.substr(at + kWord.size(), open - at - kWord.size());
    const std::string name = head.substr(0, head.find_first_of(" :"));
    out[path.stem().string() + '.' + name] =
        enumerators_in(without_comments(text.substr(open + 1, close - open - 1)));
  }
}

}  // namespace

bool Item::has(std::string_view part) const {
  return std::ranges::any_of(given, [&](const auto& one) { return one.first == part; });
}

const Bytes& Item::operator[](std::string_view part) const {
  for (const auto& [called, bytes] : given)
    if (called == part) return bytes;
  throw std::out_of_range("item " + name + " has no part " + std::string(part));
}

std::uint64_t Item::number(std::string_view part) const {
  ByteReader in((*this)[part]);
  return in.u64().value();
}

std::vector<std::string> Item::said(std::string_view what) const {
  std::vector<std::string> out;
  for (const auto& [called, value] : read)
    if (called == what) out.push_back(value);
  return out;
}

Item& Item::give(std::string part, ByteView bytes) {
  given.emplace_back(std::move(part), to_bytes(bytes));
  return *this;
}

Item& Item::give_number(std::string part, std::uint64_t number) {
  ByteWriter out;
  out.u64(number);
  return give(std::move(part), out.bytes());
}

Item& Item::say(std::string what, std::string value) {
  read.emplace_back(std::move(what), std::move(value));
  return *this;
}

std::string render(const Item& item) {
  std::string out = "item " + item.name + '\n';
  for (const auto& [part, bytes] : item.given) {
    out += "  < " + part + '\n';
    const std::string hex = to_hex(bytes);
    for (std::size_t at = 0; at < hex.size(); at += kHexColumns)
      out += "      " + hex.substr(at, kHexColumns) + '\n';
  }
  for (const auto& [what, value] : item.read) out += "  = " + what + ' ' + escaped(value) + '\n';
  return out;
}

std::vector<Item> parse(std::string_view text) {
  std::vector<Item> out;
  std::string hex;
  const auto end_part = [&] {
    if (!out.empty() && !out.back().given.empty() && out.back().given.back().second.empty())
      out.back().given.back().second = bytes_of(hex, out.back());
    hex.clear();
  };
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.starts_with("      ")) {
      hex += line.substr(6);
      continue;
    }
    end_part();
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("item ")) {
      out.emplace_back().name = line.substr(5);
    } else if (line.starts_with("  < ") && !out.empty()) {
      out.back().given.emplace_back(line.substr(4), Bytes());
    } else if (line.starts_with("  = ") && !out.empty()) {
      const std::string_view said = line.substr(4);
      const std::size_t blank = said.find(' ');
      if (blank == std::string_view::npos)
        throw std::runtime_error("no value: " + std::string(line));
      out.back().say(std::string(said.substr(0, blank)), plain(said.substr(blank + 1)));
    } else {
      throw std::runtime_error("no line of a golden file: " + std::string(line));
    }
  }
  end_part();
  return out;
}

std::string time_text(std::int64_t millis) {
  if (millis == 0) return "none";
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(millis)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char out[40];
  std::snprintf(
      out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return out;
}

std::map<std::string, Enumerators> promised_enumerations(const std::string& source_dir) {
  std::map<std::string, Enumerators> out;
  for (const char* room : {"protocol", "store", "agent"}) {
    const auto folder = std::filesystem::path(source_dir) / room;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") add_enumerations(entry.path(), out);
    }
  }
  return out;
}

}  // namespace lienthong::golden
