#include "tests/support/custody_run.h"

#include <algorithm>

namespace lienthong::model {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool link_kind(UpdateKind kind) { return kind <= UpdateKind::kSucceed; }

}  // namespace

Run::Run(std::uint64_t seed, const Faults& faults, int steps) : random_(seed), faults_(faults) {
  for (const int agency : {P, D1, D2, A, B, C, E, X}) {
    for (int number = 1; number <= (agency == A && faults.two_machines ? 2 : 1); ++number) {
      Machine machine;
      machine.agency = agency;
      machine.number = number;
      machine.skew = chance(0.2) ? 50 : 0;
      machines_.push_back(machine);
    }
  }
  for (Machine& machine : machines_) {
    if (machine.agency == A && machine.number == 1) write(machine, UpdateKind::kCreated, {});
  }
  for (int i = 0; i < steps; ++i) step();
  std::map<int, int> cuts;
  for (const Machine& machine : machines_) {
    if (machine.agency == P) cuts = machine.cuts;  // every revocation starts there
  }
  believe(cuts);
}

bool Run::chance(double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

int Run::below(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }

std::vector<int> Run::list(const Mask& mask) const {
  std::vector<int> out;
  for (const Item& item : world_.items) {
    if (mask[at(item.id)]) out.push_back(item.id);
  }
  return out;
}

std::vector<int> Run::heads(const Mask& mask) const {
  Mask covered;
  for (const int id : list(mask)) covered |= world_.past[at(id)];
  return list(mask & ~covered);
}

void Run::believe(const std::map<int, int>& cuts) {
  for (Item& item : world_.items) {
    const auto cut = cuts.find(machine_of_[at(item.id)]);
    item.believed = cut == cuts.end() || item.seal <= cut->second;
  }
}

Mask Run::random_part() {
  Mask part;
  const std::vector<int> all = list(world_.all());
  for (int i = 1 + below(3); i > 0; --i) {
    const int id = all[at(below(static_cast<int>(all.size())))];
    part |= world_.past[at(id)];
    part.set(at(id));
  }
  return part;
}

void Run::write(Machine& by, UpdateKind kind, Item item) {
  if (world_.items.size() >= kUpdateCountMax) return;
  item.id = static_cast<int>(world_.items.size());
  item.kind = kind;
  item.agency = by.agency;
  item.machine = by.number;
  if (item.deps.empty()) {
    item.deps = heads(by.seen);
    std::uint64_t newest = 0;
    for (const int dep : item.deps) newest = std::max(newest, world_.items[at(dep)].hlc);
    item.hlc = newest + 1 + (chance(0.5) ? by.skew : 0);
  }
  item.seal = ++by.seals;
  world_.add(item);
  machine_of_.push_back(static_cast<int>(&by - machines_.data()));
  by.seen |= world_.past.back();
  by.seen.set(at(item.id));
}

void Run::sync(Machine& to) {
  std::vector<Machine*> sources;
  for (Machine& machine : machines_) {
    if (machine.seen.any()) sources.push_back(&machine);
  }
  const Machine& from = *sources[at(below(static_cast<int>(sources.size())))];
  for (const auto& [machine, seal] : from.cuts) {
    if (!chance(0.6)) continue;
    const auto known = to.cuts.emplace(machine, seal).first;
    known->second = std::min(known->second, seal);
  }
  if (chance(0.6)) to.tree = std::max(to.tree, from.tree);
  for (const int id : list(from.seen & ~to.seen)) {
    if ((world_.past[at(id)] & ~to.seen).none() && chance(0.85)) to.seen.set(at(id));
  }
}

void Run::revoke() {
  ++revocations_;
  const std::vector<int> victims{A, B, D1};
  const int victim = victims[at(below(3))];
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i].agency != victim || machines_[i].number != 1) continue;
    const int seal = below(std::max(1, machines_[i].seals) + 1);
    const auto known = machines_[0].cuts.emplace(static_cast<int>(i), seal).first;
    known->second = std::min(known->second, seal);
  }
}

