// Forks as the notary and the manual see them, uphold, versions that updates are held to, and the
// fast path under these rules.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/record/notary.h"
#include "protocol/record/tree_shape.h"

namespace lienthong {
namespace {

// P with the districts D1 (communes A, B) and D2 (C, E) and the department X; Q beside it.
enum Office : std::uint8_t { P, D1, D2, A, B, C, E, X, Q };
constexpr int kNobody = -1;

AgencyId office(int of) {
  return of < 0 ? AgencyId{} : AgencyId::from(Bytes(32, static_cast<std::uint8_t>(of + 1)));
}

UpdateId update(int number) {
  Bytes bytes(32, 0x55);
  bytes[0] = static_cast<std::uint8_t>(number >> 8);
  bytes[1] = static_cast<std::uint8_t>(number);
  return UpdateId::from(bytes);
}

// In version 1 A is merged across districts into C; in version 2 D1 is dissolved as well, into P;
// in version 3 Q is put below P.
ShapedTree nine_offices(TreeVersion newest) {
  TreeShape shape;
  constexpr auto kTop = TreeShape::kNone;
  std::vector<AgencyId> ids;
  for (const TreeShape::Index parent :
       {kTop, TreeShape::Index{P}, TreeShape::Index{P}, TreeShape::Index{D1}, TreeShape::Index{D1},
        TreeShape::Index{D2}, TreeShape::Index{D2}, TreeShape::Index{P}, kTop}) {
    ids.push_back(office(static_cast<int>(shape.add(parent))));
  }
  if (newest >= 1) {
    shape.dissolve(A, C);
    shape.finish(1);
  }
  if (newest >= 2) {
    shape.move(B, P);
    shape.dissolve(D1, P);
    shape.finish(2);
  }
  if (newest >= 3) {
    shape.move(Q, P);
    shape.finish(3);
  }
  return ShapedTree(shape, ids);
}

struct Row {
  int by;
  UpdateKind kind;
  std::vector<int> deps;
  int link = -1;
  int to = kNobody;
  std::uint64_t hlc = 0;  // 0: the number of the update
  TreeVersion tree = 0;
  TreeVersion held_to = 0;
  TreeVersion certificate = 0;
  bool believed = true;
};

constexpr auto kCreated = UpdateKind::kCreated;
constexpr auto kOffer = UpdateKind::kOffer;
constexpr auto kAccept = UpdateKind::kAccept;
constexpr auto kReclaim = UpdateKind::kReclaim;
constexpr auto kSucceed = UpdateKind::kSucceed;
constexpr auto kSet = UpdateKind::kSet;
constexpr auto kUphold = UpdateKind::kUphold;
constexpr auto kNote = UpdateKind::kNote;

std::vector<GraphUpdate> history(const std::vector<Row>& rows) {
  std::vector<GraphUpdate> out;
  for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
    const Row& row = rows[static_cast<std::size_t>(i)];
    GraphUpdate made;
    made.id = update(i);
    made.agency = office(row.by);
    made.believed = row.believed;
    made.held_to = row.held_to;
    made.certificate_version = row.certificate;
    made.open.kind = row.kind;
    made.open.target = office(row.to);
    if (row.kind == kSet) made.open.writes = {{1, std::string("value ") + std::to_string(i)}};
    if (i > 0) made.envelope.record = id_cast<RecordId>(update(0));
    made.envelope.hlc.value = row.hlc != 0 ? row.hlc : static_cast<std::uint64_t>(i) + 1;
    made.envelope.tree_version = row.tree;
    for (const int dep : row.deps) made.envelope.deps.push_back(update(dep));
    if (row.link >= 0) made.envelope.link = update(row.link);
    out.push_back(std::move(made));
  }
  return out;
}

InertReason reason(const RecordState& state, int number) {
  for (const InertEntry& entry : state.inert) {
    if (entry.id == update(number)) return entry.reason;
  }
  return InertReason::kNone;
}

// In the order given: each with a commit of its own.
Duty duty_of(const std::vector<Row>& rows, int desk, std::vector<int> order,
             const std::vector<int>& moved = {}, TreeVersion newest = 0) {
  const std::vector<GraphUpdate> updates = history(rows);
  return duty(updates, office(desk), nine_offices(newest), [&](const UpdateId& id) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (update(order[i]) != id) continue;
      const bool late = std::find(moved.begin(), moved.end(), order[i]) != moved.end();
      return Brought{i, late};
    }
    ADD_FAILURE() << "asked for what is not there";
    return Brought{};
  });
}

