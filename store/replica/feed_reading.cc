// What a session reads of the feeds.
#include <algorithm>
#include <map>

#include "protocol/base/limits.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {
namespace {

// An update's share of a part beside its two bodies, without parents: the rest of its envelope,
// the closed hash, its place in the seal.
constexpr std::size_t kLeafBytes = 150;
// A part goes on beyond what was asked for, up to this estimate, to finish the seals it began.
constexpr std::size_t kPartEstimateMax = 200 * 1024;
// What is read without its places goes on up to so many times what was asked for.
constexpr std::size_t kEntriesStretch = 3;
// Whoever asks for less is taken at his word.
constexpr std::size_t kExtendFrom = 1024;

// A place of the feed that may go into a part.
struct Line {
  std::uint64_t position = 0;
  std::uint64_t hash = 0;
  std::uint32_t seal = 0;  // 0: covered by its number only
  std::uint16_t leaf = 0;
  std::size_t bytes_up_to = 0;  // estimate of all from the first to this one
  Update update;
};

}  // namespace

class FeedReader {
 public:
  FeedReader(const Replica::Impl& replica, const FeedRead& what)
      : database_(*replica.database),
        updates_(database_),
        seals_(database_),
        ledger_(replica.ledger()),
        what_(what) {
    const auto known = ledger_->node_numbers.find(what.reader_node);
    if (known != ledger_->node_numbers.end()) reader_ = known->second;
    const auto carry = database_.get(key::carry(what.kind, what.reader_node));
    if (carry) carry_to_ = decode_number(*carry);
  }
  const Ledger& ledger() const { return *ledger_; }
  const FeedMeta* meta() const {  // null: there is no such feed
    return ledger_->whole_feed(what_.reader);
  }

  bool echoed(std::uint32_t source) const { return source != 0 && source == reader_; }
  // It need not go back; what is to be carried back is no echo.
  bool left_out(std::uint32_t source, std::uint64_t position) const {
    return echoed(source) && position > carry_to_;
  }
  bool passes_over(std::uint32_t source, std::uint64_t position) const {
    if (what_.echo == Echo::kPassOver && left_out(source, position)) return true;
    return std::ranges::any_of(what_.skip, [position](const CursorRange& range) {
      return range.first <= position && position <= range.last;
    });
  }
  bool stops_before(std::uint32_t source) const {
    return echoed(source) && what_.echo == Echo::kStopBefore;
  }
  // False: the entry cannot be sent now, its update is not sealed.
  bool read(std::uint64_t position, const FeedEntry& entry, Line& line) {
    line.position = position;
    line.hash = entry.hash;
    if (entry.update == 0 || passes_over(entry.source, position)) return true;
    const auto bytes = updates_.get(key::update(entry.update));
    if (!bytes) throw std::runtime_error("update of a feed is missing");
    UpdateRow row = decode_update_row(*bytes);
    if (!row.seal) {  // ours: sealed later than it was written
      const auto sealed = seals_.get(key::update_seal(entry.update));
      if (!sealed) return false;
      row.seal = decode_update_seal(*sealed);
    }
    line.seal = row.seal->seal;
    line.leaf = row.seal->leaf;
    line.update = std::move(row.update);
    return true;
  }
  static std::size_t estimate(const Line& line) {
    if (line.seal == 0) return 0;
    return line.update.open.size() + line.update.closed.size() + kLeafBytes +
           32 * line.update.envelope.deps.size();
  }
  std::vector<SealedUnit> units(std::vector<Line> lines) const {
    std::map<std::uint32_t, std::vector<Line>> by_seal;
    for (Line& line : lines)
      if (line.seal != 0) by_seal[line.seal].push_back(std::move(line));
    std::vector<SealedUnit> out;
    for (auto& [seal, leaves] : by_seal) out.push_back(unit(seal, std::move(leaves)));
    return out;
  }

