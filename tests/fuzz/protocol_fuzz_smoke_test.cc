// The fuzzers' targets over fixed random mutations of valid inputs, in every ordinary build.
#include <gtest/gtest.h>

#include <random>

#include "tests/fuzz/fuzz_targets.h"

namespace lienthong::fuzz {
namespace {

Bytes mutated(Bytes input, std::mt19937_64& random) {
  for (std::uint64_t i = 1 + random() % 4; i > 0; --i) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    const auto byte = static_cast<std::uint8_t>(random());
    switch (random() % 5) {
      case 0:
        if (!input.empty()) *place = byte;
        break;
      case 1:
        if (!input.empty()) *place = static_cast<std::uint8_t>(*place ^ (1U << random() % 8));
        break;
      case 2: input.insert(place, byte); break;
      case 3:
        if (!input.empty()) input.erase(place);
        break;
      default: input.resize(at); break;
    }
  }
  return input;
}

void mutate(void (*target)(ByteView), const std::vector<Bytes>& seeds, int count) {
  std::mt19937_64 random(20261121);
  for (const Bytes& seed : seeds) {
    ASSERT_FALSE(seed.empty());
    target(seed);
    for (int i = 0; i < count; ++i) target(mutated(seed, random));
  }
}

// Each target aborts the process on a finding.
TEST(FuzzSmoke, DecodersOfMessagesBearMutations) {
  mutate(decode_message, seeds_of_messages(), 500);
}
TEST(FuzzSmoke, DecodersOfFeedPartsBearMutations) {
  mutate(decode_feed_part, seeds_of_feed_parts(), 2000);
}
TEST(FuzzSmoke, DecodersOfHellosBearMutations) { mutate(decode_hello, seeds_of_hellos(), 5000); }
TEST(FuzzSmoke, AssemblersOfFramesBearMutations) {
  mutate(assemble_frames, seeds_of_frames(), 5000);
}

TEST(FuzzSmoke, TwoSessionsBearAHostileChannel) {
  mutate(hostile_channel, seeds_of_channels(), 20);
  std::mt19937_64 random(7);
  for (int i = 0; i < 150; ++i) {
    Bytes script(1 + random() % 60);
    for (auto& byte : script) byte = static_cast<std::uint8_t>(random());
    hostile_channel(script);
  }
}

}  // namespace
}  // namespace lienthong::fuzz
