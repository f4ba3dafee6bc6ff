// Enrolment: both machines back to back, and against a peer that is not what it should be.
#include <gtest/gtest.h>

#include "protocol/base/limits.h"
#include "protocol/enrolment/enrolment.h"
#include "tests/support/enrolment_pair.h"

namespace lienthong {
namespace {

using test::EnrolmentPair;
using test::TestDeployment;
using Need = EnrolmentParent::Need;

// What a call that must fail says.
template <class T>
Errc code_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? Errc::kClosed : result.error().code();
}

// Gives `bytes` to `to` in pieces of `step`; what it answers. The first error ends it.
template <class Machine>
auto feed_cut(Machine& to, ByteView bytes, std::size_t step) {
  auto result = to.on_bytes(bytes.first(std::min(step, bytes.size())));
  for (std::size_t at = step; result.ok() && at < bytes.size(); at += step)
    result = to.on_bytes(bytes.subspan(at, std::min(step, bytes.size() - at)));
  return result;
}

// ---- both as they should be ----

TEST(Enrolment, BringsAGrantOfManyPiecesAcross) {
  for (const std::size_t step : {1UL, 7UL, 999UL, 1UL << 20}) {  // cut anywhere
    EnrolmentPair pair(3);
    ASSERT_TRUE(feed_cut(pair.parent, *pair.child.start(), step).ok());
    ASSERT_EQ(pair.parent.need(), Need::kInvitation);
    EXPECT_EQ(pair.parent.invite(), pair.token.invite);
    EXPECT_EQ(pair.parent.machine(), pair.machine());
    EXPECT_FALSE(pair.child.answered());
    const auto confirm =
        feed_cut(pair.child, *pair.parent.answer(pair.token.secret, pair.token.agency), step);
    ASSERT_TRUE(confirm.ok());
    EXPECT_TRUE(pair.child.answered());
    EXPECT_FALSE(pair.parent.proved());
    ASSERT_TRUE(feed_cut(pair.parent, *confirm, step).ok());
    ASSERT_EQ(pair.parent.need(), Need::kGrant);
    EXPECT_TRUE(pair.parent.proved());
    const Bytes grant(200'000, 7);
    ASSERT_TRUE(pair.parent.grant(grant).ok());
    std::size_t piece_count = 0;
    for (; pair.parent.need() == Need::kSending; ++piece_count) {
      EXPECT_FALSE(pair.child.complete());
      ASSERT_TRUE(feed_cut(pair.child, *pair.parent.next_piece(), step).ok());
    }
    EXPECT_EQ(piece_count, (grant.size() + kGrantPieceBytes - 1) / kGrantPieceBytes);
    ASSERT_TRUE(pair.child.complete());
    EXPECT_EQ(pair.child.grant(), grant);
    EXPECT_FALSE(pair.parent.enrolled());
    ASSERT_TRUE(feed_cut(pair.parent, *pair.child.stored(), step).ok());
    EXPECT_EQ(pair.parent.need(), Need::kNothing);
    EXPECT_TRUE(pair.parent.enrolled());
  }
}

TEST(Enrolment, BringsGrantsAtTheEdgesOfAPieceAcross) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kGrantPieceBytes - 1,
                                 kGrantPieceBytes, kGrantPieceBytes + 1, 2 * kGrantPieceBytes}) {
    EnrolmentPair pair(4);
    pair.prove();
    ASSERT_TRUE(pair.parent.grant(Bytes(size, 9)).ok());
    while (pair.parent.need() == Need::kSending)
      ASSERT_TRUE(pair.child.on_bytes(*pair.parent.next_piece()).ok());
    ASSERT_TRUE(pair.child.complete()) << size;
    EXPECT_EQ(pair.child.grant(), Bytes(size, 9));
  }
}