 private:
  SealedUnit unit(std::uint32_t seal, std::vector<Line> leaves) const {
    const auto evidence = read_evidence(database_, seal);
    if (!evidence) throw std::runtime_error("seal of an update is missing");
    std::ranges::sort(leaves, {}, &Line::leaf);
    SealedUnit unit;
    unit.seal = evidence->seal();
    std::vector<std::uint16_t> indices;
    for (Line& line : leaves) {
      if (!indices.empty() && indices.back() == line.leaf) continue;  // twice in the feed
      indices.push_back(line.leaf);
      unit.leaves.push_back(SealedLeaf{line.leaf, std::move(line.update)});
    }
    unit.proof = evidence->prove(ledger_->registry->root_of(unit.seal.certificate), indices);
    return unit;
  }

  const Database& database_;
  RowReader updates_, seals_;
  std::shared_ptr<const Ledger> ledger_;
  const FeedRead& what_;
  std::uint32_t reader_ = 0;
  std::uint64_t carry_to_ = 0;
};

namespace {

// The lines that one part can hold, and where it is best cut.
class Window {
 public:
  explicit Window(std::size_t bytes_max)
      : wanted_(bytes_max), most_(bytes_max < kExtendFrom ? bytes_max : kPartEstimateMax) {}

  // False: enough. The line just added may lie beyond what a part can hold; it only shows which
  // seals go on there.
  bool add(Line line, std::size_t bytes, const std::function<std::size_t(std::uint32_t)>& count) {
    if (line.seal == 0 && !lines_.empty() && lines_.back().seal == 0) {
      lines_.back().position = line.position;
      lines_.back().hash = line.hash;
      return true;
    }
    const bool full = !lines_.empty() && lines_.back().bytes_up_to >= wanted_;
    if (full && open_ == 0 && !left_.contains(line.seal)) return false;
    line.bytes_up_to = (lines_.empty() ? 0 : lines_.back().bytes_up_to) + bytes;
    if (line.seal != 0) {
      const auto [left, first] = left_.try_emplace(line.seal, 0);
      if (first) left->second = count(line.seal), ++open_;
      if (left->second > 0 && --left->second == 0) --open_;
    }
    lines_.push_back(std::move(line));
    return lines_.back().bytes_up_to < most_;
  }
  void end_of_feed() { ended_ = true; }

  // At the first place from `wanted` on where no seal is cut in two, else at the last one before
  // it, else where the bytes are enough.
  std::vector<Line> cut() && {
    lines_.resize(place_of_cut());
    return std::move(lines_);
  }

 private:
  std::size_t place_of_cut() const {
    const std::size_t all = lines_.size();
    const bool fits = all > 0 && (ended_ || open_ == 0) && lines_.back().bytes_up_to <= most_;
    if (all <= 1 || (fits && (ended_ && lines_.back().bytes_up_to <= wanted_))) return all;
    std::map<std::uint32_t, std::size_t> last;  // line in which a seal appears last
    for (std::size_t i = 0; i < all; ++i) last[lines_[i].seal] = i;
    std::size_t enough = 0;  // so many lines reach what was wanted
    std::size_t before = 0, usable = 0, reach = 0;
    for (std::size_t i = 0; i < all; ++i) {
      if (i > 0 && lines_[i].bytes_up_to > most_) break;
      usable = i + 1;
      if (lines_[i].seal != 0) reach = std::max(reach, last[lines_[i].seal]);
      const bool whole = reach <= i && (i + 1 < all || fits);
      if (lines_[i].bytes_up_to >= wanted_ && enough == 0) enough = i + 1;
      if (whole && enough != 0) return i + 1;
      if (whole) before = i + 1;
    }
    if (before != 0) return before;
    return enough != 0 ? enough : usable;
  }

