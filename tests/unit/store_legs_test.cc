// Legs: work on one dossier by several agencies at once, and who may see it.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "store/office/between.h"
#include "store/office/dossier.h"
#include "store/office/leg.h"
#include "store/office/marks.h"
#include "tests/support/field_writes.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::Accept;
using store::CreateDossier;
using store::CreateLeg;
using store::Decline;
using store::FinishLeg;
using store::Leg;
using store::LegState;
using store::Offer;
using store::Operation;
using store::OperationResult;
using store::Recall;
using store::ReturnHome;
using store::SetFields;
using store::Share;
using store::Transaction;

const std::string kCode = "H47.518.20374-230401-0007";

// A commune that receives, a district and a province above it, two departments of the province that
// work in parallel, and a commune elsewhere that has no business with any of it.
class Legs : public ::testing::Test {
 protected:
  explicit Legs(std::uint64_t seed = 31) : offices_(seed) {
    police_id_ = offices_.deployment.add_agency(offices_.province_id, "H47.CA", "Công an", "dept");
    insurer_id_ = offices_.deployment.add_agency(offices_.province_id, "H47.BH", "BHXH", "dept");
    far_id_ =
        offices_.deployment.add_agency(offices_.province_id, "H47.511", "Huyện khác", "district");
    police_ = &offices_.add(police_id_, "/police");
    insurer_ = &offices_.add(insurer_id_, "/insurer");
    far_ = &offices_.add(far_id_, "/far");
    everyone_ = {&commune_, &other_, &district_, &province_, police_, insurer_, far_};
    settle_all();
  }

  void settle_all() {
    // A newcomer speaks first: it brings the statements that declare it.
    const std::vector<std::pair<Office*, Office*>> edges = {
        {police_, &province_},    {insurer_, &province_},  {far_, &province_},
        {&district_, &province_}, {&commune_, &district_}, {&other_, &district_}};
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& [a, b] : edges) {
        moved = send(*a, *b) || moved;
        moved = send(*b, *a) || moved;
      }
    }
  }
  static Result<OperationResult> apply(Office& office, const Operation& operation) {
    return apply_to(office, operation);
  }
  static OperationResult must(Office& office, const Operation& operation) {
    auto result = apply(office, operation);
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() ? *result : OperationResult{};
  }
  static CreateLeg leg_to(const AgencyId& agency, std::string_view duty = "Cấp thẻ") {
    return {.dossier = kCode, .to = agency, .closed = {text_write(Field::kDuty, duty)}};
  }
  static Offer offer_of(const std::string& code, const AgencyId& agency) {
    return {.record = code, .to = agency};
  }
  static FinishLeg finish_of(const std::string& code) {
    return {.record = code, .outcome = "Đã cấp"};
  }
  static SetFields status_of(const std::string& code, Status status) {
    return {.record = code, .open = {status_write(status)}};
  }
  static bool has(Office& office, const RecordId& id) {
    return office.replica().find_record(id).has_value();
  }
  static Leg read(Office& office, const RecordId& dossier, const RecordId& leg) {
    for (const Leg& one : store::legs_of(office.replica(), office.state(dossier)))
      if (one.record == leg) return one;
    throw std::runtime_error("no such leg");
  }
  void refuses(Office& office, const Operation& operation, Errc code,
               std::initializer_list<std::string_view> words) {
    expect_refused(office, operation, code, words);
  }

  Offices offices_;
  Office& province_ = *offices_.province;
  Office& district_ = *offices_.district;
  Office& commune_ = *offices_.commune;
  Office& other_ = *offices_.other;
  AgencyId police_id_, insurer_id_, far_id_;
  Office *police_ = nullptr, *insurer_ = nullptr, *far_ = nullptr;
  std::vector<Office*> everyone_;
};

