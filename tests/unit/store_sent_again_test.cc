// What neighbours refused of ours goes to them again, sealed anew where the key had been another.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/record/fields.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

class SentAgainTest : public ::testing::Test {
 protected:
  // The commune's machine with another signing key than its certificate names, and then the right
  // one again.
  void with_key(const SigningKey& key) {
    TestNode node = node_;
    node.key = key;
    offices_.commune.reset();
    offices_.commune =
        std::make_unique<Office>(offices_.deployment, node, offices_.env.get(), "/commune");
  }
  Office& commune() { return *offices_.commune; }
  Office& district() { return *offices_.district; }

  // One round; what the district refuses the commune hears of. How many it refused.
  std::size_t exchange() {
    commune().commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(district().agency()).ok());
      ASSERT_TRUE(transaction.seal_pending(district().agency()).ok());
    });
    std::size_t refused = 0;
    for (;;) {
      const Cursor cursor = district().replica().cursor(FeedKind::kUpdates, node_.id());
      const auto part = commune().replica().read_feed(
          {FeedKind::kUpdates, district().agency(), district().node().id(), Echo::kPassOver,
           cursor.mark.number + 1, kFeedNumberMax, 16 * 1024});
      EXPECT_TRUE(part.ok());
      if (!*part) return refused;
      std::vector<UpdateId> ids;
      district().commit([&](store::Transaction& transaction) {
        const auto outcome =
            transaction.receive(FeedKind::kUpdates, node_.id(), offices_.commune_id, **part);
        ASSERT_TRUE(outcome.ok());
        for (const auto& refusal : outcome->refused) ids.push_back(refusal.id);
      });
      refused += ids.size();
      commune().commit([&](store::Transaction& transaction) {
        for (const UpdateId& id : ids)
          transaction.note_refused_by_peer(district().node().id(), district().agency(), id,
                                           "bad-signature");
      });
    }
  }
  store::SentAgain send_again() {
    store::SentAgain out;
    commune().commit(
        [&](store::Transaction& transaction) { out = transaction.send_refused_again(); });
    return out;
  }
  std::size_t listed() {
    std::size_t count = 0;
    for (const auto& entry : commune().replica().refused(SIZE_MAX)) count += entry.by_peer ? 1 : 0;
    return count;
  }
  bool same() {
    district().commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(offices_.commune_id).ok());
    });
    const auto ours = commune().replica().feed_digest(FeedKind::kUpdates, offices_.district_id);
    const auto theirs = district().replica().feed_digest(FeedKind::kUpdates, offices_.commune_id);
    return ours && theirs && ours->same_set(*theirs);
  }

  Offices offices_{77};
  const TestNode node_ = offices_.commune->node();
};

TEST_F(SentAgainTest, WhatWasSealedUnderAnotherKeyIsSealedAnewUnderTheRightOne) {
  const RecordId before = commune().create("A-0");
  EXPECT_EQ(exchange(), 0U);
  with_key(SigningKey(offices_.deployment.entropy().array<32>()));
  std::vector<RecordId> records;
  for (int i = 1; i <= 5; ++i) records.push_back(commune().create("A-" + std::to_string(i)));
  ASSERT_TRUE(commune().set_unit(before, "một cửa").ok());
  EXPECT_GE(exchange(), 6U);
  records.push_back(commune().create("A-9"));  // acknowledged, and never sealed under that key
  EXPECT_GE(listed(), 6U);
  with_key(node_.key);
  const auto sent = send_again();
  EXPECT_GE(sent.updates, 6U);
  EXPECT_EQ(sent.resealed, 6U);
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(exchange(), 0U);
  for (const RecordId& record : records) {
    ASSERT_TRUE(district().replica().find_record(record));
    EXPECT_EQ(encode_state(district().state(record)), encode_state(commune().state(record)));
  }
  EXPECT_EQ(encode_state(district().state(before)), encode_state(commune().state(before)));
  EXPECT_TRUE(same());
  EXPECT_EQ(send_again().updates, 0U);
  commune().restart();
  EXPECT_TRUE(commune().replica().verify_states().empty());
  EXPECT_EQ(commune().replica().counts().unsealed, 0U);
}

// Not all that was refused is on the list, which has an end.
TEST_F(SentAgainTest, OneUpdateOnTheListTellsOfAllSealedInThatLife) {
  with_key(SigningKey(offices_.deployment.entropy().array<32>()));
  for (int i = 1; i <= 4; ++i) {
    commune().create("A-" + std::to_string(i));
    commune().commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(district().agency()).ok());
      ASSERT_TRUE(transaction.seal_pending(district().agency()).ok());
    });
  }
  const auto update = commune().replica().changes(0, 1).at(0);
  commune().commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.note_refused_by_peer(district().node().id(), district().agency(),
                                                 update.id, "bad-signature"));
  });
  with_key(node_.key);
  EXPECT_EQ(send_again().resealed, 4U);
  EXPECT_EQ(exchange(), 0U);
  EXPECT_TRUE(same());
}

TEST_F(SentAgainTest, WhatIsRefusedOnceMoreIsListedOnceMore) {
  commune().create("A-1");
  EXPECT_EQ(exchange(), 0U);
  const auto update = commune().replica().changes(0, 1).at(0);
  const auto refuse = [&] {
    commune().commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.note_refused_by_peer(district().node().id(), district().agency(),
                                                   update.id, "not-allowed"));
    });
  };
  refuse();
  EXPECT_EQ(listed(), 1U);
  const auto sent = send_again();
  EXPECT_EQ(sent.updates, 1U);
  EXPECT_EQ(sent.resealed, 0U);
  EXPECT_EQ(listed(), 0U);
  refuse();
  EXPECT_EQ(listed(), 1U);
  EXPECT_EQ(exchange(), 0U);  // it comes twice, and is a duplicate
  EXPECT_TRUE(same());
}

TEST_F(SentAgainTest, TheListKeepsItsEndAlsoWithGaps) {
  commune().create("A-1");
  const auto update = commune().replica().changes(0, 1).at(0);
  commune().commit([&](store::Transaction& transaction) {
    ASSERT_TRUE(transaction.note_refused_by_peer(district().node().id(), district().agency(),
                                                 update.id, "not-allowed"));
    for (std::size_t i = 1; i < kRefusedCountMax; ++i)
      transaction.note_refused(district().node().id(), district().agency(), UpdateId{}, "x");
  });
  EXPECT_EQ(commune().replica().counts().refused, kRefusedCountMax);
  EXPECT_EQ(send_again().updates, 1U);
  for (int round = 0; round < 3; ++round)
    commune().commit([&](store::Transaction& transaction) {
      for (int i = 0; i < 3; ++i)
        transaction.note_refused(district().node().id(), district().agency(), UpdateId{}, "y");
    });
  EXPECT_EQ(commune().replica().counts().refused, kRefusedCountMax);
  EXPECT_EQ(commune().replica().refused(SIZE_MAX).size(), kRefusedCountMax);
}

}  // namespace
}  // namespace lienthong::test
