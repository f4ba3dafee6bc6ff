#include "agent/files/blob_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/any_io_executor.hpp>

#include "agent/engine/log.h"

namespace lienthong::agent {
namespace {

constexpr std::size_t kFetchesPerLink = 2;
constexpr std::size_t kFetchingLinksMax = 16;
constexpr std::size_t kWantsLookedAt = 512;
constexpr std::size_t kCatchUpUpdates = 2000;
constexpr std::size_t kToldMax = 4096;
constexpr std::size_t kLackingMax = 4096;
constexpr std::size_t kReceivedMax = 1024;
constexpr std::size_t kUploadsMax = 8;
constexpr std::size_t kUploadStep = 1U << 20;
constexpr std::chrono::milliseconds kQuiet{500};   // of the replica, before the index catches up
constexpr std::chrono::seconds kCatchUpMax{10};    // however busy it is
constexpr std::chrono::seconds kScheduleEvery{3};  // at once when something has changed
constexpr std::chrono::milliseconds kSettle{500};  // for stored chunks to be on the disk
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::minutes kUploadIdleMax{10};
constexpr std::chrono::minutes kSweepEvery{60}, kFirstSweep{2};
constexpr std::size_t kDropsAtOnce = 64;
constexpr std::chrono::seconds kLookEvery{15};  // 16 MB in four minutes, 5 GB in a day
constexpr std::uint32_t kLookChunks = 16;

// After the first failure it is tried again soon: the other side may not have taken in the record
// yet by which we may have the file. Then ever later, up to this.
std::chrono::seconds pause_max(BlobEnd end) {
  switch (end) {
    case BlobEnd::kSent: return std::chrono::seconds(0);
    case BlobEnd::kNotHere:
    case BlobEnd::kNotNow: return std::chrono::minutes(1);
    case BlobEnd::kNoRight: return std::chrono::minutes(10);
    case BlobEnd::kErased: return std::chrono::hours(24);
    case BlobEnd::kBad: return std::chrono::hours(1);
  }
  return std::chrono::minutes(1);
}

// Asked for by a person first, then what is held here, then for others.
int rank(const store::BlobWant& want) {
  if (want.has(store::BlobReason::kDemand)) return 0;
  return want.has(store::BlobReason::kCustody) ? 1 : 2;
}

void log_failure(const char* what, const Error& error) {
  spdlog::error("event={} error={}", what, in_quotes(error.message()));
}

}  // namespace

const char* to_string(BlobState state) {
  switch (state) {
    case BlobState::kHere: return "here";
    case BlobState::kFetching: return "fetching";
    case BlobState::kWaiting: return "waiting";
    case BlobState::kAbsent: return "absent";
  }
  return "absent";
}

BlobKeeper::BlobKeeper(std::unique_ptr<store::Blobs> blobs, Engine& engine, Entropy& entropy,
                       BlobPolicy policy, asio::any_io_executor loop)
    : blobs_(std::move(blobs)),
      engine_(engine),
      entropy_(entropy),
      policy_(policy),
      worker_(loop, [this](const std::string& error) { on_worker_failed(error); }) {
  const auto salt = entropy_.array<8>();
  upload_salt_ = *ByteReader(salt).u64();
  next_sweep_ = now() + kFirstSweep;
}

BlobKeeper::~BlobKeeper() { stop(); }

void BlobKeeper::on_worker_failed(const std::string& error) {
  if (engine_.faults().note("scans", error, engine_.clock().now()))
    spdlog::error("child=\"scans\" event=ended_unexpectedly error={}", in_quotes(error));
}

void BlobKeeper::stop() {
  stopped_ = true;
  worker_.stop();
}

// ---- what others may ask ----

BlobStatus BlobKeeper::status(const BlobId& id) const {
  BlobStatus out;
  const auto want = blobs_->find_want(id);
  out.wanted = want.has_value();
  if (want) out.size = want->size;
  if (const auto blob = blobs_->find(id)) {
    out.size = blob->size;
    out.held_bytes = blob->held_bytes;
    out.chunks = blob->chunks;
    out.held = blob->held;
    if (blob->complete()) out.state = BlobState::kHere;
  }
  const std::lock_guard lock(mutex_);
  if (const auto at = received_.find(id); at != received_.end()) out.received_here = at->second;
  if (out.state == BlobState::kHere) return out;
  if (const auto at = running_.find(id); at != running_.end()) {
    out.state = BlobState::kFetching;
    if (at->second.peer->link != nullptr) out.from = at->second.peer->link->blob_agency();
    const std::chrono::duration<double> time = now() - at->second.since;
    if (time.count() > 0)
      out.rate = static_cast<std::uint64_t>(static_cast<double>(at->second.bytes) / time.count());
  } else if (out.wanted) {
    out.state = BlobState::kWaiting;
    const auto why = why_.find(id);
    out.why = why != why_.end() ? why->second : "no-neighbour";
  }
  return out;
}

// The index lags a little behind the replica: what is not in it yet may have just come.
bool BlobKeeper::knows(const BlobId& id) {
  const auto known = [&] { return blobs_->find(id) || !blobs_->records(id).empty(); };
  if (known()) return true;
  for (;;) {
    const auto more = blobs_->catch_up(kCatchUpUpdates, engine_.clock().now());
    if (known()) return true;
    if (!more.ok() || !*more) return false;
  }
}

Result<void> BlobKeeper::demand(const BlobId& id) {
  auto wanted = blobs_->want(id, store::BlobReason::kDemand, engine_.clock().now());
  demanded_ = true;
  return wanted;
}

Result<void> BlobKeeper::add(std::string& upload, std::uint64_t offset, ByteView bytes) {
  std::shared_ptr<Upload> file;
  {
    const std::lock_guard lock(mutex_);
    if (upload.empty()) {
      if (uploads_.size() >= kUploadsMax)
        return Error(Errc::kBusy, "too many files are on their way in; try again in a while");
      LT_TRY(store::BlobUpload begun, blobs_->begin_upload());
      ByteWriter name;
      name.u64(upload_salt_ + ++upload_count_);
      upload = to_hex(name.bytes());
      uploads_[upload] = std::make_shared<Upload>(std::move(begun), now());
    }
    const auto at = uploads_.find(upload);
    if (at == uploads_.end())
      return Error(Errc::kNotFound, "no such upload; begin again at offset 0");
    file = at->second;
    file->used = now();
  }
  const std::lock_guard one(file->mutex);
  if (offset != file->file.size())
    return Error(Errc::kInvalidArgument,
                 "the upload goes on at offset " + std::to_string(file->file.size()));
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), kUploadStep);
    if (auto added = file->file.add(bytes.first(size)); !added.ok()) {
      static_cast<void>(file->file.abandon());
      const std::lock_guard lock(mutex_);
      uploads_.erase(upload);
      return added;
    }
    bytes = bytes.subspan(size);
  }
  return {};
}

