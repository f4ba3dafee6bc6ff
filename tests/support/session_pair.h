// Two sessions wired back to back over replicas in memory, for tests and fuzzers.
#pragma once

#include <map>
#include <set>

#include "protocol/session/session.h"
#include "protocol/wire/part.h"
#include "tests/support/deployment.h"

namespace lienthong::test {

// A replica that stores whatever comes. Feeds are the same for every reader.
class FakeReplica final : public ReplicaView {
 public:
  struct Entry {
    Bytes id;
    std::variant<Statement, SealedUnit> content;
    NodeId origin;
    std::size_t bytes = 0;
    std::uint64_t hash = 0;  // of the feed, here
    bool custody = false;
    std::vector<std::uint64_t> ancestors = {};  // of its record, before it
  };
  FakeReplica(std::shared_ptr<const Registry> registry, std::uint64_t epoch)
      : registry_(std::move(registry)), epochs_{epoch, epoch} {}

  // ---- writing ----
  void set_registry(std::shared_ptr<const Registry> registry) { registry_ = std::move(registry); }
  void mint_epoch(FeedKind kind, std::uint64_t epoch) { epochs_[at(kind)] = epoch; }
  // What a store does when a reader names a place.
  void renew_unless_it_fits(FeedKind kind, const FeedMark& mark) {
    const auto& feed = feeds_[at(kind)];
    if (mark.epoch != epochs_[at(kind)] || mark.number == 0) return;
    if (mark.number > feed.size() || feed[mark.number - 1].hash != mark.hash)
      epochs_[at(kind)] += 1000;
  }
  void add_statement(const Statement& statement, const NodeId& origin = {}) {
    Entry entry;
    entry.id = to_bytes(statement_id(registry_->root(), statement).view());
    entry.bytes = encode_statement(statement).size();
    entry.content = statement;
    entry.origin = origin;
    append(FeedKind::kRegistry, std::move(entry));
  }
  UpdateId add_unit(const SealedUnit& unit, const NodeId& origin = {}) {
    const Update& update = unit.leaves.front().update;
    const UpdateId id = update_id(registry_->root(), update);
    Entry entry;
    entry.id = to_bytes(id.view());
    entry.bytes = update.open.size() + update.closed.size() + 300;
    entry.content = unit;
    entry.origin = origin;
    append(FeedKind::kUpdates, std::move(entry));
    return id;
  }
  // A new update of `author`, sealed alone.
  UpdateId write(TestNode& author, std::string_view text, std::size_t padding = 0) {
    Update update;
    update.envelope.certificate = author.certificate;
    update.envelope.hlc = Hlc::at(1'700'000'000'000 + static_cast<UnixMillis>(feed_size()));
    update.open = to_bytes(as_bytes(text));
    for (std::size_t i = 0; i < padding; ++i) {
      mixer_ = mixer_ * 6364136223846793005ULL + 1442695040888963407ULL;
      update.open.push_back(static_cast<std::uint8_t>(mixer_ >> 56));
    }
    const std::array leaves{id_cast<Hash256>(update_id(registry_->root(), update))};
    SealedUnit unit;
    unit.seal = author.seal(registry_->root(), leaves);
    unit.leaves.push_back(SealedLeaf{0, update});
    return add_unit(unit);
  }
  // What a driver's store does with a part; returns the durable cursor.
  Cursor store(FeedKind kind, const NodeId& writer, const FeedPart& part,
               bool beside_healing = false) {
    for (const Statement& statement : part.statements) {
      received_.push_back(to_bytes(statement_id(registry_->root(), statement).view()));
    }
    for (const SealedUnit& unit : part.units) {
      for (const SealedLeaf& leaf : unit.leaves) {
        received_.push_back(to_bytes(update_id(registry_->root(), leaf.update).view()));
      }
    }
    Cursor& cursor = cursors_[{kind, writer}];
    if (beside_healing && cursor.mark.number > 0 && cursor.mark.epoch != part.epoch) return cursor;
    for (const CursorRange& stretch : part.covered) {
      cursor.add(part.epoch, stretch.first, stretch.last, stretch.hash);
    }
    return cursor;
  }
  void set_cursor(FeedKind kind, const NodeId& writer, const Cursor& cursor) {
    cursors_[{kind, writer}] = cursor;
  }

  void set_heard(FeedKind kind, const NodeId& reader, const Cursor& cursor) {
    heard_[{kind, reader}] = cursor;
  }

  // ---- looking ----
  std::size_t feed_size() const { return feeds_[1].size(); }
  const std::vector<Entry>& feed(FeedKind kind) const { return feeds_[at(kind)]; }
  const std::vector<Bytes>& received() const { return received_; }  // ids, as they came
  bool received_once(const FakeReplica& other) const {
    std::multiset<Bytes> have(received_.begin(), received_.end());
    std::multiset<Bytes> want;
    for (const auto& feed : other.feeds_) {
      for (const Entry& entry : feed) want.insert(entry.id);
    }
    return have == want;
  }

