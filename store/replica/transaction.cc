#include <algorithm>
#include <set>

#include "protocol/base/limits.h"
#include "protocol/feed/went_back.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "protocol/record/registers.h"
#include "store/replica/change_log.h"
#include "store/replica/local_names.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kFoundCodesMax = 1024;

std::string folded_code(const RecordState& state) { return fold_code(code_or_empty(state)); }

Bytes key_of(const Update& update) {
  const auto closed = wire::decode_closed(update.closed);
  return closed.ok() ? closed->key_hash : Bytes();
}

const InertEntry* find_inert(const RecordState& state, const UpdateId& id) {
  const auto at = std::ranges::find(state.inert, id, &InertEntry::id);
  return at != state.inert.end() ? &*at : nullptr;
}

}  // namespace

// ---- records ----

OpenRecord* Transaction::Impl::find(std::uint32_t number) {
  if (const auto at = open.find(number); at != open.end()) return &at->second;
  const auto bytes = overlay.get(key::record(number));
  if (!bytes) return nullptr;
  OpenRecord record;
  record.row = decode_record_row(*bytes);
  record.state = decode_stored_state(record.row);
  record.inert_before = record.state.inert.size();
  record.erased_before = !record.state.erased_by.is_zero();
  record.code_before = folded_code(record.state);
  record.participants_before = record.state.participants;
  record.forks_before = !record.state.forks.empty();
  record.drafts = projections.open(number, &record.state);
  const bool stale = is_stale(number, record.state);
  OpenRecord& opened = open.emplace(number, std::move(record)).first->second;
  if (stale) {
    opened.stale = opened.judged_anew = true;
    touch(opened, number);
  }
  return &opened;
}

OpenRecord* Transaction::Impl::find(const RecordId& id) {
  const auto number = record_number(overlay, id);
  if (!number) return nullptr;
  OpenRecord* record = find(*number);
  return record != nullptr && record->row.id == id ? record : nullptr;
}

void Transaction::Impl::touch(OpenRecord& record, std::uint32_t number) {
  if (!std::exchange(record.unsettled, true)) unsettled.push_back(number);
  if (!std::exchange(record.dirty, true)) dirty.push_back(number);
}

void Transaction::Impl::fold_if_stale(OpenRecord& record, std::uint32_t number) {
  if (!record.stale) return;
  ++folds;
  const auto graph = replica.graphs.read(overlay, ledger, number, record.row, first_of_commit);
  looked_back += replica.graphs.missed();
  record.looked_at = 0;
  const RecordState before = std::exchange(record.state, fold(graph, registry()));
  note_moved(before, record.state);
  refolded(record.drafts, record.state, graph);
  record.stale = false;
  record.changed = true;
  if (ledger.stale == 0 || !overlay.get(key::stale(number))) return;
  overlay.erase(key::stale(number));
  --ledger.stale;
}

// Legs follow the audience of their dossier: they are settled again with it.
void Transaction::Impl::touch_led(OpenRecord& record) {
  if (record.state.participants == record.participants_before) return;
  record.participants_before = record.state.participants;
  if (!ledger.leads) return;
  for (const std::uint32_t led : led_numbers(overlay, record.row.id))
    if (OpenRecord* other = find(led); other != nullptr) touch(*other, led);
}

// Feeds are not told yet: readers are found when every record of the transaction is folded.
void Transaction::Impl::settle_state(OpenRecord& record, std::uint32_t number) {
  fold_if_stale(record, number);
  ledger.inert = ledger.inert + record.state.inert.size() - record.inert_before;
  record.inert_before = record.state.inert.size();
  settle_erasure(record);
  settle_beyond(record, number);
  std::string code = folded_code(record.state);
  if (code != record.code_before) {
    found_codes.erase(record.code_before);
    found_codes.erase(code);
    if (!record.code_before.empty()) overlay.erase(key::code(record.code_before, number));
    if (!code.empty()) overlay.put(key::code(code, number), "");
    record.code_before = std::move(code);
  }
  note_forks(record, number);
  touch_led(record);
}

