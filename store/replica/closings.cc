// The closings that this desk owes when the registry has grown. docs/protocol/registry.md,
// "Closings".
#include "protocol/record/closings.h"

#include <algorithm>
#include <map>

#include "store/replica/seal_ends.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {

std::vector<Cut> Transaction::Impl::last_seals(const NodeId& node) const {
  return cuts_within(read_node_seals(overlay, node));
}

// Of the agency's machines that may issue the one certified first writes them.
bool Transaction::Impl::writes_closings() const {
  const auto certificates = registry().certificates_of(replica.identity.agency);
  const auto first = std::ranges::find_if(
      certificates.rbegin(), certificates.rend(),
      [this](const CertificateId& id) {
        return registry().find_certificate(id)->may_issue && registry().may_connect(id);
      });
  return first != certificates.rend() &&
         registry().find_certificate(*first)->node == replica.identity.node;
}

void Transaction::Impl::write_closings(const Registry& before) {
  if (!writes_closings()) return;
  const std::shared_ptr<const Registry> after = ledger.registry;
  const auto owed = closings_owed(
      before, *after, replica.identity.agency,
      [this](const NodeId& node) { return last_seals(node); }, now);
  const std::uint64_t room = after->room_of(replica.identity.certificate);
  for (const Closing& closing : owed)
    (void)say(closing, room / 8).ok();  // it may have lost the right itself
}

// A cut binds numbers below its last as well: what was signed with one of them again is beyond.
void Transaction::Impl::bind_numbers_used_twice() {
  const auto twins = std::exchange(used_twice, {});
  if (twins.empty() || !writes_closings()) return;
  const std::shared_ptr<const Registry> before = ledger.registry;
  const Identity& self = replica.identity;
  std::map<std::pair<CertificateId, std::uint64_t>, FirstSeals> by_incarnation;
  for (const auto& [certificate, place] : twins)
    by_incarnation[{certificate, place.first}][place.second];
  for (auto& [which, used] : by_incarnation) {
    const auto& [certificate, incarnation] = which;
    const Certificate& of = *registry().find_certificate(certificate);
    if (!registry().may_issue_for(self.certificate, of.agency, registry().newest())) continue;
    const FirstSeals held = first_seals(of.node, incarnation);
    for (auto& [number, id] : used)
      if (const auto at = held.find(number); at != held.end()) id = at->second;
    const std::uint64_t room = registry().room_of(self.certificate);
    for (const StatementBody& body :
         bind_numbers(registry(), certificate, incarnation, used, held, now))
      (void)say(body, room / 2).ok();  // half stays for what is said unprompted
  }
  if (ledger.registry != before) registry_grew(*before);
}

FirstSeals Transaction::Impl::first_seals(const NodeId& node, std::uint64_t incarnation) const {
  std::map<std::uint32_t, NodeSeal> first;
  for (const NodeSeal& seal : read_node_seals(overlay, node)) {
    if (seal.incarnation != incarnation) continue;
    const auto [at, fresh] = first.emplace(seal.number, seal);
    if (!fresh && came_before(seal, at->second)) at->second = seal;
  }
  FirstSeals out;
  for (const auto& [number, seal] : first) out.emplace(number, seal.id);
  return out;
}

}  // namespace lienthong::store
