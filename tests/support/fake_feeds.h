// Feeds of made-up entries and two healing machines over them, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <set>

#include "protocol/sync/healing.h"
#include "protocol/wire/part.h"
#include "tests/support/empty_view.h"

namespace lienthong::test {

using namespace std::chrono_literals;

inline const RootFingerprint kHealRoot{};

inline IdPrefix prefix(std::uint64_t number) {
  std::mt19937_64 mixer(number);
  IdPrefix out;
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(mixer());
  return out;
}

// A feed of made-up entries: statements that bear nothing but their id.
class FakeFeed final : public EmptyView {
 public:
  explicit FakeFeed(std::uint64_t epoch) { mark_.epoch = epoch; }
  void add(std::uint64_t number) { add(prefix(number)); }
  void add(const IdPrefix& id) {
    if (!held_.insert(id).second) return;
    ids_.push_back(id);
    mark_.number = ids_.size();
    mark_.hash = mark_.hash * 31 + id[0] + 1;
    digest_.reset();
  }
  void withdraw(std::size_t place) {
    held_.erase(ids_.at(place - 1));
    ids_.at(place - 1) = IdPrefix{};
    digest_.reset();
  }
  const std::set<IdPrefix>& held() const { return held_; }
  const FeedMark& mark() const { return mark_; }
  mutable std::size_t scanned = 0, read = 0;
  std::set<IdPrefix> refuses;  // what it is sent of these it does not take
  bool unreadable = false;
  bool unsealed = false;  // something waits to be sealed

  FeedMark feed_end(FeedKind, const AgencyId&) const override { return mark_; }
  std::optional<FeedDigest> feed_digest(FeedKind kind, const AgencyId&, UpTo up_to) const override {
    if (kind == FeedKind::kRegistry) return FeedDigest{};
    if (up_to == UpTo::kSealed && unsealed) return std::nullopt;
    if (digest_) return digest_;
    FeedDigest& digest = digest_.emplace();
    digest.mark = mark_;
    digest.count = held_.size();
    for (const IdPrefix& id : held_) {
      unsigned carry = 0;
      for (std::size_t i = 0; i < id.size(); ++i) {
        carry += static_cast<unsigned>(digest.sum[i]) + id[i];
        digest.sum[i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
      }
    }
    return digest;
  }
  std::vector<IdPrefix> feed_ids(FeedKind, const AgencyId&, std::uint64_t first,
                                 std::size_t limit) const override {
    std::vector<IdPrefix> out;
    for (std::uint64_t at = first; at <= ids_.size() && out.size() < limit; ++at)
      out.push_back(ids_[at - 1]);
    scanned += out.size();
    return out;
  }
  Result<Entries> read_entries(FeedKind, const AgencyId&, std::span<const std::uint64_t> places,
                               std::size_t bytes_max) const override {
    if (unreadable) return Error(Errc::kIo, "made up");
    Entries out;
    for (; out.taken < places.size() && 256 * out.part.statements.size() < bytes_max; ++out.taken) {
      const IdPrefix& id = ids_.at(places[out.taken] - 1);
      if (id == IdPrefix{}) continue;
      Statement statement;
      statement.body = to_bytes(id);
      out.part.statements.push_back(statement);
      ++read;
    }
    return out;
  }

 private:
  FeedMark mark_;
  mutable std::optional<FeedDigest> digest_;  // of what is there now
  std::vector<IdPrefix> ids_;
  std::set<IdPrefix> held_;
};

struct Machine {
  FakeFeed feed;
  Healing healing;
  Healing* told = nullptr;  // the other end's
  std::deque<Bytes> outgoing;
  std::vector<HealReport> reports;
  std::optional<FeedMark> cursor;
  std::size_t sent_bytes = 0, part_bytes = 0, messages = 0, received = 0, twice = 0;
  bool quiet = true;
  std::uint64_t flows_from = UINT64_MAX;
  bool stores = true;

  Machine(std::uint64_t epoch, bool leads, std::shared_ptr<HealMemory> memory)
      : feed(epoch), healing(feed, config(epoch, leads, std::move(memory))) {}