Result<store::BlobInfo> BlobKeeper::finish(const std::string& upload) {
  std::shared_ptr<Upload> file;
  {
    const std::lock_guard lock(mutex_);
    const auto at = uploads_.find(upload);
    if (at == uploads_.end())
      return Error(Errc::kNotFound, "no such upload; begin again at offset 0");
    file = at->second;
    uploads_.erase(at);
  }
  const std::lock_guard one(file->mutex);
  auto done = file->file.finish(engine_.clock().now());
  if (!done.ok()) static_cast<void>(file->file.abandon());
  return done;
}

void BlobKeeper::forget_idle_uploads() {
  const std::lock_guard lock(mutex_);
  std::erase_if(uploads_, [this](auto& upload) {
    if (now() - upload.second->used < kUploadIdleMax) return false;
    const std::lock_guard one(upload.second->mutex);
    static_cast<void>(upload.second->file.abandon());
    return true;
  });
}

// ---- peers ----

void BlobKeeper::peer_up(BlobPeer& peer) {
  auto state = std::make_shared<Peer>();
  state->link = &peer;
  peers_[&peer] = std::move(state);
  next_schedule_ = Instant();
}

void BlobKeeper::peer_down(BlobPeer& peer) {
  const auto at = peers_.find(&peer);
  if (at == peers_.end()) return;
  const std::lock_guard lock(mutex_);
  std::erase_if(running_, [&](const auto& running) { return running.second.peer == at->second; });
  at->second->link = nullptr;
  peers_.erase(at);
  next_schedule_ = Instant();
}

