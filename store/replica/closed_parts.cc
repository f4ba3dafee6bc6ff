// Closed parts: checked when they come, noted where they were stripped on the way, filled in when
// they come again, removed by an erasure. docs/protocol/updates.md, "Closed parts".
#include <algorithm>
#include <utility>

#include "protocol/record/codec.h"
#include "store/replica/change_log.h"
#include "store/replica/local_names.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

IdPrefix beginning_of(const UpdateId& id) {
  IdPrefix out;
  std::ranges::copy(id.view().first(out.size()), out.begin());
  return out;
}

// The key of an operation of ours goes with the closed part that bore it, and with it what this
// machine remembers of the operation's words, by which they could be guessed. That it was carried
// out is still known, so that it does nothing when it comes again.
void forget_key(Overlay& overlay, const Bytes& key_hash, const RecordId& record) {
  const std::string hash(as_text(key_hash));
  overlay.erase(key::local(std::string(local::kKeyContent) + hash));
  if (!overlay.get(key::idempotency(key_hash))) return;
  overlay.erase(key::idempotency(key_hash));
  overlay.put(key::local(std::string(local::kOperationKey) + to_hex(key_hash)),
              std::string(as_text(record.view())));
}

// The same of operations that left no change behind, or one without a closed part.
void forget_remembered(Overlay& overlay, const Database& database, const RecordId& record) {
  const std::string prefix = key::local(local::kOperationKey);
  database.scan(prefix, prefix, [&](std::string_view row, std::string_view value) {
    if (as_bytes(value).size() != record.view().size() ||
        !std::ranges::equal(as_bytes(value), record.view()))
      return true;
    if (const auto hash = from_hex(row.substr(prefix.size())); hash.ok())
      overlay.erase(key::local(std::string(local::kKeyContent) + std::string(as_text(*hash))));
    return true;
  });
}

}  // namespace

// Another name than that of the whole update, so that healing sees that the two sides differ.
IdPrefix healing_id(const UpdateId& id, bool stripped) {
  IdPrefix out = beginning_of(id);
  if (stripped) out[0] ^= 0xff;
  return out;
}

// Checks the closed part under the record's secret. Without the secret (erased here, or stripped on
// the way), or when its form is bad, it is not kept; its hash is, so the update means the same here
// as where only the hash came. `computed`: its hash was computed under that secret, here.
bool Transaction::Impl::closed_part_fits(NewUpdate& made,
                                         const std::optional<RecordSecret>& computed) {
  Update& update = made.update;
  std::optional<RecordSecret> secret = std::exchange(update.secret, std::nullopt);
  if (update.closed.empty()) return true;
  const bool first = update.envelope.record.is_zero();
  if (!first) {
    const OpenRecord* record = find(update.envelope.record);
    secret = record != nullptr ? record->row.secret : std::nullopt;
  }
  if (!secret) {
    update.closed.clear();
    return true;
  }
  if (computed != secret &&
      !check_closed(registry().root_of(update.envelope.certificate), *secret, update).ok())
    return false;
  auto form = check_closed_form(update, made.body);
  if (form.ok()) {
    made.closed = *std::move(form);
    if (first) update.secret = secret;
  } else {
    update.closed.clear();
  }
  return true;
}

// What is not here of a closed part although the update had one, and no erasure says why.
bool Transaction::Impl::lacks_closed_part(const Update& update, const RecordState& state) const {
  return update.closed.empty() && !update.closed_hash.is_zero() && state.erased_by.is_zero();
}

// An update that is here without its closed part has come with it.
void Transaction::Impl::fill_in(std::uint64_t number, const Update& sent) {
  UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
  OpenRecord& record = *find(row.record);
  fold_if_stale(record, row.record);
  if (!record.state.erased_by.is_zero()) return;
  NewUpdate made;
  made.update = sent;
  made.body = decode_stored_open(sent);
  if (!closed_part_fits(made, std::nullopt) || made.update.closed.empty()) return;
  row.update.closed = std::move(made.update.closed);
  row.update.secret = made.update.secret;
  if (row.update.envelope.record.is_zero()) record.row.secret = row.update.secret;
  overlay.put(key::update(number), encode(row));
  note_key(made.closed, row.update.envelope.certificate, row.id);
  set_stripped(record, number, row.id, false);
  record.stale = true;
  touch(record, row.record);
  log_change(overlay, ledger, {ChangeKind::kRefolded, record.row.id, now});
}

// Keys of operations of our agency, whichever of its machines they were given to.
void Transaction::Impl::note_key(const ClosedBody& closed, const CertificateId& author,
                                 const UpdateId& id) {
  const Certificate* certificate = registry().find_certificate(author);
  if (closed.key_hash.empty() || certificate == nullptr ||
      certificate->agency != replica.identity.agency)
    return;
  overlay.put(key::idempotency(closed.key_hash), std::string(as_text(id.view())));
}

void Transaction::Impl::set_stripped(OpenRecord& record, std::uint64_t number, const UpdateId& id,
                                     bool stripped) {
  const std::string row = key::stripped(number);
  if (overlay.get(row).has_value() == stripped) return;
  if (stripped)
    overlay.put(row, "");
  else
    overlay.erase(row);
  ledger.stripped = stripped ? ledger.stripped + 1 : ledger.stripped - 1;
  if (!is_beyond(decode_update_head(overlay.get(key::update(number)).value()).record, number))
    count_entries(record, number, healing_id(id, stripped));
}

// An erasure has come into force, or is in force no longer: then what it removed here is asked for,
// as it was removed nowhere else.
void Transaction::Impl::settle_erasure(OpenRecord& record) {
  const bool erased = !record.state.erased_by.is_zero();
  if (std::exchange(record.erased_before, erased) == erased) return;
  for (const std::uint64_t number : record.row.updates) {
    UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
    if (row.update.closed_hash.is_zero()) continue;
    if (erased && !row.update.closed.empty()) {
      if (const auto closed = wire::decode_closed(row.update.closed);
          closed.ok() && !closed->key_hash.empty())
        forget_key(overlay, closed->key_hash, record.row.id);
      row.update.closed.clear();
      row.update.secret.reset();
      overlay.put(key::update(number), encode(row));
    }
    set_stripped(record, number, row.id, lacks_closed_part(row.update, record.state));
  }
  if (!erased) return;
  record.row.secret.reset();
  forget_remembered(overlay, *replica.database, record.row.id);
  overlay.put(key::local(std::string(local::kErased) + std::string(as_text(record.row.id.view()))),
              encode_number(static_cast<std::uint64_t>(now)));
}

}  // namespace lienthong::store
