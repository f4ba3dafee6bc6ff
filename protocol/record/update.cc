#include "protocol/record/update.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"

namespace lienthong {
namespace {

Error malformed(std::string detail) { return Error(Errc::kMalformed, std::move(detail)); }

// Of every rules version, so that the graph of a record is sound before its rules are known.
Result<void> check_place(const Envelope& envelope, const OpenBody& open) {
  const bool first = open.kind == UpdateKind::kCreated;
  if (first && (envelope.link || !envelope.record.is_zero() || !envelope.deps.empty()))
    return malformed("a first update has no record, no parents and no link");
  if (!first && (!envelope.link || envelope.record.is_zero() || envelope.deps.empty()))
    return malformed("a later update names its record, its parents and its link");
  return {};
}

// Which parts of the open body each kind of this rules version must bear.
Result<void> check_kind(const OpenBody& open) {
  const std::string kind = to_string(open.kind);
  const bool wants_target = open.kind == UpdateKind::kOffer || open.kind == UpdateKind::kConsult ||
                            open.kind == UpdateKind::kShare || open.kind == UpdateKind::kSucceed;
  if (wants_target == open.target.is_zero())
    return malformed(kind + (wants_target ? " without a target" : " with a target"));
  const bool wants_reference = open.kind == UpdateKind::kRecallRequest ||
                               open.kind == UpdateKind::kReply || open.kind == UpdateKind::kAdopt;
  if (wants_reference && open.references.empty()) return malformed(kind + " without a reference");
  const bool may_write = open.kind == UpdateKind::kCreated || open.kind == UpdateKind::kSet ||
                         open.kind == UpdateKind::kAdopt;
  if (!may_write && (!open.writes.empty() || !open.closed_fields.empty()))
    return malformed(kind + " writes no fields");
  if (!open.action.empty() && !is_action_code(open.action))
    return malformed("the action in an open part is a code");
  return {};
}

// The fields of rules version 1 that are times. A field that comes later is none of them, for those
// who do not know it yet must come to the same verdict.
bool is_time_field(std::uint16_t number) {
  switch (static_cast<Field>(number)) {
    case Field::kSubmittedAt:
    case Field::kReceivedAt:
    case Field::kClockStartsAt:
    case Field::kDueAt:
    case Field::kFinishedAt:
    case Field::kReturnedAt:
    case Field::kResultSignedAt:
    case Field::kReappointedAt:
    case Field::kAnsweredAt:
    case Field::kPublishedAt:
    case Field::kSignedAt:
    case Field::kEffectiveFrom:
    case Field::kEffectiveTo: return true;
    default: return false;
  }
}

Result<void> check_time(UnixMillis time, const char* what) {
  if (is_time(time)) return {};
  return malformed(std::string(what) + " lies outside the years 1900 to 2199");
}

Result<void> check_times(const OpenBody& open) {
  LT_TRY_VOID(check_time(open.at, "at"));
  LT_TRY_VOID(check_time(open.deadline, "deadline"));
  for (const FieldWrite& write : open.writes) {
    const auto* time = std::get_if<std::int64_t>(&write.value);
    if (time == nullptr || !is_time_field(write.field)) continue;
    const FieldInfo* info = find_field(write.field);
    LT_TRY_VOID(check_time(*time, info != nullptr ? info->json.data() : "a field"));
  }
  return {};
}

}  // namespace

bool is_link(UpdateKind kind) {
  return kind >= UpdateKind::kCreated && kind <= UpdateKind::kSucceed;
}

bool is_action_code(std::string_view action) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !action.empty() && action.size() <= kActionBytesMax && std::ranges::all_of(action, plain);
}

const char* to_string(UpdateKind kind) {
  switch (kind) {
    case UpdateKind::kCreated: return "created";
    case UpdateKind::kOffer: return "offer";
    case UpdateKind::kAccept: return "accept";
    case UpdateKind::kDecline: return "decline";
    case UpdateKind::kReclaim: return "reclaim";
    case UpdateKind::kSucceed: return "succeed";
    case UpdateKind::kSet: return "set";
    case UpdateKind::kNote: return "note";
    case UpdateKind::kRecallRequest: return "recall-request";
    case UpdateKind::kConsult: return "consult";
    case UpdateKind::kReply: return "reply";
    case UpdateKind::kShare: return "share";
    case UpdateKind::kInspect: return "inspect";
    case UpdateKind::kErase: return "erase";
    case UpdateKind::kAdopt: return "adopt";
    case UpdateKind::kUphold: return "uphold";
  }
  return "unknown";
}

Bytes encode_envelope(const Envelope& envelope) {
  ByteWriter out;
  out.raw(envelope.record.view());
  out.raw(envelope.certificate.view());
  out.u32(envelope.tree_version);
  out.u16(envelope.rules_version);
  out.u64(envelope.hlc.value);
  LT_CHECK(envelope.deps.size() <= kParentCountMax);
  out.u8(static_cast<std::uint8_t>(envelope.deps.size()));
  for (const UpdateId& dep : envelope.deps) out.raw(dep.view());
  out.u8(envelope.link ? 1 : 0);
  if (envelope.link) out.raw(envelope.link->view());
  return out.take();
}