void BlobKeeper::on_actions(BlobPeer& peer) {
  const auto at = peers_.find(&peer);
  if (at == peers_.end() || stopped_) return;
  const auto state = at->second;
  for (BlobAction& action : peer.blob_lane().take_actions()) perform(state, action);
}

void BlobKeeper::perform(const std::shared_ptr<Peer>& peer, BlobAction& action) {
  if (auto* chunk = std::get_if<StoreChunk>(&action)) {
    store_chunk(peer, std::move(*chunk));
  } else if (const auto* end = std::get_if<FetchEnded>(&action)) {
    on_fetch_ended(peer, *end);
  } else if (const auto* holds = std::get_if<PeerHolds>(&action)) {
    on_peer_holds(peer, *holds);
  } else if (const auto* lacks = std::get_if<PeerLacks>(&action)) {
    on_peer_lacks(peer, *lacks);
  } else if (const auto* proved = std::get_if<PeerProved>(&action)) {
    on_proved(peer, *proved);
  }
}

void BlobKeeper::store_chunk(const std::shared_ptr<Peer>& peer, StoreChunk chunk) {
  struct Work {
    StoreChunk chunk;
    Result<bool> whole = false;
  };
  const auto work = std::make_shared<Work>(Work{std::move(chunk), false});
  const auto put = [this, work] {
    work->whole = blobs_->put_chunk(work->chunk.id, work->chunk.index, work->chunk.chunk,
                                    engine_.clock().now(), work->chunk.under);
  };
  worker_.post(put, [this, peer, work] {
    const HeldChunk& stored = work->chunk.chunk;
    on_stored(peer, work->chunk.id, work->whole, stored.size, stored.bytes.size());
  });
}

void BlobKeeper::on_stored(const std::shared_ptr<Peer>& peer, const BlobId& id,
                           const Result<bool>& whole, std::uint64_t size, std::size_t bytes) {
  if (stopped_) return;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = running_.find(id); at != running_.end()) at->second.bytes += bytes;
    if (received_.size() >= kReceivedMax && !received_.contains(id)) received_.clear();
    received_[id] += bytes;
    if (whole.ok() && *whole) {
      running_.erase(id);
      why_.erase(id);
    }
  }
  if (!whole.ok()) log_failure("scan_not_stored", whole.error());
  if (whole.ok() && *whole) {
    spdlog::info("event=scan_here blob={} bytes={}", id.short_hex(), size);
    const auto waiting = lacking_.extract(id);
    for (const auto& [link, other] : std::map(peers_)) {
      const bool asked = !waiting.empty() && waiting.mapped().contains(link->blob_node());
      if (other == peer || asked) tell(other, id, size);
    }
  }
  if (peer->link == nullptr) return;
  BlobPeer& link = *peer->link;
  if (!whole.ok()) link.blob_lane().stop(id);
  link.blob_lane().on_stored();
  if (!whole.ok()) on_fetch_ended(peer, FetchEnded{id, BlobEnd::kNotNow});
  link.blob_lane_spoke();
}

