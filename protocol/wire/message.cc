#include "protocol/wire/message.h"

#include "protocol/base/limits.h"

namespace lienthong::wire {
namespace {

constexpr std::size_t kStatementWireMax = kStatementBytesMax + 256;  // body and authority

void put_type(ByteWriter& out, MessageType type) { out.u8(static_cast<std::uint8_t>(type)); }
void put_kind(ByteWriter& out, FeedKind kind) { out.u8(static_cast<std::uint8_t>(kind)); }

constexpr std::uint8_t kEndsFlag = 0x80;  // beside the kind of a part's feed

struct Encoder {
  ByteWriter out = {};

  void operator()(const PartMessage& message) {
    put_type(out, MessageType::kPart);
    LT_CHECK(!message.end || !message.part.covered.empty());
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(message.kind) |
                                     (message.end ? kEndsFlag : 0U)));
    encode_ranges(out, 0, message.part.covered);
    out.raw(message.part.body);
  }
  void operator()(const CursorMessage& message) {
    put_type(out, MessageType::kCursor);
    put_kind(out, message.kind);
    encode_cursor(out, message.cursor);
  }
  void operator()(const AckMessage& message) {
    put_type(out, MessageType::kAck);
    put_kind(out, message.kind);
    out.u8(message.serial);
    out.varint(message.number);
    std::uint64_t before = message.number;
    for (const CursorRange& range : message.ranges) {  // to the end of the message
      out.varint(range.first - before);
      out.varint(range.last - range.first);
      before = range.last;
    }
  }
  void operator()(const EndMessage& message) {
    put_type(out, MessageType::kEnd);
    put_kind(out, message.kind);
    out.varint(message.number);
  }
  void operator()(const LevelMessage& message) {
    put_type(out, MessageType::kLevel);
    out.u8(message.feeds);
  }
  void operator()(const LanesMessage& message) {
    LT_CHECK(message.reason.size() <= kReasonBytesMax);
    put_type(out, MessageType::kLanes);
    out.u8(message.closed);
    out.u8(message.again);
    out.sized(message.reason);
  }
  void operator()(const BeginMessage& message) {
    put_type(out, MessageType::kBegin);
    put_kind(out, message.kind);
    out.u64(message.epoch);
    out.varint(message.first);
  }
  void operator()(const RefusedMessage& message) {
    LT_CHECK(message.ids.size() <= kRefusedCountMax && message.reason.size() <= kReasonBytesMax);
    put_type(out, MessageType::kRefused);
    out.varint(message.ids.size());
    for (const UpdateId& id : message.ids) out.raw(id.view());
    out.sized(message.reason);
  }
  void operator()(const PingMessage& message) {
    put_type(out, MessageType::kPing);
    out.varint(message.token);
  }
  void operator()(const PongMessage& message) {
    put_type(out, MessageType::kPong);
    out.varint(message.token);
  }
  void operator()(const CredentialsMessage& message) {
    LT_CHECK(message.statements.size() <= kCredentialCountMax);
    put_type(out, MessageType::kCredentials);
    out.varint(message.statements.size());
    for (const Statement& statement : message.statements) out.sized(encode_statement(statement));
  }
  void operator()(const CloseMessage& message) {
    LT_CHECK(message.text.size() <= kReasonBytesMax);
    put_type(out, MessageType::kClose);
    out.u8(message.code);
    out.sized(message.text);
  }
  void operator()(const UnclearMessage& message) {
    put_type(out, MessageType::kUnclear);
    put_kind(out, message.kind);
    out.u8(message.serial);
    encode_ranges(out, 0, message.covered);
  }
  void operator()(const HealMessage& message) {
    put_type(out, MessageType::kHeal);
    out.raw(message.body);
  }
  void operator()(const BlobMessage& message) {
    put_type(out, MessageType::kBlob);
    out.raw(message.body);
  }
  void operator()(const OptionalMessage& message) {
    LT_CHECK(message.type >= kOptionalTypeMin);
    out.u8(message.type);
  }
};

Result<FeedKind> feed_kind(std::uint8_t kind) {
  if (kind > static_cast<std::uint8_t>(FeedKind::kUpdates)) {
    return Error(Errc::kMalformed, "unknown feed kind");
  }
  return static_cast<FeedKind>(kind);
}

Result<FeedKind> feed_kind(ByteReader& in) {
  LT_TRY(const std::uint8_t kind, in.u8());
  return feed_kind(kind);
}

Result<std::string> text(ByteReader& in) {
  LT_TRY(const ByteView bytes, in.sized(kReasonBytesMax));
  return std::string(as_text(bytes));
}

Result<Message> decode_part(ByteReader in) {
  PartMessage message;
  LT_TRY(const std::uint8_t first, in.u8());
  message.end = (first & kEndsFlag) != 0;
  LT_TRY(message.kind, feed_kind(first & ~kEndsFlag & 0xff));
  LT_TRY(message.part.covered, decode_ranges(in, 0, 1));
  if (message.end && message.part.covered.empty()) {
    return Error(Errc::kMalformed, "a part without places ends no feed");
  }
  message.part.body = to_bytes(in.rest());
  return Message(std::move(message));
}

Result<Message> decode_unclear(ByteReader in) {
  UnclearMessage message;
  LT_TRY(message.kind, feed_kind(in));
  LT_TRY(message.serial, in.u8());
  LT_TRY(message.covered, decode_ranges(in, 0, 1));
  LT_TRY_VOID(in.finish("unclear"));
  return Message(std::move(message));
}

