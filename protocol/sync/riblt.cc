#include "protocol/sync/riblt.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

std::uint64_t sip(const std::array<std::uint8_t, 16>& key, ByteView in) {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == 16);
  std::uint8_t out[8];
  crypto_shorthash(out, in.data(), in.size(), key.data());
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(out[i]) << (8 * i);
  return value;
}

// Feeds up to this size do with 5 bytes, see docs/protocol/healing.md, "Coded symbols".
constexpr std::uint64_t kFiveByteEntryCountMax = 1ULL << 20;

// Part of a set that falls into symbol `index`, on average.
double density(std::uint64_t index) { return 2.0 / (static_cast<double>(index) + 2.0); }

bool falls_into(ShortId id, std::uint64_t index) {
  SymbolSequence at(id);
  while (at.index() < index) at.advance();
  return at.index() == index;
}

void encode_short_id(ByteWriter& out, ShortId id, std::size_t id_bytes) {
  for (std::size_t i = 0; i < id_bytes; ++i) out.u8(static_cast<std::uint8_t>(id >> (8 * i)));
}

Result<ShortId> decode_short_id(ByteReader& in, std::size_t id_bytes) {
  LT_TRY(const ByteView bytes, in.raw(id_bytes));
  ShortId id = 0;
  for (std::size_t i = 0; i < id_bytes; ++i) id |= ShortId{bytes[i]} << (8 * i);
  return id;
}

// Where exactly one id seems to lie.
bool is_pure(const SymbolKey& key, const CodedSymbol& symbol, std::uint64_t index) {
  return (symbol.count == 1 || symbol.count == 255) && symbol.ids != 0 &&
         key.check_of(symbol.ids) == symbol.checks && falls_into(symbol.ids, index);
}

// What is in both is in neither.
void cancel_out(std::vector<ShortId>& one, std::vector<ShortId>& two) {
  std::ranges::sort(one);
  std::ranges::sort(two);
  std::vector<ShortId> only_one, only_two;
  std::ranges::set_difference(one, two, std::back_inserter(only_one));
  std::ranges::set_difference(two, one, std::back_inserter(only_two));
  one = std::move(only_one);
  two = std::move(only_two);
}

}  // namespace

SymbolKey::SymbolKey(const RootFingerprint& root, std::uint64_t asker_nonce,
                     std::uint64_t answerer_nonce, std::uint64_t entry_count)
    : id_bytes_(entry_count <= kFiveByteEntryCountMax ? 5 : 6) {
  ByteWriter nonces;
  nonces.u64(asker_nonce);
  nonces.u64(answerer_nonce);
  const Hash256 both = hash(kTagHeal, root, ByteView(nonces.bytes()));
  std::copy_n(both.bytes.begin(), 16, id_key_.begin());
  check_factor_ = *ByteReader(ByteView(both.bytes).subspan(16)).u64() | 1;
}

ShortId SymbolKey::short_id(ByteView id_prefix) const {
  const ShortId mask = (ShortId{1} << (8 * id_bytes_)) - 1;
  return std::max<ShortId>(sip(id_key_, id_prefix.first(16)) & mask, 1);
}

// Several ids at a time: each step waits for the one before, steps of different ids do not.
void Sketch::add(std::span<const ShortId> ids) {
  struct Lane {
    ShortId id = 0;
    std::uint8_t check = 0;
    SymbolSequence at{0};
  };
  std::array<Lane, 8> lanes;
  std::size_t used = 0, next = 0;
  const auto load = [&](Lane& lane) {
    while (next < ids.size() && ids[next] == 0) ++next;
    if (next == ids.size()) return false;
    const ShortId id = ids[next++];
    lane = Lane{id, key_.check_of(id), SymbolSequence(id)};
    return true;
  };
  const std::size_t size = symbols_.size();
  if (size == 0) return;
  while (used < lanes.size() && load(lanes[used])) ++used;
  while (used > 0) {
    for (std::size_t i = 0; i < used;) {
      Lane& lane = lanes[i];
      CodedSymbol& symbol = symbols_[lane.at.index()];
      symbol.ids ^= lane.id;
      symbol.checks ^= lane.check;
      ++symbol.count;
      lane.at.advance();
      if (lane.at.index() < size || load(lane)) {
        ++i;
      } else {
        lane = lanes[--used];
      }
    }
  }
}

