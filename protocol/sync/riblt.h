// Rateless invertible Bloom lookup tables: the difference of two sets of ids from coded symbols, as
// many of them as the difference asks for, however large the sets are. Yang, Gilad, Alizadeh,
// "Practical Rateless Set Reconciliation", SIGCOMM 2024. docs/protocol.md, "Coded symbols", has the
// layout. Pure values; no threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong {

// An id under the key of one healing. Two ids with one short id hide each other; the next healing
// has another key.
using ShortId = std::uint64_t;

class SymbolKey {
 public:
  // Both sides' nonces go in, so that neither alone says which ids fall together.
  SymbolKey(const RootFingerprint& root, std::uint64_t asker_nonce, std::uint64_t answerer_nonce);
  ShortId short_id(ByteView id_prefix) const;  // SipHash-2-4; `id_prefix`: 16 bytes
  std::uint32_t check_of(ShortId id) const;    // never linear in the id

 private:
  std::array<std::uint8_t, 16> id_key_;
  std::array<std::uint8_t, 16> check_key_;
};

// Sums over the ids that fall into a symbol.
struct CodedSymbol {
  ShortId ids = 0;           // exclusive or
  std::uint32_t checks = 0;  // exclusive or
  std::int64_t count = 0;
  bool is_empty() const { return ids == 0 && checks == 0 && count == 0; }
  bool operator==(const CodedSymbol&) const = default;
};

// The symbols that an id falls into: 0, then ever sparser; symbol i with probability 2 / (i + 2).
class SymbolSequence {
 public:
  explicit SymbolSequence(ShortId id) : state_(id) {}
  std::uint64_t index() const { return index_; }
  void advance();

 private:
  std::uint64_t state_;
  std::uint64_t index_ = 0;
};

// The first `size` symbols of a set.
class Sketch {
 public:
  Sketch(const SymbolKey& key, std::size_t size) : key_(key), symbols_(size) {}
  void add(ShortId id);  // falls into about 2 ln(size) symbols
  std::span<const CodedSymbol> symbols() const { return symbols_; }

 private:
  SymbolKey key_;
  std::vector<CodedSymbol> symbols_;
};

struct SetDifference {
  std::vector<ShortId> ours;    // only in the set that was subtracted
  std::vector<ShortId> theirs;  // only in the other
};

// theirs - ours, symbol by symbol; the spans are of one size.
std::vector<CodedSymbol> subtract(std::span<const CodedSymbol> theirs,
                                  std::span<const CodedSymbol> ours);
// nullopt: more symbols are needed, or these are not of two sets. Takes at most as many ids out as
// there are symbols, so made-up symbols end too.
std::optional<SetDifference> peel(const SymbolKey& key, std::vector<CodedSymbol> difference);
// How many ids differ, from how far the counts stray; within a third or so for 32 symbols.
// `excess`: how many more ids the first set has than the second.
std::uint64_t estimate_difference(std::span<const CodedSymbol> difference, std::int64_t excess);
// So many symbols give a difference of that size nearly always.
std::uint64_t symbols_for(std::uint64_t difference);

// Each symbol: ids u64, checks u32, count as the zigzag varint of what it is above the count that a
// set of that size has there on average. `first`: index of the first symbol.
void encode_symbols(ByteWriter& out, std::span<const CodedSymbol> symbols, std::uint64_t first,
                    std::uint64_t set_size);
// Fails: kTruncated; kMalformed (varint, a count below 0 or over the set's).
Result<std::vector<CodedSymbol>> decode_symbols(ByteReader& in, std::size_t count,
                                                std::uint64_t first, std::uint64_t set_size);

}  // namespace lienthong
