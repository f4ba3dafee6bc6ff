#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/fold.h"
#include "tests/support/custody_dossier.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies and kinds by their short names

// ---- kinds beside the chain ----

TEST(Fold, NoteComesFromThePathFromAboveItAndFromSuccessors) {
  Dossier d;
  d.add(A, kOffer, {.to = C});
  const int by_origin = d.add(A, kNote);
  const int by_target = d.add(C, kNote);
  const int above_origin = d.add(D1, kNote);
  const int above_target = d.add(D2, kNote);
  const int neighbour = d.add(X, kNote);
  const int below_the_same = d.add(E, kNote);
  const int successor = d.add(E, kNote, {.tree = 1});
  for (const int id : {by_origin, by_target, above_origin, above_target, successor}) {
    EXPECT_EQ(d.reason(id), InertReason::kNone) << id;
  }
  EXPECT_EQ(d.reason(neighbour), InertReason::kNotInAudience);
  EXPECT_EQ(d.reason(below_the_same), InertReason::kNotInAudience);
}

TEST(Fold, ConsultedAgencyMayReplyAndNote) {
  Dossier d;
  const int consult = d.add(A, kConsult, {.to = X});
  const int early = d.add(X, kNote, {.link = 0});
  const int note = d.add(X, kNote, {.link = consult});
  const int reply = d.add(X, kReply, {.link = consult, .references = {consult}});
  const int foreign = d.add(C, kReply, {.link = consult, .references = {consult}});
  const int not_to_a_link = d.add(X, kReply, {.link = 0});
  EXPECT_EQ(d.reason(early), InertReason::kNotInAudience);
  EXPECT_EQ(d.reason(note), InertReason::kNone);
  EXPECT_EQ(d.reason(reply), InertReason::kNone);
  EXPECT_EQ(d.reason(foreign), InertReason::kNotInAudience);
  EXPECT_EQ(d.reason(not_to_a_link), InertReason::kBadLink);
  const std::vector<AgencyId> both{agency_id(A), agency_id(X)};
  EXPECT_EQ(d.state().participants, both);
}

TEST(Fold, SharingAdmitsToNotesButNotToReplies) {
  Dossier d;
  const int share = d.add(A, kShare, {.to = C});
  const int note = d.add(C, kNote, {.link = share});
  const int above = d.add(D2, kNote, {.link = share});
  const int reply = d.add(C, kReply, {.link = share});
  EXPECT_EQ(d.reason(note), InertReason::kNone);
  EXPECT_EQ(d.reason(above), InertReason::kNone);
  EXPECT_EQ(d.reason(reply), InertReason::kBadLink);
}

TEST(Fold, ConsultationNeedsTheCustodianAndNoOpenOffer) {
  Dossier d;
  const int foreign = d.add(B, kConsult, {.to = X});
  d.add(A, kOffer, {.to = B});
  const int resting = d.add(A, kConsult, {.to = X});
  const int reply = d.add(X, kReply, {.link = foreign});
  EXPECT_EQ(d.reason(foreign), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(resting), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(reply), InertReason::kNotItsTurn);
  EXPECT_TRUE(d.state().invitations.empty());
}

TEST(Fold, RecallNamesTheOpenOfferOfItsAuthor) {
  Dossier d;
  const int nothing_open = d.add(A, kRecall, {.references = {0}});
  const int offer = d.add(A, kOffer, {.to = B, .link = 0});
  const int good = d.add(A, kRecall, {.references = {offer}});
  const int by_target = d.add(B, kRecall, {.references = {offer}});
  const int of_something_else = d.add(A, kRecall, {.references = {0}});
  EXPECT_EQ(d.reason(nothing_open), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(good), InertReason::kNone);
  EXPECT_EQ(d.reason(by_target), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(of_something_else), InertReason::kNotItsTurn);
}

