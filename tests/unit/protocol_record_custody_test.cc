#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/custody.h"
#include "tests/support/custody_compare.h"
#include "tests/support/custody_dossier.h"
#include "tests/support/custody_files.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies and kinds by their short names

struct Expected {
  int holder = kNobody;
  int offered = kNobody;
  int shown = -1;
  std::vector<int> chain = {};
  std::vector<int> inert = {};
  std::vector<int> set_aside = {};
};

void expect(const Dossier& dossier, const Expected& expected) {
  const RecordState state = dossier.state();
  EXPECT_EQ(state.holder, agency_id(expected.holder));
  EXPECT_EQ(state.offered, agency_id(expected.offered));
  EXPECT_EQ(shown_of(state),
            expected.shown < 0 ? std::vector<UpdateId>{} : update_ids({expected.shown}));
  EXPECT_EQ(chain_of(state), update_ids(expected.chain));
  EXPECT_EQ(inert_of(state), update_ids(expected.inert));
  EXPECT_EQ(state.set_aside, update_ids(expected.set_aside));
}

// ---- crossings; many more are in protocol_record_scenarios_test.cc ----

TEST(Custody, ReclaimByCommonSuperiorBeatsTheAcceptItCrossed) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  d.add(B, kAccept);
  d.add(B, kSet);
  d.add(D1, kReclaim, {.link = 1, .deps = {{1}}, .hlc = 9});
  expect(d, {.holder = D1, .chain = {0, 1, 4}, .set_aside = {2, 3}});
}

TEST(Custody, ReclaimDoesNotBindABranchOfAgenciesNotBelow) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  d.add(B, kAccept);
  d.add(B, kOffer, {.to = X});
  d.add(X, kAccept);
  d.add(X, kSet);
  d.add(D1, kReclaim, {.link = 1, .deps = {{1}}, .hlc = 9});
  expect(d, {.holder = X, .shown = 5, .chain = {0, 1, 2, 3, 4}, .set_aside = {6}});
}

TEST(Custody, OfTwoReclaimsTheHigherAgencysStands) {
  Dossier d;
  d.add(D1, kReclaim, {.link = 0, .deps = {{0}}, .hlc = 2});
  d.add(P, kReclaim, {.link = 0, .deps = {{0}}, .hlc = 9});
  expect(d, {.holder = P, .chain = {0, 2}, .set_aside = {1}});
}

TEST(Custody, SuccessorTakesOverAnOpenOfferAgainstTheMergedAgency) {
  Dossier d(C);
  d.add(C, kOffer, {.to = A});
  d.add(A, kAccept);
  d.add(A, kSet);
  d.add(B, kSucceed, {.to = A, .link = 1, .deps = {{1}}, .hlc = 9, .tree = 1});
  d.add(B, kAccept);
  expect(d, {.holder = B, .chain = {0, 1, 4, 5}, .set_aside = {2, 3}});
}

TEST(Custody, SucceedDoesNotUndoWhatAnotherAgencyHasTakenUp) {
  Dossier d;
  d.add(A, kOffer, {.to = X});
  d.add(X, kAccept);
  d.add(X, kSet);
  d.add(B, kSucceed, {.to = A, .link = 0, .deps = {{0}}, .hlc = 9, .tree = 1});
  d.add(B, kSet);
  expect(d, {.holder = X, .shown = 3, .chain = {0, 1, 2}, .set_aside = {4, 5}});
}

TEST(Custody, DissolvedSuperiorCannotReclaimFromTheSuccessor) {
  Dossier d;
  d.add(B, kSucceed, {.to = A, .tree = 1});
  d.add(B, kSet);
  const int reclaim =
      d.add(D1, kReclaim, {.link = 0, .deps = {{0}}, .hlc = 9, .tree = 0, .held_to = 1});
  expect(d, {.holder = B, .shown = 2, .chain = {0, 1}, .inert = {3}});
  EXPECT_EQ(d.reason(reclaim), InertReason::kClosed);
}

TEST(Custody, ClosingHoldsNobodyWhoHasTheRightUnderTheNewTreeToo) {
  Dossier d;
  const int set = d.add(A, kSet);
  const int offer = d.add(A, kOffer, {.to = B, .held_to = 1});
  d.add(B, kAccept, {.link = offer, .held_to = 1});
  EXPECT_EQ(d.reason(set), InertReason::kNone);
  EXPECT_EQ(d.reason(offer), InertReason::kClosed);  // A is dissolved under 1
  d.add(B, kSet, {.held_to = 1});
  EXPECT_EQ(d.reason(3), InertReason::kNone);
  expect(d, {.holder = A, .shown = set, .chain = {0}, .inert = {2}, .set_aside = {3, 4}});
}

