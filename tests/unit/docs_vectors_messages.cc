// Theme "messages": places in feeds, hellos, messages, and how they are cut into frames.
#include "protocol/session/hello.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

Bytes encoded(const Cursor& cursor) {
  ByteWriter out;
  encode_cursor(out, cursor);
  return out.take();
}

void places(const Example& example, Theme& out) {
  out.input("epoch", kEpoch);
  ByteWriter hashes;
  hashes.u64(next_feed_hash(example.root, 0, example.first_id().view()));
  hashes.u64(example.part().covered[0].hash);
  out.result("feed.hashes", hashes.bytes());
  out.result("cursor", encoded(example.cursor()));
  out.result("cursor.empty", encoded(Cursor{}));
  // As parts come in: what joins on moves the mark, what touches is joined.
  Cursor moved{{kEpoch, 2, 0x22}, {}};
  moved.add(kEpoch, 5, 9, 0x99);
  out.result("cursor.moved.1", encoded(moved));
  moved.add(kEpoch, 20, 20, 0x2020);
  moved.add(kEpoch, 10, 11, 0x1111);
  out.result("cursor.moved.2", encoded(moved));
  moved.add(kEpoch, 3, 4, 0x44);
  out.result("cursor.moved.3", encoded(moved));
  moved.add(kEpoch + 1, 1, 3, 0x33);
  out.result("cursor.moved.4", encoded(moved));
}

void hellos(const Example& example, Theme& out) {
  const auto hello = [&](const std::string& name, const Hello& value) {
    const Bytes bytes = encode_hello(value);
    LT_CHECK(decode_hello(bytes).ok());
    out.result(name, bytes);
  };
  Hello plain;
  plain.session_number = 7;
  plain.speaker =
      speaker_name(example.root, DhKey(seed_of(0x31)).public_key(), example.commune.certificate);
  plain.registry_check = 0x01020304;
  plain.dictionary = 1;
  plain.program_version = "0.1.0";
  plain.cursors = {Cursor{}, example.cursor()};
  hello("hello", plain);
  Hello full = plain;
  full.features = kFeatureHealing | kFeatureGoesOn | kFeatureShortHealing;
  full.credentials_wanted = true;
  full.history_waits = true;
  full.level = 3;
  full.window_bytes = 262'144;
  full.early = Bytes{0, 3, 5, 1, 7};
  hello("hello.full", full);
  Hello refusal;
  refusal.replayed = true;
  refusal.session_number = 300;
  hello("hello.replayed", refusal);
}

void messages_of(const Example& example, Theme& out) {
  const auto message = [&](const std::string& name, const wire::Message& value) {
    const Bytes bytes = wire::encode_message(value);
    LT_CHECK(wire::decode_message(bytes).ok());
    out.result("message." + name, bytes);
  };
  const FeedPart whole = example.part();
  wire::PartMessage part{FeedKind::kUpdates,
                         {whole.epoch, whole.covered, wire::encode_part_body(example.root, whole)}};
  message("begin", wire::BeginMessage{FeedKind::kUpdates, kEpoch, 3});
  message("part", part);
  part.end = true;
  message("part.end", part);
  message("cursor", wire::CursorMessage{FeedKind::kUpdates, example.cursor()});
  message("ack", wire::AckMessage{FeedKind::kUpdates, 1, 2, {CursorRange{5, 9, 0}}});
  message("unclear", wire::UnclearMessage{FeedKind::kUpdates, 1, {CursorRange{5, 9, 7}}});
  message("level", wire::LevelMessage{3});
  message("lanes", wire::LanesMessage{0x1e, 0, "disk full"});
  message("end", wire::EndMessage{FeedKind::kUpdates, 300});
  message("refused", wire::RefusedMessage{{example.first_id()}, "no"});
  message("ping", wire::PingMessage{7});
  message("pong", wire::PongMessage{7});
  wire::CredentialsMessage credentials;
  credentials.statements.assign(example.statements.begin() + 1, example.statements.begin() + 3);
  message("credentials", credentials);
  message("nothing", wire::OptionalMessage{});
  message("close", wire::CloseMessage{10, "late"});
}

void frames(Theme& out) {
  const Bytes ping = wire::encode_message(wire::PingMessage{7});
  out.result("plaintext.ping",
             wire::split_message({wire::Lane::kControl, wire::Packing::kPlain, ping})[0]);
  Bytes message(40);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i);
  out.input("pieces.message", message);
  wire::Assembler assembler;
  std::size_t number = 0;
  for (const Bytes& piece :
       wire::split_message({wire::Lane::kHistory, wire::Packing::kStream, message}, 17)) {
    out.result("pieces." + std::to_string(number++), piece);
    const auto whole = assembler.add(piece);
    LT_CHECK(whole.ok() && whole->has_value() == (number == 3));
    if (*whole) LT_CHECK((*whole)->bytes == message);
  }
}

}  // namespace

void messages(Theme& out) {
  const Example example;
  places(example, out);
  hellos(example, out);
  messages_of(example, out);
  frames(out);
}

}  // namespace lienthong::vectors
