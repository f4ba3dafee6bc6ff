// Theme "sessions": one session from the first byte to the last, both ways, without compression.
#include "tests/unit/docs_vectors_noise.h"
#include "tests/unit/docs_vectors_session.h"

namespace lienthong::vectors {
namespace {

using Key = std::array<std::uint8_t, 32>;

// Splits what a side sends into frames, reads each under its key, and prints both.
class Listener {
 public:
  Listener(std::string who, const Key& key, Theme& out)
      : who_(std::move(who)), key_(key), out_(out) {}

  // `bytes`: whole frames.
  void frames(ByteView bytes, std::size_t& turn) {
    while (!bytes.empty()) {
      const std::size_t size = bytes[0] | static_cast<std::size_t>(bytes[1]) << 8;
      const ByteView frame = bytes.first(2 + size);
      CipherState reading(key_, number_);
      const auto plaintext = reading.decrypt({}, frame.subspan(2));
      LT_CHECK(plaintext.ok());
      LT_CHECK(((*plaintext)[0] & 0x38) == 8);  // one piece, not packed
      LT_CHECK(std::ranges::equal(noise_frame(key_, number_++, *plaintext), frame));
      const std::string name = "turn." + std::to_string(++turn) + '.' + who_;
      out_.result(name + ".plaintext", *plaintext);
      out_.result(name, frame);
      bytes = bytes.subspan(frame.size());
    }
  }

 private:
  std::string who_;
  Key key_;
  Theme& out_;
  std::uint64_t number_ = 0;
};

struct Talk {
  SessionWorld& world;
  test::End &initiator, &responder;
  Listener ours, theirs;
  std::size_t turn = 0;

  // Until nobody has anything to say, by turns.
  void run() {
    for (;;) {
      initiator.perform(world.now);
      responder.perform(world.now);
      if (initiator.outgoing.empty() && responder.outgoing.empty()) return;
      pass(initiator, responder, ours);
      pass(responder, initiator, theirs);
    }
  }
  void pass(test::End& from, test::End& to, Listener& listener) {
    from.perform(world.now);
    const Bytes bytes = std::exchange(from.outgoing, {});
    listener.frames(bytes, turn);
    if (!bytes.empty()) LT_CHECK(to.session.on_bytes(bytes, world.now).ok());
    to.perform(world.now);
  }
};

// Preamble and handshake, as bytes; the theme "handshakes" has its steps.
void shake_hands(test::End& initiator, test::End& responder, SessionWorld& world, Theme& out) {
  initiator.perform(world.now);
  out.result("handshake.initiator", initiator.outgoing);
  LT_CHECK(responder.session.on_bytes(std::exchange(initiator.outgoing, {}), world.now).ok());
  responder.perform(world.now);
  out.result("handshake.responder", responder.outgoing);
  LT_CHECK(initiator.session.on_bytes(std::exchange(responder.outgoing, {}), world.now).ok());
}

// The transport keys, by the steps of the handshake.
NoiseOutput keys_of(const SessionWorld& world, Theme& out) {
  Hello ours = world.initiator_hello();
  ours.dictionary = 0;
  NoiseInput in{"Noise_IK_25519_ChaChaPoly_SHA256",
                {"e es s ss", "e ee se"},
                {encode_hello(ours), encode_hello(world.responder_hello())},
                true,
                {1, 1},
                {},
                {world.example.commune.dh_key, world.initiator_ephemeral},
                {world.example.province.dh_key, world.responder_ephemeral}};
  const ByteView root = world.example.root.view();
  in.prologue.insert(in.prologue.end(), root.begin(), root.end());
  Theme steps;
  const NoiseOutput noise = run_noise(in, "ik", steps);
  out.result("hello.initiator", in.payloads[0]);
  out.result("hello.responder", in.payloads[1]);
  out.result("key.initiator", noise.initiator_key);
  out.result("key.responder", noise.responder_key);
  return noise;
}

}  // namespace

void sessions(Theme& out) {
  SessionWorld world;
  world.print_inputs(out);
  const NoiseOutput noise = keys_of(world, out);
  SessionConfig dialling = world.dialling(true);
  dialling.dictionary = 0;
  test::End responder(world.province, world.answering(), world.now);
  test::End initiator(world.commune, std::move(dialling), world.now);
  shake_hands(initiator, responder, world, out);
  Talk talk{world, initiator, responder, Listener("initiator", noise.initiator_key, out),
            Listener("responder", noise.responder_key, out)};
  talk.run();
  LT_CHECK(initiator.live && responder.live);
  world.write_first_and_second();
  responder.session.on_feed_grown(world.now);
  talk.run();
  LT_CHECK(world.commune.received().size() == 2);
  world.write_third();
  initiator.session.on_feed_grown(world.now);
  talk.run();
  LT_CHECK(world.province.received().size() == 1);
  world.now += std::chrono::seconds(60);
  initiator.session.on_tick(world.now);
  talk.run();
  initiator.session.close(CloseCode::kGoingAway, "stopping", world.now);
  talk.run();
  LT_CHECK(responder.closed && responder.closed->code == CloseCode::kGoingAway);
}

}  // namespace lienthong::vectors
