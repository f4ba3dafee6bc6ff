// Office rows and reports: what is counted where, as of the end of a period, whoever says what
// when.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/codec.h"
#include "store/office/report.h"
#include "store/office/search_text.h"
#include "tests/support/field_writes.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::apply_operation;
using store::By;
using store::Column;
using store::CreateDossier;
using store::Figures;
using store::Operation;
using store::Report;
using store::Reporter;
using store::ReportWanted;

constexpr UnixMillis kHour = 3'600'000;
constexpr UnixMillis kDay = 24 * kHour;

// Days since 1970-01-01.
constexpr std::int64_t day(int year, int month, int date) {
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400, in_era = y - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1;
  return era * 146097LL + in_era * 365 + in_era / 4 - in_era / 100 + of_year - 719468;
}
// That hour at the office.
constexpr UnixMillis at(int year, int month, int date, int hour = 9) {
  return store::midnight_of(day(year, month, date)) + hour * kHour;
}

class Reports : public ::testing::Test {
 protected:
  Reports() : offices_(31) { district_.now = commune_.now = other_.now = at(2023, 6, 1); }

  void apply(Office& office, const Operation& operation) {
    store::Transaction transaction(office.replica(), office.now += 1000);
    const auto done = apply_operation(transaction, operation);
    ASSERT_TRUE(done.ok()) << done.error().message();
    ASSERT_TRUE(transaction.commit().ok());
  }
  // Received at that moment, due so many days later.
  std::string receive(Office& office, UnixMillis received, int days, std::int64_t channel = 1,
                      std::string_view field = "Hộ tịch") {
    std::string named = code(office);
    CreateDossier create = new_dossier(
        named,
        {write_of(Field::kReceivedAt, received), write_of(Field::kDueAt, received + days * kDay),
         write_of(Field::kFieldOfWork, std::string(field)),
         write_of(Field::kStatus, static_cast<std::int64_t>(Status::kAccepted))});
    if (channel != 0) create.open.push_back(write_of(Field::kChannel, channel));
    apply(office, create);
    return named;
  }
  std::string code(Office& office) {
    char number[8];
    std::snprintf(number, sizeof number, "%04d", ++numbered_);
    return office.replica().registry()->find_agency(office.agency())->code + "-230101-" + number;
  }
  void move(Office& office, const std::string& dossier, Status status, UnixMillis when,
            std::vector<FieldWrite> more = {}) {
    more.push_back(write_of(Field::kStatus, static_cast<std::int64_t>(status)));
    apply(office, store::SetFields{.record = dossier,
                                   .open = std::move(more),
                                   .event = store::Event{when, "", "", "", "Ghi chú"}});
  }
  void finish(Office& office, const std::string& dossier, UnixMillis when) {
    move(office, dossier, Status::kProcessing, when - kHour);
    move(office, dossier, Status::kDone, when);
  }

  ReportWanted quarter(const AgencyId& agency, By by = By::kField) const {
    ReportWanted wanted;
    wanted.period = {day(2023, 1, 1), day(2023, 3, 31)};
    wanted.agency = agency;
    wanted.by = by;
    wanted.now = at(2024, 1, 1);
    return wanted;
  }
  static Report run(Office& office, const ReportWanted& wanted) {
    const Report report = Reporter(office.replica(), wanted).run();
    EXPECT_TRUE(report.mistakes.empty()) << report.mistakes.front();
    return report;
  }
  Report of_commune() { return run(commune_, quarter(commune_.agency())); }
  static std::vector<std::uint64_t> columns(const Figures& figures) {
    return {figures.columns.begin() + 3, figures.columns.end()};
  }
  using Columns = std::vector<std::uint64_t>;

  Offices offices_;
  Office& province_ = *offices_.province;
  Office& district_ = *offices_.district;
  Office& commune_ = *offices_.commune;
  Office& other_ = *offices_.other;
  int numbered_ = 0;
};

TEST_F(Reports, CountsEachDossierOnceOnEitherSide) {
  receive(commune_, at(2023, 1, 10), 400, 2);                                        // running
  finish(commune_, receive(commune_, at(2023, 1, 10), 10), at(2023, 1, 15));         // early
  finish(commune_, receive(commune_, at(2023, 1, 10), 10, 3), at(2023, 1, 20, 17));  // on the day
  finish(commune_, receive(commune_, at(2023, 1, 10), 10), at(2023, 1, 21, 0));      // a day late
  receive(commune_, at(2023, 1, 10), 10);                                      // running, late
  finish(commune_, receive(commune_, at(2022, 12, 20), 20), at(2023, 1, 3));   // carried over
  finish(commune_, receive(commune_, at(2022, 12, 20), 5), at(2022, 12, 31));  // of last year
  receive(commune_, at(2023, 4, 1, 0), 10);  // of the next quarter
  const Report report = of_commune();
  EXPECT_EQ(columns(report.total), (Columns{6, 1, 4, 1, 4, 2, 1, 1, 2, 1, 1}));
  EXPECT_EQ(report.total.late_no_apology, 1u);
  EXPECT_EQ(report.total.open_late_no_apology, 1u);
  EXPECT_EQ(report.total.online, (store::Ratio{1, 5}));
}