std::vector<CodedSymbol> subtract(std::span<const CodedSymbol> theirs,
                                  std::span<const CodedSymbol> ours) {
  LT_CHECK(theirs.size() == ours.size());
  std::vector<CodedSymbol> out(theirs.begin(), theirs.end());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].ids ^= ours[i].ids;
    out[i].checks ^= ours[i].checks;
    out[i].count = static_cast<std::uint8_t>(out[i].count - ours[i].count);
  }
  return out;
}

std::optional<SetDifference> peel(const SymbolKey& key, std::vector<CodedSymbol> difference) {
  SetDifference out;
  std::vector<std::size_t> pure;
  for (std::size_t i = 0; i < difference.size(); ++i)
    if (is_pure(key, difference[i], i)) pure.push_back(i);
  std::vector<ShortId> gave(difference.size());  // by symbol: what was no id would come up for ever
  std::size_t taken = 0;
  while (!pure.empty()) {
    const std::size_t at = pure.back();
    pure.pop_back();
    const CodedSymbol found = difference[at];
    if (!is_pure(key, found, at)) continue;  // another symbol gave it away already
    if (std::exchange(gave[at], found.ids) == found.ids) continue;
    if (++taken > difference.size()) return std::nullopt;
    (found.count == 1 ? out.theirs : out.ours).push_back(found.ids);
    for (SymbolSequence next(found.ids); next.index() < difference.size(); next.advance()) {
      CodedSymbol& symbol = difference[next.index()];
      symbol.ids ^= found.ids;
      symbol.checks ^= found.checks;
      symbol.count = static_cast<std::uint8_t>(symbol.count - found.count);
      if (is_pure(key, symbol, next.index())) pure.push_back(next.index());
    }
  }
  if (!std::ranges::all_of(difference, &CodedSymbol::is_empty)) return std::nullopt;
  cancel_out(out.ours, out.theirs);
  return out;
}

// A symbol's count is the sum of +1 and -1 over the ids that differ and fall into it: its mean is
// the excess times the density p, its variance their number times p (1 - p), nearly. Where it
// strays further than half of 256 it seems to stray less: the guess is too low, and more are asked
// for.
std::uint64_t estimate_difference(std::span<const CodedSymbol> difference, std::int64_t excess) {
  double sum = 0;
  std::size_t used = 0;
  for (std::size_t i = 1; i < difference.size(); ++i) {  // symbol 0 holds every id
    const double p = density(i);
    const double mean = static_cast<double>(excess) * p;
    const auto nearest = static_cast<std::int64_t>(std::llround(mean));
    const auto above = static_cast<std::int8_t>(difference[i].count - nearest);
    const double stray = static_cast<double>(nearest) + above - mean;
    sum += stray * stray / (p * (1 - p));
    ++used;
  }
  const double least = std::abs(static_cast<double>(excess));
  const double guess = used == 0 ? least : std::max(least, sum / static_cast<double>(used));
  return guess < 1e15 ? static_cast<std::uint64_t>(guess) : std::uint64_t{1'000'000'000'000'000};
}

std::uint64_t symbols_for(std::uint64_t difference) {
  const auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(difference)));
  return difference + difference * 9 / 25 + 3 * root + 12;
}

void encode_symbols(ByteWriter& out, std::span<const CodedSymbol> symbols, std::size_t id_bytes) {
  for (const CodedSymbol& symbol : symbols) {
    encode_short_id(out, symbol.ids, id_bytes);
    out.u8(symbol.checks);
    out.u8(symbol.count);
  }
}

Result<std::vector<CodedSymbol>> decode_symbols(ByteReader& in, std::size_t count,
                                                std::size_t id_bytes) {
  std::vector<CodedSymbol> out;
  for (std::size_t i = 0; i < count; ++i) {
    CodedSymbol symbol;
    LT_TRY(symbol.ids, decode_short_id(in, id_bytes));
    LT_TRY(symbol.checks, in.u8());
    LT_TRY(symbol.count, in.u8());
    out.push_back(symbol);
  }
  return out;
}

}  // namespace lienthong
