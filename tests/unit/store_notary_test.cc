// The desk of the lowest common superior speaks by itself where custody was signed twice.
#include <gtest/gtest.h>

#include <algorithm>

#include "store/desk/operations.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

constexpr UnixMillis kHour = 3'600'000;

// Three communes of a district, two of them with a second machine that may be a copy of the first.
class NotaryDesk : public ::testing::Test {
 protected:
  NotaryDesk() {
    third_id_ = offices_.deployment.add_agency(offices_.district_id, "H47.518.20398", "Xã Tam Thái",
                                               "commune");
    third_ = &offices_.add(third_id_, "/third");
    twin_ = &offices_.add(offices_.commune_id, "/twin");
    other_twin_ = &offices_.add(offices_.other_id, "/other-twin");
    settle_all();
    record_ = commune().create("H47.518.20374-260105-0001");
    settle_all();
    has_exchanged(district());
  }

  Office& commune() { return *offices_.commune; }
  Office& other() { return *offices_.other; }
  Office& district() { return *offices_.district; }
  std::vector<Office*> below() { return {&commune(), twin_, &other(), other_twin_, third_}; }

  void settle_all() {
    for (int round = 0; round < 2; ++round)
      for (Office* office : below()) settle({office, &district(), offices_.province.get()});
  }
  // All that its neighbours had is here: what comes from now on has an order.
  void has_exchanged(Office& at) {
    at.commit([&](store::Transaction& transaction) {
      for (Office* office : below()) transaction.note_exchanged(office->node().id());
      transaction.note_exchanged(offices_.province->node().id());
    });
  }
  // `from` offers, `to` accepts, and nobody else hears of it.
  void hand_over(Office& from, Office& to) {
    const auto offered = from.write(record_, UpdateKind::kOffer, to.agency());
    ASSERT_TRUE(offered.ok()) << offered.error().message();
    settle({&from, &to});
    const auto accepted = to.write(record_, UpdateKind::kAccept);
    ASSERT_TRUE(accepted.ok()) << accepted.error().message();
    settle({&from, &to});
  }
  ForkEntry last_fork(Office& at) {
    const RecordState state = at.state(record_);
    EXPECT_FALSE(state.forks.empty());
    return state.forks.empty() ? ForkEntry{} : state.forks.back();
  }
  std::size_t words_of(Office& at, const AgencyId& agency) {
    std::size_t count = 0;
    const auto entry = at.replica().find_record(record_);
    for (const std::uint64_t number : entry->updates) {
      const auto update = at.replica().find_update(number);
      count += update->open.kind == UpdateKind::kUphold && update->agency == agency ? 1 : 0;
    }
    return count;
  }

  Offices offices_{7};
  AgencyId third_id_;
  Office *third_ = nullptr, *twin_ = nullptr, *other_twin_ = nullptr;
  RecordId record_;
};

TEST_F(NotaryDesk, UpholdsTheBranchThatItFirstKnewToBeTakenUp) {
  hand_over(commune(), other());
  send(other(), district());
  twin_->now -= 2 * kHour;  // so that by the clocks alone the other branch would stand
  third_->now -= 2 * kHour;
  hand_over(*twin_, *third_);
  EXPECT_EQ(third_->state(record_).holder, third_id_);
  send(*third_, district());

  const ForkEntry fork = last_fork(district());
  EXPECT_TRUE(fork.bound);
  EXPECT_EQ(fork.line, ForkLine::kDecided);
  const auto word = district().replica().find_update(fork.decision);
  ASSERT_TRUE(word.has_value());
  EXPECT_EQ(word->open.kind, UpdateKind::kUphold);
  EXPECT_TRUE(word->ours);
  EXPECT_EQ(district().state(record_).holder, offices_.other_id);
  settle_all();
  for (Office* office : below()) {
    EXPECT_EQ(office->state(record_), district().state(record_));
    EXPECT_EQ(words_of(*office, offices_.district_id), 1U);
  }
}

TEST_F(NotaryDesk, TellsNothingWhereBothCameAtOnceAndLeavesItToPersons) {
  hand_over(commune(), other());
  hand_over(*twin_, *third_);
  settle({&commune(), twin_});  // each has both now, and brings them in one commit
  send(commune(), district());
  const ForkEntry fork = last_fork(district());
  EXPECT_FALSE(fork.bound);
  EXPECT_EQ(fork.notary, offices_.district_id);
  EXPECT_EQ(words_of(district(), offices_.district_id), 0U);

  // The superior's word for the branch that loses until then.
  const AgencyId stood = district().state(record_).holder;
  const auto loses = std::ranges::find_if(
      fork.branches, [&](const UpdateId& first) { return first != fork.stands; });
  ASSERT_NE(loses, fork.branches.end());
  district().commit([&](store::Transaction& transaction) {
    const auto done = store::apply_operation(
        transaction, store::Uphold{record_.hex(), loses->hex().substr(0, 12), "12/QĐ-UBND"});
    ASSERT_TRUE(done.ok()) << done.error().message();
  });
  EXPECT_NE(district().state(record_).holder, stood);
  EXPECT_TRUE(last_fork(district()).bound);
  settle_all();
  for (Office* office : below()) EXPECT_EQ(office->state(record_), district().state(record_));
}

