#include "tests/simulation/world.h"

#include <algorithm>

namespace lienthong::sim {

World::World(std::uint64_t seed, const WorldOptions& options)
    : dice_(seed),
      deployment_(dice_.next()),
      network_(timeline_, dice_.fork()),
      workload_(ledger_, dice_.fork()),
      operations_per_second_(options.operations_per_second) {
  network_.set_quality(options.quality);
  const AgencyId province = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  add(province, std::nullopt, true);
  std::vector<std::pair<AgencyId, std::size_t>> districts;
  for (std::size_t d = 0; d < options.districts; ++d) {
    const std::string code = "H47." + std::to_string(500 + d);
    const AgencyId district = deployment_.add_agency(province, code, "Huyện " + code, "district");
    add(district, 0, true);
    const std::size_t parent = machines_.size() - 1;
    for (std::size_t c = 0; c < options.communes_of_each; ++c) {
      const std::string commune_code = code + "." + std::to_string(20'000 + c);
      const AgencyId commune =
          deployment_.add_agency(district, commune_code, "Xã " + commune_code, "commune");
      add(commune, parent, false);
    }
  }
  // The topmost has issued everything that it knows of; districts and communes learn the rest.
  faults_ =
      std::make_unique<Faults>(FaultScene{timeline_, network_, deployment_, machines_, ledger_},
                               options.faults, dice_.fork());
  for (const auto& machine : machines_) {
    machine->heal_entry_count_min = options.heal_entry_count_min;
    if (options.old_programs && dice_.chance(0.5)) machine->features = 0;
    if (options.old_programs && dice_.chance(0.3)) machine->features |= 0xabcd00;
    machine->boot();
  }
  faults_->start();
  for (std::size_t i = 0; i < options.newcomers; ++i) add_newcomer(i);
  work();
}

World::~World() = default;

void World::add_newcomer(std::size_t ordinal) {
  const std::size_t index = machines_.size();
  const test::TestNode node = deployment_.make_node({});
  machines_.push_back(std::make_unique<Machine>(
      Surroundings{timeline_, network_, deployment_.root()}, index, node, std::vector<Statement>{},
      std::nullopt, std::nullopt, dice_.fork()));
  faults_->watch(*machines_.back());
  timeline_.after(Duration(dice_.between(1'000, 120'000)),
                  [this, index, ordinal] { invite(index, ".3" + std::to_string(1000 + ordinal)); });
}

// By a district, as soon as one is on. An invitation may be lost with the power before it is told:
// then another is made for the same agency.
void World::invite(std::size_t index, const std::string& code) {
  if (machines_[index]->parent()) return;
  std::vector<Machine*> districts;
  for (const auto& machine : machines_)
    if (machine->on() && machine->parent() == std::optional<std::size_t>(0))
      districts.push_back(machine.get());
  if (!districts.empty()) {
    Machine& district = *districts[dice_.below(districts.size())];
    const auto* agency = district.replica().registry()->find_agency(district.agency());
    district.invite(agency->code + code,
                    [this, index, parent = district.index()](const Token& token) {
                      if (!machines_[index]->parent()) machines_[index]->enrol(token, parent);
                    });
  }
  timeline_.after(Duration(5'000), [this, index, code] { invite(index, code); });
}

bool World::all_on() const {
  return std::ranges::all_of(machines_, [](const auto& machine) { return machine->on(); });
}

void World::add(const AgencyId& agency, std::optional<std::size_t> parent, bool may_issue) {
  const test::TestNode& node = deployment_.add_node(agency, may_issue);
  const std::size_t index = machines_.size();
  std::optional<AgencyId> parent_agency;
  if (parent) parent_agency = machines_[*parent]->agency();
  machines_.push_back(
      std::make_unique<Machine>(Surroundings{timeline_, network_, deployment_.root()}, index, node,
                                deployment_.statements(), parent, parent_agency, dice_.fork()));
}

void World::work() {
  if (!working_) return;
  Machine& machine = *machines_[dice_.below(machines_.size())];
  if (machine.on()) workload_.act(machine);
  const double mean = 1000 / operations_per_second_;
  timeline_.after(Duration(dice_.between(1, static_cast<std::int64_t>(2 * mean))),
                  [this] { work(); });
}

void World::run_for(Duration span) { timeline_.run_for(span); }

bool World::settles_within(Duration span) {
  constexpr Duration kStep{1000};
  constexpr int kQuietSteps = 5;
  working_ = false;
  faults_->stop();
  network_.heal();
  int quiet_steps = 0;
  for (Duration spent{0}; spent < span; spent += kStep) {
    timeline_.run_for(kStep);
    quiet_steps = quiet(machines_) ? quiet_steps + 1 : 0;
    if (quiet_steps >= kQuietSteps) return true;
  }
  return false;
}

std::vector<std::string> World::broken_promises() const {
  return sim::broken_promises(machines_, ledger_, faults_->forgeries());
}

std::size_t World::forgeries_held() const {
  const auto& forged = faults_->forgeries().without_right;
  return static_cast<std::size_t>(std::ranges::count_if(forged, [&](const UpdateId& id) {
    return std::ranges::any_of(machines_, [&](const auto& machine) {
      return machine->replica().find_update(id).has_value();
    });
  }));
}

std::size_t World::refusals() const {
  std::size_t sum = 0;
  for (const auto& machine : machines_) sum += machine->replica().counts().refused;
  return sum;
}

std::map<std::string, std::size_t> World::heal_outcomes() const {
  std::map<std::string, std::size_t> out;
  for (const auto& machine : machines_)
    for (const auto& [outcome, count] : machine->heal_outcomes()) out[outcome] += count;
  return out;
}

std::map<std::string, std::size_t> World::sights() const {
  std::map<std::string, std::size_t> out;
  for (const auto& machine : machines_)
    for (const auto& [sight, count] : machine->sights()) out[sight] += count;
  return out;
}

std::string World::unrest() const {
  std::string why;
  (void)quiet(machines_, &why);
  return why;
}

}  // namespace lienthong::sim