TEST(Fold, OnlySuperiorsInspectAndOnlyOriginOrSuperiorsErase) {
  Dossier d;
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  const int inspect_above = d.add(D1, kInspect);
  const int inspect_own = d.add(A, kInspect);
  const int erase_by_holder = d.add(X, kErase);
  EXPECT_TRUE(d.state().erased_by.is_zero());
  const int erase_by_origin = d.add(A, kErase);
  const int erase_above = d.add(P, kErase);
  EXPECT_EQ(d.reason(inspect_above), InertReason::kNone);
  EXPECT_EQ(d.reason(inspect_own), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(erase_by_holder), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(erase_by_origin), InertReason::kNone);
  EXPECT_EQ(d.reason(erase_above), InertReason::kNone);
  EXPECT_EQ(d.state().erased_by, update_id(erase_by_origin));
}

TEST(Fold, WhatOnlyGrowsIsNeverSetAside) {
  Dossier d;
  const int consult = d.add(A, kConsult, {.to = C});
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  const int late_note = d.add(A, kNote, {.link = 0, .deps = {{0}}});
  const int late_reply = d.add(C, kReply, {.link = consult, .deps = {{consult}}});
  const int late_set = d.add(A, kSet, {.link = 0, .deps = {{0}}});
  const int late_share = d.add(A, kShare, {.to = E, .link = 0, .deps = {{0}}});
  const RecordState state = d.state();
  EXPECT_EQ(state.set_aside, update_ids({late_set, late_share}));
  for (const int id : {late_note, late_reply}) {
    EXPECT_NE(std::find(state.timeline.begin(), state.timeline.end(), update_id(id)),
              state.timeline.end());
  }
}

// ---- registers, lists ----

TEST(Fold, ConcurrentWritesOfTwoMachinesAreAConflictShowingTheGreatest) {
  Dossier d;
  d.add(A, kSet, {.hlc = 2});
  d.add(A, kSet, {.deps = {{1}}, .hlc = 7});
  d.add(A, kSet, {.deps = {{1}}, .hlc = 9, .machine = 2});
  const RecordState state = d.state();
  const Register& open = state.open_fields.at(kOpenField);
  EXPECT_EQ(open.writes, update_ids({3, 2}));
  EXPECT_EQ(open.value, FieldValue(std::string("value 3")));
  const Register& closed = state.closed_fields.at(kClosedField);
  EXPECT_EQ(closed.writes, update_ids({3, 2}));
  EXPECT_EQ(closed.value, FieldValue());
  EXPECT_EQ(state.heads, update_ids({2, 3}));
}

TEST(Fold, CausallyLaterWriteReplacesWhateverTheClockSays) {
  Dossier d;
  d.add(A, kSet, {.hlc = 1000});
  d.add(A, kSet, {.hlc = 2});
  EXPECT_EQ(shown_of(d.state()), update_ids({2}));
}

TEST(Fold, CreationWritesFieldsAndAFieldCanBeCleared) {
  Dossier d;
  d.add(A, kSet);
  std::vector<GraphUpdate> updates = d.updates();
  updates[0].open.writes = {{1, std::string("H47.12.05-240321-0001")}, {12, std::int64_t{2}}};
  updates[1].open.writes = {{12, FieldValue{}}};
  const RecordState state = fold(updates, d.tree());
  EXPECT_EQ(state.open_fields.at(1).value, FieldValue(std::string("H47.12.05-240321-0001")));
  EXPECT_EQ(state.open_fields.at(12).value, FieldValue());
  EXPECT_EQ(state.open_fields.at(12).writes, update_ids({1}));
}

TEST(Fold, HolderAdoptsWhatWasSetAside) {
  Dossier d;
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  const int late = d.add(A, kSet, {.link = 0, .deps = {{0}}});
  const int other = d.add(A, kSet, {.link = 0, .deps = {{0}}});
  const int foreign = d.add(A, kAdopt, {.deps = {{2, late, other}}, .references = {other}});
  const int adopt = d.add(X, kAdopt, {.references = {late, 0}});
  const RecordState state = d.state();
  EXPECT_EQ(d.reason(foreign), InertReason::kNotItsTurn);
  EXPECT_EQ(state.adopted, update_ids({late}));
  EXPECT_EQ(state.set_aside, update_ids({late, other}));
  EXPECT_EQ(shown_of(state), update_ids({adopt}));
}