TEST_F(Reports, DaysAreThoseOfTheOffice) {
  receive(commune_, at(2023, 1, 1, 0), 5);       // 31 December in Greenwich
  receive(commune_, at(2023, 3, 31, 23), 5);     // the last evening
  receive(commune_, at(2022, 12, 31, 23), 100);  // carried over
  EXPECT_EQ(columns(of_commune().total), (Columns{3, 0, 2, 1, 0, 0, 0, 0, 3, 2, 1}));
}

TEST_F(Reports, IsAsOfTheEndOfItsPeriod) {
  const std::string open = receive(commune_, at(2023, 3, 20), 20);
  const std::string late = receive(commune_, at(2023, 3, 1), 10);
  const auto before = of_commune();
  EXPECT_EQ(columns(before.total), (Columns{2, 0, 2, 0, 0, 0, 0, 0, 2, 1, 1}));
  // What happens after the end changes nothing of it.
  finish(commune_, open, at(2023, 4, 2));
  move(commune_, late, Status::kProcessing, at(2023, 4, 3),
       {write_of(Field::kDueAt, at(2023, 12, 31)),
        write_of(Field::kFieldOfWork, std::string("Đất đai")),
        write_of(Field::kChannel, std::int64_t{2})});
  const auto after = of_commune();
  EXPECT_EQ(after.total, before.total);
  ASSERT_EQ(after.rows.size(), 1u);
  EXPECT_EQ(after.rows[0].key, "Hộ tịch");
  // The next quarter carries both over and sees what happened in it.
  ReportWanted next = quarter(commune_.agency());
  next.period = {day(2023, 4, 1), day(2023, 6, 30)};
  EXPECT_EQ(columns(run(commune_, next).total), (Columns{2, 0, 0, 2, 1, 1, 0, 0, 1, 1, 0}));
}

