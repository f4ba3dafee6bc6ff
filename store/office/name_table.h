// Agencies and texts of office rows by local number, in memory. Numbers count from 1, are given
// once and never change their meaning; they mean nothing on another machine.
// Threads: any may read; the writer adds, before the rows that use a number are on the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/office/row.h"

namespace lienthong::store {

class NameTable {
 public:
  // 0: not known.
  std::uint32_t find(NameKind kind, std::string_view bytes) const;
  // As stored: the kind, then the bytes. Empty: no such number.
  std::string_view entry(std::uint32_t number) const;
  std::string_view text(std::uint32_t number) const;  // empty: none, or an agency
  AgencyId agency(std::uint32_t number) const;        // zero: none, or a text
  std::uint32_t size() const;
  // The next number; nothing when it is there already.
  void add(std::string entry);

 private:
  mutable std::shared_mutex mutex_;
  std::deque<std::string> entries_;  // stay where they are
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

std::string name_entry(NameKind kind, std::string_view bytes);

}  // namespace lienthong::store
