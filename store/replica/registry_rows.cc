// Statements of the registry: kept in the order in which they came, which is everyone's first feed.
#include <map>
#include <set>
#include <utility>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

bool waits(Errc code) {
  return code == Errc::kUnknownCertificate || code == Errc::kUnknownAgency ||
         code == Errc::kUnknownParent || code == Errc::kRevoked;
}

}  // namespace

void Transaction::Impl::keep_statement(const Statement& statement, const StatementId& id,
                                       std::uint32_t source) {
  ledger.statement_hash = next_feed_hash(root(), ledger.statement_hash, id.view());
  came(id);
  overlay.put(key::statement(++ledger.statements),
              encode(StatementRow{source, ledger.statement_hash, statement}));
  if (const auto* seal = std::get_if<Seal>(&statement.authority))
    note_node_seal(
        *seal, {seal->incarnation, seal->number, seal_id(registry(), *seal), ledger.seals, true});
}

Result<StatementId> Transaction::Impl::add_one(const Statement& statement) {
  LT_TRY(const StatementId id, registry().check(statement));
  if (registry().contains(id)) return id;
  if (const auto admitted = registry().admit(statement);
      !admitted.ok() && admitted.error().code() != Errc::kRevoked)
    return admitted.error();
  LT_TRY(ledger.registry, registry().with(std::span(&statement, 1)));
  keep_statement(statement, id, 0);
  return id;
}

// Those that wait, or are kept aside: as a whole, and what that neighbour brought of them.
std::pair<std::size_t, std::size_t> Transaction::Impl::waiting_statements(
    const NodeId& from) const {
  std::pair<std::size_t, std::size_t> count;
  overlay.scan("W", "W", [&](std::string_view, std::string_view value) {
    ++count.first;
    if (decode_waiting_statement(value).from == from) ++count.second;
    return true;
  });
  return count;
}

void Transaction::Impl::receive_statements(const std::vector<Statement>& statements,
                                           const NodeId& from, const AgencyId& agency,
                                           std::uint32_t source, ReceiveOutcome& outcome) {
  std::vector<Statement> fresh;
  std::optional<std::pair<std::size_t, std::size_t>> counted;  // of what waits
  const auto keep_or_refuse = [&](const Statement& statement, const Error& error) {
    const StatementId id = statement_id(root(), statement);  // here alone: its root may be unknown
    const bool may_wait = waits(error.code());
    if (may_wait && overlay.get(key::waiting_statement(id))) {
      ++outcome.waiting;
      return;
    }
    if (may_wait && !counted) counted = waiting_statements(from);
    if (!may_wait || counted->first >= kWaitingStatementCountMax ||
        counted->second >= kWaitingStatementShareMax)
      return refuse(from, agency, id_cast<UpdateId>(id), "statement: " + error.message());
    overlay.put(key::waiting_statement(id), encode(WaitingStatement{from, statement}));
    ++counted->first;
    ++counted->second;
    ++outcome.waiting;
  };
  for (const Statement& statement : statements) {
    if (registry().contains(registry().id_of(statement)))
      ++outcome.duplicates;
    else if (const auto admitted = registry().admit(statement); admitted.ok())
      fresh.push_back(statement);
    else if (const auto checked = registry().check(statement); checked.ok())
      keep_or_refuse(statement, admitted.error());
    else
      keep_or_refuse(statement, checked.error());
  }
  const std::shared_ptr<const Registry> before = ledger.registry;
  const auto failed = add_all(fresh, source);
  for (std::size_t i = 0; i < fresh.size(); ++i)
    if (failed[i]) keep_or_refuse(fresh[i], *failed[i]);
  const std::size_t added = ledger.registry->size() - before->size();
  outcome.added += added;
  outcome.registry_changed = added > 0;
  if (added > 0 || outcome.waiting > 0) registry_grew(*before);
}

// All are evaluated at once. Why each was not added; none: it was, or is here.
std::vector<std::optional<Error>> Transaction::Impl::add_all(std::span<const Statement> statements,
                                                             std::uint32_t source) {
  std::vector<std::optional<Error>> failed;
  if (statements.empty()) return failed;
  const std::shared_ptr<const Registry> before = ledger.registry;
  const auto grown = before->grow(statements, failed);
  if (grown->size() == before->size()) return failed;
  ledger.registry = grown;
  std::set<StatementId> kept;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const StatementId id = registry().id_of(statements[i]);
    if (!failed[i] && !before->contains(id) && kept.insert(id).second)
      keep_statement(statements[i], id, source);
  }
  return failed;
}

namespace {

// The statements that one names.
std::set<StatementId> names_of(const Statement& statement) {
  std::set<StatementId> out;
  const auto body = wire::decode_statement(statement.body);
  if (!body.ok()) return out;
  const auto add = [&](const auto& id) { out.insert(id_cast<StatementId>(id)); };
  if (const auto* seal = std::get_if<Seal>(&statement.authority)) add(seal->certificate);
  if (const auto* agency = std::get_if<AgencyDeclaration>(&*body)) add(agency->parent);
  if (const auto* certificate = std::get_if<Certificate>(&*body)) {
    add(certificate->agency);
    add(certificate->replaces);
  }
  if (const auto* revocation = std::get_if<Revocation>(&*body))
    for (const StatementId& id : revocation->after) add(id);
  if (const auto* closing = std::get_if<Closing>(&*body))
    for (const StatementId& id : closing->after) add(id);
  if (const auto* adoption = std::get_if<Adoption>(&*body)) {
    add(adoption->previous);
    add(adoption->adopted_previous);
    add(adoption->place);
  }
  if (const auto* tree = std::get_if<TreeChange>(&*body)) {
    add(tree->previous);
    for (const AgencyChange& change : tree->changes) {
      add(change.agency);
      if (const auto* reparent = std::get_if<Reparent>(&change.change)) add(reparent->parent);
      if (const auto* dissolve = std::get_if<Dissolve>(&change.change))
        for (const AgencyId& id : dissolve->successors) add(id);
    }
  }
  return out;
}

}  // namespace

