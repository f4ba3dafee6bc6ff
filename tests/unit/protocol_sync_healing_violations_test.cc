// What a peer may not say, and what becomes of it.
#include "tests/support/fake_feeds.h"

namespace lienthong {
namespace {

using namespace test;

// What a peer may not say, each after a beginning that is right.
struct Asked : Pair {
  std::uint64_t their_count = 0;
  Asked() {
    fill(800, 10, 0);
    tick(100ms);
    now += 3s;
    a.healing.on_tick(now);
    settle(a);  // it has asked
    a.outgoing.clear();
  }
  Result<void> say(heal::Content content, std::uint8_t run = 1) {
    auto result =
        a.healing.on_message(heal::encode_body({FeedKind::kUpdates, run, std::move(content)}), now);
    settle(a);
    return result;
  }
  Result<void> differ(std::uint64_t symbols = 40) {
    heal::Differ differ;
    differ.count = 800;
    differ.symbol_count = symbols;
    return say(differ);
  }
};

TEST(Healing, RefusesMoreSymbolsThanTwiceTheSmallerFeed) {
  Asked asked;
  EXPECT_EQ(asked.differ(1601).error().code(), Errc::kTooLarge);
}

TEST(Healing, RefusesSymbolsThatNobodyAskedFor) {
  Asked asked;
  heal::Symbols symbols{0, 1, Bytes(7)};
  EXPECT_EQ(asked.say(symbols).error().code(), Errc::kOutOfOrder);
  ASSERT_TRUE(asked.differ().ok());
  symbols = {5, 1, Bytes(7)};
  EXPECT_EQ(asked.say(symbols).error().code(), Errc::kOutOfOrder);
  symbols = {0, 41, Bytes(41 * 7)};
  EXPECT_EQ(asked.say(symbols).error().code(), Errc::kTooLarge);
}

TEST(Healing, EndsWithTheFeedWhenSymbolsAreMadeUp) {
  Asked asked;
  ASSERT_TRUE(asked.differ().ok());
  std::mt19937_64 mixer(4);
  for (int round = 0; round < 20; ++round) {
    std::uint64_t upto = 40, first = 0;
    for (const Bytes& body : std::exchange(asked.a.outgoing, {})) {
      const auto decoded = heal::decode_body(body);
      if (const auto* more = std::get_if<heal::More>(&decoded->content)) upto = more->symbol_count;
    }
    if (upto == 0) break;
    first = round == 0 ? 0 : 40;
    std::vector<CodedSymbol> made_up(upto - first);
    for (CodedSymbol& symbol : made_up)
      symbol = {mixer() >> 24, static_cast<std::uint8_t>(mixer()), 3};
    ByteWriter out;
    encode_symbols(out, made_up, 5);
    ASSERT_TRUE(asked.say(heal::Symbols{first, made_up.size(), out.take()}).ok());
  }
  EXPECT_GT(asked.a.part_bytes, 0U);  // all of the feed, as if there were no healing
}

TEST(Healing, RefusesMorePartsThanTheWindow) {
  Asked asked;
  asked.a.stores = false;
  ASSERT_TRUE(asked.differ(0).ok());
  FeedPart part;
  Statement statement;
  statement.body = Bytes(60 * 1024, 1);
  part.statements.push_back(statement);
  const Bytes body = wire::encode_part_body(kHealRoot, part);
  Result<void> result = asked.say(heal::Part{body});
  for (int i = 0; i < 10 && result.ok(); ++i) result = asked.say(heal::Part{body});
  EXPECT_EQ(result.error().code(), Errc::kTooLarge);
}

TEST(Healing, RefusesAWantForMoreThanThereIs) {
  Pair pair;
  pair.fill(800, 0, 0);
  heal::Ask ask;
  ask.cursor_lost = true;
  ask.count = 790;
  ASSERT_TRUE(
      pair.b.healing.on_message(heal::encode_body({FeedKind::kUpdates, 9, ask}), pair.now).ok());
  pair.settle(pair.b);
  heal::Want want;
  want.bits = 40;
  for (ShortId id = 0; id < 801; ++id) want.beginnings.push_back(id);
  const auto result =
      pair.b.healing.on_message(heal::encode_body({FeedKind::kUpdates, 9, want}), pair.now);
  EXPECT_EQ(result.error().code(), Errc::kTooLarge);
  want.beginnings = {5};
  want.bits = 41;  // short ids have 40
  EXPECT_EQ(pair.b.healing.on_message(heal::encode_body({FeedKind::kUpdates, 9, want}), pair.now)
                .error()
                .code(),
            Errc::kMalformed);
}

TEST(Healing, PassesOverMessagesOfARunThatIsOver) {
  Asked asked;
  EXPECT_TRUE(asked.say(heal::Stored{5}, 7).ok());
  EXPECT_TRUE(asked.say(heal::Part{Bytes(3)}, 7).ok());
  EXPECT_TRUE(asked.a.reports.empty());
}

// A channel that changes, drops and repeats messages: each is refused or taken, nothing breaks, and
// what is taken in is only ever what the other side holds.
TEST(Healing, SurvivesWhateverIsDoneToItsMessages) {
  std::size_t refused = 0, healed = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    std::mt19937_64 dice(seed);
    Pair pair;
    pair.fill(300, dice() % 40, dice() % 40);
    std::set<IdPrefix> all = pair.a.feed.held();
    all.insert(pair.b.feed.held().begin(), pair.b.feed.held().end());
    const auto hand_over = [&](Machine& from, Machine& to) {
      for (Bytes body : std::exchange(from.outgoing, {})) {
        const bool part = body[0] == 7;  // what it bears is sealed: the store finds changes out
        if (dice() % 8 == 0 && !part)
          body[dice() % body.size()] ^= static_cast<std::uint8_t>(dice());
        if (dice() % 20 == 0 && !part) body.resize(dice() % body.size());
        if (dice() % 20 == 0) continue;
        for (std::uint64_t times = dice() % 20 == 0 ? 2 : 1; times > 0; --times) {
          refused += !to.healing.on_message(body, pair.now).ok();
          pair.settle(to);
        }
      }
    };
    for (int step = 0; step < 60; ++step) {
      pair.now += std::chrono::seconds(dice() % 40);
      if (step % 20 == 0)
        (dice() % 2 == 0 ? pair.a : pair.b).healing.on_lost_cursor(FeedKind::kUpdates, pair.now);
      pair.a.healing.on_tick(pair.now);
      pair.b.healing.on_tick(pair.now);
      pair.settle(pair.a);
      pair.settle(pair.b);
      hand_over(pair.a, pair.b);
      hand_over(pair.b, pair.a);
    }
    EXPECT_TRUE(std::ranges::includes(all, pair.a.feed.held()));
    EXPECT_TRUE(std::ranges::includes(all, pair.b.feed.held()));
    healed += pair.same();
  }
  EXPECT_GT(refused, 100U);
  EXPECT_GT(healed, 30U);
}

TEST(HealingBody, RefusesWhatCannotBe) {
  const Bytes good = heal::encode_body({FeedKind::kUpdates, 3, heal::Done{FeedMark{1, 2, 3}}});
  ASSERT_TRUE(heal::decode_body(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(heal::decode_body(ByteView(good).first(size)).error().code(), Errc::kTruncated);
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(heal::decode_body(longer).error().code(), Errc::kMalformed);
  Bytes type = good;
  type[0] = 11;
  EXPECT_EQ(heal::decode_body(type).error().code(), Errc::kMalformed);
  Bytes kind = good;
  kind[1] = 2;
  EXPECT_EQ(heal::decode_body(kind).error().code(), Errc::kMalformed);
  Bytes flag = heal::encode_body({FeedKind::kUpdates, 3, heal::Ask{}});
  flag[3] = 4;
  EXPECT_EQ(heal::decode_body(flag).error().code(), Errc::kMalformed);
  const Bytes ghost = heal::encode_body({FeedKind::kUpdates, 3, heal::Done{FeedMark{1, 0, 3}}});
  EXPECT_EQ(heal::decode_body(ghost).error().code(), Errc::kMalformed);
  ByteWriter many;
  many.raw(Bytes{6, 1, 3, 1, 40});
  many.varint(kHealWantCountMax + 1);
  EXPECT_EQ(heal::decode_body(many.bytes()).error().code(), Errc::kTooLarge);
  const Bytes wants = heal::encode_body({FeedKind::kUpdates, 3, heal::Want{true, 9, {3, 511}}});
  ASSERT_TRUE(heal::decode_body(wants).ok());
  for (const std::uint8_t bits : Bytes{0, 49, 8}) {  // none; too many; 511 has 9
    Bytes changed = wants;
    changed[4] = bits;
    EXPECT_EQ(heal::decode_body(changed).error().code(), Errc::kMalformed) << int{bits};
  }
  Bytes left_over = wants;
  left_over.push_back(0);
  EXPECT_EQ(heal::decode_body(left_over).error().code(), Errc::kMalformed);
  left_over.insert(left_over.end(), 8, 1);
  EXPECT_EQ(heal::decode_body(left_over).error().code(), Errc::kMalformed);
  Bytes cut = wants;
  cut[5] = 200;  // so many are not there
  EXPECT_FALSE(heal::decode_body(cut).ok());
}

// Found by a fuzzer: many beginnings one after another are many zeros, of which none is written.
TEST(HealingBody, AWantHasOneSpelling) {
  const Bytes written = *from_hex("060103011f2504250438");
  const auto want = heal::decode_body(written);
  ASSERT_TRUE(want.ok()) << want.error().message();
  EXPECT_EQ(std::get<heal::Want>(want->content).beginnings.size(), 0x25U);
  EXPECT_EQ(heal::encode_body(*want), written);
  const Bytes longer = *from_hex("060103011f250425043800000000000000000040");
  EXPECT_EQ(heal::decode_body(longer).error().code(), Errc::kMalformed);
  for (const std::size_t count : {0U, 1U, 2U, 8'000U}) {
    heal::Want all{true, 40, {}};
    for (std::size_t i = 0; i < count; ++i) all.beginnings.push_back(i);
    const auto back = heal::decode_body(heal::encode_body({FeedKind::kUpdates, 3, all}));
    ASSERT_TRUE(back.ok()) << count;
    EXPECT_EQ(std::get<heal::Want>(back->content).beginnings, all.beginnings) << count;
  }
}

TEST(Healing, UnclearAndAgainNeedSomethingThatWasNamedShortly) {
  Asked asked;
  ASSERT_TRUE(asked.differ(0).ok());  // both send all, here in full
  EXPECT_EQ(asked.say(heal::Unclear{}).error().code(), Errc::kOutOfOrder);
  EXPECT_EQ(asked.say(heal::Again{true, {}}).error().code(), Errc::kOutOfOrder);
}

}  // namespace
}  // namespace lienthong
