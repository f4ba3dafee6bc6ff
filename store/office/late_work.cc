#include "store/office/late_work.h"

#include <algorithm>
#include <map>

#include "store/replica/raw.h"
#include "store/replica/rows.h"

namespace lienthong::store {

std::vector<LateWork> late_work(const Replica& replica) {
  const RawReplica raw(replica);
  const auto registry = replica.registry();
  std::map<std::pair<AgencyId, NodeId>, LateWork> found;
  const auto of = [&](const CertificateId& id) -> LateWork* {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr) return nullptr;
    LateWork& work = found[{certificate->agency, certificate->node}];
    work.agency = certificate->agency;
    work.node = certificate->node;
    return &work;
  };
  if (!raw.ledger()->pen.held.empty())
    raw.database().scan("P", "P", [&](std::string_view, std::string_view value) {
      const PenRow row = decode_pen_row(value);
      if (row.why != PenReason::kRevoked) return true;
      if (LateWork* work = of(row.unit.seal.certificate)) {
        const UnixMillis since = row.entry.since;
        work->since = ++work->updates == 1 ? since : std::min(work->since, since);
      }
      return true;
    });
  raw.database().scan("W", "W", [&](std::string_view, std::string_view value) {
    const Statement statement = decode_waiting_statement(value).statement;
    const auto* seal = std::get_if<Seal>(&statement.authority);
    const auto admitted = registry->admit(statement);
    if (seal == nullptr || admitted.ok() || admitted.error().code() != Errc::kRevoked) return true;
    if (LateWork* work = of(seal->certificate)) ++work->statements;
    return true;
  });
  std::vector<LateWork> out;
  for (const auto& [place, work] : found) out.push_back(work);
  return out;
}

}  // namespace lienthong::store