void Transaction::Impl::settle(OpenRecord& record, std::uint32_t number) {
  if (!record.unsettled) return;
  settle_state(record, number);
  find_readers(record, number);
  feed_record(record, ledger.updates);
  record.unsettled = false;
}

void Transaction::Impl::settle_all() {
  std::vector<std::uint32_t> records;
  while (!unsettled.empty()) {  // a dossier may touch its legs
    for (const std::uint32_t number : std::exchange(unsettled, {})) {
      records.push_back(number);
      if (OpenRecord& record = open.at(number); record.unsettled) settle_state(record, number);
    }
  }
  for (const std::uint32_t number : records)
    if (OpenRecord& record = open.at(number); record.unsettled) find_readers(record, number);
  for (; offered < entered.size(); ++offered)
    if (OpenRecord& record = open.at(just_entered[offered].record); record.unsettled)
      feed_record(record, entered[offered]);
  for (const std::uint32_t number : records) {
    OpenRecord& record = open.at(number);
    if (record.unsettled) feed_record(record, ledger.updates);
    record.unsettled = false;
  }
  note_delivered();
  go_on_with_pushes();
  if (!unsettled.empty()) settle_all();  // looking for readers opened one that is to be judged anew
}

void Transaction::Impl::flush() {
  settle_all();
  for (const std::uint32_t number : std::exchange(dirty, {})) {
    OpenRecord& record = open.at(number);
    if (record.changed) {
      Bytes state = encode_state(record.state);
      if (record.judged_anew && state != record.row.state)
        log_change(overlay, ledger, {ChangeKind::kRefolded, record.row.id, now});
      record.row.state = std::move(state);
    }
    record.changed = record.judged_anew = false;
    overlay.put(key::record(number), encode(record.row));
    store::flush(record.drafts, record.state);
    record.dirty = false;
  }
}

// Takes the body.
GraphUpdate Transaction::Impl::graph_view(NewUpdate& update) {
  GraphUpdate out;
  out.id = update.id;
  out.envelope = update.update.envelope;
  out.open = std::move(update.body);
  const auto* certificate = registry().find_certificate(out.envelope.certificate);
  LT_CHECK(certificate != nullptr);
  out.agency = certificate->agency;
  out.node = certificate->node;
  set_trust(out, registry(), update.seal ? held_seal(update.seal->seal) : std::span<HeldSeal>());
  return out;
}

// Updates of one seal follow each other.
std::span<const HeldSeal> Transaction::Impl::held_seal(std::uint32_t number) {
  if (last_seal_number != number) {
    auto seal = read_seal(overlay, number);
    LT_CHECK(seal.has_value());
    last_seal_number = number;
    last_seal.id = seal_id(registry(), *seal);
    last_seal.seal = *std::move(seal);
  }
  return std::span(&last_seal, 1);
}

std::uint64_t Transaction::Impl::enter(NewUpdate update) {
  const RecordId record_id = record_of(update.update, update.id);
  const std::uint64_t number = ++ledger.updates;
  const bool first = update.update.envelope.record.is_zero();
  std::uint32_t record_no = 0;
  if (first) {
    record_no = ++ledger.records;
    OpenRecord made;
    made.row.id = record_id;
    made.drafts = projections.open(record_no, nullptr);
    open.emplace(record_no, std::move(made));
    overlay.put(key::record_index(record_id), encode_number(record_no));
    if (!update.body.lead.is_zero()) {
      overlay.put(key::led(update.body.lead, record_no), "");
      ledger.leads = true;
    }
  } else {
    record_no = record_number(overlay, record_id).value();
  }
  OpenRecord& record = *find(record_no);
  if (first) record.row.secret = update.update.secret;
  touch(record, record_no);
  const bool stripped = lacks_closed_part(update.update, record.state);
  if (stripped) {
    overlay.put(key::stripped(number), "");
    ++ledger.stripped;
  }
  const GraphUpdate view = graph_view(update);
  if (!record.stale && !extend_state(record, view, update.closed)) record.stale = true;
  record.row.updates.push_back(number);
  projections.entered(view);
  record.changed = true;
  ledger.newest_hlc = std::max(ledger.newest_hlc, view.envelope.hlc.value);
  note_key(update.closed, view.envelope.certificate, update.id);
  overlay.put(key::update_index(update.id), encode_number(number));
  came(update.id);
  if (update.source != 0) note_clock(view);
  const bool custody = is_custody(view.open.kind);
  const UpdateRow row{update.id, record_no,           update.source, now, std::move(update.update),
                      custody,   number - came_first, update.seal};
  std::string bytes = encode(row);
  if (!update.seal) {
    overlay.put(key::unsealed(number), encode(UnsealedRow{update.id, record_no, bytes.size()}));
    ++ledger.unsealed;
  }
  overlay.put(key::update(number), std::move(bytes));
  entered.push_back(number);
  just_entered.push_back({update.id, record_no, update.source, custody, stripped});
  return number;
}

