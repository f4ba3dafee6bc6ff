#include "tests/support/custody_compare.h"

#include <algorithm>
#include <sstream>

namespace lienthong::model {
namespace {

int number_of(const World& world, const UpdateId& id) {
  const auto found = std::find_if(world.items.begin(), world.items.end(),
                                  [&](const Item& item) { return update_id(item.name) == id; });
  return found == world.items.end() ? -1 : found->id;
}

std::string text(const World& world, const std::vector<UpdateId>& ids) {
  std::string out;
  for (const UpdateId& id : ids) out += " " + std::to_string(number_of(world, id));
  return out + ";";
}

// Words for what differs, gathered.
class Differences {
 public:
  explicit Differences(const World& world) : world_(world) {}
  void check(const char* what, const std::vector<UpdateId>& got,
             const std::vector<UpdateId>& expected) {
    if (got == expected) return;
    words_ +=
        std::string(what) + " is" + text(world_, got) + " not" + text(world_, expected) + "\n";
  }
  void check(const char* what, const AgencyId& got, int expected) {
    if (got == agency_id(expected)) return;
    words_ += std::string(what) + " is " + agency_name(agency_of(got)) + ", not " +
              agency_name(expected) + "\n";
  }
  void check(const char* what, int got, int expected) {
    if (got == expected) return;
    words_ += std::string(what) + " is " + std::to_string(got) + ", not " +
              std::to_string(expected) + "\n";
  }
  std::string words() const { return words_; }

