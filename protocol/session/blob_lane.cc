#include "protocol/session/blob_lane.h"

#include <algorithm>

namespace lienthong {
namespace {

enum class Kind : std::uint8_t {  // on the wire: never change
  kWant = 1,                      // number, id, ranges
  kHead = 2,                      // number, chunk, length of the file, proof, bytes
  kMore = 3,                      // bytes of the same chunk
  kEnd = 4,                       // number, BlobEnd
  kHave = 5,                      // id, length of the file
  kProve = 6,                     // number, id, nonce
  kProof = 7,                     // number, 0 or 1, hash
};

constexpr std::size_t kControlCountMax = 64;     // answers not yet sent
constexpr std::uint32_t kShowChunksAtOnce = 16;  // 1 MB a step
constexpr std::size_t kPieceBytesMin = 512;

ByteWriter message(Kind kind) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(kind));
  return out;
}

Result<BlobId> read_id(ByteReader& in) {
  BlobId id;
  LT_TRY(id.bytes, in.array<BlobId::kSize>());
  if (id.is_zero()) return Error(Errc::kMalformed, "a file without a name");
  return id;
}

Result<std::uint64_t> read_size(ByteReader& in) {
  LT_TRY(const std::uint64_t size, in.varint());
  if (size < 1 || size > kBlobBytesMax)
    return Error(Errc::kTooLarge, "a file of " + std::to_string(size) + " bytes");
  return size;
}

// Disjoint ranges, ascending and none adjacent to the next, as a question has them.
void join_adjacent(std::vector<ChunkRange>& ranges) {
  std::ranges::sort(ranges, {}, &ChunkRange::first);
  std::vector<ChunkRange> joined;
  for (const ChunkRange& range : ranges) {
    if (!joined.empty() && joined.back().first + joined.back().count == range.first)
      joined.back().count += range.count;
    else
      joined.push_back(range);
  }
  ranges = std::move(joined);
}

// Ascending, not adjacent: how far from the end of the one before, how many.
Result<std::deque<ChunkRange>> read_ranges(ByteReader& in) {
  constexpr std::uint64_t kCountMax = chunk_count(kBlobBytesMax);
  LT_TRY(const std::uint64_t count, in.varint());
  if (count < 1 || count > kBlobRangeCountMax)
    return Error(Errc::kTooLarge, std::to_string(count) + " ranges of chunks");
  std::deque<ChunkRange> ranges;
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const std::uint64_t gap, in.varint());
    LT_TRY(const std::uint64_t length, in.varint());
    if (gap > kCountMax || length < 1 || length > kCountMax || at + gap + length > kCountMax ||
        (i > 0 && gap == 0))
      return Error(Errc::kMalformed, "ranges of chunks");
    ranges.push_back({static_cast<std::uint32_t>(at + gap), static_cast<std::uint32_t>(length)});
    at += gap + length;
  }
  return ranges;
}

}  // namespace

const char* to_string(BlobEnd end) {
  switch (end) {
    case BlobEnd::kSent: return "sent";
    case BlobEnd::kNoRight: return "no-right";
    case BlobEnd::kNotHere: return "not-here";
    case BlobEnd::kErased: return "erased";
    case BlobEnd::kNotNow: return "not-now";
    case BlobEnd::kBad: return "bad";
  }
  return "unknown";
}

BlobLane::BlobLane(const BlobView& view, const RootFingerprint& root, Party party,
                   std::vector<RootFingerprint> roots)
    : view_(view), root_(root), roots_(std::move(roots)), party_(party) {
  if (roots_.empty()) roots_.push_back(root);
}

std::vector<BlobAction> BlobLane::take_actions() { return std::exchange(actions_, {}); }

Result<void> BlobLane::on_message(ByteView body) {
  ByteReader in(body);
  LT_TRY(const std::uint8_t kind, in.u8());
  switch (static_cast<Kind>(kind)) {
    case Kind::kWant: return on_want(in);
    case Kind::kHead: return on_head(in);
    case Kind::kMore: return on_more(in);
    case Kind::kEnd: return on_end(in);
    case Kind::kHave: return on_have(in);
    case Kind::kProve: return on_prove(in);
    case Kind::kProof: return on_proof(in);
  }
  return Error(Errc::kMalformed, "a blob message of kind " + std::to_string(kind));
}

