// What writer and reader of a part do alike with each update. Internal to protocol/wire. No
// threads.
#pragma once

#include "protocol/crypto/hash.h"
#include "protocol/record/codec.h"
#include "protocol/wire/columns_part.h"

namespace lienthong::wire {

// Whether an update is a link of custody, as both sides see it.
template <class Io>
bool is_link_of(const BodyColumns<Io>& bodies, const BodyRow& row) {
  if (row.shape != BodyRow::kVerbatim)
    return is_link(static_cast<UpdateKind>(bodies.shape(row).kind));
  const auto body = decode_open(row.verbatim);
  return body.ok() && is_link(body->kind);
}

// update_id() where the envelope's bytes are at hand.
inline UpdateId id_of(const RootFingerprint& root, ByteView envelope, const Update& update) {
  const Hash256 open = hash(kTagOpen, root, ByteView(update.open));
  return id_cast<UpdateId>(
      hash(kTagUpdate, root, envelope, open.view(), update.closed_hash.view()));
}

inline std::optional<RecordSecret> secret_in(RecordEntry& record, const Names* names) {
  if (!record.secret_known) {
    record.secret_known = true;
    if (record.created_by == RecordEntry::kNotHere && names != nullptr)
      record.secret = names->secret(record.id);
  }
  return record.secret;
}

// Where the record stands after an update of it, on both sides, whatever stood before.
inline void advance(RecordEntry& record, const UpdateId& id, bool link,
                    const std::optional<UpdateId>& named) {
  record.place_known = true;
  record.place.heads.assign(1, id);
  record.place.link = link ? std::optional(id) : named;
}

}  // namespace lienthong::wire