Result<Message> decode_cursor_message(ByteReader in) {
  CursorMessage message;
  LT_TRY(message.kind, feed_kind(in));
  LT_TRY(message.cursor, decode_cursor(in));
  LT_TRY_VOID(in.finish("cursor"));
  return Message(std::move(message));
}

Result<Message> decode_ack(ByteReader in) {
  AckMessage message;
  LT_TRY(message.kind, feed_kind(in));
  LT_TRY(message.serial, in.u8());
  LT_TRY(message.number, in.varint());
  if (message.number > kFeedNumberMax) return Error(Errc::kTooLarge, "number of an ack");
  std::uint64_t before = message.number;
  while (!in.rest().empty()) {
    LT_TRY(const std::uint64_t gap, in.varint());
    LT_TRY(const std::uint64_t more, in.varint());
    if (gap < 2) return Error(Errc::kMalformed, "ranges of an ack touch");
    if (message.ranges.size() == kCursorRangeCountMax || gap > kFeedNumberMax - before ||
        more > kFeedNumberMax - before - gap) {
      return Error(Errc::kTooLarge, "ranges of an ack");
    }
    message.ranges.push_back(CursorRange{before + gap, before + gap + more, 0});
    before += gap + more;
  }
  return Message(std::move(message));
}

Result<Message> decode_level(ByteReader in) {
  LevelMessage message;
  LT_TRY(message.feeds, in.u8());
  LT_TRY_VOID(in.finish("level"));
  return Message(message);
}

Result<Message> decode_lanes(ByteReader in) {
  LanesMessage message;
  LT_TRY(message.closed, in.u8());
  LT_TRY(message.again, in.u8());
  LT_TRY(message.reason, text(in));
  LT_TRY_VOID(in.finish("lanes"));
  return Message(std::move(message));
}

Result<Message> decode_end(ByteReader in) {
  EndMessage message;
  LT_TRY(message.kind, feed_kind(in));
  LT_TRY(message.number, in.varint());
  if (message.number > kFeedNumberMax) return Error(Errc::kTooLarge, "number of an end");
  LT_TRY_VOID(in.finish("end"));
  return Message(message);
}

Result<Message> decode_begin(ByteReader in) {
  BeginMessage message;
  LT_TRY(message.kind, feed_kind(in));
  LT_TRY(message.epoch, in.u64());
  LT_TRY(message.first, in.varint());
  if (message.first == 0) return Error(Errc::kMalformed, "feeds begin at 1");
  if (message.first > kFeedNumberMax) return Error(Errc::kTooLarge, "number of a beginning");
  LT_TRY_VOID(in.finish("begin"));
  return Message(message);
}

Result<Message> decode_refused(ByteReader in) {
  RefusedMessage message;
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > kRefusedCountMax) return Error(Errc::kTooLarge, "ids refused");
  for (std::uint64_t i = 0; i < count; ++i) {
    UpdateId id;
    LT_TRY(id.bytes, in.array<32>());
    message.ids.push_back(id);
  }
  LT_TRY(message.reason, text(in));
  LT_TRY_VOID(in.finish("refused"));
  return Message(std::move(message));
}

template <class T>
Result<Message> decode_token(ByteReader in, const char* what) {
  T message;
  LT_TRY(message.token, in.varint());
  LT_TRY_VOID(in.finish(what));
  return Message(message);
}

Result<Message> decode_credentials(ByteReader in) {
  CredentialsMessage message;
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > kCredentialCountMax) return Error(Errc::kTooLarge, "credentials");
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const ByteView bytes, in.sized(kStatementWireMax));
    LT_TRY(Statement statement, decode_statement(bytes));
    message.statements.push_back(std::move(statement));
  }
  LT_TRY_VOID(in.finish("credentials"));
  return Message(std::move(message));
}

Result<Message> decode_close(ByteReader in) {
  CloseMessage message;
  LT_TRY(message.code, in.u8());
  LT_TRY(message.text, text(in));
  LT_TRY_VOID(in.finish("close"));
  return Message(std::move(message));
}

}  // namespace

Bytes encode_message(const Message& message) {
  Encoder encoder;
  std::visit(encoder, message);
  return encoder.out.take();
}

Result<Message> decode_message(ByteView bytes) {
  if (bytes.size() > kMessageBytesMax) return Error(Errc::kTooLarge, "message");
  ByteReader in(bytes);
  LT_TRY(const std::uint8_t type, in.u8());
  if (type >= kOptionalTypeMin) return Message(OptionalMessage{type});
  switch (static_cast<MessageType>(type)) {
    case MessageType::kPart: return decode_part(in);
    case MessageType::kCursor: return decode_cursor_message(in);
    case MessageType::kAck: return decode_ack(in);
    case MessageType::kLevel: return decode_level(in);
    case MessageType::kLanes: return decode_lanes(in);
    case MessageType::kEnd: return decode_end(in);
    case MessageType::kRefused: return decode_refused(in);
    case MessageType::kPing: return decode_token<PingMessage>(in, "ping");
    case MessageType::kPong: return decode_token<PongMessage>(in, "pong");
    case MessageType::kCredentials: return decode_credentials(in);
    case MessageType::kClose: return decode_close(in);
    case MessageType::kBegin: return decode_begin(in);
    case MessageType::kUnclear: return decode_unclear(in);
    case MessageType::kHeal: return Message(HealMessage{to_bytes(in.rest())});
    case MessageType::kBlob: return Message(BlobMessage{to_bytes(in.rest())});
  }
  return Error(Errc::kMalformed, "unknown message type " + std::to_string(type));
}

}  // namespace lienthong::wire
