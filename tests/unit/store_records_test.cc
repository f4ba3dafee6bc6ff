// Feedback and documents: what may be written, the clocks of feedback, numbers and receipts of
// documents.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/registers.h"
#include "store/desk/operations.h"
#include "store/office/document.h"
#include "store/office/dossier.h"
#include "store/office/feedback.h"
#include "tests/support/field_writes.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::Accept;
using store::apply_operation;
using store::CreateDocument;
using store::CreateFeedback;
using store::Decline;
using store::Operation;
using store::OperationResult;
using store::SendDocument;
using store::SetFields;
using store::Transaction;

constexpr UnixMillis kHour = 3'600'000;
constexpr UnixMillis kDay = 24 * kHour;

class Records : public ::testing::Test {
 protected:
  Records() : offices_(41) {}

  static Result<OperationResult> apply(Office& office, const Operation& operation) {
    return apply_to(office, operation);
  }
  static OperationResult must(Office& office, const Operation& operation) {
    auto result = apply(office, operation);
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() ? *result : OperationResult{};
  }
  static CreateFeedback feedback() {
    return {.open = {text_write(Field::kTopic, "behaviour"), text_write(Field::kSource, "1022")},
            .closed = {text_write(Field::kTitle, "Trả hồ sơ chậm")}};
  }
  static CreateDocument document(std::string_view direction) {
    return {.open = {text_write(Field::kDirection, direction)},
            .closed = {text_write(Field::kTitle, "Về việc rà soát thủ tục hành chính")}};
  }
  static SetFields change(std::string code, std::vector<FieldWrite> open,
                          std::vector<FieldWrite> closed = {}) {
    return {.record = std::move(code), .open = std::move(open), .closed = std::move(closed)};
  }
  static void refuses(Office& office, const Operation& operation, Errc code,
                      std::initializer_list<std::string_view> words) {
    expect_refused(office, operation, code, words);
  }
  static std::int64_t number_in(const RecordState& state, Field field) {
    return open_integer(state, field).value_or(0);
  }

  Offices offices_;
  Office& province_ = *offices_.province;
  Office& district_ = *offices_.district;
  Office& commune_ = *offices_.commune;
  Office& other_ = *offices_.other;
};

// ---- feedback ----

TEST_F(Records, FeedbackIsAnsweredAndPublishedWithItsMoments) {
  const auto made = must(commune_, feedback());
  EXPECT_TRUE(made.code.starts_with("H47.518.20374-")) << made.code;
  EXPECT_EQ(number_in(commune_.state(made.record), Field::kStatus),
            static_cast<std::int64_t>(Status::kRegistered));
  EXPECT_NE(number_in(commune_.state(made.record), Field::kReceivedAt), 0);
  must(commune_, change(made.code, {status_write(Status::kAccepted)}));
  must(commune_, change(made.code, {status_write(Status::kProcessing)}));
  refuses(commune_, change(made.code, {status_write(Status::kDone)}), Errc::kInvalidArgument,
          {"answer"});
  refuses(commune_, change(made.code, {status_write(Status::kReturned)}), Errc::kNotAllowed,
          {"processing", "returned"});
  must(commune_, change(made.code, {status_write(Status::kDone)},
                        {text_write(Field::kAnswer, "Đã chấn chỉnh")}));
  EXPECT_NE(number_in(commune_.state(made.record), Field::kAnsweredAt), 0);
  must(commune_, change(made.code, {status_write(Status::kReturned)}));
  EXPECT_GT(number_in(commune_.state(made.record), Field::kPublishedAt),
            number_in(commune_.state(made.record), Field::kAnsweredAt));
}