bool BlobLane::has_message() const { return !control_.empty() || !serving_.empty(); }

std::optional<Bytes> BlobLane::next_message(std::size_t piece_bytes) {
  while (control_.empty()) {
    if (serving_.empty()) return std::nullopt;
    if (outgoing_ || load_next_chunk()) return next_piece(piece_bytes);
  }
  Bytes out = std::move(control_.front());
  control_.pop_front();
  return out;
}

void BlobLane::set_open(bool open) {
  if (open == open_) return;
  open_ = open;
  if (open) return ask();
  outgoing_.reset();
  for (const Serving& serving : std::exchange(serving_, {}))
    say_end(serving.number, BlobEnd::kNotNow);
}

// ---- asking ----

const BlobLane::Fetch* BlobLane::find_fetch(const BlobId& id) const {
  const auto at = std::ranges::find(fetches_, id, &Fetch::id);
  return at != fetches_.end() ? &*at : nullptr;
}

void BlobLane::fetch(const BlobId& id, std::vector<ChunkRange> ranges) {
  LT_CHECK(!ranges.empty() && ranges.size() <= kBlobRangeCountMax);
  stop(id);
  refused_.erase(id);
  const auto under = view_.asked_under(party_.peer_agency, id, {});
  if (!under) {
    actions_.emplace_back(FetchEnded{id, BlobEnd::kNoRight});
    return;
  }
  fetches_.push_back({id, std::move(ranges), 0, *under});
  ask();
}

void BlobLane::stop(const BlobId& id) {
  std::erase_if(fetches_, [&id](const Fetch& fetch) { return fetch.id == id; });
  for (auto& [number, want] : wants_) {
    if (want.id != id || want.stopped) continue;
    want.stopped = true;
    in_flight_ -= want.expected.size();
    if (half_ && half_->want == number) half_.reset();
  }
}

// Questions for as many chunks as the window has room for.
void BlobLane::ask() {
  for (Fetch& fetch : fetches_) {
    if (!open_ || in_flight_ >= kBlobWindowChunks || wants_.size() >= kBlobWantCountMax) return;
    if (fetch.left.empty()) continue;
    Want want{fetch.id, fetch.under, {}, false};
    std::vector<ChunkRange> ranges;
    while (!fetch.left.empty() && in_flight_ < kBlobWindowChunks) {
      ChunkRange& from = fetch.left.front();
      const auto count = static_cast<std::uint32_t>(
          std::min<std::size_t>(from.count, kBlobWindowChunks - in_flight_));
      ranges.push_back({from.first, count});
      for (std::uint32_t i = 0; i < count; ++i) want.expected.insert(from.first + i);
      in_flight_ += count;
      from = {from.first + count, from.count - count};
      if (from.count == 0) fetch.left.erase(fetch.left.begin());
    }
    ByteWriter out = message(Kind::kWant);
    out.varint(next_want_);
    out.raw(fetch.id.view());
    out.raw(fetch.under.view());
    out.varint(ranges.size());
    std::uint32_t at = 0;
    for (const ChunkRange& range : ranges) {
      out.varint(range.first - at);
      out.varint(range.count);
      at = range.first + range.count;
    }
    control_.push_back(out.take());
    wants_.emplace(next_want_++, std::move(want));
    ++fetch.wants;
  }
}

Result<void> BlobLane::on_head(ByteReader& in) {
  LT_TRY(const std::uint64_t number, in.varint());
  LT_TRY(const std::uint64_t index, in.varint());
  LT_TRY(const std::uint64_t size, read_size(in));
  LT_TRY(const std::uint8_t proof_count, in.u8());
  if (proof_count > kBlobProofCountMax) return Error(Errc::kTooLarge, "the proof of a chunk");
  Half half{number, static_cast<std::uint32_t>(index), {size, {}, {}}};
  for (unsigned i = 0; i < proof_count; ++i) {
    Hash256 hash;
    LT_TRY(hash.bytes, in.array<Hash256::kSize>());
    half.chunk.proof.push_back(hash);
  }
  const auto at = wants_.find(number);
  if (at == wants_.end()) return Error(Errc::kOutOfOrder, "a chunk that was not asked for");
  if (half_) return Error(Errc::kOutOfOrder, "a chunk before the one before it was whole");
  if (index >= chunk_count(size)) return Error(Errc::kMalformed, "a chunk beyond the end");
  if (!at->second.stopped && !at->second.expected.contains(half.index))
    return Error(Errc::kOutOfOrder, "a chunk that was not asked for");
  half_ = std::move(half);
  return take_piece(in.rest());
}