TEST_F(Legs, AreMadeOfflineWorkedOnInParallelAndGatheredByTheLead) {
  const RecordId dossier = must(commune_, new_dossier(kCode)).record;
  const auto residence = must(commune_, leg_to(police_id_, "Đăng ký thường trú"));
  const auto insurance = must(commune_, leg_to(insurer_id_, "Cấp thẻ BHYT"));
  EXPECT_EQ(residence.code, kCode + "/1");
  EXPECT_EQ(insurance.code, kCode + "/2");
  EXPECT_EQ(commune_.replica().led_by(dossier),
            (std::vector<RecordId>{residence.record, insurance.record}));
  refuses(commune_, status_of(kCode, Status::kDone), Errc::kNotAllowed,
          {"/1 (offered", "/2 (offered", "H47.CA", "H47.BH"});
  settle_all();
  EXPECT_TRUE(has(*police_, dossier)) << "whoever works on it reads the dossier";
  must(*police_, Accept{.record = residence.code});
  must(*insurer_, Accept{.record = insurance.code});
  must(*insurer_, finish_of(insurance.code));  // neither has heard of the other
  must(*police_, finish_of(residence.code));
  EXPECT_EQ(read(*police_, dossier, residence.record).state, LegState::kFinished);
  settle_all();
  for (const auto& leg : {residence, insurance}) {
    const Leg seen = read(commune_, dossier, leg.record);
    EXPECT_EQ(seen.state, LegState::kFinished);
    EXPECT_EQ(seen.outcome, "Đã cấp");
    EXPECT_NE(seen.finished_at, 0);
    refuses(commune_, status_of(kCode, Status::kDone), Errc::kNotAllowed, {"finished", "accept"});
    must(commune_, Accept{.record = leg.code});
    EXPECT_EQ(read(commune_, dossier, leg.record).state, LegState::kGathered);
  }
  must(commune_, status_of(kCode, Status::kDone));
  settle_all();
  EXPECT_EQ(read(province_, dossier, residence.record).state, LegState::kGathered);
  EXPECT_EQ(province_.state(dossier).holder, offices_.commune_id);
}

TEST_F(Legs, ThatAreTurnedDownMustBeSeenToAndMayBeEnded) {
  must(commune_, new_dossier(kCode));
  const auto leg = must(commune_, leg_to(police_id_));
  settle_all();
  must(*police_, Decline{.record = leg.code});
  settle_all();
  refuses(commune_, status_of(kCode, Status::kDone), Errc::kNotAllowed, {"returned", "withdrawn"});
  must(commune_, status_of(leg.code, Status::kWithdrawn));
  must(commune_, status_of(kCode, Status::kDone));
}

TEST_F(Legs, AreFoundWithoutReadingEveryRecord) {
  const auto marked = [](Office& office, std::initializer_list<store::Mark> marks) {
    std::vector<RecordId> found;
    store::for_each_marked(office.replica(), marks, [&](const store::RecordEntry& entry) {
      found.push_back(entry.state.record);
      return true;
    });
    return found;
  };
  using store::Mark;
  const RecordId dossier = must(commune_, new_dossier(kCode)).record;
  EXPECT_TRUE(marked(commune_, {Mark::kOffered, Mark::kLeg, Mark::kConflict}).empty());
  const auto leg = must(commune_, leg_to(police_id_));
  settle_all();
  for (Office* office : {&commune_, police_, &province_}) {
    EXPECT_EQ(marked(*office, {Mark::kLeg}), std::vector{leg.record});
    EXPECT_EQ(marked(*office, {Mark::kOffered, Mark::kLeg}), std::vector{leg.record}) << "once";
  }
  must(*police_, Accept{.record = leg.code});
  must(commune_, offer_of(kCode, offices_.district_id));
  settle_all();
  for (Office* office : {&commune_, &district_, &province_}) {
    EXPECT_EQ(marked(*office, {Mark::kOffered}), std::vector{dossier});
    EXPECT_TRUE(office->replica().verify_states().empty());
  }
}

TEST_F(Legs, GoBackToWhoeverHoldsTheDossierWhenTheyAreFinished) {
  const RecordId dossier = must(commune_, new_dossier(kCode)).record;
  const auto leg = must(commune_, leg_to(police_id_));
  must(commune_, offer_of(kCode, offices_.district_id));
  settle_all();
  must(district_, Accept{.record = kCode});
  must(*police_, Accept{.record = leg.code});
  settle_all();
  must(*police_, finish_of(leg.code));
  EXPECT_EQ(police_->state(leg.record).offered, offices_.district_id);
  settle_all();
  must(district_, Accept{.record = leg.code});
  EXPECT_EQ(read(district_, dossier, leg.record).state, LegState::kGathered);
  must(district_, status_of(kCode, Status::kDone));
}

