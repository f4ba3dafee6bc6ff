// What this desk owes records in which custody forks, and what it remembers for that.
// docs/protocol/custody.md, "The notary".
#include "protocol/record/notary.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr UnixMillis kHour = 3'600'000;
constexpr UnixMillis kDay = 24 * kHour;
constexpr std::size_t kForkedAtOnceMax = 32;  // records looked at in one commit, of those that wait

bool counts(const RecordState& state, const UpdateId& id) {
  return std::ranges::find(state.inert, id, &InertEntry::id) == state.inert.end();
}

// Whether a fork of the standing chain waits for a word of ours.
bool waits_for(const RecordState& state, const AgencyId& ours) {
  return std::ranges::any_of(
      state.forks, [&](const ForkEntry& fork) { return fork.notary == ours && !fork.bound; });
}

}  // namespace

void Transaction::Impl::note_forks(OpenRecord& record, std::uint32_t number) {
  const bool forks = !record.state.forks.empty();
  if (forks) forked.push_back(number);
  if (forks == std::exchange(record.forks_before, forks)) return;
  if (forks)
    overlay.put(key::forked(number), "");
  else
    overlay.erase(key::forked(number));
}

// What was stored and came to count only because a cut or a closing was moved takes no branch up.
void Transaction::Impl::note_moved(const RecordState& before, const RecordState& after) {
  for (const InertEntry& entry : before.inert) {
    const bool by_registry =
        entry.reason == InertReason::kCutOff || entry.reason == InertReason::kClosed;
    if (!by_registry || !counts(after, entry.id)) continue;
    if (const auto number = update_number(overlay, entry.id)) overlay.put(key::moved(*number), "");
  }
}

// Not while its disk is an older copy, not from another machine than the desk, and after a start
// only once every neighbour has given what it had, or a day has passed.
bool Transaction::Impl::may_uphold() {
  const Belief own = registry().certificate_belief(replica.identity.certificate);
  if (ledger.restored_below != 0 || own != Belief::kBelieved || !is_desk()) return false;
  if (now - ledger.started_at >= kDay) return true;
  bool all = true;
  overlay.scan("H", "H", [&](std::string_view row, std::string_view) {
    const NodeId node = NodeId::from(as_bytes(row.substr(2)));
    const auto certificate = registry().certificate_of(node);
    all = ledger.exchanged.contains(node) || !certificate || !registry().may_connect(*certificate);
    return all;
  });
  return all;
}

// A neighbour's whole feed, or what it carries back to a disk that went back, comes at once as far
// as it tells anything about what was first: until note_exchanged().
void Transaction::Impl::note_backfill(const NodeId& from) {
  const std::string row = key::backfill(from);
  if (!overlay.get(row)) overlay.put(row, encode_number(ledger.updates + 1));
}

// Before a commit: what it brought is settled, and is judged as it will be on the disk. Words of
// this desk come in a commit of their own as far as anyone counts.
void Transaction::Impl::uphold_by_itself() {
  settle_all();
  if (ledger.started_at == 0) ledger.started_at = now;
  const bool wait = now - ledger.forks_seen_at < kHour;
  if (forked.empty() && !ledger.forks_due && wait) return;
  if (!ledger.forks_due && !wait) ledger.forks_due = 0;
  std::vector<std::uint32_t> records = std::exchange(forked, {});
  if (!may_uphold()) {
    if (!records.empty()) ledger.forks_due = 0;
    return;
  }
  std::ranges::sort(records);
  records.erase(std::unique(records.begin(), records.end()), records.end());
  for (const std::uint32_t number : records) uphold_all_in(number);
  if (!ledger.forks_due) return;
  std::vector<std::uint32_t> waiting;
  overlay.scan("f", key::forked(*ledger.forks_due), [&](std::string_view row, std::string_view) {
    waiting.push_back(decode_number4(row.substr(1)));
    return waiting.size() <= kForkedAtOnceMax;
  });
  ledger.forks_due.reset();
  if (waiting.size() > kForkedAtOnceMax) {
    ledger.forks_due = waiting.back();
    waiting.pop_back();
  } else {
    ledger.forks_seen_at = now;
  }
  for (const std::uint32_t number : waiting) uphold_all_in(number);
}

