// What followers of a replica are told, and what is kept of refusals.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/fields.h"
#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::ChangeEvent;
using store::ChangeKind;
using store::Transaction;

class Changes : public ::testing::Test {
 protected:
  Changes() : offices(1) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  Office& other = *offices.other;

  static std::vector<ChangeEvent> told(Office& office, std::uint64_t since = 0) {
    return office.replica().change_events(since, 1'000).events;
  }
  // The commune's machine, from after the seal that covers its first update on.
  void revoke_commune() {
    Revocation revocation;
    revocation.node = commune.node().id();
    const auto seal = commune.replica().find_update(1)->seal;
    const Seal last_believed = commune.replica().find_seal(*seal)->seal();
    revocation.cuts = {{last_believed.incarnation, last_believed.number, {}}};
    revocation.reason = "máy mất";
    district.commit(
        [&](Transaction& transaction) { ASSERT_TRUE(transaction.state(revocation).ok()); });
  }
};

TEST_F(Changes, UpdatesAreToldByTheirNumbers) {
  const RecordId record = commune.create("A");
  const auto set = commune.set_unit(record, "Tư pháp");
  ASSERT_TRUE(set.ok());
  const auto events = told(commune);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].update_kind, UpdateKind::kCreated);
  EXPECT_EQ(events[1].number, 2u);
  EXPECT_EQ(events[1].kind, ChangeKind::kUpdate);
  EXPECT_EQ(events[1].record, record);
  EXPECT_EQ(events[1].update, *set);
  EXPECT_EQ(events[1].by, offices.commune_id);
}

TEST_F(Changes, AWithdrawnOfferIsToldInTheCommitThatTakesItBack) {
  const RecordId record = commune.create("A");
  const auto offer = commune.write(record, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(offer.ok());
  const std::uint64_t seen = commune.replica().last_change();
  commune.now += 5'000;
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.withdraw(*offer).ok()); });
  const auto events = told(commune, seen);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, ChangeKind::kWithdrawn);
  EXPECT_EQ(events[0].number, commune.replica().last_change());
  EXPECT_EQ(events[0].record, record);
  EXPECT_EQ(events[0].update, *offer);
  EXPECT_EQ(events[0].update_number, seen);
  EXPECT_EQ(events[0].update_kind, UpdateKind::kOffer);
  EXPECT_EQ(events[0].by, offices.commune_id);
  EXPECT_EQ(events[0].at, commune.now);
  // The update itself is told no more, and the next one goes on after it.
  for (const ChangeEvent& event : told(commune)) EXPECT_NE(event.number, seen);
  ASSERT_TRUE(commune.set_unit(record, "goes on").ok());
  EXPECT_EQ(commune.replica().counts().updates, 2u);
  commune.restart();
  EXPECT_EQ(told(commune, seen).size(), 2u);
  EXPECT_EQ(told(commune, seen)[0].update, *offer);
  EXPECT_EQ(commune.replica().counts().updates, 2u);
  EXPECT_TRUE(commune.replica().verify_states().empty());
}

TEST_F(Changes, ARollbackTakesTheNumberBack) {
  const RecordId record = commune.create("A");
  const auto offer = commune.write(record, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(offer.ok());
  commune.commit([&](Transaction& t) {
    t.savepoint();
    ASSERT_TRUE(t.withdraw(*offer).ok());
    t.rollback();
  });
  EXPECT_EQ(commune.replica().last_change(), 2u);
  ASSERT_EQ(told(commune).size(), 2u);
  EXPECT_EQ(told(commune)[1].update, *offer);
}

TEST_F(Changes, ARevocationTellsTheRecordsThatItChanges) {
  commune.create("BEFORE");
  settle({&commune, &district, &province});
  const RecordId after = commune.create("AFTER");
  settle({&commune, &district, &province});
  const std::uint64_t seen = district.replica().last_change();
  const std::uint64_t seen_above = province.replica().last_change();
  const UnixMillis before = std::max(district.now, province.now);
  revoke_commune();
  const auto expect_told = [&](Office& office, std::uint64_t since) {
    const auto events = told(office, since);
    ASSERT_EQ(events.size(), 1u);  // the other record means what it meant
    EXPECT_EQ(events[0].kind, ChangeKind::kRefolded);
    EXPECT_EQ(events[0].number, since + 1);
    EXPECT_EQ(events[0].record, after);
    EXPECT_TRUE(events[0].update.is_zero());
    EXPECT_GT(events[0].at, before);
    EXPECT_LE(events[0].at, office.now);
  };
  expect_told(district, seen);
  EXPECT_EQ(told(province, seen_above).size(), 0u);
  settle({&district, &province});
  expect_told(province, seen_above);
  EXPECT_EQ(province.replica().counts().updates, 2u);
  province.restart();
  expect_told(province, seen_above);
}

TEST_F(Changes, PagesGoOnAfterNumbersThatBearNothing) {
  const RecordId record = commune.create("A");
  const auto offer = commune.write(record, UpdateKind::kOffer, offices.other_id);
  ASSERT_TRUE(offer.ok());
  commune.commit([&](Transaction& t) { ASSERT_TRUE(t.withdraw(*offer).ok()); });
  ASSERT_TRUE(commune.set_unit(record, "goes on").ok());
  std::vector<std::uint64_t> numbers;
  std::uint64_t since = 0;
  while (since < commune.replica().last_change()) {
    const store::ChangePage page = commune.replica().change_events(since, 1);
    ASSERT_GT(page.last, since);
    ASSERT_LE(page.events.size(), 1u);
    for (const ChangeEvent& event : page.events) numbers.push_back(event.number);
    since = page.last;
  }
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 3, 4}));
}

TEST_F(Changes, ANeighboursRefusalIsKeptOnceAndOnlyOfWhatIsHere) {
  commune.create("A");
  const UpdateId ours = commune.replica().find_update(1)->id;
  UpdateId unknown = ours;
  unknown.bytes[0] ^= 1;
  const NodeId node = district.node().id();
  commune.commit([&](Transaction& t) {
    EXPECT_TRUE(t.note_refused_by_peer(node, offices.district_id, ours, "not-allowed"));
    EXPECT_FALSE(t.note_refused_by_peer(node, offices.district_id, ours, "not-allowed"));
    EXPECT_FALSE(t.note_refused_by_peer(node, offices.district_id, unknown, "not-allowed"));
    t.note_refused(node, offices.district_id, ours, "bad-hash");
  });
  commune.restart();
  commune.commit([&](Transaction& t) {
    EXPECT_FALSE(t.note_refused_by_peer(node, offices.district_id, ours, "in other words"));
    EXPECT_TRUE(t.note_refused_by_peer(other.node().id(), offices.other_id, ours, "bad-hash"));
  });
  const auto refused = commune.replica().refused(10);
  ASSERT_EQ(refused.size(), 3u);
  EXPECT_TRUE(refused[0].by_peer);
  EXPECT_EQ(refused[0].from, other.node().id());
  EXPECT_FALSE(refused[1].by_peer);
  EXPECT_EQ(refused[1].reason, "bad-hash");
  EXPECT_TRUE(refused[2].by_peer);
  EXPECT_EQ(refused[2].reason, "not-allowed");
  EXPECT_EQ(refused[2].from_agency, offices.district_id);
}

}  // namespace
}  // namespace lienthong::test
