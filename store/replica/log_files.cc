#include "store/replica/log_files.h"

#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kBlock = 32'768;
constexpr std::size_t kHeader = 7;  // checksum 4, length 2, type 1
enum Type : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };
constexpr std::size_t kBatchHeader = 12;  // sequence number 8, count 4
constexpr std::string_view kNoteHead = "lt-synced ";

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kTable = make_table();

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

// As RocksDB writes it beside a record: of the type and what follows, turned so that it does not
// occur in what it covers.
std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

// One piece of a record, within a block.
struct Piece {
  Type type;
  std::string_view bytes;
};

std::optional<Piece> piece_at(std::string_view file, std::size_t at) {
  const std::size_t left = kBlock - at % kBlock;
  if (left < kHeader || file.size() - at < kHeader) return std::nullopt;
  const auto type = static_cast<std::uint8_t>(file[at + 6]);
  const auto length = static_cast<std::size_t>(little_endian(file.substr(at + 4, 2)));
  if (type < kFull || type > kLast || length > left - kHeader ||
      length > file.size() - at - kHeader)
    return std::nullopt;
  if (little_endian(file.substr(at, 4)) != masked(crc32c(file.substr(at + 6, length + 1))))
    return std::nullopt;
  return Piece{static_cast<Type>(type), file.substr(at + kHeader, length)};
}

// Where the next whole piece is that begins a record; the file's end: there is none.
std::size_t next_beginning(std::string_view file, std::size_t at) {
  for (; at < file.size(); ++at) {
    if (file.size() - at < kHeader) return file.size();
    const auto type = static_cast<std::uint8_t>(file[at + 6]);
    if ((type == kFull || type == kFirst) && piece_at(file, at)) return at;
  }
  return at;
}

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Reads what of a batch concerns the order of writing.
class BatchFacts final : public rocksdb::WriteBatch::Handler {
 public:
  explicit BatchFacts(LogBatch& batch) : batch_(batch) {}
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (key == rocksdb::Slice(kWriteNumberKey) && value.size() == 8)
      batch_.write_number = decode_number({value.data(), value.size()});
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&,
                                const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  void LogData(const rocksdb::Slice& blob) override {
    const std::string_view text(blob.data(), blob.size());
    if (!text.starts_with(kNoteHead) || text.size() != kNoteHead.size() + 8) return;
    noted_ = true;
    batch_.synced = std::max(batch_.synced, decode_number(text.substr(kNoteHead.size())));
  }
  bool noted() const { return noted_; }

 private:
  LogBatch& batch_;
  bool noted_ = false;
};

std::optional<LogBatch> read_batch(std::string bytes) {
  if (bytes.size() < kBatchHeader) return std::nullopt;
  LogBatch batch;
  batch.first = little_endian(std::string_view(bytes).substr(0, 8));
  batch.count = little_endian(std::string_view(bytes).substr(8, 4));
  rocksdb::WriteBatch rows(std::move(bytes));
  BatchFacts facts(batch);
  if (!rows.Iterate(&facts).ok() || batch.count == 0) return std::nullopt;
  // A program that wrote no notes synced nearly all that it wrote.
  if (!facts.noted()) batch.synced = batch.first - 1;
  batch.bytes = rows.Data();
  return batch;
}

// Names of logs are their numbers.
std::vector<std::string> log_names(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> children;
  env.GetChildren(folder, &children).PermitUncheckedError();
  std::vector<std::pair<std::uint64_t, std::string>> numbered;
  for (std::string& name : children) {
    if (!name.ends_with(".log")) continue;
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem == std::errc() && end == name.data() + name.size() - 4)
      numbered.emplace_back(number, std::move(name));
  }
  std::ranges::sort(numbered);
  std::vector<std::string> out;
  for (auto& [number, name] : numbered) out.push_back(std::move(name));
  return out;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes)
    crc = kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::vector<std::string> read_log_records(std::string_view file,
                                          std::vector<std::uint64_t>& faults) {
  std::vector<std::string> out;
  std::string record;
  bool inside = false;  // of a record
  for (std::size_t at = 0; at < file.size();) {
    const std::size_t left = kBlock - at % kBlock;
    if (left < kHeader) {
      at += left;
      continue;
    }
    const auto piece = piece_at(file, at);
    const bool begins = piece && (piece->type == kFull || piece->type == kFirst);
    if (!piece || begins == inside) {
      if (!piece && !inside && all_zero(file.substr(at))) return out;  // room that was set aside
      faults.push_back(at);
      at = next_beginning(file, begins ? at : at + 1);
      inside = false;
      continue;
    }
    if (begins) record.clear();
    record += piece->bytes;
    at += kHeader + piece->bytes.size();
    inside = piece->type == kFirst || piece->type == kMiddle;
    if (!inside) out.push_back(std::move(record));
  }
  if (inside) faults.push_back(file.size());
  return out;
}

LogReading read_logs(rocksdb::Env& env, const std::string& folder, LogBytes bytes) {
  LogReading out;
  out.files = log_names(env, folder);
  for (const std::string& name : out.files) {
    std::string file;
    if (!rocksdb::ReadFileToString(&env, folder + "/" + name, &file).ok()) {
      out.faults.push_back({name, 0});
      continue;
    }
    std::vector<std::uint64_t> faults;
    for (std::string& record : read_log_records(file, faults)) {
      auto batch = read_batch(std::move(record));
      if (!batch) continue;  // of no rows
      batch->file = name;
      if (bytes == LogBytes::kDrop) batch->bytes = std::string();
      out.batches.push_back(*std::move(batch));
    }
    for (const std::uint64_t at : faults) out.faults.push_back({name, at});
  }
  return out;
}

std::string synced_note(std::uint64_t sequence) {
  return std::string(kNoteHead) + encode_number(sequence);
}

}  // namespace lienthong::store