// As the two sides do it: neither holds more of it than a piece and what comes next.
TEST(Enrolment, StreamsAGrantThatNobodyHoldsWhole) {
  constexpr std::size_t kPieces = 2'100;  // 66 MiB: more than is taken whole
  EnrolmentPair pair(30);
  pair.prove();
  std::size_t given = 0, taken = 0;
  ASSERT_TRUE(pair.parent
                  .stream([&](std::size_t most) -> Result<GrantPiece> {
                    EXPECT_EQ(most, kGrantPieceBytes);
                    return GrantPiece{Bytes(most, 7), ++given == kPieces};
                  })
                  .ok());
  while (pair.parent.need() == Need::kSending) {
    EXPECT_LE(given, taken / kGrantPieceBytes + 1);
    ASSERT_TRUE(pair.child.on_bytes(*pair.parent.next_piece()).ok());
    taken += pair.child.take_grant().size();
    ASSERT_EQ(pair.child.held_bytes(), 0U);
  }
  EXPECT_TRUE(pair.child.complete());
  EXPECT_EQ(taken, kPieces * kGrantPieceBytes);
}

TEST(Enrolment, AGrantThatCannotBeReadOnEndsIt) {
  EnrolmentPair pair(31);
  pair.prove();
  ASSERT_TRUE(pair.parent
                  .stream([&](std::size_t) -> Result<GrantPiece> {
                    return Error(Errc::kCorrupt, "a row is gone");
                  })
                  .ok());
  EXPECT_EQ(code_of(pair.parent.next_piece()), Errc::kCorrupt);
  EXPECT_EQ(pair.parent.need(), Need::kNothing);
}

TEST(Enrolment, TellsTheNewcomerWhyItIsRefused) {
  for (const auto& [refusal, code] : {std::pair(EnrolmentRefusal::kUnknownInvite, Errc::kNotFound),
                                      std::pair(EnrolmentRefusal::kExpired, Errc::kExpired),
                                      std::pair(EnrolmentRefusal::kUsed, Errc::kConflict),
                                      std::pair(EnrolmentRefusal::kNotAllowed, Errc::kNotAllowed),
                                      std::pair(EnrolmentRefusal::kBusy, Errc::kBusy)}) {
    EXPECT_EQ(to_refusal(code), refusal);
    EnrolmentPair early(5);
    ASSERT_TRUE(early.parent.on_bytes(*early.child.start()).ok());
    EXPECT_EQ(code_of(early.child.on_bytes(*early.parent.refuse(refusal))), code);
    EXPECT_TRUE(early.child.answered());
    EXPECT_EQ(early.parent.need(), Need::kNothing);
    EXPECT_FALSE(early.parent.enrolled());
    EnrolmentPair late(6);
    late.prove();
    EXPECT_EQ(code_of(late.child.on_bytes(*late.parent.refuse(refusal))), code);
    EXPECT_EQ(late.parent.need(), Need::kNothing);
    EXPECT_FALSE(late.parent.enrolled());
    EXPECT_FALSE(late.child.complete());
  }
  EXPECT_EQ(to_refusal(Errc::kDiskFull), EnrolmentRefusal::kBusy);
}

// ---- a newcomer that is not what it should be ----

TEST(Enrolment, NeedsTheSecretAndNotOnlyTheInvitationsNumber) {
  EnrolmentPair pair(7);
  ASSERT_TRUE(pair.parent.on_bytes(*pair.child.start()).ok());
  Psk other = pair.token.secret;
  other[0] ^= 1;
  EXPECT_EQ(code_of(pair.child.on_bytes(*pair.parent.answer(other, pair.token.agency))),
            Errc::kBadSignature);
  EXPECT_FALSE(pair.child.answered());
  // Somebody who has only overheard the number goes on all the same.
  EXPECT_EQ(code_of(pair.parent.on_bytes(EnrolmentPair::frame(Bytes(kEnrolmentShortBytes, 1)))),
            Errc::kBadSignature);
  EXPECT_FALSE(pair.parent.proved());
  EXPECT_EQ(code_of(pair.parent.grant({})), Errc::kOutOfOrder);
}

TEST(Enrolment, RefusesARequestForAnotherDeployment) {
  EnrolmentPair pair(8);
  RootFingerprint other = pair.token.root;
  other.bytes[0] ^= 1;
  EnrolmentParent parent(other, pair.parent_key, DhKey(pair.entropy.array<32>()));
  EXPECT_EQ(code_of(parent.on_bytes(*pair.child.start())), Errc::kBadSignature);
}

TEST(Enrolment, RefusesARequestForAnotherMachine) {
  EnrolmentPair pair(9);
  EnrolmentParent parent(pair.token.root, DhKey(pair.entropy.array<32>()),
                         DhKey(pair.entropy.array<32>()));
  EXPECT_EQ(code_of(parent.on_bytes(*pair.child.start())), Errc::kBadSignature);
}