TEST_F(Records, FeedbackOfABadFormIsRefusedWithItsReason) {
  CreateFeedback no_text = feedback();
  no_text.closed.clear();
  refuses(commune_, no_text, Errc::kInvalidArgument, {"title"});
  CreateFeedback source = feedback();
  source.open = {text_write(Field::kSource, "telepathy")};
  refuses(commune_, source, Errc::kInvalidArgument, {"source", "1022, zalo"});
  CreateFeedback topic = feedback();
  topic.open = {text_write(Field::kTopic, "weather")};
  refuses(commune_, topic, Errc::kInvalidArgument, {"regulation, behaviour"});
  CreateFeedback future = feedback();
  future.open.push_back(write_of(Field::kReceivedAt, commune_.now + 3 * kDay));
  refuses(commune_, future, Errc::kInvalidArgument, {"future"});
  CreateFeedback due = feedback();
  due.open.push_back(write_of(Field::kDueAt, commune_.now - 3 * kDay));
  refuses(commune_, due, Errc::kInvalidArgument, {"due_at", "before received_at"});
  CreateFeedback about = feedback();  // kept as it is: nobody guesses which dossier was meant
  about.open.push_back(text_write(Field::kAboutDossier, "H47-000000-9999"));
  const auto made = must(commune_, about);
  refuses(commune_, change(made.code, {status_write(Status::kPayment)}), Errc::kNotAllowed,
          {"costs nothing"});
  refuses(commune_, change(made.code, {write_of(Field::kSatisfaction, std::int64_t{9})}),
          Errc::kInvalidArgument, {"1 to 5"});
  refuses(commune_, change(made.code, {text_write(Field::kDuty, "x")}), Errc::kInvalidArgument,
          {"no field \"duty\""});
  refuses(commune_, change(made.code, {write_of(Field::kAnsweredAt, std::int64_t{1})}),
          Errc::kInvalidArgument, {"answered_at", "before received_at"});
}

UnixMillis in_days(UnixMillis from, int days) { return from + days * kDay; }

store::FeedbackFacts facts_of(UnixMillis received,
                              std::vector<std::pair<UnixMillis, Status>> statuses) {
  store::FeedbackFacts out;
  out.received_at = received;
  for (const auto& [at, status] : statuses) {
    out.statuses.push_back({at, status});
    if (status == Status::kDone) out.answered_at = at;
    if (status == Status::kReturned) out.published_at = at;
  }
  return out;
}

constexpr UnixMillis kStart = 1'680'307'200'000 + 2 * kHour;  // 2023-04-01T09:00+07:00

std::string clocks_text(const store::FeedbackFacts& facts, UnixMillis now) {
  std::string out;
  for (const auto& clock : store::feedback_clocks(facts, {}, in_days, now))
    out += (out.empty() ? "" : " ") + std::string(clock.name) + "=" +
           std::string(to_string(clock.state));
  return out;
}

TEST(Feedback, ClocksRunUntilTheirDayIsOver) {
  const auto fresh = facts_of(kStart, {{kStart, Status::kRegistered}});
  EXPECT_EQ(clocks_text(fresh, kStart + 2 * kDay), "refuse=running handle=running");
  EXPECT_EQ(clocks_text(fresh, kStart + 3 * kDay), "refuse=overdue handle=running");
  EXPECT_EQ(clocks_text(fresh, kStart + 16 * kDay), "refuse=overdue handle=overdue");
  const auto asked = facts_of(kStart, {{kStart, Status::kRegistered},
                                       {kStart + kDay, Status::kAccepted},
                                       {kStart + 2 * kDay, Status::kProcessing},
                                       {kStart + 6 * kDay, Status::kSupplement}});
  EXPECT_EQ(clocks_text(asked, kStart + 7 * kDay), "refuse=met supplement=late handle=running");
  EXPECT_EQ(clocks_text(asked, kStart + 5 * kDay), "refuse=met handle=running")
      << "what happened later does not count";
  const auto answered = facts_of(kStart, {{kStart, Status::kRegistered},
                                          {kStart + kDay, Status::kAccepted},
                                          {kStart + 15 * kDay, Status::kDone}});
  EXPECT_EQ(clocks_text(answered, kStart + 17 * kDay), "refuse=met handle=met publish=running");
  EXPECT_EQ(clocks_text(answered, kStart + 18 * kDay), "refuse=met handle=met publish=overdue");
}

TEST(Feedback, ADateTheOfficeWroteStandsForTheRule) {
  auto facts = facts_of(kStart, {{kStart, Status::kAccepted}});
  facts.due_at = kStart + 3 * kDay;
  const auto clocks = store::feedback_clocks(facts, {}, in_days, kStart + 4 * kDay);
  EXPECT_EQ(clocks.back().name, "handle");
  EXPECT_EQ(clocks.back().days, 0);
  EXPECT_EQ(clocks.back().state, store::ClockState::kOverdue);
}