// ---- the public face ----

Transaction::Transaction(Replica& replica, UnixMillis now)
    : impl_(std::make_unique<Impl>(*replica.impl_, now)) {
  LT_CHECK(impl_->ledger.registry != nullptr);  // bootstrap() comes first
}
Transaction::~Transaction() = default;

void Transaction::Impl::savepoint() {
  flush();
  if (open.size() > kOpenRecordsMax) open.clear();  // memory; all were flushed
  overlay.savepoint();
  projections.savepoint();
  saved_ledger = ledger;
  saved_entered = entered.size();
}

void Transaction::Impl::rollback() {
  open.clear();
  unsettled.clear();
  delivered.clear();
  dirty.clear();
  recalls.clear();
  forked.clear();
  found_codes.clear();
  refused_there.reset();
  last_seal_number = 0;
  pen_unit = nullptr;
  pen_came.clear();
  answered.clear();
  pen_woken.clear();
  waking = false;
  used_twice.clear();
  came_first = first_of_commit;
  overlay.rollback();
  projections.rollback();
  ledger = saved_ledger;
  entered.resize(saved_entered);
  just_entered.resize(saved_entered);
  offered = saved_entered;
}

void Transaction::savepoint() { impl_->savepoint(); }
void Transaction::rollback() { impl_->rollback(); }

std::size_t Transaction::bytes() const { return impl_->overlay.bytes(); }
const Registry& Transaction::registry() const { return impl_->registry(); }
const Identity& Transaction::identity() const { return impl_->replica.identity; }
UnixMillis Transaction::now() const { return impl_->now; }
bool Transaction::restored() const { return impl_->ledger.restored_below != 0; }
const std::vector<std::uint64_t>& Transaction::entered() const { return impl_->entered; }
std::uint64_t Transaction::tried() const { return impl_->leaves_tried; }
std::uint64_t Transaction::folded() const { return impl_->folds; }

std::optional<RecordEntry> Transaction::find_record(const RecordId& id) const {
  const auto number = record_number(impl_->overlay, id);
  if (!number) return std::nullopt;
  OpenRecord* record = impl_->find(*number);
  if (record == nullptr || record->row.id != id) return std::nullopt;
  impl_->settle(*record, *number);
  return RecordEntry{record->state, record->row.updates};
}

std::vector<RecordId> Transaction::find_code(std::string_view code) const {
  impl_->settle_all();
  const std::string folded = fold_code(code);
  const auto known = impl_->found_codes.find(folded);
  if (known != impl_->found_codes.end()) return known->second;
  if (impl_->found_codes.size() >= kFoundCodesMax) impl_->found_codes.clear();
  return impl_->found_codes.emplace(folded, find_rows(key::code_prefix(folded))).first->second;
}

std::vector<RecordId> Transaction::find_rows(std::string_view prefix) const {
  impl_->settle_all();
  std::vector<RecordId> out;
  impl_->overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    if (const auto* record = impl_->find(decode_number4(k.substr(k.size() - 4))))
      out.push_back(record->row.id);
    return true;
  });
  return out;
}

std::vector<RecordId> Transaction::led_by(const RecordId& lead) const {
  std::vector<RecordId> out;
  for (const std::uint32_t number : led_numbers(impl_->overlay, lead))
    if (const auto* record = impl_->find(number); record != nullptr && record->state.lead == lead)
      out.push_back(record->row.id);
  return out;
}

