#include "tests/simulation/faults.h"

#include <algorithm>

#include "store/desk/operations.h"
#include "tests/simulation/adversary.h"
#include "tests/simulation/carrier.h"
#include "tests/simulation/registrar.h"

namespace lienthong::sim {
namespace {

constexpr std::size_t kKeptPartCountMax = 60;
constexpr std::size_t kBackupCountMax = 3;
constexpr std::size_t kTwinPlace = 3'000'000;  // in the network: no machine of the province
constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;

}  // namespace

// A machine that is there twice. What the twin acknowledges goes with it where nobody heard of it.
struct Faults::Twin {
  std::unique_ptr<Machine> machine;
  Ledger ledger;
  Workload workload;
  Twin(std::unique_ptr<Machine> m, Dice dice) : machine(std::move(m)), workload(ledger, dice) {}
};

Faults::Faults(FaultScene scene, const FaultRates& rates, Dice dice)
    : scene_(scene),
      rates_(rates),
      streams_(dice.fork()),
      dice_(dice),
      adversary_(std::make_unique<Adversary>(scene.timeline, scene.network, scene.deployment,
                                             scene.machines, dice_.fork())),
      registrar_(std::make_unique<Registrar>(scene.timeline, scene.deployment, scene.machines,
                                             dice_.fork())) {
  Dice beside = dice_;  // so that the others' streams stay as they are
  (void)beside.next();
  carrier_ = std::make_unique<Carrier>(scene.timeline, scene.machines, beside.fork());
}
Faults::~Faults() = default;

void Faults::watch(Machine& machine) {
  machine.on_part = [this](Machine& to, const SimLink& link, const StorePart& part) {
    keep_part(to, link, part);
  };
  // The process ends by itself when a write fails, and is started again.
  machine.on_failure = [this](Machine& failed) {
    const Disk::Loss loss = failed.disk().stopped()
                                ? (dice_.chance(0.5) ? Disk::Loss::kUnsynced : Disk::Loss::kTorn)
                                : Disk::Loss::kNothing;
    crash(failed, loss, Duration(dice_.between(500, 20'000)));
  };
}

void Faults::start() {
  for (const auto& machine : scene_.machines) watch(*machine);
  plan("link_down", rates_.link_down, &Faults::link_down);
  plan("outages", rates_.outages, &Faults::outage);
  plan("partition", rates_.partition, &Faults::partition);
  plan("one_way", rates_.one_way, &Faults::one_way);
  plan("qualities", rates_.qualities, &Faults::quality);
  plan("corruption", rates_.corruption, &Faults::corrupt);
  plan("cuts", rates_.cuts, &Faults::cuts);
  plan("kills", rates_.kills, &Faults::kill);
  plan("power_cuts", rates_.power_cuts, &Faults::power_cut);
  plan("scattered", rates_.scattered, &Faults::scatter);
  plan("commit_crashes", rates_.commit_crashes, &Faults::commit_crash);
  plan("long_stops", rates_.long_stops, &Faults::long_stop);
  plan("disk_full", rates_.disk_full, &Faults::disk_full);
  plan("slow_disks", rates_.slow_disks, &Faults::slow_disk);
  plan("read_errors", rates_.read_errors, &Faults::read_error);
  plan("rot", rates_.rot, &Faults::rot);
  plan("wrong_clocks", rates_.wrong_clocks, &Faults::wrong_clock);
  plan("replays", rates_.replays, &Faults::replay);
  plan("duplicates", rates_.duplicates, &Faults::duplicate);
  plan("backups", rates_.backups, &Faults::backup);
  plan("restores", rates_.restores, &Faults::restore);
  plan("blind_restores", rates_.blind_restores, &Faults::blind_restore);
  plan("lost_cursors", rates_.lost_cursors, &Faults::lose_cursor);
  plan("no_room", rates_.no_room, &Faults::no_room);
  plan("closed_lanes", rates_.closed_lanes, &Faults::close_lanes);
  plan("second_dials", rates_.second_dials, &Faults::dial_beside);
  plan("intruders", rates_.intruders, &Faults::intrude);
  plan("forgeries", rates_.forgeries, &Faults::forge);
  plan("clones", rates_.clones, &Faults::clone);
  plan("tree_changes", rates_.tree_changes, &Faults::change_tree);
  plan("renewals", rates_.renewals, &Faults::renew);
  plan("revocations", rates_.revocations, &Faults::revoke);
  plan("erasures", rates_.erasures, &Faults::erase);
  plan("bundles", rates_.bundles, &Faults::carry);
}

void Faults::plan(const char* name, double per_minute, Fault fault) {
  Dice dice = streams_.fork();
  if (per_minute > 0) plan(name, per_minute, fault, std::make_shared<Dice>(dice));
}

void Faults::plan(const char* name, double per_minute, Fault fault,
                  const std::shared_ptr<Dice>& dice) {
  const auto mean = static_cast<std::int64_t>(60'000 / per_minute);
  const Duration wait(dice->between(1, 2 * mean));
  scene_.timeline.after(wait, [this, name, per_minute, fault, dice] {
    if (stopped_) return;
    ++counts_[name];
    std::swap(dice_, *dice);
    (this->*fault)();
    std::swap(dice_, *dice);
    plan(name, per_minute, fault, dice);
  });
}

void Faults::stop() {
  stopped_ = true;
  for (const auto& twin : twins_)
    if (twin->machine->on()) twin->machine->crash();
  for (const auto& machine : scene_.machines) {
    machine->disk().set_full(false);
    machine->set_no_room(false);
    machine->set_closed_lanes(0);
    machine->set_slowness(Duration(0));
    machine->disk().fail_read(0);
    if (!machine->on() && machine->enrolled()) boot(*machine, off_[machine->index()]);
    machine->disk().stop_at(0);
  }
  for (const auto& machine : scene_.machines) {
    if (!machine->on() || !machine->released()) continue;
    machine->crash();
    machine->upgrade();
    boot(*machine, Disk::Loss::kNothing);
  }
  for (const std::size_t index : rotten_) {  // its log is read as well
    Machine& machine = *scene_.machines[index];
    if (machine.on()) machine.crash();
    boot(machine, Disk::Loss::kNothing);
    look_through(machine);
  }
}

FaultCounts Faults::counts() const {
  FaultCounts out = counts_;
  out["certificates renewed"] += registrar_->renewed();
  out["trees changed"] += registrar_->trees_changed();
  out["machines revoked"] += registrar_->revoked();
  out["revocations moved"] += registrar_->moved();
  out["bundles taken in"] += carrier_->taken_in();
  for (const auto& machine : scene_.machines) out["programs upgraded"] += machine->upgraded();
  return out;
}

const Forgeries& Faults::forgeries() const { return adversary_->forgeries(); }

Machine* Faults::some_machine() {
  const std::size_t count = rates_.only_topmost ? 1 : scene_.machines.size();
  Machine& machine = *scene_.machines[dice_.below(count)];
  return machine.on() ? &machine : nullptr;
}

// ---- the network ----

std::optional<std::pair<std::size_t, std::size_t>> Faults::some_link() {
  const Machine& machine = *scene_.machines[1 + dice_.below(scene_.machines.size() - 1)];
  if (!machine.parent()) return std::nullopt;  // a newcomer without a token
  return std::pair(machine.index(), *machine.parent());
}

void Faults::link_down() {
  const auto link = some_link();
  if (!link) return;
  scene_.network.set_down(link->first, link->second, true);
  scene_.timeline.after(Duration(dice_.between(1'000, 90'000)), [this, link] {
    scene_.network.set_down(link->first, link->second, false);
  });
}

void Faults::outage() {
  const auto link = some_link();
  if (!link) return;
  scene_.network.set_down(link->first, link->second, true);
  scene_.timeline.after(Duration(dice_.between(kHour / 4, 6 * kHour)), [this, link] {
    scene_.network.set_down(link->first, link->second, false);
  });
}

void Faults::one_way() {
  auto link = some_link();
  if (!link) return;
  if (dice_.chance(0.5)) std::swap(link->first, link->second);
  scene_.network.set_deaf(link->first, link->second, true);
  scene_.timeline.after(Duration(dice_.between(1'000, 120'000)), [this, link] {
    scene_.network.set_deaf(link->first, link->second, false);
  });
}

void Faults::quality() {
  const auto link = some_link();
  if (!link) return;
  LinkQuality quality;
  quality.delay = Duration(dice_.between(5, 1'500));
  quality.jitter = Duration(dice_.between(0, 500));
  quality.bytes_per_second = static_cast<std::size_t>(1'000 << dice_.below(11));
  quality.loss = dice_.chance(0.5) ? 0.3 * dice_.unit() : 0;
  scene_.network.set_quality(link->first, link->second, quality);
  scene_.timeline.after(Duration(dice_.between(10'000, 120'000)), [this, link] {
    scene_.network.set_quality(link->first, link->second, std::nullopt);
  });
}

void Faults::corrupt() { scene_.network.corrupt_some(0.3); }

void Faults::partition() {
  std::set<std::size_t> side;
  for (std::size_t i = 0; i < scene_.machines.size(); ++i)
    if (dice_.chance(0.4)) side.insert(i);
  scene_.network.partition(std::move(side));
  scene_.timeline.after(Duration(dice_.between(5'000, 60'000)),
                        [this] { scene_.network.partition({}); });
}

void Faults::cuts() { scene_.network.cut_some(0.4); }

void Faults::replay() {
  const auto& recordings = scene_.network.recordings();
  if (recordings.empty()) return;
  const Network::Recording recording = recordings[dice_.below(recordings.size())];
  const auto keep = Duration(dice_.between(100, 40'000));
  scene_.network.dial(recording.to, recording.to,
                      [this, recording, keep](std::shared_ptr<Stream> stream) {
                        if (!stream) return;
                        stream->send(recording.bytes);
                        scene_.timeline.after(keep, [stream] { stream->close(); });
                      });
}

// ---- machines ----

void Faults::crash(Machine& machine, Disk::Loss loss, Duration pause) {
  if (!machine.on()) return;
  machine.crash();
  off_[machine.index()] = loss;
  scene_.timeline.after(pause, [this, &machine, loss] {
    if (!machine.on()) boot(machine, loss);
  });
}

void Faults::boot(Machine& machine, Disk::Loss loss) {
  if (!machine.enrolled()) return;                   // another has taken its place meanwhile
  if (dice_.chance(0.2) && rates_.wrong_clocks > 0)  // a dead battery: 1970
    machine.set_clock_wrong(-machine.clock() / 2);
  const bool booted = machine.boot(loss);
  if (rotten_.contains(machine.index())) forgive_what_is_lost();  // it may have been salvaged
  if (booted) return;
  off_[machine.index()] = Disk::Loss::kNothing;
  scene_.timeline.after(Duration(5'000), [this, &machine] {
    if (!machine.on()) boot(machine, Disk::Loss::kNothing);
  });
}

void Faults::kill() {
  if (Machine* machine = some_machine())
    crash(*machine, Disk::Loss::kNothing, Duration(dice_.between(200, 30'000)));
}

void Faults::power_cut() {
  if (Machine* machine = some_machine())
    crash(*machine, dice_.chance(0.5) ? Disk::Loss::kUnsynced : Disk::Loss::kTorn,
          Duration(dice_.between(1'000, 60'000)));
}

void Faults::scatter() {
  if (Machine* machine = some_machine())
    crash(*machine, Disk::Loss::kScattered, Duration(dice_.between(1'000, 60'000)));
}

void Faults::long_stop() {
  if (Machine* machine = some_machine())
    crash(*machine, Disk::Loss::kUnsynced, Duration(dice_.between(kHour / 2, 8 * kHour)));
}

void Faults::slow_disk() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  machine->set_slowness(Duration(dice_.between(100, 5'000)));
  scene_.timeline.after(Duration(dice_.between(5'000, 60'000)),
                        [machine] { machine->set_slowness(Duration(0)); });
}

void Faults::read_error() {
  if (Machine* machine = some_machine())
    machine->disk().fail_read(1 + static_cast<int>(dice_.below(20)));
}

void Faults::rot() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  machine->keep_registry_copy();
  machine->crash();
  machine->disk().boot(Disk::Loss::kUnsynced, dice_);
  ++counts_["rotten " + machine->disk().rot(dice_)];
  machine->rots();
  machine->disk_replaced();
  rotten_.insert(machine->index());
  boot(*machine, Disk::Loss::kNothing);
  if (dice_.chance(0.5)) look_through(*machine);
}

// As the slow look through all does in time.
void Faults::look_through(Machine& machine) {
  if (!machine.on() || machine.reads_back()) return;
  machine.crash();
  boot(machine, Disk::Loss::kNothing);
}

// The disk stops at one of the next writes of the log: before it, between write and sync, or after
// the sync of an earlier one whose answer is still on its way.
void Faults::commit_crash() {
  if (Machine* machine = some_machine())
    machine->disk().stop_at(1 + static_cast<int>(dice_.below(4)));
}

void Faults::disk_full() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  machine->disk().set_full(true);
  scene_.timeline.after(Duration(30'000), [machine] { machine->disk().set_full(false); });
}

void Faults::no_room() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  machine->set_no_room(true);
  scene_.timeline.after(Duration(dice_.between(500, 40'000)),
                        [machine] { machine->set_no_room(false); });
}

// As a spent budget does: the lower lanes first.
void Faults::close_lanes() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  constexpr std::array<std::uint8_t, 3> kClosed{0b10000, 0b11000, 0b11100};
  machine->set_closed_lanes(kClosed[dice_.below(kClosed.size())]);
  scene_.timeline.after(Duration(dice_.between(1'000, 60'000)),
                        [machine] { machine->set_closed_lanes(0); });
}

void Faults::dial_beside() {
  Machine* child = some_machine();
  if (child == nullptr || !child->parent()) return;
  Machine& parent = *scene_.machines[*child->parent()];
  if (!parent.on()) return;
  if (dice_.chance(0.5))
    child->call(parent.index(), parent.agency());
  else
    parent.call(child->index(), child->agency());
}

void Faults::wrong_clock() {
  if (Machine* machine = some_machine())
    machine->set_clock_wrong(dice_.chance(0.3) ? 0 : dice_.between(-9 * kDay, 9 * kDay));
}

// ---- what comes twice, and what comes back ----

void Faults::keep_part(Machine& machine, const SimLink& link, const StorePart& part) {
  if (rates_.duplicates <= 0 || !dice_.chance(0.2)) return;
  const Established& peer = link.driver().peer();
  kept_parts_.push_back({machine.index(), part.kind, peer.node, peer.agency, part.part});
  if (kept_parts_.size() > kKeptPartCountMax)
    kept_parts_.erase(kept_parts_.begin() +
                      static_cast<std::ptrdiff_t>(dice_.below(kKeptPartCountMax)));
}

void Faults::duplicate() {
  if (kept_parts_.empty()) return;
  const auto kept = std::make_shared<KeptPart>(kept_parts_[dice_.below(kept_parts_.size())]);
  Machine& machine = *scene_.machines[kept->machine];
  if (!machine.on()) return;
  machine.writer().post(
      [kept](store::Transaction& transaction) -> Result<void> {
        LT_TRY(const auto outcome,
               transaction.receive(kept->kind, kept->from, kept->from_agency, kept->part));
        (void)outcome;
        return {};
      },
      nullptr);
}

void Faults::backup() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  auto& copies = backups_[machine->index()];
  copies.push_back(machine->disk().copy());
  if (copies.size() > kBackupCountMax) copies.pop_front();
}

void Faults::restore() {
  if (backups_.empty()) return;
  const auto at =
      std::next(backups_.begin(), static_cast<std::ptrdiff_t>(dice_.below(backups_.size())));
  Machine& machine = *scene_.machines[at->first];
  if (!machine.on()) return;
  for (const auto& other : scene_.machines)
    if (!other->on() && other->enrolled()) return;
  restore(machine, *at->second[dice_.below(at->second.size())]);
}

// Whoever is off, and whether the machine itself is on; the same copy again while it recovers.
void Faults::blind_restore() {
  if (backups_.empty()) return;
  const auto at =
      std::next(backups_.begin(), static_cast<std::ptrdiff_t>(dice_.below(backups_.size())));
  Machine& machine = *scene_.machines[at->first];
  const auto image = at->second[dice_.below(at->second.size())];
  restore(machine, *image);
  if (!dice_.chance(0.4)) return;
  scene_.timeline.after(Duration(dice_.between(500, 60'000)), [this, &machine, image] {
    if (!stopped_) restore(machine, *image);
  });
}

void Faults::restore(Machine& machine, const Disk::Image& image) {
  ++counts_["restored"];
  if (machine.on()) machine.crash();
  machine.disk().restore(image);
  machine.disk_replaced();
  boot(machine, Disk::Loss::kNothing);
  forgive_what_is_lost();
  // Sooner or later somebody says that the machine may hand over its old records again.
  scene_.timeline.after(Duration(dice_.between(30'000, 300'000)), [&machine] {
    if (!machine.on()) return;
    machine.writer().post(
        [](store::Transaction& transaction) {
          transaction.clear_restored();
          return Result<void>();
        },
        nullptr);
  });
}

// What no disk has any longer, since one was set back, nobody was told of.
void Faults::forgive_what_is_lost() {
  std::vector<UpdateId> lost;
  for (const auto& [id, entry] : scene_.ledger.entries()) {
    const bool held = std::ranges::any_of(
        scene_.machines, [&](const auto& machine) { return machine->held().contains(id); });
    if (!held) lost.push_back(id);
  }
  for (const UpdateId& id : lost) scene_.ledger.forget(id);
  counts_["updates lost with a disk"] += lost.size();
}

void Faults::clone() {
  const Machine* machine = some_machine();
  if (machine == nullptr || !machine->parent()) return;
  ++counts_["machines cloned"];
  add_twin(*machine);
}

void Faults::add_twin(const Machine& machine) {
  const auto twin =
      std::make_shared<Twin>(machine.clone(kTwinPlace + twins_.size(), dice_.fork()), dice_.fork());
  twins_.push_back(twin);
  twin->machine->on_broken = machine.on_broken;
  twin->machine->on_failure = [](Machine& failed) { failed.crash(); };
  if (!twin->machine->boot()) return;
  work(twin);
  scene_.timeline.after(Duration(dice_.between(10'000, 120'000)), [twin] {
    if (twin->machine->on()) twin->machine->crash();
  });
}

void Faults::work(const std::shared_ptr<Twin>& twin) {
  if (!twin->machine->on()) return;
  twin->machine->guard([&] { twin->workload.act(*twin->machine); });
  scene_.timeline.after(Duration(dice_.between(500, 8'000)), [this, twin] { work(twin); });
}

// Of an unknown epoch, or with another hash: as after a mixed-up disk. The process starts anew.
void Faults::lose_cursor() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  const Machine& other = *scene_.machines[dice_.below(scene_.machines.size())];
  if (!other.enrolled()) return;
  const bool epoch = dice_.chance(0.5);
  const auto job = [node = other.node().id(), epoch](store::Transaction& transaction) {
    for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
      FeedMark mark = transaction.cursor(kind, node).mark;
      if (mark.number == 0) continue;
      (epoch ? mark.epoch : mark.hash) ^= 0x5555;
      transaction.set_cursor(kind, node, mark);
    }
    return Result<void>();
  };
  machine->writer().post(job, [this, machine](const Result<void>&) {
    crash(*machine, Disk::Loss::kNothing, Duration(dice_.between(100, 3000)));
  });
}

// ---- people ----

// Of any record that lies there; the rules say who may.
void Faults::erase() {
  Machine* machine = some_machine();
  if (machine == nullptr) return;
  std::optional<RecordId> record;
  const auto look = [&] {
    std::size_t seen = 0;
    machine->replica().for_each_record([&](const store::RecordEntry& entry) {
      if (dice_.below(++seen) == 0) record = entry.state.record;
      return true;
    });
  };
  in_peace([&] { machine->guard(look); });
  if (!record) return;
  const std::string decision = std::to_string(counts_["erasures"]) + "/QĐ";
  const auto job = [record, decision](store::Transaction& transaction) -> Result<void> {
    const auto done = store::apply_operation(transaction, store::Erase{record->hex(), decision});
    return done.ok() ? Result<void>() : done.error();
  };
  machine->writer().write(job, [this](const Result<void>& result) {
    if (result) ++counts_["records erased"];
  });
}

void Faults::carry() { carrier_->carry(); }

void Faults::intrude() {
  in_peace([this] { adversary_->intrude(); });
}
void Faults::forge() {
  in_peace([this] { adversary_->forge(); });
}

// They look into replicas by no way that a disk would know of.
void Faults::in_peace(const std::function<void()>& work) {
  for (const auto& machine : scene_.machines) machine->disk().set_calm(true);
  work();
  for (const auto& machine : scene_.machines) machine->disk().set_calm(false);
}

void Faults::change_tree() { registrar_->change_tree(); }
void Faults::renew() { registrar_->renew(); }

// Whoever has it may go on with it until its superior has said that it is no more.
void Faults::revoke() {
  Machine* machine = registrar_->some_commune();
  if (machine == nullptr) return;
  if (dice_.chance(0.4)) add_twin(*machine);
  machine->crash();
  backups_.erase(machine->index());
  const NodeId stolen = machine->node().id();
  const AgencyId agency = machine->agency();
  machine->replace(scene_.deployment.make_node(agency));
  forgive_what_is_lost();
  registrar_->revoke(machine->index(), stolen);
}

}  // namespace lienthong::sim