  std::size_t wanted_, most_;
  std::vector<Line> lines_;
  std::map<std::uint32_t, std::size_t> left_;  // seal: leaves that have not been seen
  std::size_t open_ = 0;                       // seals of which some have not
  bool ended_ = false;
};

Result<std::optional<FeedPart>> read_statements(const Database& database, const FeedReader& reader,
                                                const FeedRead& what) {
  const std::uint64_t first = what.first;
  const std::uint64_t end = std::min(reader.ledger().statements, what.last);
  if (first == 0 || first > end) return std::optional<FeedPart>();
  FeedPart part;
  part.epoch = reader.ledger().statement_epoch_for(what.reader);
  CursorRange stretch{first, 0, 0};
  std::size_t bytes = 0;
  for (std::uint64_t number = first; number <= end && bytes < what.bytes_max; ++number) {
    const auto bytes_of_row = database.get(key::statement(number));
    if (!bytes_of_row)
      return Error(Errc::kCorrupt, "statement " + std::to_string(number) + " is missing");
    StatementRow row = decode_statement_row(*bytes_of_row);
    if (reader.stops_before(row.source)) break;
    stretch.last = number;
    stretch.hash = row.hash;
    if (reader.passes_over(row.source, number)) continue;
    bytes += row.statement.body.size() + kSealSize;
    part.statements.push_back(std::move(row.statement));
  }
  if (stretch.last == 0) return std::optional<FeedPart>();
  part.covered.push_back(stretch);
  return std::optional<FeedPart>(std::move(part));
}

std::uint64_t position_of(std::string_view entry_key) {
  return decode_number(entry_key.substr(entry_key.size() - 8));
}

}  // namespace

FeedMark Replica::feed_end(FeedKind kind, const AgencyId& reader) const {
  const auto ledger = impl_->ledger();
  if (kind == FeedKind::kRegistry)
    return {ledger->statement_epoch_for(reader), ledger->statements, ledger->statement_hash};
  const FeedMeta* meta = ledger->whole_feed(reader);
  return meta == nullptr ? FeedMark{} : FeedMark{meta->epoch, meta->end, meta->hash};
}

std::optional<std::uint64_t> Replica::feed_hash(FeedKind kind, const AgencyId& reader,
                                                std::uint64_t number) const {
  if (number == 0) return 0;
  if (kind == FeedKind::kRegistry) {
    const auto row = impl_->database->get(key::statement(number));
    if (!row) return std::nullopt;
    return decode_statement_row(*row).hash;
  }
  const auto ledger = impl_->ledger();
  const FeedMeta* meta = ledger->whole_feed(reader);
  if (meta == nullptr || number > meta->end) return std::nullopt;
  const auto row = impl_->database->get(key::feed_entry(meta->number, number));
  if (!row) return std::nullopt;
  return decode_feed_entry(*row).hash;
}

std::optional<std::uint64_t> Replica::feed_position(const AgencyId& reader,
                                                    const UpdateId& id) const {
  const auto ledger = impl_->ledger();
  const FeedMeta* meta = ledger->whole_feed(reader);
  const auto number = update_number(*impl_->database, id);
  if (meta == nullptr || !number) return std::nullopt;
  const auto update = impl_->database->get(key::update(*number));
  if (!update) return std::nullopt;
  const auto bytes = impl_->database->get(key::record(decode_update_head(*update).record));
  if (!bytes) return std::nullopt;
  const RecordRow row = decode_record_row(*bytes);
  const auto fed = std::ranges::find(row.feeds, meta->number, &FedFeed::feed);
  const auto nth = static_cast<std::size_t>(std::ranges::lower_bound(row.updates, *number) -
                                            row.updates.begin());
  if (fed == row.feeds.end() || nth >= fed->places.size()) return std::nullopt;
  return fed->places[nth];
}

