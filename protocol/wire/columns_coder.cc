#include "protocol/wire/columns_coder.h"

namespace lienthong::wire {

// Puts out the highest byte of `low_`, or holds it back while a carry may still come.
void RangeEncoder::shift() {
  if (low_ < 0xff00'0000U || low_ > 0xffff'ffffU) {
    const auto carry = static_cast<std::uint8_t>(low_ >> 32);
    out_.push_back(static_cast<std::uint8_t>(cache_ + carry));
    for (; cached_ > 1; --cached_) out_.push_back(static_cast<std::uint8_t>(0xff + carry));
    cache_ = static_cast<std::uint8_t>(low_ >> 24);
    cached_ = 0;
  }
  ++cached_;
  low_ = (low_ & 0x00ff'ffffU) << 8;
  range_ <<= 8;
}

// Any value in [low, low + range) would be read as the same: one of them is taken. Its zeros at the
// end are not written, for a decoder reads zeros beyond the end.
Bytes RangeEncoder::finish() {
  const auto low = static_cast<std::uint32_t>(low_);
  low_ += static_cast<std::uint32_t>(coder::roundest(low, range_) - low);
  for (int i = 0; i < 5; ++i) shift();
  while (!out_.empty() && out_.back() == 0) out_.pop_back();
  if (!out_.empty()) out_.erase(out_.begin());  // the first is the empty cache: always 0
  return std::move(out_);
}

bool RangeDecoder::finished() const {
  const std::uint32_t low = window_ - code_;
  return sound_ && in_.empty() && !zero_last_ && coder::roundest(low, range_) == window_;
}

}  // namespace lienthong::wire