TEST(Fold, BeginsStepwiseAsFromScratch) {
  Dossier d;
  GraphUpdate first = d.updates().front();
  first.open.record_kind = RecordKind::kLeg;
  first.open.lead = RecordId::from(Bytes(32, 9));
  first.open.writes = {{1, std::string("A")}, {3, std::int64_t{4}}, {5, Bytes{6}}, {7, {}}};
  first.open.closed_fields = {2, 8};
  const auto agrees = [&](const GraphUpdate& update) {
    RecordState state;
    return extend(state, update, d.tree()) && state == fold({&update, 1}, d.tree());
  };
  EXPECT_TRUE(agrees(first));
  GraphUpdate cut_off = first;
  cut_off.believed = false;
  EXPECT_TRUE(agrees(cut_off));
  GraphUpdate newer = first;
  newer.envelope.rules_version = kRulesVersion + 1;
  EXPECT_TRUE(agrees(newer));
}

TEST(Fold, TimelineGoesByClockThenId) {
  Dossier d;
  d.add(A, kNote, {.deps = {{0}}, .hlc = 30});
  d.add(A, kNote, {.deps = {{0}}, .hlc = 20, .machine = 2});
  d.add(A, kNote, {.deps = {{0}}, .hlc = 30, .machine = 3});
  const RecordState state = d.state();
  EXPECT_EQ(state.timeline, update_ids({0, 2, 1, 3}));
  EXPECT_EQ(state.latest.value, 30U);
}

TEST(Fold, AudienceAddsSuperiorsAndSuccessorsOfTheNewestTree) {
  Dossier d;
  d.add(A, kOffer, {.to = C});
  const RecordState state = d.state();
  const std::vector<AgencyId> participants{agency_id(A), agency_id(C)};
  EXPECT_EQ(state.participants, participants);
  const std::vector<AgencyId> everyone{agency_id(P), agency_id(D2), agency_id(A),
                                       agency_id(B), agency_id(C),  agency_id(E)};
  EXPECT_EQ(audience(state, d.tree()), everyone);
}

TEST(Fold, AProcedureIsForEveryAgencyOfTheTree) {
  Dossier d;
  RecordState state = d.state();
  const auto of_dossier = audience(state, d.tree());
  state.kind = RecordKind::kProcedure;
  EXPECT_EQ(audience(state, d.tree()), d.tree().everyone());
  EXPECT_EQ(d.tree().everyone().size(), 8U);
  EXPECT_LT(of_dossier.size(), 8U);
}

TEST(Fold, RecordOfLaterRulesKeepsOnlyItsHeads) {
  Dossier d;
  d.add(A, kSet);
  d.add(A, kSet, {.deps = {{0}}});
  std::vector<GraphUpdate> updates = d.updates();
  updates[1].envelope.rules_version = kRulesVersion + 1;
  const RecordState state = fold(updates, d.tree());
  RecordState expected;
  expected.record = id_cast<RecordId>(update_id(0));
  expected.rules_needed = kRulesVersion + 1;
  expected.heads = update_ids({1, 2});
  EXPECT_EQ(state, expected);
  EXPECT_TRUE(state.needs_newer_rules());
}

// ---- bounds ----

TEST(Fold, ChainEndsAtItsGreatestDepth) {
  std::vector<GraphUpdate> updates = Dossier().updates();
  for (std::size_t i = 1; i <= kChainDepthMax; ++i) {
    GraphUpdate next = updates[0];
    next.id = update_id(static_cast<int>(i));
    next.envelope.record = id_cast<RecordId>(updates[0].id);
    next.envelope.deps = {updates.back().id};
    next.envelope.link = updates.back().id;
    next.envelope.hlc.value = i + 1;
    const bool offer = i % 2 == 1;
    next.open.kind = offer ? kOffer : kDecline;
    next.agency = agency_id(offer ? A : B);
    next.open.target = agency_id(offer ? B : kNobody);
    updates.push_back(next);
  }
  const EightAgencies tree;
  const RecordState state = fold(updates, tree);
  EXPECT_EQ(state.chain.size(), kChainDepthMax);
  ASSERT_EQ(state.inert.size(), 1U);
  EXPECT_EQ(state.inert[0], (InertEntry{updates.back().id, InertReason::kTooDeep}));
  updates.pop_back();
  const RecordState before = fold(updates, tree);
  EXPECT_TRUE(before.inert.empty());
}

