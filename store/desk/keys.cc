#include "store/desk/keys.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>

#include "protocol/crypto/hash.h"
#include "store/desk/content.h"
#include "store/desk/writes.h"
#include "store/replica/local_names.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kKeyHashSize = 16;
constexpr std::size_t kToldBytesMax = 96;

std::string local_key(const Bytes& key_hash) {  // on disk: never change
  return std::string(local::kOperationKey) + to_hex(key_hash);
}

Error used_before(const std::string& before, const Deed& now) {
  return Error(Errc::kConflict, "this key was used before, for \"" + before +
                                    "\", and cannot stand for \"" + told(now) +
                                    "\" as well: give each operation a key of its own");
}

std::string content_key(const Bytes& key_hash) {  // on disk: never change
  return std::string(local::kKeyContent) + std::string(as_text(key_hash));
}

// What it was used for on this machine says whether it is the same operation that comes again.
// Where another machine of the office used it, kind and record have to do.
Result<void> check_same(const Transaction& transaction, const Operation& operation,
                        const std::optional<StoredUpdate>& stored, const RecordId& record) {
  const Deed& deed = operation.deed;
  if (const auto row = transaction.local_value(content_key(operation.key_hash))) {
    if (row->size() < kContentHashSize) return Error(Errc::kCorrupt, "a remembered operation key");
    const ByteView before(*row);
    const Bytes now = content_hash(deed);
    if (std::ranges::equal(before.first(kContentHashSize), now)) return {};
    return used_before(std::string(as_text(before.subspan(kContentHashSize))), deed);
  }
  const auto entry = transaction.find_record(record);
  const std::string code = entry ? code_of(entry->state) : "";
  const std::string* target = target_of(deed);
  const bool sends = std::holds_alternative<SendDocument>(deed);
  const bool other_record = target != nullptr && !sends && entry && *target != record.hex() &&
                            fold_code(*target) != fold_code(code);
  const bool other_kind = stored && entry && !may_write(deed, stored->open.kind, entry->state.kind);
  if (!other_record && !other_kind) return {};
  return used_before((stored ? std::string(to_string(stored->open.kind)) + " " : "") + code, deed);
}

// Where the key was used; nullopt where it is new.
Result<std::optional<OperationResult>> find_use(const Transaction& transaction,
                                                const Operation& operation) {
  OperationResult found;
  std::optional<StoredUpdate> stored;
  if (const auto id = transaction.find_key(operation.key_hash)) {
    found.update = *id;
    stored = transaction.find_update(*id);
    if (stored) found.record = record_of(stored->update, *id);
  } else {
    const auto record = transaction.local_value(local_key(operation.key_hash));
    if (!record) return std::optional<OperationResult>();
    if (record->size() != RecordId::kSize)
      return Error(Errc::kCorrupt, "a remembered operation key");
    found.record = RecordId::from(*record);
  }
  LT_TRY_VOID(check_same(transaction, operation, stored, found.record));
  return std::optional(std::move(found));
}

}  // namespace

void remember_key(Transaction& transaction, const Bytes& key_hash, const RecordId& record) {
  if (!key_hash.empty()) transaction.set_local_value(local_key(key_hash), to_bytes(record.view()));
}

void remember_content(Transaction& transaction, const Operation& operation) {
  if (operation.key_hash.empty() || operation.key_is_content) return;
  Bytes row = content_hash(operation.deed);
  const std::string words = told(operation.deed).substr(0, kToldBytesMax);
  row.insert(row.end(), words.begin(), words.end());
  transaction.set_local_value(content_key(operation.key_hash), std::move(row));
}

Result<std::optional<OperationResult>> find_repeated(const Transaction& transaction,
                                                     const Operation& operation) {
  if (operation.key_hash.empty()) return std::optional<OperationResult>();
  LT_TRY(auto found, find_use(transaction, operation));
  if (!found) return found;
  found->repeated = true;
  if (const auto entry = transaction.find_record(found->record)) {
    found->code = code_of(entry->state);
    if (found->update.is_zero() && !entry->state.chain.empty()) found->update = entry->state.tip();
  }
  return found;
}

Bytes idempotency_hash(const RootFingerprint& root, std::string_view key) {
  const auto tag_size = static_cast<std::uint8_t>(kTagKey.size());
  crypto_generichash_state state;
  Bytes out(kKeyHashSize);
  crypto_generichash_init(&state, nullptr, 0, out.size());
  crypto_generichash_update(&state, &tag_size, 1);
  crypto_generichash_update(&state, as_bytes(kTagKey).data(), kTagKey.size());
  crypto_generichash_update(&state, root.bytes.data(), root.bytes.size());
  crypto_generichash_update(&state, as_bytes(key).data(), key.size());
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

}  // namespace lienthong::store