Result<void> BlobLane::on_more(ByteReader& in) {
  if (!half_) {
    // The rest of a chunk whose fetch was stopped in the middle.
    const bool passing =
        std::ranges::any_of(wants_, [](const auto& w) { return w.second.stopped; });
    if (!passing) return Error(Errc::kOutOfOrder, "a piece of no chunk");
    received_bytes_ += in.rest().size();
    return {};
  }
  return take_piece(in.rest());
}

Result<void> BlobLane::take_piece(ByteView bytes) {
  HeldChunk& chunk = half_->chunk;
  const std::size_t whole = chunk_bytes(chunk.size, half_->index);
  if (bytes.empty() || bytes.size() > whole - chunk.bytes.size())
    return Error(Errc::kMalformed, "the length of a piece");
  received_bytes_ += bytes.size();
  chunk.bytes.insert(chunk.bytes.end(), bytes.begin(), bytes.end());
  if (chunk.bytes.size() == whole) finish_chunk();
  return {};
}

void BlobLane::finish_chunk() {
  Half half = *std::exchange(half_, std::nullopt);
  Want& want = wants_.at(half.want);
  if (want.stopped) return;
  const bool verified = std::ranges::any_of(roots_, [&](const RootFingerprint& root) {
    return verify_chunk(root, want.id, half.chunk.size, half.index, half.chunk.bytes,
                        half.chunk.proof)
        .ok();
  });
  if (!verified) {
    const BlobId id = want.id;
    return end_fetch(id, BlobEnd::kBad);
  }
  want.expected.erase(half.index);
  actions_.emplace_back(StoreChunk{want.id, want.under, half.index, std::move(half.chunk)});
}

void BlobLane::on_stored() {
  LT_CHECK(in_flight_ > 0);
  --in_flight_;
  ask();
}

Result<void> BlobLane::on_end(ByteReader& in) {
  LT_TRY(const std::uint64_t number, in.varint());
  LT_TRY(const std::uint8_t reason, in.u8());
  LT_TRY_VOID(in.finish("the end of an answer"));
  if (!wants_.contains(number)) return Error(Errc::kOutOfOrder, "an end of nothing");
  // A reason of a later version is as good as "not here".
  const bool known = reason <= static_cast<std::uint8_t>(BlobEnd::kNotNow);
  end_want(number, known ? static_cast<BlobEnd>(reason) : BlobEnd::kNotHere);
  return {};
}

void BlobLane::end_want(std::uint64_t number, BlobEnd end) {
  if (half_ && half_->want == number) half_.reset();
  const auto at = wants_.find(number);
  const Want want = std::move(at->second);
  wants_.erase(at);
  if (!want.stopped) {
    in_flight_ -= want.expected.size();
    const auto fetch = std::ranges::find(fetches_, want.id, &Fetch::id);
    LT_CHECK(fetch != fetches_.end());
    --fetch->wants;
    if (!want.expected.empty() && end == BlobEnd::kSent) end = BlobEnd::kNotHere;
    const bool not_so = end == BlobEnd::kNoRight || end == BlobEnd::kNotHere;
    if (not_so && ask_under_another(want)) return ask();
    if (end != BlobEnd::kSent || (fetch->left.empty() && fetch->wants == 0))
      end_fetch(want.id, end);
  }
  ask();
}

// Another record may name the file that the peer gives it with. False: there is none.
bool BlobLane::ask_under_another(const Want& want) {
  const auto fetch = std::ranges::find(fetches_, want.id, &Fetch::id);
  std::set<RecordId>& refused = refused_[want.id];
  refused.insert(want.under);
  if (fetch->under == want.under) {
    const auto another = view_.asked_under(party_.peer_agency, want.id, refused);
    if (!another) return false;
    fetch->under = *another;
  }
  for (const std::uint32_t chunk : want.expected) fetch->left.push_back({chunk, 1});
  join_adjacent(fetch->left);
  return true;
}