Result<std::optional<FeedPart>> Replica::read_feed(const FeedRead& what) const {
  const Database& database = *impl_->database;
  FeedReader feed(*impl_, what);
  if (what.kind == FeedKind::kRegistry) return read_statements(database, feed, what);
  const FeedMeta* meta = feed.meta();
  const std::uint64_t end = meta == nullptr ? 0 : std::min(meta->end, what.last);
  if (what.first == 0 || what.first > end) return std::optional<FeedPart>();
  Window window(what.bytes_max);
  const auto count = [&](std::uint32_t seal) -> std::size_t {
    const auto found = read_seal(database, seal);
    return found ? found->count : 0;
  };
  bool enough = false;
  database.scan(key::feed_prefix(meta->number), key::feed_entry(meta->number, what.first),
                [&](std::string_view k, std::string_view value) {
                  const FeedEntry entry = decode_feed_entry(value);
                  if (position_of(k) > end || feed.stops_before(entry.source)) return false;
                  Line line;
                  if (!feed.read(position_of(k), entry, line)) return false;
                  const std::size_t bytes = FeedReader::estimate(line);
                  enough = !window.add(std::move(line), bytes, count);
                  return !enough;
                });
  if (!enough) window.end_of_feed();
  std::vector<Line> lines = std::move(window).cut();
  if (lines.empty()) return std::optional<FeedPart>();
  FeedPart part;
  part.epoch = meta->epoch;
  part.covered.push_back(CursorRange{what.first, lines.back().position, lines.back().hash});
  part.units = feed.units(std::move(lines));
  return std::optional<FeedPart>(std::move(part));
}

std::vector<FeedLine> Replica::feed_lines(const AgencyId& reader, const NodeId& reader_node,
                                          std::uint64_t first, std::size_t limit) const {
  FeedRead what;
  what.reader = reader;
  what.reader_node = reader_node;
  const FeedReader feed(*impl_, what);
  const FeedMeta* meta = feed.meta();
  std::vector<FeedLine> lines;
  if (meta == nullptr || first == 0) return lines;
  bool sealed = true;  // so far: nothing leaves before what is not
  impl_->database->scan(key::feed_prefix(meta->number), key::feed_entry(meta->number, first),
                        [&](std::string_view k, std::string_view value) {
                          FeedLine line;
                          line.position = position_of(k);
                          if (line.position > meta->end || lines.size() >= limit) return false;
                          const FeedEntry entry = decode_feed_entry(value);
                          line.custody = entry.custody && entry.update != 0;
                          sealed = sealed && (entry.update == 0 || entry.source != 0 ||
                                              feed.ledger().unsealed == 0 ||
                                              !impl_->database->get(key::unsealed(entry.update)));
                          line.sealed = sealed;
                          line.echoed = feed.left_out(entry.source, line.position);
                          lines.push_back(line);
                          return true;
                        });
  return lines;
}

std::uint64_t Replica::feed_bytes(const AgencyId& reader, std::uint64_t first) const {
  constexpr std::uint64_t kCountMax = 64;  // the rest is taken to be alike
  FeedRead what;
  what.reader = reader;
  const FeedReader feed(*impl_, what);
  const FeedMeta* meta = feed.meta();
  if (meta == nullptr || first == 0 || first > meta->end) return 0;
  std::uint64_t bytes = 0, count = 0;
  RowReader updates(*impl_->database);
  impl_->database->scan(key::feed_prefix(meta->number), key::feed_entry(meta->number, first),
                        [&](std::string_view k, std::string_view value) {
                          if (position_of(k) > meta->end || count == kCountMax) return false;
                          ++count;
                          const FeedEntry entry = decode_feed_entry(value);
                          if (entry.update == 0) return true;
                          const auto row = updates.get(key::update(entry.update));
                          if (row) bytes += row->size();
                          return true;
                        });
  return count == 0 ? 0 : bytes * (meta->end - first + 1) / count;
}

std::vector<std::uint64_t> Replica::feed_places(const AgencyId& reader,
                                                std::uint64_t position) const {
  const auto ledger = impl_->ledger();
  const Database& database = *impl_->database;
  const FeedMeta* meta = ledger->whole_feed(reader);
  if (meta == nullptr || position == 0 || position > meta->end) return {};
  const auto entry = database.get(key::feed_entry(meta->number, position));
  const std::uint64_t number = entry ? decode_feed_entry(*entry).update : 0;
  const auto update = number == 0 ? std::nullopt : database.get(key::update(number));
  if (!update) return {position};
  const auto bytes = database.get(key::record(decode_update_head(*update).record));
  if (!bytes) throw std::runtime_error("record of an update is missing");
  const RecordRow row = decode_record_row(*bytes);
  const auto fed = std::ranges::find(row.feeds, meta->number, &FedFeed::feed);
  if (fed == row.feeds.end()) return {position};
  const auto end = std::ranges::upper_bound(fed->places, position);
  return {fed->places.begin(), end};
}