  // ---- ReplicaView ----
  std::shared_ptr<const Registry> registry() const override { return registry_; }
  FeedMark feed_end(FeedKind kind, const AgencyId&) const override {
    const auto& feed = feeds_[at(kind)];
    return FeedMark{epochs_[at(kind)], feed.size(), feed.empty() ? 0 : feed.back().hash};
  }
  std::optional<std::uint64_t> feed_hash(FeedKind kind, const AgencyId&,
                                         std::uint64_t number) const override {
    const auto& feed = feeds_[at(kind)];
    if (number > feed.size()) return std::nullopt;
    return number == 0 ? 0 : feed[number - 1].hash;
  }
  Result<std::optional<FeedPart>> read_feed(const FeedRead& what) const override {
    const auto& [kind, agency, reader, echo, first, last, bytes_max, skip] = what;
    const auto& feed = feeds_[at(kind)];
    if (first > feed.size()) return std::optional<FeedPart>();
    FeedPart part;
    part.epoch = epochs_[at(kind)];
    CursorRange stretch{first, 0, 0};
    std::size_t bytes = 0;
    for (std::uint64_t n = first; n <= feed.size(); ++n) {
      const Entry& entry = feed[n - 1];
      if (n > last || (n > first && bytes + entry.bytes > bytes_max)) break;
      const bool echoed = !reader.is_zero() && entry.origin == reader;
      if (echoed && echo == Echo::kStopBefore) break;
      stretch.last = n;
      stretch.hash = entry.hash;
      if (echoed && echo == Echo::kPassOver) continue;
      if (std::any_of(skip.begin(), skip.end(), [n](const CursorRange& range) {
            return range.first <= n && n <= range.last;
          })) {
        continue;
      }
      bytes += entry.bytes;
      if (const auto* statement = std::get_if<Statement>(&entry.content)) {
        part.statements.push_back(*statement);
      } else {
        part.units.push_back(std::get<SealedUnit>(entry.content));
      }
    }
    if (stretch.last == 0) return std::optional<FeedPart>();
    part.covered.push_back(stretch);
    return std::optional<FeedPart>(std::move(part));
  }
  std::vector<FeedLine> feed_lines(const AgencyId&, const NodeId& reader, std::uint64_t first,
                                   std::size_t limit) const override {
    std::vector<FeedLine> lines;
    const auto& feed = feeds_[at(FeedKind::kUpdates)];
    for (std::uint64_t n = first; n >= 1 && n <= feed.size() && lines.size() < limit; ++n) {
      lines.push_back(FeedLine{n, feed[n - 1].custody, true, feed[n - 1].origin == reader});
    }
    return lines;
  }
  std::vector<std::uint64_t> feed_places(const AgencyId&, std::uint64_t position) const override {
    std::vector<std::uint64_t> places = feeds_[at(FeedKind::kUpdates)].at(position - 1).ancestors;
    places.push_back(position);
    return places;
  }
  Result<std::optional<FeedPart>> read_places(
      const AgencyId&, const NodeId& reader, Echo echo,
      std::span<const std::uint64_t> places) const override {
    const auto& feed = feeds_[at(FeedKind::kUpdates)];
    FeedPart part;
    part.epoch = epochs_[at(FeedKind::kUpdates)];
    for (const std::uint64_t place : places) {
      const Entry& entry = feed.at(place - 1);
      if (part.covered.empty() || part.covered.back().last + 1 != place) {
        part.covered.push_back(CursorRange{place, place, entry.hash});
      }
      part.covered.back().last = place;
      part.covered.back().hash = entry.hash;
      if (entry.origin == reader && echo == Echo::kPassOver) continue;
      part.units.push_back(std::get<SealedUnit>(entry.content));
    }
    if (part.covered.empty()) return std::optional<FeedPart>();
    return std::optional<FeedPart>(std::move(part));
  }
  // The newest update of the feed of updates is a custody link of a record whose other updates lie
  // at these places.
  void mark_custody(std::vector<std::uint64_t> ancestors) {
    feeds_[at(FeedKind::kUpdates)].back().custody = true;
    feeds_[at(FeedKind::kUpdates)].back().ancestors = std::move(ancestors);
  }
  Cursor cursor(FeedKind kind, const NodeId& writer) const override {
    const auto found = cursors_.find({kind, writer});
    return found == cursors_.end() ? Cursor{} : found->second;
  }
  Cursor heard_cursor(FeedKind kind, const NodeId& reader) const override {
    const auto found = heard_.find({kind, reader});
    return found == heard_.end() ? Cursor{} : found->second;
  }

 private:
  static std::size_t at(FeedKind kind) { return static_cast<std::size_t>(kind); }
  void append(FeedKind kind, Entry entry) {
    auto& feed = feeds_[at(kind)];
    const std::uint64_t before = feed.empty() ? 0 : feed.back().hash;
    entry.hash = next_feed_hash(registry_->root(), before, entry.id);
    feed.push_back(std::move(entry));
  }

