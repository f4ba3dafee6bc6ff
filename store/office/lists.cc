// Keeping the rows of lists.h.
#include "store/office/lists.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "store/office/keys.h"
#include "store/office/lateness.h"
#include "store/office/projections.h"
#include "store/office/writer.h"
#include "store/replica/raw.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kListsName = "lists";

std::uint32_t block_of(std::uint32_t record) { return (record - 1) / kGramRecords; }
std::size_t place_in_block(std::uint32_t record) {
  return std::size_t{(record - 1) % kGramRecords} * Grams::kBytes;
}

void put_grams(std::string& block, std::uint32_t record, const Grams& grams) {
  const std::size_t at = place_in_block(record);
  if (block.size() < at + Grams::kBytes) block.resize(at + Grams::kBytes);
  block.replace(at, Grams::kBytes, grams.bytes());
}

Grams grams_in(const std::optional<std::string>& block, std::uint32_t record) {
  const std::size_t at = place_in_block(record);
  if (!block || block->size() < at + Grams::kBytes) return {};
  return Grams::from(std::string_view(*block).substr(at, Grams::kBytes));
}

// Where a dossier lies.
struct Standing {
  std::string code;
  std::vector<ShelfPlace> places;
};
Standing standing_of(const std::optional<std::string>& office_row) {
  if (!office_row) return {};
  const RowView view = view_office_row(*office_row);
  return {std::string(view.code), shelves_of(view)};
}

// Pieces of texts share rows: they are gathered, and written when the transaction is.
class ListsWriter final : public ProjectionWriter {
 public:
  explicit ListsWriter(OwnRows rows) : rows_(rows) {}

  std::unique_ptr<RecordDraft> open(std::uint32_t record, const RecordState* stored) override;
  void build(std::uint32_t record) override {
    move({}, standing_of(rows_.get(key::office(record))), record);
    read_grams(record);
  }
  void savepoint() override { saved_ = fresh_.size(); }
  void rollback() override { fresh_.resize(saved_); }
  void before_commit() override {
    std::map<std::uint32_t, std::string> blocks;
    for (const auto& [record, grams] : fresh_) {
      const auto [block, added] = blocks.try_emplace(block_of(record));
      if (added) block->second = rows_.get(key::grams(block->first)).value_or(std::string());
      put_grams(block->second, record, grams);
    }
    for (auto& [block, bytes] : blocks) rows_.put(key::grams(block), std::move(bytes));
    fresh_.clear();
    saved_ = 0;
  }

  OwnRows& rows() { return rows_; }
  void move(const Standing& from, const Standing& to, std::uint32_t record) {
    const bool same = from.code == to.code;
    const auto stays = [same](const Standing& in, const ShelfPlace& place) {
      return same && std::ranges::binary_search(in.places, place);
    };
    for (const ShelfPlace& place : from.places)
      if (!stays(to, place)) rows_.erase(key::listed(place.shelf, place.number, from.code, record));
    for (const ShelfPlace& place : to.places)
      if (!stays(from, place))
        rows_.put(key::listed(place.shelf, place.number, to.code, record), "");
  }
  void read_grams(std::uint32_t record) {
    const auto text = rows_.get(key::search(record));
    fresh_.emplace_back(record, text ? Grams::of(*text) : Grams());
  }

 private:
  OwnRows rows_;
  std::vector<std::pair<std::uint32_t, Grams>> fresh_;
  std::size_t saved_ = 0;
};

// The office's draft is flushed first: what stood in its row is read before that.
class ListsDraft final : public RecordDraft {
 public:
  ListsDraft(ListsWriter& writer, std::uint32_t record, bool stored)
      : writer_(writer), record_(record), known_(!stored) {}

  bool extended(const RecordState& state, const GraphUpdate& update, const ClosedBody&) override {
    if (state.kind != RecordKind::kDossier) return true;
    begin();
    text_stale_ = text_stale_ || update.envelope.record.is_zero() || touches_search(update.open);
    return true;
  }
  void refolded(const RecordState& state, std::span<const GraphUpdate>) override {
    if (state.kind != RecordKind::kDossier) return;
    begin();
    text_stale_ = true;
  }
  void flush(const RecordState&) override {
    if (!std::exchange(dirty_, false)) return;
    Standing now = standing_of(writer_.rows().get(key::office(record_)));
    writer_.move(standing_, now, record_);
    standing_ = std::move(now);
    if (std::exchange(text_stale_, false)) writer_.read_grams(record_);
  }

