// What goes wrong, at random, by rates per virtual minute.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/dials.h"
#include "tests/simulation/promises.h"

namespace lienthong::sim {

using FaultCounts = std::map<std::string, std::size_t>;

struct FaultScene {
  Timeline& timeline;
  Network& network;
  test::TestDeployment& deployment;
  std::vector<std::unique_ptr<Machine>>& machines;
  Ledger& ledger;
};

class Adversary;
class Carrier;
class Registrar;

class Faults {
 public:
  Faults(FaultScene scene, const FaultRates& rates, Dice dice);
  ~Faults();

  void start();
  // A machine that was added later.
  void watch(Machine& machine);
  // Nothing new goes wrong; machines that are off are started.
  void stop();
  FaultCounts counts() const;
  const Forgeries& forgeries() const;

 private:
  using Fault = void (Faults::*)();
  void plan(const char* name, double per_minute, Fault fault);
  void plan(const char* name, double per_minute, Fault fault, const std::shared_ptr<Dice>& dice);
  void link_down();
  void outage();
  void partition();
  void one_way();
  void quality();
  void corrupt();
  void cuts();
  void kill();
  void power_cut();
  void scatter();
  void commit_crash();
  void long_stop();
  void disk_full();
  void slow_disk();
  void read_error();
  void rot();
  void wrong_clock();
  void replay();
  void duplicate();
  void backup();
  void restore();
  void blind_restore();
  void lose_cursor();
  void no_room();
  void close_lanes();
  void dial_beside();
  void clone();
  void intrude();
  void forge();
  void change_tree();
  void renew();
  void revoke();
  void erase();
  void carry();

  void look_through(Machine& machine);
  void in_peace(const std::function<void()>& work);
  Machine* some_machine();  // that is on; null: none
  // A machine and whom it dials; nullopt: it has no token yet.
  std::optional<std::pair<std::size_t, std::size_t>> some_link();
  void restore(Machine& machine, const Disk::Image& image);
  void crash(Machine& machine, Disk::Loss loss, Duration pause);
  void boot(Machine& machine, Disk::Loss loss);
  // What nobody has any longer, since the machine was set back, nobody was told of.
  void forgive_what_is_lost();
  void keep_part(Machine& machine, const SimLink& link, const StorePart& part);

  struct KeptPart {
    std::size_t machine;
    FeedKind kind;
    NodeId from;
    AgencyId from_agency;
    EncodedPart part;
  };
  FaultScene scene_;
  FaultRates rates_;
  Dice streams_;  // of each fault its own, so that without one the others stay as they are
  Dice dice_;     // of the fault that happens
  FaultCounts counts_;
  bool stopped_ = false;
  std::deque<KeptPart> kept_parts_;
  std::map<std::size_t, std::deque<std::shared_ptr<const Disk::Image>>> backups_;
  std::set<std::size_t> rotten_;
  std::map<std::size_t, Disk::Loss> off_;  // how a machine that is off will find its disk
  struct Twin;
  void add_twin(const Machine& machine);
  void work(const std::shared_ptr<Twin>& twin);
  std::vector<std::shared_ptr<Twin>> twins_;
  std::unique_ptr<Adversary> adversary_;
  std::unique_ptr<Carrier> carrier_;
  std::unique_ptr<Registrar> registrar_;
};

}  // namespace lienthong::sim