TEST(Custody, HandoffOfAStolenMachineFallsWithWhatFollowsIt) {
  Dossier d;
  d.add(A, kOffer, {.to = X, .cut_off = true});
  d.add(X, kAccept);
  d.add(X, kSet);
  expect(d, {.holder = A, .chain = {0}, .inert = {1}, .set_aside = {2, 3}});
  EXPECT_EQ(d.reason(1), InertReason::kCutOff);
  EXPECT_EQ(d.state().participants, std::vector<AgencyId>{agency_id(A)});
}

TEST(Custody, ReclaimFromAboveConfirmsWhatWasCutOff) {
  Dossier d;
  d.add(A, kOffer, {.to = X, .cut_off = true});
  d.add(X, kAccept);
  d.add(X, kSet);
  d.add(P, kReclaim);
  d.add(P, kOffer, {.to = X});
  d.add(X, kAccept);
  expect(d, {.holder = X, .shown = 3, .chain = {0, 1, 2, 4, 5, 6}});
}

TEST(Custody, ClonedDiskWithDeadClockCannotOfferAgain) {
  Dossier d;
  d.add(A, kSet, {.hlc = 5});
  d.add(A, kOffer, {.to = X, .hlc = 10});
  d.add(X, kAccept, {.hlc = 20});
  d.add(X, kSet, {.hlc = 30});
  d.add(A, kOffer, {.to = C, .link = 0, .deps = {{0}}, .hlc = 2});
  expect(d, {.holder = X, .shown = 4, .chain = {0, 2, 3}, .set_aside = {5}});
  EXPECT_EQ(forks_of(d.state()), update_ids({0}));
}

TEST(Custody, FormerHolderCannotWriteIntoItsPast) {
  Dossier d;
  d.add(A, kSet, {.hlc = 5});
  d.add(A, kOffer, {.to = X, .hlc = 10});
  d.add(X, kAccept, {.hlc = 20});
  d.add(X, kSet, {.hlc = 30});
  d.add(A, kSet, {.link = 0, .deps = {{0}}, .hlc = 1000000});
  expect(d, {.holder = X, .shown = 4, .chain = {0, 2, 3}, .set_aside = {5}});
}

TEST(Custody, FieldsRestWhileAnOfferIsOpen) {
  Dossier d;
  d.add(A, kOffer, {.to = X, .hlc = 10});
  d.add(X, kAccept, {.hlc = 20});
  d.add(X, kSet, {.hlc = 30});
  d.add(A, kSet, {.link = 1, .deps = {{1}}, .hlc = 900});
  expect(d, {.holder = X, .shown = 3, .chain = {0, 1, 2}, .inert = {4}});
  EXPECT_EQ(d.reason(4), InertReason::kNotItsTurn);
}

TEST(Custody, RecordWhoseCreationIsCutOffIsNoDossier) {
  Dossier d(A, {.cut_off = true});
  d.add(A, kOffer, {.to = B, .cut_off = true});
  d.add(B, kAccept);
  d.add(B, kSet);
  expect(d, {.inert = {0, 1, 2, 3}});
  const RecordState state = d.state();
  EXPECT_TRUE(state.timeline.empty());
  EXPECT_EQ(state.participants, std::vector<AgencyId>{agency_id(A)});
  EXPECT_TRUE(std::all_of(state.inert.begin(), state.inert.end(), [](const InertEntry& entry) {
    return entry.reason == InertReason::kCutOff;
  }));
}

TEST(Custody, ReclaimConfirmsACreationThatWasCutOff) {
  Dossier d(A, {.cut_off = true});
  d.add(A, kOffer, {.to = B, .cut_off = true});
  d.add(B, kAccept);
  d.add(B, kSet);
  d.add(D1, kReclaim);
  expect(d, {.holder = D1, .shown = 3, .chain = {0, 1, 2, 4}});
}

TEST(Custody, ReclaimBindsASuccessorWhoActsInALaterTree) {
  Dossier d;
  d.add(D1, kReclaim, {.hlc = 20});
  d.add(B, kSucceed, {.to = A, .link = 0, .deps = {{0}}, .hlc = 9, .tree = 1});
  expect(d, {.holder = D1, .chain = {0, 1}, .set_aside = {2}});
}