TEST(Enrolment, RefusesANodeKeyThatIsNotTheNewcomersOwn) {
  EnrolmentPair pair(10);
  const NodeKeys others = make_node_keys(pair.entropy);
  const DhPublic& dh = pair.machine().dh;
  const SigningKey& ours = pair.child_keys.signing;
  const auto refused = [&](const Signature& possession, const AgencyId& agency) {
    ByteWriter payload;
    payload.raw(pair.token.invite);
    payload.raw(others.signing.public_key().view());
    payload.raw(possession);
    EnrolmentParent parent(pair.token.root, pair.parent_key, DhKey(pair.entropy.array<32>()));
    EXPECT_TRUE(parent.on_bytes(pair.forged_request(payload.bytes())).ok());
    const Errc code = code_of(parent.answer(pair.token.secret, agency));
    EXPECT_EQ(parent.need(), Need::kNothing);
    return code;
  };
  const AgencyId& agency = pair.token.agency;
  EXPECT_EQ(refused(sign_possession(pair.token.root, agency, ours, dh), agency),
            Errc::kBadSignature);
  // Its owner has signed once, for its own X25519 key: everybody can read that in a certificate.
  EXPECT_EQ(
      refused(sign_possession(pair.token.root, agency, others.signing, others.dh.public_key()),
              agency),
      Errc::kBadSignature);
  // Signed for another agency than the invitation's, or under another root.
  const Signature good = sign_possession(pair.token.root, agency, others.signing, dh);
  AgencyId elsewhere = agency;
  elsewhere.bytes[0] ^= 1;
  EXPECT_EQ(refused(good, elsewhere), Errc::kBadSignature);
  RootFingerprint other_root = pair.token.root;
  other_root.bytes[0] ^= 1;
  EXPECT_EQ(refused(sign_possession(other_root, agency, others.signing, dh), agency),
            Errc::kBadSignature);
}

TEST(Enrolment, RefusesARequestThatIsCutShortInside) {
  for (const std::size_t size : {0UL, 7UL, 40UL, 103UL}) {
    EnrolmentPair pair(11);
    EXPECT_EQ(code_of(pair.parent.on_bytes(pair.forged_request(Bytes(size, 1)))), Errc::kTruncated);
  }
}

TEST(Enrolment, RefusesAConversationThatIsPlayedAgain) {
  EnrolmentPair first(12);
  const Bytes request = *first.child.start();
  ASSERT_TRUE(first.parent.on_bytes(request).ok());
  const Bytes confirm =
      *first.child.on_bytes(*first.parent.answer(first.token.secret, first.token.agency));
  ASSERT_TRUE(first.parent.on_bytes(confirm).ok());
  EnrolmentParent again(first.token.root, first.parent_key, DhKey(first.entropy.array<32>()));
  ASSERT_TRUE(again.on_bytes(request).ok());  // it was made for this machine and proves nothing
  ASSERT_TRUE(again.answer(first.token.secret, first.token.agency).ok());
  EXPECT_EQ(code_of(again.on_bytes(confirm)), Errc::kBadSignature);
  EXPECT_FALSE(again.proved());
}

