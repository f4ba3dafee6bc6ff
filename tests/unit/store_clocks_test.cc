// Whose clock dates what, and whom to believe when clocks differ.
#include <gtest/gtest.h>

#include "protocol/record/registers.h"
#include "store/desk/operations.h"
#include "store/office/calendar.h"
#include "store/office/data_check.h"
#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::ClockFault;
using store::kDayMillis;
using store::Transaction;

class Clocks : public ::testing::Test {
 protected:
  Clocks() : offices(41) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  Office& other = *offices.other;

  // A session has begun, and their clock said something else than ours by so much.
  static void hear(Office& office, const Office& from, UnixMillis ahead) {
    office.commit([&](Transaction& transaction) {
      transaction.note_clock(from.node().id(), static_cast<std::uint64_t>(office.now + ahead));
    });
  }
};

TEST_F(Clocks, OneClockThatIsAheadDatesOnlyWhatItTouched) {
  const UnixMillis today = commune.now;
  const RecordId shared = commune.create("A"), alone = commune.create("B");
  settle({&commune, &district});
  other.now = today + 3650 * kDayMillis;
  const RecordId ahead = other.create("C");
  ASSERT_TRUE(other.write(ahead, UpdateKind::kOffer, offices.district_id).ok());
  settle({&commune, &district, &other});
  const auto written = [&](Office& office, const RecordId& record) {
    const auto id = office.set_unit(record, "x");
    EXPECT_TRUE(id.ok());
    return office.replica().find_update(*id)->update.envelope.hlc;
  };
  EXPECT_LT(written(commune, alone).millis(), today + kDayMillis);
  EXPECT_LT(written(commune, shared).millis(), today + kDayMillis);
  // What it touched goes on from there, in the order in which it was done.
  const auto accepted = district.write(ahead, UpdateKind::kAccept);
  ASSERT_TRUE(accepted.ok());
  const Hlc offered = other.state(ahead).chain.back().hlc;
  const Hlc taken = district.replica().find_update(*accepted)->update.envelope.hlc;
  EXPECT_GT(taken, offered);
  EXPECT_EQ(taken.millis(), offered.millis());
  EXPECT_GT(written(district, ahead), taken);
  // Nor does one's own clock, once it is right again, date other records by what it wrote before.
  other.now = today;
  EXPECT_LT(written(other, other.create("D")).millis(), today + kDayMillis);
}

TEST_F(Clocks, ItsOwnWorkInARecordNeverGoesBack) {
  const RecordId record = commune.create("A");
  const auto written = [&](std::string_view unit) {
    const auto id = commune.set_unit(record, unit);
    EXPECT_TRUE(id.ok());
    return commune.replica().find_update(*id)->update.envelope.hlc;
  };
  const Hlc first = written("x");
  commune.now -= 30 * kDayMillis;  // the clock was set back
  const Hlc second = written("y"), third = written("z");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(std::get<std::string>(*lienthong::open_value(commune.state(record), Field::kUnit)),
            "z");
}

// ---- whom to believe ----