Result<Envelope> decode_envelope(ByteView bytes) {
  ByteReader in(bytes);
  Envelope envelope;
  LT_TRY(envelope.record.bytes, in.array<32>());
  LT_TRY(envelope.certificate.bytes, in.array<32>());
  LT_TRY(envelope.tree_version, in.u32());
  LT_TRY(envelope.rules_version, in.u16());
  LT_TRY(envelope.hlc.value, in.u64());
  LT_TRY(const std::uint8_t dep_count, in.u8());
  if (dep_count > kParentCountMax) return Error(Errc::kTooLarge, "parents of an update");
  for (unsigned i = 0; i < dep_count; ++i) {
    UpdateId dep;
    LT_TRY(dep.bytes, in.array<32>());
    if (!envelope.deps.empty() && envelope.deps.back() >= dep)
      return malformed("parents are not in ascending order");
    envelope.deps.push_back(dep);
  }
  LT_TRY(const std::uint8_t has_link, in.u8());
  if (has_link > 1) return malformed("link flag");
  if (has_link == 1) {
    UpdateId link;
    LT_TRY(link.bytes, in.array<32>());
    envelope.link = link;
  }
  LT_TRY_VOID(in.finish("envelope"));
  return envelope;
}

Salt closed_part_salt(const RootFingerprint& root, const RecordSecret& secret, ByteView envelope) {
  return Hasher(kTagSalt, root, ByteView(secret)).add(envelope).finish().bytes;
}

Hash256 closed_part_hash(const RootFingerprint& root, const Salt& salt, ByteView envelope,
                         ByteView closed) {
  return hash(kTagClosed, root, ByteView(salt), envelope, closed);
}

Hash256 closed_part_hash(const RootFingerprint& root, const RecordSecret& secret, ByteView envelope,
                         ByteView closed) {
  return closed_part_hash(root, closed_part_salt(root, secret, envelope), envelope, closed);
}

UpdateId update_id(const RootFingerprint& root, const Update& update) {
  const Bytes envelope = encode_envelope(update.envelope);
  const Hash256 open = hash(kTagOpen, root, ByteView(update.open));
  return id_cast<UpdateId>(
      hash(kTagUpdate, root, ByteView(envelope), open.view(), update.closed_hash.view()));
}

Result<OpenBody> check_form(const Update& update) {
  const Envelope& envelope = update.envelope;
  if (envelope.deps.size() > kParentCountMax) return Error(Errc::kTooLarge, "parents of an update");
  if (!std::ranges::is_sorted(envelope.deps) ||
      std::ranges::adjacent_find(envelope.deps) != envelope.deps.end())
    return malformed("parents are not in ascending order");
  if (update.open.size() > kOpenBytesMax)
    return Error(Errc::kTooLarge, "open part over " + std::to_string(kOpenBytesMax) + " bytes");
  if (envelope.rules_version == 0) return malformed("rules version 0");
  LT_TRY_VOID(check_time(envelope.hlc.millis(), "the clock"));
  LT_TRY(OpenBody open, wire::decode_open(update.open));
  LT_TRY_VOID(check_place(envelope, open));
  if (envelope.rules_version > kRulesVersion) return open;
  if (std::string_view(to_string(open.kind)) == "unknown")
    return malformed("kind " + std::to_string(static_cast<unsigned>(open.kind)) +
                     " is not of rules version " + std::to_string(envelope.rules_version));
  LT_TRY_VOID(check_kind(open));
  if (open.kind == UpdateKind::kUphold && !update.closed_hash.is_zero())
    return malformed("uphold with a closed part");
  LT_TRY_VOID(check_times(open));
  return open;
}

Result<void> check_closed(const RootFingerprint& root, const RecordSecret& secret,
                          const Update& update) {
  const Bytes envelope = encode_envelope(update.envelope);
  if (closed_part_hash(root, secret, envelope, update.closed) != update.closed_hash)
    return Error(Errc::kBadHash, "closed part");
  return {};
}

Result<ClosedBody> check_closed_form(const Update& update, const OpenBody& open) {
  if (update.closed_hash.is_zero()) return malformed("closed part without its hash");
  if (update.closed.size() > kClosedBytesMax)
    return Error(Errc::kTooLarge, "closed part over " + std::to_string(kClosedBytesMax) + " bytes");
  LT_TRY(ClosedBody closed, wire::decode_closed(update.closed));
  if (update.envelope.rules_version > kRulesVersion) return closed;
  std::vector<std::uint16_t> fields;
  for (const FieldWrite& write : closed.writes) fields.push_back(write.field);
  if (fields != open.closed_fields)
    return malformed("closed fields are not those that were announced");
  return closed;
}

ShownPart show_closed_part(const RootFingerprint& root, const RecordSecret& secret, Update update) {
  LT_CHECK(!update.closed.empty());
  update.secret.reset();
  const Salt salt = closed_part_salt(root, secret, encode_envelope(update.envelope));
  return {std::move(update), salt};
}

Result<ClosedBody> check_shown(const RootFingerprint& root, const ShownPart& shown) {
  const Update& update = shown.update;
  const Bytes envelope = encode_envelope(update.envelope);
  if (closed_part_hash(root, shown.salt, envelope, update.closed) != update.closed_hash)
    return Error(Errc::kBadHash, "the closed part that is shown");
  LT_TRY(const OpenBody open, check_form(update));
  return check_closed_form(update, open);
}

RecordId record_of(const Update& update, const UpdateId& id) {
  return update.envelope.record.is_zero() ? id_cast<RecordId>(id) : update.envelope.record;
}

}  // namespace lienthong
