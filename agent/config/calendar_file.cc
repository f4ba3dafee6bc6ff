#include "agent/config/calendar_file.h"

#include <fstream>
#include <sstream>

namespace lienthong::agent {

Result<store::Calendar> load_calendar(const std::filesystem::path& file) {
  if (file.empty()) return store::built_in_calendar();
  std::ifstream in(file, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  if (!in) return Error(Errc::kIo, "cannot read " + file.string());
  auto reading = store::parse_calendar(content.str());
  if (reading.mistakes.empty()) return std::move(reading.calendar);
  std::string detail;
  for (const auto& mistake : reading.mistakes) {
    detail += (detail.empty() ? "" : "\n") + file.string();
    if (mistake.line != 0) detail += ":" + std::to_string(mistake.line);
    detail += ": " + mistake.text;
  }
  return Error(Errc::kMalformed, detail);
}

}  // namespace lienthong::agent