 private:
  void begin() {
    dirty_ = true;
    if (std::exchange(known_, true)) return;
    standing_ = standing_of(writer_.rows().get(key::office(record_)));
  }

  ListsWriter& writer_;
  const std::uint32_t record_;
  bool known_;  // standing_ is what the rows have
  bool dirty_ = false, text_stale_ = false;
  Standing standing_;
};

std::unique_ptr<RecordDraft> ListsWriter::open(std::uint32_t record, const RecordState* stored) {
  return std::make_unique<ListsDraft>(*this, record, stored != nullptr);
}

class ListsProjection final : public Projection {
 public:
  std::string_view name() const override { return kListsName; }
  unsigned version() const override { return 2; }  // 2: official codes are searched
  bool in_steps() const override { return true; }
  std::string_view letters() const override { return key::kListLetters; }
  std::unique_ptr<ProjectionWriter> begin(OwnRows rows) override {
    return std::make_unique<ListsWriter>(rows);
  }
  bool agrees(const Database& database, std::uint32_t record, const RecordState&,
              std::span<const GraphUpdate>) const override {
    const Standing standing = standing_of(database.get(key::office(record)));
    const auto lies_there = [&](const ShelfPlace& place) {
      return database.get(key::listed(place.shelf, place.number, standing.code, record))
          .has_value();
    };
    const auto text = database.get(key::search(record));
    return std::ranges::all_of(standing.places, lies_there) &&
           grams_in(database.get(key::grams(block_of(record))), record) ==
               (text ? Grams::of(*text) : Grams());
  }
  std::vector<std::uint32_t> strays(const Database& database) const override {
    return stray_records(database);
  }
};

}  // namespace

std::vector<ShelfPlace> shelves_of(const RowView& row) {
  const Facts facts = facts_at(row, kEver);
  std::vector<ShelfPlace> out{
      {Shelf::kStatus, facts.status ? static_cast<std::uint32_t>(*facts.status) : 0},
      {Shelf::kProcedure, facts.procedure}};
  const Ending ending = ending_of(facts);
  const auto end = ending.finished_at ? ending.finished_at : ending.returned_at;
  if (facts.last_due) {
    const OfficeDay due = day_at(*facts.last_due);
    if (!end || is_running(facts)) out.push_back({Shelf::kDue, shelf_number(due)});
    if (end && day_at(*end) > due) out.push_back({Shelf::kEndedLate, 0});
  }
  out.push_back({Shelf::kParticipant, row.holder});
  for_each_participant(row, [&](std::uint32_t agency) {
    if (agency != row.holder) out.push_back({Shelf::kParticipant, agency});
  });
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Grams Grams::of(std::string_view text) {
  Grams out;
  for (std::size_t at = 0; at + kGramBytes <= text.size(); ++at) {
    const auto byte = [&](std::size_t i) {
      return std::uint32_t{static_cast<unsigned char>(text[at + i])};
    };
    const std::uint32_t gram = byte(0) << 16 | byte(1) << 8 | byte(2);
    const std::uint32_t bit = (gram * 0x9E3779B1U) >> 24;  // Knuth's multiplicative hash
    out.bits_[bit / 8] = static_cast<std::uint8_t>(out.bits_[bit / 8] | 1U << (bit % 8));
  }
  return out;
}

bool Grams::has(const Grams& others) const {
  for (std::size_t at = 0; at < kBytes; at += sizeof(std::uint64_t)) {
    std::uint64_t mine = 0, theirs = 0;
    std::memcpy(&mine, bits_.data() + at, sizeof mine);
    std::memcpy(&theirs, others.bits_.data() + at, sizeof theirs);
    if ((theirs & ~mine) != 0) return false;
  }
  return true;
}

std::string_view Grams::bytes() const {
  return {reinterpret_cast<const char*>(bits_.data()), kBytes};
}

Grams Grams::from(std::string_view bytes) {
  Grams out;
  std::memcpy(out.bits_.data(), bytes.data(), kBytes);
  return out;
}

std::optional<ListsProgress> lists_progress(const Replica& replica) {
  const auto ledger = RawReplica(replica).ledger();
  const auto& building = ledger->building;
  if (building.done() || !building.lacks(building.last, kListsName)) return std::nullopt;
  return ListsProgress{building.next - 1, building.last};
}

std::unique_ptr<Projection> lists_projection() { return std::make_unique<ListsProjection>(); }

}  // namespace lienthong::store
