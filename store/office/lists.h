// What lists of dossiers are read from, so that a page costs what it shows and not what there is:
// for each question that lists are asked a shelf on which dossiers lie in the order of their codes,
// and of each text that is searched the pieces that it is made of. Both follow from the office row
// and the search row of a record alone; a projection keeps them, built in steps where they are
// missing. docs/storage.md, "Lists".
//
// Threads: any, for what does not say otherwise.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/calendar.h"
#include "store/office/row.h"

namespace rocksdb {
class Snapshot;
}

namespace lienthong::store {

class Database;
class Replica;

// ---- shelves ----

enum class Shelf : std::uint8_t {  // on disk: never change
  kStatus = 1,                     // number of the state; 0: none
  kDue = 2,          // has a date and no end: shelf_number() of the day as last written
  kEndedLate = 3,    // 0: its end came on a later day than it was due
  kProcedure = 4,    // local number of the procedure's code; 0: none
  kParticipant = 5,  // local number of an agency that takes part, or holds it
};

// Days of two thousand million years either way, in their order.
constexpr std::uint32_t shelf_number(OfficeDay day) {
  return static_cast<std::uint32_t>(day + (std::int64_t{1} << 31));
}

struct ShelfPlace {
  Shelf shelf = Shelf::kStatus;
  std::uint32_t number = 0;
  auto operator<=>(const ShelfPlace&) const = default;
};
// Ascending, each once; on one place of kStatus in any case. Pure.
std::vector<ShelfPlace> shelves_of(const RowView& row);

// Places next to each other, both ends included.
struct ShelfRange {
  Shelf shelf = Shelf::kStatus;
  std::uint32_t first = 0, last = UINT32_MAX;
};

struct Match {
  std::string code;
  std::uint32_t record = 0;  // local number
  auto operator<=>(const Match&) const = default;
};

// Dossiers on these places that come after `after` in the order of codes, then local numbers: from
// one place after the other, on each in that order. `visit` answers false when it wants no more of
// a place.
void walk_shelf(const Database& database, const rocksdb::Snapshot* snapshot,
                const ShelfRange& range, const Match& after,
                const std::function<bool(std::string_view code, std::uint32_t record)>& visit);
// Records that lie where they should not, ascending; goes through all rows.
std::vector<std::uint32_t> stray_records(const Database& database);
// About how many bytes of rows lie there.
std::uint64_t shelf_bytes(const Database& database, const ShelfRange& range);

// ---- pieces of texts ----

// Bits for each three bytes that follow each other in a text. A text that has another in it has
// all of its bits. Pure.
class Grams {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kGramBytes = 3;  // nothing is known of shorter texts
  static Grams of(std::string_view text);
  bool has(const Grams& others) const;
  std::string_view bytes() const;
  static Grams from(std::string_view bytes);  // kBytes of them

  bool operator==(const Grams&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bits_{};
};
// So many records share a row, the first of which is number 1.
inline constexpr std::uint32_t kGramRecords = 64;

// Local numbers of records whose search rows may have that text, ascending. nullopt: nothing can be
// said of so short a text.
std::optional<std::vector<std::uint32_t>> records_with_grams(const Database& database,
                                                             const rocksdb::Snapshot* snapshot,
                                                             std::string_view text,
                                                             const std::function<bool()>& stopping);

// ---- how far they are ----

struct ListsProgress {
  std::uint32_t records = 0, of = 0;
};
// nullopt: they are whole, and may be read.
std::optional<ListsProgress> lists_progress(const Replica& replica);

}  // namespace lienthong::store