TEST(Custody, UpholdIsNoLinkAndNeedsToComeFromAboveTheLink) {
  Dossier d;
  const int offer = d.add(A, kOffer, {.to = B});
  const int district = d.add(D1, kUphold, {.link = offer});
  const int other = d.add(D2, kUphold, {.link = offer});
  const int target = d.add(B, kUphold, {.link = offer});
  const int on_uphold = d.add(P, kUphold, {.link = district});
  d.add(B, kAccept, {.link = offer});
  EXPECT_EQ(d.reason(district), InertReason::kNone);
  EXPECT_EQ(d.reason(other), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(target), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(on_uphold), InertReason::kBadLink);
  expect(d, {.holder = B, .chain = {0, 1, 6}, .inert = {other, target, on_uphold}});
  const RecordState state = d.state();
  EXPECT_EQ(std::count(state.timeline.begin(), state.timeline.end(), update_id(district)), 1);
  EXPECT_EQ(std::count(state.participants.begin(), state.participants.end(), agency_id(D1)), 0);
}

TEST(Custody, OfWritesWithOneTreeAndTimeTheGreaterIdIsShownWhateverCameFirst) {
  for (const bool turned : {false, true}) {
    World world;
    Item item;
    for (int id = 0; id < 5; ++id) {
      item.id = id;
      item.name = id == 0 ? 9 : turned ? 9 - id : id;
      world.add(item);
      item.kind = kSet;
      item.deps = {0};
      item.link = 0;
      item.hlc = 7;
      item.machine = id + 1;
    }
    const std::vector<UpdateId> expected =
        turned ? update_ids({8, 7, 6, 5}) : update_ids({4, 3, 2, 1});
    std::vector<GraphUpdate> updates = to_graph(world, world.all());
    for (int order = 0; order < 2; ++order) {
      EXPECT_EQ(shown_of(fold(updates, EightAgencies())), expected);
      std::ranges::reverse(updates);
    }
  }
}

TEST(Custody, DecidingReclaimNeedNotBindItsOwnBranch) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  d.add(B, kAccept);
  d.add(B, kOffer, {.to = D1});
  d.add(D1, kAccept);
  const int reclaim = d.add(D1, kReclaim, {.link = 0, .deps = {{0}}, .hlc = 50});
  const int offer = d.add(D1, kOffer, {.to = X});
  const int accept = d.add(X, kAccept);
  expect(d, {.holder = X, .chain = {0, reclaim, offer, accept}, .set_aside = {1, 2, 3, 4}});
}

TEST(Custody, WritesLendWeightToABranchUnlessCutOff) {
  for (const bool cut_off : {false, true}) {
    Dossier d;
    d.add(A, kOffer, {.to = X});
    const int accept = d.add(X, kAccept, {.hlc = 3});
    const int decline = d.add(X, kDecline, {.link = 1, .deps = {{1}}, .hlc = 9});
    d.add(A, kSet, {.cut_off = cut_off});
    EXPECT_EQ(d.state().chain.back().id, update_id(cut_off ? accept : decline));
  }
}

// ---- golden histories of the executable model ----

const std::vector<History>& histories() {
  static const std::vector<History> all = read_histories(LT_TEST_DATA_DIR "/custody_histories.txt");
  return all;
}

TEST(Custody, FoldsEveryRecordedHistoryAsTheExecutableModelDid) {
  for (const History& history : histories()) {
    SCOPED_TRACE(history.name);
    const World& world = history.world;
    const Outcome outcome = Model(world, history.trees, history.registry).fold(world.all());
    EXPECT_EQ(unlike(outcome, history.expected), "");  // the model that the fold is held against
    std::vector<int> forks;
    for (const ForkOutcome& fork : outcome.forks) forks.push_back(fork.link);
    EXPECT_EQ(forks, history.forks);
    const RecordState state = folded(world, world.all(), history.trees, history.registry);
    EXPECT_EQ(difference(world, outcome, state), "");
  }
  EXPECT_EQ(histories().size(), 603U);
}

TEST(Custody, DesksOweWhatTheExecutableModelSays) {
  std::size_t answered = 0;
  std::size_t silent = 0;
  for (const History& history : histories()) {
    SCOPED_TRACE(history.name);
    const World& world = history.world;
    const Mask mask = world.all();
    for (const Question& asked : history.questions) {
      Model model(world, history.trees, history.registry);
      EXPECT_EQ(model.duty(mask, asked.desk, asked.seen, asked.moved, asked.extra), asked.answer);
      if (within_quota(world, mask, history.trees, history.registry, asked.desk, asked.extra)) {
        EXPECT_EQ(protocol_duty(world, mask, history.trees, history.registry, asked.desk,
                                asked.seen, asked.moved),
                  asked.answer);
      }
      ++(asked.answer ? answered : silent);
    }
  }
  EXPECT_GT(answered, 200U);
  EXPECT_GT(silent, 300U);
}

