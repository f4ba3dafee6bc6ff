// Offices for tests: replicas of one deployment in memory, written to and synced without a network.
#pragma once

#include <rocksdb/env.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/replica/replica.h"
#include "tests/support/deployment.h"

namespace lienthong::test {

class Office {
 public:
  // The registry is what the deployment has said so far.
  Office(TestDeployment& deployment, const TestNode& node, rocksdb::Env* env, std::string path);

  store::Replica& replica() { return *replica_; }
  const TestNode& node() const { return node_; }
  const AgencyId& agency() const { return node_.agency; }
  UnixMillis now = 1'680'307'200'000;

  // Closes and opens again: what a crash after the last commit leaves.
  void restart();
  // One committed transaction; fails the test if it fails.
  void commit(const std::function<void(store::Transaction&)>& work);

  // A new dossier with that code.
  RecordId create(std::string_view code);
  Result<UpdateId> write(const RecordId& record, UpdateKind kind, const AgencyId& target = {});
  Result<UpdateId> set_unit(const RecordId& record, std::string_view unit);
  RecordState state(const RecordId& record);

 private:
  TestDeployment& deployment_;
  TestNode node_;
  rocksdb::Env* env_;
  std::string path_;
  SeededEntropy entropy_;
  std::unique_ptr<store::Replica> replica_;
};

// A province with a district and two communes, one machine each.
struct Offices {
  explicit Offices(std::uint64_t seed);
  std::unique_ptr<rocksdb::Env> env;
  TestDeployment deployment;
  AgencyId province_id, district_id, commune_id, other_id;
  std::unique_ptr<Office> province, district, commune, other;
  Office& add(const AgencyId& agency, std::string path, bool may_issue = false);
  std::vector<std::unique_ptr<Office>> more;
};

// Sends what `to` lacks of `from`'s feeds, as a session would; true when anything was sent.
bool send(Office& from, Office& to, std::size_t bytes_max = 16 * 1024);
// Both ways along the edges of the tree until nothing moves.
void settle(std::vector<Office*> chain);

}  // namespace lienthong::test
