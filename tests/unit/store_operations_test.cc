// What an office may do to a dossier: every operation, its rules and its refusals.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/desk/operations.h"
#include "store/office/dossier.h"
#include "tests/support/field_writes.h"
#include "tests/support/operations.h"

namespace lienthong::test {
namespace {

using store::Accept;
using store::AddNote;
using store::Adopt;
using store::Consult;
using store::CreateDossier;
using store::Decline;
using store::Offer;
using store::Operation;
using store::OperationResult;
using store::Recall;
using store::Reclaim;
using store::Reply;
using store::SetFields;
using store::Share;
using store::Succeed;
using store::Transaction;

const std::string kCode = "H47.518.20374-230401-0007";

class Operations : public ::testing::Test {
 protected:
  Operations() : offices_(11) {}

  Result<OperationResult> apply(Office& office, const Operation& operation) {
    return apply_to(office, operation);
  }
  static Offer offer_to(const AgencyId& agency) { return {.record = kCode, .to = agency}; }
  static SetFields set(std::vector<FieldWrite> open) {
    return {.record = kCode, .open = std::move(open)};
  }
  Operation with_key(Operation operation, std::string_view key) const {
    operation.key_hash = store::idempotency_hash(offices_.deployment.root(), key);
    return operation;
  }
  RecordId create(Office& office, std::string_view code = kCode) {
    const auto created = apply(office, new_dossier(code));
    EXPECT_TRUE(created.ok()) << created.error().message();
    return created->record;
  }
  // The refusal names the code and every one of those words.
  void refuses(Office& office, const Operation& operation, Errc code,
               std::initializer_list<std::string_view> words) {
    expect_refused(office, operation, code, words);
  }
  static std::optional<FieldValue> open_value(const RecordState& state, Field field) {
    const FieldValue* value = lienthong::open_value(state, field);
    return value != nullptr ? std::optional(*value) : std::nullopt;
  }

