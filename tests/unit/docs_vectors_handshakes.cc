// Theme "handshakes": both patterns with their hellos, and a first message with updates in it.
#include "protocol/wire/message.h"
#include "tests/support/session_pair.h"
#include "tests/unit/docs_vectors_noise.h"
#include "tests/unit/docs_vectors_session.h"

namespace lienthong::vectors {
namespace {

NoiseInput noise_input(const SessionWorld& world, bool knows_key, std::vector<Bytes> payloads) {
  NoiseInput in{knows_key ? "Noise_IK_25519_ChaChaPoly_SHA256" : "Noise_XX_25519_ChaChaPoly_SHA256",
                {},
                std::move(payloads),
                knows_key,
                {1, static_cast<std::uint8_t>(knows_key ? 1 : 2)},
                {},
                {world.example.commune.dh_key, world.initiator_ephemeral},
                {world.example.province.dh_key, world.responder_ephemeral}};
  if (knows_key)
    in.messages = {"e es s ss", "e ee se"};
  else
    in.messages = {"e", "e ee s es", "s se"};
  const ByteView root = world.example.root.view();
  in.prologue.insert(in.prologue.end(), root.begin(), root.end());
  return in;
}

// What both sides of a session send until the handshake is done is what the steps give.
void expect_sessions_send(SessionWorld& world, bool knows_key, const NoiseOutput& noise) {
  test::End responder(world.province, world.answering(), world.now);
  test::End initiator(world.commune, world.dialling(knows_key), world.now);
  Bytes expected{1, static_cast<std::uint8_t>(knows_key ? 1 : 2)};
  const auto append = [&](std::size_t i) {
    const Bytes next = framed(noise.messages[i]);
    expected.insert(expected.end(), next.begin(), next.end());
  };
  append(0);
  initiator.perform(world.now);
  LT_CHECK(initiator.sent == expected);
  LT_CHECK(responder.session.on_bytes(initiator.outgoing, world.now).ok());
  responder.perform(world.now);
  expected = {1};
  append(1);
  LT_CHECK(responder.sent == expected);
  const std::size_t before = initiator.sent.size();
  LT_CHECK(initiator.session.on_bytes(responder.outgoing, world.now).ok());
  initiator.perform(world.now);
  LT_CHECK(initiator.established.has_value());
  expected.clear();
  if (!knows_key) append(2);
  const ByteView then = ByteView(initiator.sent).subspan(before);
  LT_CHECK(then.size() > expected.size() &&
           std::ranges::equal(then.first(expected.size()), expected));
}

void plain(bool knows_key, const std::string& name, Theme& out) {
  SessionWorld world;
  const Bytes ours = encode_hello(world.initiator_hello()), theirs = [&] {
    Hello hello = world.responder_hello();
    if (knows_key) return encode_hello(hello);
    hello.cursors.reset();
    hello.level = 0;
    return encode_hello(hello);
  }();
  out.result(name + ".hello.initiator", ours);
  out.result(name + ".hello.responder", theirs);
  std::vector<Bytes> payloads{ours, theirs};
  if (!knows_key) payloads = {{}, theirs, ours};
  const NoiseOutput noise = run_noise(noise_input(world, knows_key, payloads), name, out);
  expect_sessions_send(world, knows_key, noise);
}

// The initiator has an update that the responder was not heard to have.
void with_updates(Theme& out) {
  SessionWorld world;
  const UpdateId id = world.write_third();
  const FeedPart part = **world.commune.read_feed(
      {FeedKind::kUpdates, world.example.province.agency, world.example.province.id()});
  ByteWriter plain;
  plain.sized(wire::encode_message(wire::BeginMessage{FeedKind::kRegistry, kCommuneEpoch, 1}));
  plain.sized(wire::encode_message(wire::EndMessage{FeedKind::kRegistry, 0}));
  plain.sized(wire::encode_message(wire::BeginMessage{FeedKind::kUpdates, kCommuneEpoch, 1}));
  plain.sized(wire::encode_message(wire::PartMessage{
      FeedKind::kUpdates,
      {part.epoch, part.covered, wire::encode_part_body(world.example.root, part)},
      true}));
  out.result("early.messages", plain.bytes());
  SharedTables tables;
  const Bytes packed = out.example(
      "early.packed", tables.deflater(1).deflate(plain.bytes()).value(), [&](ByteView bytes) {
        const auto inflated = tables.inflater(1).inflate(bytes);
        return inflated.ok() && *inflated == plain.bytes();
      });
  Hello hello = world.initiator_hello();
  hello.early = {1};
  hello.early.insert(hello.early.end(), packed.begin(), packed.end());
  const Hello answer = world.responder_hello();
  out.result("early.hello.initiator", encode_hello(hello));
  out.result("early.hello.responder", encode_hello(answer));
  const NoiseOutput noise = run_noise(
      noise_input(world, true, {encode_hello(hello), encode_hello(answer)}), "early", out);
  // The responder takes the update from it, and answers so.
  test::End responder(world.province, world.answering(), world.now);
  Bytes first{1, 1};
  const Bytes message = framed(noise.messages[0]);
  first.insert(first.end(), message.begin(), message.end());
  LT_CHECK(responder.session.on_bytes(first, world.now).ok());
  responder.perform(world.now);
  LT_CHECK(world.province.received() == std::vector<Bytes>{to_bytes(id.view())});
  Bytes expected{1};
  const Bytes second = framed(noise.messages[1]);
  expected.insert(expected.end(), second.begin(), second.end());
  LT_CHECK(responder.sent.size() >= expected.size());
  LT_CHECK(std::ranges::equal(ByteView(responder.sent).first(expected.size()), expected));
}

}  // namespace

void handshakes(Theme& out) {
  SessionWorld().print_inputs(out);
  plain(true, "ik", out);
  plain(false, "xx", out);
  with_updates(out);
}

}  // namespace lienthong::vectors
