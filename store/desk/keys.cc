#include "store/desk/keys.h"

#include <sodium/crypto_generichash.h>

#include "protocol/crypto/hash.h"
#include "store/desk/writes.h"
#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kKeyHashSize = 16;

std::string local_key(const Bytes& key_hash) {  // on disk: never change
  return std::string(local::kOperationKey) + to_hex(key_hash);
}

// Where the key was used; nullopt where it is new.
Result<std::optional<OperationResult>> find_use(const Transaction& transaction,
                                                const Bytes& key_hash, bool begins) {
  OperationResult found;
  if (const auto id = transaction.find_key(key_hash)) {
    found.update = *id;
    if (const auto stored = transaction.find_update(*id)) {
      found.record = record_of(stored->update, *id);
      if ((stored->open.kind == UpdateKind::kCreated) != begins)
        return Error(Errc::kConflict, "this key was used before, for another kind of operation");
    }
    return std::optional(std::move(found));
  }
  const auto record = transaction.local_value(local_key(key_hash));
  if (!record) return std::optional<OperationResult>();
  if (record->size() != RecordId::kSize) return Error(Errc::kCorrupt, "a remembered operation key");
  found.record = RecordId::from(*record);
  return std::optional(std::move(found));
}

}  // namespace

void remember_key(Transaction& transaction, const Bytes& key_hash, const RecordId& record) {
  if (!key_hash.empty()) transaction.set_local_value(local_key(key_hash), to_bytes(record.view()));
}

Result<std::optional<OperationResult>> find_repeated(const Transaction& transaction,
                                                     const Bytes& key_hash, bool begins) {
  if (key_hash.empty()) return std::optional<OperationResult>();
  LT_TRY(auto found, find_use(transaction, key_hash, begins));
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
