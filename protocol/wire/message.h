// What two machines say to each other after the handshake. docs/protocol/session.md, "Messages".
// A message is a type byte and a body. Pure values; no threads.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/feed/feed.h"

namespace lienthong::wire {

enum class MessageType : std::uint8_t {  // on the wire: never change
  kPart = 1,                             // feed kind, stretches, body: after the feed's Begin
  kCursor = 2,                           // feed kind, cursor: what is durable, where to begin
  kEnd = 3,                              // feed kind, number: "this is all I have for you now"
  kRefused = 4,                          // ids and a reason
  kPing = 5,                             // token
  kPong = 6,                             // the ping's token
  kCredentials = 7,  // certificate and what vouches for it, up to the root, parents first
  kClose = 8,        // code, text
  kBegin = 9,        // feed kind, epoch, number: "my feed for you goes on from here"
  kUnclear = 10,     // feed kind, beginning, stretches: "send these again with full ids"
  kLevel = 11,       // feeds: "they begin after what you have, and end there"
  kAck = 12,         // feed kind, beginning, number, stretches: what is durable
  kLanes = 13,       // lanes closed, feeds to begin anew, reason
  kHeal = 16,        // protocol/sync/healing.h
  kBlob = 17,        // protocol/session/blob_lane.h
};
// A type from here on that is not known is passed over; below it is an error.
inline constexpr std::uint8_t kOptionalTypeMin = 128;

// ---- one program's own bounds ----
inline constexpr std::size_t kRefusedCountMax = 256;
inline constexpr std::size_t kCredentialCountMax = 1024;
inline constexpr std::size_t kReasonBytesMax = 512;

struct PartMessage {
  FeedKind kind = FeedKind::kUpdates;
  EncodedPart part;
  bool end = false;  // the feed ends with it: as if an End for its last place followed
  bool operator==(const PartMessage&) const = default;
};
struct CursorMessage {
  FeedKind kind = FeedKind::kUpdates;
  Cursor cursor;
  bool operator==(const CursorMessage&) const = default;
};
// Places in the epoch of the writer's `serial`-th Begin on this session; hashes of the ranges are
// not sent, the writer knows its own.
struct AckMessage {
  FeedKind kind = FeedKind::kUpdates;
  std::uint8_t serial = 0;  // modulo 256
  std::uint64_t number = 0;
  std::vector<CursorRange> ranges;  // beyond it; at most kCursorRangeCountMax
  bool operator==(const AckMessage&) const = default;
};
struct EndMessage {
  FeedKind kind = FeedKind::kUpdates;
  std::uint64_t number = 0;
  bool operator==(const EndMessage&) const = default;
};
struct LevelMessage {
  std::uint8_t feeds = 0;  // bit for each kind
  bool operator==(const LevelMessage&) const = default;
};
struct LanesMessage {
  std::uint8_t closed = 0;  // bit for each lane that the sender does not take now
  std::uint8_t again = 0;   // bit for each feed kind that is to begin anew: parts were not stored
  std::string reason;       // at most kReasonBytesMax
  bool operator==(const LanesMessage&) const = default;
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
// Short names in what covered these stretches led elsewhere here.
struct UnclearMessage {
  FeedKind kind = FeedKind::kUpdates;
  std::uint8_t serial = 0;           // as in AckMessage
  std::vector<CursorRange> covered;  // at most kCursorRangeCountMax
  bool operator==(const UnclearMessage&) const = default;
};
struct HealMessage {
  Bytes body;
  bool operator==(const HealMessage&) const = default;
};
struct BlobMessage {
  Bytes body;
  bool operator==(const BlobMessage&) const = default;
};
struct OptionalMessage {  // of a later version: to be passed over
  std::uint8_t type = kOptionalTypeMin;
  bool operator==(const OptionalMessage&) const = default;
};
using Message =
    std::variant<PartMessage, CursorMessage, AckMessage, EndMessage, LevelMessage, LanesMessage,
                 RefusedMessage, PingMessage, PongMessage, CredentialsMessage, CloseMessage,
                 BeginMessage, UnclearMessage, HealMessage, BlobMessage, OptionalMessage>;

// Counts must keep to the bounds above (LT_CHECK). An OptionalMessage has no body.
Bytes encode_message(const Message& message);

// Fails: kTruncated; kTooLarge (over kMessageBytesMax, a count or length over its bound);
// kMalformed (unknown type below kOptionalTypeMin, unknown feed kind, a beginning at 0,
// stretches that touch, bytes left). The body of a part is decoded where it is stored.
Result<Message> decode_message(ByteView bytes);

}  // namespace lienthong::wire