  HealingConfig config(std::uint64_t nonce, bool leads, std::shared_ptr<HealMemory> memory) {
    HealingConfig out;
    out.root = kHealRoot;
    out.leads = leads;
    out.nonce = nonce;
    out.memory = std::move(memory);
    out.quiet = [this](FeedKind) { return quiet; };
    out.flows_from = [this](FeedKind) { return flows_from; };
    return out;
  }
  void perform(Instant now) {
    for (;;) {
      auto actions = healing.take_actions();
      if (actions.empty()) return;
      for (HealAction& action : actions) {
        if (auto* send = std::get_if<SendHeal>(&action)) {
          const auto body = heal::decode_body(send->body);
          ASSERT_TRUE(body.ok()) << body.error().message();
          EXPECT_EQ(heal::encode_body(*body), send->body);
          const bool part = std::holds_alternative<heal::Part>(body->content);
          (part ? part_bytes : sent_bytes) += send->body.size();
          ++messages;
          outgoing.push_back(std::move(send->body));
        } else if (auto* store = std::get_if<StoreHealed>(&action)) {
          if (stores) take(*store, now);
        } else if (auto* set = std::get_if<SetCursor>(&action)) {
          cursor = set->mark;
          told->on_peer_cursor(set->kind, now);
          healing.on_cursor_set(set->kind, now);
        } else {
          reports.push_back(std::get<HealReport>(action));
        }
      }
    }
  }
  void take(const StoreHealed& store, Instant now) {
    EXPECT_TRUE(store.part.covered.empty());
    const auto part = wire::decode_part_body(kHealRoot, store.part.body);
    ASSERT_TRUE(part.ok());
    for (const Statement& statement : part->statements) {
      IdPrefix id;
      std::ranges::copy(statement.body, id.begin());
      ++received;
      if (feed.refuses.contains(id)) continue;
      twice += feed.held().contains(id);
      feed.add(id);
    }
    healing.on_stored(store.token, now);
  }
};

struct Pair {
  std::shared_ptr<HealMemory> a_memory = std::make_shared<HealMemory>();
  std::shared_ptr<HealMemory> b_memory = std::make_shared<HealMemory>();
  Machine a{11, true, a_memory}, b{22, false, b_memory};
  Instant now = Instant(1000s);
  int turns = 0;  // half round trips with something in them

  Pair() {
    a.told = &b.healing;
    b.told = &a.healing;
  }

  void fill(std::uint64_t both, std::uint64_t only_a, std::uint64_t only_b) {
    for (std::uint64_t i = 0; i < both; ++i) {
      a.feed.add(i);
      b.feed.add(both - 1 - i);  // in another order
    }
    for (std::uint64_t i = 0; i < only_a; ++i) a.feed.add(1'000'000 + i);
    for (std::uint64_t i = 0; i < only_b; ++i) b.feed.add(2'000'000 + i);
  }
  void settle(Machine& machine) {
    machine.perform(now);
    while (machine.healing.has_work()) {
      machine.healing.work(now);
      machine.perform(now);
    }
  }
  Result<void> deliver(Machine& from, Machine& to) {
    std::deque<Bytes> bytes = std::exchange(from.outgoing, {});
    turns += !bytes.empty();
    for (const Bytes& body : bytes) {
      LT_TRY_VOID(to.healing.on_message(body, now));
      settle(to);
    }
    return {};
  }
  void run() {
    for (;;) {
      settle(a);
      settle(b);
      if (a.outgoing.empty() && b.outgoing.empty()) return;
      ASSERT_TRUE(deliver(a, b).ok());
      ASSERT_TRUE(deliver(b, a).ok());
    }
  }
  void tick(Instant::duration span) {
    now += span;
    a.healing.on_tick(now);
    b.healing.on_tick(now);
    run();
  }
  void quiet_moment() {
    tick(100ms);
    tick(3s);
  }
  bool same() const { return a.feed.held() == b.feed.held(); }
};

inline HealReport last(const Machine& machine) {
  return machine.reports.empty() ? HealReport{} : machine.reports.back();
}

}  // namespace lienthong::test
