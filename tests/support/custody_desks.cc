#include "tests/support/custody_desks.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace lienthong::model {

Desks::Desks(World& world, const Trees& trees, const Registry& registry, std::vector<Machine> desks,
             std::set<int> moved, Duty duty)
    : world_(world),
      trees_(trees),
      registry_(registry),
      desks_(std::move(desks)),
      moved_(std::move(moved)),
      duty_(std::move(duty)) {
  if (!duty_) {
    duty_ = [](const Desks& all, const Machine& desk) { return all.owed(desk); };
  }
}

std::optional<int> Desks::owed(const Machine& desk) const {
  return Model(world_, trees_, registry_).duty(mask_, desk, seen_, moved_, extra_);
}

void Desks::take(const std::vector<int>& commit) {
  ++commits_;
  for (const int id : commit) {
    LT_CHECK((world_.past[static_cast<std::size_t>(id)] & ~mask_).none());
    mask_.set(static_cast<std::size_t>(id));
    seen_[id] = commits_;
  }
  while (speak()) {
  }
}

bool Desks::speak() {
  if (state().forks.empty()) return false;
  for (const Machine& desk : desks_) {
    const std::optional<int> link = duty_(*this, desk);
    if (!link) continue;
    if (world_.items.size() >= kUpdateCountMax) return false;
    Item uphold;
    uphold.id = world_.next_id();
    uphold.kind = UpdateKind::kUphold;
    uphold.agency = desk.agency;
    uphold.machine = desk.number;
    uphold.by_itself = true;
    uphold.link = *link;
    uphold.deps = world_.heads(mask_);
    uphold.tree_version = registry_.newest;
    uphold.seal = 1;
    for (const int id : numbers_in(mask_)) {
      uphold.hlc = std::max(uphold.hlc, world_.at(id).hlc + 1);
      uphold.tree_version = std::max(uphold.tree_version, world_.at(id).tree_version);
    }
    world_.add(uphold);
    LT_CHECK(Model(world_, trees_, registry_).state(uphold.id));  // a notary always has the right
    mask_.set(static_cast<std::size_t>(uphold.id));
    seen_[uphold.id] = ++commits_;
    ++written_;
    return true;
  }
  return false;
}

Outcome Desks::state() const { return Model(world_, trees_, registry_).fold(mask_); }

std::vector<Machine> desks_of_all_but(const std::set<int>& without) {
  std::vector<Machine> out;
  for (int agency = P; agency < kAgencyCount; ++agency) {
    if (without.count(agency) == 0) out.push_back({agency, 1});
  }
  return out;
}

}  // namespace lienthong::model
