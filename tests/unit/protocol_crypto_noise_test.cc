#include <limits>

#include "protocol/crypto/noise.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

using testing_support::hex;
using testing_support::hex_array;

constexpr std::size_t kMessageCount = 6;

struct Vector {
  NoisePattern pattern;
  const char* handshake_hash;
  const char* ciphertexts[kMessageCount];
};

// The vectors of the cacophony project; keys, prologue, psk and payloads are the same in all three.
constexpr const char* kInitiatorStatic =
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
constexpr const char* kInitiatorEphemeral =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
constexpr const char* kResponderStatic =
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
constexpr const char* kResponderStaticPublic =
    "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
constexpr const char* kResponderEphemeral =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
constexpr const char* kPrologue = "4a6f686e2047616c74";
constexpr const char* kPsk = "54686973206973206d7920417573747269616e20706572737065637469766521";
constexpr const char* kPayloads[kMessageCount] = {
    "4c756477696720766f6e204d69736573",
    "4d757272617920526f746862617264",
    "462e20412e20486179656b",
    "4361726c204d656e676572",
    "4a65616e2d426170746973746520536179",
    "457567656e2042f6686d20766f6e2042617765726b",
};
constexpr Vector kVectors[] = {
    {NoisePattern::kIK,
     "0b0f68fb0c27e03ce9b97565995ed4838cc0581b762ef72b062f6a546419fad7",
     {
         "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944718da798efbcd915"
         "28520204f904b9bd6c7413dccdc214d951e15253e39987f18146e8cd0873654207148333479d4d16"
         "c289f0294b29960a72f48e0b7bba2e89083169825e59642148d492020664ccf7",
         "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088435361e70b2ed446e6"
         "c9ec387d1d6b3b840f194e373979d241b203c4acafccf5",
         "050e9f3c8fac16b68dbce8f8c4bfbf6617c897f9ada4aa29aa19c8",
         "344233a6cabb7141d80f3da2fedc311d9646bbb0f505afe403a667",
         "62cdeeb172ad7ade7aa7d9e069da5790f12331bfa00177787a1d0810c67dc3b2b4",
         "029bead1b40992327044d409d9a1f3ad8f36c3c452775d557e18bbeb2e8dfcead32d514024",
     }},
    {NoisePattern::kXX,
     "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
     {
         "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c75647769672076"
         "6f6e204d69736573",
         "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c"
         "48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b781"
         "5528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad",
         "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169a"
         "e80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030",
         "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df",
         "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5",
         "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f",
     }},
    {NoisePattern::kIKpsk2,
     "8310f86394dc0dabb40beb8210031556db4403ab1202db7034c526232147a700",
     {
         "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79442ec9b09893d0f510"
         "791784c10cbc959f25b1766e0def6e301d14fbca1c7790ac829b8b3674f5f649a5f0e98479662cbf"
         "bf2b2c47cd4b09fcd266cd29d7cb675f1808849707847840f6d178ec4d3733aa",
         "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088439a1b3cebf680b2c7"
         "4217fcb5eba4ff58a9468cd90c4aca6194f57479b379a7",
         "a8fde7a0accec190cd306c5950d4fd8e04a205ec288aa747d8b347",
         "59caddd9984a3bbe24c4fb31a2bd455b7eba3fa0980674b1a3a5f9",
         "3b9bfebd210c22ba0cff9de79b4007d7a552fffbf92616881faa8a883e25b80258",
         "f37512df1043d564d7c46ac85c53d3b6a9a05724bc297e7142808f217561651217fe85b782",
     }},
};

// Two sides that take turns; `speaker(i)` sends message i, as in the vectors also after the
// handshake.
struct Pair {
  NoiseHandshake initiator;
  NoiseHandshake responder;
  NoiseHandshake& speaker(std::size_t i) { return i % 2 == 0 ? initiator : responder; }
  NoiseHandshake& listener(std::size_t i) { return i % 2 == 0 ? responder : initiator; }
};

