// Codes of other systems, what the portal is told, and what `verify` lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/office/data_check.h"
#include "store/office/dossier_code.h"
#include "store/office/portal.h"
#include "store/office/projections.h"
#include "store/office/text.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using namespace store;

constexpr UnixMillis kFirstOfApril = 1'680'307'200'000;  // 2023-04-01T07:00:00+07:00
constexpr UnixMillis kOneDay = 24LL * 3600 * 1000;

// ---- codes ----

TEST(DossierCodes, AreReadAsDifferentSystemsWriteThem) {
  struct Sample {
    const char* text;
    const char* agency;
    const char* day;
    std::uint64_t number;
  };
  constexpr Sample kSamples[] = {
      {"000.00.12.H62-201105-0004", "000.00.12.H62", "2020-11-05", 4},
      {"000.17.22.H56-210531-0001", "000.17.22.H56", "2021-05-31", 1},
      {"H56.14-240823-0001", "H56.14", "2024-08-23", 1},
      {"G09.20-20260609-0092637", "G09.20", "2026-06-09", 92'637},
      {"h47.518.20374-230401-1007", "h47.518.20374", "2023-04-01", 1007},
  };
  for (const Sample& sample : kSamples) {
    const auto code = parse_dossier_code(sample.text);
    ASSERT_TRUE(code) << sample.text;
    EXPECT_EQ(code->agency, sample.agency);
    EXPECT_EQ(code->day, midnight_of(*parse_date(sample.day)));
    EXPECT_EQ(code->number, sample.number);
  }
}

TEST(DossierCodes, TellTheFormsOfOtherSystemsApart) {
  struct Sample {
    const char* text;
    CodeForm form;
    const char* agency;
    const char* ministry;
    std::uint64_t number;
  };
  constexpr Sample kSamples[] = {
      {"000.17.22.H56-210531-0001", CodeForm::kSpecificFirst, "000.17.22.H56", "", 1},
      {"H15.50.05.13-261008-0975", CodeForm::kGeneralFirst, "H15.50.05.13", "", 975},
      {"H17.001.02-260608-090123", CodeForm::kCentral, "H17.001.02", "09", 123},
      {"H17.001.02-260608-1800123", CodeForm::kCentral, "H17.001.02", "18", 123},
      {"H17.001.02-260124-090123", CodeForm::kGeneralFirst, "H17.001.02", "", 90'123},
      {"H17.001.02-260608-990123", CodeForm::kGeneralFirst, "H17.001.02", "", 990'123},
      {"G09.20-20260609-0092637", CodeForm::kGeneralFirst, "G09.20", "", 92'637},
      {"T.G12.001.02-260608-0007", CodeForm::kTreasury, "G12.001.02", "", 7},
  };
  for (const Sample& sample : kSamples) {
    const auto code = parse_dossier_code(sample.text, CodeOwner::kOther);
    ASSERT_TRUE(code) << sample.text;
    EXPECT_EQ(code->form, sample.form) << sample.text;
    EXPECT_EQ(code->agency, sample.agency);
    EXPECT_EQ(code->ministry, sample.ministry) << sample.text;
    EXPECT_EQ(code->number, sample.number);
  }
  // Six digits of a machine of ours whose four are used up.
  EXPECT_EQ(parse_dossier_code("H17.20392-260608-101000")->number, 101'000U);
  EXPECT_EQ(ministry_name("15"), "Bộ Tư pháp");
  EXPECT_EQ(ministry_name("99"), "");
}

TEST(DossierCodes, OfNoKnownFormAreNotGuessedAt) {
  for (const char* text :
       {"", "-", "A", "H47-230401", "H47-230431-0001", "H47-2304-0001", "-230401-0001",
        "H47-230401-", "H47-230401-00x1", "H47 1-230401-0001", "H47-230401-1234567890123"})
    EXPECT_FALSE(parse_dossier_code(text)) << text;
}

// ---- the portal ----

TEST(PortalTime, IsFourteenDigitsAtTheOffice) {
  EXPECT_EQ(portal_time(kFirstOfApril), "20230401070000");
  EXPECT_EQ(portal_time(kFirstOfApril + 9 * 3'600'000 + 5 * 60'000 + 7'999), "20230401160507");
}

// ---- offices ----

class Checks : public ::testing::Test {
 protected:
  Checks() : offices_(41) {}

  static void put(std::vector<FieldWrite>& writes, Field field, FieldValue value) {
    writes.push_back({static_cast<std::uint16_t>(field), std::move(value)});
  }
  Result<OperationResult> apply(const Operation& operation) {
    Transaction transaction(commune_.replica(), commune_.now += 1000);
    auto result = apply_operation(transaction, operation);
    if (result.ok()) LT_TRY_VOID(transaction.commit());
    return result;
  }
  Result<OperationResult> set(std::vector<FieldWrite> writes) {
    return apply(SetFields{.record = code_, .open = std::move(writes)});
  }
  static FieldWrite text(Field field, std::string value) {
    return {static_cast<std::uint16_t>(field), std::move(value)};
  }
  static FieldWrite status(Status value) {
    return {static_cast<std::uint16_t>(Field::kStatus), static_cast<std::int64_t>(value)};
  }
  Result<OperationResult> create(std::string_view code, std::vector<FieldWrite> open = {},
                                 std::vector<FieldWrite> closed = {}) {
    return apply(new_dossier(code, std::move(open), std::move(closed)));
  }
  DataReport report() {
    DataCheckOptions options;
    options.now = commune_.now;
    return check_data(commune_.replica(), options);
  }
  static std::uint64_t count(const DataReport& report, Finding finding) {
    return report.counts[static_cast<std::size_t>(finding)];
  }

  Offices offices_;
  Office& commune_ = *offices_.commune;
  std::string code_ = "H47.518.20374-230401-0007";
};

TEST_F(Checks, CodesOfOtherSystemsAreTakenAndFoundWhateverTheCase) {
  for (const char* code :
       {"000.00.12.H62-201105-0004", "H56.14-240823-0001", "G09.20-20260609-0092637"}) {
    ASSERT_TRUE(create(code).ok()) << code;
    std::string lower = code;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    EXPECT_EQ(commune_.replica().find_code(lower).size(), 1U) << lower;
    EXPECT_FALSE(create(lower).ok()) << "the same code in another case";
  }
}

// Whoever begins a record writes its code, and an offer brings it here whether we want it or not.
TEST_F(Checks, ACodePushedFromElsewhereHidesNoneOfOurs) {
  Office& other = *offices_.other;
  const auto push = [&](std::string_view code) {
    const RecordId pushed = other.create(code);
    EXPECT_TRUE(other.write(pushed, UpdateKind::kOffer, commune_.agency()).ok());
    settle({&other, offices_.district.get(), &commune_});
    return pushed;
  };
  ASSERT_TRUE(create(code_).ok());
  const RecordId own = commune_.replica().find_code(code_).at(0);
  const RecordId pushed = push(code_);
  ASSERT_EQ(commune_.replica().find_code(code_).size(), 2U);
  ASSERT_TRUE(apply_to(commune_, AddNote{.record = code_, .remark = {.note = "đã xem"}}).ok());
  EXPECT_EQ(commune_.state(own).timeline.size(), 2U);
  EXPECT_EQ(commune_.state(pushed).timeline.size(), 2U) << "nothing was done to the other";
  // The other one is still there to be named.
  EXPECT_TRUE(
      apply_to(commune_, AddNote{.record = pushed.hex(), .remark = {.note = "đã xem"}}).ok());
  // What is pushed before we give the code out does not keep us from it, nor uses our numbers up.
  const std::string later = "H47.518.20374-230401-0008";
  push(later);
  ASSERT_TRUE(create(later).ok());
  EXPECT_TRUE(apply_to(commune_, AddNote{.record = later, .remark = {.note = "đã xem"}}).ok());
  const auto numbered = apply_to(commune_, new_dossier(""));
  ASSERT_TRUE(numbered.ok());
  const std::string next = numbered->code.substr(0, numbered->code.size() - 1) +
                           static_cast<char>(numbered->code.back() + 1);
  push(next);
  EXPECT_EQ(apply_to(commune_, new_dossier(""))->code, next);
  // Two that are both others' are named by neither.
  const std::string third = "H47.518.20395-230401-0001";
  push(third);
  push(third);
  expect_refused(commune_, AddNote{.record = third, .remark = {.note = "đã xem"}}, Errc::kConflict,
                 {third});
}

TEST_F(Checks, MachinesOfOneAgencyNeverGiveANumberTwice) {
  std::vector<std::unique_ptr<rocksdb::Env>> disks;
  std::set<std::string> codes;
  SeededEntropy entropy(5);
  constexpr int kMachines = 4, kEach = 30;
  for (int machine = 0; machine < kMachines; ++machine) {
    disks.emplace_back(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    const TestNode& node = offices_.deployment.add_node(offices_.commune_id);
    Identity identity(node.key);
    identity.agency = node.agency;
    identity.certificate = node.certificate;
    identity.thousand = static_cast<std::uint8_t>(machine);
    Options options = office_options();
    options.path = "/machine";
    options.env = disks.back().get();
    options.entropy = &entropy;
    options.create = true;
    auto replica = Replica::open(options, identity, offices_.deployment.root());
    ASSERT_TRUE(replica.ok());
    ASSERT_TRUE((*replica)->bootstrap(offices_.deployment.statements()).ok());
    for (int i = 0; i < kEach; ++i) {
      Transaction transaction(**replica, kFirstOfApril + i * 1000);  // the same moments on all
      const auto made = apply_operation(transaction, CreateDossier{});
      ASSERT_TRUE(made.ok()) << made.error().message();
      ASSERT_TRUE(transaction.commit().ok());
      EXPECT_TRUE(codes.insert(made->code).second) << made->code;
    }
  }
  EXPECT_EQ(codes.size(), static_cast<std::size_t>(kMachines * kEach));
}

TEST_F(Checks, SyncStateFollowsWhatTheOfficeAboveHasConfirmed) {
  ASSERT_TRUE(create(code_).ok());
  const RecordId record = commune_.replica().find_code(code_).at(0);
  const auto state = [&](Office& office) {
    return to_string(SyncView(office.replica()).of(office.state(record)));
  };
  EXPECT_EQ(state(commune_), "only_here");
  send(commune_, *offices_.district);  // sealed and sent, but nothing came back
  EXPECT_EQ(state(commune_), "not_confirmed");
  const Cursor has = offices_.district->replica().cursor(FeedKind::kUpdates, commune_.node().id());
  commune_.commit([&](Transaction& transaction) {
    transaction.note_heard_cursor(FeedKind::kUpdates, offices_.district->node().id(), has);
  });
  EXPECT_EQ(state(commune_), "at_parent");
  ASSERT_TRUE(set({status(Status::kProcessing)}).ok());
  EXPECT_EQ(state(commune_), "only_here");
  settle({&commune_, offices_.district.get(), offices_.province.get()});
  EXPECT_EQ(state(*offices_.province), "no_parent");
}

// ---- verify ----

TEST_F(Checks, VerifyListsWhatIsUnknownAndDoubtful) {
  const auto integer = [](Field field, std::int64_t value) {
    return FieldWrite{static_cast<std::uint16_t>(field), value};
  };
  std::vector<FieldWrite> doubtful = {integer(Field::kReceivedAt, kFirstOfApril),
                                      integer(Field::kSubmittedAt, kFirstOfApril + kOneDay),
                                      integer(Field::kFinishedAt, kFirstOfApril + 400 * kOneDay),
                                      integer(Field::kDueAt, kFirstOfApril - kOneDay),
                                      text(Field::kProcedure, "9.999999"),
                                      status(Status::kDone)};
  put(doubtful, Field::kFees,
      wire::encode(
          std::vector<wire::Fee>{{"Lệ phí", 8000, "cash", 0, ""}, {"Phí", 1000, "none", 0, ""}}));
  std::vector<FieldWrite> closed;
  put(closed, Field::kComponents,
      wire::encode(std::vector<wire::Component>{{"Tờ khai", "digital", 1, "", 0, ""},
                                                {"Giấy chứng sinh", "digital", 1, "ab", 1, ""}}));
  // As another program may have written it: the operations of this one refuse such dates.
  put(doubtful, Field::kCode, "cu-so-7");
  put(doubtful, Field::kIntakeAgency, to_bytes(offices_.commune_id.view()));
  put(doubtful, Field::kDigitisedCount, std::int64_t{2});
  std::ranges::sort(doubtful, {}, &FieldWrite::field);
  commune_.commit([&](Transaction& transaction) {
    Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.writes = doubtful;
    draft.open.closed_fields = {static_cast<std::uint16_t>(Field::kComponents)};
    draft.closed = ClosedBody{};
    draft.closed->writes = closed;
    ASSERT_TRUE(transaction.write(draft).ok());
  });
  const DataReport found = report();
  EXPECT_EQ(found.checked, 1U);
  EXPECT_EQ(count(found, Finding::kProcedureUnknown), 1U);
  EXPECT_EQ(count(found, Finding::kNoProcedure), 0U);
  EXPECT_EQ(count(found, Finding::kNoDueDate), 0U);
  EXPECT_EQ(count(found, Finding::kNoApplicant), 1U);
  EXPECT_EQ(count(found, Finding::kDoneWithoutResult), 1U);
  EXPECT_EQ(count(found, Finding::kPaidWithoutReceipt), 1U);
  EXPECT_EQ(count(found, Finding::kPaidWithoutMoment), 1U);
  EXPECT_EQ(count(found, Finding::kScanWithoutDigest), 1U);
  EXPECT_EQ(count(found, Finding::kCodeUnreadable), 1U);
  EXPECT_EQ(count(found, Finding::kDatesOutOfOrder), 2U);
  EXPECT_EQ(count(found, Finding::kDateInFuture), 2U);
  for (const DataFinding& line : found.findings) {
    EXPECT_EQ(line.code, "cu-so-7");
    EXPECT_EQ(line.agency, offices_.commune_id);
    if (line.finding == Finding::kScanWithoutDigest) {
      EXPECT_EQ(line.detail, "Tờ khai");
    }
  }
}

TEST_F(Checks, VerifyIsSilentAboutAWholeDossier) {
  commune_.commit([](Transaction& transaction) {
    Draft draft;  // a version of the procedure, as the catalogue has it
    draft.open.kind = UpdateKind::kCreated;
    draft.open.record_kind = RecordKind::kProcedure;
    draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), std::string("1.001193")}};
    ASSERT_TRUE(transaction.write(draft).ok());
  });
  std::vector<FieldWrite> closed;
  put(closed, Field::kApplicantName, "Nguyễn Văn An");
  ASSERT_TRUE(
      create(code_,
             {text(Field::kProcedure, "1.001193"),
              {static_cast<std::uint16_t>(Field::kReceivedAt), std::int64_t{kFirstOfApril}},
              {static_cast<std::uint16_t>(Field::kDueAt), std::int64_t{kFirstOfApril + kOneDay}}},
             closed)
          .ok());
  const DataReport found = report();
  EXPECT_EQ(found.checked, 2U);
  for (const DataFinding& line : found.findings)
    ADD_FAILURE() << to_string(line.finding) << ' ' << line.detail;
  EXPECT_FALSE(found.clock_doubtful);
}

TEST_F(Checks, VerifyListsACodeThatTwoRecordsBear) {
  commune_.create(code_);
  offices_.other->create(code_);
  settle({&commune_, offices_.district.get(), offices_.other.get()});
  DataCheckOptions options;
  options.now = offices_.district->now;
  options.limit = 1;
  const DataReport found = check_data(offices_.district->replica(), options);
  EXPECT_EQ(count(found, Finding::kCodeTwice), 2U);
  EXPECT_EQ(std::ranges::count(found.findings, Finding::kCodeTwice, &DataFinding::finding), 1);
  options.agency = offices_.other_id;
  EXPECT_EQ(check_data(offices_.district->replica(), options).checked, 1U);
}

TEST_F(Checks, VerifyListsDocumentNumbersGivenTwiceInAYear) {
  const auto document = [this](std::string code, std::int64_t number, UnixMillis at) {
    commune_.commit([&](Transaction& transaction) {
      Draft draft;
      draft.open.kind = UpdateKind::kCreated;
      draft.open.record_kind = RecordKind::kDocument;
      draft.open.writes = {{static_cast<std::uint16_t>(Field::kCode), code},
                           {static_cast<std::uint16_t>(Field::kReceivedAt), std::int64_t{at}},
                           {static_cast<std::uint16_t>(Field::kDirection), std::string("in")},
                           {static_cast<std::uint16_t>(Field::kNumber), number}};
      ASSERT_TRUE(transaction.write(draft).ok());
    });
  };
  document("a", 1, kFirstOfApril);
  document("b", 2, kFirstOfApril);
  document("c", 1, kFirstOfApril - 200 * kOneDay);  // of the year before
  EXPECT_EQ(count(report(), Finding::kNumberTwice), 0U);
  document("d", 1, kFirstOfApril + kOneDay);
  EXPECT_EQ(count(report(), Finding::kNumberTwice), 1U);
}

TEST_F(Checks, VerifyDoubtsAClockThatIsBehindWhatWasShown) {
  ASSERT_TRUE(create(code_).ok());
  DataCheckOptions options;
  options.now = commune_.now - kOneDay;
  EXPECT_TRUE(check_data(commune_.replica(), options).clock_doubtful);
}

}  // namespace
}  // namespace lienthong::test
