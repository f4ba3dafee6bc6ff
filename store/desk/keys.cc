#include "store/desk/keys.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>

#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "store/desk/content.h"
#include "store/desk/writes.h"
#include "store/office/text.h"
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

// ---- what a dossier under a known code says otherwise ----

constexpr std::size_t kShownColumnsMax = 40;
constexpr std::size_t kShownFieldsMax = 4;

std::string shown(const FieldWrite* write) {
  if (write == nullptr || std::holds_alternative<std::monostate>(write->value)) return "nothing";
  if (const auto* text = std::get_if<std::string>(&write->value)) {
    std::string out = text->substr(0, kShownColumnsMax);
    while (out.size() < text->size() && !out.empty() && (out.back() & 0x80) != 0) out.pop_back();
    return "\"" + out + (out.size() < text->size() ? "…\"" : "\"");
  }
  const FieldInfo* info = find_field(write->field);
  const auto* number = std::get_if<std::int64_t>(&write->value);
  if (number != nullptr && info != nullptr && info->type == FieldType::kInstant)
    return form_time(*number);
  if (number != nullptr && info != nullptr && info->type == FieldType::kStatus)
    if (const auto status = status_from_number(*number)) return std::string(to_json(*status));
  return number != nullptr ? std::to_string(*number) : "another list";
}

// Each field that `now` writes otherwise than `before` did, or that it leaves out and a person
// wrote then: `closed` ones are never filled in. "applicant.name: \"A\", now \"B\"".
void differences(const Writes& before, const Writes& now, bool closed,
                 std::vector<std::string>& out) {
  const auto note = [&](std::uint16_t field, const FieldWrite* was, const FieldWrite* is) {
    out.push_back(name_of(static_cast<Field>(field)) + ": " + shown(was) + ", now " + shown(is));
  };
  for (const FieldWrite& write : now) {
    const FieldWrite* was = find_write(before, static_cast<Field>(write.field));
    if (was == nullptr || was->value != write.value) note(write.field, was, &write);
  }
  if (!closed) return;
  for (const FieldWrite& write : before)
    if (find_write(now, static_cast<Field>(write.field)) == nullptr)
      note(write.field, &write, nullptr);
}

// Of a dossier that stands here and the one that is to be begun under the same key.
std::vector<std::string> differences(const Transaction& transaction, const RecordId& record,
                                     const Deed& deed) {
  std::vector<std::string> out;
  const auto* create = std::get_if<CreateDossier>(&deed);
  const auto begun = create != nullptr ? transaction.find_update(id_cast<UpdateId>(record))
                                       : std::optional<StoredUpdate>();
  if (!begun) return out;
  differences(begun->open.writes, create->open, false, out);
  const auto closed = wire::decode_closed(begun->update.closed);
  if (closed.ok()) differences(closed->writes, create->closed, true, out);
  return out;
}

Error differs(const std::string& code, const std::vector<std::string>& fields) {
  std::string list;
  for (std::size_t i = 0; i < std::min(fields.size(), kShownFieldsMax); ++i)
    list += (i == 0 ? "" : "; ") + fields[i];
  if (fields.size() > kShownFieldsMax) list += "; …";
  return Error(Errc::kConflict, code + " is here with other content (" + list +
                                    "): give another dossier another code, or set these fields if "
                                    "they have changed");
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
    const auto fields = differences(transaction, record, deed);
    const auto entry = transaction.find_record(record);
    if (!fields.empty() && entry) return differs(code_of(entry->state), fields);
    return used_before(std::string(as_text(before.subspan(kContentHashSize))), deed);
  }
  const auto entry = transaction.find_record(record);
  const std::string code = entry ? code_of(entry->state) : "";
  const std::string* target = target_of(deed);
  const bool sends = std::holds_alternative<SendDocument>(deed);
  const bool other_record = target != nullptr && !sends && entry && *target != record.hex() &&
                            fold_code(*target) != fold_code(code);
  const bool other_kind = stored && entry && !may_write(deed, stored->open.kind, entry->state.kind);
  if (!other_record && !other_kind) {
    const auto fields = differences(transaction, record, deed);
    return fields.empty() || !entry ? Result<void>() : differs(code_of(entry->state), fields);
  }
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
