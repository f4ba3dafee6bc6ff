// Everything about a simulated world that can be turned: its size, what is done in it, and what
// goes wrong. Each dial has a name, by which it is set from outside (LT_SIM_SET, the runner), and a
// value at which it is off, so that a failing world can be made smaller dial by dial.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lienthong::sim {

struct FaultRates {           // times a minute, over all machines
  double link_down = 0;       // one link, for seconds to minutes
  double outages = 0;         // one link, for hours
  double partition = 0;       // a group of machines, for seconds to a minute
  double one_way = 0;         // one link carries nothing in one direction, likewise
  double qualities = 0;       // one link is another one for a while: slower, lossy, far away
  double corruption = 0;      // some connections turn a bit around
  double cuts = 0;            // some connections break in the middle of a frame
  double kills = 0;           // of a process
  double power_cuts = 0;      // at any moment
  double scattered = 0;       // the same, and the disk had written what it liked first
  double commit_crashes = 0;  // during or right after a commit
  double long_stops = 0;      // a machine is off for hours
  double disk_full = 0;
  double slow_disks = 0;   // each commit takes up to seconds, for a while
  double read_errors = 0;  // some read of the next ones fails: the process ends
  double rot = 0;          // power is cut, and a bit of a file has turned around
  double wrong_clocks = 0;
  double replays = 0;         // an old dial's first bytes again
  double duplicates = 0;      // a part that was received before, again
  double backups = 0;         // copies of a disk
  double restores = 0;        // of such a copy, while every machine is on
  double blind_restores = 0;  // of such a copy, whoever is off; often the same one soon again
  double clones = 0;          // a copy of a machine works beside it for a while
  double intruders = 0;       // dials by those who have no business here
  double forgeries = 0;       // sealed updates without right, broken seals
  double lost_cursors = 0;    // of a neighbour's feed: they name places that are not there
  double no_room = 0;         // nothing is written for a while, and asked again
  double closed_lanes = 0;    // some lanes of a machine, for seconds to minutes
  double second_dials = 0;    // beside a session that is up, from either side
  double tree_changes = 0;    // the root renames an agency or puts it below another
  double renewals = 0;        // a machine gets its next certificate
  double revocations = 0;     // a commune's machine is stolen, revoked, and another takes its place
  double erasures = 0;        // of what a record hides, by an agency that may or may not
  double bundles = 0;         // a neighbour's feed goes by hand: late, twice, cut, or damaged
  double only_topmost =
      0;  // 1: kills, power cuts, commit crashes and full disks hit machine 0 alone
};

struct WorldOptions {
  double minutes = 6;  // of virtual time with faults
  double settle_minutes = 20;
  double districts = 2;
  double communes_of_each = 3;
  double newcomers = 0;                // communes that are enrolled while the others work
  double operations_per_second = 1.5;  // of all offices together
  double old_programs = 0;             // the part of the machines that runs one
  double upgrades = 0;  // the part that begins with the released program and its database
  double heal_entry_count_min = 20;
  double loss = 0;                   // of packets: each stalls its connection
  double delay = 150;                // milliseconds
  double bytes_per_second = 64'000;  // of a link
  double drift = 0;                  // of clocks, at most: milliseconds in a thousand seconds
  double hostile_communes = 0;       // certified neighbours that do as they like
  double hostile_district = 0;       // 1: a whole district
  double tick = 250;                 // milliseconds between those of a session
  double smuggling = 0;              // 1: they bring records to those who are to have none of them
  double look_seconds = 10;          // between looks at what must hold meanwhile; 0: none
  double second_opinions = 8;        // records of each look that the custody model folds as well
  FaultRates faults;
};

struct Dial {
  std::string_view name;
  double off;    // the value at which nothing of it happens
  bool a_fault;  // else it is about size
  double WorldOptions::*option;
  double FaultRates::*rate;
  double get(const WorldOptions& options) const;
  void set(WorldOptions& options, double value) const;
};
std::span<const Dial> dials();

// Applies "name=value name=value …"; what is wrong with it, or nothing.
std::string turn(WorldOptions& options, std::string_view settings);

}  // namespace lienthong::sim