Result<std::optional<FeedPart>> Replica::read_places(const AgencyId& reader,
                                                     const NodeId& reader_node, Echo echo,
                                                     std::span<const std::uint64_t> places) const {
  const Database& database = *impl_->database;
  FeedRead what;
  what.reader = reader;
  what.reader_node = reader_node;
  what.echo = echo;
  FeedReader feed(*impl_, what);
  const FeedMeta* meta = feed.meta();
  if (meta == nullptr) return std::optional<FeedPart>();
  FeedPart part;
  part.epoch = meta->epoch;
  std::vector<Line> lines;
  for (const std::uint64_t place : places) {
    if (place == 0 || place > meta->end) continue;
    const auto bytes = database.get(key::feed_entry(meta->number, place));
    if (!bytes) return Error(Errc::kCorrupt, "entry of a feed is missing");
    const FeedEntry entry = decode_feed_entry(*bytes);
    Line line;
    if (feed.stops_before(entry.source) || !feed.read(place, entry, line)) continue;
    if (!part.covered.empty() && part.covered.back().last + 1 == place)
      part.covered.back().last = place, part.covered.back().hash = entry.hash;
    else
      part.covered.push_back(CursorRange{place, place, entry.hash});
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return std::optional<FeedPart>();
  part.units = feed.units(std::move(lines));
  return std::optional<FeedPart>(std::move(part));
}

namespace {

Result<ReplicaView::Entries> statements_at(const Database& database,
                                           std::span<const std::uint64_t> places,
                                           std::size_t bytes_max) {
  ReplicaView::Entries out;
  for (std::size_t bytes = 0; out.taken < places.size() && bytes < bytes_max; ++out.taken) {
    const std::uint64_t place = places[out.taken];
    const auto row = database.get(key::statement(place));
    if (!row) return Error(Errc::kCorrupt, "statement " + std::to_string(place) + " is missing");
    out.part.statements.push_back(decode_statement_row(*row).statement);
    bytes += row->size();
  }
  return out;
}

}  // namespace

// What the reader holds of a seal proves its other leaves only if they come together, so a part is
// cut between seals where it can be.
Result<ReplicaView::Entries> Replica::read_entries(FeedKind kind, const AgencyId& reader,
                                                   std::span<const std::uint64_t> places,
                                                   std::size_t bytes_max) const {
  const Database& database = *impl_->database;
  if (kind == FeedKind::kRegistry) return statements_at(database, places, bytes_max);
  FeedRead what;
  what.reader = reader;
  what.echo = Echo::kCarry;
  FeedReader feed(*impl_, what);
  const FeedMeta* meta = feed.meta();
  Entries out;
  std::vector<Line> lines;
  std::size_t bytes = 0, whole_lines = 0, whole_taken = 0;  // up to where a seal ends
  for (; meta != nullptr && out.taken < places.size(); ++out.taken) {
    const std::uint64_t place = places[out.taken];
    const auto row =
        place > meta->end ? std::nullopt : database.get(key::feed_entry(meta->number, place));
    if (!row) return Error(Errc::kCorrupt, "entry of a feed is missing");
    Line line;
    if (!feed.read(place, decode_feed_entry(*row), line) || line.seal == 0) continue;
    if (lines.empty() || lines.back().seal != line.seal) {
      if (bytes >= bytes_max) break;
      whole_lines = lines.size(), whole_taken = out.taken;
    }
    bytes += FeedReader::estimate(line);
    if (bytes > kEntriesStretch * bytes_max && !lines.empty()) {
      if (whole_lines > 0) lines.resize(whole_lines), out.taken = whole_taken;
      break;
    }
    lines.push_back(std::move(line));
  }
  out.part.units = feed.units(std::move(lines));
  return out;
}

}  // namespace lienthong::store