TEST_F(Legs, AreRefusedWithTheirReason) {
  refuses(commune_, leg_to(police_id_), Errc::kNotFound, {kCode});
  must(commune_, new_dossier(kCode));
  refuses(commune_, leg_to(police_id_, ""), Errc::kInvalidArgument, {"duty"});
  refuses(commune_, leg_to(offices_.commune_id), Errc::kInvalidArgument, {"to ourselves"});
  CreateLeg late = leg_to(police_id_);
  late.open.push_back({static_cast<std::uint16_t>(Field::kDueAt), std::int64_t{1}});
  refuses(commune_, late, Errc::kInvalidArgument, {"due before"});
  CreateLeg named = leg_to(police_id_);
  named.open.push_back(text_write(Field::kCode, "mine"));
  refuses(commune_, named, Errc::kInvalidArgument, {"numbered here"});
  const auto leg = must(commune_, leg_to(police_id_));
  CreateLeg nested = leg_to(police_id_);
  nested.dossier = leg.code;
  refuses(commune_, nested, Errc::kInvalidArgument, {"not a dossier"});
  settle_all();
  refuses(district_, leg_to(police_id_), Errc::kNotAllowed, {"only the holder"});
  refuses(*police_, finish_of(leg.code), Errc::kNotAllowed, {"accept it first"});
  must(*police_, Accept{.record = leg.code});
  refuses(*police_, FinishLeg{.record = leg.code}, Errc::kInvalidArgument, {"outcome"});
  refuses(commune_, finish_of(kCode), Errc::kInvalidArgument, {"not a leg"});
  const SetFields foreign{.record = kCode, .closed = {text_write(Field::kOutcome, "x")}};
  refuses(commune_, foreign, Errc::kInvalidArgument, {"no field \"outcome\""});
  must(commune_, status_of(kCode, Status::kProcessing));
  must(commune_, status_of(kCode, Status::kStopped));
  refuses(commune_, leg_to(insurer_id_), Errc::kNotAllowed, {"stopped"});
}

TEST_F(Legs, ThatAnOutsiderInventsDoNotHoldUpTheLead) {
  const RecordId dossier = must(commune_, new_dossier(kCode)).record;
  settle_all();
  {
    Transaction transaction(other_.replica(), other_.now += 1000);
    store::Draft draft;
    draft.open.kind = UpdateKind::kCreated;
    draft.open.record_kind = RecordKind::kLeg;
    draft.open.lead = dossier;
    draft.open.writes = {text_write(Field::kCode, "H47.518.20374-230401-0007/9")};
    ASSERT_TRUE(transaction.write(std::move(draft)).ok());
    ASSERT_TRUE(transaction.commit().ok());
  }
  settle_all();
  ASSERT_EQ(commune_.replica().led_by(dossier).size(), 1U);
  const RecordId invented = commune_.replica().led_by(dossier).front();
  EXPECT_FALSE(read(commune_, dossier, invented).asked_by_holder);
  must(commune_, status_of(kCode, Status::kDone));
}

TEST_F(Legs, ArriveWithTheDossierWhereItGoesLater) {
  must(commune_, new_dossier(kCode));
  CreateLeg apart = leg_to(police_id_);
  apart.share = false;
  const auto leg = must(commune_, apart);
  settle_all();
  EXPECT_FALSE(has(*police_, commune_.state(leg.record).lead)) << "not shared";
  for (Office* outsider : {&other_, insurer_, far_}) EXPECT_FALSE(has(*outsider, leg.record));
  must(commune_, offer_of(kCode, far_id_));
  settle_all();
  EXPECT_TRUE(has(*far_, leg.record)) << "the lead's audience sees all legs";
  EXPECT_FALSE(has(other_, leg.record));
  EXPECT_FALSE(has(*insurer_, leg.record));
  const auto whole = commune_.replica().find_record(leg.record)->updates.size();
  EXPECT_EQ(far_->replica().find_record(leg.record)->updates.size(), whole) << "its history too";
}

