// Closed parts that were stripped on the way, shown alone, erased. docs/protocol/updates.md.
#include <gtest/gtest.h>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "tests/support/healing_pair.h"

namespace lienthong::test {
namespace {

class ClosedParts : public ::testing::Test {
 protected:
  ClosedParts() : offices(1) {}
  Offices offices;
  Office& province = *offices.province;
  Office& district = *offices.district;
  Office& commune = *offices.commune;

  RecordId begin(const std::string& code) {
    RecordId record;
    commune.commit([&](store::Transaction& transaction) {
      store::Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), code}};
      draft.open.closed_fields = {static_cast<std::uint16_t>(Field::kApplicantName)};
      draft.closed = ClosedBody{};
      draft.closed->writes = {
          {static_cast<std::uint16_t>(Field::kApplicantName), std::string("Nguyễn Thị Lành")}};
      const auto id = transaction.write(draft);
      ASSERT_TRUE(id.ok()) << id.error().message();
      record = id_cast<RecordId>(*id);
    });
    return record;
  }
  UpdateId note(Office& office, const RecordId& record, const std::string& text) {
    UpdateId id;
    office.commit([&](store::Transaction& transaction) {
      store::Draft draft;
      draft.record = record;
      draft.open.kind = UpdateKind::kNote;
      draft.closed = ClosedBody{};
      draft.closed->note = text;
      const auto written = transaction.write(draft);
      ASSERT_TRUE(written.ok()) << written.error().message();
      id = *written;
    });
    return id;
  }
  static void seals(Office& from, const AgencyId& to) {
    from.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(to).ok());
      ASSERT_TRUE(transaction.seal_pending(to).ok());
    });
  }
  // All that the district has for the province, without its closed parts.
  void strips() {
    seals(district, offices.province_id);
    auto part = district.replica().read_feed(
        {FeedKind::kUpdates, offices.province_id, province.node().id(), Echo::kPassOver});
    ASSERT_TRUE(part.ok() && *part);
    for (SealedUnit& unit : (*part)->units)
      for (SealedLeaf& leaf : unit.leaves) {
        leaf.update.closed.clear();
        leaf.update.secret.reset();
      }
    province.commit([&](store::Transaction& transaction) {
      const auto outcome =
          transaction.receive(FeedKind::kUpdates, district.node().id(), district.agency(), **part);
      ASSERT_TRUE(outcome.ok() && outcome->refused.empty() && outcome->waiting == 0);
      ASSERT_GT(outcome->added, 0U);
    });
    seals(province, offices.district_id);
  }
  static std::string note_of(Office& office, const UpdateId& id) {
    const auto update = office.replica().find_update(id);
    const auto closed = wire::decode_closed(update ? ByteView(update->update.closed) : ByteView());
    return closed.ok() ? closed->note : "(not here)";
  }
  static bool has_closed(Office& office, const UpdateId& id) {
    const auto update = office.replica().find_update(id);
    return update && !update->update.closed.empty();
  }
  bool same() {
    const auto one = district.replica().feed_digest(FeedKind::kUpdates, offices.province_id);
    const auto other = province.replica().feed_digest(FeedKind::kUpdates, offices.district_id);
    return one && other && one->same_set(*other);
  }
};

TEST_F(ClosedParts, StrippedOnTheWayAreFilledInWhenTheyComeAgain) {
  const RecordId record = begin("A-1");
  const UpdateId second = note(commune, record, "thiếu giấy tờ");
  settle({&commune, &district});
  strips();
  EXPECT_EQ(province.replica().counts().stripped, 2U);
  EXPECT_FALSE(has_closed(province, second));
  ASSERT_TRUE(commune.write(record, UpdateKind::kOffer, offices.province_id).ok());
  seals(commune, offices.province_id);
  while (send(commune, province)) {
  }
  EXPECT_EQ(province.replica().counts().stripped, 0U);
  EXPECT_EQ(note_of(province, second), "thiếu giấy tờ");
  ASSERT_TRUE(province.write(record, UpdateKind::kAccept).ok());
  const UpdateId third = note(province, record, "đã nhận");
  EXPECT_EQ(note_of(province, third), "đã nhận");
  EXPECT_TRUE(province.replica().verify_states().empty());
  province.restart();
  EXPECT_EQ(province.replica().counts().stripped, 0U);
  EXPECT_TRUE(has_closed(province, id_cast<UpdateId>(record)));
}

