// Two healing machines back to back over replicas, for tests: what a session and its driver do.
#pragma once

#include <deque>

#include "protocol/sync/healing.h"
#include "tests/support/offices.h"

namespace lienthong::test {

struct HealingEnd {
  Office& office;
  Office& peer;
  Healing healing;
  Healing* told = nullptr;  // the other end's
  std::deque<Bytes> outgoing;
  std::vector<HealReport> reports;
  std::size_t received = 0, added = 0, unclear = 0;
  std::size_t part_bytes = 0;  // sent

  HealingEnd(Office& self, Office& other, bool leads, std::size_t part_bytes_max)
      : office(self),
        peer(other),
        healing(self.replica(), config(self, other, leads, part_bytes_max)) {}

  static HealingConfig config(Office& self, Office& other, bool leads, std::size_t part_bytes_max) {
    HealingConfig out;
    out.part_bytes_max = part_bytes_max;
    out.root = self.replica().root();
    out.leads = leads;
    out.short_names = true;
    out.agency = other.agency();
    out.nonce = leads ? 5 : 6;
    out.quiet = [](FeedKind) { return true; };
    out.flows_from = [](FeedKind) { return UINT64_MAX; };
    return out;
  }
  void perform(Instant now) {
    for (;;) {
      while (healing.has_work()) healing.work(now);
      auto actions = healing.take_actions();
      if (actions.empty()) return;
      for (HealAction& action : actions) perform(action, now);
    }
  }
  void perform(HealAction& action, Instant now) {
    const NodeId from = peer.node().id();
    if (auto* send = std::get_if<SendHeal>(&action)) {
      if (send->body[0] == 7 || send->body[0] == 12) part_bytes += send->body.size();
      outgoing.push_back(std::move(send->body));
    } else if (auto* store = std::get_if<StoreHealed>(&action)) {
      bool is_unclear = false;
      office.commit([&](store::Transaction& transaction) {
        const auto outcome = transaction.receive(store->kind, from, peer.agency(), store->part);
        ASSERT_TRUE(outcome.ok()) << outcome.error().message();
        EXPECT_TRUE(outcome->refused.empty());
        added += outcome->added;
        is_unclear = outcome->unclear;
      });
      ++received;
      if (is_unclear) {
        ++unclear;
        healing.on_unclear(store->token, now);
      } else {
        healing.on_stored(store->token, now);
      }
    } else if (auto* set = std::get_if<SetCursor>(&action)) {
      office.commit([&](store::Transaction& transaction) {
        transaction.set_cursor(set->kind, from, set->mark, set->beside);
      });
      told->on_peer_cursor(set->kind, now);
      healing.on_cursor_set(set->kind, now);
    } else {
      reports.push_back(std::get<HealReport>(action));
    }
  }
};

struct HealingPair {
  HealingEnd a, b;
  Instant now = Instant(std::chrono::seconds(1000));
  std::size_t bytes = 0;

  HealingPair(Office& one, Office& other, std::size_t part_bytes_max = 64 * 1024)
      : a(one, other, true, part_bytes_max), b(other, one, false, part_bytes_max) {
    a.told = &b.healing;
    b.told = &a.healing;
  }

  void run() {
    for (;;) {
      a.perform(now);
      b.perform(now);
      if (a.outgoing.empty() && b.outgoing.empty()) return;
      deliver(a, b);
      deliver(b, a);
    }
  }
  void deliver(HealingEnd& from, HealingEnd& to) {
    for (const Bytes& body : std::exchange(from.outgoing, {})) {
      bytes += body.size();
      const auto taken = to.healing.on_message(body, now);
      ASSERT_TRUE(taken.ok()) << taken.error().message();
      to.perform(now);
    }
  }
  void quiet_moment() {
    for (int i = 0; i < 2; ++i) {
      now += std::chrono::seconds(3);
      a.healing.on_tick(now);
      b.healing.on_tick(now);
      run();
    }
  }
};

}  // namespace lienthong::test
