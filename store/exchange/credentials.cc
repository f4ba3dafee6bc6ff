#include "store/exchange/credentials.h"

#include <set>

namespace lienthong::store {
namespace {

class Chain {
 public:
  explicit Chain(const Registry& registry) : registry_(registry) {}

  void add_certificate(const CertificateId& id) {
    const Certificate* certificate = registry_.find_certificate(id);
    if (certificate == nullptr) return;
    add_agency(certificate->agency);
    add(id_cast<StatementId>(id));
  }

  std::vector<Statement> take() { return std::move(statements_); }

 private:
  void add_agency(const AgencyId& id) {
    const AgencyInfo* agency = registry_.find_agency(id);
    if (agency == nullptr) return;
    if (!agency->declared_parent.is_zero()) add_agency(agency->declared_parent);
    add(id_cast<StatementId>(id));
  }

  void add(const StatementId& id) {
    if (!seen_.insert(id).second) return;
    const Statement* statement = registry_.find_statement(id);
    if (statement == nullptr) return;
    if (const Seal* seal = std::get_if<Seal>(&statement->authority))
      add_certificate(seal->certificate);
    statements_.push_back(*statement);
  }

  const Registry& registry_;
  std::set<StatementId> seen_;
  std::vector<Statement> statements_;
};

}  // namespace

std::vector<Statement> credentials(const Registry& registry, const CertificateId& certificate) {
  Chain chain(registry);
  chain.add_certificate(certificate);
  return chain.take();
}

}  // namespace lienthong::store