TEST_F(NotaryDesk, OnlyAnAgencyAtOrAboveTheSignerUpholds) {
  hand_over(commune(), other());
  settle_all();
  commune().commit([&](store::Transaction& transaction) {
    transaction.savepoint();
    const auto done = store::apply_operation(transaction, store::Uphold{record_.hex()});
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code(), Errc::kNotAllowed);
    const auto nowhere =
        store::apply_operation(transaction, store::Uphold{record_.hex(), "00", ""});
    ASSERT_FALSE(nowhere.ok());
    EXPECT_EQ(nowhere.error().code(), Errc::kNotFound);
    transaction.rollback();
  });
}

TEST_F(NotaryDesk, WaitsAfterAStartUntilEveryNeighbourHasGivenWhatItHad) {
  district().commit([&](store::Transaction& transaction) {
    transaction.note_heard_cursor(FeedKind::kUpdates, third_->node().id(), Cursor{});
  });
  district().restart();
  hand_over(commune(), other());
  send(other(), district());
  hand_over(*twin_, *third_);
  send(*third_, district());
  EXPECT_FALSE(last_fork(district()).bound);
  EXPECT_EQ(words_of(district(), offices_.district_id), 0U);
  district().commit(
      [&](store::Transaction& transaction) { transaction.note_exchanged(third_->node().id()); });
  EXPECT_TRUE(last_fork(district()).bound);
  EXPECT_EQ(district().state(record_).holder, offices_.other_id);
}

TEST_F(NotaryDesk, WaitsNoLongerThanADay) {
  district().commit([&](store::Transaction& transaction) {
    transaction.note_heard_cursor(FeedKind::kUpdates, third_->node().id(), Cursor{});
  });
  district().restart();
  district().commit([](store::Transaction&) {});
  hand_over(commune(), other());
  send(other(), district());
  hand_over(*twin_, *third_);
  send(*third_, district());
  EXPECT_FALSE(last_fork(district()).bound);
  district().now += 25 * kHour;
  district().commit([](store::Transaction&) {});
  EXPECT_TRUE(last_fork(district()).bound);
}

// What a disk that went back is given again comes at once, so it cannot tell what was first.
TEST_F(NotaryDesk, SaysNothingOfWhatADiskThatWentBackIsGivenAgain) {
  ASSERT_TRUE(district().write(record_, UpdateKind::kNote).ok());
  settle_all();
  Office copy(offices_.deployment, district().node(), offices_.env.get(), "/copy");
  settle({&commune(), &copy});
  ASSERT_TRUE(copy.replica().restored());
  hand_over(commune(), other());
  send(other(), copy);
  hand_over(*twin_, *third_);
  send(*third_, copy);
  EXPECT_FALSE(last_fork(copy).bound);
  copy.commit([](store::Transaction& transaction) { transaction.clear_restored(); });
  has_exchanged(copy);
  EXPECT_FALSE(last_fork(copy).bound);
  EXPECT_EQ(words_of(copy, offices_.district_id), 0U);
}

TEST_F(NotaryDesk, SpeaksSixteenTimesInARecordAndThenOnceADay) {
  Office* holder = &commune();
  Office* copy = twin_;
  Office* next = &other();
  Office* next_copy = other_twin_;
  std::size_t words = 0;
  for (int hop = 0; hop < 18 && !HasFatalFailure(); ++hop) {
    SCOPED_TRACE(hop);
    settle({copy, &district()});
    hand_over(*holder, *next);
    send(*next, district());
    hand_over(*copy, *third_);
    send(*third_, district());
    words = words_of(district(), offices_.district_id);
    if (!last_fork(district()).bound) break;
    settle_all();
    std::swap(holder, next);
    std::swap(copy, next_copy);
  }
  EXPECT_EQ(words, 16U);
  EXPECT_FALSE(last_fork(district()).bound);
  district().now += 25 * kHour;
  district().commit([](store::Transaction&) {});
  EXPECT_EQ(words_of(district(), offices_.district_id), 17U);
  EXPECT_TRUE(last_fork(district()).bound);
}

}  // namespace
}  // namespace lienthong::test
