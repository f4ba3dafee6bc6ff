// Theme "evidence": records with all that proves them. docs/protocol/evidence.md.
#include <algorithm>

#include "protocol/evidence/evidence.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

// What the world wrote of a record, as far as it is sealed. Every second closed part is shown.
Evidence evidence_of(const World& world, const Paper& paper, std::size_t statements,
                     const std::vector<UpdateId>& updates) {
  Evidence out;
  out.root = world.root();
  out.record = paper.id;
  const auto& all = world.deployment.statements();
  out.statements.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(statements));
  bool show = true;
  for (const UpdateId& id : updates) {
    EvidenceUpdate update;
    update.update = world.update(id);
    update.update.secret.reset();
    for (const Sealed& sealed : world.seals) {
      const auto at = std::ranges::find(sealed.ids, id);
      if (at == sealed.ids.end()) continue;
      SealEvidence tree(sealed.unit.seal);
      std::vector<IndexedLeaf> leaves;
      for (std::size_t i = 0; i < sealed.ids.size(); ++i)
        leaves.push_back({sealed.unit.leaves[i].index, id_cast<Hash256>(sealed.ids[i])});
      LT_CHECK(tree.absorb(world.root(), leaves, sealed.unit.proof).ok());
      auto seal = std::ranges::find(out.seals, sealed.unit.seal);
      if (seal == out.seals.end()) seal = out.seals.insert(seal, sealed.unit.seal);
      EvidencePlace place;
      place.seal = static_cast<std::uint32_t>(seal - out.seals.begin());
      place.index = leaves[static_cast<std::size_t>(at - sealed.ids.begin())].index;
      place.proof = tree.prove(world.root(), std::span(&place.index, 1));
      update.places.push_back(std::move(place));
    }
    if (update.places.empty()) break;
    std::ranges::sort(update.places, {}, &EvidencePlace::seal);
    if (!update.update.closed.empty() && std::exchange(show, !show))
      update.salt =
          closed_part_salt(world.root(), paper.secret, encode_envelope(update.update.envelope));
    if (!update.salt) update.update.closed.clear();
    out.updates.push_back(std::move(update));
  }
  return out;
}

}  // namespace

void make_evidence(const World& world, std::vector<Item>& out) {
  const Paper& birth = world.records.at(1);
  std::vector<UpdateId> before;
  for (const UpdateId& id : birth.updates)
    for (std::size_t i = 0; i < world.updates_before; ++i)
      if (world.updates[i].id == id) before.push_back(id);
  Item plain;
  plain.name = "plain";
  plain.give("file", encode_evidence(evidence_of(world, birth, world.statements_before, before)));
  out.push_back(std::move(plain));
  for (const Paper& paper : world.records) {
    Item whole;
    whole.name = paper.name + ".whole";
    const Evidence evidence =
        evidence_of(world, paper, world.deployment.statements().size(), paper.updates);
    if (evidence.updates.empty()) continue;
    if (!prove(evidence).ok()) continue;
    whole.give("file", encode_evidence(evidence));
    out.push_back(std::move(whole));
    if (out.size() == 4) break;
  }
}

Item read_evidence(const Item& item, const Context& context) {
  const Evidence evidence = need(decode_evidence(item["file"]), item);
  const ProvedRecord proved = need(prove(evidence), item);
  Item out;
  out.name = item.name;
  out.give("file", encode_evidence(evidence));
  out.say("root", evidence.root).say("record", evidence.record);
  out.say("statements", std::uint64_t{evidence.statements.size()});
  out.say("plain", proved.plain ? "yes" : "no");
  for (const ProvedUpdate& update : proved.updates) {
    std::string line = context.update_name(update.graph.id) + " by " +
                       context.signer(update.graph.envelope.certificate) + ", closed part ";
    line += update.shown ? "shown" : update.closed ? "withheld" : "none";
    out.say("update", line);
  }
  out.say("holder", context.agency(proved.state.holder));
  out.say("offered", context.agency(proved.state.offered));
  out.say("forks", std::uint64_t{proved.state.forks.size()});
  return out;
}

}  // namespace lienthong::golden
