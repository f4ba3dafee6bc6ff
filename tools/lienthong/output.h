// What verbs print: aligned tables and facts for people, JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/lienthong/client.h"
#include "tools/lienthong/screen.h"

namespace lienthong::tools {

enum class Align : std::uint8_t { kLeft, kRight };

// A table that is aligned when it is complete, and that fits the screen where there is one: first
// the columns go that matter least (spare()), then the widest texts are cut. Without headings, the
// last column is broken into lines instead.
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
  // Columns that may be left out, the one that matters least first.
  Table& spare(std::vector<std::size_t> columns) {
    spare_ = std::move(columns);
    return *this;
  }
  // What the cells of a column look like.
  Table& paint(std::size_t column, Paint (*look)(const std::string& cell)) {
    looks_.emplace_back(column, look);
    return *this;
  }
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::size_t size() const { return rows_.size() - 1; }
  void print(std::string_view indent = "") const;

 private:
  std::vector<std::size_t> natural_widths() const;
  std::size_t fit(std::vector<std::size_t>& widths, std::size_t room) const;
  Paint look_of(std::size_t row, std::size_t column) const;
  void print_row(std::size_t row, const std::vector<std::size_t>& widths, std::string_view indent,
                 bool breaks) const;

  std::vector<std::vector<std::string>> rows_;
  std::vector<Align> align_;
  std::vector<std::size_t> spare_;
  std::vector<std::pair<std::size_t, Paint (*)(const std::string&)>> looks_;
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
// The same with how long ago it was, or how far off it is: "01/04/2023 09:33:56 (2 h 5 min ago)".
std::string show_when(std::string_view rfc3339);
// Of what is due: to the minute.
std::string show_due(std::string_view rfc3339);
std::string show_age(std::int64_t seconds);
std::string show_bytes(std::int64_t bytes);
std::string show_id(std::string_view hex);  // the first 12 digits

// Legs and consultations of a dossier document; nothing where there are none.
void print_legs(const Json& dossier);
// The chain of custody of a dossier document, with times and signers.
void print_custody(const Json& dossier);

std::string channel_name(std::string_view channel);
std::string status_name(std::string_view status);  // of a dossier
std::string action_name(std::string_view action);  // of a line of history
// Of a link of custody as it was meant: a decline by a person, or one that answered a recall.
std::string link_meaning(const Json& link);
Paint state_look(const std::string& cell);  // of a neighbour or a link
std::string tier_name(std::string_view tier);
std::string link_name(std::string_view link);    // of custody
std::string state_name(std::string_view state);  // of a link or a hop

}  // namespace lienthong::tools
