// Updates that do not build on all that is there: what judging them costs, and that the stored
// state is what folding everything gives.
#include "tests/unit/store_registry_fixture.h"

namespace lienthong::test {
namespace {

class Beside : public StoreRegistry {
 protected:
  // How many updates of the record were read again for what comes.
  std::uint64_t looks(Office& to, std::vector<SealedUnit> units) {
    FeedPart part;
    part.units = std::move(units);
    std::uint64_t count = 0;
    to.commit([&](Transaction& transaction) {
      const auto got =
          transaction.receive(FeedKind::kUpdates, other.node().id(), other.agency(), part);
      ASSERT_TRUE(got.ok()) << got.error().message();
      EXPECT_EQ(got->added, part.units.size());
      (void)transaction.find_record(part.units[0].leaves[0].update.envelope.record);  // folds it
      count = transaction.looked_back();
    });
    return count;
  }
  // Notes, each on the one before, from `parent` on.
  std::vector<SealedUnit> line(TestNode& author, const RecordId& record, UpdateId parent,
                               std::size_t count) {
    std::vector<SealedUnit> out;
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(
          forge(author, UpdateKind::kNote, record, id_cast<UpdateId>(record), 0, {parent}));
      parent = id_of(out.back());
    }
    return out;
  }
  // A record of so many updates at the province, and what a superior's note and a custodian's four,
  // none of which knows of the other side's, cost there after a start.
  std::uint64_t cost_after(std::size_t length) {
    const RecordId record = other.create("O-" + std::to_string(length));
    settle_all();
    TestNode holder = other.node(), above = district.node();
    holder.incarnation ^= length;
    above.incarnation ^= length;
    auto past = line(holder, record, id_cast<UpdateId>(record), length);
    const UpdateId last = id_of(past.back());
    looks(province, std::move(past));
    province.restart();
    const auto remarks = line(above, record, last, 2);  // dated before what the holder writes
    const auto work = line(holder, record, last, 4);
    std::uint64_t count = looks(province, work);
    count += looks(province, {remarks[0]});
    province.restart();
    count += looks(province, {remarks[1]});
    const RecordState state = province.state(record);
    EXPECT_EQ(state.timeline.size(), length + 7);
    EXPECT_EQ(state.heads.size(), 2u);
    EXPECT_TRUE(province.replica().verify_states().empty());
    return count;
  }
};

TEST_F(Beside, WhatIsWrittenBesideOtherWorkCostsThatWorkAndNotTheRecord) {
  const std::uint64_t of_a_short_one = cost_after(20);
  EXPECT_GT(of_a_short_one, 0u);
  EXPECT_EQ(cost_after(400), of_a_short_one);
}

TEST_F(Beside, MoreThanABoundIsFoldedOnceInstead) {
  const RecordId record = other.create("O-1");
  settle_all();
  TestNode holder = other.node(), above = district.node();
  holder.incarnation ^= 1;
  above.incarnation ^= 1;
  const auto begun = id_cast<UpdateId>(record);
  const std::size_t many = 300;
  looks(province, line(holder, record, begun, many));
  const std::uint64_t count = looks(province, line(above, record, begun, 60));
  EXPECT_GT(count, many);
  EXPECT_LT(count, 3 * (many + 60)) << "once, and not for each of them";
  EXPECT_EQ(province.state(record).timeline.size(), many + 61);
  EXPECT_TRUE(province.replica().verify_states().empty());
}

}  // namespace
}  // namespace lienthong::test
