// Random graphs of updates: the fold against the naive model of custody, in any order, stepwise.
// More runs: RC_PARAMS="max_success=20000" in the environment; a failure prints how to repeat it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/custody_compare.h"
#include "tests/support/custody_run.h"

namespace lienthong {
namespace {

using namespace model;  // NOLINT: agencies by their letters

// Over the whole range from the first run on, where RapidCheck would begin with small ones.
template <class T>
T pick(T from, T to) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(from, to));
}

Faults any_faults() {
  const int bits = pick(0, 512);
  Faults faults;
  faults.reclaim = (bits & 1) != 0;
  faults.revoke = (bits & 2) != 0;
  faults.reorganise = (bits & 4) != 0;
  faults.roll_back = (bits & 8) != 0;
  faults.two_machines = (bits & 16) != 0;
  faults.malice = (bits & 32) != 0;
  faults.others = (bits & 64) != 0;
  faults.notary = (bits & 128) != 0;
  faults.two_notaries = (bits & 256) != 0;
  return faults;
}

// A history, what its registry says in the end, and the trees as the protocol has them.
struct Known {
  Run run;
  Registry registry;
  ShapedTree tree;
  std::vector<GraphUpdate> updates() const {
    return to_graph(run.world(), run.world().all(), run.trees(), registry);
  }
};

Known any_run() {
  const auto seed = pick<std::uint64_t>(0, UINT64_MAX);
  const Faults faults = any_faults();
  Run run(seed, faults, pick(20, 300));
  const Registry registry = run.registry();
  return {std::move(run), registry, shaped(Trees::standard(), registry.newest)};
}

void compare(const Known& known, const Mask& part) {
  const World& world = known.run.world();
  const RecordState state = folded(world, part, known.run.trees(), known.registry);
  const Outcome expected = Model(world, known.run.trees(), known.registry).fold(part);
  const std::string differs = difference(world, expected, state);
  if (!differs.empty()) RC_LOG() << differs << describe(world, part, known.registry);
  RC_ASSERT(differs.empty());
}

RC_GTEST_PROP(FoldProperty, AgreesWithTheNaiveModelOnAnyPartOfAnyHistory, ()) {
  Known known = any_run();
  compare(known, known.run.world().all());
  compare(known, known.run.random_part());
}

RC_GTEST_PROP(FoldProperty, GivesTheSameBytesInAnyOrder, ()) {
  Known known = any_run();
  std::vector<GraphUpdate> updates = known.updates();
  const Bytes expected = encode_state(fold(updates, known.tree));
  for (int i = 0; i < 6; ++i) {
    std::shuffle(updates.begin(), updates.end(), known.run.random());
    RC_ASSERT(encode_state(fold(updates, known.tree)) == expected);
  }
}

// Parents first, otherwise at random.
std::vector<GraphUpdate> any_delivery(Known& known) {
  std::vector<GraphUpdate> updates = known.updates();
  std::shuffle(updates.begin(), updates.end(), known.run.random());
  std::vector<GraphUpdate> out;
  const auto here = [&](const UpdateId& id) {
    return std::any_of(out.begin(), out.end(), [&](const GraphUpdate& u) { return u.id == id; });
  };
  while (!updates.empty()) {
    const auto next = std::find_if(updates.begin(), updates.end(), [&](const GraphUpdate& update) {
      const std::vector<UpdateId>& deps = update.envelope.deps;
      return std::all_of(deps.begin(), deps.end(), here);
    });
    out.push_back(*next);
    updates.erase(next);
  }
  return out;
}

RC_GTEST_PROP(FoldProperty, StepwiseEqualsRefolded, ()) {
  Known known = any_run();
  const std::vector<GraphUpdate> updates = any_delivery(known);
  RecordState state;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const RecordState before = state;
    const RecordState expected = fold(std::span(updates).first(i + 1), known.tree);
    if (extend(state, updates[i], known.tree)) {
      RC_ASSERT(state == expected);
    } else {
      RC_ASSERT(state == before);
      state = expected;
    }
  }
}