Duty writes(int fork, int link) { return {update(fork), update(link), {}}; }
Duty cannot_tell(int fork) { return {{}, {}, {update(fork)}}; }

// Two machines of A offer to two communes, both accept: the fork at 0.
std::vector<Row> two_accepted() {
  return {{A, kCreated, {}},
          {A, kOffer, {0}, 0, X},
          {X, kAccept, {1}, 1},
          {A, kOffer, {0}, 0, C},
          {C, kAccept, {3}, 3}};
}

// ---- forks in the state ----

TEST(Forks, TheStateSaysWhichBranchStandsAndWhy) {
  std::vector<Row> rows = two_accepted();
  const ShapedTree tree = nine_offices(0);
  ForkEntry fork;
  fork.link = update(0);
  fork.branches = {update(1), update(3)};
  fork.stands = update(1);
  fork.line = ForkLine::kTakenUp;
  fork.notary = office(P);
  EXPECT_EQ(fold(history(rows), tree).forks, std::vector{fork});

  rows.push_back({P, kNote, {4}, 4});  // a note is no signature
  EXPECT_EQ(fold(history(rows), tree).forks, std::vector{fork});
  rows.back() = {C, kSet, {4}, 4};  // nor does a second one of the same part weigh more
  EXPECT_EQ(fold(history(rows), tree).forks, std::vector{fork});
  rows.push_back({C, kOffer, {5}, 4, B});
  rows.push_back({B, kAccept, {6}, 6});
  EXPECT_EQ(fold(history(rows), tree).forks, std::vector{fork});  // D1 and D2; D1 and X
  rows.push_back({B, kOffer, {7}, 7, X});
  rows.push_back({X, kAccept, {8}, 8});
  fork.stands = update(3);
  fork.line = ForkLine::kParts;
  EXPECT_EQ(fold(history(rows), tree).forks, std::vector{fork});

  rows.push_back({P, kUphold, {2}, 2});
  fork.stands = update(1);
  fork.line = ForkLine::kDecided;
  fork.decision = update(10);
  fork.bound = true;
  const RecordState state = fold(history(rows), tree);
  EXPECT_EQ(state.forks, std::vector{fork});
  EXPECT_EQ(state.holder, office(X));
  EXPECT_TRUE(std::count(state.timeline.begin(), state.timeline.end(), update(10)));
  EXPECT_FALSE(std::count(state.participants.begin(), state.participants.end(), office(P)));
  const std::vector<AgencyId> audience_of = audience(state, tree);
  EXPECT_TRUE(std::count(audience_of.begin(), audience_of.end(), office(P)));
}

TEST(Forks, TheCommonSuperiorsOwnSignatureWeighsMoreThanParts) {
  const std::vector<Row> rows = {{A, kCreated, {}},
                                 {A, kOffer, {0}, 0, D1, 50},
                                 {D1, kAccept, {1}, 1, kNobody, 60},
                                 {A, kOffer, {0}, 0, B, 2},
                                 {B, kAccept, {3}, 3, kNobody, 3}};
  const RecordState state = fold(history(rows), nine_offices(0));
  ASSERT_EQ(state.forks.size(), 1U);
  EXPECT_EQ(state.forks[0].line, ForkLine::kCommonSuperior);
  EXPECT_EQ(state.holder, office(D1));
}