std::optional<UpdateId> Transaction::find_key(ByteView key_hash) const {
  const auto row = impl_->overlay.get(key::idempotency(key_hash));
  if (!row) return std::nullopt;
  return UpdateId::from(as_bytes(*row));
}

std::optional<StoredUpdate> Transaction::find_update(const UpdateId& id) const {
  const auto number = update_number(impl_->overlay, id);
  if (!number) return std::nullopt;
  return read_update(impl_->overlay, impl_->ledger, *number);
}

Result<UpdateId> Transaction::write(Draft draft) { return impl_->write(std::move(draft)); }

// At most kParentCountMax of the heads: first those that have the link among their ancestors, for
// the link must be one; of these our own agency's, then field writes, then the newest.
std::vector<UpdateId> Transaction::Impl::choose_parents(const OpenRecord& record,
                                                        const UpdateId& link) const {
  std::vector<UpdateId> heads = record.state.heads;
  if (heads.size() <= kParentCountMax) return heads;
  std::map<UpdateId, GraphUpdate> graph;
  for (GraphUpdate& update : read_graph(overlay, ledger, record.row)) {
    const UpdateId id = update.id;
    graph.emplace(id, std::move(update));
  }
  const auto follows_link = [&](const UpdateId& head) {
    std::set<UpdateId> seen;
    std::vector<UpdateId> ahead{head};
    while (!ahead.empty()) {
      const UpdateId id = ahead.back();
      ahead.pop_back();
      if (id == link) return true;
      if (seen.insert(id).second)
        for (const UpdateId& dep : graph.at(id).envelope.deps) ahead.push_back(dep);
    }
    return false;
  };
  const auto rank = [&](const UpdateId& head) {
    const GraphUpdate& update = graph.at(head);
    return std::tuple(!follows_link(head), update.agency != replica.identity.agency,
                      update.open.kind != UpdateKind::kSet, ~update.envelope.hlc.value);
  };
  std::ranges::sort(heads, {}, rank);
  heads.resize(kParentCountMax);
  std::ranges::sort(heads);
  return heads;
}

// What an update of the record has to come after: its parents, and what the record's history ends
// with. Nothing else: a clock that is ahead dates what it touched, and nobody's other work.
Hlc Transaction::Impl::newest_clock(const OpenRecord& record,
                                    std::span<const UpdateId> parents) const {
  Hlc newest = record.state.latest;
  for (const UpdateId& parent : parents) {
    if (!record.state.timeline.empty() && record.state.timeline.back() == parent) continue;
    const auto number = update_number(overlay, parent);
    const auto row = overlay.get(key::update(number.value()));
    newest = std::max(newest, decode_update_row(row.value()).update.envelope.hlc);
  }
  return newest;
}

