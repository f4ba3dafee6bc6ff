#include "store/replica/replica.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "protocol/record/codec.h"
#include "store/replica/local_names.h"
#include "store/replica/raw.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {

std::string encode_counters(const Ledger& ledger) {
  ByteWriter out;
  for (const std::uint64_t value :
       {ledger.statement_epoch, ledger.updates, std::uint64_t{ledger.records},
        std::uint64_t{ledger.seals}, std::uint64_t{ledger.nodes}, std::uint64_t{ledger.feed_count},
        ledger.statements, ledger.statement_hash, ledger.refused, ledger.refused_kept, ledger.inert,
        ledger.unsealed, ledger.waiting, ledger.without_update, ledger.restored_below,
        ledger.newest_hlc})
    out.u64(value);
  return std::string(as_text(out.bytes()));
}

void decode_counters(std::string_view bytes, Ledger& ledger) {
  ByteReader in(as_bytes(bytes));
  const auto next = [&] {
    const auto value = in.u64();
    if (!value.ok()) throw std::runtime_error("stored counters: " + value.error().message());
    return *value;
  };
  const auto next32 = [&] { return static_cast<std::uint32_t>(next()); };
  ledger.statement_epoch = next();
  ledger.updates = next();
  ledger.records = next32();
  ledger.seals = next32();
  ledger.nodes = next32();
  ledger.feed_count = next32();
  ledger.statements = next();
  ledger.statement_hash = next();
  ledger.refused = next();
  ledger.refused_kept = next();
  ledger.inert = next();
  ledger.unsealed = next();
  ledger.waiting = next();
  ledger.without_update = next();
  ledger.restored_below = next();
  ledger.newest_hlc = next();
}

OpenBody decode_stored_open(const Update& update) {
  auto open = wire::decode_open(update.open);
  if (!open.ok()) throw std::runtime_error("stored update: " + open.error().message());
  return *std::move(open);
}

RecordState decode_stored_state(const RecordRow& row) {
  auto state = decode_state(row.state);
  if (!state.ok()) throw std::runtime_error("stored state: " + state.error().message());
  return *std::move(state);
}