NoiseHandshake::Config initiator_config(NoisePattern pattern) {
  NoiseHandshake::Config config(pattern, NoiseRole::kInitiator, hex(kPrologue),
                                DhKey(hex_array<32>(kInitiatorStatic)),
                                DhKey(hex_array<32>(kInitiatorEphemeral)));
  if (pattern != NoisePattern::kXX) config.remote_static = hex_array<32>(kResponderStaticPublic);
  if (pattern == NoisePattern::kIKpsk2) config.psk = hex_array<32>(kPsk);
  return config;
}

NoiseHandshake::Config responder_config(NoisePattern pattern) {
  NoiseHandshake::Config config(pattern, NoiseRole::kResponder, hex(kPrologue),
                                DhKey(hex_array<32>(kResponderStatic)),
                                DhKey(hex_array<32>(kResponderEphemeral)));
  if (pattern == NoisePattern::kIKpsk2) config.psk = hex_array<32>(kPsk);
  return config;
}

Pair make_pair(NoisePattern pattern) {
  return {NoiseHandshake(initiator_config(pattern)), NoiseHandshake(responder_config(pattern))};
}

std::size_t handshake_count(NoisePattern pattern) { return pattern == NoisePattern::kXX ? 3 : 2; }

// Carries out handshake messages [from, to); false once a side refuses.
bool run(Pair& pair, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    const auto message = pair.speaker(i).write_message(hex(kPayloads[i]));
    if (!message || !pair.listener(i).read_message(*message)) return false;
  }
  return true;
}

class Noise : public testing::TestWithParam<Vector> {
 protected:
  NoisePattern pattern() const { return GetParam().pattern; }
  std::size_t count() const { return handshake_count(pattern()); }

  // The handshake with message i replaced, from the state just before it. The first message of XX
  // is in clear, so there the refusal comes with the answer.
  bool handshake_survives(const Pair& before, std::size_t i, ByteView forged) const {
    Pair pair = before;
    const auto honest = pair.speaker(i).write_message(hex(kPayloads[i]));
    LT_CHECK(honest.ok());
    if (!pair.listener(i).read_message(forged)) return false;
    EXPECT_TRUE(pattern() == NoisePattern::kXX && i == 0);
    return run(pair, i + 1, count());
  }
};

TEST_P(Noise, MatchesPublishedHandshakeAndTransport) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    const auto message = pair.speaker(i).write_message(hex(kPayloads[i]));
    ASSERT_EQ(to_hex(*message), GetParam().ciphertexts[i]) << i;
    ASSERT_EQ(to_hex(*pair.listener(i).read_message(*message)), kPayloads[i]) << i;
  }
  NoiseHandshake::Transport ends[] = {pair.initiator.split(), pair.responder.split()};
  EXPECT_EQ(ends[0].handshake_hash.hex(), GetParam().handshake_hash);
  EXPECT_EQ(ends[1].handshake_hash.hex(), GetParam().handshake_hash);
  for (std::size_t i = count(); i < kMessageCount; ++i) {
    const auto message = ends[i % 2].send.encrypt({}, hex(kPayloads[i]));
    ASSERT_EQ(to_hex(*message), GetParam().ciphertexts[i]) << i;
    ASSERT_EQ(to_hex(*ends[1 - i % 2].receive.decrypt({}, *message)), kPayloads[i]) << i;
  }
}

TEST_P(Noise, TellsEachSideTheOthersKey) {
  Pair pair = make_pair(pattern());
  ASSERT_TRUE(run(pair, 0, count()));
  EXPECT_EQ(*pair.initiator.remote_static(), hex_array<32>(kResponderStaticPublic));
  EXPECT_EQ(*pair.responder.remote_static(), DhKey(hex_array<32>(kInitiatorStatic)).public_key());
}

