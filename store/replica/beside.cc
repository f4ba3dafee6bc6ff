// A fresh update on a record's stored state. What does not build on all that is there costs what
// was written meanwhile, not what the record has: the state is the fold of the rest.
#include <algorithm>
#include <unordered_set>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {

// Those that the update does not have in its past; nullopt: too much would have to be read. Numbers
// rise from parents to children, so from the last one back each is met after all that build on it.
std::optional<std::vector<GraphUpdate>> Transaction::Impl::beside(OpenRecord& record,
                                                                  const GraphUpdate& update) {
  std::vector<GraphUpdate> out;
  const std::vector<UpdateId>& deps = update.envelope.deps;
  if (deps == record.state.heads) return out;
  std::unordered_set<UpdateId> past(deps.begin(), deps.end());
  std::unordered_set<UpdateId> ahead;  // not met yet, and not known to lie in its past
  for (const UpdateId& head : record.state.heads)
    if (!past.contains(head)) ahead.insert(head);
  for (auto at = record.row.updates.rbegin(); !ahead.empty(); ++at) {
    if (at == record.row.updates.rend())
      throw std::runtime_error("stored record: a head is missing among its updates");
    if (++record.looked_at > kBesideMax) return std::nullopt;
    ++looked_back;
    GraphUpdate met = read_graph_update(overlay, ledger, *at);
    if (past.erase(met.id) != 0) {
      for (const UpdateId& dep : met.envelope.deps)
        if (past.insert(dep).second) ahead.erase(dep);
      continue;
    }
    ahead.erase(met.id);
    for (const UpdateId& dep : met.envelope.deps)
      if (!past.contains(dep)) ahead.insert(dep);
    out.push_back(std::move(met));
  }
  return out;
}

// False: only folding all of it can tell; the state may be either by then.
bool Transaction::Impl::extend_state(OpenRecord& record, const GraphUpdate& update,
                                     const ClosedBody& closed) {
  const auto others = beside(record, update);
  if (!others) return false;
  const auto clock_of = [&](const UpdateId& id) {
    ++looked_back;
    const auto number = update_number(overlay, id);
    return decode_update_row(overlay.get(key::update(number.value())).value()).update.envelope.hlc;
  };
  return extend(record.state, update, registry(), {*others, clock_of}) &&
         extended(record.drafts, record.state, update, closed);
}

std::uint64_t Transaction::looked_back() const { return impl_->looked_back; }

void Transaction::for_each_update(const RecordId& record,
                                  const std::function<void(StoredUpdate&&)>& visit) const {
  if (OpenRecord* open = impl_->find(record); open != nullptr)
    store::for_each_update(impl_->overlay, impl_->ledger, open->row.updates, visit);
}

}  // namespace lienthong::store