void BlobKeeper::on_fetch_ended(const std::shared_ptr<Peer>& peer, const FetchEnded& end) {
  if (end.end == BlobEnd::kSent) {
    // Stored chunks are still on their way to the disk; the next look tells what is missing.
    peer->not_before[end.id] = now() + kSettle;
    peer->failures.erase(end.id);
  } else {
    const unsigned failures = std::min(peer->failures[end.id]++, 16U);
    const bool bad = end.end == BlobEnd::kBad;  // costs bytes each time
    const std::chrono::seconds pause = bad ? pause_max(end.end) : kFirstPause * (1U << failures);
    peer->not_before[end.id] = now() + std::min(pause, pause_max(end.end));
  }
  if (end.end == BlobEnd::kBad && peer->link != nullptr)
    spdlog::warn("peer={} event=scan_does_not_verify blob={}", peer->link->blob_node().short_hex(),
                 end.id.short_hex());
  next_schedule_ = std::min(next_schedule_, now() + kSettle);
  const std::lock_guard lock(mutex_);
  running_.erase(end.id);
  if (end.end == BlobEnd::kSent) return;
  if (why_.size() >= kReceivedMax) why_.clear();
  why_[end.id] = to_string(end.end);
}

void BlobKeeper::on_peer_holds(const std::shared_ptr<Peer>& peer, const PeerHolds& holds) {
  peer->not_before.erase(holds.id);
  peer->failures.erase(holds.id);
  const store::BlobHolder holder{peer->link->blob_node(), peer->link->blob_agency()};
  const auto note = [this, id = holds.id, holder] {
    if (auto noted = blobs_->note_holder(id, holder); !noted.ok())
      log_failure("scan_holder_not_noted", noted.error());
  };
  worker_.post(note, nullptr);
  next_schedule_ = Instant();
  if (const auto blob = blobs_->find(holds.id); blob && blob->complete())
    tell(peer, holds.id, blob->size);
}

// Once on a session.
void BlobKeeper::tell(const std::shared_ptr<Peer>& peer, const BlobId& id, std::uint64_t size) {
  if (peer->link == nullptr || peer->told.size() >= kToldMax || !peer->told.insert(id).second)
    return;
  peer->link->blob_lane().announce(id, size);
  peer->link->blob_lane_spoke();
}

// A neighbour wants what we may have but do not: it is fetched for it, and it is told.
void BlobKeeper::on_peer_lacks(const std::shared_ptr<Peer>& peer, const PeerLacks& lacks) {
  const BlobId id = lacks.id;
  if (lacking_.size() < kLackingMax) lacking_[id].insert(peer->link->blob_node());
  if (const auto blob = blobs_->find(id); blob && blob->complete()) {
    if (to_show_.size() < kLackingMax) to_show_.emplace(id, lacks.under);
    next_schedule_ = Instant();
    return;
  }
  const auto want = [this, id] {
    if (auto noted = blobs_->want(id, store::BlobReason::kRelay, engine_.clock().now());
        !noted.ok())
      log_failure("scan_wish_not_noted", noted.error());
  };
  worker_.post(want, [this] { next_schedule_ = Instant(); });
}

// ---- every now and then ----

void BlobKeeper::on_tick() {
  if (stopped_) return;
  for (const auto& [link, peer] : std::map(peers_)) {
    BlobLane& lane = link->blob_lane();
    lane.set_open(link->blob_lane_open());
    lane.on_tick();
    for (BlobAction& action : lane.take_actions()) perform(peer, action);
    if (peer->link != nullptr && lane.has_message()) link->blob_lane_spoke();
  }
  catch_up();
  tend_damage();
  if (demanded_.exchange(false) || now() >= next_schedule_) {
    next_schedule_ = now() + kScheduleEvery;
    schedule();
    ask_to_show();
  }
  if (now() >= next_sweep_ && !catching_up_) {
    next_sweep_ = now() + kSweepEvery;
    forget_idle_uploads();
    look_for_drops();
  }
}

