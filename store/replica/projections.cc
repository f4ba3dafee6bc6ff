#include "store/replica/projections.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "store/replica/reads.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kBatchBytesMax = 1U << 20;
constexpr std::string_view kUsual = "marks 1\noffice 1\n";  // without a row that says more

using Kept = std::map<std::string, unsigned, std::less<>>;  // name → version

std::string encode(const Kept& kept) {
  std::string out;
  for (const auto& [name, version] : kept) out += name + " " + std::to_string(version) + "\n";
  return out;
}

Kept decode(std::string_view note) {
  Kept out;
  while (!note.empty()) {
    const std::size_t blank = note.find(' '), end = note.find('\n');
    unsigned version = 0;
    if (blank >= end || end == std::string_view::npos ||
        std::from_chars(note.data() + blank + 1, note.data() + end, version).ptr !=
            note.data() + end)
      throw std::runtime_error("stored list of projections");
    out.emplace(note.substr(0, blank), version);
    note.remove_prefix(end + 1);
  }
  return out;
}

Kept kept_of(const Projections& projections) {
  Kept out;
  for (const auto& projection : projections) out.emplace(projection->name(), projection->version());
  return out;
}

std::optional<std::string> note_of(const Kept& kept) {
  std::string note = encode(kept);
  return note == kUsual ? std::nullopt : std::optional(std::move(note));
}

// Rows that nobody would keep in step any more must not be opened.
Result<void> check_kept(const Database& database, const Kept& kept, const Kept& wanted) {
  for (const auto& [name, version] : kept) {
    const auto at = wanted.find(name);
    if (at != wanted.end() && at->second >= version) continue;
    return Error(Errc::kNewerVersion,
                 database.path() + " keeps rows of the projection " + name + " " +
                     std::to_string(version) + ", and this program " +
                     (at == wanted.end() ? "was opened without it"
                                         : "knows only " + std::to_string(at->second)) +
                     ": they would go stale");
  }
  return {};
}

Result<void> erase_rows(Database& database, std::string_view letters) {
  for (const char letter : letters) {
    const std::string prefix(1, letter);
    Changes changes;
    Result<void> written;
    database.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
      changes.rows.emplace(k, std::nullopt);
      changes.bytes += k.size();
      if (changes.bytes < kBatchBytesMax) return true;
      written = database.write(std::exchange(changes, {}));
      return written.ok();
    });
    if (!written.ok()) return written;
    if (!changes.empty()) LT_TRY_VOID(database.write(changes));
  }
  return {};
}

// Rows of all records for these projections, in batches. The last one is left to the caller.
Result<void> build_rows(Database& database, const Ledger& ledger, const Projections& fresh,
                        Changes& changes) {
  auto overlay = std::make_unique<Overlay>(database);
  const Ledger::Building none;
  auto writers = std::make_unique<ProjectionWriters>(fresh, *overlay, none);
  Result<void> written;
  database.scan("R", "R", [&](std::string_view k, std::string_view value) {
    const RecordRow row = decode_record_row(value);
    const RecordState state = decode_stored_state(row);
    const auto graph = read_graph(database, ledger, row);
    for (const GraphUpdate& update : graph) writers->entered(update);
    const RecordDrafts drafts = writers->open(decode_number4(k.substr(1)), nullptr);
    refolded(drafts, state, graph);
    flush(drafts, state);
    if (overlay->bytes() < kBatchBytesMax) return true;
    writers->before_commit();
    written = database.write(overlay->take_stock());
    writers.reset();
    overlay = std::make_unique<Overlay>(database);
    writers = std::make_unique<ProjectionWriters>(fresh, *overlay, none);
    return written.ok();
  });
  if (!written.ok()) return written;
  writers->before_commit();
  changes = overlay->take_stock();
  return {};
}

}  // namespace

std::optional<std::string> OwnRows::get(std::string_view key) const { return overlay_->get(key); }

void OwnRows::put(std::string key, std::string value) {
  LT_CHECK(!key.empty() && letters_.find(key.front()) != std::string_view::npos);
  overlay_->put(std::move(key), std::move(value));
}

void OwnRows::erase(std::string key) {
  LT_CHECK(!key.empty() && letters_.find(key.front()) != std::string_view::npos);
  overlay_->erase(std::move(key));
}

ProjectionWriters::ProjectionWriters(const Projections& projections, Overlay& overlay,
                                     const Ledger::Building& building)
    : projections_(projections), building_(building) {
  for (const auto& projection : projections)
    writers_.push_back(projection->begin(OwnRows(overlay, projection->letters())));
}

RecordDrafts ProjectionWriters::open(std::uint32_t record, const RecordState* stored) {
  RecordDrafts out;
  out.reserve(writers_.size());
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    const bool lacks = !building_.done() && building_.lacks(record, projections_[i]->name());
    out.push_back(lacks ? nullptr : writers_[i]->open(record, stored));
  }
  return out;
}