void BlobLane::end_fetch(const BlobId& id, BlobEnd end) {
  stop(id);
  refused_.erase(id);
  actions_.emplace_back(FetchEnded{id, end});
}

// ---- giving ----

Result<void> BlobLane::on_want(ByteReader& in) {
  Serving serving;
  LT_TRY(serving.number, in.varint());
  LT_TRY(serving.id, read_id(in));
  LT_TRY(serving.under.bytes, in.array<RecordId::kSize>());
  LT_TRY(serving.ranges, read_ranges(in));
  LT_TRY_VOID(in.finish("a question for chunks"));
  if (serving.number <= last_want_heard_)
    return Error(Errc::kOutOfOrder, "the number of a question does not rise");
  if (serving_.size() >= kBlobWantCountMax || control_.size() >= kControlCountMax)
    return Error(Errc::kTooLarge, "too many questions for chunks");
  last_want_heard_ = serving.number;
  if (!open_) {
    say_end(serving.number, BlobEnd::kNotNow);
    return {};
  }
  const BlobEnd may = view_.may_read(party_.peer_agency, serving.id, serving.under);
  if (may != BlobEnd::kSent) {
    say_end(serving.number, may);
    if (may == BlobEnd::kNotHere) actions_.emplace_back(PeerLacks{serving.id, serving.under});
    return {};
  }
  const auto size = view_.held_size(serving.id);
  if (!size) {
    say_end(serving.number, BlobEnd::kNotHere);
    actions_.emplace_back(PeerLacks{serving.id, serving.under});
    return {};
  }
  serving.count = chunk_count(*size);
  serving_.push_back(std::move(serving));
  return {};
}

// The next chunk of the first answer that has one; an answer without any more is ended. False: look
// again.
bool BlobLane::load_next_chunk() {
  Serving& serving = serving_.front();
  while (!serving.ranges.empty()) {
    ChunkRange& range = serving.ranges.front();
    const std::uint32_t index = range.first++;
    if (--range.count == 0 || index >= serving.count) serving.ranges.pop_front();
    if (index >= serving.count) continue;  // asked for without knowing the length
    if (auto chunk = view_.read_chunk(serving.id, index)) {
      outgoing_ = Outgoing{*std::move(chunk), index, 0};
      return true;
    }
    serving.lacking = true;
  }
  say_end(serving.number, serving.lacking ? BlobEnd::kNotHere : BlobEnd::kSent);
  if (serving.lacking) actions_.emplace_back(PeerLacks{serving.id, serving.under});
  serving_.pop_front();
  return false;
}

Bytes BlobLane::next_piece(std::size_t piece_bytes) {
  piece_bytes = std::clamp(piece_bytes, kPieceBytesMin, kBlobPieceBytesMax);
  const HeldChunk& chunk = outgoing_->chunk;
  ByteWriter out = message(outgoing_->sent == 0 ? Kind::kHead : Kind::kMore);
  if (outgoing_->sent == 0) {
    out.varint(serving_.front().number);
    out.varint(outgoing_->index);
    out.varint(chunk.size);
    out.u8(static_cast<std::uint8_t>(chunk.proof.size()));
    for (const Hash256& hash : chunk.proof) out.raw(hash.view());
  }
  const std::size_t size = std::min(piece_bytes, chunk.bytes.size() - outgoing_->sent);
  out.raw(ByteView(chunk.bytes).subspan(outgoing_->sent, size));
  sent_bytes_ += size;
  outgoing_->sent += size;
  if (outgoing_->sent == chunk.bytes.size()) outgoing_.reset();
  return out.take();
}

void BlobLane::say_end(std::uint64_t number, BlobEnd end) {
  ByteWriter out = message(Kind::kEnd);
  out.varint(number);
  out.u8(static_cast<std::uint8_t>(end));
  control_.push_back(out.take());
}

// ---- who holds what ----

void BlobLane::announce(const BlobId& id, std::uint64_t size) {
  ByteWriter out = message(Kind::kHave);
  out.raw(id.view());
  out.varint(size);
  control_.push_back(out.take());
}