TEST_F(ClosedParts, StrippedOnTheWayAreAskedForByHealing) {
  for (int i = 0; i < 40; ++i) note(commune, begin("A-" + std::to_string(i)), "x");
  settle({&commune, &district});
  strips();
  EXPECT_EQ(province.replica().counts().stripped, 80U);
  EXPECT_FALSE(same()) << "a part without its closed part has another name for healing";
  province.restart();
  EXPECT_EQ(province.replica().counts().stripped, 80U);
  HealingPair pair(district, province);
  pair.quiet_moment();
  EXPECT_EQ(province.replica().counts().stripped, 0U);
  EXPECT_TRUE(same());
  EXPECT_TRUE(province.replica().verify_states().empty());
}

TEST_F(ClosedParts, ThatNobodyHasAreNotAskedForAgainAndAgain) {
  note(commune, begin("A-1"), "x");
  settle({&commune, &district});
  strips();
  Office& other = offices.add(offices.province_id, "/province2");
  seals(province, offices.province_id);
  while (send(province, other)) {
  }
  EXPECT_EQ(other.replica().counts().stripped, 2U);
  seals(other, offices.province_id);
  const auto one = province.replica().feed_digest(FeedKind::kUpdates, offices.province_id);
  const auto two = other.replica().feed_digest(FeedKind::kUpdates, offices.province_id);
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(one->same_set(*two));
}

TEST_F(ClosedParts, OfAnErasedRecordAreGoneWithItsSecretAndAreNotAskedFor) {
  const RecordId record = begin("A-1");
  const UpdateId second = note(commune, record, "ghi chú");
  settle({&commune, &district});
  strips();
  commune.commit([&](store::Transaction& transaction) {
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kErase;
    draft.open.decision = "12/QĐ-UBND";
    ASSERT_TRUE(transaction.write(draft).ok());
  });
  settle({&commune, &district, &province});
  for (Office* office : {&commune, &district, &province}) {
    EXPECT_FALSE(office->state(record).erased_by.is_zero());
    EXPECT_EQ(office->replica().counts().stripped, 0U);
    EXPECT_FALSE(has_closed(*office, id_cast<UpdateId>(record)));
    EXPECT_FALSE(has_closed(*office, second));
    EXPECT_FALSE(office->replica().names()->secret(record).has_value());
    EXPECT_FALSE(office->replica().show_closed_part(second).has_value());
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
  EXPECT_TRUE(same());
}

TEST_F(ClosedParts, OneIsShownWithoutTheOthers) {
  const RecordId record = begin("A-1");
  const UpdateId second = note(commune, record, "ghi chú");
  const RootFingerprint& root = offices.deployment.root();
  for (const UpdateId& id : {id_cast<UpdateId>(record), second}) {
    auto shown = commune.replica().show_closed_part(id);
    ASSERT_TRUE(shown.has_value());
    EXPECT_FALSE(shown->update.secret.has_value()) << "it would show all of the record";
    EXPECT_EQ(update_id(root, shown->update), id);
    ASSERT_TRUE(check_shown(root, *shown).ok());
    ShownPart other = *shown;
    other.update.closed[other.update.closed.size() - 2] ^= 1;
    EXPECT_EQ(check_shown(root, other).error().code(), Errc::kBadHash);
  }
  ShownPart mixed = *commune.replica().show_closed_part(second);
  mixed.salt = commune.replica().show_closed_part(id_cast<UpdateId>(record))->salt;
  EXPECT_EQ(check_shown(root, mixed).error().code(), Errc::kBadHash)
      << "each part has a salt of its own";
}

}  // namespace
}  // namespace lienthong::test
