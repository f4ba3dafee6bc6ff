// An adaptive binary range coder and the number model over it: what the columns of a part of many
// updates are written with. docs/protocol/parts.md, "Coded numbers". The coder is that of LZMA
// (public domain; 32-bit range, carry through a cache), with probabilities of 16 bits and a rate
// that falls from 2/3 to 2/63 as a model sees more. Pure; no threads.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "protocol/base/bytes.h"

namespace lienthong::wire {

// Probability of a 0, of 65,536, and how often it was used (up to the slowest rate).
struct BitModel {
  std::uint16_t zero = 1U << 15;
  std::uint16_t used = 0;
};

namespace coder {
inline constexpr std::uint32_t kTop = 1U << 24;
inline constexpr std::uint16_t kUsedMax = 30;
// In 2^-16: 65,536 / (used + 1.5), rounded down. Part of the format.
inline constexpr auto kRates = [] {
  std::array<std::uint16_t, kUsedMax + 1> out{};
  for (std::uint32_t used = 0; used <= kUsedMax; ++used)
    out[used] = static_cast<std::uint16_t>(131'072U / (2 * used + 3));
  return out;
}();
inline void learn(BitModel& model, bool bit) {
  const std::uint32_t rate = kRates[model.used];
  if (bit)
    model.zero = static_cast<std::uint16_t>(model.zero - ((model.zero * rate) >> 16));
  else
    model.zero = static_cast<std::uint16_t>(model.zero + (((65'535U - model.zero) * rate) >> 16));
  if (model.used < kUsedMax) ++model.used;
}
// Of the values from `low` on, `size` of them (2^24 and more, modulo 2^32): the one that ends in
// the most zero bits.
inline std::uint32_t roundest(std::uint32_t low, std::uint32_t size) {
  const std::uint64_t last = std::uint64_t{low} + size - 1;
  for (unsigned zeros = 32; zeros > 0; --zeros) {
    const std::uint64_t value = last >> zeros << zeros;
    if (value >= low) return static_cast<std::uint32_t>(value);
  }
  return static_cast<std::uint32_t>(last);
}
// Share of the range that stands for 0: never none, never all.
inline std::uint32_t bound(std::uint32_t range, const BitModel& model) {
  const std::uint32_t zero = model.zero < 64 ? 64 : model.zero > 65'472 ? 65'472 : model.zero;
  return (range >> 16) * zero;
}
}  // namespace coder

class RangeEncoder {
 public:
  void bit(BitModel& model, bool value) {
    const std::uint32_t bound = coder::bound(range_, model);
    if (value) {
      low_ += bound;
      range_ -= bound;
    } else {
      range_ = bound;
    }
    coder::learn(model, value);
    while (range_ < coder::kTop) shift();
  }
  // The lowest `count` bits, 0 to 64, highest first, each as likely as not.
  void direct(std::uint64_t value, unsigned count) {
    while (count > 0) {
      range_ >>= 1;
      if ((value >> --count & 1) != 0) low_ += range_;
      while (range_ < coder::kTop) shift();
    }
  }
  // The one end that stands for what was written, without the zeros at its end. Once.
  Bytes finish();

 private:
  void shift();
  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xffff'ffff;
  std::uint8_t cache_ = 0;
  std::uint64_t cached_ = 1;  // bytes held back: the cache and the 0xff after it
  Bytes out_;
};

// Bytes beyond the end read as 0: what bounds the work is how many numbers are asked for.
class RangeDecoder {
 public:
  explicit RangeDecoder(ByteView in) : in_(in) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
    sound_ = code_ < range_;
  }
  bool bit(BitModel& model) {
    const std::uint32_t bound = coder::bound(range_, model);
    const bool value = code_ >= bound;
    if (value) {
      code_ -= bound;
      range_ -= bound;
    } else {
      range_ = bound;
    }
    coder::learn(model, value);
    refill();
    return value;
  }
  std::uint64_t direct(unsigned count) {
    std::uint64_t value = 0;
    for (; count > 0; --count) {
      range_ >>= 1;
      const bool one = code_ >= range_;
      if (one) code_ -= range_;
      sound_ = sound_ && code_ < range_;  // half of an odd range leaves one over
      value = value << 1 | (one ? 1 : 0);
      refill();
    }
    return value;
  }
  // Something was read that no writer writes.
  void spoil() { sound_ = false; }
  bool sound() const { return sound_; }
  // After the last number: whether these are the bytes that a writer ends with, each read.
  bool finished() const;

 private:
  void refill() {
    while (range_ < coder::kTop) {
      range_ <<= 8;
      code_ = code_ << 8 | next();
    }
  }
  std::uint32_t next() {
    std::uint8_t byte = 0;
    if (!in_.empty()) {
      byte = in_[0];
      in_ = in_.subspan(1);
      zero_last_ = byte == 0;
    }
    window_ = window_ << 8 | byte;
    return byte;
  }
  ByteView in_;
  std::uint32_t range_ = 0xffff'ffff;
  std::uint32_t code_ = 0;    // how far the value read lies above the lowest of the range
  std::uint32_t window_ = 0;  // the last four bytes of that value
  bool sound_ = true;
  bool zero_last_ = false;  // the last byte that is there
};

// A number: how many bits it has, then those after the first; all of them by the model up to
// kModelledBits bits, above that three, the others as they are.
class NumberModel {
 public:
  NumberModel() {
    // Large numbers are rare: the first steps down the tree of sizes start from that.
    width_[1].zero = 65'200;
    width_[2].zero = 63'000;
    width_[4].zero = 56'000;
  }
  void encode(RangeEncoder& out, std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    unsigned node = 1;
    for (unsigned i = 7; i-- > 0;) {
      const bool bit = (width >> i & 1) != 0;
      out.bit(width_[node], bit);
      node = node << 1 | (bit ? 1 : 0);
    }
    if (width < 2) return;
    const unsigned modelled = modelled_bits(width);
    unsigned prefix = 1;
    for (unsigned i = width - 1; i-- > width - 1 - modelled;) {
      const bool bit = (value >> i & 1) != 0;
      out.bit(mantissa(width, prefix), bit);
      prefix = prefix << 1 | (bit ? 1 : 0);
    }
    out.direct(value, width - 1 - modelled);
  }
  // Sizes over 64 bits are written by nobody: they spoil the reader, and read as 64.
  std::uint64_t decode(RangeDecoder& in) {
    unsigned node = 1;
    for (int i = 0; i < 7; ++i) node = node << 1 | (in.bit(width_[node]) ? 1 : 0);
    unsigned width = node & 127;
    if (width < 2) return width;
    if (width > 64) {
      in.spoil();
      width = 64;
    }
    const unsigned modelled = modelled_bits(width);
    unsigned prefix = 1;
    for (unsigned i = 0; i < modelled; ++i)
      prefix = prefix << 1 | (in.bit(mantissa(width, prefix)) ? 1 : 0);
    const unsigned left = width - 1 - modelled;
    return static_cast<std::uint64_t>(prefix) << left | in.direct(left);
  }

 private:
  static constexpr unsigned kModelledBits = 9;
  static unsigned modelled_bits(unsigned width) { return width <= kModelledBits ? width - 1 : 3; }
  BitModel& mantissa(unsigned width, unsigned prefix) {
    return width <= kModelledBits ? small_[(1U << (width - 1)) + prefix]
                                  : large_[(width - kModelledBits - 1) * 8 + prefix];
  }
  std::array<BitModel, 128> width_;
  std::array<BitModel, 1U << kModelledBits> small_;
  std::array<BitModel, (64 - kModelledBits) * 8> large_;
};

}  // namespace lienthong::wire