// The index follows the replica when that is quiet, so that a first sync does not pay for it.
void BlobKeeper::catch_up() {
  const std::uint64_t last = engine_.replica().last_change();
  if (last != seen_change_) {
    seen_change_ = last;
    seen_change_at_ = now();
  }
  if (catching_up_ || blobs_->caught_up() >= last) {
    if (!catching_up_) caught_up_at_ = now();
    return;
  }
  if (now() - seen_change_at_ < kQuiet && now() - caught_up_at_ < kCatchUpMax) return;
  catching_up_ = true;
  const auto work = [this] {
    if (auto more = blobs_->catch_up(kCatchUpUpdates, engine_.clock().now()); !more.ok())
      log_failure("scan_index_failed", more.error());
  };
  worker_.post(work, [this] {
    catching_up_ = false;
    next_schedule_ = Instant();
    if (stopped_ || blobs_->caught_up() < engine_.replica().last_change()) return;
    caught_up_at_ = now();
  });
}

// What did not read back is wanted again; and all is read once in a while, so that it is found out
// while a neighbour still has it.
void BlobKeeper::tend_damage() {
  if (tending_ || (!blobs_->has_damage() && now() < next_look_)) return;
  tending_ = true;
  next_look_ = now() + kLookEvery;
  const auto work = [this] {
    blobs_->look_through(looked_through_, kLookChunks);
    const auto given_up = blobs_->give_up_damaged(engine_.clock().now());
    if (!given_up.ok()) return log_failure("scan_not_given_up", given_up.error());
    for (const BlobId& id : *given_up)
      spdlog::error("event=scan_damaged blob={} note=\"it is fetched again\"", blob_text(id));
    if (!given_up->empty()) demanded_ = true;
  };
  worker_.post(work, [this] { tending_ = false; });
}

bool BlobKeeper::may_ask(const Peer& peer, const BlobId& id,
                         const std::vector<AgencyId>& readers) const {
  if (peer.link == nullptr || !peer.link->blob_lane_open()) return false;
  if (peer.link->blob_lane().fetch_count() >= kFetchesPerLink) return false;
  if (const auto at = peer.not_before.find(id); at != peer.not_before.end() && now() < at->second)
    return false;
  return std::ranges::binary_search(readers, peer.link->blob_agency());
}

bool BlobKeeper::start_fetch(const std::shared_ptr<Peer>& peer, const store::BlobWant& want) {
  std::vector<ChunkRange> ranges;
  if (const auto map = blobs_->held(want.id)) {
    ranges = map->missing(kBlobRangeCountMax);
  } else if (want.size >= 1 && want.size <= kBlobBytesMax) {
    ranges = {{0, chunk_count(want.size)}};
  } else {
    ranges = {{0, 1}};  // tells its length
  }
  if (ranges.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    running_[want.id] = Running{peer, now(), 0};
  }
  peer->link->blob_lane().fetch(want.id, std::move(ranges));
  peer->link->blob_lane_spoke();
  return true;
}

void BlobKeeper::schedule() {
  if (peers_.empty() || blobs_->counts().wanted == 0) return;
  auto fetching = static_cast<std::size_t>(std::ranges::count_if(
      peers_, [](const auto& peer) { return peer.first->blob_lane().fetch_count() > 0; }));
  auto wants = blobs_->wants(kWantsLookedAt);
  std::ranges::stable_sort(
      wants, {}, [](const store::BlobWant& want) { return std::pair(rank(want), want.since); });
  for (const store::BlobWant& want : wants) {
    {
      const std::lock_guard lock(mutex_);
      if (running_.contains(want.id)) continue;
    }
    const auto readers = blobs_->readers(want.id);
    const auto origins = blobs_->origins(want.id);
    std::shared_ptr<Peer> best;
    for (const auto& [link, peer] : peers_) {
      if (!may_ask(*peer, want.id, readers)) continue;
      if (fetching >= kFetchingLinksMax && link->blob_lane().fetch_count() == 0) continue;
      const bool origin = std::ranges::count(origins, link->blob_agency()) != 0;
      if (!best || origin) best = peer;
      if (origin) break;
    }
    if (!best) continue;
    if (best->link->blob_lane().fetch_count() == 0) ++fetching;
    start_fetch(best, want);
  }
}