Result<UpdateId> Transaction::Impl::write(Draft draft) {
  const Identity& self = replica.identity;
  const bool first = draft.record.is_zero();
  NewUpdate update;
  Envelope& envelope = update.update.envelope;
  envelope.record = draft.record;
  envelope.certificate = self.certificate;
  envelope.tree_version = registry().newest();
  OpenRecord* record = nullptr;
  if (!first) {
    record = find(draft.record);
    if (record == nullptr) return Error(Errc::kNotFound, "record " + draft.record.short_hex());
    settle(*record, record_number(overlay, draft.record).value());
    if (record->state.needs_newer_rules())
      return Error(Errc::kNewerVersion, "the record needs rules version " +
                                            std::to_string(record->state.rules_needed) +
                                            ": upgrade this program");
    if (record->state.chain.empty())
      return Error(Errc::kNotAllowed,
                   "the record's creation was revoked; a superior must reclaim it");
    envelope.link = draft.link ? *draft.link : record->state.tip();
    envelope.deps = choose_parents(*record, *envelope.link);
    for (const LinkEntry& link : record->state.chain)
      if (link.id == *envelope.link)
        envelope.tree_version = std::max(envelope.tree_version, link.tree_version);
    if (is_link(draft.open.kind) && custody_rests(*record))
      return Error(Errc::kNotAllowed,
                   "this machine was restored from an older copy: custody of records that it held "
                   "before rests until a neighbour has given everything back");
  }
  envelope.hlc = Hlc::next(now, record != nullptr ? newest_clock(*record, envelope.deps) : Hlc{});
  update.body = std::move(draft.open);
  update.update.open = wire::encode(update.body);
  std::optional<RecordSecret> secret;
  if (first) secret = update.update.secret = replica.options.entropy->array<kSecretSize>();
  if (record != nullptr) secret = record->row.secret;
  const bool says_something = !draft.key_hash.empty() || !draft.account.empty();
  if ((first || says_something) && secret && !draft.closed) draft.closed.emplace();
  if (draft.closed) {
    if (!secret)
      return Error(Errc::kNotAllowed, record->state.erased_by.is_zero()
                                          ? "the record's closed parts have not come here"
                                          : "the record's closed parts were erased");
    draft.closed->key_hash = draft.key_hash;
    draft.closed->account = std::move(draft.account);
    update.update.closed = wire::encode(*draft.closed);
    update.update.closed_hash = closed_part_hash(registry().root_of(envelope.certificate), *secret,
                                                 encode_envelope(envelope), update.update.closed);
  }
  LT_TRY(update.body, check_form(update.update));
  if (!update.update.closed.empty()) {
    LT_TRY(update.closed, check_closed_form(update.update, update.body));
  }
  const UpdateId id = update.id = update_id(registry(), update.update);
  if (!draft.closed && !draft.key_hash.empty())  // it is erased: the key stays on this machine
    overlay.put(key::idempotency(draft.key_hash), std::string(as_text(id.view())));
  enter(std::move(update));
  const std::uint32_t number =
      record_number(overlay, first ? id_cast<RecordId>(id) : draft.record).value();
  OpenRecord& written = *find(number);
  settle(written, number);
  if (const InertEntry* inert = find_inert(written.state, id))
    return Error(Errc::kNotAllowed,
                 std::string("the custody rules refuse it: ") + to_string(inert->reason));
  return id;
}

Result<void> Transaction::withdraw(const UpdateId& id) {
  Impl& tx = *impl_;
  const auto number = update_number(tx.overlay, id);
  if (!number) return Error(Errc::kNotFound, "update " + id.short_hex());
  const UpdateRow row = decode_update_row(tx.overlay.get(key::update(*number)).value());
  OpenRecord& record = *tx.find(row.record);
  tx.settle(record, row.record);
  const bool only_head = record.state.heads == std::vector<UpdateId>{id};
  if (row.source != 0 || !tx.overlay.get(key::unsealed(*number)) || !only_head ||
      record.row.updates.size() < 2)
    return Error(Errc::kNotAllowed, "it has left this machine, or something was built on it");
  const auto nth = static_cast<std::size_t>(std::ranges::lower_bound(record.row.updates, *number) -
                                            record.row.updates.begin());
  for (FedFeed& fed : record.row.feeds) {
    if (fed.places.size() <= nth) continue;
    tx.blank(fed.feed, fed.places[nth]);
    fed.places.erase(fed.places.begin() + static_cast<std::ptrdiff_t>(nth));
  }
  std::erase(record.row.updates, *number);
  tx.overlay.erase(key::update(*number));
  tx.overlay.erase(key::update_index(id));
  tx.overlay.erase(key::unsealed(*number));
  if (const Bytes hash = key_of(row.update); !hash.empty())
    tx.overlay.erase(key::idempotency(hash));
  --tx.ledger.unsealed;
  ++tx.ledger.without_update;
  const auto kind = decode_stored_open(row.update).kind;
  log_change(tx.overlay, tx.ledger,
             {ChangeKind::kWithdrawn, record.row.id, tx.now, id, *number, kind});
  record.stale = true;
  tx.touch(record, row.record);
  tx.settle(record, row.record);
  tx.leave_feeds(record);
  return {};
}

bool Transaction::heard_since_start() const { return impl_->ledger.heard_since_start; }

bool Transaction::done_since_start(std::string_view what) const {
  return impl_->ledger.done_since_start.contains(what);
}

void Transaction::note_done_since_start(std::string_view what) {
  impl_->ledger.done_since_start.emplace(what);
}