TEST_F(Clocks, TheOneThatDiffersIsNamedAndNotThoseThatAreRight) {
  const UnixMillis years = 3650 * kDayMillis;
  hear(district, province, 0);
  hear(district, commune, years);
  hear(district, other, 60'000);
  const auto seen = district.replica().clock(district.now);
  EXPECT_EQ(seen.fault, ClockFault::kNone);
  EXPECT_TRUE(seen.confirmed);
  ASSERT_EQ(seen.others.size(), 1u);
  EXPECT_EQ(seen.others[0].node, commune.node().id());
  EXPECT_EQ(seen.others[0].reading.ahead, years);
  // At the commune, whose clock is ahead, its superior is believed.
  hear(commune, district, -years);
  const auto own = commune.replica().clock(commune.now);
  EXPECT_EQ(own.fault, ClockFault::kNeighbours);
  EXPECT_NEAR(static_cast<double>(own.proof), static_cast<double>(commune.now - years), 1e4);
  EXPECT_TRUE(own.others.empty());
  // Once it is right again nobody is accused, whatever it wrote before.
  hear(district, commune, 0);
  EXPECT_TRUE(district.replica().clock(district.now).others.empty());
  hear(commune, district, 0);
  EXPECT_EQ(commune.replica().clock(commune.now).fault, ClockFault::kNone);
  EXPECT_FALSE(store::clock_doubtful(commune.replica(), commune.now));
}

TEST_F(Clocks, ASubordinateAloneDoesNotPutItsSuperiorInDoubt) {
  hear(district, commune, -30 * kDayMillis);
  EXPECT_EQ(district.replica().clock(district.now).fault, ClockFault::kNone);
  EXPECT_EQ(district.replica().clock(district.now).others.size(), 1u);
  hear(district, other, -30 * kDayMillis);
  EXPECT_EQ(district.replica().clock(district.now).fault, ClockFault::kNeighbours);
}

TEST_F(Clocks, ChangesThatComeTellOfTheirMachinesClock) {
  other.now += 3650 * kDayMillis;
  other.create("C");
  settle({&other, &district});
  const auto seen = district.replica().clock(district.now);
  ASSERT_EQ(seen.others.size(), 1u);
  EXPECT_EQ(seen.others[0].node, other.node().id());
  // It is right again, and says so with what it writes next.
  other.now = district.now;
  other.create("D");
  settle({&other, &district});
  EXPECT_TRUE(district.replica().clock(district.now).others.empty());
}

TEST_F(Clocks, ANumberThatIsOnlyCountedUpSaysNothing) {
  const NodeId node = commune.node().id();
  const auto ahead = static_cast<std::uint64_t>(district.now + 3650 * kDayMillis);
  const auto seen = [&](std::uint64_t number) {
    district.commit([&](Transaction& t) { t.note_session_number_seen(node, number); });
    return district.replica().clock(district.now).others.size();
  };
  EXPECT_EQ(seen(ahead), 1u);
  EXPECT_EQ(seen(ahead + 1), 0u) << "its clock was ahead once; now it counts";
}

// ---- asking before a date or number is given ----

TEST_F(Clocks, AMachineThatKnowsItsClockToBeWrongAsksFirst) {
  using store::CreateDossier;
  using store::Operation;
  const auto apply = [&](Operation operation, bool accept) {
    operation.accept_clock = accept;
    Transaction transaction(commune.replica(), commune.now);
    const auto done = store::apply_operation(transaction, operation);
    if (!done.ok()) return done;
    EXPECT_TRUE(transaction.commit().ok());
    return done;
  };
  const UnixMillis right = commune.now;
  commune.now = 10'000;  // 1970
  hear(commune, district, right - commune.now);
  const auto refused = apply(CreateDossier{}, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::kNotAllowed);
  for (const char* word : {"1970-01-01", "2023-04-01", "accept_clock"})
    EXPECT_NE(refused.error().detail().find(word), std::string::npos) << refused.error().detail();
  EXPECT_EQ(commune.replica().counts().records, 0u);
  const auto taken = apply(CreateDossier{}, true);
  ASSERT_TRUE(taken.ok()) << taken.error().message();
  EXPECT_NE(taken->code.find("-700101-"), std::string::npos);
  // What brings its own date and code needs no clock.
  CreateDossier given;
  given.open = {
      {static_cast<std::uint16_t>(Field::kCode), std::string("H47.518.20374-230401-0007")},
      {static_cast<std::uint16_t>(Field::kReceivedAt), right}};
  EXPECT_TRUE(apply(given, false).ok());
  // Set right, it works as ever, and numbers are those of the day.
  commune.now = right;
  hear(commune, district, 0);
  const auto after = apply(CreateDossier{}, false);
  ASSERT_TRUE(after.ok()) << after.error().message();
  EXPECT_NE(after->code.find("-230401-"), std::string::npos);
}

TEST_F(Clocks, AClockBeforeTheProgramWasMadeIsWrong) {
  const auto judge = [&](UnixMillis now) {
    return store::judge_clock({}, *district.replica().registry(),
                              {.now = now, .released_at = district.now, .ours = district.agency()})
        .fault;
  };
  EXPECT_EQ(judge(district.now - 1), ClockFault::kBeforeRelease);
  EXPECT_EQ(judge(district.now), ClockFault::kNone);
}

}  // namespace
}  // namespace lienthong::test