// Whatever the order in which it comes, what cannot be believed and what was decided: an update is
// added to the state to what folding all gives, or is not added.
RC_GTEST_PROP(FoldProperty, AddingBesideOthersEqualsRefolding, ()) {
  Known known = any_run();
  const std::vector<GraphUpdate> updates = any_delivery(known);
  RecordState state;
  std::size_t beside = 0;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    std::set<UpdateId> past(updates[i].envelope.deps.begin(), updates[i].envelope.deps.end());
    std::vector<GraphUpdate> others;
    for (std::size_t k = i; k-- > 0;) {
      if (past.contains(updates[k].id))
        past.insert(updates[k].envelope.deps.begin(), updates[k].envelope.deps.end());
      else
        others.push_back(updates[k]);
    }
    const auto clock_of = [&](const UpdateId& id) {
      return std::find_if(updates.begin(), updates.end(),
                          [&](const GraphUpdate& u) { return u.id == id; })
          ->envelope.hlc;
    };
    const RecordState before = state;
    const RecordState expected = fold(std::span(updates).first(i + 1), known.tree);
    if (extend(state, updates[i], known.tree, {others, clock_of})) {
      RC_ASSERT(state == expected);
      beside += others.empty() ? 0 : 1;
    } else {
      RC_ASSERT(state == before);
      state = expected;
    }
  }
  RC_CLASSIFY(beside > 10, "more than ten beside others");
}

RC_GTEST_PROP(FoldProperty, ExtendsEveryHonestHistoryOfOneReplica, ()) {
  // One replica that all write to: every update extends the heads.
  const EightAgencies tree;
  World world;
  world.add(Item{});
  RecordState state;
  const auto graph = [&](int id) {
    return to_graph(world, world.at(id), Trees::standard(), Registry{});
  };
  RC_ASSERT(extend(state, graph(0), tree));
  const auto count = pick(1, 40);
  for (int id = 1; id <= count; ++id) {
    const Outcome view = Model(world).fold(world.all());
    Item item;
    item.id = id;
    item.deps = {id - 1};
    item.hlc = static_cast<std::uint64_t>(id) + 1;
    item.link = view.chain.back();
    item.agency = view.offered != kNobody ? view.offered : view.holder;
    item.to = pick(0, kAgencyCount);
    if (view.offered != kNobody) {
      item.kind = *rc::gen::element(UpdateKind::kAccept, UpdateKind::kDecline, UpdateKind::kNote);
    } else {
      item.kind = *rc::gen::element(UpdateKind::kSet, UpdateKind::kOffer, UpdateKind::kConsult,
                                    UpdateKind::kShare, UpdateKind::kNote);
    }
    world.add(item);
    RC_ASSERT(extend(state, graph(id), tree));
  }
  RC_ASSERT(state == fold(to_graph(world, world.all()), tree));
}

RC_GTEST_PROP(FoldProperty, EveryUpdateIsCountedSetAsideOrInert, ()) {
  const Known known = any_run();
  const RecordState state = fold(known.updates(), known.tree);
  std::vector<UpdateId> seen = state.timeline;
  seen.insert(seen.end(), state.set_aside.begin(), state.set_aside.end());
  for (const InertEntry& entry : state.inert) seen.push_back(entry.id);
  std::sort(seen.begin(), seen.end());
  std::vector<UpdateId> all;
  for (const Item& item : known.run.world().items) all.push_back(id_of(known.run.world(), item.id));
  std::sort(all.begin(), all.end());
  RC_ASSERT(seen == all);
  const std::vector<AgencyId> members = audience(state, known.tree);
  RC_ASSERT(std::is_sorted(members.begin(), members.end()));
  RC_ASSERT(std::includes(members.begin(), members.end(), state.participants.begin(),
                          state.participants.end()));
}

RC_GTEST_PROP(FoldProperty, StoredFormGivesBackTheStateAndNeverCrashes, ()) {
  const Known known = any_run();
  const RecordState state = fold(known.updates(), known.tree);
  const Bytes bytes = encode_state(state);
  const auto decoded = decode_state(bytes);
  RC_ASSERT(decoded.ok());
  RC_ASSERT(*decoded == state);
  const auto cut = pick<std::size_t>(0, bytes.size());
  RC_ASSERT(!decode_state(ByteView(bytes).first(cut)).ok());
  Bytes damaged = bytes;
  const auto where = pick<std::size_t>(0, bytes.size());
  damaged[where] = *rc::gen::arbitrary<std::uint8_t>();
  const auto other = decode_state(damaged);
  if (other.ok()) RC_ASSERT(encode_state(*other) == damaged);
}

}  // namespace
}  // namespace lienthong
