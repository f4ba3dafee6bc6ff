// What verbs print: aligned tables and facts for people, JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lienthong/client.h"

namespace lienthong::tools {

enum class Align : std::uint8_t { kLeft, kRight };

// A table that is aligned when it is complete.
class Table {
 public:
  // Columns by their heads; none are printed when every head is empty.
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {
    align_.resize(rows_.front().size(), Align::kLeft);
  }
  Table& right(std::size_t column) {
    align_[column] = Align::kRight;
    return *this;
  }
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::size_t size() const { return rows_.size() - 1; }
  void print(std::string_view indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<Align> align_;
};

void print_line(std::string_view text);
void print_error(std::string_view text);
void print_json(const Json& document);

// The member as text; numbers and truth values too. Empty when it is missing or null.
std::string text_of(const Json& object, const char* name);
std::int64_t number_of(const Json& object, const char* name);
// The member, or an empty array.
const Json& list_of(const Json& object, const char* name);

// For people: "01/04/2023 09:33" or "2023-04-01 09:33:56"; "–" for nothing.
std::string show_time(std::string_view rfc3339);
std::string show_age(std::int64_t seconds);
std::string show_bytes(std::int64_t bytes);
std::string show_id(std::string_view hex);  // the first 12 digits

// Legs and consultations of a dossier document; nothing where there are none.
void print_legs(const Json& dossier);
// The chain of custody of a dossier document, with times and signers.
void print_custody(const Json& dossier);

std::string channel_name(std::string_view channel);
std::string status_name(std::string_view status);  // of a dossier
std::string tier_name(std::string_view tier);
std::string link_name(std::string_view link);    // of custody
std::string state_name(std::string_view state);  // of a link or a hop

}  // namespace lienthong::tools
