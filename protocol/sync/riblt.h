// Rateless invertible Bloom lookup tables: the difference of two sets of ids from coded symbols, as
// many of them as the difference asks for, however large the sets are. Yang, Gilad, Alizadeh,
// "Practical Rateless Set Reconciliation", SIGCOMM 2024. docs/protocol/healing.md, "Coded symbols",
// has the layout. Pure values; no threads.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "protocol/base/ids.h"

namespace lienthong {

// An id under the key of one healing, of 5 or 6 bytes. Two ids with one short id hide each other;
// the next healing has another key.
using ShortId = std::uint64_t;

class SymbolKey {
 public:
  // Both sides' nonces go in, so that neither alone says which ids fall together. `entry_count`: of
  // the larger set, by which it is known how long short ids must be.
  SymbolKey(const RootFingerprint& root, std::uint64_t asker_nonce, std::uint64_t answerer_nonce,
            std::uint64_t entry_count);
  std::size_t id_bytes() const { return id_bytes_; }
  ShortId short_id(ByteView id_prefix) const;  // SipHash-2-4, never 0; `id_prefix`: 16 bytes
  std::uint8_t check_of(ShortId id) const {    // never linear in the id
    return static_cast<std::uint8_t>((id * check_factor_) >> 56);
  }

 private:
  std::array<std::uint8_t, 16> id_key_;
  std::uint64_t check_factor_ = 1;
  std::size_t id_bytes_;
};

// Sums over the ids that fall into a symbol.
struct CodedSymbol {
  ShortId ids = 0;          // exclusive or
  std::uint8_t checks = 0;  // exclusive or
  std::uint8_t count = 0;   // modulo 256
  bool is_empty() const { return ids == 0 && checks == 0 && count == 0; }
  bool operator==(const CodedSymbol&) const = default;
};

// The symbols that an id falls into: 0, then ever sparser; symbol i with probability 2 / (i + 2).
class SymbolSequence {
 public:
  explicit SymbolSequence(ShortId id) : state_(id) {}
  std::uint64_t index() const { return index_; }
  // The gaps have the distribution that makes symbol i hold an id with probability 2 / (i + 2).
  // Inlined, and rounded up without a call: it is most of what the symbols of a large feed cost.
  void advance() {
    state_ *= kStep;
    const double spread = 4294967296.0 / std::sqrt(static_cast<double>(state_) + 1.0) - 1.0;
    const double gap = (static_cast<double>(index_) + 1.5) * spread;
    auto whole = static_cast<std::int64_t>(gap);
    whole += static_cast<double>(whole) < gap ? 1 : 0;
    index_ += whole >= 1 ? static_cast<std::uint64_t>(whole) : 1;
  }

 private:
  static constexpr std::uint64_t kStep = 0xda942042e4dd58b5;  // on the wire, never change
  std::uint64_t state_;
  std::uint64_t index_ = 0;
};

// The first `size` symbols of a set.
class Sketch {
 public:
  Sketch(const SymbolKey& key, std::size_t size) : key_(key), symbols_(size) {}
  // Each falls into about 2 ln(size) symbols. 0 is passed over.
  void add(std::span<const ShortId> ids);
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
// there are symbols, so made-up symbols end too. A check is short, so now and then what is no id is
// taken out of one symbol; it is found in others as if the other set had it, and both cancel out.
std::optional<SetDifference> peel(const SymbolKey& key, std::vector<CodedSymbol> difference);
// How many ids differ, from how far the counts stray; within a third or so for 32 symbols.
// `excess`: how many more ids the first set has than the second.
std::uint64_t estimate_difference(std::span<const CodedSymbol> difference, std::int64_t excess);
// So many symbols give a difference of that size in 99 of 100 cases.
std::uint64_t symbols_for(std::uint64_t difference);

// Each symbol: ids in `id_bytes` bytes, little-endian; checks u8; count u8.
void encode_symbols(ByteWriter& out, std::span<const CodedSymbol> symbols, std::size_t id_bytes);
// Fails: kTruncated.
Result<std::vector<CodedSymbol>> decode_symbols(ByteReader& in, std::size_t count,
                                                std::size_t id_bytes);

}  // namespace lienthong