  std::shared_ptr<const Registry> registry_;
  std::array<std::uint64_t, 2> epochs_;
  std::array<std::vector<Entry>, 2> feeds_;
  std::map<std::pair<FeedKind, NodeId>, Cursor> cursors_;
  std::map<std::pair<FeedKind, NodeId>, Cursor> heard_;
  std::vector<Bytes> received_;
  std::uint64_t mixer_ = 1;
};

// One end of a session with a driver that stores at once, or when told.
struct End {
  FakeReplica* replica = nullptr;
  Session session;
  bool stores_at_once = true;
  bool renews = true;              // a feed in which the peer names a place that is not there
  Bytes outgoing;                  // not delivered yet
  Bytes sent;                      // all that ever left
  std::vector<StorePart> waiting;  // when not stored at once
  std::vector<StorePart> parts;    // all that were handed out
  std::optional<Established> established;
  std::vector<PeerCursor> peer_cursors;
  std::vector<PeerRefused> refusals;
  std::vector<PeerLanes> lanes;
  std::optional<std::uint64_t> stood_still;
  bool live = false;
  std::optional<CloseSession> closed;
  std::string log;  // kinds of actions in order, SendBytes left out

  End(FakeReplica& r, SessionConfig config, Instant now)
      : replica(&r), session(r, std::move(config), now) {}

  void store(const StorePart& part, Instant now) {
    auto decoded = wire::decode_part_body(replica->registry()->root(), part.part.body);
    if (!decoded.ok()) return session.on_store_failed(part.token, decoded.error(), now);
    decoded->epoch = part.part.epoch;
    decoded->covered = part.part.covered;
    const Cursor cursor =
        replica->store(part.kind, established->node, *decoded, part.beside_healing);
    session.on_stored(part.token, cursor, {}, "", now);
  }
  void store_waiting(Instant now) {
    for (const StorePart& part : std::exchange(waiting, {})) store(part, now);
  }
  // Carries out what the session asks.
  void perform(Instant now) {
    for (Action& action : session.take_actions()) {
      if (auto* send = std::get_if<SendBytes>(&action)) {
        outgoing.insert(outgoing.end(), send->bytes.begin(), send->bytes.end());
        sent.insert(sent.end(), send->bytes.begin(), send->bytes.end());
      } else if (auto* part = std::get_if<StorePart>(&action)) {
        log += 'S';
        parts.push_back(*part);
        if (stores_at_once) {
          store(*part, now);
        } else {
          waiting.push_back(std::move(*part));
        }
      } else if (auto* fact = std::get_if<Established>(&action)) {
        log += 'E';
        LT_CHECK(!established);
        established = std::move(*fact);
      } else if (auto* cursor = std::get_if<PeerCursor>(&action)) {
        log += 'C';
        peer_cursors.push_back(std::move(*cursor));
        const PeerCursor& heard = peer_cursors.back();
        if (!renews || !heard.in_full) continue;
        replica->renew_unless_it_fits(heard.kind, heard.cursor.mark);
        session.on_feed_grown(now);
      } else if (std::holds_alternative<Live>(action)) {
        live = true;
      } else if (auto* changed = std::get_if<PeerLanes>(&action)) {
        lanes.push_back(std::move(*changed));
      } else if (auto* refused = std::get_if<PeerRefused>(&action)) {
        log += 'R';
        refusals.push_back(std::move(*refused));
      } else if (const auto* standing = std::get_if<StandsStill>(&action)) {
        stood_still = standing->pending;
      } else if (auto* close = std::get_if<CloseSession>(&action)) {
        log += 'X';
        LT_CHECK(!closed);
        closed = std::move(*close);
      }
    }
  }
};

// Delivers until nobody has anything to say, in pieces of `chunk` bytes; stops after `budget`
// bytes.
inline std::size_t run(End& a, End& b, Instant now, std::size_t chunk = 1U << 20,
                       std::size_t budget = SIZE_MAX) {
  std::size_t delivered = 0;
  const auto pass = [&](End& from, End& to) {
    const Bytes bytes = std::exchange(from.outgoing, {});
    for (std::size_t at = 0; at < bytes.size() && delivered < budget;) {
      const std::size_t size = std::min({chunk, bytes.size() - at, budget - delivered});
      if (!to.session.closed()) {
        static_cast<void>(to.session.on_bytes(ByteView(bytes).subspan(at, size), now));
      }
      to.perform(now);
      at += size;
      delivered += size;
    }
  };
  for (;;) {
    a.perform(now);
    b.perform(now);
    if ((a.outgoing.empty() && b.outgoing.empty()) || delivered >= budget) return delivered;
    pass(a, b);
    pass(b, a);
  }
}

// The reader stores what waits and both go on, until nothing waits. Whether all of the writer's
// feed has been acknowledged then.
inline bool store_to_the_end(End& writer, End& reader, Instant now) {
  while (!reader.waiting.empty()) {
    reader.store_waiting(now);
    run(writer, reader, now);
  }
  return writer.session.stats().drained_out;
}

// The writer gets room piece by piece, as long as it wants any and nobody hangs up.
inline void make_room_to_the_end(End& writer, End& reader, std::size_t piece, Instant now) {
  while (writer.session.wants_room() && !writer.session.closed() && !reader.session.closed()) {
    writer.session.on_room(piece, now);
    run(writer, reader, now);
  }
}

}  // namespace lienthong::test