 private:
  const World& world_;
  std::string words_;
};

void check_forks(Differences& found, const World& world, const Outcome& expected,
                 const RecordState& state) {
  found.check("number of forks", static_cast<int>(state.forks.size()),
              static_cast<int>(expected.forks.size()));
  for (std::size_t i = 0; i < std::min(state.forks.size(), expected.forks.size()); ++i) {
    const ForkEntry& got = state.forks[i];
    const ForkOutcome& want = expected.forks[i];
    found.check("fork", {got.link}, ids_of(world, std::vector<int>{want.link}));
    found.check("branches", got.branches, ids_of(world, want.branches));
    found.check("standing branch", {got.stands}, ids_of(world, std::vector<int>{want.stands}));
    found.check("deciding line", static_cast<int>(got.line), want.line);
    found.check("decision", {got.decision},
                want.decision < 0 ? std::vector<UpdateId>{UpdateId{}}
                                  : ids_of(world, std::vector<int>{want.decision}));
    found.check("notary", got.notary, want.notary);
    found.check("bound", got.bound ? 1 : 0, want.bound ? 1 : 0);
  }
}

void check_fields(Differences& found, const World& world, const Outcome& expected,
                  const RecordState& state) {
  const auto open = state.open_fields.find(kOpenField);
  const auto closed = state.closed_fields.find(kClosedField);
  const bool has_open = open != state.open_fields.end();
  const bool has_closed = closed != state.closed_fields.end();
  const std::vector<UpdateId> shown = ids_of(world, expected.shown);
  found.check("open writes", has_open ? open->second.writes : std::vector<UpdateId>{}, shown);
  found.check("closed writes", has_closed ? closed->second.writes : std::vector<UpdateId>{}, shown);
  if (expected.shown.empty() || !has_open) return;
  const FieldValue value("value " + std::to_string(expected.shown[0]));
  found.check("value shown", open->second.value == value ? 1 : 0, 1);
}

void check_branches(Differences& found, const World& world, const Fork& got,
                    const ForkOutcome& want, const Model& model) {
  const std::map<int, std::vector<int>> branches = model.branches(want.link);
  std::vector<UpdateId> firsts;
  for (const Branch& branch : got.branches) {
    firsts.push_back(branch.first);
    const int first = number_of(world, branch.first);
    if (branches.count(first) == 0) continue;
    std::vector<UpdateId> acts;
    std::set<AgencyId> signers;
    for (const Act& act : branch.acts) {
      const Item& item = world.at(number_of(world, act.id));
      acts.push_back(act.id);
      signers.insert(agency_id(item.agency));
      found.check("agency of an act", act.by, item.agency);
    }
    std::sort(acts.begin(), acts.end());
    const std::vector<int>& all = branches.at(first);
    found.check("acts", acts, ids_of(world, std::set<int>(all.begin(), all.end())));
    const bool same = branch.signers == std::vector<AgencyId>(signers.begin(), signers.end());
    found.check("signers are those of the acts", same ? 1 : 0, 1);
    const std::vector<int> binding = model.binding_in(want.link, first);
    found.check("binding", branch.binding,
                ids_of(world, std::set<int>(binding.begin(), binding.end())));
    found.check("stands", branch.stands ? 1 : 0, first == want.stands ? 1 : 0);
  }
  found.check("branches", firsts, ids_of(world, want.branches));
}

}  // namespace

RecordState folded(const World& world, const Mask& mask, const Trees& trees,
                   const Registry& registry) {
  return fold(to_graph(world, mask, trees, registry), shaped(trees, registry.newest));
}

std::string difference_in_state(const World& world, const Outcome& expected,
                                const RecordState& state) {
  Differences found(world);
  std::vector<UpdateId> chain;
  for (const LinkEntry& link : state.chain) chain.push_back(link.id);
  std::vector<UpdateId> inert;
  for (const InertEntry& entry : state.inert) {
    if (modelled(world.at(number_of(world, entry.id)).kind)) inert.push_back(entry.id);
  }
  found.check("chain", chain, ids_of(world, expected.chain));
  found.check("holder", state.holder, expected.holder);
  found.check("offered", state.offered, expected.offered);
  found.check("inert", inert, ids_of(world, expected.bad));
  found.check("set aside", state.set_aside, ids_of(world, expected.late));
  check_fields(found, world, expected, state);
  return found.words();
}

std::string difference(const World& world, const Outcome& expected, const RecordState& state) {
  Differences found(world);
  check_forks(found, world, expected, state);
  return difference_in_state(world, expected, state) + found.words();
}

std::string difference_in_branches(const World& world, const Mask& mask, const Trees& trees,
                                   const Registry& registry) {
  Differences found(world);
  Model model(world, trees, registry);
  const Outcome outcome = model.fold(mask);
  const std::vector<GraphUpdate> updates = to_graph(world, mask, trees, registry);
  const std::vector<Fork> forks = forks_of(updates, shaped(trees, registry.newest));
  found.check("number of forks", static_cast<int>(forks.size()),
              static_cast<int>(outcome.forks.size()));
  for (std::size_t i = 0; i < std::min(forks.size(), outcome.forks.size()); ++i) {
    const ForkOutcome& want = outcome.forks[i];
    found.check("fork", {forks[i].link}, ids_of(world, std::vector<int>{want.link}));
    found.check("notary of the fork", forks[i].notary, want.notary);
    found.check("turn at the fork", forks[i].turn, model.state(want.link)->turn());
    check_branches(found, world, forks[i], want, model);
  }
  return found.words();
}

std::optional<int> protocol_duty(const World& world, const Mask& mask, const Trees& trees,
                                 const Registry& registry, const Machine& desk, const Seen& seen,
                                 const std::set<int>& moved) {
  const auto brought = [&](const UpdateId& id) {
    const int number = number_of(world, id);
    return Brought{static_cast<std::uint64_t>(seen.at(number)), moved.count(number) != 0};
  };
  const Duty owed = duty(to_graph(world, mask, trees, registry), agency_id(desk.agency),
                         shaped(trees, registry.newest), brought);
  if (owed.uphold.is_zero()) return std::nullopt;
  return number_of(world, owed.uphold);
}

bool within_quota(const World& world, const Mask& mask, const Trees& trees,
                  const Registry& registry, const Machine& desk, int extra) {
  constexpr int kQuota = 16;
  Model model(world, trees, registry);
  model.fold(mask);
  int written = 0;
  for (const int id : numbers_in(mask)) {
    const Item& item = world.at(id);
    if (item.by_itself && item.by() == desk && model.in_force(id)) ++written;
  }
  return written < kQuota + extra;
}

std::optional<int> protocol_duty(const Desks& desks, const Machine& desk) {
  const auto owed = protocol_duty(desks.world(), desks.mask(), desks.trees(), desks.registry(),
                                  desk, desks.seen(), desks.moved());
  const bool may = owed && within_quota(desks.world(), desks.mask(), desks.trees(),
                                        desks.registry(), desk, desks.extra());
  return may ? owed : std::nullopt;
}

std::string describe(const World& world, const Mask& mask, const Registry& registry) {
  std::ostringstream out;
  out << "newest tree " << registry.newest;
  for (const auto& [machine, last] : registry.cuts) {
    out << ", " << agency_name(machine.agency) << '.' << machine.number << " cut at " << last;
  }
  for (const auto& [closed, last] : registry.closings) {
    out << ", " << agency_name(closed.first.agency) << '.' << closed.first.number << " closed by "
        << closed.second << " at " << last;
  }
  out << '\n';
  for (const int id : numbers_in(mask)) {
    const Item& item = world.at(id);
    out << id << " (id " << item.name << ") " << agency_name(item.agency) << '.' << item.machine
        << ' ' << to_string(item.kind) << " of " << item.link;
    if (item.to != kNobody) out << " to " << agency_name(item.to);
    out << " hlc " << item.hlc << " tree " << item.tree_version << " certificate "
        << item.certificate_version << " seal " << item.seal << " after";
    for (const int dep : item.deps) out << ' ' << dep;
    out << '\n';
  }
  return out.str();
}

}  // namespace lienthong::model
