// What agencies want of each other, who is late, and which dossiers a search means: the questions
// that lists, `why` and `check` only write down.
#include <gtest/gtest.h>

#include "protocol/record/registers.h"
#include "store/office/between.h"
#include "store/office/feedback.h"
#include "store/office/find.h"
#include "store/office/lateness.h"
#include "tests/support/field_writes.h"
#include "tests/support/office_time.h"
#include "tests/support/offices.h"

namespace lienthong::test {
namespace {

using namespace store;

AgencyId agency_of(std::uint8_t first) {
  AgencyId out;
  out.bytes[0] = first;
  return out;
}

LinkEntry link(std::uint8_t id, UpdateKind kind, const AgencyId& by, const AgencyId& to = {}) {
  LinkEntry out;
  out.id.bytes[0] = id;
  out.kind = kind;
  out.by = by;
  out.to = to;
  out.hlc = Hlc::at(1'000 * id);
  return out;
}

// ---- offers ----

TEST(OffersOfAChain, EndAsTheirAnswerSays) {
  const AgencyId a = agency_of(1), b = agency_of(2);
  RecordState state;
  state.chain = {link(1, UpdateKind::kCreated, a), link(2, UpdateKind::kOffer, a, b),
                 link(3, UpdateKind::kDecline, b), link(4, UpdateKind::kOffer, a, b),
                 link(5, UpdateKind::kReclaim, a), link(6, UpdateKind::kOffer, a, b),
                 link(7, UpdateKind::kAccept, b),  link(8, UpdateKind::kOffer, b, a)};
  state.holder = b;
  state.offered = a;
  std::vector<OfferState> states;
  for (const HandoffOffer& offer : offers_of(state)) states.push_back(offer.state);
  EXPECT_EQ(states, (std::vector{OfferState::kDeclined, OfferState::kReclaimed,
                                 OfferState::kAccepted, OfferState::kOpen}));
  ASSERT_TRUE(open_offer(state));
  EXPECT_EQ(open_offer(state)->from, b);
  EXPECT_EQ(open_offer(state)->offered_at, 8'000);
  EXPECT_EQ(held_since(state), 7'000) << "an offer of his own does not end that he holds it";
  state.offered = {};
  EXPECT_FALSE(open_offer(state));
}

TEST(OffersOfAChain, PassToTheSuccessorOfTheirTarget) {
  const AgencyId a = agency_of(1), gone = agency_of(2), heir = agency_of(3);
  RecordState state;
  state.chain = {link(1, UpdateKind::kCreated, a), link(2, UpdateKind::kOffer, a, gone),
                 link(3, UpdateKind::kSucceed, heir, gone)};
  state.holder = a;
  state.offered = heir;
  ASSERT_TRUE(open_offer(state));
  EXPECT_EQ(open_offer(state)->to, heir);
  EXPECT_EQ(open_offer(state)->state, OfferState::kOpen);
}

// ---- lateness ----

Ending due(UnixMillis moment) {
  Ending out;
  out.due_at = moment;
  return out;
}

TEST(Lateness, CountsDaysAtTheOffice) {
  const UnixMillis morning = at("2023-04-03 09:00");
  EXPECT_FALSE(is_late(due(morning), at("2023-04-03 23:59")));  // the same day
  EXPECT_TRUE(is_late(due(morning), at("2023-04-04 00:00")));
  EXPECT_FALSE(is_late(Ending(), morning));
}

TEST(Lateness, StopsCountingWhenItEnded) {
  Ending ending = due(at("2023-04-03 09:00"));
  const UnixMillis now = at("2024-01-01 00:00");
  for (const Status over : {Status::kWithdrawn, Status::kRefused, Status::kStopped}) {
    ending.status = over;
    EXPECT_FALSE(is_late(ending, now)) << to_json(over);
  }
  ending.returned_at = at("2023-04-05 09:00");
  EXPECT_TRUE(is_late(ending, now));
  ending.finished_at = at("2023-04-02 09:00");  // counts before the returning
  EXPECT_FALSE(is_late(ending, now));
}

TEST(Lateness, IsReadAlikeFromAStateAndFromARow) {
  RecordState state;
  state.open_fields[number(Field::kDueAt)] = {{}, std::int64_t{1'000}};
  state.open_fields[number(Field::kFinishedAt)] = {{}, std::int64_t{2'000}};
  state.open_fields[number(Field::kReturnedAt)] = {{}, std::int64_t{3'000}};
  state.open_fields[number(Field::kStatus)] = {{}, std::int64_t{10}};
  Facts facts;
  facts.last_due = 1'000;
  facts.finished = 2'000;
  facts.returned = 3'000;
  facts.status = Status::kReturned;
  for (const Ending& ending : {ending_of(state), ending_of(facts)}) {
    EXPECT_EQ(ending.due_at, 1'000);
    EXPECT_EQ(ending.finished_at, 2'000);
    EXPECT_EQ(ending.returned_at, 3'000);
    EXPECT_EQ(ending.status, Status::kReturned);
  }
}

TEST(Lateness, RunningIsWhatHasNotEnded) {
  Facts facts;
  EXPECT_TRUE(is_running(facts));
  for (const StatusInfo& info : all_statuses()) {
    facts.status = info.status;
    const bool over = info.status == Status::kRefused || info.status == Status::kWithdrawn ||
                      info.status == Status::kDone || info.status == Status::kReturned;
    EXPECT_EQ(is_running(facts), !over) << info.json;
  }
}

// ---- offices ----

class Between : public ::testing::Test {
 protected:
  Between() : offices_(53) {}

  UpdateId write(Office& office, Draft draft) {
    UpdateId out;
    office.now += 1000;
    office.commit([&](Transaction& transaction) {
      const auto written = transaction.write(std::move(draft));
      ASSERT_TRUE(written.ok()) << written.error().message();
      out = *written;
    });
    return out;
  }
  static Draft draft_of(const RecordId& record, UpdateKind kind) {
    Draft out;
    out.record = record;
    out.open.kind = kind;
    return out;
  }
  void set(Office& office, const RecordId& record, std::vector<FieldWrite> writes) {
    Draft out = draft_of(record, UpdateKind::kSet);
    out.open.writes = std::move(writes);
    write(office, std::move(out));
  }
  static FieldWrite status(Status value) {
    return {number(Field::kStatus), static_cast<std::int64_t>(value)};
  }
  void hand_over(Office& from, Office& to, const RecordId& record) {
    ASSERT_TRUE(from.write(record, UpdateKind::kOffer, to.agency()).ok());
    settle({&from, &to});
    ASSERT_TRUE(to.write(record, UpdateKind::kAccept).ok());
    settle({&from, &to});
  }
  WaitsFor waits(Office& office, const RecordId& record) {
    return waits_for(office.replica(), office.state(record), *office.replica().registry());
  }
  std::optional<AgencyId> home(Office& office, const RecordId& record) {
    return to_return_to(office.state(record), *office.replica().registry());
  }
  static std::function<bool()> never() {
    return [] { return false; };
  }

  Offices offices_;
  Office& commune_ = *offices_.commune;
  Office& district_ = *offices_.district;
};

TEST_F(Between, AnOfferIsAskedBack) {
  const RecordId record = commune_.create("H47.518.20374-230401-0001");
  const auto offer = commune_.write(record, UpdateKind::kOffer, district_.agency());
  ASSERT_TRUE(offer.ok());
  EXPECT_FALSE(recall_requested(commune_.replica(), commune_.state(record), *offer));
  Draft recall = draft_of(record, UpdateKind::kRecallRequest);
  recall.open.references = {*offer};
  write(commune_, std::move(recall));
  const RecordState state = commune_.state(record);
  EXPECT_TRUE(recall_requested(commune_.replica(), state, *offer));
  const auto lines = handoffs_of(commune_.replica(), state, true, commune_.now);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(to_string(lines[0].what), "offer");
  EXPECT_TRUE(lines[0].recall_requested);
  EXPECT_EQ(to_string(lines[1].what), "recall");
  EXPECT_EQ(lines[1].to, district_.agency());
  EXPECT_EQ(waits(commune_, record), WaitsFor::kAnswerToOffer);
  settle({&commune_, &district_});
  EXPECT_FALSE(open_offer(commune_.state(record)))
      << "the other desk gives back what it has not taken";
}

TEST_F(Between, AnOfferGrowsOld) {
  const RecordId record = commune_.create("H47.518.20374-230401-0001");
  ASSERT_TRUE(commune_.write(record, UpdateKind::kOffer, district_.agency()).ok());
  settle({&commune_, &district_});
  const UnixMillis later = open_offer(commune_.state(record))->offered_at + kDayMillis;
  EXPECT_EQ(old_offers(commune_.replica(), later, kDayMillis, never()).out, 1U);
  EXPECT_EQ(old_offers(commune_.replica(), later, kDayMillis, never()).in, 0U);
  EXPECT_EQ(old_offers(district_.replica(), later, kDayMillis, never()).in, 1U);
  EXPECT_EQ(old_offers(district_.replica(), later, 2 * kDayMillis, never()).in, 0U);
}

TEST_F(Between, AConsultationIsOpenUntilItsReplyAndMayBeOverdue) {
  const RecordId record = commune_.create("H47.518.20374-230401-0002");
  Draft consult = draft_of(record, UpdateKind::kConsult);
  consult.open.target = district_.agency();
  consult.open.deadline = commune_.now + 5'000;
  const UnixMillis deadline = consult.open.deadline;
  const UpdateId question = write(commune_, std::move(consult));
  auto asked = consultations_of(commune_.replica(), commune_.state(record));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].id, question);
  EXPECT_EQ(asked[0].from, commune_.agency());
  EXPECT_EQ(asked[0].to, district_.agency());
  EXPECT_TRUE(asked[0].is_open());
  EXPECT_FALSE(is_overdue(asked[0], deadline));
  EXPECT_TRUE(is_overdue(asked[0], deadline + 1));
  settle({&commune_, &district_});
  Draft reply = draft_of(record, UpdateKind::kReply);
  reply.open.references = {question};
  reply.link = question;
  district_.now = deadline - 2'000;
  write(district_, std::move(reply));
  asked = consultations_of(district_.replica(), district_.state(record));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_FALSE(asked[0].is_open());
  EXPECT_FALSE(is_overdue(asked[0], deadline + kDayMillis)) << "it was answered in time";
  const RecordState state = district_.state(record);
  EXPECT_TRUE(handoffs_of(district_.replica(), state, true, district_.now).empty());
  const auto lines = handoffs_of(district_.replica(), state, false, district_.now);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].state, "answered");
  EXPECT_EQ(lines[0].question, question);
}

TEST_F(Between, WorkThatIsOverGoesBackToTheDeskThatReceivedIt) {
  const RecordId record = commune_.create("H47.518.20374-230401-0003");
  EXPECT_EQ(waits(commune_, record), WaitsFor::kHolder);
  hand_over(commune_, district_, record);
  EXPECT_FALSE(home(district_, record)) << "it is still worked on";
  set(district_, record, {status(Status::kSupplement)});
  EXPECT_EQ(waits(district_, record), WaitsFor::kPapers);
  set(district_, record, {status(Status::kPayment)});
  EXPECT_EQ(waits(district_, record), WaitsFor::kPayment);
  set(district_, record, {status(Status::kDone)});
  EXPECT_EQ(home(district_, record), commune_.agency());
  EXPECT_EQ(waits(district_, record), WaitsFor::kWayBack);
  hand_over(district_, commune_, record);
  EXPECT_FALSE(home(commune_, record));
  EXPECT_EQ(waits(commune_, record), WaitsFor::kHandingOver);
  set(commune_, record, {status(Status::kReturned)});
  EXPECT_EQ(waits(commune_, record), WaitsFor::kNothing);
}

TEST_F(Between, ASearchMeansWhatItsFilterSays) {
  const RecordId first = commune_.create("A-1"), second = commune_.create("A-2");
  commune_.create("A-3");
  set(commune_, first,
      {{number(Field::kDueAt), std::int64_t{commune_.now - 2 * kDayMillis}},
       status(Status::kProcessing)});
  set(commune_, second,
      {{number(Field::kDueAt), std::int64_t{commune_.now - 2 * kDayMillis}},
       {number(Field::kFinishedAt), std::int64_t{commune_.now - 2 * kDayMillis}},
       status(Status::kDone)});
  const auto codes = [this](const Filter& filter) {
    std::vector<std::string> out;
    for (const Match& match : Selection(commune_.replica(), filter, commune_.now, never()).run())
      out.push_back(match.code);
    return out;
  };
  using Codes = std::vector<std::string>;
  EXPECT_EQ(codes({}), (Codes{"A-1", "A-2", "A-3"}));
  Filter late, done, due_soon, limited, elsewhere, text;
  late.late = true;
  EXPECT_EQ(codes(late), Codes{"A-1"});
  done.status = Status::kDone;
  EXPECT_EQ(codes(done), Codes{"A-2"});
  due_soon.due_before = commune_.now;
  EXPECT_EQ(codes(due_soon), Codes{"A-1"}) << "what has ended is due no more";
  limited.limit = 1;
  limited.after = "A-1";
  EXPECT_EQ(codes(limited), Codes{"A-2"});
  elsewhere.holder = district_.agency();
  EXPECT_TRUE(codes(elsewhere).empty());
  text.text = "a-3";
  EXPECT_EQ(codes(text), Codes{"A-3"});
}

TEST_F(Between, FeedbackIsReceivedBelowWhoIsAboveItsDesk) {
  const RecordId record = commune_.create("F-1");
  const RecordState state = commune_.state(record);
  const auto registry = commune_.replica().registry();
  EXPECT_TRUE(received_below(state, offices_.district_id, *registry));
  EXPECT_TRUE(received_below(state, offices_.commune_id, *registry));
  EXPECT_FALSE(received_below(state, offices_.other_id, *registry));
}

TEST(FeedbackClocks, AreOverdueWhileOneRunsOverItsDate) {
  FeedbackClock clock;
  for (const auto& [state, overdue] :
       {std::pair{ClockState::kRunning, false}, std::pair{ClockState::kOverdue, true},
        std::pair{ClockState::kMet, false}, std::pair{ClockState::kLate, false}}) {
    clock.state = state;
    EXPECT_EQ(is_overdue(std::vector{FeedbackClock(), clock}), overdue) << to_string(state);
  }
}

}  // namespace
}  // namespace lienthong::test
