// Statements of the registry: kept in the order in which they came, which is everyone's first feed.
#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kOpenRecordsMax = 256;  // kept decoded while everything is folded again

bool waits(Errc code) {
  return code == Errc::kUnknownCertificate || code == Errc::kUnknownAgency ||
         code == Errc::kUnknownParent;
}

// Whether a statement can change what was believed or how agencies lie above one another.
bool moves_verdicts(const Statement& statement) {
  const auto body = wire::decode_statement(statement.body);
  if (!body.ok()) return false;
  if (const auto* certificate = std::get_if<Certificate>(&*body))
    return !certificate->replaces.is_zero();
  return std::holds_alternative<Revocation>(*body) || std::holds_alternative<TreeChange>(*body);
}

}  // namespace

void Transaction::Impl::keep_statement(const Statement& statement, const StatementId& id,
                                       std::uint32_t source) {
  ledger.statement_hash = next_feed_hash(root(), ledger.statement_hash, id.view());
  overlay.put(key::statement(++ledger.statements),
              encode(StatementRow{source, ledger.statement_hash, statement}));
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
  std::vector<Statement> added;
  if (fresh.empty()) return;
  if (auto all = registry().with(fresh); all.ok()) {
    ledger.registry = *std::move(all);
    for (const Statement& statement : fresh)
      keep_statement(statement, statement_id(root(), statement), source);
    added = std::move(fresh);
  } else {
    for (const Statement& statement : fresh) {
      const StatementId id = statement_id(root(), statement);
      const auto one = add_one(statement, source);
      if (one.ok()) {
        added.push_back(statement);
      } else if (waits(one.error().code()) && waiting_statements() < kWaitingStatementCountMax) {
        overlay.put(key::waiting_statement(id), std::string(as_text(encode_statement(statement))));
        ++outcome.waiting;
      } else {
        refuse(from, agency, id_cast<UpdateId>(id), "statement: " + one.error().message());
      }
    }
  }
  outcome.added += added.size();
  outcome.registry_changed = !added.empty();
  if (!added.empty()) registry_grew(std::move(added));
}

// Tries waiting statements again, judges records anew where trust or the tree moved, starts feeds
// for new relatives, and wakes what waited for a certificate or tree version.
void Transaction::Impl::registry_grew(std::vector<Statement> added) {
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
      added.push_back(std::move(statement));
      progress = true;
    }
  }
  bool judge_anew = false;
  for (const Statement& statement : added) judge_anew = judge_anew || moves_verdicts(statement);
  if (judge_anew) fold_everything_again();
  start_feeds_of_relatives();
  pen_registry_changed = true;
  wake();
}

void Transaction::Impl::fold_everything_again() {
  flush();
  for (std::uint32_t number = 1; number <= ledger.records; ++number) {
    OpenRecord* record = find(number);
    if (record == nullptr) continue;
    const Bytes before = record->row.state;
    record->stale = true;
    touch(*record, number);
    flush();
    if (record->row.state != before)
      log_change(overlay, ledger, {ChangeKind::kRefolded, record->row.id, now});
    open.erase(number);
    if (open.size() > kOpenRecordsMax) open.clear();  // leads; all were flushed
  }
}

Result<StatementId> Transaction::add_statement(const Statement& statement) {
  const bool known = impl_->registry().contains(statement_id(impl_->root(), statement));
  LT_TRY(const StatementId id, impl_->add_one(statement, 0));
  if (!known) impl_->registry_grew({statement});
  return id;
}

Result<StatementId> Transaction::state(const StatementBody& body) {
  Impl& tx = *impl_;
  const Identity& self = tx.replica.identity;
  if (tx.ledger.own.incarnation == 0) tx.mint_incarnation();
  const Statement statement =
      sign_by_node(tx.root(), self.key, self.certificate, tx.ledger.own.incarnation,
                   tx.ledger.own.number + 1, tx.ledger.own.last, body);
  const Seal& seal = std::get<Seal>(statement.authority);
  const OwnSeals before = tx.ledger.own;
  tx.ledger.own.number = seal.number;
  tx.ledger.own.last = seal_id(tx.root(), seal);
  auto added = add_statement(statement);
  if (!added.ok()) tx.ledger.own = before;  // the number was not used
  return added;
}

}  // namespace lienthong::store
