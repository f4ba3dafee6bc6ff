#include "store/exchange/lives.h"

#include <algorithm>

#include "protocol/base/bytes.h"
#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kAddressBytesMax = 80;

std::string key_of(std::string_view prefix, const NodeId& node) {
  return std::string(prefix) + std::string(as_text(node.view()));
}

Bytes encode_starts(std::span<const Start> starts) {
  ByteWriter out;
  for (const Start& start : starts) {
    out.u64(start.number);
    out.u64(start.first_change);
  }
  return out.take();
}

std::vector<Start> decode_starts(const std::optional<Bytes>& bytes) {
  std::vector<Start> out;
  if (!bytes) return out;
  ByteReader in(*bytes);
  while (!in.rest().empty()) {
    const auto number = in.u64(), first = in.u64();
    if (!number || !first) break;
    out.push_back({*number, *first});
  }
  return out;
}

void encode_twin(ByteWriter& out, const Twin& twin) {
  out.u64(static_cast<std::uint64_t>(twin.since));
  out.u64(static_cast<std::uint64_t>(twin.last));
  out.sized(twin.address);
  out.sized(twin.other_address);
}

Result<Twin> decode_twin(ByteReader& in) {
  Twin twin;
  LT_TRY(const std::uint64_t since, in.u64());
  LT_TRY(const std::uint64_t last, in.u64());
  LT_TRY(const ByteView address, in.sized(kAddressBytesMax));
  LT_TRY(const ByteView other, in.sized(kAddressBytesMax));
  twin.since = static_cast<UnixMillis>(since);
  twin.last = static_cast<UnixMillis>(last);
  twin.address = as_text(address);
  twin.other_address = as_text(other);
  return twin;
}

Result<HeardLives> read_heard(ByteReader& in) {
  HeardLives lives;
  LT_TRY(lives.current, in.u64());
  LT_TRY(lives.session_number, in.u64());
  LT_TRY(lives.twin, decode_twin(in));
  while (!in.rest().empty()) {
    HeardLives::Entry entry;
    LT_TRY(entry.start, in.u64());
    LT_TRY(entry.before, in.u64());
    LT_TRY(const ByteView address, in.sized(kAddressBytesMax));
    entry.address = as_text(address);
    lives.entries.push_back(std::move(entry));
  }
  return lives;
}

bool shown(const Twin& twin, UnixMillis now) {
  return twin.since != 0 && now - twin.last < kTwinShown && twin.last - now < kTwinShown;
}

}  // namespace

// ---- our own ----

Job begin_life(std::shared_ptr<std::uint64_t> start, std::uint64_t random) {
  return [start, number = random | 1](Transaction& transaction) {
    auto starts = decode_starts(transaction.local_value(local::kStarts));
    starts.push_back({number, transaction.next_number()});
    if (starts.size() > kStartCountMax) starts.erase(starts.begin());
    transaction.set_local_value(local::kStarts, encode_starts(starts));
    *start = number;
    return Result<void>();
  };
}

std::vector<Start> starts_of(const Replica& replica) {
  return decode_starts(replica.local_value(local::kStarts));
}

void forget_starts(Transaction& transaction) {
  transaction.set_local_value(local::kStarts, std::nullopt);
}

bool told_by_this_life(std::span<const Start> starts, std::uint64_t epoch, std::uint64_t since,
                       std::uint64_t last_change) {
  if (starts.empty()) return epoch == 0 && since <= last_change;
  const auto told = std::ranges::find(starts, epoch, &Start::number);
  if (told == starts.end()) return false;
  const auto next = std::next(told);
  return next == starts.end() ? since <= last_change : since < next->first_change;
}

// ---- what others say ----

Life life_for(const Replica& replica, std::uint64_t start, const NodeId& listener) {
  const auto told = replica.local_value(key_of(local::kStartTold, listener));
  Life life{start, 0};
  if (told) {
    const auto before = ByteReader(*told).u64();
    if (before.ok()) life.before = *before;
  }
  return life;
}

void note_told_life(Transaction& transaction, const NodeId& listener, std::uint64_t start) {
  ByteWriter out;
  out.u64(start);
  const std::string key = key_of(local::kStartTold, listener);
  Bytes told = out.take();
  if (transaction.local_value(key) != told) transaction.set_local_value(key, std::move(told));
}

