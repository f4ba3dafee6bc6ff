#include <deque>

#include "protocol/base/limits.h"
#include "protocol/session/blob_lane.h"
#include "protocol/sync/healing.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/support/fake_feeds.h"

namespace lienthong::fuzz {
namespace {

using Queue = std::deque<Bytes>;

// A script: pairs of a byte that says what happens to the next message of one side, and a number.
struct Step {
  bool from_first = false;
  std::uint8_t how = 0;  // 0 to 15
  std::uint8_t number = 0;
};
std::vector<Step> steps_of(ByteView script) {
  std::vector<Step> out;
  for (std::size_t i = 0; i + 1 < script.size() && out.size() < 200; i += 2)
    out.push_back(
        {(script[i] & 0x80) != 0, static_cast<std::uint8_t>(script[i] & 15), script[i + 1]});
  return out;
}

// What arrives of the front of `queue`; none: nothing does.
std::optional<Bytes> arrives(Queue& queue, const Step& step) {
  if (queue.empty()) return std::nullopt;
  Bytes body = queue.front();
  if (step.how != 8) queue.pop_front();  // 8: once more later
  const std::size_t at = body.empty() ? 0 : step.number % body.size();
  const auto place = body.begin() + static_cast<std::ptrdiff_t>(at);
  switch (step.how) {
    case 9: return std::nullopt;  // lost
    case 10:
      if (!body.empty()) *place = static_cast<std::uint8_t>(*place ^ 0x41);
      break;
    case 11: body.resize(at); break;
    case 12: body.insert(place, step.number); break;
    case 13: body.assign(1 + step.number % 8, step.number); break;
    case 14:  // a large number where one is expected
      if (body.size() > 2) std::fill(body.begin() + 1, body.end(), std::uint8_t{0xff});
      break;
    default: break;
  }
  return body;
}

// ---- blobs ----

const RootFingerprint kRoot = RootFingerprint::from(Bytes(32, 7));
const NodeId kFirst = NodeId::from(Bytes(32, 1)), kSecond = NodeId::from(Bytes(32, 2));
const AgencyId kAgency = AgencyId::from(Bytes(32, 3));
const RecordId kRecord = RecordId::from(Bytes(32, 5));

struct File {
  explicit File(std::size_t size) {
    ChunkHasher hasher(kRoot);
    const auto keep = [this](std::uint32_t, ByteView chunk) { chunks.push_back(to_bytes(chunk)); };
    LT_CHECK(hasher.add(Bytes(size, static_cast<std::uint8_t>(size)), keep).ok());
    tree = *hasher.finish(keep);
  }
  std::vector<Bytes> chunks;
  std::optional<ChunkTree> tree;
};
const std::vector<File>& files() {
  static const std::vector<File> made{File(3 * kChunkBytes + 17), File(40), File(kChunkBytes)};
  return made;
}

// Has the first `count` of the files.
class Shelf final : public BlobView {
 public:
  explicit Shelf(std::size_t count) : count_(count) {}
  BlobEnd may_read(const AgencyId&, const BlobId& id, const RecordId& under) const override {
    if (under != kRecord) return BlobEnd::kNotHere;
    return id == files()[2].tree->id() ? BlobEnd::kNoRight : BlobEnd::kSent;
  }
  std::optional<RecordId> asked_under(const AgencyId&, const BlobId&,
                                      const std::set<RecordId>& refused) const override {
    return refused.contains(kRecord) ? std::nullopt : std::optional(kRecord);
  }
  std::optional<std::uint64_t> held_size(const BlobId& id) const override {
    const File* file = find(id);
    return file != nullptr ? std::optional(file->tree->size()) : std::nullopt;
  }
  std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const override {
    const File* file = find(id);
    if (file == nullptr) return std::nullopt;
    LT_CHECK(index < file->chunks.size());
    return HeldChunk{file->tree->size(), file->chunks[index], file->tree->proof(index)};
  }

 private:
  const File* find(const BlobId& id) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (files()[i].tree->id() == id) return &files()[i];
    return nullptr;
  }
  std::size_t count_;
};

struct BlobEndpoint {
  BlobEndpoint(std::size_t count, const NodeId& peer, const NodeId& ours)
      : shelf(count), lane(shelf, kRoot, {kAgency, peer, ours}) {}
  Shelf shelf;
  BlobLane lane;
  Queue outgoing;
  bool open = true;

