// Sessions over real replicas, wired back to back under the driver that ships, for tests. What is
// posted is committed at once.
#pragma once

#include <gtest/gtest.h>

#include "store/exchange/commit_group.h"
#include "store/exchange/peers.h"
#include "tests/support/offices.h"

namespace lienthong::test {

struct ReplicaEnd final : store::DriverHost, store::Writer {
  Office& office;
  Instant at;
  std::uint64_t seen = 0;  // session numbers of the other side
  std::shared_ptr<store::Peers> peers;
  std::shared_ptr<store::Driver> driver;
  Bytes outgoing;  // not delivered yet
  std::optional<CloseSession> closed;
  std::vector<HealReport> reports;
  std::array<Cursor, 2> told;  // by the peer, of our feeds
  std::size_t added = 0, duplicates = 0, unclear = 0;
  bool scans = true;  // healing's work is done as it comes up; else it waits
  std::function<void()> work_waits;
  SeededEntropy entropy{7};
  store::JobQueues queues;
  bool committing = false;

  // `dials`: whom; null: it answers.
  ReplicaEnd(TestDeployment& deployment, Office& self, const Office* dials, std::uint64_t number,
             std::uint64_t features, Instant now)
      : ReplicaEnd(self, config(self, deployment, dials, number, features), now) {}
  ReplicaEnd(Office& self, SessionConfig config, Instant now)
      : office(self),
        at(now),
        peers(std::make_shared<store::Peers>(self.replica(), *this, entropy,
                                             store::PeersConfig(config.dh_key))),
        driver(std::make_shared<store::Driver>(*peers, answering(std::move(config)),
                                               static_cast<store::DriverHost&>(*this))) {}
  ~ReplicaEnd() override { driver->end(); }
  Session& session() { return driver->session(); }

  static SessionConfig config(Office& self, TestDeployment& deployment, const Office* dials,
                              std::uint64_t number, std::uint64_t features) {
    const TestNode& node = self.node();
    SessionConfig out(node.dh_key, DhKey(deployment.entropy().array<32>()));
    out.initiator = dials != nullptr;
    out.root = deployment.root();
    out.agency = node.agency;
    out.node = node.id();
    out.certificate = node.certificate;
    out.program_version = "0.1.0";
    out.features = features;
    if (dials == nullptr) return out;
    out.session_number = number;
    out.expected_agency = dials->agency();
    out.peer_dh_key = dials->node().dh_key.public_key();
    out.peer_certificate = dials->node().certificate;
    return out;
  }
  SessionConfig answering(SessionConfig out) {
    out.last_session_number = [this](const NodeId&) { return seen; };
    return out;
  }

  // ---- store::Writer ----
  void post(store::Job job, store::Done done, store::Urgency urgency) override {
    queues.add({std::move(job), nullptr, std::move(done)}, urgency);
    if (std::exchange(committing, true)) return;  // it comes after what is being told
    while (!queues.empty() || office.replica().unfinished()) {
      queues.begin_group();
      const auto group =
          store::commit_group(office.replica(), office.now, [this] { return queues.take(); });
      for (const auto& [queued, result] : group.jobs) {
        EXPECT_TRUE(result.ok()) << result.error().message();
        if (queued.later) queued.later(result);
      }
      if (group.changed) peers->grown();
    }
    committing = false;
  }
  // ---- store::DriverHost ----
  Instant now() const override { return at; }
  void send(Bytes bytes) override { outgoing.insert(outgoing.end(), bytes.begin(), bytes.end()); }
  void soon(std::function<void()> work) override {
    work_waits = std::move(work);
    if (scans) scan();
  }
  void on_live(bool) override {}
  void on_closed() override {
    closed.emplace(driver->close_code(), driver->closed_by_peer(), driver->close_detail());
  }
  void observe(const store::Observation& what) override {
    if (const auto* stored = std::get_if<store::PartStored>(&what)) {
      const auto& refused = stored->outcome.refused;
      EXPECT_TRUE(refused.empty()) << refused.front().detail;
      added += stored->outcome.added;
      duplicates += stored->outcome.duplicates;
    } else if (std::holds_alternative<store::PartUnclear>(what)) {
      ++unclear;
    } else if (const auto* heard = std::get_if<PeerCursor>(&what)) {
      told.at(static_cast<std::size_t>(heard->kind)) = heard->cursor;
    } else if (const auto* report = std::get_if<HealReport>(&what)) {
      reports.push_back(*report);
    }
  }

  // Something was written here.
  void grown() { peers->grown(); }
  void scan() {
    if (const auto work = std::exchange(work_waits, nullptr)) work();
  }
  bool drained() const {
    const SessionStats stats = driver->stats();
    return stats.drained_in && stats.drained_out;
  }
};

// Two offices with a session between them; `a` dials.
struct ReplicaPair {
  ReplicaEnd a, b;

  static constexpr Instant kStart{std::chrono::seconds(1000)};
  ReplicaPair(TestDeployment& deployment, Office& one, Office& other, std::uint64_t number = 1,
              std::uint64_t features_of_b = kFeaturesOfThisProgram)
      : a(deployment, one, &other, number, kFeaturesOfThisProgram, kStart),
        b(deployment, other, nullptr, 0, features_of_b, kStart) {}
  ReplicaPair(TestDeployment& deployment, Office& one, Office& other, SessionConfig config_of_a)
      : a(one, std::move(config_of_a), kStart),
        b(deployment, other, nullptr, 0, kFeaturesOfThisProgram, kStart) {}

  void pass(ReplicaEnd& from, ReplicaEnd& to) {
    const Bytes bytes = std::exchange(from.outgoing, {});
    const auto taken = to.driver->on_bytes(bytes);
    ASSERT_TRUE(taken.ok()) << taken.error().message();
  }
  // Until nobody has anything to say.
  void run() {
    for (;;) {
      a.driver->perform();
      b.driver->perform();
      if (a.outgoing.empty() && b.outgoing.empty()) return;
      if (!a.outgoing.empty()) pass(a, b);
      if (!b.outgoing.empty()) pass(b, a);
    }
  }
  // Healing goes on where it was held.
  void scan() {
    a.scans = b.scans = true;
    a.scan();
    b.scan();
    run();
  }
};

}  // namespace lienthong::test