TEST_P(Noise, TakesTurnsUntilFinished) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    EXPECT_TRUE(pair.speaker(i).my_turn());
    EXPECT_FALSE(pair.listener(i).my_turn());
    EXPECT_FALSE(pair.initiator.finished() || pair.responder.finished());
    ASSERT_TRUE(run(pair, i, i + 1));
  }
  EXPECT_TRUE(pair.initiator.finished() && pair.responder.finished());
  EXPECT_FALSE(pair.initiator.my_turn() || pair.responder.my_turn());
}

TEST_P(Noise, RefusesMessagesOutOfTurnAndGoesOn) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i <= count(); ++i) {
    EXPECT_EQ(pair.listener(i).write_message({}).error().code(), Errc::kOutOfOrder);
    EXPECT_EQ(pair.speaker(i).read_message(Bytes(96)).error().code(), Errc::kOutOfOrder);
    if (i < count()) {
      ASSERT_TRUE(run(pair, i, i + 1));
    }
  }
  EXPECT_EQ(pair.initiator.split().handshake_hash.hex(), GetParam().handshake_hash);
}

TEST_P(Noise, RefusesEveryFlippedByte) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    const Bytes honest = hex(GetParam().ciphertexts[i]);
    for (std::size_t at = 0; at < honest.size(); ++at) {
      Bytes forged = honest;
      forged[at] = static_cast<std::uint8_t>(forged[at] ^ 0x80);
      ASSERT_FALSE(handshake_survives(pair, i, forged)) << "message " << i << " byte " << at;
    }
    ASSERT_TRUE(run(pair, i, i + 1));
  }
}

TEST_P(Noise, RefusesEveryTruncationAndAnExtraByte) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    Bytes message = hex(GetParam().ciphertexts[i]);
    for (std::size_t size = 0; size < message.size(); ++size)
      ASSERT_FALSE(handshake_survives(pair, i, ByteView(message).first(size)))
          << "message " << i << " cut to " << size;
    message.push_back(0);
    ASSERT_FALSE(handshake_survives(pair, i, message)) << i;
    ASSERT_TRUE(run(pair, i, i + 1));
  }
}

TEST_P(Noise, RefusesAnotherPrologue) {
  auto config = responder_config(pattern());
  config.prologue.back() ^= 1;
  Pair pair{NoiseHandshake(initiator_config(pattern())), NoiseHandshake(std::move(config))};
  EXPECT_FALSE(run(pair, 0, count()));
}

TEST_P(Noise, RefusesEphemeralKeysOfSmallOrder) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto first : {std::uint8_t{0}, std::uint8_t{1}}) {
      Bytes forged = hex(GetParam().ciphertexts[i]);
      std::fill(forged.begin(), forged.begin() + 32, std::uint8_t{0});
      forged[0] = first;
      Pair tried = pair;
      ASSERT_TRUE(tried.speaker(i).write_message(hex(kPayloads[i])).ok());
      const auto read = tried.listener(i).read_message(forged);
      const auto refused = read.ok() ? tried.listener(i).write_message({}) : read;
      EXPECT_EQ(refused.error().code(), Errc::kMalformed) << i;
    }
    ASSERT_TRUE(run(pair, i, i + 1));
  }
}

TEST_P(Noise, StaysRefusedAfterABadMessage) {
  Pair pair = make_pair(pattern());
  ASSERT_TRUE(run(pair, 0, 1));
  const auto message = pair.responder.write_message({});
  Bytes forged = *message;
  forged.back() ^= 1;
  EXPECT_EQ(pair.initiator.read_message(forged).error().code(), Errc::kBadSignature);
  EXPECT_EQ(pair.initiator.read_message(*message).error().code(), Errc::kOutOfOrder);
  EXPECT_FALSE(pair.initiator.my_turn());
  EXPECT_FALSE(pair.initiator.finished());
}

