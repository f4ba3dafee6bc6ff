// What two machines say to each other after the handshake. docs/protocol.md, "Messages".
// A message is a type byte and a body. Pure values; no threads.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/sync/feed.h"

namespace lienthong::wire {

enum class MessageType : std::uint8_t {  // on the wire: never change
  kPart = 1,                             // feed kind, feed part
  kAck = 2,          // feed kind, cursor: what is durable; before any part: where to begin
  kEnd = 3,          // feed kind, epoch, number: "this is all I have for you now"
  kRefused = 4,      // ids and a reason
  kPing = 5,         // token
  kPong = 6,         // the ping's token
  kCredentials = 7,  // certificate and what vouches for it, up to the root, parents first
  kClose = 8,        // code, text
  kBegin = 9,  // feed kind, epoch, number: "my feed for you goes on from here"; before its parts
};
// A type from here on that is not known is passed over; below it is an error.
inline constexpr std::uint8_t kOptionalTypeMin = 128;

// ---- one program's own bounds ----
inline constexpr std::size_t kRefusedCountMax = 256;
inline constexpr std::size_t kCredentialCountMax = 64;
inline constexpr std::size_t kReasonBytesMax = 512;

struct PartMessage {
  FeedKind kind = FeedKind::kUpdates;
  FeedPart part;
  bool operator==(const PartMessage&) const = default;
};
struct AckMessage {
  FeedKind kind = FeedKind::kUpdates;
  Cursor cursor;
  bool operator==(const AckMessage&) const = default;
};
struct EndMessage {
  FeedKind kind = FeedKind::kUpdates;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  bool operator==(const EndMessage&) const = default;
};
struct BeginMessage {
  FeedKind kind = FeedKind::kUpdates;
  std::uint64_t epoch = 0;
  std::uint64_t first = 1;  // at least 1
  bool operator==(const BeginMessage&) const = default;
};
struct RefusedMessage {
  std::vector<UpdateId> ids;  // at most kRefusedCountMax
  std::string reason;         // at most kReasonBytesMax
  bool operator==(const RefusedMessage&) const = default;
};
struct PingMessage {
  std::uint64_t token = 0;
  bool operator==(const PingMessage&) const = default;
};
struct PongMessage {
  std::uint64_t token = 0;
  bool operator==(const PongMessage&) const = default;
};
struct CredentialsMessage {
  std::vector<Statement> statements;  // at most kCredentialCountMax
  bool operator==(const CredentialsMessage&) const = default;
};
struct CloseMessage {
  std::uint8_t code = 0;  // CloseCode; a later version's is passed through
  std::string text;       // at most kReasonBytesMax
  bool operator==(const CloseMessage&) const = default;
};
struct OptionalMessage {  // of a later version: to be passed over
  std::uint8_t type = kOptionalTypeMin;
  bool operator==(const OptionalMessage&) const = default;
};
using Message =
    std::variant<PartMessage, AckMessage, EndMessage, RefusedMessage, PingMessage, PongMessage,
                 CredentialsMessage, CloseMessage, BeginMessage, OptionalMessage>;

// Counts must keep to the bounds above (LT_CHECK). An OptionalMessage has no body.
Bytes encode_message(const RootFingerprint& root, const Message& message);

// Fails: kTruncated; kTooLarge (over kMessageBytesMax, a count or length over its bound);
// kMalformed (unknown type below kOptionalTypeMin, unknown feed kind, a beginning at 0, statements
// in the feed of updates or units in that of the registry, bytes left).
Result<Message> decode_message(const RootFingerprint& root, ByteView bytes);

}  // namespace lienthong::wire
