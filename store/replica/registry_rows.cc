// Statements of the registry: kept in the order in which they came, which is everyone's first feed.
#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

bool waits(Errc code) {
  return code == Errc::kUnknownCertificate || code == Errc::kUnknownAgency ||
         code == Errc::kUnknownParent;
}

}  // namespace

void Transaction::Impl::keep_statement(const Statement& statement, const StatementId& id,
                                       std::uint32_t source) {
  ledger.statement_hash = next_feed_hash(root(), ledger.statement_hash, id.view());
  overlay.put(key::statement(++ledger.statements),
              encode(StatementRow{source, ledger.statement_hash, statement}));
  if (const auto* seal = std::get_if<Seal>(&statement.authority))
    note_node_seal(*seal,
                   {seal->incarnation, seal->number, seal_id(root(), *seal), ledger.seals, true});
}

Result<StatementId> Transaction::Impl::add_one(const Statement& statement, std::uint32_t source) {
  LT_TRY(const StatementId id, registry().check(statement));
  if (registry().contains(id)) return id;
  LT_TRY(ledger.registry, registry().with(std::span(&statement, 1)));
  keep_statement(statement, id, source);
  return id;
}

std::size_t Transaction::Impl::waiting_statements() const {
  std::size_t count = 0;
  overlay.scan("W", "W", [&](std::string_view, std::string_view) { return ++count > 0; });
  return count;
}

void Transaction::Impl::receive_statements(const std::vector<Statement>& statements,
                                           const NodeId& from, const AgencyId& agency,
                                           std::uint32_t source, ReceiveOutcome& outcome) {
  std::vector<Statement> fresh;
  for (const Statement& statement : statements) {
    if (registry().contains(statement_id(root(), statement)))
      ++outcome.duplicates;
    else
      fresh.push_back(statement);
  }
  if (fresh.empty()) return;
  const std::shared_ptr<const Registry> before = ledger.registry;
  std::size_t added = 0;
  if (auto all = registry().with(fresh); all.ok()) {
    ledger.registry = *std::move(all);
    for (const Statement& statement : fresh)
      keep_statement(statement, statement_id(root(), statement), source);
    added = fresh.size();
  } else {
    for (const Statement& statement : fresh) {
      const StatementId id = statement_id(root(), statement);
      const auto one = add_one(statement, source);
      if (one.ok()) {
        ++added;
      } else if (waits(one.error().code()) && waiting_statements() < kWaitingStatementCountMax) {
        overlay.put(key::waiting_statement(id), std::string(as_text(encode_statement(statement))));
        ++outcome.waiting;
      } else {
        refuse(from, agency, id_cast<UpdateId>(id), "statement: " + one.error().message());
      }
    }
  }
  outcome.added += added;
  outcome.registry_changed = added > 0;
  if (added > 0) registry_grew(*before);
}

// Tries waiting statements again, judges records anew where trust or the tree moved, starts feeds
// for new relatives, wakes what waited for a certificate or tree version, and writes what closings
// this desk owes.
void Transaction::Impl::registry_grew(const Registry& before) {
  for (bool progress = true; progress;) {
    progress = false;
    std::vector<std::pair<std::string, Statement>> waiting;
    overlay.scan("W", "W", [&](std::string_view k, std::string_view value) {
      if (auto statement = decode_statement(as_bytes(value)); statement.ok())
        waiting.emplace_back(std::string(k), *std::move(statement));
      return true;
    });
    for (auto& [row_key, statement] : waiting) {
      const auto one = add_one(statement, 0);
      if (!one.ok() && waits(one.error().code())) continue;
      overlay.erase(row_key);
      if (!one.ok()) {
        refuse(NodeId{}, AgencyId{}, UpdateId{}, "statement: " + one.error().message());
        continue;
      }
      progress = true;
    }
  }
  write_closings(before);
  find_stale(before);
  start_feeds_of_relatives();
  pen_registry_changed = true;
  wake();
}

Result<StatementId> Transaction::add_statement(const Statement& statement) {
  const std::shared_ptr<const Registry> before = impl_->ledger.registry;
  LT_TRY(const StatementId id, impl_->add_one(statement, 0));
  if (impl_->ledger.registry != before) impl_->registry_grew(*before);
  return id;
}

Result<StatementId> Transaction::Impl::say(const StatementBody& body) {
  const Identity& self = replica.identity;
  if (ledger.own.incarnation == 0) mint_incarnation();
  const Statement statement =
      sign_by_node(root(), self.key, self.certificate, ledger.own.incarnation,
                   ledger.own.number + 1, ledger.own.last, body);
  LT_TRY(const StatementId id, add_one(statement, 0));
  const Seal& seal = std::get<Seal>(statement.authority);
  ledger.own.number = seal.number;
  ledger.own.last = seal_id(root(), seal);
  return id;
}

Result<StatementId> Transaction::state(const StatementBody& body) {
  const std::shared_ptr<const Registry> before = impl_->ledger.registry;
  LT_TRY(const StatementId id, impl_->say(body));
  impl_->registry_grew(*before);
  return id;
}

}  // namespace lienthong::store