TEST(Fold, AgencysOwnPastIsBounded) {
  std::vector<GraphUpdate> updates = Dossier().updates();
  for (std::size_t i = 1; i <= kAncestorCountMax + 2; ++i) {
    GraphUpdate next = updates[0];
    next.id = update_id(static_cast<int>(i));
    next.envelope.record = id_cast<RecordId>(updates[0].id);
    next.envelope.deps = {updates.back().id};
    next.envelope.link = updates[0].id;
    next.envelope.hlc.value = i + 1;
    next.open.kind = kNote;
    if (i == kAncestorCountMax + 2) next.agency = agency_id(P);
    updates.push_back(next);
  }
  const EightAgencies tree;
  const RecordState state = fold(updates, tree);
  // The last of A has exactly one ancestor of its own too many; the superior has none.
  const UpdateId& last = updates[kAncestorCountMax + 1].id;
  ASSERT_EQ(state.inert.size(), 1U);
  EXPECT_EQ(state.inert[0], (InertEntry{last, InertReason::kTooDeep}));
  RecordState stepwise = fold(std::span(updates).first(kAncestorCountMax + 1), tree);
  const bool extended = extend(stepwise, updates[kAncestorCountMax + 1], tree);
  EXPECT_FALSE(extended);
}

// ---- the fast path ----

TEST(Fold, ExtendsHonestLinearHistoryOfEveryKindWithoutRefolding) {
  Dossier d;
  d.add(A, kSet);
  const int consult = d.add(A, kConsult, {.to = C});
  d.add(A, kShare, {.to = E});
  d.add(C, kReply, {.link = consult, .references = {consult}});
  d.add(D1, kNote);
  const int offer = d.add(A, kOffer, {.to = X});
  d.add(A, kRecall, {.references = {offer}});
  d.add(X, kDecline);
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  d.add(C, kNote, {.link = consult});
  const int late = d.add(A, kSet, {.link = 0});
  d.add(X, kAdopt, {.references = {late}});
  d.add(B, kSet);  // no right
  d.add(P, kInspect);
  d.add(P, kReclaim);
  d.add(P, kErase);
  d.add(P, kErase);
  const std::vector<GraphUpdate> updates = d.updates();
  RecordState state;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const bool extended = extend(state, updates[i], d.tree());
    ASSERT_TRUE(extended) << i;
    const RecordState folded = fold(std::span(updates).first(i + 1), d.tree());
    ASSERT_EQ(state, folded) << i;
    EXPECT_EQ(encode_state(state), encode_state(folded)) << i;
  }
  EXPECT_EQ(state.adopted, update_ids({late}));
}

TEST(Fold, DoesNotExtendWhatItCannotJudgeFromTheState) {
  const auto refused = [](const Dossier& d) {
    std::vector<GraphUpdate> updates = d.updates();
    const GraphUpdate last = updates.back();
    updates.pop_back();
    RecordState state = fold(updates, d.tree());
    const RecordState before = state;
    return !extend(state, last, d.tree()) && state == before;
  };
  Dossier concurrent;
  concurrent.add(A, kSet);
  concurrent.add(A, kSet, {.deps = {{0}}});
  EXPECT_TRUE(refused(concurrent));
  Dossier forked;
  forked.add(A, kOffer, {.to = B});
  forked.add(A, kOffer, {.to = X, .link = 0, .deps = {{0}}});
  forked.add(B, kAccept, {.link = 1, .deps = {{1, 2}}});
  EXPECT_TRUE(refused(forked));
  Dossier cut_off;
  cut_off.add(A, kSet, {.cut_off = true});
  EXPECT_TRUE(refused(cut_off));
  cut_off.add(P, kReclaim);
  EXPECT_TRUE(refused(cut_off));
  Dossier back_dated;
  back_dated.add(A, kSet, {.hlc = 10});
  back_dated.add(A, kSet, {.hlc = 5});
  EXPECT_TRUE(refused(back_dated));
}