TEST_P(Noise, ForgetsAKeyThatDidNotVerify) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    if (pair.listener(i).remote_static()) {
      ASSERT_TRUE(run(pair, i, i + 1));
      continue;
    }
    Bytes forged = hex(GetParam().ciphertexts[i]);
    forged.back() ^= 1;  // the payload's tag: the key before it was readable
    Pair tried = pair;
    if (!tried.listener(i).read_message(forged)) {
      EXPECT_FALSE(tried.listener(i).remote_static().has_value()) << i;
    }
    ASSERT_TRUE(run(pair, i, i + 1));
  }
}

TEST_P(Noise, FillsAMessageToTheByteAndNoFurther) {
  Pair pair = make_pair(pattern());
  for (std::size_t i = 0; i < count(); ++i) {
    const std::size_t overhead = hex(GetParam().ciphertexts[i]).size() - hex(kPayloads[i]).size();
    Pair tried = pair;
    EXPECT_EQ(tried.speaker(i).write_message(Bytes(65'536 - overhead)).error().code(),
              Errc::kTooLarge);
    const auto full = pair.speaker(i).write_message(Bytes(65'535 - overhead));
    EXPECT_EQ(full->size(), 65'535U);
    tried = pair;
    EXPECT_EQ(tried.listener(i).read_message(Bytes(65'536)).error().code(), Errc::kTooLarge);
    EXPECT_EQ(*pair.listener(i).read_message(*full), Bytes(65'535 - overhead));
  }
}

TEST_P(Noise, GivesEachSideTheOthersCipherOnce) {
  Pair pair = make_pair(pattern());
  EXPECT_DEATH(static_cast<void>(pair.initiator.split()), "check failed");
  ASSERT_TRUE(run(pair, 0, count()));
  static_cast<void>(pair.initiator.split());
  EXPECT_DEATH(static_cast<void>(pair.initiator.split()), "check failed");
}

std::string pattern_name(const testing::TestParamInfo<Vector>& vector) {
  switch (vector.param.pattern) {
    case NoisePattern::kIK: return "IK";
    case NoisePattern::kXX: return "XX";
    case NoisePattern::kIKpsk2: return "IKpsk2";
  }
  return "unknown";
}
INSTANTIATE_TEST_SUITE_P(Patterns, Noise, testing::ValuesIn(kVectors), pattern_name);

TEST(NoisePsk, MayBeSetBetweenTheMessages) {
  auto config = responder_config(NoisePattern::kIKpsk2);
  config.psk.reset();
  Pair pair{NoiseHandshake(initiator_config(NoisePattern::kIKpsk2)),
            NoiseHandshake(std::move(config))};
  ASSERT_TRUE(run(pair, 0, 1));
  EXPECT_EQ(pair.responder.write_message({}).error().code(), Errc::kOutOfOrder);
  pair.responder.set_psk(hex_array<32>(kPsk));
  ASSERT_TRUE(run(pair, 1, 2));
  EXPECT_EQ(pair.responder.split().handshake_hash.hex(), kVectors[2].handshake_hash);
}

TEST(NoisePsk, RefusesAnother) {
  Pair pair = make_pair(NoisePattern::kIKpsk2);
  ASSERT_TRUE(run(pair, 0, 1));
  Psk psk = hex_array<32>(kPsk);
  psk[31] ^= 1;
  pair.responder.set_psk(psk);
  const auto message = pair.responder.write_message({});
  EXPECT_EQ(pair.initiator.read_message(*message).error().code(), Errc::kBadSignature);
}

TEST(NoiseIdentity, RefusesAResponderWithAnotherKey) {
  auto config = initiator_config(NoisePattern::kIK);
  config.remote_static = DhKey(Seed{3}).public_key();
  Pair pair{NoiseHandshake(std::move(config)), NoiseHandshake(responder_config(NoisePattern::kIK))};
  const auto message = pair.initiator.write_message({});
  EXPECT_EQ(pair.responder.read_message(*message).error().code(), Errc::kBadSignature);
}

TEST(NoiseIdentity, RefusesToDialAKeyOfSmallOrder) {
  auto config = initiator_config(NoisePattern::kIK);
  config.remote_static = DhPublic{};
  NoiseHandshake initiator(std::move(config));
  EXPECT_EQ(initiator.write_message({}).error().code(), Errc::kMalformed);
  EXPECT_EQ(initiator.write_message({}).error().code(), Errc::kOutOfOrder);
}

// RFC 8439 appendix A.5; its nonce is our counter 0x0807060504030201.
TEST(CipherState, MatchesRfc8439) {
  const auto key =
      hex_array<32>("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  const Bytes associated = hex("f33388860000000000004e91");
  const std::string plaintext =
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, "
      "replaced, or obsoleted by other documents at any time. It is inappropriate to use "
      "Internet-Drafts as reference material or to cite them other than as /\u201cwork in progress."
      "/\u201d";
  const Bytes ciphertext =
      hex("64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43ee"
          "a09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b9481"
          "14ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0"
          "f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
          "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa7699"
          "1955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130"
          "305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
          "38");
  CipherState sender(key, 0x0807060504030201);
  EXPECT_EQ(*sender.encrypt(associated, as_bytes(plaintext)), ciphertext);
  CipherState receiver(key, 0x0807060504030201);
  EXPECT_EQ(as_text(*receiver.decrypt(associated, ciphertext)), plaintext);
}

TEST(CipherState, RefusesReplayReorderAndLoss) {
  CipherState sender(std::array<std::uint8_t, 32>{1});
  const auto first = sender.encrypt({}, as_bytes("first"));
  const auto second = sender.encrypt({}, as_bytes("second"));
  CipherState skipping(std::array<std::uint8_t, 32>{1});
  EXPECT_EQ(skipping.decrypt({}, *second).error().code(), Errc::kBadSignature);
  CipherState replayed(std::array<std::uint8_t, 32>{1});
  ASSERT_TRUE(replayed.decrypt({}, *first).ok());
  EXPECT_EQ(replayed.decrypt({}, *first).error().code(), Errc::kBadSignature);
}

TEST(CipherState, RefusesEverythingAfterABadMessage) {
  CipherState sender(std::array<std::uint8_t, 32>{1});
  CipherState receiver(std::array<std::uint8_t, 32>{1});
  const auto first = sender.encrypt({}, as_bytes("first"));
  const auto second = sender.encrypt({}, as_bytes("second"));
  Bytes forged = *first;
  forged[0] ^= 1;
  EXPECT_EQ(receiver.decrypt({}, forged).error().code(), Errc::kBadSignature);
  EXPECT_EQ(receiver.decrypt({}, *first).error().code(), Errc::kTooLarge);
  EXPECT_EQ(receiver.decrypt({}, *second).error().code(), Errc::kTooLarge);
}

TEST(CipherState, RefusesOtherAssociatedDataAndShortInput) {
  const std::array<std::uint8_t, 32> key{1};
  const auto sealed = CipherState(key).encrypt(as_bytes("a"), as_bytes("text"));
  EXPECT_EQ(CipherState(key).decrypt(as_bytes("b"), *sealed).error().code(), Errc::kBadSignature);
  EXPECT_EQ(CipherState(key).decrypt({}, Bytes(15)).error().code(), Errc::kTruncated);
  EXPECT_EQ(CipherState(key).decrypt({}, Bytes{}).error().code(), Errc::kTruncated);
}

TEST(CipherState, StopsBeforeItsLastNonce) {
  constexpr auto kLast = std::numeric_limits<std::uint64_t>::max() - 1;
  CipherState sender(std::array<std::uint8_t, 32>{1}, kLast);
  CipherState receiver(std::array<std::uint8_t, 32>{1}, kLast);
  const auto sealed = sender.encrypt({}, as_bytes("last"));
  EXPECT_EQ(as_text(*receiver.decrypt({}, *sealed)), "last");
  EXPECT_EQ(sender.encrypt({}, {}).error().code(), Errc::kTooLarge);
  EXPECT_EQ(receiver.decrypt({}, *sealed).error().code(), Errc::kTooLarge);
}

}  // namespace
}  // namespace lienthong