Replica::Replica(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Replica::~Replica() = default;

Result<std::unique_ptr<Replica>> Replica::open(Options options, Identity identity,
                                               const RootFingerprint& root) {
  LT_CHECK(options.entropy != nullptr);
  auto impl = std::make_unique<Impl>(std::move(options), std::move(identity), root);
  LT_TRY(impl->database, Database::open(impl->options.path, impl->options.env, impl->options.create,
                                        impl->options.accept_missing_end ? MissingEnd::kAccept
                                                                         : MissingEnd::kRefuse));
  try {
    LT_TRY_VOID(impl->load());
  } catch (const std::exception&) {
    if (const auto failure = impl->database->failure()) return *failure;  // a bad block was read
    throw;
  }
  return std::unique_ptr<Replica>(new Replica(std::move(impl)));
}

namespace {

void read_statement_epochs(const Database& database, Ledger& ledger) {
  const std::string epochs = key::local(local::kStatementEpoch);
  database.scan(epochs, epochs, [&](std::string_view name, std::string_view value) {
    const ByteView agency = as_bytes(name.substr(epochs.size()));
    ledger.statement_epochs[AgencyId::from(agency)] = decode_number(value);
    return true;
  });
}

}  // namespace

Result<void> Replica::Impl::load() {
  auto ledger = std::make_shared<Ledger>();
  const auto version = database->get(key::meta("version"));
  if (!version) {
    const auto random = options.entropy->array<8>();
    ByteReader in(random);
    ledger->statement_epoch = *in.u64() | 1;  // 0 stands for none
    Changes changes;
    changes.rows[key::meta("version")] = encode_number(kLayoutVersion);
    changes.rows[key::meta("counters")] = encode_counters(*ledger);
    if (auto note = projections_note(projections))
      changes.rows[key::meta(kProjectionsNote)] = *std::move(note);
    LT_TRY_VOID(database->write(changes));
  } else if (decode_number(*version) > kLayoutVersion) {
    return Error(Errc::kNewerVersion, database->path() + " has layout " +
                                          std::to_string(decode_number(*version)) +
                                          ", this program knows " + std::to_string(kLayoutVersion) +
                                          ": use the program that wrote it, or a newer one");
  } else if (decode_number(*version) < kLayoutVersion) {
    return Error(Errc::kInvalidArgument,
                 database->path() +
                     " was made by a program before format 1 was final: its records cannot be "
                     "read; start a new database");
  } else {
    const auto counters = database->get(key::meta("counters"));
    if (!counters) return Error(Errc::kCorrupt, database->path() + " has no counters");
    decode_counters(*counters, *ledger);
  }
  read_statement_epochs(*database, *ledger);
  std::vector<Statement> statements;
  database->scan("T", "T", [&](std::string_view, std::string_view value) {
    statements.push_back(decode_statement_row(value).statement);
    return true;
  });
  if (!statements.empty()) {
    LT_TRY(const Registry first, Registry::create(root, statements.front()));
    LT_TRY(ledger->registry, first.with(std::span(statements).subspan(1)));
  }
  database->scan("E", "E", [&](std::string_view k, std::string_view value) {
    ledger->feeds.emplace(AgencyId::from(as_bytes(k.substr(1))), decode_feed_meta(value));
    return true;
  });
  database->scan("e", "e", [&](std::string_view k, std::string_view value) {
    ledger->filling.emplace(AgencyId::from(as_bytes(k.substr(1))),
                            static_cast<std::uint32_t>(decode_number(value)));
    return true;
  });
  database->scan("N", "N", [&](std::string_view k, std::string_view value) {
    ledger->node_numbers.emplace(NodeId::from(as_bytes(value)), decode_number4(k.substr(1)));
    return true;
  });
  if (const auto sweep = database->get(key::meta("sweep"))) ledger->sweep = decode_sweep(*sweep);
  load_pen(*database, *ledger);
  load_counted(*database, *ledger);
  database->scan("q", "q", [&](std::string_view, std::string_view) { return ++ledger->stale > 0; });
  LT_TRY_VOID(load_projections(*database, *ledger, projections));
  database->scan("J", "J", [&](std::string_view, std::string_view) {
    ledger->leads = true;
    return false;
  });
  database->scan("x", "x", [&](std::string_view, std::string_view) {
    ++ledger->stripped;
    return true;
  });
  published = std::move(ledger);
  return {};
}

Result<void> Replica::bootstrap(std::span<const Statement> statements) {
  if (statements.empty()) return Error(Errc::kInvalidArgument, "no statements to start from");
  LT_TRY(const Registry first, Registry::create(impl_->root, statements.front()));
  LT_TRY(const auto registry, first.with(statements.subspan(1)));
  return RawReplica::begin(*this, registry);
}

const Identity& Replica::identity() const { return impl_->identity; }
const RootFingerprint& Replica::root() const { return impl_->root; }
std::shared_ptr<const Registry> Replica::registry() const { return impl_->ledger()->registry; }

Cursor Replica::cursor(FeedKind kind, const NodeId& writer) const {
  const auto row = impl_->database->get(key::cursor(kind, writer));
  return row ? decode_cursor_row(*row) : Cursor{};
}

Cursor Replica::heard_cursor(FeedKind kind, const NodeId& reader) const {
  const auto row = impl_->database->get(key::heard(kind, reader));
  return row ? decode_cursor_row(*row) : Cursor{};
}

std::optional<RecordEntry> Replica::find_record(const RecordId& id) const {
  const auto number = record_number(*impl_->database, id);
  if (!number) return std::nullopt;
  const auto bytes = impl_->database->get(key::record(*number));
  if (!bytes) return std::nullopt;
  RecordRow row = decode_record_row(*bytes);
  if (row.id != id) return std::nullopt;
  return RecordEntry{decode_stored_state(row), std::move(row.updates)};
}

std::vector<RecordId> Replica::find_code(std::string_view code) const {
  return find_rows(key::code_prefix(fold_code(code)));
}

std::vector<RecordId> Replica::find_rows(std::string_view prefix) const {
  std::vector<RecordId> out;
  impl_->database->scan(prefix, prefix, [&](std::string_view k, std::string_view) {
    const std::uint32_t number = decode_number4(k.substr(k.size() - 4));
    if (const auto row = impl_->database->get(key::record(number)))
      out.push_back(decode_record_row(*row).id);
    return true;
  });
  return out;
}

std::vector<RecordId> Replica::led_by(const RecordId& lead) const {
  std::vector<RecordId> out;
  for (const std::uint32_t number : led_numbers(*impl_->database, lead)) {
    const auto bytes = impl_->database->get(key::record(number));
    if (!bytes) continue;
    const RecordRow row = decode_record_row(*bytes);
    if (decode_stored_state(row).lead == lead) out.push_back(row.id);
  }
  return out;
}

std::vector<AgencyId> Replica::audience_of(const RecordState& state) const {
  const auto tree = registry();
  std::vector<AgencyId> members = audience(state, *tree);
  if (state.lead.is_zero()) return members;
  const auto lead = find_record(state.lead);
  return lead ? united(members, audience(lead->state, *tree)) : members;
}

std::optional<StoredUpdate> Replica::find_update(const UpdateId& id) const {
  const auto number = update_number(*impl_->database, id);
  return number ? find_update(*number) : std::nullopt;
}

std::optional<StoredUpdate> Replica::find_update(std::uint64_t number) const {
  return read_update(*impl_->database, *impl_->ledger(), number);
}

std::optional<ShownPart> Replica::show_closed_part(const UpdateId& id) const {
  const auto number = update_number(*impl_->database, id);
  const auto bytes = number ? impl_->database->get(key::update(*number)) : std::nullopt;
  if (!bytes) return std::nullopt;
  UpdateRow row = decode_update_row(*bytes);
  const auto record = impl_->database->get(key::record(row.record));
  const auto secret = record ? decode_record_row(*record).secret : std::nullopt;
  if (row.update.closed.empty() || !secret) return std::nullopt;
  return lienthong::show_closed_part(
      impl_->ledger()->registry->root_of(row.update.envelope.certificate), *secret,
      std::move(row.update));
}

void Replica::for_each_record(const std::function<bool(const RecordEntry&)>& visit) const {
  constexpr std::size_t kRowsAtOnce = 64;
  std::vector<std::string> rows;
  std::string next = key::record(1);
  do {  // no snapshot is held while others are at work
    rows.clear();
    impl_->database->scan("R", next, [&](std::string_view k, std::string_view value) {
      rows.emplace_back(value);
      next = std::string(k) + '\0';
      return rows.size() < kRowsAtOnce;
    });
    for (const std::string& bytes : rows) {
      RecordRow row = decode_record_row(bytes);
      if (!visit(RecordEntry{decode_stored_state(row), std::move(row.updates)})) return;
    }
  } while (rows.size() == kRowsAtOnce);
}

std::vector<StoredUpdate> Replica::changes(std::uint64_t since, std::size_t limit) const {
  std::vector<StoredUpdate> out;
  const auto ledger = impl_->ledger();
  for (std::uint64_t number = since + 1; number <= ledger->updates && out.size() < limit; ++number)
    if (auto update = read_update(*impl_->database, *ledger, number))
      out.push_back(*std::move(update));
  return out;
}

std::uint64_t Replica::last_change() const { return impl_->ledger()->updates; }

UnixMillis Replica::newest_time() const { return Hlc{impl_->ledger()->newest_hlc}.millis(); }

Counts Replica::counts() const {
  const auto ledger = impl_->ledger();
  Counts out;
  out.records = ledger->records;
  out.updates = ledger->updates - ledger->without_update;
  out.waiting = ledger->waiting;
  out.inert = ledger->inert;
  out.refused = ledger->refused_kept;
  out.unsealed = ledger->unsealed;
  out.stripped = ledger->stripped;
  return out;
}

namespace {

// Up to where some machine of that agency has acknowledged its feed.
std::uint64_t acknowledged_by(const Replica& replica, const Ledger& ledger, const AgencyId& agency,
                              const FeedMeta& meta) {
  std::uint64_t number = 0;
  for (const auto& [node, unused] : ledger.node_numbers) {
    const auto certificate = ledger.registry->certificate_of(node);
    if (!certificate || ledger.registry->find_certificate(*certificate)->agency != agency) continue;
    const Cursor heard = replica.heard_cursor(FeedKind::kUpdates, node);
    if (heard.mark.epoch == meta.epoch) number = std::max(number, heard.mark.number);
  }
  return number;
}

}  // namespace

// Of the ends of the feeds that nobody has acknowledged, what is in all feeds of its record.
std::uint64_t Replica::only_here() const {
  const auto ledger = impl_->ledger();
  const Database& database = *impl_->database;
  if (ledger->feeds.empty()) return ledger->updates - ledger->without_update;
  std::vector<std::uint64_t> tails;  // an update as often as it is in one
  std::uint64_t count = 0;
  for (const auto& [agency, meta] : ledger->feeds) {
    const std::uint64_t first = acknowledged_by(*this, *ledger, agency, meta) + 1;
    const bool only_feed = ledger->feeds.size() == 1;
    database.scan(key::feed_prefix(meta.number), key::feed_entry(meta.number, first),
                  [&](std::string_view, std::string_view value) {
                    const FeedEntry entry = decode_feed_entry(value);
                    if (entry.update == 0 || entry.source != 0) return true;
                    if (only_feed)
                      ++count;
                    else
                      tails.push_back(entry.update);
                    return true;
                  });
  }
  std::ranges::sort(tails);
  RowReader updates(database);
  std::map<std::uint32_t, std::size_t> feeds_of;
  for (auto at = tails.begin(); at != tails.end();) {
    const auto next = std::upper_bound(at, tails.end(), *at);
    const auto seen = static_cast<std::size_t>(next - at);
    const std::uint64_t number = *std::exchange(at, next);
    const auto update =
        seen == ledger->feeds.size() ? std::nullopt : updates.get(key::update(number));
    if (!update) {
      count += seen == ledger->feeds.size();
      continue;
    }
    const std::uint32_t record = decode_update_head(*update).record;
    auto [of, added] = feeds_of.try_emplace(record);
    if (added)
      if (const auto row = database.get(key::record(record)))
        of->second = decode_record_row(*row).feeds.size();
    count += seen >= of->second;
  }
  return count;
}

std::vector<WaitingEntry> Replica::waiting() const {
  std::vector<WaitingEntry> out;
  impl_->database->scan("P", "P", [&](std::string_view, std::string_view value) {
    PenRow row = decode_pen_row(value);
    row.entry.record = record_of(row.unit.leaves.front().update, row.entry.id);
    row.entry.missing = row.missing;
    out.push_back(std::move(row.entry));
    return true;
  });
  return out;
}

std::vector<RefusedEntry> Replica::refused(std::size_t limit) const {
  std::vector<RefusedEntry> out;
  impl_->database->scan_back("Q", [&](std::string_view, std::string_view value) {
    if (out.size() >= limit) return false;
    out.push_back(decode_refused_row(value));
    return true;
  });
  return out;
}

std::optional<SealEvidence> Replica::find_seal(const SealId& id) const {
  const auto number = seal_number(*impl_->database, id);
  return number ? read_evidence(*impl_->database, *number) : std::nullopt;
}

std::uint64_t Replica::session_number_seen(const NodeId& node) const {
  const auto row = impl_->database->get(key::session_numbers(node));
  return row ? decode_number(std::string_view(*row).substr(8)) : 0;
}

bool Replica::restored() const { return impl_->ledger()->restored_below != 0; }

std::vector<RecordId> Replica::verify_states() const {
  std::vector<RecordId> out;
  const auto ledger = impl_->ledger();
  impl_->database->scan("R", "R", [&](std::string_view k, std::string_view value) {
    const std::uint32_t number = decode_number4(k.substr(1));
    const Ledger::Sweep& sweep = ledger->sweep;
    if ((sweep.next <= number && number <= sweep.last) ||
        (ledger->stale > 0 && impl_->database->get(key::stale(number))))
      return true;  // its turn to be judged anew has not come
    const RecordRow row = decode_record_row(value);
    const auto graph = read_graph(*impl_->database, *ledger, row);
    const RecordState state = fold(graph, *ledger->registry);
    const auto agrees = [&](const auto& projection) {
      return ledger->building.lacks(number, projection->name()) ||
             projection->agrees(*impl_->database, number, state, graph);
    };
    if (encode_state(state) != row.state || !std::ranges::all_of(impl_->projections, agrees))
      out.push_back(row.id);
    return true;
  });
  for (const auto& projection : impl_->projections)
    for (const std::uint32_t number : projection->strays(*impl_->database))
      if (const auto row = impl_->database->get(key::record(number)))
        out.push_back(decode_record_row(*row).id);
  return out;
}

std::uint64_t Replica::disk_bytes() const { return impl_->database->disk_bytes(); }
std::optional<std::uint64_t> Replica::free_bytes() const { return impl_->database->free_bytes(); }
std::optional<Error> Replica::failure() const { return impl_->database->failure(); }

std::optional<Bytes> Replica::local_value(std::string_view name) const {
  const auto row = impl_->database->get(key::local(name));
  if (!row) return std::nullopt;
  return to_bytes(as_bytes(*row));
}

std::vector<std::pair<std::string, Bytes>> Replica::local_values(std::string_view prefix) const {
  std::vector<std::pair<std::string, Bytes>> out;
  const std::string full = key::local(prefix);
  impl_->database->scan(full, full, [&](std::string_view k, std::string_view value) {
    out.emplace_back(std::string(k.substr(1)), to_bytes(as_bytes(value)));
    return true;
  });
  return out;
}

}  // namespace lienthong::store