TEST(Forks, ADecisionDoesNotBindWhatIsOutOfItsReach) {
  std::vector<Row> rows = two_accepted();
  rows.push_back({D2, kUphold, {4}, 4});
  const RecordState state = fold(history(rows), nine_offices(0));
  EXPECT_EQ(reason(state, 5), InertReason::kNone);
  EXPECT_FALSE(state.forks[0].bound);
  EXPECT_EQ(state.forks[0].line, ForkLine::kTakenUp);
}

TEST(Forks, AreDecidedAtEachDepthAlike) {
  // The branch of 1 forks again behind 2; what loses there still counts outside.
  std::vector<Row> rows = two_accepted();
  rows.push_back({X, kOffer, {2}, 2, E, 90});
  rows.push_back({E, kAccept, {5}, 5, kNobody, 91});
  rows.push_back({X, kOffer, {2}, 2, B, 80});
  rows.push_back({B, kAccept, {7}, 7, kNobody, 81});
  const RecordState state = fold(history(rows), nine_offices(0));
  ASSERT_EQ(state.forks.size(), 2U);
  EXPECT_EQ(state.forks[0].line, ForkLine::kParts);
  EXPECT_EQ(state.forks[0].stands, update(1));
  EXPECT_EQ(state.forks[1].link, update(2));
  EXPECT_EQ(state.forks[1].stands, update(7));
  EXPECT_EQ(state.forks[1].line, ForkLine::kTakenUp);
  EXPECT_EQ(state.holder, office(B));

  const std::vector<Fork> forks = forks_of(history(rows), nine_offices(0));
  ASSERT_EQ(forks.size(), 2U);
  EXPECT_EQ(forks[0].turn, office(A));
  EXPECT_EQ(forks[0].notary, office(P));
  ASSERT_EQ(forks[0].branches.size(), 2U);
  EXPECT_TRUE(forks[0].branches[0].stands);
  EXPECT_EQ(forks[0].branches[0].acts.size(), 6U);
  EXPECT_EQ(forks[0].branches[0].signers,
            (std::vector{office(A), office(B), office(E), office(X)}));
  EXPECT_EQ(forks[0].branches[1].acts,
            (std::vector<Act>{{update(3), kOffer, office(A), update(3)},
                              {update(4), kAccept, office(C), update(4)}}));
}

TEST(Forks, ALaterDecisionThatKnewTheOthersStands) {
  std::vector<Row> rows = two_accepted();
  rows.push_back({P, kUphold, {4}, 4});
  rows.push_back({P, kUphold, {2, 5}, 2});
  RecordState state = fold(history(rows), nine_offices(0));
  EXPECT_EQ(state.holder, office(X));
  EXPECT_EQ(state.forks[0].decision, update(6));
  rows[6].deps = {2};  // side by side they cancel out
  state = fold(history(rows), nine_offices(0));
  EXPECT_EQ(state.holder, office(X));
  EXPECT_EQ(state.forks[0].line, ForkLine::kTakenUp);
  EXPECT_TRUE(state.forks[0].bound);
  EXPECT_EQ(state.forks[0].decision, UpdateId{});
  const std::vector<Fork> forks = forks_of(history(rows), nine_offices(0));
  EXPECT_EQ(forks[0].branches[0].binding, std::vector{update(6)});
  EXPECT_EQ(forks[0].branches[1].binding, std::vector{update(5)});
}

// ---- rights ----

TEST(Forks, UpholdComesFromAtOrAboveTheLinksAuthor) {
  const std::vector<Row> rows = {
      {A, kCreated, {}},     {A, kOffer, {0}, 0, X}, {A, kUphold, {1}, 1}, {D1, kUphold, {1}, 1},
      {D2, kUphold, {1}, 1}, {X, kUphold, {1}, 1},   {P, kUphold, {1}, 4},  // under no link
      {X, kAccept, {3}, 1},   // leaves holder and offer as they are
      {A, kUphold, {3}, 7}};  // under no ancestor
  const RecordState state = fold(history(rows), nine_offices(0));
  EXPECT_EQ(reason(state, 2), InertReason::kNone);
  EXPECT_EQ(reason(state, 3), InertReason::kNone);
  EXPECT_EQ(reason(state, 4), InertReason::kNotItsTurn);
  EXPECT_EQ(reason(state, 5), InertReason::kNotItsTurn);
  EXPECT_EQ(reason(state, 6), InertReason::kBadLink);
  EXPECT_EQ(reason(state, 8), InertReason::kBadLink);
  EXPECT_EQ(state.holder, office(X));
}

