#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "protocol/record/custody.h"
#include "tests/support/custody_dossier.h"

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

// ---- named crossings, with what the executable model makes of them ----

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
  d.add(D1, kReclaim, {.link = 0, .deps = {{0}}, .hlc = 9, .tree = 0});
  expect(d, {.holder = B, .shown = 2, .chain = {0, 1}, .set_aside = {3}});
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

TEST(Custody, OfTwoGroundedBranchesTheLaterTreesStandsWhateverTheClockSays) {
  Dossier d;
  d.add(D1, kReclaim, {.hlc = 2});
  d.add(B, kSucceed, {.to = A, .link = 0, .deps = {{0}}, .hlc = 9, .tree = 1});
  expect(d, {.holder = B, .chain = {0, 2}, .set_aside = {1}});
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

class DistrictDissolvedAboveItsCommunes : public EightAgencies {
 public:
  bool dissolved(const AgencyId& agency, TreeVersion version) const override {
    return EightAgencies::dissolved(agency, version) || (version == 1 && agency == agency_id(D2));
  }
};

TEST(Custody, ReclaimDoesNotDecideOnceItsAuthorIsDissolvedInTheTreeNamed) {
  Dossier d(C);
  d.add(D2, kReclaim, {.hlc = 2});
  d.add(E, kSucceed, {.to = C, .link = 0, .deps = {{0}}, .hlc = 9, .tree = 1});
  expect(d, {.holder = D2, .chain = {0, 1}, .set_aside = {2}});
  const RecordState state = fold(d.updates(), DistrictDissolvedAboveItsCommunes());
  EXPECT_EQ(state.holder, agency_id(E));
}

// ---- golden histories of the model ----

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) out.push_back(part);
  return out;
}

std::vector<int> numbers(const std::string& text) {
  std::vector<int> out;
  if (text == "-") return out;
  for (const std::string& part : split(text, '.')) out.push_back(std::stoi(part));
  return out;
}

int agency_by_name(const std::string& name) {
  const std::vector<std::string> names{"P", "D1", "D2", "A", "B", "C", "E", "X"};
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? kNobody : static_cast<int>(at - names.begin());
}

Item parse_item(const std::string& line, int id) {
  static const std::map<char, UpdateKind> kKinds{{'c', UpdateKind::kCreated},
                                                 {'o', kOffer},
                                                 {'a', kAccept},
                                                 {'d', kDecline},
                                                 {'r', kReclaim},
                                                 {'u', kSucceed},
                                                 {'w', kSet}};
  const std::vector<std::string> part = split(line, ' ');
  Item item;
  item.id = id;
  item.kind = kKinds.at(part.at(0)[0]);
  item.agency = agency_by_name(split(part.at(1), '.').at(0));
  item.hlc = std::stoull(part.at(2));
  item.deps = numbers(part.at(3));
  if (part.at(4) != "-") item.link = std::stoi(part.at(4));
  item.to = agency_by_name(part.at(5));
  item.tree_version = static_cast<TreeVersion>(std::stoul(part.at(6)));
  item.believed = part.at(7) == "0";
  return item;
}

TEST(Custody, FoldsEveryRecordedHistoryAsTheExecutableModelDid) {
  std::ifstream file(LT_TEST_DATA_DIR "/custody_histories.txt");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const std::vector<std::string> part = split(line, '|');
    ASSERT_EQ(part.size(), 7U);
    SCOPED_TRACE(part[0]);
    World world;
    for (const std::string& item : split(part[1], ';')) {
      world.add(parse_item(item, static_cast<int>(world.items.size())));
    }
    const EightAgencies tree;
    const RecordState state = fold(to_graph(world, world.all()), tree);
    const std::vector<std::string> who = split(part[2], ' ');
    EXPECT_EQ(state.holder, agency_id(agency_by_name(who[0])));
    EXPECT_EQ(state.offered, agency_id(agency_by_name(who[1])));
    const std::vector<UpdateId> shown = shown_of(state);
    EXPECT_EQ(shown.empty() ? std::vector<UpdateId>{} : std::vector<UpdateId>{shown[0]},
              update_ids(numbers(who[2])));
    EXPECT_EQ(chain_of(state), update_ids(numbers(part[3])));
    EXPECT_EQ(forks_of(state), update_ids(numbers(part[4])));
    EXPECT_EQ(state.set_aside, update_ids(numbers(part[5])));
    EXPECT_EQ(inert_of(state), update_ids(numbers(part[6])));
  }
  EXPECT_EQ(count, 400U);
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