void Run::forge(Machine& by) {
  const std::vector<int> have = list(by.seen);
  const int on = have[at(below(static_cast<int>(have.size())))];
  Mask past = world_.past[at(on)];
  past.set(at(on));
  std::vector<int> links;
  for (const int id : list(past)) {
    if (link_kind(world_.items[at(id)].kind)) links.push_back(id);
  }
  static constexpr UpdateKind kKinds[] = {UpdateKind::kSet, UpdateKind::kOffer, UpdateKind::kAccept,
                                          UpdateKind::kDecline, UpdateKind::kReclaim};
  Item item;
  item.deps = {on};
  item.link = links[at(below(static_cast<int>(links.size())))];
  item.to = below(kAgencyCount);
  item.hlc = world_.items[at(on)].hlc + (chance(0.5) ? 1 : 1000);
  item.forged = true;
  write(by, kKinds[below(5)], item);
}

void Run::act_beside(Machine& by, const Outcome& view, TreeVersion tree) {
  static constexpr UpdateKind kKinds[] = {
      UpdateKind::kNote,    UpdateKind::kNote,  UpdateKind::kConsult,
      UpdateKind::kShare,   UpdateKind::kReply, UpdateKind::kRecallRequest,
      UpdateKind::kInspect, UpdateKind::kErase, UpdateKind::kAdopt};
  Item item;
  item.tree_version = tree;
  UpdateKind kind = kKinds[below(9)];
  if (view.holder == by.agency && !view.late.empty() && chance(0.5)) kind = UpdateKind::kAdopt;
  std::vector<int> places{view.chain.back()};
  if (chance(0.3)) places = view.chain;
  for (const int id : list(by.seen)) {
    if (world_.items[at(id)].kind == UpdateKind::kConsult && kind == UpdateKind::kReply) {
      places.push_back(id);
    }
  }
  item.link = places[at(below(static_cast<int>(places.size())))];
  item.to = below(kAgencyCount);
  if (kind == UpdateKind::kAdopt) item.references.assign(view.late.begin(), view.late.end());
  if (kind == UpdateKind::kRecallRequest) item.references = {item.link};
  write(by, kind, item);
}

void Run::act(Machine& by) {
  believe(by.cuts);
  const Outcome view = Model(world_).fold(by.seen);
  if (view.chain.empty()) return;
  TreeVersion tree = by.tree;
  for (const int id : list(by.seen)) tree = std::max(tree, world_.items[at(id)].tree_version);
  Item item;
  item.link = view.chain.back();
  item.tree_version = tree;
  const bool open = view.offered != kNobody;
  const int turn = open ? view.offered : view.holder;
  if (turn != by.agency && resolve(turn, tree) == by.agency) {
    item.to = turn;
    write(by, UpdateKind::kSucceed, item);
    return;
  }
  if (faults_.others && chance(0.3)) {
    act_beside(by, view, tree);
    return;
  }
  if (successor_of(by.agency, tree) != kNobody) return;
  if (open && view.offered == by.agency) {
    write(by, chance(0.67) ? UpdateKind::kAccept : UpdateKind::kDecline, item);
  } else if (!open && view.holder == by.agency) {
    if (chance(0.5)) {
      write(by, UpdateKind::kSet, item);
    } else {
      do {
        item.to = below(kAgencyCount);
      } while (item.to == by.agency);
      write(by, UpdateKind::kOffer, item);
    }
  } else if (faults_.reclaim && chance(0.25) && turn != by.agency &&
             above_or_equal(by.agency, view.holder, tree) &&
             (!open || above_or_equal(by.agency, view.offered, tree))) {
    write(by, UpdateKind::kReclaim, item);
  }
}

void Run::step() {
  Machine& by = machines_[at(below(static_cast<int>(machines_.size())))];
  const double what = std::uniform_real_distribution<double>(0, 1)(random_);
  if (what < 0.35 || by.seen.none()) {
    sync(by);
  } else if (what < 0.38 && faults_.revoke && revocations_ < 3) {
    revoke();
  } else if (what < 0.40 && faults_.reorganise && !reorganised_) {
    reorganised_ = true;
    machines_[0].tree = 1;
  } else if (what < 0.43 && faults_.roll_back) {
    if (by.copy_seals < 0) {
      by.copy = by.seen;
      by.copy_seals = by.seals;
    } else {
      by.seen = by.copy;
      by.seals = by.copy_seals;
    }
  } else if (what < 0.47 && faults_.malice) {
    forge(by);
  } else {
    act(by);
  }
}

}  // namespace lienthong::model