// An offer that never left is taken back: the legs that would have gone along do not either.
TEST_F(Legs, StayWhereAnOfferThatNeverLeftWouldHaveTakenThem) {
  must(commune_, new_dossier(kCode));
  CreateLeg apart = leg_to(police_id_);
  apart.share = false;
  const auto leg = must(commune_, apart);
  settle_all();
  {
    Transaction transaction(commune_.replica(), commune_.now);
    ASSERT_TRUE(transaction.ensure_feed(far_id_).ok());
    ASSERT_TRUE(transaction.commit().ok());
  }
  must(commune_, offer_of(kCode, far_id_));
  const auto count = [&] {
    return commune_.replica().feed_digest(FeedKind::kUpdates, far_id_)->count;
  };
  EXPECT_GT(count(), 0U);
  must(commune_, Recall{.record = kCode});
  EXPECT_EQ(count(), 0U);
  settle_all();
  EXPECT_FALSE(has(*far_, leg.record));
}

// What a relay gets first makes no difference to whom it feeds.
TEST_F(Legs, FeedTheSameAudienceWhicheverCameFirst) {
  must(commune_, new_dossier(kCode));
  CreateLeg apart = leg_to(police_id_);
  apart.share = false;
  const auto leg = must(commune_, apart);
  const RecordId dossier = commune_.state(leg.record).lead;
  const Share share{.record = kCode, .to = far_id_};
  must(commune_, share);
  commune_.commit([&](Transaction& transaction) {
    ASSERT_TRUE(transaction.seal_pending(offices_.district_id).ok());
  });
  const auto places_of = [&](const RecordId& record) {
    std::vector<std::uint64_t> places;
    const auto entry = commune_.replica().find_record(record);
    for (const std::uint64_t number : entry->updates)
      places.push_back(*commune_.replica().feed_position(
          offices_.district_id, commune_.replica().find_update(number)->id));
    return places;
  };
  for (const RecordId& record : {leg.record, dossier}) {  // the leg first
    const auto read = commune_.replica().read_entries(FeedKind::kUpdates, offices_.district_id,
                                                      places_of(record), 64 * 1024);
    ASSERT_TRUE(read.ok()) << read.error().message();
    district_.commit([&](Transaction& transaction) {
      const auto outcome = transaction.receive(FeedKind::kUpdates, commune_.node().id(),
                                               commune_.agency(), read->part);
      ASSERT_TRUE(outcome.ok());
      EXPECT_TRUE(outcome->refused.empty()) << outcome->refused.front().detail;
      EXPECT_EQ(outcome->waiting, 0U);
      EXPECT_NE(outcome->added, 0U);
    });
    if (record == leg.record) {
      EXPECT_FALSE(has(district_, dossier));
      EXPECT_FALSE(std::ranges::binary_search(
          district_.replica().audience_of(district_.state(leg.record)), far_id_));
    }
  }
  EXPECT_TRUE(std::ranges::binary_search(
      district_.replica().audience_of(district_.state(leg.record)), far_id_));
  settle_all();
  EXPECT_TRUE(has(*far_, leg.record));
  EXPECT_FALSE(has(other_, leg.record));
}

TEST_F(Legs, AreKnownAgainAfterARestart) {
  must(commune_, new_dossier(kCode));
  const auto leg = must(commune_, leg_to(police_id_));
  commune_.restart();
  EXPECT_EQ(commune_.replica().led_by(commune_.state(leg.record).lead),
            std::vector<RecordId>{leg.record});
  EXPECT_EQ(must(commune_, leg_to(insurer_id_)).code, kCode + "/2");
  EXPECT_TRUE(commune_.replica().verify_states().empty());
}

TEST_F(Legs, AreMadeOnceUnderOneKey) {
  must(commune_, new_dossier(kCode));
  Operation keyed = leg_to(police_id_);
  keyed.key_hash = store::idempotency_hash(offices_.deployment.root(), "leg");
  const auto first = must(commune_, keyed);
  const auto again = must(commune_, keyed);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.code, first.code);
  EXPECT_EQ(again.record, first.record);
}

// ---- the way home ----

