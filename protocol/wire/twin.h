// Message 129: "two machines use your key". docs/protocol/session.md, "Lives". An optional one, so
// that programs that do not know it pass it over. Pure.
#pragma once

#include <optional>
#include <string>

#include "protocol/base/bytes.h"
#include "protocol/base/result.h"

namespace lienthong::wire {

inline constexpr std::uint8_t kTwinType = 129;
inline constexpr std::size_t kTwinAddressBytesMax = 80;

struct TwinMessage {
  std::uint64_t since = 0, last = 0;  // by the sender's clock, Unix milliseconds
  std::string address, other_address;
  bool operator==(const TwinMessage&) const = default;
};

// Addresses over kTwinAddressBytesMax are cut.
inline Bytes encode_twin(const TwinMessage& message) {
  ByteWriter out;
  out.u8(kTwinType);
  out.varint(message.since);
  out.varint(message.last);
  out.sized(std::string_view(message.address).substr(0, kTwinAddressBytesMax));
  out.sized(std::string_view(message.other_address).substr(0, kTwinAddressBytesMax));
  return out.take();
}

// Fails: kTruncated, kTooLarge, kMalformed; then it means nothing. Bytes that follow are passed
// over.
inline Result<TwinMessage> decode_twin(ByteView bytes) {
  ByteReader in(bytes);
  TwinMessage message;
  LT_TRY(const std::uint8_t type, in.u8());
  if (type != kTwinType) return Error(Errc::kMalformed, "another message");
  LT_TRY(message.since, in.varint());
  LT_TRY(message.last, in.varint());
  LT_TRY(const ByteView address, in.sized(kTwinAddressBytesMax));
  LT_TRY(const ByteView other, in.sized(kTwinAddressBytesMax));
  message.address = std::string(as_text(address));
  message.other_address = std::string(as_text(other));
  return message;
}

}  // namespace lienthong::wire
