#include <gtest/gtest.h>

#include "protocol/record/fold.h"
#include "tests/support/custody_dossier.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies and kinds by their short names

// ---- stored form ----

RecordState rich_state() {
  Dossier d;
  d.add(A, kSet);
  d.add(A, kConsult, {.to = C});
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  d.add(A, kOffer, {.to = B, .link = 0, .deps = {{0}}});
  const int late = d.add(A, kSet, {.link = 0, .deps = {{0}}});
  d.add(X, kAdopt, {.link = 4, .deps = {{4, late}}, .references = {late}});
  d.add(B, kSet, {.link = 4});
  d.add(A, kErase, {.link = 4});
  std::vector<GraphUpdate> updates = d.updates();
  updates[0].open.lead = id_cast<RecordId>(update_id(77));
  updates[0].open.writes = {{1, std::string("mã hồ sơ")}, {9, std::int64_t{-5}}, {16, Bytes{1, 2}}};
  updates[3].open.urgent = true;
  return fold(updates, d.tree());
}

TEST(StateCodec, GivesBackWhatItWasGiven) {
  const RecordState rich = rich_state();
  EXPECT_FALSE(rich.forks.empty());
  EXPECT_FALSE(rich.adopted.empty());
  EXPECT_FALSE(rich.inert.empty());
  EXPECT_FALSE(rich.erased_by.is_zero());
  for (const RecordState& state : {rich, RecordState{}, Dossier(A, {.cut_off = true}).state()}) {
    const auto decoded = decode_state(encode_state(state));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message();
    EXPECT_EQ(*decoded, state);
  }
}

TEST(StateCodec, RefusesEveryTruncation) {
  const Bytes bytes = encode_state(rich_state());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_state(ByteView(bytes).first(size)).ok()) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_state(longer).ok());
}

TEST(StateCodec, ReadsOnlyTheOneFormOfWhatItReads) {
  const Bytes bytes = encode_state(rich_state());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const auto decoded = decode_state(flipped);
    if (decoded.ok()) {
      EXPECT_EQ(encode_state(*decoded), flipped) << bit;
    }
  }
}

TEST(StateCodec, NamesANewerForm) {
  Bytes bytes = encode_state(rich_state());
  bytes[0] = 2;
  const auto decoded = decode_state(bytes);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code(), Errc::kNewerVersion);
}

TEST(StateCodec, DigestDependsOnStateAndDeployment) {
  const RecordState rich = rich_state();
  RecordState other = rich;
  other.latest.value += 1;
  RootFingerprint root;
  RootFingerprint elsewhere;
  elsewhere.bytes[5] = 1;
  EXPECT_EQ(state_digest(root, rich), state_digest(root, rich));
  EXPECT_NE(state_digest(root, rich), state_digest(root, other));
  EXPECT_NE(state_digest(root, rich), state_digest(elsewhere, rich));
}

}  // namespace
}  // namespace lienthong
