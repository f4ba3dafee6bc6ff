// Reading office rows: scans for reports and lists, and what the rows stand on.
// docs/storage.md, "Office rows".
//
// Threads: any. The replica outlives the
// reader. Reading throws std::runtime_error where the disk or a row is broken.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/lists.h"
#include "store/office/name_table.h"
#include "store/office/row.h"
#include "store/replica/replica.h"

namespace rocksdb {
class Snapshot;
}

namespace lienthong::store {

// What was committed last, for as long as it is kept.
struct OfficeSnapshot {
  std::shared_ptr<const rocksdb::Snapshot> rows;  // lives at most as long as the replica
  std::uint32_t last_record = 0;
  std::uint64_t last_change = 0;  // local number of the last update
};

class OfficeReader {
 public:
  explicit OfficeReader(const Replica& replica) : replica_(replica) {}

  const NameTable& names() const;

  OfficeSnapshot snapshot() const;
  // Of records with first <= number <= last, ascending; stops when `visit` answers false.
  using VisitRow = std::function<bool(std::uint32_t record, std::string_view row)>;
  void scan(const OfficeSnapshot& snapshot, std::uint32_t first, std::uint32_t last,
            const VisitRow& visit) const;
  // The same of search rows (search_text.h).
  void scan_search(const OfficeSnapshot& snapshot, std::uint32_t first, std::uint32_t last,
                   const VisitRow& visit) const;
  std::optional<std::string> row(std::uint32_t record) const;
  std::optional<std::string> row(std::uint32_t record, const OfficeSnapshot& snapshot) const;
  std::optional<std::string> search_row(std::uint32_t record, const OfficeSnapshot& snapshot) const;
  // As in lists.h. Shelves and grams are read where lists_progress() said before the snapshot was
  // taken that they are whole.
  std::optional<ListsProgress> lists_progress() const { return store::lists_progress(replica_); }
  void walk_shelf(const OfficeSnapshot& snapshot, const ShelfRange& range, const Match& after,
                  const std::function<bool(std::string_view, std::uint32_t)>& visit) const;
  std::uint64_t shelf_bytes(const ShelfRange& range) const;
  std::optional<std::vector<std::uint32_t>> records_with_grams(
      const OfficeSnapshot& snapshot, std::string_view text,
      const std::function<bool()>& stopping) const;
  std::optional<RecordEntry> record(std::uint32_t record) const;
  std::optional<std::uint32_t> number_of(const RecordId& record) const;

  // Newest clock of an agency's updates here, for each that has written any.
  std::vector<std::pair<AgencyId, UnixMillis>> heard() const;

  // Dossiers that updates after that local number have touched, ascending.
  std::vector<std::uint32_t> touched_since(std::uint64_t update) const;
  // The row as the record's updates up to that local number alone make it, under today's registry.
  // nullopt: it was not here, or had no row.
  std::optional<std::string> row_at(std::uint32_t record, std::uint64_t update) const;
  // The newest of the record's updates after that local number: who wrote it, and when it came.
  struct Cause {
    std::uint64_t number = 0;
    AgencyId agency;
    UnixMillis at = 0;           // at the office
    UnixMillis received_at = 0;  // here
  };
  std::optional<Cause> cause(std::uint32_t record, std::uint64_t update) const;

 private:
  const Replica& replica_;
};

}  // namespace lienthong::store
