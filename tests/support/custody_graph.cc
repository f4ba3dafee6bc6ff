#include "tests/support/custody_graph.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace lienthong::model {
namespace {

constexpr int kMintedEach = 3;

std::vector<int> everybody(int minted_each) {
  std::vector<int> out;
  for (int agency = P; agency < kFirstAgencyCount; ++agency) out.push_back(agency);
  for (int number = 1; number <= minted_each; ++number) {
    for (int agency = P; agency < kFirstAgencyCount; ++agency) {
      out.push_back(minted(agency, number));
    }
  }
  return out;
}

ShapedTree shaped(const Trees& trees, TreeVersion newest, const std::vector<int>& who) {
  using Index = TreeShape::Index;
  const auto index = [&](int agency) {
    const auto at = std::find(who.begin(), who.end(), agency);
    return at == who.end() ? TreeShape::kNone : static_cast<Index>(at - who.begin());
  };
  TreeShape shape;
  std::vector<AgencyId> ids;
  for (const int agency : who) ids.push_back(agency_id(agency));
  // Parents first in the first tree, whatever the letters.
  std::vector<Index> first;
  for (const int agency : who) {
    shape.add(TreeShape::kNone);
    first.push_back(index(trees.parent(agency, 0)));
  }
  shape.finish(0, first, {});
  for (TreeVersion version = 1; version <= newest; ++version) {
    std::vector<Index> parents;
    for (const int agency : who) parents.push_back(index(trees.parent(agency, version)));
    std::vector<std::pair<Index, Index>> dissolved;
    for (const auto& [agency, successor] : trees.at(version).named) {
      dissolved.emplace_back(index(agency), index(successor));
    }
    shape.finish(version, parents, dissolved);
  }
  return ShapedTree(std::move(shape), std::move(ids));
}

}  // namespace

ShapedTree shaped(const Trees& trees, TreeVersion newest) {
  return shaped(trees, newest, everybody(kMintedEach));
}

EightAgencies::EightAgencies()
    : ShapedTree(shaped(Trees::standard(), 1, {P, D1, D2, A, B, C, E, X})) {}

UpdateId update_id(int order) {
  UpdateId out;
  out.bytes[0] = 0xd0;
  for (unsigned i = 0; i < 4; ++i) {
    out.bytes[1 + i] = static_cast<std::uint8_t>(static_cast<unsigned>(order) >> (24 - 8 * i));
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

int agency_of(const AgencyId& id) {
  if (id.bytes[0] != 0xa0 || declarer(id.bytes[1]) >= kFirstAgencyCount) return kNobody;
  return id.bytes[1];
}

UpdateId id_of(const World& world, int id) { return update_id(world.at(id).name); }

std::vector<UpdateId> ids_of(const World& world, const std::vector<int>& numbers) {
  std::vector<UpdateId> out;
  for (const int number : numbers) out.push_back(id_of(world, number));
  return out;
}

std::vector<UpdateId> ids_of(const World& world, const std::set<int>& numbers) {
  std::vector<UpdateId> out = ids_of(world, std::vector<int>(numbers.begin(), numbers.end()));
  std::sort(out.begin(), out.end());
  return out;
}

GraphUpdate to_graph(const World& world, const Item& item, const Trees& trees,
                     const Registry& registry) {
  GraphUpdate out;
  out.id = id_of(world, item.id);
  if (item.id != 0) out.envelope.record = id_cast<RecordId>(id_of(world, 0));
  out.envelope.tree_version = item.tree_version;
  out.envelope.hlc.value = item.hlc;
  out.envelope.deps = ids_of(world, std::set<int>(item.deps.begin(), item.deps.end()));
  if (item.link >= 0) out.envelope.link = id_of(world, item.link);
  out.open.kind = item.kind;
  out.open.target = agency_id(item.to);
  out.agency = agency_id(item.agency);
  out.node.bytes[0] = static_cast<std::uint8_t>(item.agency);
  out.node.bytes[1] = static_cast<std::uint8_t>(item.machine);
  const auto cut = registry.cuts.find(item.by());
  out.believed = !item.cut_off && (cut == registry.cuts.end() || item.seal <= cut->second);
  out.certificate_version = item.certificate_version;
  out.held_to = Model(world, trees, registry).held_to(item);
  out.open.references = ids_of(world, item.references);
  if (field_write(item.kind)) {
    out.open.writes.push_back({kOpenField, "value " + std::to_string(item.id)});
    out.open.closed_fields.push_back(kClosedField);
  }
  LT_CHECK(world.items.size() <= kUpdateCountMax);
  return out;
}

std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask, const Trees& trees,
                                  const Registry& registry) {
  std::vector<GraphUpdate> out;
  for (const int id : numbers_in(mask)) {
    out.push_back(to_graph(world, world.at(id), trees, registry));
  }
  return out;
}

std::vector<GraphUpdate> to_graph(const World& world, const Mask& mask) {
  return to_graph(world, mask, Trees::standard(), {});
}

}  // namespace lienthong::model
