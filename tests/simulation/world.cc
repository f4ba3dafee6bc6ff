#include "tests/simulation/world.h"

#include <algorithm>

namespace lienthong::sim {

World::World(std::uint64_t seed, const WorldOptions& options)
    : dice_(seed),
      deployment_(dice_.next()),
      network_(timeline_, dice_.fork()),
      workload_(ledger_, dice_.fork()),
      options_(options) {
  LinkQuality quality;
  quality.delay = Duration(static_cast<std::int64_t>(options.delay));
  quality.bytes_per_second = static_cast<std::size_t>(options.bytes_per_second);
  quality.loss = options.loss;
  network_.set_quality(quality);
  hostile_ = std::make_unique<Hostile>(timeline_, network_, deployment_, machines_,
                                       Dice(seed ^ 0x484f5354494c45));
  hostile_->set_smuggling(options.smuggling > 0);
  const AgencyId province = deployment_.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  add(province, std::nullopt, true);
  std::vector<std::pair<AgencyId, std::size_t>> districts;
  for (std::size_t d = 0; d < static_cast<std::size_t>(options.districts); ++d) {
    const std::string code = "H47." + std::to_string(500 + d);
    const AgencyId district = deployment_.add_agency(province, code, "Huyện " + code, "district");
    add(district, 0, true);
    const std::size_t parent = machines_.size() - 1;
    for (std::size_t c = 0; c < static_cast<std::size_t>(options.communes_of_each); ++c) {
      const std::string commune_code = code + "." + std::to_string(20'000 + c);
      const AgencyId commune =
          deployment_.add_agency(district, commune_code, "Xã " + commune_code, "commune");
      if (c == 0 && d < static_cast<std::size_t>(options.hostile_communes))
        add_hostile(commune, parent, false);
      else
        add(commune, parent, false);
    }
  }
  if (options.hostile_district > 0) {
    const AgencyId district = deployment_.add_agency(province, "H47.900", "Huyện 900", "district");
    add_hostile(district, 0, true);
  }
  // The topmost has issued everything that it knows of; districts and communes learn the rest.
  faults_ =
      std::make_unique<Faults>(FaultScene{timeline_, network_, deployment_, machines_, ledger_},
                               options.faults, dice_.fork());
  watch_ = std::make_unique<Watch>(
      Watch::Scene{timeline_, network_, machines_, findings_, hostile_->nodes()},
      static_cast<std::size_t>(options.second_opinions), dice_.fork());
  watch_->start(Duration(static_cast<std::int64_t>(1000 * options.look_seconds)));
  for (const auto& machine : machines_) {
    set_up(*machine);
    machine->boot();
  }
  faults_->start();
  hostile_->start();
  for (std::size_t i = 0; i < static_cast<std::size_t>(options.newcomers); ++i) add_newcomer(i);
  work();
}

World::~World() = default;

void World::add_hostile(const AgencyId& agency, std::size_t parent, bool may_issue) {
  hostile_->add(deployment_.add_node(agency, may_issue), parent);
}

void World::set_up(Machine& machine) {
  Dice dice = dice_.fork();
  machine.heal_entry_count_min = static_cast<std::uint64_t>(options_.heal_entry_count_min);
  machine.tick_every = Duration(static_cast<std::int64_t>(options_.tick));
  if (dice.chance(options_.old_programs)) machine.features = 0;
  if (dice.chance(options_.old_programs * 0.6)) machine.features |= 0xabcd00;
  const auto drift = static_cast<std::int64_t>(options_.drift);
  if (drift > 0) machine.set_drift(dice.between(-drift, drift));
  if (dice.chance(options_.upgrades)) machine.begin_released();
  watch_->watch(machine);
}

void World::add_newcomer(std::size_t ordinal) {
  const std::size_t index = machines_.size();
  const test::TestNode node = deployment_.make_node({});
  machines_.push_back(std::make_unique<Machine>(
      Surroundings{timeline_, network_, deployment_.root()}, index, node, std::vector<Statement>{},
      std::nullopt, std::nullopt, dice_.fork()));
  faults_->watch(*machines_.back());
  set_up(*machines_.back());
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
  if (machine.on()) machine.guard([&] { workload_.act(machine); });
  const double mean = 1000 / options_.operations_per_second;
  timeline_.after(Duration(dice_.between(1, static_cast<std::int64_t>(2 * mean))),
                  [this] { work(); });
}

void World::run_for(Duration span) { timeline_.run_for(span); }

bool World::settles_within(Duration span) {
  constexpr Duration kStep{1000};
  constexpr int kQuietSteps = 5;
  working_ = false;
  faults_->stop();
  hostile_->stop();
  network_.heal();
  int quiet_steps = 0;
  for (Duration spent{0}; spent < span; spent += kStep) {
    timeline_.run_for(kStep);
    quiet_steps = quiet(machines_) ? quiet_steps + 1 : 0;
    if (quiet_steps >= kQuietSteps) return true;
  }
  return false;
}

std::vector<std::string> World::broken_promises() {
  if (all_on()) {
    watch_->finish();
    judge(machines_, ledger_, faults_->forgeries(), hostile_->nodes(), findings_);
    judge_traffic();
  }
  for (const auto& machine : machines_)
    if (machine->disk().forced() > 0)
      findings_.add("the order of a disk's writes was not the seed's", "machine ",
                    std::to_string(machine->index()));
  for (const auto& [what, count] : ledger_.refused_though_allowed) {
    // Somebody hostile wrote it without them.
    if (!hostile_->empty() && what.find("closed parts") != std::string::npos) continue;
    findings_.add("refused, though it was allowed", what, ", ", std::to_string(count), " times");
  }
  return findings_.lines();
}

// What came twice is little beside what came, where no cursor and no disk was lost.
void World::judge_traffic() {
  const auto seen = sights();
  const auto of = [&](const char* sight) {
    const auto at = seen.find(sight);
    return at == seen.end() ? std::size_t{0} : at->second;
  };
  const FaultRates& faults = options_.faults;
  if (!hostile_->empty()) return;
  if (faults.restores + faults.blind_restores + faults.lost_cursors + faults.rot > 0) return;
  if (faults.clones + faults.revocations > 0) return;  // a twin's cursors are lost to the other
  if (faults.bundles > 0) return;  // what came by hand comes over the line as well
  if (of("entries that came twice") > of("entries that came") + 200)
    findings_.add("too much comes twice", std::to_string(of("entries that came twice")),
                  " entries, beside ", std::to_string(of("entries that came")), " that were new");
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
  if (!hostile_->empty())
    for (const auto& [sight, count] : hostile_->sights()) out[sight] += count;
  return out;
}

std::string World::unrest() const {
  std::string why;
  (void)quiet(machines_, &why);
  return why;
}

}  // namespace lienthong::sim
