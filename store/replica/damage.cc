#include "store/replica/damage.h"

#include <algorithm>

#include "protocol/base/bytes.h"

namespace lienthong::store {
namespace {

constexpr std::string_view kRow = "damage";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kFindingCountMax = 100;
constexpr std::size_t kTextBytesMax = 4096;

Result<Damage> read(ByteView bytes) {
  ByteReader in(bytes);
  Damage out;
  LT_TRY(const std::uint8_t format, in.u8());
  if (format != kFormat) return Error(Errc::kBadVersion, "damage");
  LT_TRY(const std::uint64_t at, in.u64());
  out.at = static_cast<UnixMillis>(at);
  LT_TRY(const std::uint64_t count, in.varint());
  for (std::uint64_t i = 0; i < count; ++i) {
    LT_TRY(const ByteView text, in.sized(kTextBytesMax));
    out.findings.emplace_back(as_text(text));
  }
  LT_TRY(const ByteView kept, in.sized(kTextBytesMax));
  out.kept_as = as_text(kept);
  LT_TRY(const std::uint64_t known, in.varint());
  LT_TRY(const std::uint64_t writes, in.varint());
  if (known != 0) out.writes_missing = writes;
  for (std::uint64_t* value : {&out.first_write, &out.last_write, &out.updates_kept,
                               &out.updates_missing, &out.first_update, &out.last_update,
                               &out.updates_waiting, &out.statements_missing, &out.scans_missing}) {
    LT_TRY(*value, in.varint());
  }
  LT_TRY(const std::uint64_t gone, in.varint());
  out.store_was_gone = (gone & 1) != 0;
  out.unsure = (gone & 2) != 0;
  LT_TRY(const std::uint64_t seen, in.u64());
  out.seen_at = static_cast<UnixMillis>(seen);
  return out;
}

}  // namespace

Bytes encode(const Damage& damage) {
  ByteWriter out;
  out.u8(kFormat);
  out.u64(static_cast<std::uint64_t>(damage.at));
  const std::size_t count = std::min(damage.findings.size(), kFindingCountMax);
  out.varint(count);
  for (std::size_t i = 0; i < count; ++i)
    out.sized(std::string_view(damage.findings[i]).substr(0, kTextBytesMax));
  out.sized(damage.kept_as);
  out.varint(damage.writes_missing ? 1 : 0);
  out.varint(damage.writes_missing.value_or(0));
  for (const std::uint64_t value :
       {damage.first_write, damage.last_write, damage.updates_kept, damage.updates_missing,
        damage.first_update, damage.last_update, damage.updates_waiting, damage.statements_missing,
        damage.scans_missing})
    out.varint(value);
  out.varint((damage.store_was_gone ? 1U : 0U) | (damage.unsure ? 2U : 0U));
  out.u64(static_cast<std::uint64_t>(damage.seen_at));
  const ByteView bytes = out.bytes();
  return Bytes(bytes.begin(), bytes.end());
}

std::optional<Damage> decode_damage(ByteView bytes) {
  auto damage = read(bytes);
  if (!damage.ok()) return std::nullopt;
  return *std::move(damage);
}

std::optional<Damage> find_damage(const Replica& replica) {
  const auto row = replica.local_value(kRow);
  return row ? decode_damage(*row) : std::nullopt;
}

void note_damage(Transaction& transaction, const Damage& damage) {
  transaction.set_local_value(kRow, encode(damage));
}

bool note_damage_seen(Transaction& transaction, UnixMillis now) {
  const auto row = transaction.local_value(kRow);
  auto damage = row ? decode_damage(*row) : std::nullopt;
  if (!damage || damage->seen_at != 0) return false;
  damage->seen_at = now;
  note_damage(transaction, *damage);
  return true;
}

}  // namespace lienthong::store
