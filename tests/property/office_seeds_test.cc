// Figures that districts have published, counted again from as many dossiers: Phú Ninh's first
// quarter (1,409 dossiers of communes and 1,457 of the district, 15.5 % online) and Kim Sơn's year
// (27 communes with 78,406 dossiers; of the district's 2,407 received, 2,289 resolved).
#include <gtest/gtest.h>

#include "store/desk/operations.h"
#include "store/office/report.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

constexpr UnixMillis kDay = 86'400'000;
constexpr std::int64_t kFirstDay = 17'532;  // 2018-01-01
constexpr std::size_t kInACommit = 500;

class Seeds : public ::testing::Test {
 protected:
  Seeds() : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())), deployment_(41) {
    province_ = deployment_.add_agency({}, "H42", "Tỉnh", "province");
    deployment_.add_node(province_, true);
    district_ = deployment_.add_agency(province_, "H42.10", "Huyện", "district");
    hub_ = &deployment_.add_node(district_, true);
  }
  void found(int communes) {
    for (int i = 0; i < communes; ++i)
      communes_.push_back(deployment_.add_agency(district_, "H42.10." + std::to_string(10 + i),
                                                 "Xã " + std::to_string(i), "commune"));
    office_ = std::make_unique<Office>(deployment_, *hub_, env_.get(), "/district");
    office_->now = store::midnight_of(kFirstDay + 500);
  }
  // Received at that agency on some day of the period; resolved a day later, or running.
  void receive(const AgencyId& intake, std::size_t count, std::size_t resolved, std::size_t online,
               int days) {
    for (std::size_t i = 0; i < count;) {
      store::Transaction transaction(office_->replica(), office_->now += 1000);
      for (std::size_t n = 0; n < kInACommit && i < count; ++n, ++i) {
        const UnixMillis received =
            store::midnight_of(kFirstDay + static_cast<int>(i) % (days - 1)) + kDay / 3;
        store::CreateDossier create;
        const auto put = [&create](Field field, FieldValue value) {
          create.open.push_back({static_cast<std::uint16_t>(field), std::move(value)});
        };
        put(Field::kCode, "KS-" + std::to_string(++numbered_));
        put(Field::kIntakeAgency, to_bytes(intake.view()));
        put(Field::kReceivedAt, received);
        put(Field::kDueAt, received + 400 * kDay);
        put(Field::kChannel, std::int64_t{i < online ? 2 : 1});
        if (i < resolved) put(Field::kFinishedAt, received + kDay);
        put(Field::kStatus,
            static_cast<std::int64_t>(i < resolved ? Status::kDone : Status::kProcessing));
        const auto done = store::apply_operation(transaction, create);
        ASSERT_TRUE(done.ok()) << done.error().message();
      }
      ASSERT_TRUE(transaction.commit().ok());
    }
  }
  store::Report report(int days, store::By by) {
    store::ReportWanted wanted;
    wanted.period = {kFirstDay, kFirstDay + days - 1};
    wanted.agency = district_;
    wanted.by = by;
    wanted.now = store::midnight_of(kFirstDay + 500);
    const store::Report out = store::Reporter(office_->replica(), wanted).run();
    EXPECT_TRUE(out.mistakes.empty());
    return out;
  }

  std::unique_ptr<rocksdb::Env> env_;
  TestDeployment deployment_;
  AgencyId province_, district_;
  TestNode* hub_ = nullptr;
  std::vector<AgencyId> communes_;
  std::unique_ptr<Office> office_;
  int numbered_ = 0;
};

TEST_F(Seeds, PhuNinhsFirstQuarter) {
  found(11);
  for (std::size_t i = 0; i < 11; ++i)
    receive(communes_[i], i == 0 ? 129 : 128, 100, i == 0 ? 30 : 0, 90);  // 129 + 10 · 128 = 1,409
  receive(district_, 1457, 1400, 415, 90);
  const store::Report by_agency = report(90, store::By::kAgency);
  EXPECT_EQ(by_agency.total.columns[3], 2866u);
  std::uint64_t of_communes = 0;
  for (const store::ReportRow& row : by_agency.rows)
    if (!row.direct) of_communes += row.figures.columns[3];
  EXPECT_EQ(of_communes, 1409u);
  ASSERT_TRUE(by_agency.rows.front().direct);
  EXPECT_EQ(by_agency.rows.front().figures.columns[3], 1457u);
  // 445 of 2,866 are 15.527 %: 15.5 cut and rounded.
  EXPECT_EQ(by_agency.total.online, (store::Ratio{445, 2866}));
  EXPECT_EQ(445 * 1000 / 2866, 155);
  EXPECT_EQ((445 * 2000 + 2866) / (2 * 2866), 155);
  EXPECT_EQ(report(90, store::By::kField).total, by_agency.total);
}

TEST_F(Seeds, KimSonsYear) {
  found(27);
  for (std::size_t i = 0; i < 27; ++i) {
    const std::size_t count = 78'406 / 27 + (i < 78'406 % 27 ? 1 : 0);
    receive(communes_[i], count, count * 9 / 10, 0, 365);
  }
  receive(district_, 2407, 2289, 0, 365);
  const store::Report year = report(365, store::By::kAgency);
  ASSERT_EQ(year.rows.size(), 28u);
  const store::Figures& own = year.rows.front().figures;
  EXPECT_EQ(own.columns[3], 2407u);
  EXPECT_EQ(own.columns[7], 2289u);
  EXPECT_EQ(own.columns[11], 118u);
  EXPECT_EQ(year.total.columns[3], 78'406u + 2407u);
  std::uint64_t of_communes = 0;
  for (const store::ReportRow& row : year.rows)
    if (!row.direct) of_communes += row.figures.columns[3];
  EXPECT_EQ(of_communes, 78'406u);
}

}  // namespace
}  // namespace lienthong::test