TEST(Forks, UpholdHasNoTargetWritesOrClosedPart) {
  Update sent;
  sent.envelope.record = id_cast<RecordId>(update(0));
  sent.envelope.deps = {update(0)};
  sent.envelope.link = update(0);
  OpenBody body;
  body.kind = kUphold;
  body.decision = "12/QĐ-UBND";
  const auto form = [&] {
    sent.open = wire::encode(body);
    return check_form(sent);
  };
  ASSERT_TRUE(form().ok()) << form().error().message();
  EXPECT_EQ(form()->decision, body.decision);
  EXPECT_STREQ(to_string(kUphold), "uphold");
  EXPECT_FALSE(is_link(kUphold));
  body.target = office(A);
  EXPECT_FALSE(form().ok());
  body.target = {};
  body.writes = {{1, std::string("A")}};
  EXPECT_FALSE(form().ok());
  body.writes = {};
  sent.closed_hash.bytes[0] = 1;
  EXPECT_FALSE(form().ok());
  body.kind = kNote;
  EXPECT_TRUE(form().ok());
}

TEST(Forks, ReclaimNeedsNoOpenOfferAndBothWalks) {
  const std::vector<Row> rows = {{A, kCreated, {}},
                                 {D1, kReclaim, {0}, 0},
                                 {D1, kReclaim, {0}, 0, kNobody, 0, 1},  // lost A by the merger
                                 {D2, kReclaim, {0}, 0, kNobody, 0, 1},  // got it by the merger
                                 {P, kReclaim, {0}, 0, kNobody, 0, 1},
                                 {C, kSucceed, {0}, 0, A, 0, 1}};
  const RecordState state = fold(history(rows), nine_offices(1));
  EXPECT_EQ(reason(state, 1), InertReason::kNone);
  EXPECT_EQ(reason(state, 2), InertReason::kNotItsTurn);
  EXPECT_EQ(reason(state, 3), InertReason::kNotItsTurn);
  EXPECT_EQ(reason(state, 4), InertReason::kNone);
  EXPECT_EQ(reason(state, 5), InertReason::kNone);
}

TEST(Forks, NoRightUnderATreeOlderThanTheCertificates) {
  const std::vector<Row> rows = {{A, kCreated, {}},
                                 {A, kSet, {0}, 0, kNobody, 0, 0, 0, 1},
                                 {D1, kReclaim, {1}, 0, kNobody, 0, 0, 0, 1},
                                 {P, kReclaim, {1}, 0, kNobody, 0, 1, 0, 1}};
  const RecordState state = fold(history(rows), nine_offices(1));
  EXPECT_EQ(reason(state, 1), InertReason::kTreeOlderThanLink);
  EXPECT_EQ(reason(state, 2), InertReason::kTreeOlderThanLink);
  EXPECT_EQ(reason(state, 3), InertReason::kNone);
}