TEST_F(Legs, TheResultOfARouteGoesBackToTheDeskThatReceivedTheDossier) {
  // 1.010803: commune, then district, then province, and back to the commune's desk.
  const RecordId dossier = must(commune_, new_dossier(kCode)).record;
  refuses(commune_, ReturnHome{.record = kCode}, Errc::kNotAllowed, {"already"});
  must(commune_, status_of(kCode, Status::kProcessing));
  must(commune_, offer_of(kCode, offices_.district_id));
  settle_all();
  must(district_, Accept{.record = kCode});
  must(district_, offer_of(kCode, offices_.province_id));
  settle_all();
  must(province_, Accept{.record = kCode});
  must(province_, status_of(kCode, Status::kDone));
  must(province_, ReturnHome{.record = kCode});
  settle_all();
  EXPECT_EQ(commune_.state(dossier).offered, offices_.commune_id);
  refuses(province_, ReturnHome{.record = kCode}, Errc::kNotAllowed, {"offered to"});
  must(commune_, Accept{.record = kCode});
  must(commune_, status_of(kCode, Status::kReturned));
  settle_all();
  EXPECT_EQ(province_.state(dossier).holder, offices_.commune_id);
  refuses(province_, ReturnHome{.record = kCode}, Errc::kNotAllowed, {"already"});
}

// ---- the property ----

// Random work by random agencies with random exchanges in between; then everything is exchanged,
// and who holds a leg is whoever is in its audience, which is a function of the records alone.
class LegAudience : public Legs, public ::testing::WithParamInterface<int> {
 protected:
  LegAudience() : Legs(100 + static_cast<std::uint64_t>(GetParam())), dice_(9000U + GetParam()) {}

  std::size_t below(std::size_t end) { return dice_() % end; }
  std::vector<RecordId> records(Office& office, RecordKind kind) {
    std::vector<RecordId> out;
    office.replica().for_each_record([&](const store::RecordEntry& entry) {
      if (entry.state.kind == kind) out.push_back(entry.state.record);
      return true;
    });
    return out;
  }
  std::string any(Office& office, RecordKind kind) {
    const auto all = records(office, kind);
    return all.empty() ? "none" : all[below(all.size())].hex();
  }
  void act() {
    Office& office = *everyone_[below(everyone_.size())];
    const AgencyId to = everyone_[below(everyone_.size())]->agency();
    const RecordKind kind = below(2) == 0 ? RecordKind::kDossier : RecordKind::kLeg;
    Operation operation = CreateDossier{};
    switch (below(7)) {
      case 0: break;
      case 1:
        operation = CreateLeg{.dossier = any(office, RecordKind::kDossier),
                              .to = to,
                              .share = below(2) == 0,
                              .closed = {text_write(Field::kDuty, "Cấp thẻ")}};
        break;
      case 2: operation = offer_of(any(office, kind), to); break;
      case 3: operation = Accept{.record = any(office, kind)}; break;
      case 4: operation = finish_of(any(office, RecordKind::kLeg)); break;
      case 5: operation = Recall{.record = any(office, kind)}; break;
      default: operation = Share{.record = any(office, kind), .to = to};
    }
    (void)apply(office, operation).ok();  // most are refused: it is not their turn
  }
  std::mt19937 dice_;
};

TEST_P(LegAudience, IsTheLegsOwnAndTheDossiersAndNobodyElses) {
  for (int step = 0; step < 120; ++step) {
    act();
    if (below(4) != 0) continue;
    Office* a = everyone_[below(3)];  // a commune or the district
    Office* up = a == &district_ ? &province_ : &district_;
    send(*a, *up);
    send(*up, *a);
  }
  settle_all();
  std::size_t legs = 0;
  for (const RecordId& leg : records(province_, RecordKind::kLeg)) {
    ++legs;
    const RecordState state = province_.state(leg);
    const auto members = province_.replica().audience_of(state);
    for (Office* office : everyone_) {
      const bool member = std::ranges::binary_search(members, office->agency());
      ASSERT_EQ(has(*office, leg), member) << "agency " << office->agency().short_hex();
      if (!member) continue;
      EXPECT_EQ(encode_state(office->state(leg)), encode_state(state));
    }
    const auto lead = audience(province_.state(state.lead), *province_.replica().registry());
    EXPECT_TRUE(std::ranges::includes(members, lead));
  }
  EXPECT_GT(legs, 0U) << "the dice made no leg: nothing was shown";
}

INSTANTIATE_TEST_SUITE_P(Seeds, LegAudience, ::testing::Range(0, 12));

}  // namespace
}  // namespace lienthong::test
