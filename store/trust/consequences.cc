#include "store/trust/consequences.h"

#include <algorithm>
#include <set>

#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"
#include "store/replica/seal_ends.h"

namespace lienthong::store {
namespace {

// Of a machine that is judged otherwise: the records with an update under a seal that is.
void add_records(const Database& database, const Registry& before, const Registry& after,
                 const NodeId& node, std::set<std::uint32_t>& out) {
  for (const NodeSeal& row : read_node_seals(database, node)) {
    HeldSeal held;
    held.seal.incarnation = row.incarnation;
    held.seal.number = row.number;
    held.id = row.id;
    if (row.statement || after.judges_alike(before, node, &held)) continue;
    const auto evidence = read_evidence(database, row.row);
    if (!evidence) continue;
    for (std::uint16_t i = 0; i < evidence->seal().count; ++i) {
      const auto leaf = evidence->leaf(i);
      if (!leaf) continue;
      const auto number = update_number(database, id_cast<UpdateId>(*leaf));
      const auto update = number ? database.get(key::update(*number)) : std::nullopt;
      if (update) out.insert(decode_update_head(*update).record);
    }
  }
}

std::vector<LinkEntry> missing_from(const std::vector<LinkEntry>& chain,
                                    const std::vector<LinkEntry>& there) {
  std::vector<LinkEntry> out;
  for (const LinkEntry& link : chain)
    if (std::ranges::find(there, link.id, &LinkEntry::id) == there.end()) out.push_back(link);
  return out;
}

std::size_t inert_only_in(const RecordState& state, const RecordState& other) {
  return static_cast<std::size_t>(std::ranges::count_if(state.inert, [&](const InertEntry& entry) {
    return std::ranges::find(other.inert, entry.id, &InertEntry::id) == other.inert.end();
  }));
}

std::string code_in(const RecordState& state) {
  const auto at = state.open_fields.find(static_cast<std::uint16_t>(Field::kCode));
  if (at == state.open_fields.end()) return {};
  const auto* code = std::get_if<std::string>(&at->second.value);
  return code == nullptr ? std::string() : *code;
}

Consequence compare(const RecordState& before, const RecordState& after) {
  Consequence out;
  out.record = before.record;
  out.kind = before.kind;
  out.code = code_in(before);
  if (out.code.empty()) out.code = code_in(after);
  out.holder_before = before.holder;
  out.holder_after = after.holder;
  out.offered_before = before.offered;
  out.offered_after = after.offered;
  out.links_fallen = missing_from(before.chain, after.chain);
  out.links_risen = missing_from(after.chain, before.chain);
  out.updates_fallen = inert_only_in(after, before);
  out.updates_risen = inert_only_in(before, after);
  return out;
}

}  // namespace

Result<std::shared_ptr<const Registry>> registry_after(const Replica& replica,
                                                       const std::vector<StatementBody>& said) {
  const auto before = replica.registry();
  const Identity& us = replica.identity();
  std::shared_ptr<const Registry> after = before;
  std::uint32_t number = 0;
  SealId last;
  for (const StatementBody& body : said) {
    const Statement statement = sign_by_node(before->root_of(us.certificate), us.key,
                                             us.certificate, 1, ++number, last, body);
    last = seal_id(*before, std::get<Seal>(statement.authority));
    LT_TRY_VOID(after->check(statement));
    LT_TRY(after, after->with(std::span(&statement, 1)));
  }
  return after;
}

Result<void> for_each_consequence(const Replica& replica,
                                  const std::shared_ptr<const Registry>& after,
                                  const std::function<bool(const Consequence&)>& visit) {
  const RawReplica raw(replica);
  const Database& database = raw.database();
  const auto ledger = raw.ledger();
  std::set<std::uint32_t> records;
  try {
    for (const NodeId& node : after->judged_otherwise(*ledger->registry))
      add_records(database, *ledger->registry, *after, node, records);
    Ledger judged;  // what a graph is read with
    judged.registry = after;
    for (const std::uint32_t number : records) {
      const auto row = database.get(key::record(number));
      if (!row) continue;
      const RecordRow record = decode_record_row(*row);
      const RecordState before = decode_stored_state(record);
      const RecordState then = fold(read_graph(database, judged, record), *after);
      if (before != then && !visit(compare(before, then))) return {};
    }
  } catch (const std::exception& problem) {  // a row that is taken back meanwhile, or damaged
    return Error(Errc::kCorrupt, problem.what());
  }
  return {};
}

}  // namespace lienthong::store
