// Sessions over real replicas, wired back to back, for tests: what an agent's link does.
#pragma once

#include <gtest/gtest.h>

#include "protocol/session/session.h"
#include "tests/support/offices.h"

namespace lienthong::test {

struct ReplicaEnd {
  Office& office;
  std::uint64_t seen = 0;  // session numbers of the other side
  Session session;
  Bytes outgoing;  // not delivered yet
  std::optional<Established> peer;
  std::optional<CloseSession> closed;
  std::vector<HealReport> reports;
  std::array<Cursor, 2> told;  // by the peer, of our feeds
  std::size_t added = 0, duplicates = 0, unclear = 0;
  bool scans = true;  // healing's work is done as it comes up; else it waits

  // `dials`: whom; null: it answers.
  ReplicaEnd(TestDeployment& deployment, Office& self, const Office* dials, std::uint64_t number,
             std::uint64_t features, Instant now)
      : ReplicaEnd(self, config(self, deployment, dials, number, features), now) {}
  ReplicaEnd(Office& self, SessionConfig config, Instant now)
      : office(self), session(self.replica(), answering(std::move(config)), now) {}

  static SessionConfig config(Office& self, TestDeployment& deployment, const Office* dials,
                              std::uint64_t number, std::uint64_t features) {
    const TestNode& node = self.node();
    SessionConfig out(node.dh_key, DhKey(deployment.entropy().array<32>()));
    out.initiator = dials != nullptr;
    out.root = deployment.root();
    out.agency = node.agency;
    out.node = node.id();
    out.program_version = "0.1.0";
    out.features = features;
    if (dials == nullptr) return out;
    out.session_number = number;
    out.expected_agency = dials->agency();
    out.peer_dh_key = dials->node().dh_key.public_key();
    return out;
  }
  SessionConfig answering(SessionConfig out) {
    out.last_session_number = [this](const NodeId&) { return seen; };
    return out;
  }
  void seal() {
    office.commit([&](store::Transaction& transaction) {
      ASSERT_TRUE(transaction.ensure_feed(peer->agency).ok());
      ASSERT_TRUE(transaction.seal_pending(peer->agency).ok());
    });
  }
  // Something was written here.
  void grown(Instant now) {
    seal();
    session.on_feed_grown(now);
  }
  void store(const StorePart& part, Instant now) {
    store::ReceiveOutcome outcome;
    office.commit([&](store::Transaction& transaction) {
      auto received = transaction.receive(
          part.kind, peer->node, peer->agency, part.part,
          part.may_repeat ? store::Beginning::kGuess : store::Beginning::kKnown);
      ASSERT_TRUE(received.ok()) << received.error().message();
      EXPECT_TRUE(received->refused.empty()) << received->refused.front().detail;
      outcome = *std::move(received);
    });
    added += outcome.added;
    duplicates += outcome.duplicates;
    if (outcome.unclear) {
      ++unclear;
      session.on_unclear(part.token, now);
    } else {
      session.on_stored(part.token, outcome.cursor, {}, "", now);
    }
    grown(now);
  }
  void perform(Instant now) {
    for (auto actions = session.take_actions(); !actions.empty(); actions = session.take_actions())
      for (Action& action : actions) perform(action, now);
  }
  void perform(Action& action, Instant now) {
    if (auto* send = std::get_if<SendBytes>(&action)) {
      outgoing.insert(outgoing.end(), send->bytes.begin(), send->bytes.end());
    } else if (auto* part = std::get_if<StorePart>(&action)) {
      store(*part, now);
    } else if (auto* fact = std::get_if<Established>(&action)) {
      peer = std::move(*fact);
      seal();
    } else if (auto* cursor = std::get_if<PeerCursor>(&action)) {
      told.at(static_cast<std::size_t>(cursor->kind)) = cursor->cursor;
      office.commit([&](store::Transaction& transaction) {
        transaction.note_heard_cursor(cursor->kind, peer->node, cursor->cursor);
      });
      grown(now);
    } else if (auto* set = std::get_if<SetCursor>(&action)) {
      Cursor durable;
      office.commit([&](store::Transaction& transaction) {
        durable = transaction.set_cursor(set->kind, peer->node, set->mark, set->beside);
      });
      session.on_cursor_set(set->kind, durable, now);
    } else if (std::holds_alternative<HealWork>(action)) {
      work_waits = true;
      if (scans) scan(now);
    } else if (auto* report = std::get_if<HealReport>(&action)) {
      reports.push_back(*report);
    } else if (auto* close = std::get_if<CloseSession>(&action)) {
      closed = std::move(*close);
    }
  }
  void scan(Instant now) {
    if (std::exchange(work_waits, false)) session.on_heal_work(now);
  }
  bool drained() const { return session.stats().drained_in && session.stats().drained_out; }

  bool work_waits = false;
};

// Two offices with a session between them; `a` dials.
struct ReplicaPair {
  Instant now = Instant(std::chrono::seconds(1000));
  ReplicaEnd a, b;

  ReplicaPair(TestDeployment& deployment, Office& one, Office& other, std::uint64_t number = 1,
              std::uint64_t features_of_b = kFeaturesOfThisProgram)
      : a(deployment, one, &other, number, kFeaturesOfThisProgram, now),
        b(deployment, other, nullptr, 0, features_of_b, now) {}
  ReplicaPair(TestDeployment& deployment, Office& one, Office& other, SessionConfig config_of_a)
      : a(one, std::move(config_of_a), now),
        b(deployment, other, nullptr, 0, kFeaturesOfThisProgram, now) {}

  void pass(ReplicaEnd& from, ReplicaEnd& to) {
    const Bytes bytes = std::exchange(from.outgoing, {});
    const auto taken = to.session.on_bytes(bytes, now);
    ASSERT_TRUE(taken.ok()) << taken.error().message();
    to.perform(now);
  }
  // Until nobody has anything to say.
  void run() {
    for (;;) {
      a.perform(now);
      b.perform(now);
      if (a.outgoing.empty() && b.outgoing.empty()) return;
      if (!a.outgoing.empty()) pass(a, b);
      if (!b.outgoing.empty()) pass(b, a);
    }
  }
  // Healing goes on where it was held.
  void scan() {
    a.scans = b.scans = true;
    a.scan(now);
    b.scan(now);
    run();
  }
};

}  // namespace lienthong::test
