// What one office hands to others unasked has a ration at whoever relays it: the rest is held back
// there without loss, and nobody else's work is.
#include <gtest/gtest.h>

#include "store/replica/pushes.h"
#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using store::kPushedBelowMax;
using store::kPushedCountMax;
using store::Transaction;

class Pushes : public ::testing::Test {
 protected:
  Pushes() : offices(51) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;
  Office& other = *offices.other;

  void settle_all() {
    settle({&other, &district, &province});
    settle({&commune, &district, &province});
    settle({&other, &district});
  }
  static std::vector<RecordId> offers(Office& from, const AgencyId& to, std::size_t count) {
    std::vector<RecordId> out;
    from.commit([&](Transaction& transaction) {
      for (std::size_t i = 0; i < count; ++i) {
        store::Draft made;
        made.open.kind = UpdateKind::kCreated;
        const auto first = transaction.write(std::move(made));
        ASSERT_TRUE(first.ok());
        store::Draft offer;
        offer.record = id_cast<RecordId>(*first);
        offer.open.kind = UpdateKind::kOffer;
        offer.open.target = to;
        ASSERT_TRUE(transaction.write(std::move(offer)).ok());
        out.push_back(id_cast<RecordId>(*first));
      }
    });
    return out;
  }
  static std::size_t here(Office& office, const std::vector<RecordId>& records) {
    return static_cast<std::size_t>(std::ranges::count_if(
        records, [&](const RecordId& id) { return office.replica().find_record(id).has_value(); }));
  }
};

TEST_F(Pushes, ARelayHandsOnSoManyAtOnceAndTheRestAsTheyAreAnswered) {
  constexpr std::size_t kMore = 40;
  const auto pushed = offers(other, offices.commune_id, kPushedCountMax + kMore);
  settle_all();
  EXPECT_EQ(here(district, pushed), pushed.size());
  EXPECT_EQ(here(commune, pushed), kPushedCountMax);
  const auto held = district.replica().held_pushes();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].origin, offices.other_id);
  EXPECT_EQ(held[0].to, offices.commune_id);
  EXPECT_EQ(held[0].count, kMore);
  std::vector<RecordId> there, waiting;
  for (const RecordId& id : pushed)
    (commune.replica().find_record(id) ? there : waiting).push_back(id);
  EXPECT_EQ(district.replica().held_back_from(waiting.front()), offices.commune_id);
  EXPECT_FALSE(district.replica().held_back_from(there.front()).has_value());
  // The work of others goes on, and so does that office's with others.
  const auto own = offers(district, offices.commune_id, 3);
  const auto back = offers(commune, offices.other_id, 3);
  const auto up = offers(other, offices.district_id, 3);
  settle_all();
  EXPECT_EQ(here(commune, own), 3u);
  EXPECT_EQ(here(other, back), 3u);
  EXPECT_EQ(here(district, up), 3u);
  // Taken up or turned down: each makes room for another; nothing is lost over a restart.
  district.restart();
  for (std::size_t i = 0; i < 10; ++i)
    ASSERT_TRUE(
        commune.write(there[i], i % 2 == 0 ? UpdateKind::kAccept : UpdateKind::kDecline).ok());
  settle_all();
  EXPECT_EQ(here(commune, pushed), kPushedCountMax + 10);
  for (std::size_t i = 10; i < 10 + kMore; ++i)
    ASSERT_TRUE(commune.write(there[i], UpdateKind::kAccept).ok());
  settle_all();
  EXPECT_EQ(here(commune, pushed), pushed.size());
  EXPECT_TRUE(district.replica().held_pushes().empty());
  EXPECT_TRUE(district.replica().verify_states().empty());
}

// No answer is due to what is shared, and consultations beside it hide none.
TEST_F(Pushes, WhatIsSharedCountsForADay) {
  constexpr std::size_t kMore = 30;
  const auto handed = [&](std::initializer_list<std::pair<UpdateKind, AgencyId>> acts,
                          std::size_t count) {
    std::vector<RecordId> out;
    other.commit([&](Transaction& transaction) {
      for (std::size_t i = 0; i < count; ++i) {
        store::Draft made;
        made.open.kind = UpdateKind::kCreated;
        const auto first = transaction.write(std::move(made));
        ASSERT_TRUE(first.ok());
        out.push_back(id_cast<RecordId>(*first));
        for (const auto& [kind, to] : acts) {
          store::Draft act;
          act.record = out.back();
          act.open.kind = kind;
          act.open.target = to;
          ASSERT_TRUE(transaction.write(std::move(act)).ok());
        }
      }
    });
    return out;
  };
  const auto shared = handed({{UpdateKind::kShare, offices.commune_id}}, kPushedCountMax + kMore);
  const auto asked = handed({{UpdateKind::kConsult, offices.commune_id},
                             {UpdateKind::kConsult, offices.district_id},
                             {UpdateKind::kShare, offices.district_id}},
                            20);
  settle_all();
  EXPECT_EQ(here(district, shared), shared.size());
  EXPECT_EQ(here(commune, shared), kPushedCountMax);
  EXPECT_EQ(here(commune, asked), 0u);
  ASSERT_EQ(district.replica().held_pushes().size(), 1u);
  EXPECT_EQ(district.replica().held_pushes()[0].count, kMore + asked.size());
  // It is not sooner because the record changes, or the relay was away.
  district.restart();
  ASSERT_TRUE(other.write(shared.front(), UpdateKind::kNote).ok());
  ASSERT_TRUE(other.write(shared.back(), UpdateKind::kNote).ok());
  settle_all();
  EXPECT_EQ(here(commune, shared), kPushedCountMax);
  for (Office* office : {&province, &district, &commune, &other}) office->now += 24LL * 3600 * 1000;
  for (int i = 0; i < 8; ++i) {
    (void)district.create("D-" + std::to_string(i));
    settle_all();
  }
  EXPECT_EQ(here(commune, shared), shared.size());
  EXPECT_EQ(here(commune, asked), asked.size());
  EXPECT_TRUE(district.replica().held_pushes().empty());
  EXPECT_TRUE(district.replica().verify_states().empty());
}

