// Records that are to be judged anew because the registry has grown: only those that it concerns,
// some in each commit. Until its turn has come a record reads as it was judged before; who opens
// one to write finds it judged anew.
#include <algorithm>

#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kAtOnce = 256;  // records, in the commit of the statement itself

// With several roots a word about a tree may concern any version, whichever root writes ours.
bool other_trees_grew(const Registry& before, const Registry& after) {
  if (after.roots().size() == 1) return false;
  return std::ranges::any_of(after.statements(), [&](const StatementId& id) {
    if (before.contains(id)) return false;
    const auto body = wire::decode_statement(after.find_statement(id)->body);
    return body.ok() &&
           (std::holds_alternative<TreeChange>(*body) || std::holds_alternative<Adoption>(*body));
  });
}

}  // namespace

std::string encode(const Ledger::Sweep& sweep) {
  return encode_number4(sweep.next) + encode_number4(sweep.last) + (sweep.all ? "a" : "f");
}

Ledger::Sweep decode_sweep(std::string_view bytes) {
  if (bytes.size() != 9) throw std::runtime_error("stored sweep");
  return {decode_number4(bytes.substr(0, 4)), decode_number4(bytes.substr(4, 4)),
          bytes.back() == 'a'};
}

void Transaction::Impl::mark_stale(std::uint32_t record) {
  if (overlay.get(key::stale(record))) return;
  overlay.put(key::stale(record), "");
  ++ledger.stale;
  if (const auto at = open.find(record); at != open.end()) {
    at->second.stale = at->second.judged_anew = true;
    touch(at->second, record);
  }
}

void Transaction::Impl::mark_sealed(const NodeSeal& seal) {
  if (seal.statement) return;
  const auto evidence = read_evidence(overlay, seal.row);
  if (!evidence) throw std::runtime_error("stored seal: its leaves are missing");
  std::vector<std::string> keys;
  for (std::uint16_t i = 0; i < evidence->seal().count; ++i)
    if (const auto leaf = evidence->leaf(i))
      keys.push_back(key::update_index(id_cast<UpdateId>(*leaf)));
  std::set<std::uint32_t> records;
  for (const auto& number : overlay.get_all(keys))
    if (number)
      if (const auto row = overlay.get(key::update(decode_number(*number))))
        records.insert(decode_update_head(*row).record);
  for (const std::uint32_t record : records) mark_stale(record);
}

// A machine that is judged otherwise concerns the records with an update under a seal that is; a
// tree version those with forks, and every record's audience; one that took another's place all.
void Transaction::Impl::find_stale(const Registry& before) {
  const Registry& after = registry();
  flush();
  for (const NodeId& node : after.judged_otherwise(before)) {
    const std::string prefix = key::node_seals(node);
    std::vector<NodeSeal> concerned;
    overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
      const NodeSeal row = decode_node_seal(k, value);
      HeldSeal held;
      held.seal.incarnation = row.incarnation;
      held.seal.number = row.number;
      held.id = row.id;
      if (!after.judges_alike(before, node, &held)) concerned.push_back(row);
      return true;
    });
    for (const NodeSeal& seal : concerned) mark_sealed(seal);
    if (node != replica.identity.node || after.judges_alike(before, node, nullptr)) continue;
    std::set<std::uint32_t> records;
    overlay.scan("X", "X", [&](std::string_view, std::string_view value) {
      records.insert(decode_unsealed_row(value).record);
      return true;
    });
    for (const std::uint32_t record : records) mark_stale(record);
  }
  const bool others = other_trees_grew(before, after);
  if (others || after.newest() != before.newest() ||
      after.tree_head().id != before.tree_head().id) {
    bool all = others || before.newest() != before.tree_head().number;
    for (TreeVersion v = 1; v <= before.tree_head().number; ++v)
      all = all || after.tree_id(v) != before.tree_id(v);
    ledger.sweep = {1, ledger.records, all || (ledger.unfinished() && ledger.sweep.all)};
    overlay.put(key::meta("sweep"), encode(ledger.sweep));
    flush();  // what was marked above
    open.clear();
  }
  (void)refold_some(kAtOnce);
}

bool Transaction::Impl::is_stale(std::uint32_t record, const RecordState& state) const {
  if (!ledger.unfinished()) return false;
  const Ledger::Sweep& sweep = ledger.sweep;
  if (sweep.next <= record && record <= sweep.last && (sweep.all || !state.forks.empty()))
    return true;
  return ledger.stale > 0 && overlay.get(key::stale(record)).has_value();
}

void Transaction::Impl::refold(std::uint32_t number) {
  if (OpenRecord* record = find(number)) touch(*record, number);
}

bool Transaction::Impl::refold_some(std::size_t records_max) {
  if (!ledger.unfinished()) return false;
  std::vector<std::uint32_t> records;
  overlay.scan("q", "q", [&](std::string_view k, std::string_view) {
    records.push_back(decode_number4(k.substr(1)));
    return records.size() < records_max;
  });
  Ledger::Sweep& sweep = ledger.sweep;
  const std::uint32_t begun = sweep.next;
  for (std::uint32_t next = begun; next <= sweep.last && records.size() < records_max; ++next)
    records.push_back(next);
  for (const std::uint32_t record : records) {
    refold(record);
    if (record == sweep.next && sweep.next <= sweep.last) {
      settle_all();
      ++sweep.next;
    }
    if (open.size() > kOpenRecordsMax) {
      flush();
      open.clear();
    }
  }
  flush();
  if (sweep.next != begun) overlay.put(key::meta("sweep"), encode(sweep));
  return ledger.unfinished();
}

bool Transaction::go_on() { return impl_->refold_some(impl_->replica.options.fill_records_max); }

bool Replica::unfinished() const { return impl_->ledger()->unfinished(); }

}  // namespace lienthong::store
