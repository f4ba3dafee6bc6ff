// Those who have no business here, or no right to what they do.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/promises.h"

namespace lienthong::sim {

// A second machine of some agencies, with a true certificate, whose master writes what its agency
// has no right to or breaks seals; and strangers without a certificate, or with one of another
// deployment. All of them speak through real sessions.
class Adversary {
 public:
  Adversary(Timeline& timeline, Network& network, test::TestDeployment& deployment,
            std::vector<std::unique_ptr<Machine>>& machines, Dice dice);
  ~Adversary();

  void forge();
  void intrude();
  const Forgeries& forgeries() const { return forgeries_; }

 private:
  class Conversation;
  Machine& some_machine();  // of an agency that the deployment has from the beginning
  test::TestNode& rogue_of(const AgencyId& agency);
  std::optional<Update> update_without_right(const Machine& machine, const test::TestNode& rogue);
  std::optional<Update> on_tip(const Machine& machine, const RecordState& state);
  std::optional<Update> on_old_link(const Machine& machine, const RecordState& state);
  SealedUnit seal(test::TestNode& rogue, const Update& update);
  SealedUnit spoil(test::TestNode& rogue, Update update);
  void talk(std::size_t to, SessionConfig config, std::shared_ptr<const Registry> registry,
            std::vector<SealedUnit> units, bool stranger);

  Timeline& timeline_;
  Network& network_;
  test::TestDeployment& deployment_;
  test::TestDeployment other_;  // another root
  test::TestNode outsider_;     // its only machine
  std::vector<std::unique_ptr<Machine>>& machines_;
  Dice dice_;
  Forgeries forgeries_;
  std::map<AgencyId, test::TestNode*> rogues_;
  std::uint64_t sessions_ = 1'700'000'000'000;
};

}  // namespace lienthong::sim
