// A small deployment with a dialling commune and an answering district, for tests of sessions.
#pragma once

#include "tests/support/session_pair.h"

namespace lienthong::test {

using namespace std::chrono_literals;

// A district with two communes, two of the three on the ends of a session.
struct World {
  TestDeployment deployment;
  AgencyId district = deployment.add_agency({}, "H47.12", "Phú Ninh", "district");
  TestNode& hub = deployment.add_node(district, true);
  AgencyId commune = deployment.add_agency(district, "H47.12.05", "Tam Dân", "commune");
  TestNode& leaf = deployment.add_node(commune);
  AgencyId other_commune = deployment.add_agency(district, "H47.12.06", "Tam Thái", "commune");
  TestNode& other_leaf = deployment.add_node(other_commune);
  FakeReplica leaf_replica{deployment.registry(), 11};
  FakeReplica hub_replica{deployment.registry(), 22};
  Instant now = Instant(1000s);
  std::uint64_t number = 0;
  std::uint64_t last_seen = 0;

  explicit World(std::uint64_t seed = 1) : deployment(seed) {}

  DhKey fresh() { return DhKey(deployment.entropy().array<32>()); }

  // All statements up to the node's certificate.
  std::vector<Statement> credentials(const TestNode& node) const {
    std::vector<Statement> out;
    for (const Statement& statement : deployment.statements()) {
      out.push_back(statement);
      const StatementId id = statement_id(deployment.root(), statement);
      if (id_cast<CertificateId>(id) == node.certificate) break;
    }
    return out;
  }
  SessionConfig config(const TestNode& node) {
    SessionConfig config(node.dh_key, fresh());
    config.root = deployment.root();
    config.agency = node.agency;
    config.node = node.id();
    config.certificate = node.certificate;
    config.credentials = credentials(node);
    config.program_version = "0.1.0";
    return config;
  }
  SessionConfig dialling(bool knows_key = true) {
    SessionConfig config = this->config(leaf);
    config.initiator = true;
    config.session_number = ++number;
    config.expected_agency = district;
    if (!knows_key) return config;
    config.peer_dh_key = hub.dh_key.public_key();
    config.peer_certificate = hub.certificate;
    return config;
  }
  SessionConfig answering() {
    SessionConfig config = this->config(hub);
    config.last_session_number = [this](const NodeId&) { return last_seen; };
    return config;
  }
  void fill(int count) {
    for (const Statement& statement : deployment.statements()) hub_replica.add_statement(statement);
    for (int i = 0; i < count; ++i) {
      leaf_replica.write(leaf, "giấy khai sinh " + std::to_string(i));
      hub_replica.write(hub, "phiếu chuyển " + std::to_string(i));
    }
  }
  bool all_agree() const {
    return leaf_replica.received_once(hub_replica) && hub_replica.received_once(leaf_replica);
  }
};

inline bool drained(const End& end) {
  return end.session.stats().drained_in && end.session.stats().drained_out;
}

inline CloseCode code(const End& end) { return end.closed ? end.closed->code : CloseCode::kNone; }

}  // namespace lienthong::test
