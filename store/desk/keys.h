// Operations are known by their keys, so that one applied again writes nothing: in the updates that
// they wrote, or, where they left none behind, in values of this machine. Private to store/desk. Of
// the transaction's thread.
#pragma once

#include <optional>

#include "store/desk/operations.h"

namespace lienthong::store {

// Keeps the key of an offer taken back, or of its recall, with the record that it was done to.
// Nothing for an empty key; a rollback forgets it.
void remember_key(Transaction& transaction, const Bytes& key_hash, const RecordId& record);
// After an operation was carried out: keeps what its key was used for.
void remember_content(Transaction& transaction, const Operation& operation);
// The answer of an operation that was carried out before; nullopt for a new one and for an empty
// key. Fails: kConflict (the key was used for another operation: both are named), kCorrupt.
Result<std::optional<OperationResult>> find_repeated(const Transaction& transaction,
                                                     const Operation& operation);

}  // namespace lienthong::store