// What the last of them does not have in its past, of the others.
std::vector<GraphUpdate> beside_last(const std::vector<GraphUpdate>& updates) {
  std::vector<UpdateId> past = updates.back().envelope.deps;
  std::vector<GraphUpdate> out;
  for (std::size_t i = updates.size() - 1; i-- > 0;) {
    const GraphUpdate& update = updates[i];
    if (std::find(past.begin(), past.end(), update.id) == past.end())
      out.push_back(update);
    else
      past.insert(past.end(), update.envelope.deps.begin(), update.envelope.deps.end());
  }
  return out;
}

// Whether the last one is added without folding the rest again; if so, to what folding gives.
bool added(const Dossier& d) {
  const std::vector<GraphUpdate> updates = d.updates();
  RecordState state = fold(std::span(updates).first(updates.size() - 1), d.tree());
  const RecordState before = state;
  const std::vector<GraphUpdate> others = beside_last(updates);
  const auto clock_of = [&](const UpdateId& id) {
    return std::find_if(updates.begin(), updates.end(),
                        [&](const GraphUpdate& u) { return u.id == id; })
        ->envelope.hlc;
  };
  const bool done = extend(state, updates.back(), d.tree(), {others, clock_of});
  EXPECT_EQ(state, done ? fold(updates, d.tree()) : before);
  return done;
}

TEST(Fold, AddsWhatWasWrittenBesideOtherWork) {
  Dossier d;
  d.add(A, kSet);
  d.add(A, kSet);
  d.add(D1, kNote, {.deps = {{1}}});
  EXPECT_TRUE(added(d)) << "a superior's note";
  d.add(A, kSet, {.deps = {{1}}});
  EXPECT_TRUE(added(d)) << "a second machine's write: a conflict";
  d.add(A, kSet);
  EXPECT_TRUE(added(d)) << "and one that builds on the second alone";
  d.add(A, kConsult, {.to = C, .deps = {{1}}});
  EXPECT_TRUE(added(d));
  d.add(D1, kNote, {.deps = {{1}}, .hlc = 3});
  EXPECT_TRUE(added(d)) << "dated before what is there";
  d.add(A, kOffer, {.to = X, .deps = {{4}}, .hlc = 20});
  EXPECT_FALSE(added(d)) << "beside a consultation, which may be closed by it";
  Dossier notes;
  notes.add(A, kSet);
  notes.add(D1, kNote);
  notes.add(A, kOffer, {.to = X, .deps = {{1}}});
  EXPECT_TRUE(added(notes)) << "an offer beside a note";
  notes.add(A, kSet, {.link = 0, .deps = {{1}}});
  EXPECT_TRUE(added(notes)) << "a write that the offer closed";
  notes.add(X, kAccept, {.link = 3, .deps = {{3}}});
  EXPECT_FALSE(added(notes)) << "beside a write of the custodian";
}

TEST(Fold, AddsToARecordWhoseForkIsSettled) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  d.add(A, kOffer, {.to = X, .link = 0, .deps = {{0}}});
  d.add(B, kAccept, {.link = 1, .deps = {{1, 2}}});
  ASSERT_EQ(d.state().forks.size(), 1u);
  EXPECT_FALSE(added(d)) << "the first signature of B behind the fork";
  d.add(B, kSet);
  EXPECT_TRUE(added(d));
  d.add(D1, kNote);
  EXPECT_TRUE(added(d));
  d.add(B, kSet, {.deps = {{4}}});
  EXPECT_TRUE(added(d)) << "beside the note";
  d.add(P, kReclaim);
  EXPECT_FALSE(added(d)) << "a decision";
}

TEST(Fold, ExtendsIntoAndWithinLaterRules) {
  Dossier d;
  d.add(A, kSet);
  d.add(A, kSet);
  std::vector<GraphUpdate> updates = d.updates();
  updates[1].envelope.rules_version = kRulesVersion + 3;
  RecordState state;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    ASSERT_TRUE(extend(state, updates[i], d.tree()));
    EXPECT_EQ(state, fold(std::span(updates).first(i + 1), d.tree()));
  }
  EXPECT_EQ(state.rules_needed, kRulesVersion + 3);
}

}  // namespace
}  // namespace lienthong
