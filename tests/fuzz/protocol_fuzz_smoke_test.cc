// The fuzzers' targets over fixed random mutations of valid inputs, in every ordinary build.
#include <gtest/gtest.h>

#include <random>

#include "protocol/record/codec.h"
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

TEST(FuzzSmoke, DecodersOfRecordsBearMutations) { mutate(decode_record, seeds_of_records(), 2000); }
TEST(FuzzSmoke, DecodersOfSymbolsBearMutations) {
  mutate(decode_symbols, seeds_of_symbols(), 5000);
}
TEST(FuzzSmoke, DecodersOfHealBodiesBearMutations) {
  mutate(decode_heal_body, seeds_of_heal_bodies(), 2000);
}
TEST(FuzzSmoke, CodedNumbersBearMutations) { mutate(decode_numbers, seeds_of_numbers(), 5000); }
TEST(FuzzSmoke, InflatersBearMutations) { mutate(inflate, seeds_of_packed(), 2000); }
TEST(FuzzSmoke, ReadersOfBundlesBearMutations) {
  mutate(read_bundle, seeds_of_bundles(), 500);
  mutate(read_bundle_head, seeds_of_bundle_heads(), 500);
  mutate(decode_bundle_record, seeds_of_bundle_records(), 2000);
}
TEST(FuzzSmoke, ReadersOfEvidenceBearMutations) { mutate(read_evidence, seeds_of_evidence(), 500); }
TEST(FuzzSmoke, ReadersOfTextBearMutations) {
  mutate(read_csv, seeds_of_csv(), 5000);
  mutate(open_secret, seeds_of_secrets(), 2000);
  mutate(decode_token, seeds_of_tokens(), 2000);
  mutate(parse_config, seeds_of_configs(), 500);
}

// Found by decode_record.
TEST(FuzzFindings, TextsKeepWhatFollowsANul) {
  const std::string text("original\0 or not", 16);
  std::vector<wire::Component> items(1);
  items[0].name = items[0].kind = items[0].digest = items[0].media_type = text;
  const auto again = wire::decode_components(wire::encode(items));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, items);
  OpenBody body;
  body.action = text;
  EXPECT_EQ(wire::decode_open(wire::encode(body))->action, text);
}

TEST(FuzzSmoke, TwoBlobLanesBearAHostileChannel) {
  mutate(hostile_blob_lane, seeds_of_scripts(), 300);
}
TEST(FuzzSmoke, TwoHealingsBearAHostileChannel) {
  mutate(hostile_healing, seeds_of_scripts(), 300);
}

TEST(FuzzSmoke, EnrolmentBearsStrangersAndAHostileChannel) {
  mutate(hostile_enrolment, seeds_of_enrolments(), 300);
  mutate(decode_grant, seeds_of_grants(), 2000);
  mutate(read_enrolment_file, seeds_of_enrolment_files(), 1000);
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
