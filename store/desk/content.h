// What an operation says, in few bytes: whether a key that comes again comes with the same
// operation. Private to store/desk. Pure; any thread.
#pragma once

#include <string>

#include "store/desk/operations.h"

namespace lienthong::store {

inline constexpr std::size_t kContentHashSize = 12;

// Kind and values, with the order of fields left out. On disk: a value that is added to an
// operation later hashes like none where it says nothing, so that what was kept before stays good.
Bytes content_hash(const Deed& deed);

// "offer H47.12-230401-0001", "create dossier": the word of an operations file and what it is done
// to.
std::string told(const Deed& deed);

// The record that it is done to, as it was named; null for what begins one.
const std::string* target_of(const Deed& deed);

// Whether an update of that kind, which begins a record of `record_kind` if it begins one, can be
// the one that bears the key of such an operation.
bool may_write(const Deed& deed, UpdateKind kind, RecordKind record_kind);

}  // namespace lienthong::store