TEST(Forks, WhatIsHeldToALaterVersionNeedsItsRightThere) {
  std::vector<Row> rows = {{A, kCreated, {}},
                           {A, kSet, {0}, 0, kNobody, 0, 0, 1},
                           {B, kSet, {1}, 0, kNobody, 0, 0, 1},
                           {A, kOffer, {1}, 0, X, 0, 0, 1},
                           {X, kAccept, {3}, 3}};
  RecordState state = fold(history(rows), nine_offices(1));
  EXPECT_EQ(reason(state, 1), InertReason::kClosed);
  EXPECT_EQ(reason(state, 2), InertReason::kNotItsTurn);  // had none under its own either
  EXPECT_EQ(reason(state, 3), InertReason::kClosed);
  EXPECT_EQ(state.holder, office(A));  // a creation takes nothing from anybody
  EXPECT_EQ(reason(state, 4), InertReason::kNone);

  rows.push_back({P, kReclaim, {4}, 4});  // confirms what it follows
  state = fold(history(rows), nine_offices(1));
  EXPECT_EQ(reason(state, 1), InertReason::kClosed);
  EXPECT_EQ(reason(state, 3), InertReason::kNone);
  EXPECT_EQ(state.chain.size(), 4U);

  rows[1].believed = false;
  EXPECT_EQ(reason(fold(history(rows), nine_offices(1)), 1), InertReason::kCutOff);
}

TEST(Forks, AFormerSuperiorDoesNotConfirmItsOwnClosedReclaim) {
  std::vector<Row> rows = {{A, kCreated, {}},
                           {C, kSucceed, {0}, 0, A, 0, 1},
                           {D1, kReclaim, {0}, 0, kNobody, 0, 0, 1},
                           {D1, kOffer, {2}, 2, B, 0, 0},
                           {B, kAccept, {3}, 3},
                           {D1, kReclaim, {4}, 4, kNobody, 0, 1}};
  EXPECT_EQ(fold(history(rows), nine_offices(1)).holder, office(C));
  rows.push_back({P, kReclaim, {4}, 4, kNobody, 0, 1});
  EXPECT_EQ(fold(history(rows), nine_offices(1)).holder, office(P));
}

// ---- the fast path ----

TEST(Forks, TheFastPathAgreesOnDecisionsClosingsAndCertificates) {
  const std::vector<Row> rows = {{A, kCreated, {}},      {D1, kUphold, {0}, 0},
                                 {A, kOffer, {1}, 0, X}, {P, kUphold, {2}, 0},
                                 {X, kUphold, {3}, 2},   {D1, kReclaim, {4}, 2},
                                 {X, kAccept, {5}, 2},   {X, kSet, {6}, 6, kNobody, 0, 0, 0, 1},
                                 {P, kReclaim, {7}, 6},  {P, kSet, {8}, 8, kNobody, 0, 0, 2},
                                 {P, kOffer, {9}, 8, A}, {A, kAccept, {10}, 10, kNobody, 0, 0, 1},
                                 {P, kUphold, {11}, 10}};
  const ShapedTree tree = nine_offices(2);
  const std::vector<GraphUpdate> updates = history(rows);
  RecordState state;
  unsigned fast = 0;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const std::vector<GraphUpdate> so_far(updates.begin(),
                                          updates.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    const RecordState whole = fold(so_far, tree);
    if (extend(state, updates[i], tree)) {
      EXPECT_EQ(state, whole) << i;
      ++fast;
    }
    state = whole;
  }
  EXPECT_EQ(fast, 12U);  // all but what comes after something closed
  EXPECT_EQ(reason(state, 11), InertReason::kClosed);
}

// ---- the notary ----

TEST(Notary, TheDeskUpholdsWhatItFirstKnewToBeTakenUp) {
  const std::vector<Row> rows = two_accepted();
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4}), writes(0, 2));
  EXPECT_EQ(duty_of(rows, P, {0, 3, 1, 4, 2}), writes(0, 4));
  EXPECT_EQ(duty_of(rows, P, {0, 3, 1, 2, 4}), writes(0, 2));  // taken up, not offered, first
  EXPECT_EQ(duty_of(rows, D1, {0, 1, 2, 3, 4}), Duty{});       // another's fork
  EXPECT_EQ(duty_of(rows, A, {0, 1, 2, 3, 4}), Duty{});
}

