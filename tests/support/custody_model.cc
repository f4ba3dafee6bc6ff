#include "tests/support/custody_model.h"

#include <algorithm>
#include <tuple>

namespace lienthong::model {
namespace {

int level_of(int agency, TreeVersion version) {
  int level = 0;
  while ((agency = parent_of(agency, version)) != kNobody) ++level;
  return level;
}

bool link_kind(UpdateKind kind) {
  return kind >= UpdateKind::kCreated && kind <= UpdateKind::kSucceed;
}

bool field_write(UpdateKind kind) { return kind == UpdateKind::kSet || kind == UpdateKind::kAdopt; }

bool custodian_write(UpdateKind kind) {
  return field_write(kind) || kind == UpdateKind::kConsult || kind == UpdateKind::kShare;
}

int agency_of(const AgencyId& id) {
  if (id.bytes[0] != 0xa0 || id.bytes[1] >= kAgencyCount) return kNobody;
  return id.bytes[1];
}

}  // namespace

int parent_of(int agency, TreeVersion version) {
  switch (agency) {
    case D1:
    case D2:
    case X: return P;
    case A:
    case B: return version == 0 ? D1 : P;
    case C:
    case E: return D2;
    default: return kNobody;
  }
}

int successor_of(int agency, TreeVersion version) {
  if (version == 0) return kNobody;
  if (agency == A) return B;
  if (agency == D1) return P;
  return agency == C ? E : kNobody;
}

bool above_or_equal(int upper, int lower, TreeVersion version) {
  for (; lower != kNobody; lower = parent_of(lower, version)) {
    if (lower == upper) return true;
  }
  return false;
}

int resolve(int agency, TreeVersion version) {
  while (successor_of(agency, version) != kNobody) agency = successor_of(agency, version);
  return agency;
}

void World::add(Item item) {
  Mask mask;
  for (const int dep : item.deps) {
    mask |= past.at(static_cast<std::size_t>(dep));
    mask.set(static_cast<std::size_t>(dep));
  }
  past.push_back(mask);
  items.push_back(std::move(item));
}

Mask World::all() const {
  Mask mask;
  for (std::size_t i = 0; i < items.size(); ++i) mask.set(i);
  return mask;
}

bool modelled(UpdateKind kind) { return link_kind(kind) || custodian_write(kind); }

std::optional<Model::Standing> Model::state(int id) {
  if (const auto known = states_.find(id); known != states_.end()) return known->second;
  const auto at = [&](int i) -> const Item& { return world_.items[static_cast<std::size_t>(i)]; };
  const Item& x = at(id);
  std::optional<Standing> result;
  if (x.kind == UpdateKind::kCreated) {
    if (x.deps.empty()) result = Standing{x.agency, kNobody};
  } else if (x.link >= 0 &&
             world_.past[static_cast<std::size_t>(id)][static_cast<std::size_t>(x.link)] &&
             link_kind(at(x.link).kind) && x.tree_version >= at(x.link).tree_version &&
             successor_of(x.agency, x.tree_version) == kNobody) {
    if (const auto before = state(x.link)) {
      const auto [h, t] = *before;
      const bool open = t != kNobody;
      if (x.kind == UpdateKind::kOffer && !open && x.agency == h && x.to != h) {
        result = Standing{h, x.to};
      } else if (x.kind == UpdateKind::kAccept && x.agency == t) {
        result = Standing{t, kNobody};
      } else if (x.kind == UpdateKind::kDecline && x.agency == t) {
        result = Standing{h, kNobody};
      } else if (x.kind == UpdateKind::kReclaim && x.agency != (open ? t : h) &&
                 above_or_equal(x.agency, h, x.tree_version) &&
                 (!open || above_or_equal(x.agency, t, x.tree_version))) {
        result = Standing{x.agency, kNobody};
      } else if (x.kind == UpdateKind::kSucceed && x.to == (open ? t : h) &&
                 resolve(x.to, x.tree_version) == x.agency) {
        result = open && h != x.agency ? Standing{h, x.agency} : Standing{x.agency, kNobody};
      } else if (custodian_write(x.kind) && !open && x.agency == h) {
        result = *before;
      }
    }
  }
  states_[id] = result;
  return result;
}

bool Model::in_force(int id) const {
  return world_.items[static_cast<std::size_t>(id)].believed || confirmed_.count(id) != 0;
}

void Model::find_tree(const Mask& mask) {
  kids_.clear();
  under_.clear();
  confirmed_.clear();
  root_ = -1;
  for (const Item& x : world_.items) {
    if (!mask[static_cast<std::size_t>(x.id)] || x.kind != UpdateKind::kReclaim) continue;
    if (!x.believed || !state(x.id)) continue;
    for (int p = x.link; p >= 0; p = world_.items[static_cast<std::size_t>(p)].link) {
      const int signer = world_.items[static_cast<std::size_t>(p)].agency;
      if (above_or_equal(x.agency, signer, x.tree_version)) confirmed_.insert(p);
    }
  }
  for (const Item& x : world_.items) {
    if (!mask[static_cast<std::size_t>(x.id)] || !state(x.id) || !in_force(x.id)) continue;
    if (x.kind == UpdateKind::kCreated) {
      root_ = x.id;
    } else if (link_kind(x.kind)) {
      kids_[x.link].push_back(x.id);
    } else if (x.believed && field_write(x.kind)) {
      under_[x.link].insert(x.agency);
    }
  }
}

std::vector<int> Model::branch(int first) const {
  std::vector<int> out;
  std::vector<int> todo{first};
  while (!todo.empty()) {
    const int id = todo.back();
    todo.pop_back();
    out.push_back(id);
    if (const auto kids = kids_.find(id); kids != kids_.end()) {
      todo.insert(todo.end(), kids->second.begin(), kids->second.end());
    }
  }
  return out;
}

std::set<int> Model::signers(int first) const {
  std::set<int> out;
  for (const int id : branch(first)) {
    out.insert(world_.items[static_cast<std::size_t>(id)].agency);
    if (const auto under = under_.find(id); under != under_.end()) {
      out.insert(under->second.begin(), under->second.end());
    }
  }
  return out;
}

int Model::pick(const std::vector<int>& successors) const {
  if (successors.size() == 1) return successors[0];
  const auto at = [&](int i) -> const Item& { return world_.items[static_cast<std::size_t>(i)]; };
  using Key = std::tuple<std::pair<long, long>, std::size_t, long, long, int, int>;
  std::optional<std::pair<Key, int>> best;
  for (const int first : successors) {
    std::set<int> others;
    std::vector<TreeVersion> named;
    for (const int other : successors) {
      if (other == first) continue;
      others.merge(signers(other));
      for (const int id : branch(other)) {
        if (at(id).kind == UpdateKind::kReclaim || at(id).kind == UpdateKind::kSucceed) {
          named.push_back(at(id).tree_version);
        }
      }
    }
    std::pair<long, long> decided{-1, 0};
    const Item* taken_up = nullptr;
    for (const int id : branch(first)) {
      const Item& x = at(id);
      if (x.agency != at(first).agency &&
          (taken_up == nullptr || std::tie(x.hlc, x.id) < std::tie(taken_up->hlc, taken_up->id))) {
        taken_up = &x;
      }
      if (x.kind != UpdateKind::kReclaim) continue;
      TreeVersion tree = x.tree_version;
      for (const TreeVersion version : named) tree = std::max(tree, version);
      if (successor_of(x.agency, tree) != kNobody) continue;
      const bool binds = std::all_of(others.begin(), others.end(), [&](int other) {
        return above_or_equal(x.agency, other, tree);
      });
      if (!binds) continue;
      decided = std::max(decided, {static_cast<long>(x.tree_version),
                                   -static_cast<long>(level_of(x.agency, x.tree_version))});
    }
    if (taken_up == nullptr) taken_up = &at(first);
    const bool grounded =
        at(first).kind == UpdateKind::kReclaim || at(first).kind == UpdateKind::kSucceed;
    const Key key{decided,
                  signers(first).size(),
                  grounded ? static_cast<long>(at(first).tree_version) : -1,
                  -static_cast<long>(taken_up->hlc),
                  -taken_up->id,
                  -first};
    if (!best || key > best->first) best = {key, first};
  }
  return best->second;
}

Outcome Model::fold(const Mask& mask) {
  find_tree(mask);
  Outcome out;
  const auto at = [&](int i) -> const Item& { return world_.items[static_cast<std::size_t>(i)]; };
  const auto in_past = [&](int of, int id) {
    return world_.past[static_cast<std::size_t>(of)][static_cast<std::size_t>(id)];
  };
  if (root_ < 0) {
    for (const Item& x : world_.items) {
      if (mask[static_cast<std::size_t>(x.id)] && modelled(x.kind)) out.bad.insert(x.id);
    }
    return out;
  }
  out.chain.push_back(root_);
  std::map<int, int> next;
  for (auto kids = kids_.find(root_); kids != kids_.end(); kids = kids_.find(out.chain.back())) {
    if (kids->second.size() > 1) out.forks.push_back(out.chain.back());
    const int chosen = pick(kids->second);
    next[out.chain.back()] = chosen;
    out.chain.push_back(chosen);
  }
  const std::set<int> chain(out.chain.begin(), out.chain.end());
  std::vector<int> written;
  for (const Item& x : world_.items) {
    if (!mask[static_cast<std::size_t>(x.id)] || !modelled(x.kind)) continue;
    if (!state(x.id) || !in_force(x.id)) {
      out.bad.insert(x.id);
    } else if (!link_kind(x.kind)) {
      const bool closed = next.count(x.link) != 0 && !in_past(next[x.link], x.id);
      if (chain.count(x.link) == 0 || closed) {
        out.late.insert(x.id);
      } else if (field_write(x.kind)) {
        written.push_back(x.id);
      }
    } else if (chain.count(x.id) == 0) {
      out.late.insert(x.id);
    }
  }
  for (const int id : written) {
    const bool latest =
        std::none_of(written.begin(), written.end(), [&](int later) { return in_past(later, id); });
    if (latest) out.shown.push_back(id);
  }
  std::sort(out.shown.begin(), out.shown.end(), [&](int a, int b) {
    return std::tuple(at(a).tree_version, at(a).hlc, a) >
           std::tuple(at(b).tree_version, at(b).hlc, b);
  });
  const Standing last = *state(out.chain.back());
  out.holder = last.holder;
  out.offered = last.offered;
  return out;
}

// ---- the same as real values ----

UpdateId update_id(int id) {
  UpdateId out;
  out.bytes[0] = 0xd0;
  for (unsigned i = 0; i < 4; ++i) {
    out.bytes[1 + i] = static_cast<std::uint8_t>(static_cast<unsigned>(id) >> (24 - 8 * i));
  }
  return out;
}

AgencyId agency_id(int agency) {
  AgencyId out;
  if (agency == kNobody) return out;
  out.bytes[0] = 0xa0;
  out.bytes[1] = static_cast<std::uint8_t>(agency);
  return out;
}

GraphUpdate to_graph(const World& world, const Item& item) {
  GraphUpdate out;
  out.id = update_id(item.id);
  if (item.id != 0) out.envelope.record = id_cast<RecordId>(update_id(0));
  out.envelope.tree_version = item.tree_version;
  out.envelope.hlc.value = item.hlc;
  for (const int dep : item.deps) out.envelope.deps.push_back(update_id(dep));
  std::sort(out.envelope.deps.begin(), out.envelope.deps.end());
  if (item.link >= 0) out.envelope.link = update_id(item.link);
  out.open.kind = item.kind;
  out.open.target = agency_id(item.to);
  out.agency = agency_id(item.agency);
  out.node.bytes[0] = static_cast<std::uint8_t>(16 * item.agency + item.machine);
  out.believed = item.believed;
  for (const int id : item.references) out.open.references.push_back(update_id(id));
  if (field_write(item.kind)) {
    out.open.writes.push_back({kOpenField, "value " + std::to_string(item.id)});
    out.open.closed_fields.push_back(kClosedField);
  }
  LT_CHECK(world.items.size() <= kUpdateCountMax);
  return out;
}

std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask) {
  std::vector<GraphUpdate> out;
  for (const Item& item : world.items) {
    if (mask[static_cast<std::size_t>(item.id)]) out.push_back(to_graph(world, item));
  }
  return out;
}