// What did not come with a record is given with it once somebody else who may have it so has shown
// that he holds it.
void BlobKeeper::ask_to_show() {
  std::erase_if(to_show_, [this](const auto& file) {
    const auto blob = blobs_->find(file.first);
    return !blob || !blob->complete() || blobs_->came_with(file.first, file.second);
  });
  for (const auto& [id, under] : to_show_) {
    for (const auto& [link, peer] : peers_) {
      if (const auto at = peer->not_before.find(id);
          at != peer->not_before.end() && now() < at->second)
        continue;
      if (const auto asked = lacking_.find(id);
          asked != lacking_.end() && asked->second.contains(link->blob_node()))
        continue;
      if (!blobs_->is_reader(link->blob_agency(), under)) continue;
      if (link->blob_lane().prove(id, under, entropy_.array<16>())) break;
    }
  }
}

void BlobKeeper::on_shown(const std::shared_ptr<Peer>& peer, const PeerProved& proved) {
  if (!proved.held) {
    peer->not_before[proved.id] = now() + std::chrono::minutes(10);
    return;
  }
  to_show_.erase({proved.id, proved.under});
  const auto note = [this, proved] {
    if (auto noted = blobs_->note_shown(proved.id, proved.under); !noted.ok())
      log_failure("scan_not_noted", noted.error());
  };
  worker_.post(note, [this, id = proved.id] {
    const auto waiting = lacking_.extract(id);
    const auto blob = blobs_->find(id);
    if (stopped_ || waiting.empty() || !blob) return;
    for (const auto& [link, other] : std::map(peers_)) {
      if (!waiting.mapped().contains(link->blob_node())) continue;
      other->told.erase(id);
      tell(other, id, blob->size);
    }
  });
}

// ---- what may go ----

void BlobKeeper::look_for_drops() {
  const UnixMillis at = engine_.clock().now();
  const auto found = std::make_shared<std::vector<BlobId>>();
  const auto look = [this, at, found] {
    if (auto swept = blobs_->sweep(at, policy_.unnamed); !swept.ok()) {
      log_failure("scan_sweep_failed", swept.error());
    } else if (*swept > 0) {
      spdlog::info("event=scans_unnamed_dropped count={}", *swept);
    }
    *found = blobs_->droppable(at, policy_.retention, kDropsAtOnce);
  };
  worker_.post(look, [this, found] {
    if (stopped_) return;
    for (const BlobId& id : *found) {
      const auto origins = blobs_->origins(id);
      for (const auto& [link, peer] : peers_) {
        if (std::ranges::count(origins, link->blob_agency()) == 0) continue;
        if (const auto wait = peer->not_before.find(id);
            wait != peer->not_before.end() && now() < wait->second)
          continue;
        const auto under = blobs_->asked_under(link->blob_agency(), id, {});
        if (under && link->blob_lane().prove(id, *under, entropy_.array<16>())) break;
      }
    }
    if (found->size() == kDropsAtOnce) next_sweep_ = now() + std::chrono::minutes(1);
  });
}

void BlobKeeper::on_proved(const std::shared_ptr<Peer>& peer, const PeerProved& proved) {
  if (to_show_.contains({proved.id, proved.under})) return on_shown(peer, proved);
  if (!proved.held) {
    peer->not_before[proved.id] = now() + std::chrono::hours(24);
    spdlog::warn("peer={} event=scan_not_shown blob={} note=\"kept here\"",
                 peer->link->blob_node().short_hex(), proved.id.short_hex());
    return;
  }
  next_sweep_ = std::min(next_sweep_, now() + std::chrono::seconds(1));
  const auto drop = [this, id = proved.id] {
    auto dropped = blobs_->drop(id, engine_.clock().now(), policy_.retention);
    if (!dropped.ok()) return log_failure("scan_not_dropped", dropped.error());
    if (*dropped) spdlog::info("event=scan_dropped blob={}", id.short_hex());
  };
  worker_.post(drop, nullptr);
}

}  // namespace lienthong::agent