  // What is handed out must be a chunk of a file that there is.
  void perform() {
    for (const BlobAction& action : lane.take_actions()) {
      const auto* store = std::get_if<StoreChunk>(&action);
      if (store == nullptr) continue;
      LT_CHECK(verify_chunk(kRoot, store->id, store->chunk.size, store->index, store->chunk.bytes,
                            store->chunk.proof)
                   .ok());
      lane.on_stored();
    }
    for (int i = 0; i < 50; ++i) {
      auto body = lane.next_message(16 * 1024);
      if (!body) return;
      outgoing.push_back(*std::move(body));
    }
  }
  void take(ByteView body) {
    if (open) open = lane.on_message(body).ok();
    if (open) perform();
  }
};

// ---- healing ----

struct HealEndpoint {
  HealEndpoint(const test::FakeFeed& of, bool leads)
      : feed(of), healing(feed, config(of.mark().epoch, leads)) {}
  static test::FakeFeed filled(std::uint64_t epoch, std::uint64_t first, std::uint64_t last) {
    test::FakeFeed out(epoch);
    for (std::uint64_t i = first; i <= last; ++i) out.add(i);
    return out;
  }
  static HealingConfig config(std::uint64_t nonce, bool leads) {
    HealingConfig out;
    out.root = test::kHealRoot;
    out.leads = leads;
    out.nonce = nonce;
    out.entry_count_min = 1;
    out.part_bytes_max = 2000;
    out.quiet = [](FeedKind) { return true; };
    out.flows_from = [](FeedKind) { return UINT64_MAX; };
    return out;
  }
  test::FakeFeed feed;
  Healing healing;
  HealEndpoint* other = nullptr;
  Queue outgoing;
  bool open = true;

  void perform(Instant now) {
    for (int round = 0; round < 100 && open; ++round) {
      for (int i = 0; i < 100 && healing.has_work(); ++i) healing.work(now);
      auto actions = healing.take_actions();
      if (actions.empty()) return;
      for (HealAction& action : actions) {
        if (auto* send = std::get_if<SendHeal>(&action)) {
          LT_CHECK(send->body.size() <= kMessageBytesMax);
          outgoing.push_back(std::move(send->body));
        } else if (const auto* store = std::get_if<StoreHealed>(&action)) {
          LT_CHECK(store->part.covered.empty());
          healing.on_stored(store->token, now);
        } else if (const auto* set = std::get_if<SetCursor>(&action)) {
          healing.on_cursor_set(set->kind, now);
          other->healing.on_peer_cursor(set->kind, now);
        }
      }
    }
  }
  void take(ByteView body, Instant now) {
    if (open) open = healing.on_message(body, now).ok();
    if (open) perform(now);
  }
};

}  // namespace

void hostile_blob_lane(ByteView input) {
  BlobEndpoint asker(0, kSecond, kFirst), giver(3, kFirst, kSecond);
  for (const File& file : files())
    asker.lane.fetch(file.tree->id(), {{0, static_cast<std::uint32_t>(file.chunks.size())}});
  giver.lane.announce(files()[0].tree->id(), files()[0].tree->size());
  static_cast<void>(giver.lane.prove(files()[1].tree->id(), kRecord, BlobNonce{}));
  asker.perform();
  giver.perform();
  for (const Step& step : steps_of(input)) {
    BlobEndpoint& from = step.from_first ? asker : giver;
    BlobEndpoint& to = step.from_first ? giver : asker;
    if (step.how == 15) {
      to.lane.on_tick();
      to.lane.set_open((step.number & 1) != 0);
      if ((step.number & 2) != 0) to.lane.stop(files()[step.number % 3].tree->id());
      to.perform();
      continue;
    }
    if (const auto body = arrives(from.outgoing, step)) to.take(*body);
  }
}

void hostile_healing(ByteView input) {
  Instant now{std::chrono::seconds(1000)};
  static const test::FakeFeed one = HealEndpoint::filled(11, 1, 60),
                              two = HealEndpoint::filled(22, 20, 75);
  HealEndpoint first(one, true), second(two, false);
  first.other = &second;
  second.other = &first;
  static_cast<void>(first.healing.on_lost_cursor(FeedKind::kUpdates, now));
  first.perform(now);
  for (const Step& step : steps_of(input)) {
    HealEndpoint& from = step.from_first ? first : second;
    HealEndpoint& to = step.from_first ? second : first;
    if (step.how == 15) {
      now += std::chrono::milliseconds(250) * step.number;
      if (to.open) to.healing.on_tick(now);
      if (to.open && (step.number & 1) != 0) to.healing.request(FeedKind::kUpdates);
      to.perform(now);
      continue;
    }
    if (const auto body = arrives(from.outgoing, step)) to.take(*body, now);
  }
}

std::vector<Bytes> seeds_of_scripts() {
  Bytes good;
  for (int i = 0; i < 24; ++i) good.insert(good.end(), {0x80, 0, 0x00, 0});
  Bytes late = good;
  late[8] = 15;
  late[9] = 41;
  Bytes spoilt = good;
  spoilt[10] = 10;
  spoilt[11] = 7;
  return {good, late, spoilt};
}

}  // namespace lienthong::fuzz