void Transaction::set_local_value(std::string_view name, std::optional<Bytes> value) {
  if (value)
    impl_->overlay.put(key::local(name), std::string(as_text(*value)));
  else
    impl_->overlay.erase(key::local(name));
}

std::optional<Bytes> Transaction::local_value(std::string_view name) const {
  const auto row = impl_->overlay.get(key::local(name));
  if (!row) return std::nullopt;
  return to_bytes(as_bytes(*row));
}

void Transaction::note_heard_cursor(FeedKind kind, const NodeId& reader, const Cursor& cursor) {
  impl_->node_number(reader);
  impl_->ledger.heard_since_start = true;
  if (const auto certificate = impl_->registry().certificate_of(reader))
    impl_->renew_feed_unless_it_fits(kind, impl_->registry().find_certificate(*certificate)->agency,
                                     cursor.mark);
  impl_->overlay.put(key::heard(kind, reader), encode_cursor_row(cursor));
}

void Transaction::note_told_cursor(FeedKind kind, const NodeId& reader, const AgencyId& agency,
                                   const Cursor& cursor) {
  const auto row = impl_->overlay.get(key::heard(kind, reader));
  if (row && went_back(cursor, decode_cursor_row(*row))) impl_->carry_back(kind, reader, agency);
  impl_->renew_feed_unless_it_fits(kind, agency, cursor.mark);
  note_heard_cursor(kind, reader, cursor);
}

std::uint64_t Transaction::next_session_number(const NodeId& node, std::uint64_t above) {
  const auto row = impl_->overlay.get(key::session_numbers(node));
  const std::uint64_t sent = row ? decode_number(row->substr(0, 8)) : 0;
  const std::string seen = row ? row->substr(8) : encode_number(0);
  // A restored copy must not repeat a number: they rise with the clock as well.
  const auto clock = static_cast<std::uint64_t>(std::max<UnixMillis>(impl_->now, 0));
  const std::uint64_t next = std::max({sent + 1, above + 1, clock});
  impl_->overlay.put(key::session_numbers(node), encode_number(next) + seen);
  return next;
}

void Transaction::note_session_number_seen(const NodeId& node, std::uint64_t number) {
  const auto row = impl_->overlay.get(key::session_numbers(node));
  const std::string sent = row ? row->substr(0, 8) : encode_number(0);
  const std::uint64_t seen = row ? decode_number(row->substr(8)) : 0;
  impl_->note_session_clock(node, number, seen);
  impl_->overlay.put(key::session_numbers(node), sent + encode_number(std::max(seen, number)));
}

void Transaction::clear_restored() { impl_->ledger.restored_below = 0; }

Result<void> Transaction::commit(Sync sync) {
  LT_CHECK(!impl_->committed);
  impl_->committed = true;
  Replica::Impl& replica = impl_->replica;
  {
    const std::lock_guard lock(replica.mutex);
    if (replica.failed)
      return Error(Errc::kIo,
                   "an earlier write did not reach the disk; the replica must be opened anew");
  }
  const std::size_t entered_before = impl_->entered.size();
  impl_->uphold_by_itself();
  if (impl_->entered.size() != entered_before) sync = Sync::kYes;  // it was asked for hints alone
  impl_->flush();
  for (const auto& [agency, meta] : impl_->ledger.feeds) {
    const std::string row = encode(meta);
    if (const auto before = impl_->overlay.get(key::feed(agency)); before != row)
      impl_->overlay.put(key::feed(agency), row);
  }
  impl_->projections.before_commit();
  const std::string counters = encode_counters(impl_->ledger);
  if (impl_->overlay.get(key::meta("counters")) != counters)
    impl_->overlay.put(key::meta("counters"), counters);
  Result<void> written;
  if (const Changes& changes = impl_->overlay.take_stock(); !changes.empty())
    written = replica.database->write(changes, sync);
  const std::lock_guard lock(replica.mutex);
  if (!written.ok()) {
    replica.failed = true;
    return written;
  }
  replica.published = std::make_shared<const Ledger>(std::move(impl_->ledger));
  return {};
}

}  // namespace lienthong::store