bool EightAgencies::above_or_equal(const AgencyId& upper, const AgencyId& lower,
                                   TreeVersion version) const {
  if (agency_of(upper) == kNobody) return false;
  return model::above_or_equal(agency_of(upper), agency_of(lower), version);
}

unsigned EightAgencies::level(const AgencyId& agency, TreeVersion version) const {
  return static_cast<unsigned>(level_of(agency_of(agency), version));
}

bool EightAgencies::dissolved(const AgencyId& agency, TreeVersion version) const {
  return successor_of(agency_of(agency), version) != kNobody;
}

AgencyId EightAgencies::resolve(const AgencyId& agency, TreeVersion version) const {
  if (agency_of(agency) == kNobody) return agency;
  return agency_id(model::resolve(agency_of(agency), version));
}

std::vector<AgencyId> EightAgencies::superiors(const AgencyId& agency, TreeVersion version) const {
  std::vector<AgencyId> out;
  for (int at = parent_of(agency_of(agency), version); at != kNobody; at = parent_of(at, version)) {
    out.push_back(agency_id(at));
  }
  return out;
}

std::vector<AgencyId> EightAgencies::everyone() const {
  std::vector<AgencyId> out;
  for (int agency = P; agency <= X; ++agency) out.push_back(agency_id(agency));
  std::ranges::sort(out);
  return out;
}

}  // namespace lienthong::model
