// Reading the rows of lists.h.
#include <rocksdb/db.h>

#include <algorithm>
#include <memory>

#include "store/office/keys.h"
#include "store/office/lists.h"
#include "store/replica/database.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kPrefixBytes = 6;  // letter, shelf, number
constexpr std::size_t kTailBytes = 5;    // 0, record

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }
rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// A code as it was before its zeros were made two bytes; `room` holds it where it had some.
std::string_view code_in(std::string_view key, std::string& room) {
  const std::string_view code = key.substr(kPrefixBytes, key.size() - kPrefixBytes - kTailBytes);
  if (code.find('\0') == std::string_view::npos) return code;
  room.clear();
  for (std::size_t i = 0; i < code.size(); ++i) {
    room += code[i];
    if (code[i] == '\0') ++i;
  }
  return room;
}

// First key behind a range.
std::string end_of(const ShelfRange& range) {
  if (range.last != UINT32_MAX) return key::listed_prefix(range.shelf, range.last + 1);
  return std::string("l").append(1, static_cast<char>(static_cast<int>(range.shelf) + 1));
}

std::string first_after(Shelf shelf, std::uint32_t number, const Match& after) {
  return key::listed(shelf, number, after.code, after.record) + '\0';
}

}  // namespace

void walk_shelf(const Database& database, const rocksdb::Snapshot* snapshot,
                const ShelfRange& range, const Match& after,
                const std::function<bool(std::string_view, std::uint32_t)>& visit) {
  std::string from = key::listed_prefix(range.shelf, range.first);
  const std::string end = end_of(range);
  const rocksdb::Slice bound = slice(end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(
      database.db().NewIterator(options, database.family_of(from)));
  std::string room, place;  // place: prefix of the one that is being read
  for (at->Seek(slice(from)); at->Valid();) {
    const std::string_view k = view(at->key());
    if (k.size() < kPrefixBytes + kTailBytes) throw std::runtime_error("stored list: a key");
    const std::uint32_t number = decode_number4(k.substr(2, 4));
    if (k.substr(0, kPrefixBytes) != place) {  // the next place that anything lies on
      place = k.substr(0, kPrefixBytes);
      from = first_after(range.shelf, number, after);
      if (k < from) {
        at->Seek(slice(from));
        continue;
      }
    }
    if (visit(code_in(k, room), decode_number4(k.substr(k.size() - 4)))) {
      at->Next();
    } else {
      if (number >= range.last) break;
      at->Seek(slice(key::listed_prefix(range.shelf, number + 1)));
    }
  }
  if (!at->status().ok()) database.broken_read(at->status());
}

std::vector<std::uint32_t> stray_records(const Database& database) {
  rocksdb::DB& db = database.db();
  const std::shared_ptr<const rocksdb::Snapshot> snapshot(
      db.GetSnapshot(), [&db](const rocksdb::Snapshot* held) { db.ReleaseSnapshot(held); });
  std::vector<std::uint32_t> out;
  for (const Shelf shelf :
       {Shelf::kStatus, Shelf::kDue, Shelf::kEndedLate, Shelf::kProcedure, Shelf::kParticipant}) {
    const std::string first = key::listed_prefix(shelf, 0);
    database.scan_range(
        snapshot.get(), first, end_of({shelf}), [&](std::string_view k, std::string_view) {
          std::string room;
          const std::uint32_t record = decode_number4(k.substr(k.size() - 4));
          const ShelfPlace place{shelf, decode_number4(k.substr(2, 4))};
          const auto row = database.get(key::office(record), snapshot.get());
          const bool stands = row && view_office_row(*row).code == code_in(k, room) &&
                              std::ranges::binary_search(shelves_of(view_office_row(*row)), place);
          if (!stands) out.push_back(record);
          return true;
        });
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::uint64_t shelf_bytes(const Database& database, const ShelfRange& range) {
  const std::string from = key::listed_prefix(range.shelf, range.first);
  const std::string end = end_of(range);
  const rocksdb::Range whole(slice(from), slice(end));
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  std::uint64_t bytes = 0;
  const auto status =
      database.db().GetApproximateSizes(options, database.family_of(from), &whole, 1, &bytes);
  if (!status.ok()) database.broken_read(status);
  return bytes;
}

std::optional<std::vector<std::uint32_t>> records_with_grams(
    const Database& database, const rocksdb::Snapshot* snapshot, std::string_view text,
    const std::function<bool()>& stopping) {
  if (text.size() < Grams::kGramBytes) return std::nullopt;
  const Grams wanted = Grams::of(text);
  std::vector<std::uint32_t> out;
  database.scan_range(snapshot, key::grams(0), key::grams(UINT32_MAX),
                      [&](std::string_view k, std::string_view block) {
                        const std::uint32_t first = decode_number4(k.substr(1)) * kGramRecords + 1;
                        for (std::size_t at = 0; at + Grams::kBytes <= block.size();
                             at += Grams::kBytes)
                          if (Grams::from(block.substr(at, Grams::kBytes)).has(wanted))
                            out.push_back(first + static_cast<std::uint32_t>(at / Grams::kBytes));
                        return !stopping();
                      });
  return out;
}

}  // namespace lienthong::store
