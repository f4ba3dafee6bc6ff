#include "store/trust/restored.h"

#include <algorithm>

#include "store/replica/raw.h"

namespace lienthong::store {
namespace {

constexpr std::uint64_t kNumbers = ~(std::uint64_t{1} << 63);  // the rest is taking_back.cc's

}  // namespace

RestoredPlan plan_restored(const Replica& replica, const std::function<bool()>& stopping) {
  RestoredPlan out;
  out.restored = replica.restored();
  if (!out.restored) return out;
  const RawReplica raw(replica);
  const auto ledger = raw.ledger();
  const std::uint64_t below = ledger->restored_below & kNumbers;
  replica.for_each_record([&](const RecordEntry& entry) {
    if (entry.updates.empty() || entry.updates.front() > below) return !stopping();
    ++out.records;
    if (!entry.state.chain.empty() && entry.state.turn() == replica.identity().agency) ++out.turns;
    return !stopping();
  });
  raw.database().scan("H", "H", [&](std::string_view row, std::string_view) {
    const NodeId node = NodeId::from(as_bytes(row.substr(2)));
    const auto certificate = ledger->registry->certificate_of(node);
    if (certificate && ledger->registry->may_connect(*certificate) &&
        !ledger->exchanged.contains(node))
      out.not_heard.push_back(node);
    return true;
  });
  std::ranges::sort(out.not_heard);
  out.not_heard.erase(std::unique(out.not_heard.begin(), out.not_heard.end()), out.not_heard.end());
  return out;
}

Result<void> confirm_restored(Transaction& transaction) {
  if (!transaction.restored())
    return Error(Errc::kNotFound, "nothing rests: this machine's disk is no older copy");
  transaction.clear_restored();
  return {};
}

}  // namespace lienthong::store