// What spreads by itself: a procedure to everybody, a leg to those who read its dossier.
TEST_F(Pushes, WhatSpreadsByItselfCountsForADayToo) {
  constexpr std::size_t kMore = 30;
  const auto made = [](Office& office, std::size_t count, RecordKind kind, const RecordId& lead) {
    std::vector<RecordId> out;
    office.commit([&](Transaction& transaction) {
      for (std::size_t i = 0; i < count; ++i) {
        store::Draft draft;
        draft.open.kind = UpdateKind::kCreated;
        draft.open.record_kind = kind;
        draft.open.lead = lead;
        const auto id = transaction.write(std::move(draft));
        ASSERT_TRUE(id.ok()) << id.error().message();
        out.push_back(id_cast<RecordId>(*id));
      }
    });
    return out;
  };
  const auto procedures = made(other, kPushedCountMax + kMore, RecordKind::kProcedure, {});
  settle_all();
  EXPECT_EQ(here(district, procedures), procedures.size());
  EXPECT_EQ(here(province, procedures), procedures.size()) << "those above read it all";
  EXPECT_EQ(here(commune, procedures), kPushedCountMax);
  const auto of_above = made(province, kPushedCountMax + kMore, RecordKind::kProcedure, {});
  const RecordId lead = commune.create("C-1");
  ASSERT_TRUE(commune.write(lead, UpdateKind::kShare, offices.other_id).ok());
  settle_all();
  EXPECT_EQ(here(commune, of_above), of_above.size());
  EXPECT_EQ(here(other, of_above), of_above.size());
  ASSERT_EQ(here(other, {lead}), 1u);
  const auto legs = made(other, 10, RecordKind::kLeg, lead);
  settle_all();
  EXPECT_EQ(here(district, legs), legs.size());
  EXPECT_EQ(here(commune, legs), 0u) << "it has had its share today";
  for (Office* office : {&province, &district, &commune, &other}) office->now += 24LL * 3600 * 1000;
  for (int i = 0; i < 8; ++i) {
    (void)district.create("D-" + std::to_string(i));
    settle_all();
  }
  EXPECT_EQ(here(commune, procedures), procedures.size());
  EXPECT_EQ(here(commune, legs), legs.size());
}

// Offices that one neighbour has made below itself have a ration together.
TEST_F(Pushes, AllOfficesBelowOneNeighbourHaveARationTogether) {
  constexpr std::size_t kMany = kPushedBelowMax / kPushedCountMax + 1;
  std::vector<Office*> made;
  for (std::size_t i = 0; i < kMany; ++i) {
    const AgencyId id = offices.deployment.add_agency(
        offices.other_id, "H47.12.06.0" + std::to_string(i), "Bộ phận", "x");
    made.push_back(&offices.add(id, "made" + std::to_string(i)));
  }
  for (Office* office : {&other, &district, &province, &commune})
    office->commit([&](Transaction& transaction) {
      for (const Statement& statement : offices.deployment.statements())
        ASSERT_TRUE(transaction.add_statement(statement).ok());
    });
  std::vector<RecordId> pushed;
  for (Office* office : made) {
    const auto of_one = offers(*office, offices.commune_id, kPushedCountMax);
    pushed.insert(pushed.end(), of_one.begin(), of_one.end());
    settle({office, &other});
  }
  settle_all();
  EXPECT_EQ(here(district, pushed), pushed.size());
  EXPECT_EQ(here(commune, pushed), kPushedBelowMax);
  // Others are not held up, and the rest goes on as those are answered.
  const auto own = offers(district, offices.commune_id, 3);
  settle_all();
  EXPECT_EQ(here(commune, own), 3u);
  for (std::size_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(commune.replica().find_record(pushed[i]).has_value());
    ASSERT_TRUE(commune.write(pushed[i], UpdateKind::kDecline).ok());
  }
  settle_all();
  EXPECT_EQ(here(commune, pushed), kPushedBelowMax + 10);
}

TEST_F(Pushes, SuperiorsAndNeighboursAreNotRationed) {
  const auto down = offers(province, offices.commune_id, kPushedCountMax + 5);
  const auto own = offers(district, offices.commune_id, kPushedCountMax + 5);
  settle_all();
  EXPECT_EQ(here(commune, down), down.size());
  EXPECT_EQ(here(commune, own), own.size());
  EXPECT_TRUE(district.replica().held_pushes().empty());
}

}  // namespace
}  // namespace lienthong::test