  Offices offices_;
  Office& province_ = *offices_.province;
  Office& district_ = *offices_.district;
  Office& commune_ = *offices_.commune;
  Office& other_ = *offices_.other;
};

// ---- create ----

TEST_F(Operations, CreateNumbersTheDossierAndFillsWhatIsKnown) {
  CreateDossier create;
  create.closed = {write_of(Field::kApplicantName, std::string("Nguyễn Văn An"))};
  const auto first = apply(commune_, create);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_TRUE(first->code.starts_with("H47.518.20374-230401-")) << first->code;
  const auto second = apply(commune_, create);
  ASSERT_TRUE(second.ok());
  EXPECT_NE(first->code, second->code);
  const RecordState state = commune_.state(first->record);
  EXPECT_EQ(open_value(state, Field::kStatus),
            FieldValue(static_cast<std::int64_t>(Status::kAccepted)));
  EXPECT_TRUE(open_value(state, Field::kReceivedAt));
  EXPECT_EQ(open_value(state, Field::kIntakeAgency),
            FieldValue(to_bytes(offices_.commune_id.view())));
  EXPECT_EQ(state.holder, offices_.commune_id);
}

TEST_F(Operations, NumberingPassesOverCodesGivenByHand) {
  create(commune_, "H47.518.20374-230401-0001");
  const auto numbered = apply(commune_, CreateDossier{});
  ASSERT_TRUE(numbered.ok()) << numbered.error().message();
  EXPECT_EQ(numbered->code, "H47.518.20374-230401-0002");
}

TEST_F(Operations, CreateOnlineWithoutReceptionIsOnlyRegistered) {
  CreateDossier create = new_dossier(kCode);
  create.open.push_back(write_of(Field::kChannel, std::int64_t{2}));
  const auto created = apply(commune_, create);
  ASSERT_TRUE(created.ok());
  const RecordState state = commune_.state(created->record);
  EXPECT_EQ(open_value(state, Field::kStatus),
            FieldValue(static_cast<std::int64_t>(Status::kRegistered)));
  EXPECT_FALSE(open_value(state, Field::kReceivedAt));
}

TEST_F(Operations, CreateRefusesCodesOfOthersAndCodesTaken) {
  refuses(commune_, new_dossier("H47.518.20395-230401-0001"), Errc::kNotAllowed,
          {"belongs to H47.518.20395", "H47.518.20374-"});
  refuses(commune_, new_dossier("has space-1"), Errc::kInvalidArgument, {"letters"});
  create(commune_);
  refuses(commune_, new_dossier(kCode), Errc::kConflict, {"taken", "H47.518.20374"});
  create(commune_, "000.17.22.H56-210531-0001");  // of a system that is no agency of the tree
}

TEST_F(Operations, CreateOfANewDossierBeginsAtTheBeginning) {
  CreateDossier create = new_dossier(kCode, {status_write(Status::kDone)});
  refuses(commune_, create, Errc::kNotAllowed,
          {"cannot begin as done", "registered, accepted, refused"});
  store::Event past;
  past.at = commune_.now - 86'400'000;
  past.action = "receive";
  past.officer = "Nga";
  past.unit = "Một cửa";
  create.history = {past};
  create.open.push_back(write_of(Field::kUnit, std::string("Tư pháp")));
  const auto created = apply(commune_, create);
  ASSERT_TRUE(created.ok()) << created.error().message();
  const auto dossier = store::read_dossier(commune_.replica(), created->record);
  ASSERT_TRUE(dossier.ok());
  EXPECT_EQ(dossier->values.at(Field::kUnit), FieldValue("Tư pháp"));  // today's, not the history's
  const auto line = std::ranges::find(dossier->timeline, "receive", &store::TimelineEntry::action);
  ASSERT_NE(line, dossier->timeline.end());
  EXPECT_EQ(line->at, past.at);
  EXPECT_EQ(line->officer, "Nga");
  EXPECT_EQ(line->unit, "Một cửa");
}

TEST_F(Operations, CreateCountsComponents) {
  CreateDossier create = new_dossier(kCode);
  wire::Component paper{"Tờ khai", "original", 1, "", 0, ""};
  wire::Component scan{"Giấy chứng sinh", "copy", 1, "00ff", 12, "image/png"};
  create.closed = {write_of(Field::kComponents, wire::encode(std::vector{paper, scan}))};
  const auto created = apply(commune_, create);
  ASSERT_TRUE(created.ok()) << created.error().message();
  const RecordState state = commune_.state(created->record);
  EXPECT_EQ(open_value(state, Field::kComponentCount), FieldValue(std::int64_t{2}));
  EXPECT_EQ(open_value(state, Field::kDigitisedCount), FieldValue(std::int64_t{1}));
}

// ---- keys ----

TEST_F(Operations, AKeyThatIsKnownWritesNothing) {
  const Operation create = with_key(CreateDossier{}, "first");
  const auto once = apply(commune_, create);
  ASSERT_TRUE(once.ok());
  EXPECT_FALSE(once->repeated);
  const auto again = apply(commune_, create);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->code, once->code);
  EXPECT_EQ(again->record, once->record);
  EXPECT_EQ(commune_.replica().counts().records, 1U);
  refuses(commune_, with_key(AddNote{.record = once->code, .remark = {.note = "x"}}, "first"),
          Errc::kConflict, {"key"});
}

TEST_F(Operations, AKeyStandsForOneOperationWithAllItsValues) {
  const RecordId record = create(commune_);
  const auto first = [&](const Operation& operation, std::string_view key) {
    const auto done = apply(commune_, with_key(operation, key));
    ASSERT_TRUE(done.ok()) << done.error().message();
    EXPECT_FALSE(done->repeated);
    const auto again = apply(commune_, with_key(operation, key));
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_TRUE(again->repeated);
  };
  const AddNote note{.record = kCode, .remark = {.note = "x"}};
  first(note, "note");
  refuses(commune_, with_key(AddNote{.record = kCode, .remark = {.note = "y"}}, "note"),
          Errc::kConflict, {"note " + kCode});
  refuses(commune_, with_key(offer_to(offices_.district_id), "note"), Errc::kConflict,
          {"\"note " + kCode, "\"offer " + kCode});
  const FieldWrite one = write_of(Field::kUnit, std::string("A"));
  const FieldWrite two = write_of(Field::kUnit, std::string("B"));
  first(set({one}), "set");
  refuses(commune_, with_key(set({two}), "set"), Errc::kConflict, {"set " + kCode});
  first(CreateDossier{.open = {one}}, "create");
  refuses(commune_, with_key(CreateDossier{.open = {two}}, "create"), Errc::kConflict,
          {"\"A\", now \"B\""});
  const std::string other = "H47.518.20374-230401-0008";
  create(commune_, other);
  first(offer_to(offices_.district_id), "offer");
  refuses(commune_, with_key(Offer{.record = other, .to = offices_.district_id}, "offer"),
          Errc::kConflict, {kCode, other});
  first(Recall{.record = kCode}, "recall");
  refuses(commune_, with_key(Recall{.record = other}, "recall"), Errc::kConflict, {kCode, other});
  EXPECT_EQ(commune_.state(record).holder, offices_.commune_id);
}

TEST_F(Operations, AKeyThatAnotherMachineUsedStandsForItsKindAndRecord) {
  create(commune_);
  ASSERT_TRUE(
      apply(commune_, with_key(AddNote{.record = kCode, .remark = {.note = "x"}}, "k")).ok());
  Office& second = offices_.add(offices_.commune_id, "/second");
  commune_.commit([&](Transaction& transaction) {
    for (const Statement& statement : offices_.deployment.statements())
      ASSERT_TRUE(transaction.add_statement(statement).ok());
  });
  settle({&commune_, &second});
  ASSERT_TRUE(second.replica().find_code(kCode).size() == 1);
  // The key travels with the update; what it was used for is remembered where that was done.
  refuses(second, with_key(offer_to(offices_.district_id), "k"), Errc::kConflict,
          {"note " + kCode, "offer " + kCode});
  const auto again =
      apply(second, with_key(AddNote{.record = kCode, .remark = {.note = "x"}}, "k"));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_TRUE(again->repeated);
}

TEST_F(Operations, KeysDependOnTheDeployment) {
  RootFingerprint other;
  other.bytes[0] = 1;
  EXPECT_EQ(store::idempotency_hash(other, "k").size(), 16U);
  EXPECT_NE(store::idempotency_hash(other, "k"),
            store::idempotency_hash(offices_.deployment.root(), "k"));
  EXPECT_NE(store::idempotency_hash(other, "k"), store::idempotency_hash(other, "l"));
}

// ---- work ----

TEST_F(Operations, SetFollowsTheStatesOfTheLawAndDatesThem) {
  const RecordId record = create(commune_);
  refuses(commune_, set({status_write(Status::kReturned)}), Errc::kNotAllowed,
          {"from accepted to returned", "processing"});
  ASSERT_TRUE(apply(commune_, set({status_write(Status::kProcessing)})).ok());
  SetFields done = set({status_write(Status::kDone)});
  done.event = {.at = 1'680'400'000'000, .action = "finish"};
  ASSERT_TRUE(apply(commune_, done).ok());
  EXPECT_EQ(open_value(commune_.state(record), Field::kFinishedAt),
            FieldValue(std::int64_t{1'680'400'000'000}));
  const SetFields recoded = set({write_of(Field::kCode, std::string("X"))});
  refuses(commune_, recoded, Errc::kInvalidArgument, {"code"});
  refuses(commune_, set({}), Errc::kInvalidArgument, {"nothing to write"});
  refuses(commune_, SetFields{.record = "NO-SUCH", .open = recoded.open}, Errc::kNotFound,
          {"NO-SUCH"});
}

TEST_F(Operations, OnlyTheHolderChangesButOthersMayLeaveNotes) {
  create(commune_);
  settle({&commune_, &district_, &province_});
  refuses(district_, set({write_of(Field::kUnit, std::string("Tư pháp"))}), Errc::kNotAllowed,
          {"held by H47.518.20374", "leave a note"});
  refuses(district_, offer_to(offices_.province_id), Errc::kNotAllowed, {"only the holder"});
  AddNote note{.record = kCode};
  refuses(district_, note, Errc::kInvalidArgument, {"text"});
  note.remark.note = "Đề nghị giải quyết sớm";
  const auto written = apply(district_, note);
  ASSERT_TRUE(written.ok()) << written.error().message();
  const auto dossier = store::read_dossier(district_.replica(), written->record);
  ASSERT_TRUE(dossier.ok());
  EXPECT_EQ(dossier->timeline.back().note, "Đề nghị giải quyết sớm");
  EXPECT_TRUE(dossier->timeline.back().directive);  // a superior's
}

// ---- custody ----

TEST_F(Operations, OfferAndAcceptPassCustody) {
  const RecordId record = create(commune_);
  ASSERT_TRUE(apply(commune_, offer_to(offices_.district_id)).ok());
  settle({&commune_, &district_});
  ASSERT_TRUE(apply(district_, Accept{.record = kCode}).ok());
  settle({&commune_, &district_});
  EXPECT_EQ(commune_.state(record).holder, offices_.district_id);
  refuses(commune_, offer_to(offices_.other_id), Errc::kNotAllowed, {"held by H47.518 "});
  refuses(district_, Accept{.record = kCode}, Errc::kNotAllowed, {"no offer"});
}

TEST_F(Operations, FieldsRestWhileAnOfferIsOpen) {
  create(commune_);
  ASSERT_TRUE(apply(commune_, offer_to(offices_.district_id)).ok());
  settle({&commune_, &district_});
  const SetFields moved = set({write_of(Field::kUnit, std::string("Tư pháp"))});
  refuses(commune_, moved, Errc::kNotAllowed, {"offered to H47.518 ", "recall"});
  refuses(district_, moved, Errc::kNotAllowed, {"offered to us", "accept it first"});
  refuses(commune_, offer_to(offices_.district_id), Errc::kNotAllowed, {"offered to H47.518 "});
  refuses(commune_, Accept{.record = kCode}, Errc::kNotAllowed, {"not to us"});
}

TEST_F(Operations, OfferChecksWhomItIsMadeTo) {
  create(commune_);
  refuses(commune_, offer_to(offices_.commune_id), Errc::kInvalidArgument, {"ourselves"});
  refuses(commune_, offer_to(AgencyId()), Errc::kInvalidArgument, {"agency"});
  AgencyId unknown;
  unknown.bytes[3] = 3;
  refuses(commune_, offer_to(unknown), Errc::kUnknownAgency, {"not in the registry"});
}

TEST_F(Operations, DeclineGivesItBackWithAReason) {
  const RecordId record = create(commune_);
  ASSERT_TRUE(apply(commune_, offer_to(offices_.district_id)).ok());
  settle({&commune_, &district_});
  const Decline decline{.record = kCode, .remark = {.note = "Thiếu giấy tờ"}};
  ASSERT_TRUE(apply(district_, decline).ok());
  settle({&commune_, &district_});
  EXPECT_EQ(commune_.state(record).holder, offices_.commune_id);
  EXPECT_TRUE(commune_.state(record).offered.is_zero());
  const auto dossier = store::read_dossier(commune_.replica(), record);
  ASSERT_TRUE(dossier.ok());
  ASSERT_EQ(dossier->custody.size(), 3U);
  EXPECT_EQ(dossier->custody[2].node, district_.node().id());
  EXPECT_TRUE(dossier->custody[2].seal.has_value());
  EXPECT_EQ(dossier->timeline.back().note, "Thiếu giấy tờ");
}

TEST_F(Operations, RecallTakesBackAnOfferThatNeverLeft) {
  const RecordId record = create(commune_);
  const Operation offer = with_key(offer_to(offices_.district_id), "o");
  const Operation recall = with_key(Recall{.record = kCode}, "r");
  ASSERT_TRUE(apply(commune_, offer).ok());
  const auto updates = commune_.replica().counts().updates;
  ASSERT_TRUE(apply(commune_, recall).ok());
  EXPECT_TRUE(commune_.state(record).offered.is_zero());
  EXPECT_EQ(commune_.replica().counts().updates, updates - 1);
  for (const Operation* again : {&offer, &recall}) {  // the same file once more changes nothing
    const auto result = apply(commune_, *again);
    ASSERT_TRUE(result.ok()) << result.error().message();
    EXPECT_TRUE(result->repeated);
  }
  EXPECT_TRUE(commune_.state(record).offered.is_zero());
  refuses(commune_, Recall{.record = kCode}, Errc::kNotAllowed, {"no offer"});
}

TEST_F(Operations, RecallOfAnOfferThatLeftIsARequest) {
  const RecordId record = create(commune_);
  ASSERT_TRUE(apply(commune_, offer_to(offices_.district_id)).ok());
  settle({&commune_, &district_});
  const auto asked = apply(commune_, Recall{.record = kCode});
  ASSERT_TRUE(asked.ok()) << asked.error().message();
  EXPECT_EQ(commune_.replica().find_update(asked->update)->open.kind, UpdateKind::kRecallRequest);
  EXPECT_EQ(commune_.state(record).offered, offices_.district_id);
  const auto again = apply(commune_, Recall{.record = kCode});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->repeated);
  refuses(district_, Recall{.record = kCode}, Errc::kNotAllowed, {"we may decline"});
}

