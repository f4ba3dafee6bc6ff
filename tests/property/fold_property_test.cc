// Random graphs of updates: the fold against the naive model of custody, in any order, stepwise.
// More runs: RC_PARAMS="max_success=20000" in the environment; a failure prints how to repeat it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "tests/support/custody_dossier.h"
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
  const int bits = pick(0, 128);
  Faults faults;
  faults.reclaim = (bits & 1) != 0;
  faults.revoke = (bits & 2) != 0;
  faults.reorganise = (bits & 4) != 0;
  faults.roll_back = (bits & 8) != 0;
  faults.two_machines = (bits & 16) != 0;
  faults.malice = (bits & 32) != 0;
  faults.others = (bits & 64) != 0;
  return faults;
}

Run any_run() {
  const auto seed = pick<std::uint64_t>(0, UINT64_MAX);
  const Faults faults = any_faults();
  return Run(seed, faults, pick(20, 400));
}

std::vector<UpdateId> ids(const std::vector<int>& numbers) {
  std::vector<UpdateId> out;
  for (const int number : numbers) out.push_back(update_id(number));
  return out;
}

std::vector<UpdateId> ids(const std::set<int>& numbers) {
  return ids(std::vector<int>(numbers.begin(), numbers.end()));
}

UpdateKind kind_of(const World& world, const UpdateId& id) {
  const auto at = std::find_if(world.items.begin(), world.items.end(),
                               [&](const Item& item) { return update_id(item.id) == id; });
  return at->kind;
}

void compare(const World& world, const Mask& part) {
  const EightAgencies tree;
  const RecordState state = fold(to_graph(world, part), tree);
  const Outcome expected = Model(world).fold(part);
  std::vector<UpdateId> chain;
  for (const LinkEntry& link : state.chain) chain.push_back(link.id);
  std::vector<UpdateId> inert;
  for (const InertEntry& entry : state.inert) {
    if (modelled(kind_of(world, entry.id))) inert.push_back(entry.id);
  }
  RC_ASSERT(chain == ids(expected.chain));
  RC_ASSERT(state.holder == agency_id(expected.holder));
  RC_ASSERT(state.offered == agency_id(expected.offered));
  RC_ASSERT(forks_of(state) == ids(expected.forks));
  RC_ASSERT(inert == ids(expected.bad));
  RC_ASSERT(state.set_aside == ids(expected.late));
  const auto open = state.open_fields.find(kOpenField);
  const auto closed = state.closed_fields.find(kClosedField);
  RC_ASSERT((open != state.open_fields.end()) == !expected.shown.empty());
  RC_ASSERT((closed != state.closed_fields.end()) == !expected.shown.empty());
  if (expected.shown.empty()) return;
  RC_ASSERT(open->second.writes == ids(expected.shown));
  RC_ASSERT(closed->second.writes == ids(expected.shown));
  const FieldValue shown("value " + std::to_string(expected.shown[0]));
  RC_ASSERT(open->second.value == shown);
}

RC_GTEST_PROP(FoldProperty, AgreesWithTheNaiveModelOnAnyPartOfAnyHistory, ()) {
  Run run = any_run();
  compare(run.world(), run.world().all());
  compare(run.world(), run.random_part());
}

RC_GTEST_PROP(FoldProperty, GivesTheSameBytesInAnyOrder, ()) {
  Run run = any_run();
  const EightAgencies tree;
  std::vector<GraphUpdate> updates = to_graph(run.world(), run.world().all());
  const Bytes expected = encode_state(fold(updates, tree));
  for (int i = 0; i < 3; ++i) {
    std::shuffle(updates.begin(), updates.end(), run.random());
    RC_ASSERT(encode_state(fold(updates, tree)) == expected);
  }
}

// Parents first, otherwise at random.
std::vector<GraphUpdate> any_delivery(Run& run) {
  std::vector<GraphUpdate> updates = to_graph(run.world(), run.world().all());
  std::shuffle(updates.begin(), updates.end(), run.random());
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
  Run run = any_run();
  const EightAgencies tree;
  const std::vector<GraphUpdate> updates = any_delivery(run);
  RecordState state;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const RecordState before = state;
    const RecordState expected = fold(std::span(updates).first(i + 1), tree);
    if (extend(state, updates[i], tree)) {
      RC_ASSERT(state == expected);
    } else {
      RC_ASSERT(state == before);
      state = expected;
    }
  }
}

RC_GTEST_PROP(FoldProperty, ExtendsEveryHonestHistoryOfOneReplica, ()) {
  // One replica that all write to: every update extends the heads.
  const EightAgencies tree;
  World world;
  world.add(Item{});
  RecordState state;
  RC_ASSERT(extend(state, to_graph(world, world.items[0]), tree));
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
    RC_ASSERT(extend(state, to_graph(world, item), tree));
  }
  RC_ASSERT(state == fold(to_graph(world, world.all()), tree));
}

RC_GTEST_PROP(FoldProperty, EveryUpdateIsCountedSetAsideOrInert, ()) {
  Run run = any_run();
  const EightAgencies tree;
  const RecordState state = fold(to_graph(run.world(), run.world().all()), tree);
  std::vector<UpdateId> seen = state.timeline;
  seen.insert(seen.end(), state.set_aside.begin(), state.set_aside.end());
  for (const InertEntry& entry : state.inert) seen.push_back(entry.id);
  std::sort(seen.begin(), seen.end());
  std::vector<UpdateId> all;
  for (const Item& item : run.world().items) all.push_back(update_id(item.id));
  RC_ASSERT(seen == all);
  const std::vector<AgencyId> members = audience(state, tree);
  RC_ASSERT(std::is_sorted(members.begin(), members.end()));
  RC_ASSERT(std::includes(members.begin(), members.end(), state.participants.begin(),
                          state.participants.end()));
}

RC_GTEST_PROP(FoldProperty, StoredFormGivesBackTheStateAndNeverCrashes, ()) {
  Run run = any_run();
  const EightAgencies tree;
  const RecordState state = fold(to_graph(run.world(), run.world().all()), tree);
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
