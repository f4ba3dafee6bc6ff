// Cuts a stream into the frames of enrolment: a u16 (little-endian) length, then that many bytes.
// Holds one unfinished frame and nothing else.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "protocol/base/bytes.h"

namespace lienthong {

class FrameCutter {
 public:
  // Takes what belongs to the frame under way from the front of `in`; the frame when that makes it
  // whole, else `in` is used up. As soon as the length is here: kMalformed for 0, kTooLarge for
  // more than `bytes_max`; throw away then.
  Result<std::optional<Bytes>> next(ByteView& in, std::size_t bytes_max) {
    while (head_size_ < head_.size() && !in.empty()) {
      head_[head_size_++] = in.front();
      in = in.subspan(1);
    }
    if (head_size_ < head_.size()) return std::optional<Bytes>();
    const std::size_t size = head_[0] | static_cast<std::size_t>(head_[1]) << 8;
    if (size == 0) return Error(Errc::kMalformed, "enrolment: a frame of length 0");
    if (size > bytes_max) {
      return Error(Errc::kTooLarge, "enrolment: a frame of " + std::to_string(size) +
                                        " bytes where at most " + std::to_string(bytes_max) +
                                        " are due");
    }
    const ByteView piece = in.first(std::min(in.size(), size - body_.size()));
    body_.insert(body_.end(), piece.begin(), piece.end());
    in = in.subspan(piece.size());
    if (body_.size() < size) return std::optional<Bytes>();
    head_size_ = 0;
    return std::optional<Bytes>(std::exchange(body_, Bytes()));
  }

  std::size_t held_bytes() const { return head_size_ + body_.size(); }

 private:
  std::array<std::uint8_t, 2> head_{};
  std::size_t head_size_ = 0;
  Bytes body_;
};

}  // namespace lienthong