TEST_F(Operations, ASuperiorOfBothReclaims) {
  const RecordId record = create(commune_);
  refuses(commune_, Reclaim{.record = kCode}, Errc::kNotAllowed, {"held by us already"});
  ASSERT_TRUE(apply(commune_, offer_to(offices_.other_id)).ok());
  settle({&commune_, &district_, &other_});
  refuses(other_, Reclaim{.record = kCode}, Errc::kNotAllowed, {"accept or decline"});
  refuses(commune_, Reclaim{.record = kCode}, Errc::kNotAllowed, {"only an agency above"});
  ASSERT_TRUE(apply(district_, Reclaim{.record = kCode}).ok());
  EXPECT_EQ(district_.state(record).holder, offices_.district_id);
}

TEST_F(Operations, ASuperiorReclaimsWithoutAnOpenOfferToo) {
  const RecordId record = create(commune_);
  settle({&commune_, &district_, &other_});
  ASSERT_TRUE(apply(district_, Reclaim{.record = kCode}).ok());
  EXPECT_EQ(district_.state(record).holder, offices_.district_id);
  refuses(district_, Reclaim{.record = kCode}, Errc::kNotAllowed, {"held by us already"});
}

TEST_F(Operations, SucceedNeedsASuccession) {
  create(commune_);
  refuses(commune_, Succeed{.record = kCode}, Errc::kNotAllowed, {"already ours"});
  settle({&commune_, &district_});
  refuses(district_, Succeed{.record = kCode}, Errc::kNotAllowed, {"sole successor"});
}