const HeardLives::Entry* HeardLives::find(std::uint64_t start) const {
  const auto at = std::ranges::find(entries, start, &Entry::start);
  return at == entries.end() ? nullptr : &*at;
}

bool HeardLives::leads_to_current(std::uint64_t start) const {
  std::size_t steps = 0;
  for (const Entry* at = find(current); at != nullptr && steps <= entries.size(); ++steps) {
    if (at->start == start) return true;
    at = find(at->before);
  }
  return false;
}

bool HeardLives::hear(const Life& life, std::uint64_t number, const std::string& address,
                      UnixMillis now) {
  if (life.start == 0) return false;
  // A session that came up late is no news: the machine has gone on since.
  if (number != 0 && number < session_number) return false;
  session_number = std::max(session_number, number);
  const Entry* known = find(life.start);
  const Entry* before = find(life.before);
  const bool goes_on = life.start == current || life.before == current;
  const bool back =
      !goes_on && (known != nullptr || (before != nullptr && !leads_to_current(before->start)));
  if (back) {
    const Entry* other = find(current);
    if (!shown(twin, now)) twin.since = now;
    twin.last = now;
    twin.address = address;
    twin.other_address = other == nullptr ? "" : other->address;
  }
  if (known == nullptr) {
    entries.push_back({life.start, life.before, address});
    if (entries.size() > kEntryCountMax) entries.erase(entries.begin());
  } else {
    entries[static_cast<std::size_t>(known - entries.data())].address = address;
  }
  current = life.start;
  return back;
}

Bytes encode_heard_lives(const HeardLives& lives) {
  ByteWriter out;
  out.u64(lives.current);
  out.u64(lives.session_number);
  encode_twin(out, lives.twin);
  for (const HeardLives::Entry& entry : lives.entries) {
    out.u64(entry.start);
    out.u64(entry.before);
    out.sized(entry.address);
  }
  return out.take();
}

std::optional<HeardLives> decode_heard_lives(ByteView bytes) {
  ByteReader in(bytes);
  auto lives = read_heard(in);
  return lives ? std::optional(*std::move(lives)) : std::nullopt;
}

std::optional<Twin> hear_life(Transaction& transaction, const NodeId& node, const Life& life,
                              std::uint64_t session_number, const std::string& address) {
  const std::string key = key_of(local::kStartsHeard, node);
  const auto row = transaction.local_value(key);
  HeardLives lives;
  if (row) lives = decode_heard_lives(*row).value_or(HeardLives());
  lives.hear(life, session_number, address.substr(0, kAddressBytesMax), transaction.now());
  if (Bytes after = encode_heard_lives(lives); row != after && life.start != 0)
    transaction.set_local_value(key, std::move(after));
  return shown(lives.twin, transaction.now()) ? std::optional(lives.twin) : std::nullopt;
}

void note_own_twin(Transaction& transaction, const NodeId& told_by, const Twin& twin) {
  ByteWriter out;
  out.raw(told_by.view());
  Twin noted = twin;
  noted.last = transaction.now();
  noted.address.resize(std::min(noted.address.size(), kAddressBytesMax));
  noted.other_address.resize(std::min(noted.other_address.size(), kAddressBytesMax));
  encode_twin(out, noted);
  transaction.set_local_value(local::kOwnTwin, out.take());
}

std::vector<SeenTwin> twins_of(const Replica& replica, UnixMillis now) {
  std::vector<SeenTwin> out;
  const NodeId& self = replica.identity().node;
  if (const auto own = replica.local_value(local::kOwnTwin)) {
    ByteReader in(*own);
    const auto told_by = in.raw(32);
    if (told_by) {
      const auto twin = decode_twin(in);
      if (twin && shown(*twin, now)) out.push_back({self, NodeId::from(*told_by), *twin});
    }
  }
  for (const auto& [key, value] : replica.local_values(local::kStartsHeard)) {
    const auto lives = decode_heard_lives(value);
    if (!lives || !shown(lives->twin, now)) continue;
    const ByteView node = as_bytes(key).subspan(local::kStartsHeard.size());
    if (node.size() == 32) out.push_back({NodeId::from(node), self, lives->twin});
  }
  return out;
}

}  // namespace lienthong::store
