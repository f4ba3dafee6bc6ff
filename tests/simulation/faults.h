// What goes wrong, at random, by rates per virtual minute.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/promises.h"

namespace lienthong::sim {

struct FaultRates {           // times a minute, over all machines
  double link_down = 0;       // one link, for seconds to minutes
  double partition = 0;       // a group of machines, likewise
  double cuts = 0;            // some connections break in the middle of a frame
  double kills = 0;           // of a process
  double power_cuts = 0;      // at any moment
  double commit_crashes = 0;  // during or right after a commit
  double disk_full = 0;
  double wrong_clocks = 0;
  double replays = 0;       // an old dial's first bytes again
  double duplicates = 0;    // a part that was received before, again
  double backups = 0;       // copies of a disk
  double restores = 0;      // of such a copy
  double intruders = 0;     // dials by those who have no business here
  double forgeries = 0;     // sealed updates without right, broken seals
  double lost_cursors = 0;  // of a neighbour's feed: they name places that are not there
  double no_room = 0;       // nothing is written for a while, and asked again
  double closed_lanes = 0;  // some lanes of a machine, for seconds to minutes
  double second_dials = 0;  // beside a session that is up, from either side
  bool only_topmost =
      false;  // kills, power cuts, commit crashes and full disks hit machine 0 alone
};

using FaultCounts = std::map<std::string, std::size_t>;

struct FaultScene {
  Timeline& timeline;
  Network& network;
  test::TestDeployment& deployment;
  std::vector<std::unique_ptr<Machine>>& machines;
  Ledger& ledger;
};

class Adversary;

class Faults {
 public:
  Faults(FaultScene scene, const FaultRates& rates, Dice dice);
  ~Faults();

  void start();
  // A machine that was added later.
  void watch(Machine& machine);
  // Nothing new goes wrong; machines that are off are started.
  void stop();
  const FaultCounts& counts() const { return counts_; }
  const Forgeries& forgeries() const;

 private:
  using Fault = void (Faults::*)();
  void plan(const char* name, double per_minute, Fault fault);
  void link_down();
  void partition();
  void cuts();
  void kill();
  void power_cut();
  void commit_crash();
  void disk_full();
  void wrong_clock();
  void replay();
  void duplicate();
  void backup();
  void restore();
  void lose_cursor();
  void no_room();
  void close_lanes();
  void dial_beside();
  void intrude();
  void forge();

  Machine* some_machine();  // that is on; null: none
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
  Dice dice_;
  FaultCounts counts_;
  bool stopped_ = false;
  std::deque<KeptPart> kept_parts_;
  std::map<std::size_t, std::deque<std::shared_ptr<const Disk::Image>>> backups_;
  std::map<std::size_t, Disk::Loss> off_;  // how a machine that is off will find its disk
  std::unique_ptr<Adversary> adversary_;
};

}  // namespace lienthong::sim