void ProjectionWriters::build(std::uint32_t record) {
  for (std::size_t i = 0; i < writers_.size(); ++i)
    if (building_.lacks(record, projections_[i]->name())) writers_[i]->build(record);
}

void ProjectionWriters::entered(const GraphUpdate& update) {
  for (const auto& writer : writers_) writer->entered(update);
}
void ProjectionWriters::savepoint() {
  for (const auto& writer : writers_) writer->savepoint();
}
void ProjectionWriters::rollback() {
  for (const auto& writer : writers_) writer->rollback();
}
void ProjectionWriters::before_commit() {
  for (const auto& writer : writers_) writer->before_commit();
}

bool extended(const RecordDrafts& drafts, const RecordState& state, const GraphUpdate& update,
              const ClosedBody& closed) {
  return std::ranges::all_of(
      drafts, [&](const auto& draft) { return !draft || draft->extended(state, update, closed); });
}

void refolded(const RecordDrafts& drafts, const RecordState& state,
              std::span<const GraphUpdate> updates) {
  for (const auto& draft : drafts)
    if (draft) draft->refolded(state, updates);
}

void flush(const RecordDrafts& drafts, const RecordState& state) {
  for (const auto& draft : drafts)
    if (draft) draft->flush(state);
}

Projections make_projections(const std::vector<ProjectionMaker>& makers) {
  Projections out;
  std::set<std::string, std::less<>> names;
  std::string letters(key::kLetters);
  for (const ProjectionMaker& make : makers) {
    std::shared_ptr<Projection> projection = make();
    const std::string_view name = projection->name();
    LT_CHECK(!name.empty() && names.emplace(name).second);
    LT_CHECK(std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; }));
    for (const char letter : projection->letters()) {
      LT_CHECK(letters.find(letter) == std::string::npos);
      letters += letter;
    }
    out.push_back(std::move(projection));
  }
  return out;
}

std::optional<std::string> projections_note(const Projections& projections) {
  return note_of(kept_of(projections));
}

std::string encode(const Ledger::Building& building) {
  return encode_number4(building.next) + encode_number4(building.last) + building.names;
}

Ledger::Building decode_building(std::string_view bytes) {
  if (bytes.size() < 8) throw std::runtime_error("stored list of what is being built");
  return {decode_number4(bytes.substr(0, 4)), decode_number4(bytes.substr(4, 4)),
          std::string(bytes.substr(8))};
}

namespace {

// From the first record on, for these and for those that were being built already.
Result<void> begin_steps(Database& database, Ledger& ledger, const Projections& projections,
                         const Projections& fresh, Changes& changes) {
  if (fresh.empty()) return {};
  Ledger::Building& building = ledger.building;
  for (const auto& projection : projections) {
    const bool goes_on = !building.done() && building.lacks(building.last, projection->name());
    const bool begins = std::ranges::find(fresh, projection) != fresh.end();
    if (begins && !goes_on) building.names.append(" ").append(projection->name());
    if (goes_on && !begins) LT_TRY_VOID(erase_rows(database, projection->letters()));
  }
  building.next = 1;
  building.last = ledger.records;
  if (building.done())
    building = {};
  else
    changes.rows[key::meta(kBuildingNote)] = encode(building);
  return {};
}

}  // namespace

Result<void> load_projections(Database& database, Ledger& ledger, const Projections& projections) {
  Kept kept = decode(database.get(key::meta(kProjectionsNote)).value_or(std::string(kUsual)));
  if (const auto row = database.get(key::meta(kBuildingNote)))
    ledger.building = decode_building(*row);
  const Kept wanted = kept_of(projections);
  LT_TRY_VOID(check_kept(database, kept, wanted));
  Projections fresh, in_steps;
  for (const auto& projection : projections) {
    const auto at = kept.find(projection->name());
    if (at != kept.end() && at->second == projection->version()) continue;
    if (at != kept.end()) kept.erase(at);
    (projection->in_steps() ? in_steps : fresh).push_back(projection);
  }
  const bool all_kept = fresh.empty() && in_steps.empty();
  Changes changes;
  if (!all_kept) {  // from here on it keeps none of them, until they are whole or begun
    changes.rows[key::meta(kProjectionsNote)] = note_of(kept);
    LT_TRY_VOID(database.write(std::exchange(changes, {})));
    for (const auto* list : {&fresh, &in_steps})
      for (const auto& projection : *list) LT_TRY_VOID(erase_rows(database, projection->letters()));
  }
  for (const auto& projection : projections) projection->load(database);
  if (all_kept) return {};
  if (!fresh.empty()) LT_TRY_VOID(build_rows(database, ledger, fresh, changes));
  LT_TRY_VOID(begin_steps(database, ledger, projections, in_steps, changes));
  changes.rows[key::meta(kProjectionsNote)] = note_of(wanted);
  return database.write(changes);
}

}  // namespace lienthong::store