void Transaction::Impl::uphold_all_in(std::uint32_t number) {
  OpenRecord* record = find(number);
  if (record == nullptr) return;
  settle(*record, number);
  if (!waits_for(record->state, replica.identity.agency)) return;  // nearly always another's
  for (bool wrote = true; wrote;) {
    came_first = ledger.updates + 1;
    savepoint();
    wrote = uphold_in(number);
  }
  came_first = first_of_commit;
  forked.clear();
}

// Whether it wrote: the record is to be looked at again.
bool Transaction::Impl::uphold_in(std::uint32_t number) {
  OpenRecord* record = find(number);
  if (record == nullptr) return false;
  settle(*record, number);
  const AgencyId& ours = replica.identity.agency;
  if (record->state.needs_newer_rules() || !waits_for(record->state, ours)) return false;

  const std::string quota_key = key::upheld(number);
  const auto row = overlay.get(quota_key);
  UpheldRow said = row ? decode_upheld_row(*row) : UpheldRow{};
  const auto in_force = static_cast<std::size_t>(std::ranges::count_if(
      said.words, [&](const UpheldRow::Word& word) { return counts(record->state, word.id); }));
  if (in_force >= kUpholdsByItself && now - said.words.back().at < kDay) return false;

  const auto brought = [&](const UpdateId& id) {
    const std::uint64_t update = update_number(overlay, id).value();
    const UpdateRow stored = decode_update_row(overlay.get(key::update(update)).value());
    return Brought{update - stored.came_after, overlay.get(key::moved(update)).has_value()};
  };
  const RecordId id = record->row.id;
  const auto graph = read_graph(overlay, ledger, record->row);
  const Duty owed = duty(graph, ours, registry(), brought);
  if (owed.uphold.is_zero()) return false;
  Draft draft;
  draft.record = id;
  draft.open.kind = UpdateKind::kUphold;
  draft.link = owed.uphold;
  const auto written = write(std::move(draft));
  if (!written.ok()) {  // as beyond the bound of one's own past: persons see the fork
    rollback();
    return false;
  }
  said.words.push_back({*written, now});
  overlay.put(quota_key, encode(said));
  return true;
}

std::vector<Fork> Transaction::forks_of(const RecordId& record) const {
  const auto number = record_number(impl_->overlay, record);
  OpenRecord* found = number ? impl_->find(*number) : nullptr;
  if (found == nullptr) return {};
  impl_->settle(*found, *number);
  return lienthong::forks_of(read_graph(impl_->overlay, impl_->ledger, found->row),
                             impl_->registry());
}

std::vector<Fork> Replica::forks_of(const RecordId& record) const {
  const auto number = record_number(*impl_->database, record);
  const auto bytes = number ? impl_->database->get(key::record(*number)) : std::nullopt;
  if (!bytes) return {};
  const auto ledger = impl_->ledger();
  return lienthong::forks_of(read_graph(*impl_->database, *ledger, decode_record_row(*bytes)),
                             *ledger->registry);
}

bool Replica::comes_at_once(const NodeId& node) const {
  return impl_->database->get(key::backfill(node)).has_value();
}

void Transaction::note_exchanged(const NodeId& node) {
  Ledger& ledger = impl_->ledger;
  if (ledger.exchanged.insert(node).second && !ledger.forks_due) ledger.forks_due = 0;
  const std::string row = key::backfill(node);
  if (impl_->overlay.get(row)) impl_->overlay.erase(row);
}

void Transaction::came_with(std::uint64_t first) {
  impl_->came_first = first != 0 ? first : impl_->first_of_commit;
}
std::uint64_t Transaction::next_number() const { return impl_->ledger.updates + 1; }

}  // namespace lienthong::store
