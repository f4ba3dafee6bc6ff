#include "protocol/sync/riblt.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <cmath>

#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

constexpr std::uint64_t kStep = 0xda942042e4dd58b5;  // of the generator; on the wire, never change

std::uint64_t sip(const std::array<std::uint8_t, 16>& key, ByteView in) {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == 16);
  std::uint8_t out[8];
  crypto_shorthash(out, in.data(), in.size(), key.data());
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(out[i]) << (8 * i);
  return value;
}

// Part of a set that falls into symbol `index`, on average.
double density(std::uint64_t index) { return 2.0 / (static_cast<double>(index) + 2.0); }

// Rounded down in integers, so that every machine expects the same.
std::int64_t expected_count(std::uint64_t index, std::uint64_t set_size) {
  return static_cast<std::int64_t>(2 * set_size / (index + 2));
}

std::uint64_t zigzag(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? ~(bits << 1) : bits << 1;
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// Where exactly one id seems to lie.
bool is_pure(const SymbolKey& key, const CodedSymbol& symbol) {
  return (symbol.count == 1 || symbol.count == -1) && key.check_of(symbol.ids) == symbol.checks;
}

}  // namespace

SymbolKey::SymbolKey(const RootFingerprint& root, std::uint64_t asker_nonce,
                     std::uint64_t answerer_nonce) {
  ByteWriter nonces;
  nonces.u64(asker_nonce);
  nonces.u64(answerer_nonce);
  const Hash256 both = hash(kTagHeal, root, ByteView(nonces.bytes()));
  std::copy_n(both.bytes.begin(), 16, id_key_.begin());
  std::copy_n(both.bytes.begin() + 16, 16, check_key_.begin());
}

ShortId SymbolKey::short_id(ByteView id_prefix) const { return sip(id_key_, id_prefix.first(16)); }

std::uint32_t SymbolKey::check_of(ShortId id) const {
  std::uint8_t bytes[8];
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(id >> (8 * i));
  return static_cast<std::uint32_t>(sip(check_key_, bytes));
}

// The gaps have the distribution that makes symbol i hold an id with probability 2 / (i + 2).
void SymbolSequence::advance() {
  state_ *= kStep;
  const double spread = 4294967296.0 / std::sqrt(static_cast<double>(state_) + 1.0) - 1.0;
  const double gap = std::ceil((static_cast<double>(index_) + 1.5) * spread);
  index_ += gap >= 1.0 ? static_cast<std::uint64_t>(gap) : 1;
}

void Sketch::add(ShortId id) {
  const std::uint32_t check = key_.check_of(id);
  for (SymbolSequence at(id); at.index() < symbols_.size(); at.advance()) {
    CodedSymbol& symbol = symbols_[at.index()];
    symbol.ids ^= id;
    symbol.checks ^= check;
    ++symbol.count;
  }
}

std::vector<CodedSymbol> subtract(std::span<const CodedSymbol> theirs,
                                  std::span<const CodedSymbol> ours) {
  LT_CHECK(theirs.size() == ours.size());
  std::vector<CodedSymbol> out(theirs.begin(), theirs.end());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].ids ^= ours[i].ids;
    out[i].checks ^= ours[i].checks;
    out[i].count -= ours[i].count;
  }
  return out;
}

std::optional<SetDifference> peel(const SymbolKey& key, std::vector<CodedSymbol> difference) {
  SetDifference out;
  std::vector<std::size_t> pure;
  for (std::size_t i = 0; i < difference.size(); ++i)
    if (is_pure(key, difference[i])) pure.push_back(i);
  std::size_t taken = 0;
  while (!pure.empty()) {
    const std::size_t at = pure.back();
    pure.pop_back();
    const CodedSymbol found = difference[at];
    if (!is_pure(key, found)) continue;  // another symbol gave it away already
    if (++taken > difference.size()) return std::nullopt;
    (found.count > 0 ? out.theirs : out.ours).push_back(found.ids);
    for (SymbolSequence next(found.ids); next.index() < difference.size(); next.advance()) {
      CodedSymbol& symbol = difference[next.index()];
      symbol.ids ^= found.ids;
      symbol.checks ^= found.checks;
      symbol.count -= found.count;
      if (is_pure(key, symbol)) pure.push_back(next.index());
    }
  }
  const bool all_empty = std::ranges::all_of(difference, &CodedSymbol::is_empty);
  return all_empty ? std::optional(std::move(out)) : std::nullopt;
}

// A symbol's count is the sum of +1 and -1 over the ids that differ and fall into it: its mean is
// the excess times the density p, its variance their number times p (1 - p), nearly.
std::uint64_t estimate_difference(std::span<const CodedSymbol> difference, std::int64_t excess) {
  double sum = 0;
  std::size_t used = 0;
  for (std::size_t i = 1; i < difference.size(); ++i) {  // symbol 0 holds every id
    const double p = density(i);
    const double stray = static_cast<double>(difference[i].count) - static_cast<double>(excess) * p;
    sum += stray * stray / (p * (1 - p));
    ++used;
  }
  const double least = std::abs(static_cast<double>(excess));
  const double guess = used == 0 ? least : std::max(least, sum / static_cast<double>(used));
  return guess < 1e15 ? static_cast<std::uint64_t>(guess) : std::uint64_t{1'000'000'000'000'000};
}

std::uint64_t symbols_for(std::uint64_t difference) {
  return difference + difference * 9 / 20 + 28;
}

void encode_symbols(ByteWriter& out, std::span<const CodedSymbol> symbols, std::uint64_t first,
                    std::uint64_t set_size) {
  for (const CodedSymbol& symbol : symbols) {
    out.u64(symbol.ids);
    out.u32(symbol.checks);
    out.varint(zigzag(symbol.count - expected_count(first++, set_size)));
  }
}

Result<std::vector<CodedSymbol>> decode_symbols(ByteReader& in, std::size_t count,
                                                std::uint64_t first, std::uint64_t set_size) {
  std::vector<CodedSymbol> out;
  for (std::size_t i = 0; i < count; ++i) {
    CodedSymbol symbol;
    LT_TRY(symbol.ids, in.u64());
    LT_TRY(symbol.checks, in.u32());
    LT_TRY(const std::uint64_t stray, in.varint());
    const std::int64_t above = unzigzag(stray);
    const auto most = static_cast<std::int64_t>(set_size);
    const std::int64_t expected = expected_count(first + i, set_size);
    if (above < -expected || above > most - expected)
      return Error(Errc::kMalformed, "count of a coded symbol");
    symbol.count = expected + above;
    out.push_back(symbol);
  }
  return out;
}

}  // namespace lienthong