TEST(Enrolment, RefusesWhatComesBeforeItIsDue) {
  EnrolmentPair early(13);  // with the request
  Bytes request = *early.child.start();
  request.push_back(0);
  EXPECT_EQ(code_of(early.parent.on_bytes(request)), Errc::kOutOfOrder);
  EXPECT_EQ(early.parent.need(), Need::kNothing);
  EnrolmentPair asked(14);  // while the invitation is looked up
  ASSERT_TRUE(asked.parent.on_bytes(*asked.child.start()).ok());
  EXPECT_EQ(code_of(asked.parent.on_bytes(Bytes(1))), Errc::kOutOfOrder);
  EnrolmentPair proved(15);  // "stored", before anything was granted
  ASSERT_TRUE(proved.parent.on_bytes(*proved.child.start()).ok());
  Bytes confirm =
      *proved.child.on_bytes(*proved.parent.answer(proved.token.secret, proved.token.agency));
  confirm.insert(confirm.end(), {17, 0, 1});
  EXPECT_EQ(code_of(proved.parent.on_bytes(confirm)), Errc::kOutOfOrder);
  EnrolmentPair sending(16);
  sending.prove();
  ASSERT_TRUE(sending.parent.grant(Bytes(100'000)).ok());
  ASSERT_TRUE(sending.parent.next_piece().ok());
  EXPECT_EQ(code_of(sending.parent.on_bytes(Bytes(1))), Errc::kOutOfOrder);
}

TEST(Enrolment, RefusesAMessageOutOfTurn) {
  for (const std::uint8_t type : Bytes{0, 2, 3, 4, 5, 255}) {  // where kConfirm is due
    EnrolmentPair pair(17);
    auto transport = pair.hostile_child_shakes_hands();
    const Bytes message = *transport.send.encrypt({}, Bytes{type});
    EXPECT_EQ(code_of(pair.parent.on_bytes(EnrolmentPair::frame(message))), Errc::kOutOfOrder);
    EXPECT_FALSE(pair.parent.proved());
  }
  EnrolmentPair empty(18);
  auto transport = empty.hostile_child_shakes_hands();
  EXPECT_EQ(
      code_of(empty.parent.on_bytes(EnrolmentPair::frame(*transport.send.encrypt({}, ByteView())))),
      Errc::kOutOfOrder);
}

TEST(Enrolment, HoldsLittleForAStranger) {
  EnrolmentPair pair(19);
  const Bytes request = *pair.child.start();
  for (std::size_t i = 0; i + 1 < request.size(); ++i) {  // it drips
    ASSERT_TRUE(pair.parent.on_bytes(ByteView(request).subspan(i, 1)).ok());
    ASSERT_EQ(pair.parent.need(), Need::kBytes);
    ASSERT_LE(pair.parent.held_bytes(), kEnrolmentRequestBytes + 2);
  }
  ASSERT_TRUE(pair.parent.on_bytes(ByteView(request).last(1)).ok());
  EXPECT_EQ(pair.parent.need(), Need::kInvitation);
  EXPECT_EQ(pair.parent.held_bytes(), 0U);
  // A longer message is refused by its length, before any of it has come.
  EnrolmentPair greedy(20);
  EXPECT_EQ(code_of(greedy.parent.on_bytes(Bytes{1, 3, 201, 0})), Errc::kTooLarge);
  EXPECT_EQ(greedy.parent.held_bytes(), 0U);
  EnrolmentPair later(21);
  ASSERT_TRUE(later.parent.on_bytes(*later.child.start()).ok());
  ASSERT_TRUE(later.parent.answer(later.token.secret, later.token.agency).ok());
  EXPECT_EQ(code_of(later.parent.on_bytes(Bytes{18, 0})), Errc::kTooLarge);
}

TEST(Enrolment, RefusesRubbishFrames) {
  const auto parent_says = [](const Bytes& bytes) {
    EnrolmentPair pair(22);
    return code_of(pair.parent.on_bytes(bytes));
  };
  EXPECT_EQ(parent_says({1, 3, 0, 0}), Errc::kMalformed);  // a length of 0
  EXPECT_EQ(parent_says({2}), Errc::kMalformed);
  EXPECT_EQ(parent_says({1, 1}), Errc::kMalformed);  // a session's preamble
  EXPECT_EQ(parent_says({1, 3, 255, 255}), Errc::kTooLarge);
  EXPECT_EQ(parent_says({1, 3, 3, 0, 9, 9, 9}), Errc::kTruncated);
  const auto child_says = [](const Bytes& bytes) {
    EnrolmentPair pair(23);
    EXPECT_TRUE(pair.child.start().ok());
    const Errc code = code_of(pair.child.on_bytes(bytes));
    EXPECT_FALSE(pair.child.answered());  // whoever is there need not be the parent
    return code;
  };
  EXPECT_EQ(child_says({0, 0}), Errc::kMalformed);
  EXPECT_EQ(child_says({2, 0, 9, 9}), Errc::kMalformed);
  EXPECT_EQ(child_says({1, 0, 0}), Errc::kMalformed);  // no such refusal
  EXPECT_EQ(child_says({1, 0, 6}), Errc::kMalformed);
  EXPECT_EQ(child_says({49, 0}), Errc::kTooLarge);
  Bytes forged{48, 0};
  forged.resize(50, 9);
  EXPECT_EQ(child_says(forged), Errc::kBadSignature);
}

TEST(Enrolment, RefusesKeysOfSmallOrder) {
  EnrolmentPair pair(24);
  Bytes request = *pair.child.start();
  std::fill(request.begin() + 4, request.begin() + 36, std::uint8_t{0});  // the ephemeral key
  EXPECT_EQ(code_of(pair.parent.on_bytes(request)), Errc::kMalformed);
  Token token = pair.token;
  token.parent_dh_key = {};  // a token can be forged by anybody
  EnrolmentChild child(token, pair.child_keys, DhKey(pair.entropy.array<32>()));
  EXPECT_EQ(code_of(child.start()), Errc::kMalformed);
}

// ---- a parent that is not what it should be ----

TEST(Enrolment, BearsAParentThatKnowsTheSecretAndSaysRubbish) {
  const auto child_says = [](const std::vector<Bytes>& messages) {
    EnrolmentPair pair(25);
    auto transport = pair.hostile_parent_shakes_hands();
    Result<Bytes> last = Bytes();
    for (const Bytes& message : messages) {
      EXPECT_TRUE(last.ok());
      last = pair.child.on_bytes(EnrolmentPair::frame(*transport.send.encrypt({}, message)));
    }
    EXPECT_FALSE(pair.child.complete());
    EXPECT_TRUE(pair.child.grant().empty());
    return code_of(last);
  };
  EXPECT_EQ(child_says({{}}), Errc::kOutOfOrder);
  EXPECT_EQ(child_says({{0}}), Errc::kOutOfOrder);
  EXPECT_EQ(child_says({{1}}), Errc::kOutOfOrder);
  EXPECT_EQ(child_says({{4}}), Errc::kOutOfOrder);
  EXPECT_EQ(child_says({{5}}), Errc::kMalformed);
  EXPECT_EQ(child_says({{5, 0}}), Errc::kMalformed);
  EXPECT_EQ(child_says({{5, 1, 1}}), Errc::kMalformed);
  EXPECT_EQ(child_says({{2, 7}, {5, 2}}), Errc::kExpired);
  EXPECT_EQ(child_says({{2, 7}, {3, 8}, {2, 9}}), Errc::kOutOfOrder);
}

TEST(Enrolment, RefusesAGrantThatWasChangedOnItsWay) {
  EnrolmentPair pair(26);
  pair.prove();
  ASSERT_TRUE(pair.parent.grant(Bytes(100'000, 7)).ok());
  const Bytes first = *pair.parent.next_piece(), second = *pair.parent.next_piece();
  EnrolmentChild swapped = pair.child, changed = pair.child;
  EXPECT_EQ(code_of(swapped.on_bytes(second)), Errc::kBadSignature);
  Bytes spoilt = first;
  spoilt.back() ^= 1;
  EXPECT_EQ(code_of(changed.on_bytes(spoilt)), Errc::kBadSignature);
  ASSERT_TRUE(pair.child.on_bytes(first).ok());
  EXPECT_EQ(code_of(pair.child.on_bytes(first)), Errc::kBadSignature);  // twice
}

TEST(Enrolment, RefusesAGrantWithoutEnd) {
  EnrolmentPair large(27);
  auto transport = large.hostile_parent_shakes_hands();
  Bytes piece(60'000, 7);
  piece[0] = 2;
  Result<Bytes> last = Bytes();
  std::size_t sent = 0;
  while (last.ok() && sent <= kGrantBytesMax + piece.size()) {
    last = large.child.on_bytes(EnrolmentPair::frame(*transport.send.encrypt({}, piece)));
    sent += piece.size() - 1;
    ASSERT_LE(large.child.held_bytes(), kGrantBytesMax);
  }
  EXPECT_EQ(code_of(last), Errc::kTooLarge);
  EXPECT_GT(sent, kGrantBytesMax);
  EXPECT_EQ(large.child.held_bytes(), 0U);
  EnrolmentPair many(28);  // pieces with nothing in them
  auto second = many.hostile_parent_shakes_hands();
  last = Bytes();
  std::size_t count = 0;
  for (; last.ok() && count <= kGrantPieceCountMax; ++count)
    last = many.child.on_bytes(EnrolmentPair::frame(*second.send.encrypt({}, Bytes{2})));
  EXPECT_EQ(code_of(last), Errc::kTooLarge);
  EXPECT_EQ(count, kGrantPieceCountMax + 1);
}

TEST(Enrolment, DoesNotBeginToSendAGrantThatIsTooLarge) {
  EnrolmentPair pair(29);
  pair.prove();
  EXPECT_EQ(code_of(pair.parent.grant(Bytes(kGrantBytesMax + 1))), Errc::kTooLarge);
  ASSERT_EQ(pair.parent.need(), Need::kGrant);  // so the newcomer can be told
  EXPECT_EQ(code_of(pair.child.on_bytes(*pair.parent.refuse(EnrolmentRefusal::kBusy))),
            Errc::kBusy);
}

// ---- a driver that calls out of turn ----

TEST(Enrolment, BearsCallsOutOfTurn) {
  EnrolmentPair pair(30);
  EXPECT_EQ(code_of(pair.child.on_bytes(Bytes{1, 0, 1})), Errc::kOutOfOrder);  // before start()
  EXPECT_EQ(code_of(pair.child.stored()), Errc::kOutOfOrder);
  const auto nothing_is_due = [&] {
    EXPECT_EQ(code_of(pair.parent.answer(pair.token.secret, pair.token.agency)), Errc::kOutOfOrder);
    EXPECT_EQ(code_of(pair.parent.grant({})), Errc::kOutOfOrder);
    EXPECT_EQ(code_of(pair.parent.next_piece()), Errc::kOutOfOrder);
    EXPECT_EQ(code_of(pair.parent.refuse(EnrolmentRefusal::kBusy)), Errc::kOutOfOrder);
  };
  nothing_is_due();
  const Bytes request = *pair.child.start();
  EXPECT_EQ(code_of(pair.child.start()), Errc::kOutOfOrder);
  ASSERT_TRUE(pair.parent.on_bytes(request).ok());
  EXPECT_EQ(code_of(pair.parent.grant({})), Errc::kOutOfOrder);
  EXPECT_EQ(code_of(pair.parent.next_piece()), Errc::kOutOfOrder);
  const Bytes answer = *pair.parent.answer(pair.token.secret, pair.token.agency);
  nothing_is_due();  // until the newcomer has confirmed
  const Bytes confirm = *pair.child.on_bytes(answer);
  EXPECT_EQ(code_of(pair.child.stored()), Errc::kOutOfOrder);
  ASSERT_TRUE(pair.parent.on_bytes(confirm).ok());
  EXPECT_EQ(code_of(pair.parent.answer(pair.token.secret, pair.token.agency)), Errc::kOutOfOrder);
  ASSERT_TRUE(pair.parent.grant(Bytes(10, 1)).ok());
  EXPECT_EQ(code_of(pair.parent.refuse(EnrolmentRefusal::kBusy)), Errc::kOutOfOrder);
  ASSERT_TRUE(pair.child.on_bytes(*pair.parent.next_piece()).ok());
  nothing_is_due();
  const Bytes stored = *pair.child.stored();
  EXPECT_EQ(code_of(pair.child.stored()), Errc::kOutOfOrder);
  EXPECT_TRUE(pair.child.complete());
  ASSERT_TRUE(pair.parent.on_bytes(stored).ok());
  nothing_is_due();
  EXPECT_TRUE(pair.parent.on_bytes(stored).ok());  // passed over: all is done
  EXPECT_TRUE(pair.parent.enrolled());
}

TEST(Enrolment, KeepsToItsFirstError) {
  EnrolmentPair pair(31);
  ASSERT_TRUE(pair.child.start().ok());
  EXPECT_EQ(code_of(pair.child.on_bytes(Bytes{0, 0})), Errc::kMalformed);
  EXPECT_EQ(code_of(pair.child.on_bytes(Bytes{1, 0, 2})), Errc::kMalformed);
  EXPECT_EQ(code_of(pair.child.start()), Errc::kOutOfOrder);
  EXPECT_EQ(code_of(pair.parent.on_bytes(Bytes{1, 3, 255, 255})), Errc::kTooLarge);
  EXPECT_EQ(code_of(pair.parent.on_bytes(Bytes{1, 3})), Errc::kTooLarge);
  EXPECT_EQ(pair.parent.need(), Need::kNothing);
  EXPECT_EQ(code_of(pair.parent.answer(pair.token.secret, pair.token.agency)), Errc::kOutOfOrder);
}

}  // namespace
}  // namespace lienthong