// ---- others ----

TEST_F(Operations, TheAgencyConsultedReplies) {
  create(commune_);
  const Consult consult{.record = kCode,
                        .to = offices_.other_id,
                        .deadline = 1'680'600'000'000,
                        .remark = {.note = "Xin ý kiến"}};
  const auto asked = apply(commune_, consult);
  ASSERT_TRUE(asked.ok()) << asked.error().message();
  settle({&commune_, &district_, &other_});
  Reply reply{.record = kCode, .remark = {.note = "Đồng ý"}};
  refuses(other_, reply, Errc::kInvalidArgument, {"needs the consultation"});
  reply.about = asked->update;
  refuses(commune_, reply, Errc::kNotAllowed, {"asks H47.518.20395"});
  const auto replied = apply(other_, reply);
  ASSERT_TRUE(replied.ok()) << replied.error().message();
  reply.about = replied->update;
  refuses(other_, reply, Errc::kNotFound, {"no consultation"});
}

TEST_F(Operations, ShareLetsAnotherRead) {
  const RecordId record = create(commune_);
  const Share share{.record = kCode, .to = offices_.other_id};
  ASSERT_TRUE(apply(commune_, share).ok());
  settle({&commune_, &district_, &other_});
  EXPECT_TRUE(other_.replica().find_record(record).has_value());
}

