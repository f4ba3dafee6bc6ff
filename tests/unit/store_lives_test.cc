// Starts of a database: places in the list of changes, and machines that share a key.
#include <gtest/gtest.h>

#include "protocol/session/hello.h"
#include "store/exchange/lives.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::HeardLives;
using store::Life;

constexpr UnixMillis kHour = 3600 * 1000;

struct Listener {
  HeardLives lives;
  std::uint64_t number = 0;
  UnixMillis now = 1'680'307'200'000;
  bool hears(std::uint64_t start, std::uint64_t before, const std::string& address = "a") {
    now += 1000;
    const bool twin = lives.hear(Life{start, before}, ++number, address, now);
    const auto again = store::decode_heard_lives(store::encode_heard_lives(lives));
    EXPECT_TRUE(again && again->current == lives.current &&
                again->entries.size() == lives.entries.size());
    return twin;
  }
};

TEST(Lives, ARestartIsNoTwin) {
  Listener listener;
  EXPECT_FALSE(listener.hears(1, 0));
  EXPECT_FALSE(listener.hears(1, 0));
  EXPECT_FALSE(listener.hears(1, 1)) << "a second session of the same start";
  EXPECT_FALSE(listener.hears(2, 1));
  EXPECT_FALSE(listener.hears(3, 2));
  for (std::uint64_t start = 4; start < 100; ++start)
    EXPECT_FALSE(listener.hears(start, start - 1));
  EXPECT_LE(listener.lives.entries.size(), HeardLives::kEntryCountMax);
}

TEST(Lives, ACopyThatWasPutBackIsNoTwin) {
  Listener listener;
  for (std::uint64_t start = 1; start <= 5; ++start) listener.hears(start, start - 1);
  EXPECT_FALSE(listener.hears(11, 3)) << "the copy knows of the third";
  EXPECT_FALSE(listener.hears(12, 11));
  EXPECT_FALSE(listener.hears(21, 3)) << "the same copy once more";
  EXPECT_FALSE(listener.hears(31, 0)) << "and a disk that was filled anew";
  EXPECT_FALSE(listener.hears(32, 31));
}

TEST(Lives, TwoThatComeInTurnsAreATwin) {
  Listener listener;
  listener.hears(1, 0, "10.0.0.1:1");
  EXPECT_FALSE(listener.hears(2, 1, "10.0.0.1:1"));
  EXPECT_FALSE(listener.hears(11, 1, "10.0.0.9:1")) << "a copy made before the second start";
  EXPECT_TRUE(listener.hears(2, 1, "10.0.0.1:2")) << "and the one that it replaces goes on";
  const UnixMillis since = listener.lives.twin.since;
  EXPECT_EQ(listener.lives.twin.address, "10.0.0.1:2");
  EXPECT_EQ(listener.lives.twin.other_address, "10.0.0.9:1");
  listener.now += 72 * kHour;
  listener.lives.twin.last = listener.now;  // seen in between
  EXPECT_TRUE(listener.hears(12, 11, "10.0.0.9:2")) << "started anew, days later";
  EXPECT_TRUE(listener.hears(3, 2));
  EXPECT_EQ(listener.lives.twin.since, since);
}

TEST(Lives, AMachineThatRunsOnBesideItsCopyIsATwin) {
  Listener listener;
  listener.hears(1, 0);
  EXPECT_FALSE(listener.hears(11, 1)) << "as if it had been restarted";
  EXPECT_TRUE(listener.hears(1, 0));
}

TEST(Lives, ASessionThatComesUpLateSaysNothing) {
  HeardLives lives;
  EXPECT_FALSE(lives.hear({1, 0}, 100, "a", 0));
  EXPECT_FALSE(lives.hear({2, 1}, 200, "a", 0));
  EXPECT_FALSE(lives.hear({1, 0}, 150, "a", 0)) << "its hello had lain in a queue";
  EXPECT_EQ(lives.current, 2U);
  EXPECT_FALSE(lives.hear({0, 0}, 300, "a", 0)) << "of a program that says nothing";
  EXPECT_EQ(lives.current, 2U);
}

