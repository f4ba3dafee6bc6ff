#include "store/office/name_table.h"

#include <algorithm>
#include <mutex>

namespace lienthong::store {

std::string name_entry(NameKind kind, std::string_view bytes) {
  std::string out(1, static_cast<char>(kind));
  return out.append(bytes);
}

std::uint32_t NameTable::find(NameKind kind, std::string_view bytes) const {
  constexpr std::size_t kShort = 128;
  char buffer[kShort];
  std::string longer;
  std::string_view wanted;
  if (bytes.size() < kShort) {
    buffer[0] = static_cast<char>(kind);
    std::copy(bytes.begin(), bytes.end(), buffer + 1);
    wanted = {buffer, 1 + bytes.size()};
  } else {
    wanted = longer = name_entry(kind, bytes);
  }
  const std::shared_lock lock(mutex_);
  const auto at = numbers_.find(wanted);
  return at != numbers_.end() ? at->second : 0;
}

std::string_view NameTable::entry(std::uint32_t number) const {
  const std::shared_lock lock(mutex_);
  if (number == 0 || number > entries_.size()) return {};
  return entries_[number - 1];
}

std::string_view NameTable::text(std::uint32_t number) const {
  const std::string_view found = entry(number);
  if (found.empty() || found.front() != static_cast<char>(NameKind::kText)) return {};
  return found.substr(1);
}

AgencyId NameTable::agency(std::uint32_t number) const {
  const std::string_view found = entry(number);
  if (found.size() != 1 + AgencyId::kSize || found.front() != static_cast<char>(NameKind::kAgency))
    return {};
  return AgencyId::from(as_bytes(found.substr(1)));
}

std::uint32_t NameTable::size() const {
  const std::shared_lock lock(mutex_);
  return static_cast<std::uint32_t>(entries_.size());
}

void NameTable::add(std::string entry) {
  const std::unique_lock lock(mutex_);
  if (numbers_.contains(entry)) return;
  entries_.push_back(std::move(entry));
  numbers_.emplace(entries_.back(), static_cast<std::uint32_t>(entries_.size()));
}

}  // namespace lienthong::store
