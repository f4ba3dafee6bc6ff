// The two directions in which columns move. Code that goes over columns is written once, as a
// template: with a ColumnWriter it writes what its arguments hold, with a ColumnReader it sets
// them. docs/protocol/parts.md, "Layout". Internal to protocol/wire. No threads.
//
// A body has three stretches: the head (structure and texts: worth compressing), the raw bytes
// (ids, signatures, salts, digests: not worth it) and, when it has many updates, the coded numbers.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/limits.h"
#include "protocol/wire/columns_coder.h"

namespace lienthong::wire {

// A number in a column that depends on what came before: nearly always the number that followed the
// same context last time. Contexts share `kPlaces` places by their lowest bits.
class SymbolModel {
 public:
  static constexpr std::size_t kPlaces = 1024;  // part of the format
  struct Tables {
    NumberModel other;
    std::array<BitModel, 4> hit{};  // by `sure`
    std::array<std::uint32_t, kPlaces> last{};
    std::array<std::uint8_t, kPlaces> sure{};  // hits in a row, up to 3
  };
  Tables& tables() {  // made when first needed: most columns of small parts never are
    if (!tables_) tables_ = std::make_unique<Tables>();
    return *tables_;
  }

 private:
  std::unique_ptr<Tables> tables_;
};

class ColumnWriter {
 public:
  static constexpr bool kWriting = true;
  explicit ColumnWriter(bool coded) : coded_(coded) {}

  bool coded() const { return coded_; }
  bool ok() const { return true; }
  ByteWriter& head() { return head_; }

  void number(NumberModel& model, std::uint64_t& value) {
    if (coded_)
      model.encode(coder_, value);
    else
      head_.varint(value);
  }
  void bit(BitModel& model, bool& value) { coder_.bit(model, value); }  // coded parts only
  void direct(std::uint64_t& value, unsigned count) { coder_.direct(value, count); }
  void varint(std::uint64_t& value) { head_.varint(value); }
  void text(ByteView& bytes) { head_.sized(bytes); }
  void verbatim(ByteView& bytes, std::size_t) { head_.sized(bytes); }
  void raw(ByteView& bytes, std::size_t size) {
    LT_CHECK(bytes.size() == size);
    raw_.raw(bytes);
  }
  // u8 flags, varint sizes of the head and, when coded, of the raw bytes; then the stretches.
  Bytes take(std::uint8_t flags) {
    ByteWriter out;
    out.u8(flags);
    out.varint(head_.size());
    if (coded_) out.varint(raw_.size());
    out.raw(head_.bytes());
    out.raw(raw_.bytes());
    if (coded_) out.raw(coder_.finish());
    return out.take();
  }

 private:
  const bool coded_;
  ByteWriter head_, raw_;
  RangeEncoder coder_;
};

// After a failure everything reads as zero or empty; the first failure is kept.
class ColumnReader {
 public:
  static constexpr bool kWriting = false;
  ColumnReader(ByteView head, ByteView raw, ByteView coded, bool is_coded)
      : coded_(is_coded), head_(head), raw_(raw), coder_(coded) {}

  bool coded() const { return coded_; }
  bool ok() const { return !error_; }
  void fail(Errc code, const char* what) {
    if (!error_) error_.emplace(code, what);
  }
  const Error& error() const { return *error_; }

  void number(NumberModel& model, std::uint64_t& value) {
    if (coded_)
      value = ok() ? model.decode(coder_) : 0;
    else
      varint(value);
    if (!coder_.sound()) fail(Errc::kMalformed, "coded numbers of a part");
  }
  void bit(BitModel& model, bool& value) { value = ok() && coder_.bit(model); }
  void direct(std::uint64_t& value, unsigned count) { value = ok() ? coder_.direct(count) : 0; }
  void varint(std::uint64_t& value) { take(head_.varint(), value); }
  void text(ByteView& bytes) {
    take(head_.sized(kTextOfPartMax), bytes);
    charge(bytes.size());
  }
  void raw(ByteView& bytes, std::size_t size) {
    take(raw_.raw(size), bytes);
    charge(size);
  }

  // Statements and bodies that do not come apart.
  void verbatim(ByteView& bytes, std::size_t size_max) {
    take(head_.sized(size_max), bytes);
    charge(bytes.size());
  }

  // Counts what is rebuilt, so that a few bytes cannot become many: kTooLarge.
  void charge(std::size_t bytes) {
    rebuilt_ += bytes;
    if (rebuilt_ > kPartRebuiltBytesMax) fail(Errc::kTooLarge, "a part that grows too large");
  }
  // A copy that lives as long as this reader.
  ByteView keep(ByteView bytes) {
    charge(bytes.size());
    if (bytes.size() > kept_free_) {
      kept_free_ = std::max<std::size_t>(kKeepBytes, bytes.size());
      kept_.push_back(std::make_unique<std::uint8_t[]>(kept_free_));
      kept_next_ = kept_.back().get();
    }
    std::uint8_t* at = kept_next_;
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    kept_next_ += bytes.size();
    kept_free_ -= bytes.size();
    return {at, bytes.size()};
  }
  // kMalformed unless everything was consumed.
  void finish() {
    if (!ok()) return;
    if (!head_.empty() || !raw_.empty())
      fail(Errc::kMalformed, "a part has bytes too many");
    else if (coded_ && !coder_.finished())
      fail(Errc::kMalformed, "the end of the coded numbers of a part");
  }

 private:
  static constexpr std::size_t kTextOfPartMax = kOpenBytesMax;
  static_assert(kOpenBytesMax >= kTextBytesMax && kOpenBytesMax >= kClosedBytesMax);

  template <class T>
  void take(Result<T> from, T& to) {
    to = T{};
    if (!ok()) return;
    if (from.ok())
      to = *from;
    else
      error_ = from.error();
  }
  const bool coded_;
  ByteReader head_, raw_;
  RangeDecoder coder_;
  std::size_t rebuilt_ = 0;
  std::optional<Error> error_;

  static constexpr std::size_t kKeepBytes = 16 * 1024;
  std::vector<std::unique_ptr<std::uint8_t[]>> kept_;
  std::uint8_t* kept_next_ = nullptr;
  std::size_t kept_free_ = 0;
};

inline std::uint64_t zigzag(std::uint64_t difference) {
  return (difference << 1) ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0);
}
inline std::uint64_t unzigzag(std::uint64_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? ~std::uint64_t{0} : 0);
}

// Coded parts only: what follows from the context costs next to nothing.
template <class Io>
void symbol(Io& io, SymbolModel& of, std::uint64_t context, std::uint64_t& value) {
  SymbolModel::Tables& model = of.tables();
  const std::size_t place = context % SymbolModel::kPlaces;
  std::uint8_t& sure = model.sure[place];
  bool hit = false;
  if constexpr (Io::kWriting) hit = model.last[place] == value;
  io.bit(model.hit[sure], hit);
  if (hit) {
    value = model.last[place];
    if (sure < 3) ++sure;
    return;
  }
  io.number(model.other, value);
  if constexpr (!Io::kWriting)
    if (value == model.last[place]) return io.fail(Errc::kMalformed, "a value that was the last");
  sure = 0;
  model.last[place] = static_cast<std::uint32_t>(value);
}

}  // namespace lienthong::wire