TEST(Notary, OfferedTwiceTheOfficesOwnDeskKeepsTheFirst) {
  const std::vector<Row> rows = {{A, kCreated, {}}, {A, kOffer, {0}, 0, X}, {A, kOffer, {0}, 0, B}};
  EXPECT_EQ(duty_of(rows, A, {0, 1, 2}), writes(0, 1));
  EXPECT_EQ(duty_of(rows, A, {0, 2, 1}), writes(0, 2));
}

TEST(Notary, WhatCameInOneCommitItCannotTell) {
  const std::vector<GraphUpdate> updates = history(two_accepted());
  const auto at_once = [](const UpdateId&) { return Brought{7, false}; };
  EXPECT_EQ(duty(updates, office(P), nine_offices(0), at_once), cannot_tell(0));
}

TEST(Notary, WhatWasMovedInIsForPersons) {
  const std::vector<Row> rows = two_accepted();
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4}, {3}), cannot_tell(0));
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4}, {2}), writes(0, 4));
}

TEST(Notary, OwesNothingWhereADecisionBinds) {
  std::vector<Row> rows = two_accepted();
  rows.push_back({P, kUphold, {4}, 4});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5}), Duty{});
  rows.push_back({P, kUphold, {2}, 2});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5, 6}), Duty{});
  // One from outside joins each branch: neither binds any more, and P has said both.
  rows.push_back({C, kOffer, {4}, 4, Q});
  rows.push_back({Q, kAccept, {7}, 7});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5, 6, 7, 8}), Duty{});  // nobody is above P and Q
  EXPECT_EQ(fold(history(rows), nine_offices(0)).forks[0].notary, AgencyId{});
}

TEST(Notary, WordsOfADistrictThatDoNotBindAreNotTheProvinces) {
  std::vector<Row> rows = two_accepted();
  rows.push_back({D1, kUphold, {1}, 1});
  rows.push_back({D1, kUphold, {3}, 3});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5, 6}), writes(0, 2));
  rows[2] = {X, kNote, {1}, 1};
  rows[4] = {C, kNote, {3}, 3};
  EXPECT_EQ(duty_of(rows, D1, {0, 1, 2, 3, 4, 5, 6}), Duty{});  // they bind, though they cancel out
}

TEST(Notary, WordsThatBindNoMoreAndContradictAreForPersons) {
  // Q accepted both; only under version 3 is it below the province, whose words name version 0.
  std::vector<Row> rows = {{A, kCreated, {}},      {A, kOffer, {0}, 0, Q}, {Q, kAccept, {1}, 1},
                           {A, kOffer, {0}, 0, Q}, {Q, kAccept, {3}, 3},   {P, kUphold, {1}, 1}};
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5}), Duty{});  // nobody is above both
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5}, {}, 3), writes(0, 2));
  EXPECT_EQ(duty_of(rows, P, {0, 3, 4, 1, 2, 5}, {}, 3), writes(0, 4));
  rows.push_back({P, kUphold, {3}, 3});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5, 6}, {}, 3), cannot_tell(0));
}

TEST(Notary, OneWordCoversTheForksBehindIt) {
  std::vector<Row> rows = two_accepted();
  rows.push_back({X, kOffer, {2}, 2, E});
  rows.push_back({E, kAccept, {5}, 5});
  rows.push_back({X, kOffer, {2}, 2, B});
  rows.push_back({B, kAccept, {7}, 7});
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 7, 8, 5, 6}), writes(0, 8));
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4, 5, 6, 7, 8}), writes(0, 6));
  const std::vector<GraphUpdate> updates = history(rows);
  // It knows which of 1 and 3 came first, and of 5 and 7 not: up to the link before those.
  const auto brought = [](const UpdateId& id) {
    return Brought{id < update(3) ? 1U : id < update(5) ? 2U : 3U, false};
  };
  const Duty owed = duty(updates, office(P), nine_offices(0), brought);
  EXPECT_EQ(owed.fork, update(0));
  EXPECT_EQ(owed.uphold, update(2));
  EXPECT_EQ(owed.stuck, std::vector{update(2)});
}