// ---- what was set aside ----

TEST_F(Operations, TheHolderAdoptsWhatWasSetAside) {
  const CreateDossier creation =
      new_dossier(kCode, {}, {write_of(Field::kSummary, std::string("Khai sinh"))});
  const RecordId record = apply(commune_, creation)->record;
  ASSERT_TRUE(apply(commune_, offer_to(offices_.district_id)).ok());
  settle({&commune_, &district_});
  // A second machine of the commune, still under `created`, writes beside the offer.
  Office& second = offices_.add(offices_.commune_id, "/commune2");
  UpdateId late;
  {
    const auto offer_tip = commune_.state(record).tip();
    const auto created = commune_.state(record).chain.front().id;
    EXPECT_NE(offer_tip, created);
    send(commune_, second);
    Transaction transaction(second.replica(), second.now += 1000);
    store::Draft draft;
    draft.record = record;
    draft.open.kind = UpdateKind::kSet;
    draft.open.writes = {write_of(Field::kUnit, std::string("Tư pháp"))};
    draft.open.action = "forward";
    draft.link = created;
    const auto written = transaction.write(draft);
    if (written.ok()) {
      late = *written;
      ASSERT_TRUE(transaction.commit().ok());
    }
  }
  ASSERT_FALSE(late.is_zero());
  send(second, commune_);
  settle({&commune_, &district_});
  ASSERT_TRUE(apply(district_, Accept{.record = kCode}).ok());
  ASSERT_EQ(district_.state(record).set_aside, std::vector{late});
  Adopt adopt{.record = kCode, .change = UpdateId()};
  refuses(district_, adopt, Errc::kNotFound, {"set aside"});
  adopt.change.reset();
  ASSERT_TRUE(apply(district_, adopt).ok());
  EXPECT_EQ(open_value(district_.state(record), Field::kUnit), FieldValue("Tư pháp"));
  refuses(district_, adopt, Errc::kNotFound, {"nothing is set aside"});
  settle({&commune_, &district_});
  refuses(commune_, adopt, Errc::kNotAllowed, {"only the holder"});
}

}  // namespace
}  // namespace lienthong::test