class LivesOfOffices : public ::testing::Test {
 protected:
  LivesOfOffices() : offices_(3) {}
  std::uint64_t begin(Office& office, std::uint64_t random) {
    const auto start = std::make_shared<std::uint64_t>(0);
    office.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(store::begin_life(start, random)(transaction).ok());
    });
    return *start;
  }
  static bool good(Office& office, std::uint64_t epoch, std::uint64_t since) {
    return store::told_by_this_life(store::starts_of(office.replica()), epoch, since,
                                    office.replica().last_change());
  }
  Offices offices_;
};

TEST_F(LivesOfOffices, APlaceIsGoodInTheLifeThatToldItAlone) {
  Office& office = *offices_.commune;
  const std::uint64_t first = begin(office, 100);
  office.create("A");
  office.create("B");
  const std::uint64_t told = office.replica().last_change();
  EXPECT_TRUE(good(office, first, told));
  EXPECT_TRUE(good(office, first, 0));
  EXPECT_FALSE(good(office, first, told + 1)) << "not told yet";
  EXPECT_FALSE(good(office, 4711, 1)) << "of nobody";

  // What a copy that was made now is, and what it does not know of.
  const auto copied = store::starts_of(office.replica());
  office.create("C");
  const std::uint64_t further = office.replica().last_change();
  const std::uint64_t second = begin(office, 200);
  office.create("D");
  EXPECT_TRUE(good(office, first, further)) << "after a restart";
  EXPECT_TRUE(good(office, second, office.replica().last_change()));
  std::vector<store::Start> put_back = copied;
  put_back.push_back({301, told + 1});
  EXPECT_TRUE(store::told_by_this_life(put_back, first, told, told + 9));
  EXPECT_FALSE(store::told_by_this_life(put_back, first, further, told + 9))
      << "the copy has another change at that number";
  EXPECT_FALSE(store::told_by_this_life(put_back, second, told, told + 9));
  EXPECT_TRUE(store::told_by_this_life(put_back, 301, told + 9, told + 9));

  office.commit([](store::Transaction& transaction) { store::forget_starts(transaction); });
  const std::uint64_t third = begin(office, 400);
  EXPECT_FALSE(good(office, second, told)) << "salvaged: what was told means nothing";
  EXPECT_TRUE(good(office, third, 0));
}

TEST_F(LivesOfOffices, KeepTheNewestStarts) {
  Office& office = *offices_.commune;
  for (std::uint64_t i = 1; i <= store::kStartCountMax + 3; ++i) begin(office, 2 * i);
  const auto starts = store::starts_of(office.replica());
  ASSERT_EQ(starts.size(), store::kStartCountMax);
  EXPECT_EQ(starts.back().number, 2 * (store::kStartCountMax + 3) + 1);
}

TEST_F(LivesOfOffices, ASeenTwinIsListedForADay) {
  Office& district = *offices_.district;
  const NodeId node = offices_.commune->node().id();
  std::uint64_t number = 0;
  const auto hears = [&](std::uint64_t start, std::uint64_t before) {
    std::optional<store::Twin> twin;
    district.commit([&](store::Transaction& transaction) {
      twin = store::hear_life(transaction, node, {start, before}, ++number, "10.1.1.1:7");
    });
    return twin;
  };
  EXPECT_FALSE(hears(1, 0));
  EXPECT_FALSE(hears(2, 1));
  EXPECT_TRUE(hears(1, 0));
  EXPECT_TRUE(hears(1, 0)) << "told again in every session";
  const auto seen = store::twins_of(district.replica(), district.now);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].node, node);
  EXPECT_TRUE(store::twins_of(district.replica(), district.now + 25 * kHour).empty());

  Office& commune = *offices_.commune;
  commune.commit([&](store::Transaction& transaction) {
    store::note_own_twin(transaction, district.node().id(), seen[0].twin);
  });
  const auto own = store::twins_of(commune.replica(), commune.now);
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].node, node);
  EXPECT_EQ(own[0].told_by, district.node().id());
}

TEST(Lives, AreSaidAtTheEndOfAHello) {
  Hello hello;
  hello.start = 0x1234567890abcdef;
  hello.start_before = 7;
  const auto read = decode_hello(encode_hello(hello));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, hello);
  Hello silent = hello;
  silent.start = silent.start_before = 0;
  EXPECT_EQ(encode_hello(hello).size(), encode_hello(silent).size() + 16);
}

}  // namespace
}  // namespace lienthong::test
