// A session between the two nodes of the example, for the themes "handshakes" and "sessions": the
// commune dials, the province answers. The commune has all of the province's feed of the registry;
// neither has updates yet.
#pragma once

#include "protocol/session/hello.h"
#include "tests/support/session_pair.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {

inline constexpr std::uint64_t kCommuneEpoch = 0x1112131415161718;

struct SessionWorld {
  Example example;
  test::FakeReplica province{example.registry(5), kEpoch};
  test::FakeReplica commune{example.registry(5), kCommuneEpoch};
  DhKey initiator_ephemeral{seed_of(0x41)}, responder_ephemeral{seed_of(0x42)};
  Instant now = Instant(std::chrono::seconds(1000));

  SessionWorld();

  // The first update of another record, by the commune, sealed alone.
  UpdateId write_third();
  // Those of the example, each sealed alone.
  void write_first_and_second();

  SessionConfig dialling(bool knows_key) const;
  SessionConfig answering() const;
  // As the sessions above write them in IK.
  Hello initiator_hello() const;
  Hello responder_hello() const;
  void print_inputs(Theme& out) const;

 private:
  SealedUnit sealed(const Office& author, std::uint64_t incarnation, const Update& update);
  std::uint32_t number_ = 0;
  SealId previous_;
};

}  // namespace lienthong::vectors