Result<void> BlobLane::on_have(ByteReader& in) {
  LT_TRY(const BlobId id, read_id(in));
  LT_TRY(const std::uint64_t size, read_size(in));
  LT_TRY_VOID(in.finish("a file that is held"));
  actions_.emplace_back(PeerHolds{id, size});
  return {};
}

// False: not all of it is here.
bool BlobLane::start(Showing& showing, const NodeId& holder) {
  const auto size = view_.held_size(showing.id);
  if (!size) return false;
  showing.count = chunk_count(*size);
  showing.hasher.emplace(kTagBlobHeld, root_);
  showing.hasher->add(ByteView(showing.nonce)).add(holder).add(showing.id);
  return true;
}

// Hashes some chunks. False: one of them is not here.
bool BlobLane::step(Showing& showing) {
  for (std::uint32_t i = 0; i < kShowChunksAtOnce && showing.next < showing.count; ++i) {
    const auto chunk = view_.read_chunk(showing.id, showing.next++);
    if (!chunk) return false;
    showing.hasher->add(chunk->bytes);
  }
  return true;
}

bool BlobLane::prove(const BlobId& id, const RecordId& under, const BlobNonce& nonce) {
  if (for_us_) return false;
  for_us_ = Showing();
  for_us_->id = id;
  for_us_->under = under;
  for_us_->nonce = nonce;
  for_us_->number = next_proof_++;
  LT_CHECK(start(*for_us_, party_.peer));
  return true;
}

Result<void> BlobLane::on_prove(ByteReader& in) {
  Showing asked;
  LT_TRY(asked.number, in.varint());
  LT_TRY(asked.id, read_id(in));
  LT_TRY(asked.under.bytes, in.array<RecordId::kSize>());
  LT_TRY(asked.nonce, in.array<std::tuple_size_v<BlobNonce>>());
  LT_TRY_VOID(in.finish("a question for a proof"));
  if (control_.size() >= kControlCountMax)
    return Error(Errc::kTooLarge, "too many questions for proofs");
  const bool may = view_.may_read(party_.peer_agency, asked.id, asked.under) == BlobEnd::kSent;
  if (!may || for_peer_ || !start(asked, party_.ours)) {
    say_proof(asked.number, std::nullopt);
  } else {
    for_peer_ = std::move(asked);
  }
  return {};
}

void BlobLane::say_proof(std::uint64_t number, const std::optional<Hash256>& shown) {
  ByteWriter out = message(Kind::kProof);
  out.varint(number);
  out.u8(shown ? 1 : 0);
  if (shown) out.raw(shown->view());
  control_.push_back(out.take());
}

void BlobLane::on_tick() {
  if (for_peer_) {
    const bool held = step(*for_peer_);
    if (!held || for_peer_->next == for_peer_->count) {
      say_proof(for_peer_->number,
                held ? std::optional(for_peer_->hasher->finish()) : std::nullopt);
      for_peer_.reset();
    }
  }
  if (for_us_ && !for_us_->expected) {
    if (!step(*for_us_)) {  // dropped meanwhile
      actions_.emplace_back(PeerProved{for_us_->id, for_us_->under, false});
      for_us_.reset();
    } else if (for_us_->next == for_us_->count) {
      for_us_->expected = for_us_->hasher->finish();
      ByteWriter out = message(Kind::kProve);
      out.varint(for_us_->number);
      out.raw(for_us_->id.view());
      out.raw(for_us_->under.view());
      out.raw(for_us_->nonce);
      control_.push_back(out.take());
    }
  }
}

Result<void> BlobLane::on_proof(ByteReader& in) {
  LT_TRY(const std::uint64_t number, in.varint());
  LT_TRY(const std::uint8_t shown, in.u8());
  Hash256 hash;
  if (shown > 1) return Error(Errc::kMalformed, "a proof");
  if (shown == 1) {
    LT_TRY(hash.bytes, in.array<Hash256::kSize>());
  }
  LT_TRY_VOID(in.finish("a proof"));
  if (!for_us_ || !for_us_->expected || for_us_->number != number)
    return Error(Errc::kOutOfOrder, "a proof that was not asked for");
  actions_.emplace_back(
      PeerProved{for_us_->id, for_us_->under, shown == 1 && hash == *for_us_->expected});
  for_us_.reset();
  return {};
}

}  // namespace lienthong
