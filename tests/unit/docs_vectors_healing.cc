// Theme "healing": what a feed holds in few bytes, coded symbols, a difference taken out of them,
// and all messages of one run.
#include <algorithm>

#include "protocol/sync/healing_wire.h"
#include "protocol/sync/riblt.h"
#include "tests/support/fake_feeds.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

constexpr std::uint64_t kAskerNonce = 11, kAnswererNonce = 22;  // as test::Pair has them
constexpr std::uint64_t kBoth = 40, kOnlyAsker = 3, kOnlyAnswerer = 2;

Bytes joined(const std::set<IdPrefix>& ids) {
  ByteWriter out;
  for (const IdPrefix& id : ids) out.raw(id);
  return out.take();
}

// What only the first of the two holds.
std::set<IdPrefix> without(const std::set<IdPrefix>& one, const std::set<IdPrefix>& other) {
  std::set<IdPrefix> out;
  std::ranges::set_difference(one, other, std::inserter(out, out.end()));
  return out;
}

Bytes short_ids(const SymbolKey& key, const std::set<IdPrefix>& ids) {
  ByteWriter out;
  for (const IdPrefix& id : ids) {
    const ShortId value = key.short_id(id);
    for (std::size_t i = 0; i < key.id_bytes(); ++i)
      out.u8(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  return out.take();
}

Bytes encoded(std::span<const CodedSymbol> symbols, std::size_t id_bytes) {
  ByteWriter out;
  encode_symbols(out, symbols, id_bytes);
  return out.take();
}

std::vector<CodedSymbol> sketch(const SymbolKey& key, const std::set<IdPrefix>& ids,
                                std::size_t size) {
  Sketch out(key, size);
  std::vector<ShortId> shorts;
  for (const IdPrefix& id : ids) shorts.push_back(key.short_id(id));
  out.add(shorts);
  return {out.symbols().begin(), out.symbols().end()};
}

std::string list(std::vector<std::uint64_t> numbers) {
  std::string out;
  for (const std::uint64_t number : numbers)
    out += (out.empty() ? "" : " ") + std::to_string(number);
  return out;
}

void keys(const SymbolKey& key, const std::string& name, const IdPrefix& id, Theme& out) {
  const ShortId value = key.short_id(id);
  out.result(name + ".short_id", value);
  out.result(name + ".check", std::uint64_t{key.check_of(value)});
  SymbolSequence at(value);
  std::vector<std::uint64_t> indices;
  for (; indices.size() < 12; at.advance()) indices.push_back(at.index());
  out.result(name + ".symbols", std::string_view(list(indices)));
}

void symbols(const std::set<IdPrefix>& asker, const std::set<IdPrefix>& answerer, Theme& out) {
  const SymbolKey key(test::kHealRoot, kAskerNonce, kAnswererNonce, asker.size());
  ByteWriter nonces;
  nonces.u64(kAskerNonce);
  nonces.u64(kAnswererNonce);
  out.result("key", hash(kTagHeal, test::kHealRoot, ByteView(nonces.bytes())));
  keys(key, "id", *asker.begin(), out);
  const SymbolKey large(test::kHealRoot, kAskerNonce, kAnswererNonce, (1U << 20) + 1);
  keys(large, "id.large_feed", *asker.begin(), out);
  out.result("asker.short_ids", short_ids(key, asker));
  out.result("answerer.short_ids", short_ids(key, answerer));
  constexpr std::size_t kSymbolCount = 24;
  const auto ours = sketch(key, asker, kSymbolCount), theirs = sketch(key, answerer, kSymbolCount);
  const auto difference = subtract(theirs, ours);
  out.result("asker.symbols", encoded(ours, key.id_bytes()));
  out.result("answerer.symbols", encoded(theirs, key.id_bytes()));
  out.result("difference.symbols", encoded(difference, key.id_bytes()));
  const auto taken = peel(key, difference);
  LT_CHECK(taken.has_value());
  out.result("difference.only_asker", std::string_view(list(taken->ours)));
  out.result("difference.only_answerer", std::string_view(list(taken->theirs)));
  std::vector<ShortId> expected;
  for (const IdPrefix& id : without(asker, answerer)) expected.push_back(key.short_id(id));
  std::ranges::sort(expected);
  LT_CHECK(taken->ours == expected);
}

// Bodies that a run of two small feeds does not bring.
void bodies(Theme& out) {
  const auto body = [&](const std::string& name, const heal::Content& content) {
    const heal::Body value{FeedKind::kUpdates, 5, content};
    const Bytes bytes = heal::encode_body(value);
    LT_CHECK(*heal::decode_body(bytes) == value);
    out.result("body." + name, bytes);
  };
  body("ask", heal::Ask{true, true, 1000, filled<16>(0x33), 0x0102030405060708});
  body("equal", heal::Equal{false, true, 1000});
  body("busy", heal::Busy{});
  body("differ", heal::Differ{true, 1000, filled<16>(0x44), 0x1112131415161718, 64});
  body("more", heal::More{300});
  body("want", heal::Want{false, 20, {5, 6, 100, 0xfffff}});
  body("want.none", heal::Want{true, 10, {}});
  body("stored", heal::Stored{2});
  body("done", heal::Done{{kEpoch, 300, 0x99}});
  body("stop", heal::Stop{});
  body("unclear", heal::Unclear{});
  body("again", heal::Again{true, Bytes{2, 0}});
}

// All messages of a run, by turns. Entries are statements that bear nothing but the beginning of
// their id.
void run(Theme& out) {
  test::Pair pair;
  pair.fill(kBoth, kOnlyAsker, kOnlyAnswerer);
  std::size_t number = 0;
  const auto deliver = [&](test::Machine& from, test::Machine& to, const char* who) {
    for (const Bytes& body : from.outgoing)
      out.result("run." + std::to_string(++number) + '.' + who, body);
    LT_CHECK(pair.deliver(from, to).ok());
  };
  for (int i = 0; i < 2; ++i) {
    pair.now += std::chrono::seconds(3);
    pair.a.healing.on_tick(pair.now);
    pair.b.healing.on_tick(pair.now);
    for (;;) {
      pair.settle(pair.a);
      pair.settle(pair.b);
      if (pair.a.outgoing.empty() && pair.b.outgoing.empty()) break;
      deliver(pair.a, pair.b, "asker");
      deliver(pair.b, pair.a, "answerer");
    }
  }
  LT_CHECK(pair.same());
  LT_CHECK(test::last(pair.a).outcome == HealOutcome::kHealed);
  LT_CHECK(test::last(pair.a).they_lacked == kOnlyAsker);
  LT_CHECK(test::last(pair.a).we_lacked == kOnlyAnswerer);
}

}  // namespace

void healing(Theme& out) {
  test::Pair pair;
  pair.fill(kBoth, kOnlyAsker, kOnlyAnswerer);
  out.input("root", test::kHealRoot);
  out.input("asker.nonce", kAskerNonce);
  out.input("answerer.nonce", kAnswererNonce);
  out.input("asker.ids", joined(pair.a.feed.held()));
  out.input("answerer.ids", joined(pair.b.feed.held()));
  const auto digest = *pair.a.feed.feed_digest(FeedKind::kUpdates, {}, ReplicaView::UpTo::kEnd);
  out.result("asker.count", digest.count);
  out.result("asker.sum", digest.sum);
  symbols(pair.a.feed.held(), pair.b.feed.held(), out);
  bodies(out);
  run(out);
}

}  // namespace lienthong::vectors