// True when some were added. What was kept aside comes in when one that waits for it, and is not
// kept aside itself, names it.
bool Transaction::Impl::try_waiting_statements() {
  std::vector<WaitingStatement> waiting;
  overlay.scan("W", "W", [&](std::string_view, std::string_view value) {
    waiting.push_back(decode_waiting_statement(value));
    return true;
  });
  std::set<StatementId> named;
  const auto counts = [&](const Statement& statement) {
    const auto checked = registry().check(statement);
    const bool misses = !checked.ok() && (checked.error().code() == Errc::kUnknownAgency ||
                                          checked.error().code() == Errc::kUnknownParent);
    return misses && registry().admit(statement).ok();
  };
  std::map<StatementId, const Statement*> silent;  // nothing shows yet that they count
  for (const WaitingStatement& row : waiting) {
    if (counts(row.statement))  // a signature is checked, so once
      named.merge(names_of(row.statement));
    else
      silent.emplace(registry().id_of(row.statement), &row.statement);
  }
  for (bool more = true; std::exchange(more, false);)
    for (auto at = silent.begin(); at != silent.end();) {
      if (!named.contains(at->first)) {
        ++at;
        continue;
      }
      named.merge(names_of(*at->second));
      at = silent.erase(at);
      more = true;
    }
  std::vector<Statement> tried;
  std::vector<NodeId> from;
  for (const WaitingStatement& row : waiting) {
    const StatementId id = statement_id(root(), row.statement);
    const bool called = named.contains(registry().id_of(row.statement));
    const auto admitted = registry().admit(row.statement);
    const bool aside = !admitted.ok() && admitted.error().code() == Errc::kRevoked;
    if (aside && !called) continue;
    if (!admitted.ok() && !aside) {
      overlay.erase(key::waiting_statement(id));
      refuse(row.from, AgencyId{}, id_cast<UpdateId>(id),
             "statement: " + admitted.error().message());
      continue;
    }
    tried.push_back(row.statement);
    from.push_back(row.from);
  }
  const std::size_t before = registry().size();
  const auto failed = add_all(tried, 0);
  for (std::size_t i = 0; i < tried.size(); ++i) {
    if (failed[i] && waits(failed[i]->code())) continue;
    const StatementId id = statement_id(root(), tried[i]);
    overlay.erase(key::waiting_statement(id));
    if (failed[i])
      refuse(from[i], AgencyId{}, id_cast<UpdateId>(id), "statement: " + failed[i]->message());
  }
  return registry().size() > before;
}

// Tries waiting statements again, judges records anew where trust or the tree moved, starts feeds
// for new relatives, wakes what waited for a certificate or tree version, and writes what closings
// this desk owes.
void Transaction::Impl::registry_grew(const Registry& before) {
  while (try_waiting_statements()) continue;
  if (ledger.registry.get() == &before) return;
  write_closings(before);
  find_stale(before);
  start_feeds_of_relatives();
  wake_for_registry(before);
}

Result<StatementId> Transaction::add_statement(const Statement& statement) {
  const std::shared_ptr<const Registry> before = impl_->ledger.registry;
  LT_TRY(const StatementId id, impl_->add_one(statement));
  if (impl_->ledger.registry != before) impl_->registry_grew(*before);
  return id;
}

Result<std::size_t> Transaction::add_statements(std::span<const Statement> statements) {
  const std::shared_ptr<const Registry> before = impl_->ledger.registry;
  std::vector<Statement> admitted;
  for (const Statement& statement : statements)
    if (const auto may = before->admit(statement); may.ok() || may.error().code() == Errc::kRevoked)
      admitted.push_back(statement);
  for (const auto& failed : impl_->add_all(admitted, 0))
    if (failed) return *failed;
  if (impl_->ledger.registry != before) impl_->registry_grew(*before);
  return impl_->ledger.registry->size() - before->size();
}

Result<StatementId> Transaction::Impl::say(const StatementBody& body, std::uint64_t leaving) {
  const Identity& self = replica.identity;
  // Beyond its room nothing that it ever said would count.
  if (registry().find_certificate(self.certificate) != nullptr &&
      registry().room_left(self.certificate) < leaving + statement_cost(body))
    return Error(Errc::kNotAllowed, "no room for more statements under this machine's certificate");
  if (ledger.own.incarnation == 0) mint_incarnation();
  const Statement statement =
      sign_by_node(registry().root_of(self.certificate), self.key, self.certificate,
                   ledger.own.incarnation, ledger.own.number + 1, ledger.own.last, body);
  LT_TRY(const StatementId id, add_one(statement));
  const Seal& seal = std::get<Seal>(statement.authority);
  ledger.own.number = seal.number;
  ledger.own.last = seal_id(registry(), seal);
  return id;
}

Result<StatementId> Transaction::state(const StatementBody& body) {
  const std::shared_ptr<const Registry> before = impl_->ledger.registry;
  LT_TRY(const StatementId id, impl_->say(body));
  impl_->registry_grew(*before);
  return id;
}

}  // namespace lienthong::store
