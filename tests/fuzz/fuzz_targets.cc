#include "tests/fuzz/fuzz_targets.h"

#include "protocol/base/limits.h"
#include "protocol/session/hello.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/support/session_pair.h"

namespace lienthong::fuzz {
namespace {

using test::End;
using test::FakeReplica;
using test::TestDeployment;
using test::TestNode;

// Made once: making keys and signatures for each input would take all the time.
struct Stage {
  TestDeployment deployment{1};
  AgencyId district = deployment.add_agency({}, "H47.12", "Phú Ninh", "district");
  TestNode& hub = deployment.add_node(district, true);
  AgencyId commune = deployment.add_agency(district, "H47.12.05", "Tam Dân", "commune");
  TestNode& leaf = deployment.add_node(commune);
  FakeReplica hub_replica{deployment.registry(), 22};
  FakeReplica leaf_replica{deployment.registry(), 11};
  // As the sessions of one program share them: making them takes longer than a session.
  std::shared_ptr<SharedTables> tables = std::make_shared<SharedTables>();

  Stage() {
    for (const Statement& statement : deployment.statements()) hub_replica.add_statement(statement);
    for (int i = 0; i < 4; ++i) {
      hub_replica.write(hub, "x", 50);
      leaf_replica.write(leaf, "y", 50);
    }
  }
  // In small parts a feed goes as a packed stream, whose tables take longer than all the rest.
  SessionConfig config(const TestNode& node, std::uint8_t salt, bool small_parts) const {
    Seed secret{};
    secret[0] = salt;
    SessionConfig config(node.dh_key, DhKey(secret));
    config.root = deployment.root();
    config.agency = node.agency;
    config.node = node.id();
    config.certificate = node.certificate;
    config.credentials = deployment.statements();
    config.session_number = 1;
    config.part_bytes_max = small_parts ? 600 : 16'000;
    config.tables = tables;
    return config;
  }
  FeedPart part(FeedKind kind) const {
    return *hub_replica.read_feed({kind, commune, {}, Echo::kCarry, 1, kFeedNumberMax, 2000})
                .value();
  }
};
const Stage& stage() {
  static const Stage made;
  return made;
}

// Nothing but what the other side wrote may come out, whatever the channel did.
void check_parts(const End& end, const FakeReplica& writer) {
  for (const StorePart& part : end.parts) {
    const auto decoded = wire::decode_part_body(writer.registry()->root(), part.part.body);
    LT_CHECK(decoded.ok());
    for (const SealedUnit& unit : decoded->units) {
      bool written = false;
      for (const FakeReplica::Entry& entry : writer.feed(FeedKind::kUpdates)) {
        written = written || std::get<SealedUnit>(entry.content) == unit;
      }
      LT_CHECK(written);
    }
  }
}

// Moves up to `size` bytes from one end to the other, changed as `how` says.
void pass(End& from, End& to, std::uint8_t how, std::size_t size, Instant now) {
  from.perform(now);
  size = std::min(size, from.outgoing.size());
  const auto middle = from.outgoing.begin() + static_cast<std::ptrdiff_t>(size);
  Bytes bytes(from.outgoing.begin(), middle);
  const bool kept = how == 3;  // delivered now and once more later
  if (!kept) from.outgoing.erase(from.outgoing.begin(), middle);
  if (how == 4) return;  // dropped
  if (how == 5 && !bytes.empty()) bytes[bytes.size() / 2] ^= 0x40;
  if (how == 6) bytes.insert(bytes.begin(), 7);
  if (!to.session.closed()) static_cast<void>(to.session.on_bytes(bytes, now));
  to.perform(now);
}

}  // namespace

void decode_message(ByteView input) {
  const auto message = wire::decode_message(input);
  if (!message.ok() || std::holds_alternative<wire::OptionalMessage>(*message)) return;
  LT_CHECK(std::ranges::equal(wire::encode_message(*message), input));  // one spelling
}

void decode_feed_part(ByteView input) {
  const RootFingerprint root;
  const auto part = wire::decode_part_body(root, input);
  if (!part.ok()) return;
  const Bytes bytes = wire::encode_part_body(root, *part);
  if (bytes.size() > kMessageBytesMax) return;  // a place in a table became a name written out
  const auto again = wire::decode_part_body(root, bytes);
  LT_CHECK(again.ok() && *again == *part);
  LT_CHECK(wire::encode_part_body(root, *again) == bytes);
}

void decode_hello(ByteView input) {
  const auto hello = lienthong::decode_hello(input);
  if (!hello.ok()) return;
  const auto again = lienthong::decode_hello(encode_hello(*hello));
  LT_CHECK(again.ok() && *again == *hello);
}

void assemble_frames(ByteView input) {
  wire::Assembler assembler;
  while (!input.empty()) {
    const std::size_t size = std::min<std::size_t>(input[0], input.size() - 1);
    const auto message = assembler.add(input.subspan(1, size));
    if (!message.ok()) return;
    if (*message) LT_CHECK((*message)->bytes.size() <= kMessageBytesMax);
    input = input.subspan(1 + size);
  }
}

void hostile_channel(ByteView input) {
  const Stage& world = stage();
  FakeReplica leaf_replica = world.leaf_replica;
  FakeReplica hub_replica = world.hub_replica;
  Instant now{std::chrono::seconds(1)};
  const bool knows_key = !input.empty() && (input[0] & 1) != 0;
  const bool small_parts = !input.empty() && (input[0] & 6) == 6;
  SessionConfig dialling = world.config(world.leaf, 1, small_parts);
  dialling.initiator = true;
  if (knows_key) {
    dialling.peer_dh_key = world.hub.dh_key.public_key();
    dialling.peer_certificate = world.hub.certificate;
  }
  End a(leaf_replica, std::move(dialling), now);
  End b(hub_replica, world.config(world.hub, 2, small_parts), now);
  for (std::size_t i = 1; i + 1 < input.size() && i < 200; i += 2) {
    End& from = (input[i] & 0x80) != 0 ? a : b;
    End& to = &from == &a ? b : a;
    const std::uint8_t how = input[i] & 0x07;
    if (how == 7) {
      now += std::chrono::milliseconds(250) * input[i + 1];
      from.session.on_tick(now);
      from.session.on_feed_grown(now);
    } else {
      pass(from, to, how, how < 3 ? SIZE_MAX : input[i + 1] * std::size_t{4}, now);
    }
  }
  test::run(a, b, now);
  check_parts(a, hub_replica);
  check_parts(b, leaf_replica);
  static_cast<void>(a.session.stats());
  static_cast<void>(b.session.stats());
}

std::vector<Bytes> seeds_of_feed_parts() {
  const RootFingerprint root;
  return {wire::encode_part_body(root, stage().part(FeedKind::kUpdates)),
          wire::encode_part_body(root, stage().part(FeedKind::kRegistry))};
}

std::vector<Bytes> seeds_of_messages() {
  const auto encoded = [](FeedKind kind) {
    const FeedPart part = stage().part(kind);
    return EncodedPart{part.epoch, part.covered, wire::encode_part_body(RootFingerprint{}, part)};
  };
  Cursor cursor;
  cursor.mark = FeedMark{3, 4, 5};
  cursor.ranges = {{7, 8, 9}};
  const std::vector<wire::Message> messages{
      wire::PartMessage{FeedKind::kUpdates, encoded(FeedKind::kUpdates)},
      wire::PartMessage{FeedKind::kRegistry, encoded(FeedKind::kRegistry)},
      wire::UnclearMessage{FeedKind::kUpdates, 3, {{1, 2, 3}}},
      wire::CursorMessage{FeedKind::kRegistry, cursor},
      wire::AckMessage{FeedKind::kUpdates, 1, 300, {{302, 303, 0}}},
      wire::LevelMessage{3},
      wire::LanesMessage{0x1e, 2, "disk full"},
      wire::EndMessage{FeedKind::kUpdates, 4},
      wire::BeginMessage{FeedKind::kUpdates, 3, 5},
      wire::RefusedMessage{{UpdateId{}}, "bad-form"},
      wire::PingMessage{77},
      wire::PongMessage{78},
      wire::CredentialsMessage{stage().deployment.statements()},
      wire::CloseMessage{3, "text"},
      wire::OptionalMessage{200}};
  std::vector<Bytes> out;
  for (const wire::Message& message : messages) out.push_back(wire::encode_message(message));
  return out;
}

std::vector<Bytes> seeds_of_hellos() {
  Hello plain;
  plain.program_version = "0.1.0";
  Hello full = plain;
  full.cursors.emplace();
  full.cursors->at(1).mark = FeedMark{3, 4, 5};
  full.cursors->at(1).ranges = {{7, 8, 9}, {11, 20, 10}};
  return {encode_hello(plain), encode_hello(full)};
}

std::vector<Bytes> seeds_of_frames() {
  std::vector<Bytes> out;
  for (const Bytes& message : {Bytes(100, 1), Bytes(4000, 'a')}) {
    Bytes seed;
    for (const Bytes& plaintext :
         wire::split_message(wire::Packed{wire::Lane::kUpdates, wire::Packing::kPlain, message})) {
      seed.push_back(static_cast<std::uint8_t>(plaintext.size()));
      seed.insert(seed.end(), plaintext.begin(), plaintext.end());
    }
    out.push_back(std::move(seed));
  }
  return out;
}

std::vector<Bytes> seeds_of_channels() {
  return {
      Bytes{1, 0x80, 0, 0x00, 0, 0x80, 0, 0x00, 0}, Bytes{0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0},
      Bytes{1, 0x80, 0, 0x00, 0, 0x86, 1, 0x07, 90}, Bytes{1, 0x83, 20, 0x80, 0, 0x04, 1, 0x85, 9},
      Bytes{6, 0x80, 0, 0x00, 0, 0x80, 0, 0x00, 0, 0x07, 9, 0x86, 3}};
}

}  // namespace lienthong::fuzz