TEST(Feedback, CountsOfAPeriodAddUpAndAreAsOfItsEnd) {
  const UnixMillis from = kStart, to = kStart + 30 * kDay;
  store::FeedbackCounts counts;
  const auto add = [&](const store::FeedbackFacts& facts) {
    return store::count_feedback(facts, {}, in_days, from, to, counts);
  };
  const UnixMillis before = from - 5 * kDay;
  EXPECT_TRUE(add(facts_of(before, {{before, Status::kAccepted}})));         // carried, overdue
  EXPECT_FALSE(add(facts_of(before, {{before + kDay, Status::kRefused}})));  // ended before
  EXPECT_FALSE(add(facts_of(to, {{to, Status::kAccepted}})));                // after
  EXPECT_TRUE(add(facts_of(from, {{from + 3 * kDay, Status::kDone}})));      // in time
  EXPECT_TRUE(add(facts_of(from, {{from + 20 * kDay, Status::kDone},
                                  {from + 21 * kDay, Status::kReturned}})));  // late, published
  EXPECT_TRUE(add(facts_of(from, {{from + kDay, Status::kRefused}})));
  EXPECT_TRUE(add(facts_of(from, {{from + kDay, Status::kWithdrawn}})));
  EXPECT_TRUE(add(facts_of(to - kDay, {{to + kDay, Status::kDone}})));  // open at the end
  EXPECT_EQ(counts.carried, 1);
  EXPECT_EQ(counts.received, 5);
  EXPECT_EQ(counts.on_time, 1);
  EXPECT_EQ(counts.late, 1);
  EXPECT_EQ(counts.refused, 1);
  EXPECT_EQ(counts.ended, 1);
  EXPECT_EQ(counts.open_overdue, 1);
  EXPECT_EQ(counts.open_in_time, 1);
  EXPECT_EQ(counts.published_in_time, 1);
  EXPECT_EQ(counts.not_published, 1);
  EXPECT_EQ(counts.carried + counts.received, counts.on_time + counts.late + counts.refused +
                                                  counts.ended + counts.open_in_time +
                                                  counts.open_overdue);
}

// ---- documents ----

TEST_F(Records, DocumentsAreNumberedFromOneInEachRegisterAndYear) {
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0001");
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0002");
  EXPECT_EQ(must(commune_, document("out")).code, "H47.518.20374-DI-2023-0001");
  CreateDocument decisions = document("out");
  decisions.open.push_back(text_write(Field::kRegisterBook, "QD"));
  EXPECT_EQ(must(commune_, decisions).code, "H47.518.20374-DI.QD-2023-0001");
  CreateDocument last_year = document("in");
  last_year.open.push_back(write_of(Field::kReceivedAt, commune_.now - 200 * kDay));
  EXPECT_EQ(must(commune_, last_year).code, "H47.518.20374-DEN-2022-0001");
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0003");
}

TEST_F(Records, ANumberIsGivenOnceAndRefusedTwice) {
  CreateDocument seventh = document("in");
  seventh.open.push_back(write_of(Field::kNumber, std::int64_t{7}));
  must(commune_, seventh);
  refuses(commune_, seventh, Errc::kConflict, {"number 7", "2023", "DEN-2023-0007"});
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0008");
  CreateDocument fifth = document("in");  // entered late, into a gap
  fifth.open.push_back(write_of(Field::kNumber, std::int64_t{5}));
  must(commune_, fifth);
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0009");
}

TEST_F(Records, ARefusedDocumentLeavesNoGap) {
  must(commune_, document("in"));
  {
    Transaction transaction(commune_.replica(), commune_.now += 1000);
    transaction.savepoint();
    ASSERT_TRUE(apply_operation(transaction, document("in")).ok());
    transaction.rollback();
    ASSERT_TRUE(transaction.commit().ok());
  }
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0002");
}

// Two machines of one office without a link give out one number twice: both documents stay, under
// one code, for people to see; once they have met, neither gives out a number of the other.
TEST_F(Records, MachinesApartMayGiveOneNumberTwiceAndItShows) {
  Office& second = offices_.add(offices_.commune_id, "/second");
  send(second, district_);
  settle({&commune_, &district_, &second});
  const auto here = must(commune_, document("in"));
  const auto there = must(second, document("in"));
  EXPECT_EQ(here.code, there.code);
  settle({&commune_, &district_, &second});
  EXPECT_EQ(commune_.replica().find_code(here.code).size(), 2U);
  EXPECT_EQ(must(commune_, document("in")).code, "H47.518.20374-DEN-2023-0002");
  settle({&commune_, &district_, &second});
  EXPECT_EQ(must(second, document("in")).code, "H47.518.20374-DEN-2023-0003");
}