TEST_F(Reports, CountsWhatHappenedInThePeriodAndArrivedLater) {
  const std::string known = receive(commune_, at(2023, 3, 1), 10);
  const Report before = of_commune();
  commune_.now = at(2023, 7, 1);
  receive(commune_, at(2023, 3, 30), 60, 2);
  finish(commune_, known, at(2023, 3, 8));
  const Report after = of_commune();
  EXPECT_EQ(columns(before.total), (Columns{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(columns(after.total), (Columns{2, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0}));
  // And says which dossiers made the difference, who wrote them and when.
  Reporter again(commune_.replica(), quarter(commune_.agency()));
  const auto differences = again.differences(before.change);
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0].code, known);
  EXPECT_EQ(differences[0].before->outcome, Column::kOpenLate);
  EXPECT_EQ(differences[0].after->outcome, Column::kEarly);
  EXPECT_FALSE(differences[1].before.has_value());
  EXPECT_EQ(differences[1].after->received, Column::kOnline);
  EXPECT_EQ(differences[1].cause->agency, commune_.agency());
  EXPECT_TRUE(
      Reporter(commune_.replica(), quarter(commune_.agency())).differences(after.change).empty());
}

TEST_F(Reports, FollowsTheFootnotes) {
  const UnixMillis received = at(2023, 1, 10);
  std::vector<FieldWrite> online = {write_of(Field::kChannel, std::int64_t{2}),
                                    write_of(Field::kSubmittedAt, received)};
  apply(commune_, new_dossier(code(commune_), online));  // only registered: not in the report
  online.push_back(write_of(Field::kStatus, static_cast<std::int64_t>(Status::kRefused)));
  apply(commune_, new_dossier(code(commune_), online));  // refused at the desk: neither
  EXPECT_EQ(of_commune().total.columns[3], 0u);
  // Withdrawn long after its date: column 9.
  move(commune_, receive(commune_, received, 5), Status::kWithdrawn, at(2023, 3, 1));
  // Refused after reception: resolved, by its date.
  const std::string appraised = receive(commune_, received, 5);
  move(commune_, appraised, Status::kProcessing, received + kHour);
  move(commune_, appraised, Status::kRefused, received + 2 * kHour);
  // Waiting for papers, for payment, or stopped, over its date: column 12.
  for (const Status waiting : {Status::kSupplement, Status::kPayment, Status::kStopped}) {
    const std::string one = receive(commune_, received, 5);
    move(commune_, one, Status::kProcessing, received + kHour);
    move(commune_, one, waiting, received + 2 * kHour);
  }
  const Report report = of_commune();
  EXPECT_EQ(columns(report.total), (Columns{5, 0, 5, 0, 2, 1, 1, 0, 3, 3, 0}));
  EXPECT_EQ(report.total.withdrawn, 1u);
  EXPECT_EQ(report.total.paused, 3u);
}

TEST_F(Reports, NeverGuessesWhatIsUnknown) {
  apply(commune_, new_dossier(code(commune_), {write_of(Field::kReceivedAt, at(2023, 2, 1))}));
  const Report report = of_commune();
  EXPECT_EQ(columns(report.total), (Columns{1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0}));
  EXPECT_EQ(report.total.no_channel, 1u);
  EXPECT_EQ(report.total.no_due, 1u);
  EXPECT_EQ(report.rows.at(0).key, "");
}

TEST_F(Reports, TheFirstEndCountsWhenACorrectionOpensItAgain) {
  const std::string one = receive(commune_, at(2023, 1, 10), 10);
  finish(commune_, one, at(2023, 1, 12));
  move(commune_, one, Status::kProcessing, at(2023, 2, 1));
  EXPECT_EQ(columns(of_commune().total), (Columns{1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0}));
  move(commune_, one, Status::kDone, at(2023, 3, 1));
  EXPECT_EQ(columns(of_commune().total), (Columns{1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0}));
}

TEST_F(Reports, ADueDateSetAfterTheEndDoesNotMakeItTimely) {
  const std::string one = receive(commune_, at(2023, 1, 10), 10);
  finish(commune_, one, at(2023, 2, 1));
  apply(commune_, store::SetFields{.record = one,
                                   .open = {write_of(Field::kDueAt, at(2023, 12, 1))},
                                   .event = store::Event{at(2023, 3, 1), "", "", "reset", ""}});
  EXPECT_EQ(of_commune().total.columns[10], 1u);
}

TEST_F(Reports, SplitsTheLateByWhetherAnApologyWasMade) {
  const auto apologise = [&](const std::string& dossier, UnixMillis when, UnixMillis due) {
    apply(commune_,
          store::Apologise{
              .record = dossier, .due_at = due, .remark = {.at = when, .note = "Chờ xác minh"}});
  };
  const std::string kept = receive(commune_, at(2023, 1, 10), 10);
  apologise(kept, at(2023, 1, 18), at(2023, 1, 30));
  finish(commune_, kept, at(2023, 1, 30));
  const std::string broken = receive(commune_, at(2023, 1, 10), 10);
  apologise(broken, at(2023, 1, 18), at(2023, 1, 30));
  finish(commune_, broken, at(2023, 2, 5));
  const std::string running = receive(commune_, at(2023, 1, 10), 10);
  apologise(running, at(2023, 1, 18), at(2023, 1, 30));
  finish(commune_, receive(commune_, at(2023, 1, 10), 10), at(2023, 2, 5));
  const Figures total = of_commune().total;
  EXPECT_EQ(columns(total), (Columns{4, 0, 4, 0, 3, 0, 1, 2, 1, 0, 1}));
  EXPECT_EQ(total.reappointed_kept, 1u);
  EXPECT_EQ(total.late_apology, 1u);
  EXPECT_EQ(total.late_no_apology, 1u);
  EXPECT_EQ(total.open_late_apology, 1u);
}

TEST_F(Reports, ADossierThatBringsItsPastIsCountedWhenItHappened) {
  commune_.now = at(2023, 9, 1);
  apply(commune_,
        new_dossier(
            code(commune_),
            {write_of(Field::kReceivedAt, at(2023, 3, 1)), write_of(Field::kDueAt, at(2023, 4, 20)),
             write_of(Field::kFinishedAt, at(2023, 4, 10)),
             write_of(Field::kReturnedAt, at(2023, 4, 12)),
             write_of(Field::kStatus, static_cast<std::int64_t>(Status::kReturned))}));
  EXPECT_EQ(columns(of_commune().total), (Columns{1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0}));
  ReportWanted next = quarter(commune_.agency());
  next.period = {day(2023, 4, 1), day(2023, 6, 30)};
  EXPECT_EQ(columns(run(commune_, next).total), (Columns{1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0}));
}

TEST_F(Reports, RollsUpFromCommuneToProvince) {
  receive(commune_, at(2023, 1, 10), 400);
  const std::string handed = receive(commune_, at(2023, 1, 11), 400, 2);
  receive(other_, at(2023, 1, 12), 400);
  receive(district_, at(2023, 1, 13), 5);
  apply(commune_, store::Offer{.record = handed, .to = district_.agency()});
  settle({&commune_, &district_, &province_});
  settle({&other_, &district_, &province_});
  apply(district_, store::Accept{.record = handed});
  settle({&commune_, &district_, &province_});
  const Report top = run(province_, quarter(province_.agency(), By::kAgency));
  EXPECT_EQ(columns(top.total), (Columns{4, 1, 3, 0, 0, 0, 0, 0, 4, 3, 1}));
  ASSERT_EQ(top.rows.size(), 2u);
  EXPECT_TRUE(top.rows[0].direct);
  EXPECT_EQ(top.rows[0].figures.columns[3], 0u);
  EXPECT_EQ(top.rows[1].key, "H47.518");
  EXPECT_EQ(top.rows[1].figures, top.total);
  ReportWanted deep = quarter(province_.agency(), By::kAgency);
  deep.depth = 2;
  const Report both = run(province_, deep);
  std::vector<std::pair<std::string, std::uint64_t>> rows;
  for (const auto& row : both.rows)
    rows.emplace_back((row.direct ? "direct " : "") + row.key, row.figures.columns[3]);
  EXPECT_EQ(rows, (decltype(rows){{"direct H47", 0},
                                  {"H47.518", 4},
                                  {"direct H47.518", 1},
                                  {"H47.518.20374", 2},  // what was handed on stays with it
                                  {"H47.518.20395", 1}}));
  // The district computes the same for itself as the province for it.
  const Report mine = run(district_, quarter(district_.agency()));
  ReportWanted theirs = quarter(district_.agency());
  theirs.threads = 2;
  EXPECT_EQ(mine.total, run(province_, theirs).total);
  ReportWanted own = quarter(district_.agency());
  own.own_only = true;
  EXPECT_EQ(columns(run(province_, own).total), (Columns{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1}));
}

TEST_F(Reports, DrillsDownToTheDossiersBehindACell) {
  const std::string late = receive(commune_, at(2023, 1, 10), 10);
  receive(commune_, at(2023, 1, 10), 400);
  const std::string land = receive(commune_, at(2023, 1, 10), 10, 1, "Đất đai");
  const auto drill = [&](By by, std::optional<std::string> row, unsigned column) {
    std::vector<std::string> codes;
    Reporter reporter(commune_.replica(), quarter(commune_.agency(), by));
    reporter.drill(row, false, column, [&](const store::ReportDossier& found) {
      codes.push_back(found.code);
      return true;
    });
    return codes;
  };
  EXPECT_EQ(drill(By::kField, "Hộ tịch", 13), std::vector{late});
  EXPECT_EQ(drill(By::kField, "Đất đai", 3), std::vector{land});
  EXPECT_EQ(drill(By::kAgency, "H47.518.20374", 13), (std::vector{late, land}));
  EXPECT_EQ(drill(By::kAgency, std::nullopt, 11).size(), 3u);
  EXPECT_TRUE(drill(By::kField, "Chứng thực", 3).empty());
}

TEST_F(Reports, RatiosAreFractions) {
  const auto digitised = [&](std::int64_t components, std::int64_t copies, bool result) {
    const std::string one = receive(commune_, at(2023, 1, 10), 10);
    std::vector<FieldWrite> more = {write_of(Field::kComponentCount, components),
                                    write_of(Field::kDigitisedCount, copies)};
    if (result) more.push_back(write_of(Field::kResultDigitised, std::int64_t{1}));
    move(commune_, one, Status::kProcessing, at(2023, 1, 11), more);
    move(commune_, one, Status::kDone, at(2023, 1, 12));
  };
  digitised(2, 2, true);
  digitised(2, 1, true);   // not all components
  digitised(2, 2, false);  // not the result
  digitised(0, 0, true);   // of no component nothing is known
  const auto pays = [&](const std::string& paid, std::int64_t amount) {
    const std::string one = receive(commune_, at(2023, 2, 10), 90);
    const std::vector<wire::Fee> fees = {{"Lệ phí", amount, paid, 0, ""}};
    move(commune_, one, Status::kProcessing, at(2023, 2, 11),
         {write_of(Field::kFees, wire::encode(fees))});
  };
  pays("online", 8000);
  pays("cash", 8000);
  pays("none", 8000);
  pays("none", 0);  // nothing to pay
  const Figures total = of_commune().total;
  EXPECT_EQ(total.digitisation, (store::Ratio{1, 4}));
  EXPECT_EQ(total.payment, (store::Ratio{1, 3}));
}

TEST_F(Reports, RowsSurviveARestartAndAreVerified) {
  finish(commune_, receive(commune_, at(2023, 1, 10), 10), at(2023, 1, 12));
  const Report before = of_commune();
  commune_.restart();
  EXPECT_TRUE(commune_.replica().verify_states().empty());
  finish(commune_, receive(commune_, at(2023, 1, 10), 10), at(2023, 1, 12));
  const Report after = of_commune();
  EXPECT_EQ(after.rows.size(), 1u);
  EXPECT_EQ(after.total.columns[8], 2 * before.total.columns[8]);
  EXPECT_TRUE(commune_.replica().verify_states().empty());
}

TEST_F(Reports, ARolledBackOperationLeavesNoRowAndNoName) {
  {
    store::Transaction transaction(commune_.replica(), commune_.now += 1000);
    transaction.savepoint();
    const auto create = [&](std::string_view field) {
      return apply_operation(
                 transaction,
                 new_dossier(code(commune_), {write_of(Field::kReceivedAt, at(2023, 2, 1)),
                                              write_of(Field::kFieldOfWork, std::string(field))}))
          .ok();
    };
    ASSERT_TRUE(create("Không còn"));
    transaction.savepoint();
    ASSERT_TRUE(create("Bị hủy"));
    transaction.rollback();
    ASSERT_TRUE(create("Còn lại"));
    ASSERT_TRUE(transaction.commit().ok());
  }
  const Report report = of_commune();
  ASSERT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(report.rows[0].key, "Còn lại");
  EXPECT_EQ(report.rows[1].key, "Không còn");
  const store::OfficeReader reader(commune_.replica());
  EXPECT_EQ(reader.names().find(store::NameKind::kText, "Bị hủy"), 0u);
  commune_.restart();
  EXPECT_TRUE(commune_.replica().verify_states().empty());
  EXPECT_EQ(of_commune().total, report.total);
}

TEST_F(Reports, AReportOfARunningPeriodIsAsOfNow) {
  receive(commune_, at(2023, 1, 10), 5);
  ReportWanted wanted = quarter(commune_.agency());
  wanted.now = at(2023, 1, 12);
  EXPECT_EQ(run(commune_, wanted).total.columns[12], 1u);
  wanted.now = at(2023, 1, 16);
  EXPECT_EQ(run(commune_, wanted).total.columns[13], 1u);
}

TEST_F(Reports, TextIsFoundInSearchFormUntilItIsErased) {
  const RecordId record = commune_.create("H47.518.20374-230401-0009");
  const auto texts = [&] {
    std::string all;
    const store::OfficeReader reader(commune_.replica());
    const auto snapshot = reader.snapshot();
    reader.scan_search(snapshot, 1, snapshot.last_record,
                       [&](std::uint32_t, std::string_view text) {
                         all += text;
                         return true;
                       });
    return all;
  };
  EXPECT_EQ(texts(), "h47.518.20374-230401-0009\nnguyen thi lanh\n\n\n   ");
  const auto erased = commune_.write(record, UpdateKind::kErase);
  ASSERT_TRUE(erased.ok()) << erased.error().message();
  EXPECT_EQ(texts(), "h47.518.20374-230401-0009\n\n\n\n   ");
  EXPECT_TRUE(commune_.replica().verify_states().empty());
}

TEST(OfficeRows, SearchFormIsTheSameByTableAndByUtf8proc) {
  EXPECT_EQ(store::search_form("Đặng Thị Ánh – ĐƯỜNG số 5"), "dang thi anh – duong so 5");
  EXPECT_EQ(store::search_form("Nguye\xcc\x82\xcc\x83n"), "nguyen");  // marks of their own
  EXPECT_EQ(store::search_form("Straße"), "strasse");
  EXPECT_EQ(store::search_form("\xc3"), "");  // not UTF-8
  EXPECT_EQ(store::search_form("A\xe1\xba"), "");
}

TEST(OfficeRows, AWrongRowIsRefusedWhenItIsRead) {
  EXPECT_THROW(store::view_office_row(""), std::runtime_error);
  EXPECT_THROW(store::view_office_row("\x02"), std::runtime_error);
  EXPECT_THROW(store::view_office_row(std::string_view("\x01\x01\x00\x00\x00\x00\x09", 7)),
               std::runtime_error);
  store::RowView row;
  const std::string cut("\x00\x01", 2);
  row.moments = cut;
  EXPECT_THROW(store::facts_at(row, store::kEver), std::runtime_error);
}

}  // namespace
}  // namespace lienthong::test