TEST(Notary, FollowsTheNewestTree) {
  const std::vector<Row> rows = {{A, kCreated, {}},
                                 {A, kOffer, {0}, 0, B},
                                 {B, kAccept, {1}, 1},
                                 {A, kOffer, {0}, 0, D1},
                                 {D1, kAccept, {3}, 3}};
  EXPECT_EQ(duty_of(rows, D1, {0, 1, 2, 3, 4}), writes(0, 2));
  EXPECT_EQ(duty_of(rows, D1, {0, 1, 2, 3, 4}, {}, 2), Duty{});  // dissolved
  EXPECT_EQ(duty_of(rows, P, {0, 1, 2, 3, 4}, {}, 2), writes(0, 2));
}

TEST(Notary, ARecordOfLaterRulesOrWithoutACreationIsNobodysDuty) {
  std::vector<GraphUpdate> updates = history(two_accepted());
  const auto brought = [](const UpdateId&) { return Brought{}; };
  EXPECT_EQ(duty({}, office(P), nine_offices(0), brought), Duty{});
  updates[0].believed = false;
  EXPECT_EQ(duty(updates, office(P), nine_offices(0), brought), Duty{});
  EXPECT_TRUE(forks_of(updates, nine_offices(0)).empty());
  updates[0].believed = true;
  updates[4].envelope.rules_version = kRulesVersion + 1;
  EXPECT_EQ(duty(updates, office(P), nine_offices(0), brought), Duty{});
}

// ---- what a flood costs ----

TEST(Forks, TwentyThousandSideBySideAreFoldedInRoomThatGrowsWithThem) {
  std::vector<Row> rows = {{A, kCreated, {}}};
  for (int i = 1; i <= 20'000; ++i) rows.push_back({A, kOffer, {0}, 0, i % 2 == 0 ? X : C});
  std::vector<GraphUpdate> updates = history(rows);
  const RecordState state = fold(updates, nine_offices(0));
  ASSERT_EQ(state.forks.size(), 1U);
  EXPECT_EQ(state.forks[0].branches.size(), 20'000U);
  EXPECT_EQ(state.forks[0].stands, update(1));
  EXPECT_EQ(state.heads.size(), 20'000U);
}

TEST(Forks, ThousandsOfForksOneBehindTheOtherAreDecidedInOnePass) {
  // Each link of the chain has a stub beside it, and each stub a word of the province, whose last
  // word is for the chain.
  constexpr int kLinks = 2'000;
  std::vector<Row> rows = {{A, kCreated, {}}};
  int last = 0;
  std::vector<int> words;
  for (int i = 0; i < kLinks; ++i) {
    const int link = static_cast<int>(rows.size());
    const bool offer = i % 2 == 0;
    const int by = offer ? A : B;
    rows.push_back({by, offer ? kOffer : UpdateKind::kDecline, {last}, last, offer ? B : kNobody});
    rows.push_back({by, offer ? kOffer : kAccept, {last}, last, offer ? C : kNobody});
    std::vector<int> knows = words;
    knows.push_back(link + 1);
    rows.push_back({P, kUphold, knows, link + 1});
    words = {link + 2};
    last = link;
  }
  const int last_word = static_cast<int>(rows.size());
  rows.push_back({P, kUphold, {last, words[0]}, last});
  const RecordState state = fold(history(rows), nine_offices(0));
  EXPECT_EQ(state.chain.size(), static_cast<std::size_t>(kLinks) + 1);
  ASSERT_EQ(state.forks.size(), static_cast<std::size_t>(kLinks));
  for (int i = 0; i < kLinks; ++i) {  // the word in the stub of the next fork knew that of this one
    const ForkEntry& fork = state.forks[static_cast<std::size_t>(i)];
    EXPECT_EQ(fork.line, ForkLine::kDecided);
    EXPECT_EQ(fork.decision, update(i + 1 < kLinks ? 3 * (i + 1) + 3 : last_word));
  }
}

}  // namespace
}  // namespace lienthong