// ---- single rights ----

TEST(Custody, LinkMustBeAnAncestorAndALink) {
  Dossier d;
  const int set = d.add(A, kSet);
  const int aside = d.add(A, kSet, {.link = set});
  const int offer = d.add(A, kOffer, {.to = B, .link = 0, .deps = {{0}}});
  const int blind = d.add(B, kAccept, {.link = offer, .deps = {{0}}});
  EXPECT_EQ(d.reason(aside), InertReason::kBadLink);
  EXPECT_EQ(d.reason(blind), InertReason::kBadLink);
  EXPECT_EQ(d.reason(offer), InertReason::kNone);
}

TEST(Custody, SecondCreationIsNoLink) {
  Dossier d;
  const int again = d.add(B, UpdateKind::kCreated);
  EXPECT_EQ(d.reason(again), InertReason::kBadLink);
  EXPECT_EQ(d.state().holder, agency_id(A));
}

TEST(Custody, OfferNeedsAnotherAgencyAsTarget) {
  Dossier d;
  const int to_itself = d.add(A, kOffer, {.to = A, .link = 0});
  const int to_nobody = d.add(A, kOffer, {.link = 0});
  EXPECT_EQ(d.reason(to_itself), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(to_nobody), InertReason::kNotItsTurn);
  EXPECT_TRUE(d.state().offered.is_zero());
}

TEST(Custody, OnlyTheTargetAnswersAnOffer) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  const int by_other = d.add(X, kAccept, {.link = 1});
  const int by_holder = d.add(A, kDecline, {.link = 1});
  const int offer_again = d.add(A, kOffer, {.to = X, .link = 1});
  const int declined = d.add(B, kDecline, {.link = 1});
  EXPECT_EQ(d.reason(by_other), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(by_holder), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(offer_again), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(declined), InertReason::kNone);
  EXPECT_EQ(d.state().holder, agency_id(A));
}

TEST(Custody, WhatFollowsALinkWithoutRightHasNone) {
  Dossier d;
  const int forged = d.add(X, kReclaim);
  const int on_top = d.add(X, kSet, {.link = forged});
  EXPECT_EQ(d.reason(forged), InertReason::kNotItsTurn);
  EXPECT_EQ(d.reason(on_top), InertReason::kNotItsTurn);
}

TEST(Custody, TreeVersionIsNotOlderThanTheLinks) {
  Dossier d;
  d.add(A, kOffer, {.to = B});
  d.add(B, kAccept, {.tree = 1});
  const int old = d.add(B, kSet, {.tree = 0});
  EXPECT_EQ(d.reason(old), InertReason::kTreeOlderThanLink);
}

TEST(Custody, TreeVersionIsNotOlderThanTheCertificates) {
  Dossier d;
  const int old = d.add(A, kSet, {.certificate = 1});
  const int offer = d.add(A, kOffer, {.to = B, .link = 0, .certificate = 0});
  const int accept = d.add(B, kAccept, {.tree = 1, .certificate = 1});
  EXPECT_EQ(d.reason(old), InertReason::kTreeOlderThanLink);
  EXPECT_EQ(d.reason(offer), InertReason::kNone);
  EXPECT_EQ(d.reason(accept), InertReason::kNone);
}

TEST(Custody, DissolvedAgencyHasNoRightsUnderThatTree) {
  Dossier d;
  const int before = d.add(A, kSet);
  const int after = d.add(A, kSet, {.tree = 1});
  const int note = d.add(A, kNote, {.tree = 1});
  EXPECT_EQ(d.reason(before), InertReason::kNone);
  EXPECT_EQ(d.reason(after), InertReason::kDissolved);
  EXPECT_EQ(d.reason(note), InertReason::kDissolved);
}

TEST(Custody, OpenOfferStaysOpenForTheSuccessorOfItsTarget) {
  Dossier d(X);
  d.add(X, kOffer, {.to = A});
  d.add(B, kSucceed, {.to = A, .tree = 1});
  const RecordState state = d.state();
  EXPECT_EQ(state.holder, agency_id(X));
  EXPECT_EQ(state.offered, agency_id(B));
  const int recall = d.add(X, kRecall, {.references = {1}});
  EXPECT_EQ(d.reason(recall), InertReason::kNone);
}

}  // namespace
}  // namespace lienthong
