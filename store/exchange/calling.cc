#include "store/exchange/calling.h"

#include <algorithm>
#include <charconv>

namespace lienthong::store {
namespace {

constexpr NodeId kEveryone{};                   // under which session numbers are kept
constexpr std::uint64_t kSeenMax = 1ULL << 62;  // what a peer may move our numbers to

// "…; last seen: 12", the detail of a close for replay; 0 when there is none.
std::uint64_t last_seen(std::string_view detail) {
  const auto space = detail.rfind(' ');
  std::uint64_t number = 0;
  if (space != std::string_view::npos)
    std::from_chars(detail.data() + space + 1, detail.data() + detail.size(), number);
  return number;
}

}  // namespace

Job take_session_number(std::shared_ptr<std::uint64_t> number) {
  return [number = std::move(number)](Transaction& transaction) {
    *number = transaction.next_session_number(kEveryone);
    return Result<void>();
  };
}

bool refused_as_replay(CloseCode code, bool closed_by_peer) {
  return code == CloseCode::kReplay && closed_by_peer;
}

Job skip_session_numbers(std::string_view close_detail) {
  return [seen = std::min(last_seen(close_detail), kSeenMax)](Transaction& transaction) {
    transaction.next_session_number(kEveryone, seen);
    return Result<void>();
  };
}

std::optional<Callee> callee_of(const Replica& replica, const AgencyId& agency) {
  const auto registry = replica.registry();
  for (const CertificateId& id : registry->certificates_of(agency)) {  // latest first
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr || !registry->may_connect(id)) continue;
    if (certificate->node == replica.identity().node) continue;
    return Callee{id, certificate->dh_key};
  }
  return std::nullopt;
}

Job seal_at_most(const AgencyId& agency, std::size_t limit) {
  return [agency, limit](Transaction& transaction) -> Result<void> {
    if (limit == 0) return {};
    const auto sealed = transaction.seal_pending(agency, limit);
    return sealed.ok() ? Result<void>() : sealed.error();
  };
}

}  // namespace lienthong::store
