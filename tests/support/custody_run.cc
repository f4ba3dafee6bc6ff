#include "tests/support/custody_run.h"

#include <algorithm>
#include <limits>

namespace lienthong::model {
namespace {

constexpr int kEverything = std::numeric_limits<int>::max();

}  // namespace

int below(Random& random, int count) {
  return std::uniform_int_distribution<int>(0, count - 1)(random);
}

bool chance(Random& random, double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random) < probability;
}

TreeVersion newest_named(const World& world, const Mask& mask, const Registry& registry) {
  TreeVersion newest = registry.newest;
  for (const int id : numbers_in(mask)) newest = std::max(newest, world.at(id).tree_version);
  return newest;
}

Run::Run(std::uint64_t seed, const Faults& faults, int steps) : random_(seed), faults_(faults) {
  world_.scramble(below(random_, 256), below(random_, 512));
  for (int agency = P; agency < kAgencyCount; ++agency) {
    const bool two = (agency == A && faults.two_machines) || (agency == P && faults.two_notaries);
    for (int number = 1; number <= (two ? 2 : 1); ++number) {
      Desk desk;
      desk.machine = {agency, number};
      desk.skew = chance(random_, 0.2) ? 50 : 0;
      desks_.push_back(desk);
    }
  }
  for (Desk& desk : desks_) {
    if (desk.machine == Machine{A, 1}) write(desk, UpdateKind::kCreated, {});
  }
  for (int i = 0; i < steps; ++i) step();
}

Registry Run::registry_of(const Desk& desk) const {
  Registry out;
  for (const std::size_t entry : desk.entries) out.learn(entries_[entry]);
  return out;
}

Registry Run::registry() const {
  Registry out;
  for (const Registry& entry : entries_) out.learn(entry);
  out.newest = newest_named(world_, world_.all(), out);
  return out;
}

Mask Run::random_part() {
  Mask part;
  for (int i = 1 + below(random_, 3); i > 0; --i) {
    const int id = below(random_, world_.next_id());
    part |= world_.past[place(id)];
    part.set(place(id));
  }
  return part;
}

void Run::take(Desk& by, int id) {
  by.has.set(place(id));
  by.seen.emplace(id, static_cast<int>(by.seen.size()));
}

void Run::write(Desk& by, UpdateKind kind, Item item) {
  if (world_.items.size() >= kUpdateCountMax) return;
  item.id = world_.next_id();
  item.kind = kind;
  item.agency = by.machine.agency;
  item.machine = by.machine.number;
  if (item.deps.empty()) {
    item.deps = world_.heads(by.has);
    std::uint64_t newest = 0;
    for (const int dep : item.deps) newest = std::max(newest, world_.at(dep).hlc);
    item.hlc = newest + 1 + (chance(random_, 0.5) ? by.skew : 0);
  }
  item.seal = ++by.seals;
  world_.add(item);
  take(by, item.id);
}

void Run::sync(Desk& to) {
  std::vector<const Desk*> sources;
  for (const Desk& desk : desks_) {
    if (desk.has.any()) sources.push_back(&desk);
  }
  const Desk& from = *one_of(random_, sources);
  for (const std::size_t entry : from.entries) {
    if (chance(random_, 0.6)) to.entries.insert(entry);
  }
  for (const int id : numbers_in(from.has & ~to.has)) {
    if ((world_.past[place(id)] & ~to.has).none() && chance(random_, 0.85)) take(to, id);
  }
}

void Run::revoke() {
  const Machine victim{one_of<int>(random_, {A, B, D1}), 1};
  for (const Desk& desk : desks_) {
    if (desk.machine != victim) continue;
    Registry entry;
    entry.cuts[victim] = below(random_, std::max(1, desk.seals) + 1);
    desks_[0].entries.insert(entries_.size());
    entries_.push_back(entry);
  }
}

void Run::reorganise() {
  if (std::ranges::any_of(entries_, [](const Registry& entry) { return entry.newest == 1; }))
    return;
  Registry tree;
  tree.newest = 1;
  desks_[0].entries.insert(entries_.size());
  entries_.push_back(tree);
  for (const int agency : {A, C, D1}) {  // whom version 1 dissolves or takes somebody from
    int known = 0;
    for (const int id : numbers_in(desks_[0].has)) {
      const Item& item = world_.at(id);
      if (item.by() == Machine{agency, 1}) known = std::max(known, item.seal);
    }
    Registry entry;
    entry.closings[{{agency, 1}, 1}] = chance(random_, 0.5) ? known : kEverything;
    desks_[0].entries.insert(entries_.size());
    entries_.push_back(entry);
  }
}

void Run::roll_back(Desk& by) {
  if (by.copy) {
    std::tie(by.has, by.seals) = *by.copy;
  } else {
    by.copy.emplace(by.has, by.seals);
  }
}

