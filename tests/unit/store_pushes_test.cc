// What one office hands to others unasked has a ration at whoever relays it: the rest is held back
// there without loss, and nobody else's work is.
#include <gtest/gtest.h>

#include "store/replica/replica.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

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