TEST_F(Records, DocumentsOfABadFormAreRefusedWithTheirReason) {
  refuses(commune_, document("sideways"), Errc::kInvalidArgument, {"in or out"});
  CreateDocument untitled = document("in");
  untitled.closed.clear();
  refuses(commune_, untitled, Errc::kInvalidArgument, {"title"});
  CreateDocument named = document("in");
  named.open.push_back(text_write(Field::kCode, "mine"));
  refuses(commune_, named, Errc::kInvalidArgument, {"number of its register"});
  CreateDocument book = document("in");
  book.open.push_back(text_write(Field::kRegisterBook, "sổ đến"));
  refuses(commune_, book, Errc::kInvalidArgument, {"register"});
  CreateDocument number = document("in");
  number.open.push_back(write_of(Field::kNumber, std::int64_t{0}));
  refuses(commune_, number, Errc::kInvalidArgument, {"1 to"});
  CreateDocument dates = document("in");
  dates.open.push_back(write_of(Field::kReceivedAt, commune_.now - 10 * kDay));
  dates.open.push_back(write_of(Field::kSignedAt, commune_.now - kDay));
  refuses(commune_, dates, Errc::kInvalidArgument, {"received_at", "before signed_at"});
  const auto made = must(commune_, document("out"));
  refuses(commune_, change(made.code, {write_of(Field::kNumber, std::int64_t{9})}),
          Errc::kNotAllowed, {"does not change"});
  refuses(commune_, change(made.code, {write_of(Field::kReceipt, std::int64_t{5})}),
          Errc::kNotAllowed, {"went out from here"});
}

TEST_F(Records, ReceiptsSayHowFarACopyHasGot) {
  using store::Arrived;
  CreateDocument letter = document("out");
  letter.open.push_back(text_write(Field::kNotation, "12/UBND"));
  const auto made = must(commune_, letter);
  SendDocument send_it{.record = made.code, .to = offices_.other_id};
  const auto copy = must(commune_, send_it);
  EXPECT_EQ(copy.code, made.code + "/1");
  refuses(commune_, send_it, Errc::kNotAllowed, {"already", "/1"});
  send_it.to = offices_.district_id;
  const auto second = must(commune_, send_it);
  const auto receipt = [&](Office& office, Arrived arrived = Arrived::kNo) {
    return store::receipt_of(office.state(copy.record), arrived);
  };
  EXPECT_EQ(receipt(commune_), store::kReceiptNone);
  settle({&commune_, &district_, &other_});
  EXPECT_EQ(receipt(other_, Arrived::kYes), store::kReceiptArrived);
  EXPECT_FALSE(other_.replica().find_record(made.record)) << "only the copy is the receiver's";
  const auto read = store::read_dossier(other_.replica(), copy.record);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->values.at(Field::kTitle),
            FieldValue(std::string("Về việc rà soát thủ tục hành chính")));
  EXPECT_EQ(read->values.at(Field::kNotation), FieldValue(std::string("12/UBND")));
  refuses(other_, change(copy.code, {write_of(Field::kReceipt, std::int64_t{4})}),
          Errc::kNotAllowed, {"accept it first"});
  must(other_, Accept{.record = copy.code});
  EXPECT_EQ(receipt(other_), store::kReceiptAccepted);
  refuses(other_, change(copy.code, {write_of(Field::kReceipt, std::int64_t{3})}),
          Errc::kInvalidArgument, {"4 (assigned)"});
  must(other_, change(copy.code, {write_of(Field::kReceipt, std::int64_t{5})}));
  refuses(other_, change(copy.code, {write_of(Field::kReceipt, std::int64_t{4})}),
          Errc::kNotAllowed, {"from 5 to 4"});
  must(other_, change(copy.code, {write_of(Field::kReceipt, std::int64_t{6})}));
  must(district_, Decline{.record = second.code});
  settle({&commune_, &district_, &other_});
  EXPECT_EQ(receipt(commune_), store::kReceiptDone);
  EXPECT_EQ(store::receipt_of(commune_.state(second.record), Arrived::kNo),
            store::kReceiptDeclined);
}

TEST_F(Records, ACopyIsMadeOnceUnderOneKey) {
  Operation send_it =
      SendDocument{.record = must(commune_, document("out")).code, .to = offices_.other_id};
  send_it.key_hash = store::idempotency_hash(offices_.deployment.root(), "send");
  const auto first = must(commune_, send_it);
  const auto again = must(commune_, send_it);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.code, first.code);
}

TEST_F(Records, SendingIsForDocumentsOfARegister) {
  const std::string dossier = must(commune_, new_dossier("H47.518.20374-230401-0001")).code;
  refuses(commune_, SendDocument{.record = dossier, .to = offices_.other_id},
          Errc::kInvalidArgument, {"offer"});
}

}  // namespace
}  // namespace lienthong::test