void Run::forge(Desk& by) {
  const int on = one_of(random_, numbers_in(by.has));
  Mask past = world_.past[place(on)];
  past.set(place(on));
  std::vector<int> links;
  for (const int id : numbers_in(past)) {
    if (link_kind(world_.at(id).kind)) links.push_back(id);
  }
  static const std::vector<UpdateKind> kKinds = {
      UpdateKind::kSet,     UpdateKind::kOffer,  UpdateKind::kAccept, UpdateKind::kDecline,
      UpdateKind::kReclaim, UpdateKind::kUphold, UpdateKind::kUphold};
  Item item;
  item.deps = {on};
  item.link = one_of(random_, links);
  item.to = below(random_, kAgencyCount);
  item.hlc = world_.at(on).hlc + (chance(random_, 0.5) ? 1 : 1000);
  item.forged = true;
  const TreeVersion known = registry_of(by).newest;
  item.tree_version = chance(random_, 0.5) ? known : world_.at(item.link).tree_version;
  item.certificate_version = chance(random_, 0.2) ? known : 0;
  write(by, one_of(random_, kKinds), item);
}

void Run::act_beside(Desk& by, const Outcome& view, Item item) {
  static const std::vector<UpdateKind> kKinds = {
      UpdateKind::kNote,    UpdateKind::kNote,  UpdateKind::kConsult,
      UpdateKind::kShare,   UpdateKind::kReply, UpdateKind::kRecallRequest,
      UpdateKind::kInspect, UpdateKind::kErase, UpdateKind::kAdopt};
  UpdateKind kind = one_of(random_, kKinds);
  const bool set_aside = !view.late.empty();
  if (view.holder == by.machine.agency && set_aside && chance(random_, 0.5)) {
    kind = UpdateKind::kAdopt;
  }
  std::vector<int> places{view.chain.back()};
  if (chance(random_, 0.3)) places = view.chain;
  for (const int id : numbers_in(by.has)) {
    if (world_.at(id).kind == UpdateKind::kConsult && kind == UpdateKind::kReply) {
      places.push_back(id);
    }
  }
  item.link = one_of(random_, places);
  item.to = below(random_, kAgencyCount);
  if (kind == UpdateKind::kAdopt) item.references.assign(view.late.begin(), view.late.end());
  if (kind == UpdateKind::kRecallRequest) item.references = {item.link};
  write(by, kind, item);
}

void Run::act(Desk& by) {
  const Registry registry = registry_of(by);
  const Outcome view = Model(world_, trees(), registry).fold(by.has);
  if (view.chain.empty()) return;
  Item item;
  item.link = view.chain.back();
  item.tree_version = newest_named(world_, by.has, registry);
  const int me = by.machine.agency;
  const int turn = view.offered != kNobody ? view.offered : view.holder;
  if (turn != me && trees().resolve(turn, item.tree_version) == me) {
    item.to = turn;
    write(by, UpdateKind::kSucceed, item);
  } else if (faults_.others && chance(random_, 0.3)) {
    act_beside(by, view, item);
  } else if (!trees().dissolved(me, item.tree_version)) {
    act_on_turn(by, view, item);
  }
}

void Run::act_on_turn(Desk& by, const Outcome& view, Item item) {
  const int me = by.machine.agency;
  const bool open = view.offered != kNobody;
  if (open && view.offered == me) {
    write(by, chance(random_, 0.67) ? UpdateKind::kAccept : UpdateKind::kDecline, item);
  } else if (!open && view.holder == me) {
    if (chance(random_, 0.5)) {
      write(by, UpdateKind::kSet, item);
      return;
    }
    do {
      item.to = below(random_, kAgencyCount);
    } while (item.to == me);
    write(by, UpdateKind::kOffer, item);
  } else if (faults_.reclaim && chance(random_, 0.25) &&
             me != (open ? view.offered : view.holder) &&
             trees().superior(me, view.holder, item.tree_version) &&
             (!open || trees().superior(me, view.offered, item.tree_version))) {
    write(by, UpdateKind::kReclaim, item);
  }
}

void Run::do_duty(Desk& by) {
  const Registry registry = registry_of(by);
  const auto link = Model(world_, trees(), registry).duty(by.has, by.machine, by.seen);
  if (!link) return;
  Item item;
  item.link = *link;
  item.tree_version = newest_named(world_, by.has, registry);
  item.by_itself = true;
  write(by, UpdateKind::kUphold, item);
}

void Run::step() {
  Desk& by = desks_[place(below(random_, static_cast<int>(desks_.size())))];
  const double what = std::uniform_real_distribution<double>(0, 1)(random_);
  if (what < 0.35 || by.has.none()) {
    sync(by);
    if (faults_.notary && by.has.any() && by.machine != Machine{A, 2}) do_duty(by);
  } else if (what < 0.38 && faults_.revoke && entries_.size() < 3) {
    revoke();
  } else if (what < 0.40 && faults_.reorganise) {
    reorganise();
  } else if (what < 0.43 && faults_.roll_back) {
    roll_back(by);
  } else if (what < 0.47 && faults_.malice) {
    forge(by);
  } else {
    act(by);
  }
}

}  // namespace lienthong::model
