#include "tests/simulation/themes.h"

#include <algorithm>

namespace lienthong::sim {
namespace {

WorldOptions cut_lines() {
  WorldOptions options;
  options.loss = 0.05;
  options.faults = {.link_down = 3, .partition = 1, .cuts = 4, .replays = 2, .duplicates = 2};
  return options;
}

WorldOptions bad_lines() {
  WorldOptions options;
  options.loss = 0.02;
  options.faults = {.partition = 0.3,
                    .one_way = 3,
                    .qualities = 4,
                    .corruption = 4,
                    .cuts = 1,
                    .closed_lanes = 0.5};
  return options;
}

WorldOptions crashes() {
  WorldOptions options;
  options.faults = {
      .kills = 2, .power_cuts = 2, .commit_crashes = 4, .disk_full = 0.5, .wrong_clocks = 1};
  return options;
}

WorldOptions disks() {
  WorldOptions options;
  options.operations_per_second = 3;
  options.faults = {
      .scattered = 3, .commit_crashes = 4, .disk_full = 0.5, .slow_disks = 2, .read_errors = 2};
  return options;
}

// Nothing ends a session here but another one: whatever it forgets stays forgotten.
WorldOptions stalls() {
  WorldOptions options;
  options.operations_per_second = 6;
  options.faults = {.no_room = 3, .closed_lanes = 2, .second_dials = 4};
  return options;
}

WorldOptions newcomers() {
  WorldOptions options;
  options.newcomers = 3;
  options.faults = {.cuts = 4, .kills = 2, .commit_crashes = 2};
  return options;
}

WorldOptions intruders() {
  WorldOptions options;
  options.faults = {.cuts = 1, .intruders = 6, .forgeries = 6};
  return options;
}

WorldOptions hostile() {
  WorldOptions options;
  options.hostile_communes = 2;
  options.hostile_district = 1;
  options.faults = {.cuts = 1, .kills = 0.5, .commit_crashes = 1, .duplicates = 1};
  return options;
}

WorldOptions lost_cursors() {
  WorldOptions options;
  options.faults = {.cuts = 1, .backups = 2, .restores = 0.3, .lost_cursors = 4};
  return options;
}

WorldOptions restores() {
  WorldOptions options;
  options.faults = {.link_down = 1,
                    .cuts = 1,
                    .kills = 1,
                    .power_cuts = 1,
                    .backups = 4,
                    .restores = 0.5,
                    .blind_restores = 1,
                    .lost_cursors = 0.5};
  return options;
}

WorldOptions old_programs() {
  WorldOptions options;
  options.old_programs = 0.5;
  options.faults = {.cuts = 1, .kills = 1, .lost_cursors = 1};
  return options;
}

// A working day with little to do, most of which some line or machine is away.
WorldOptions long_outages() {
  WorldOptions options;
  options.minutes = 480;
  options.settle_minutes = 60;
  options.tick = 2'000;
  options.operations_per_second = 0.02;
  options.drift = 100;
  options.look_seconds = 300;
  options.faults = {.outages = 0.02, .kills = 0.02, .power_cuts = 0.02, .long_stops = 0.01};
  return options;
}

// What years bring, in minutes: machines that join, are restored and renewed; another tree.
WorldOptions years() {
  WorldOptions options;
  options.newcomers = 2;
  options.faults = {
      .cuts = 1, .kills = 1, .backups = 2, .restores = 0.3, .tree_changes = 1, .renewals = 2};
  return options;
}

// Machines that are stolen, while others are restored and the tree moves now and then.
WorldOptions thefts() {
  WorldOptions options;
  options.faults = {
      .cuts = 1, .kills = 1, .backups = 2, .restores = 0.3, .tree_changes = 0.3, .revocations = 1};
  return options;
}

// What people carry and take away, and programs of which some are newer.
WorldOptions by_hand() {
  WorldOptions options;
  options.upgrades = 0.6;
  options.faults = {.link_down = 1,
                    .cuts = 1,
                    .kills = 2,
                    .backups = 1,
                    .restores = 0.2,
                    .erasures = 2,
                    .bundles = 3};
  return options;
}

WorldOptions everything() {
  WorldOptions options;
  options.loss = 0.05;
  options.newcomers = 2;
  options.drift = 100;
  options.faults = {.link_down = 2,
                    .partition = 0.5,
                    .one_way = 0.5,
                    .qualities = 0.5,
                    .corruption = 1,
                    .cuts = 2,
                    .kills = 1,
                    .power_cuts = 1,
                    .scattered = 0.5,
                    .commit_crashes = 2,
                    .disk_full = 0.2,
                    .slow_disks = 0.5,
                    .read_errors = 0.5,
                    .wrong_clocks = 1,
                    .replays = 1,
                    .duplicates = 2,
                    .backups = 3,
                    .restores = 0.33,
                    .intruders = 2,
                    .forgeries = 2,
                    .lost_cursors = 1,
                    .no_room = 1,
                    .closed_lanes = 1,
                    .second_dials = 2};
  return options;
}

// Sixty agencies and one bad day.
WorldOptions province() {
  WorldOptions options = everything();
  options.districts = 3;
  options.communes_of_each = 18;
  options.newcomers = 3;
  options.operations_per_second = 6;
  options.minutes = 4;
  return options;
}

WorldOptions rot() {
  WorldOptions options;
  options.faults = {.kills = 1, .rot = 1};
  return options;
}

WorldOptions clones() {
  WorldOptions options;
  options.faults = {.cuts = 1, .clones = 0.5};
  return options;
}

std::vector<Theme> make_themes() {
  return {
      {"good-links", {}, {}},
      {"cut-lines", cut_lines(), {}},
      {"bad-lines", bad_lines(), {}},
      {"crashes", crashes(), {}},
      {"disks", disks(), {}},
      {"stalls",
       stalls(),
       {"failures to store", "lanes closed by a peer", "sessions replaced", "urgent parts"}},
      {"newcomers", newcomers(), {"machines enrolled"}},
      {"intruders", intruders(), {"forgeries held", "forgeries refused"}},
      {"hostile", hostile(), {"hostile sessions", "hostile updates held"}},
      {"lost-cursors", lost_cursors(), {}},
      {"restores", restores(), {}},
      {"old-programs", old_programs(), {}},
      {"long-outages", long_outages(), {}},
      {"years", years(), {"certificates renewed", "trees changed"}},
      {"thefts", thefts(), {"machines revoked", "revocations moved"}},
      {"by-hand", by_hand(), {"bundles taken in", "records erased", "programs upgraded"}},
      {"everything",
       everything(),
       {"parts of first messages", "urgent parts", "failures to store", "lanes closed by a peer",
        "sessions replaced", "machines enrolled"}},
      {"province", province(), {}},
      {"rot", rot(), {"disks salvaged"}},
      {"clones", clones(), {"machines cloned"}},
  };
}

const std::vector<Theme>& all() {
  static const std::vector<Theme> themes = make_themes();
  return themes;
}

}  // namespace

std::span<const Theme> themes() { return all(); }

const Theme* find_theme(std::string_view name) {
  const auto at = std::ranges::find(all(), name, &Theme::name);
  return at == all().end() ? nullptr : &*at;
}

}  // namespace lienthong::sim
