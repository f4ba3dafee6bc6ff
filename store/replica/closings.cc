// The closings that this desk owes when the registry has grown. docs/protocol/registry.md,
// "Closings".
#include "protocol/record/closings.h"

#include <algorithm>
#include <map>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kExceptionsMax = 256;     // of one cut
constexpr std::size_t kIncarnationsMax = 8192;  // of one machine: those that came first

bool came_before(const NodeSeal& a, const NodeSeal& b) {
  if (a.row != b.row) return a.row < b.row;
  return !a.statement && b.statement;  // a statement's is the last seal before it
}

// Takes in the seals of one incarnation, ascending by number.
class CutMaker {
 public:
  explicit CutMaker(std::uint64_t incarnation) { cut_.incarnation = incarnation; }

  // All that bear one number.
  void add(std::span<const NodeSeal> seals) {
    if (full_) return;
    const std::uint32_t number = seals.front().number;
    std::vector<CutException> fresh;
    if (last_is_twin_) fresh.push_back({cut_.number, cut_.number, cut_.seal});
    if (number > cut_.number + 1) fresh.push_back({cut_.number + 1, number - 1, {}});
    full_ = cut_.except.size() + fresh.size() > kExceptionsMax;
    if (full_) return;
    cut_.except.insert(cut_.except.end(), fresh.begin(), fresh.end());
    cut_.number = number;
    cut_.seal = std::ranges::min_element(seals, came_before)->id;
    last_is_twin_ = seals.size() > 1;
  }
  Cut take() { return std::move(cut_); }

 private:
  Cut cut_;
  bool last_is_twin_ = false;
  bool full_ = false;
};

}  // namespace

// Numbers that are not held lie beyond, and of those used twice the seal that came first is within.
std::vector<Cut> Transaction::Impl::last_seals(const NodeId& node) const {
  std::vector<NodeSeal> seals;
  const std::string prefix = key::node_seals(node);
  overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
    seals.push_back(decode_node_seal(k, value));
    return true;
  });
  // Whoever begins ever anew does not fill the room of its superior.
  std::map<std::uint64_t, std::uint32_t> begins;  // by incarnation: its first seal's place
  for (const NodeSeal& seal : seals) {
    const auto at = begins.emplace(seal.incarnation, seal.row).first;
    at->second = std::min(at->second, seal.row);
  }
  std::vector<std::uint32_t> order;
  for (const auto& [incarnation, row] : begins) order.push_back(row);
  std::ranges::sort(order);
  const std::uint32_t last =
      order.size() > kIncarnationsMax ? order[kIncarnationsMax - 1] : UINT32_MAX;
  std::erase_if(seals, [&](const NodeSeal& seal) { return begins.at(seal.incarnation) > last; });
  std::vector<Cut> out;
  for (std::size_t begin = 0; begin < seals.size();) {
    CutMaker cut(seals[begin].incarnation);
    const std::uint64_t incarnation = seals[begin].incarnation;
    while (begin < seals.size() && seals[begin].incarnation == incarnation) {
      std::size_t end = begin + 1;
      while (end < seals.size() && seals[end].incarnation == incarnation &&
             seals[end].number == seals[begin].number)
        ++end;
      cut.add(std::span(seals).subspan(begin, end - begin));
      begin = end;
    }
    out.push_back(cut.take());
  }
  return out;
}

// Of the agency's machines that may issue the one certified first writes them.
bool Transaction::Impl::writes_closings() const {
  const auto certificates = registry().certificates_of(replica.identity.agency);
  const auto first = std::ranges::find_if(
      certificates.rbegin(), certificates.rend(),
      [this](const CertificateId& id) { return registry().find_certificate(id)->may_issue; });
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
  const std::string prefix = key::node_seals(node);
  overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view value) {
    const NodeSeal seal = decode_node_seal(k, value);
    if (seal.incarnation != incarnation) return true;
    const auto [at, fresh] = first.emplace(seal.number, seal);
    if (!fresh && came_before(seal, at->second)) at->second = seal;
    return true;
  });
  FirstSeals out;
  for (const auto& [number, seal] : first) out.emplace(number, seal.id);
  return out;
}

}  // namespace lienthong::store
