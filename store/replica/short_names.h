// What the replica can name shortly in parts (protocol/wire/short_names.h). Internal to store/.
// A few reads for each record that a part names, none that grows with the store: neighbours of an
// id in its index, the record's row, and those of its updates that a part brings or that come
// after. Agencies and certificates are looked up among the registry's statements, which are in
// memory. Threads: the sender's names read the database and may be used from any one thread, the
// receiver's belong to the writer. Reading throws as Database::get does.
#pragma once

#include <functional>
#include <memory>

#include "protocol/wire/short_names.h"
#include "store/replica/database.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {

// For encoding: the database as it is, and the registry as last committed. Remembers what it has
// read, so take a new one for each part.
std::unique_ptr<wire::Names> sender_names(const Database& database,
                                          std::shared_ptr<const Registry> registry);

// For decoding: what a transaction sees. `record`: by its number, settled; null: no such record.
// Good until the transaction's next change.
using FindRecord = std::function<const OpenRecord*(std::uint32_t number)>;
std::unique_ptr<wire::Names> receiver_names(const Overlay& overlay,
                                            std::shared_ptr<const Registry> registry,
                                            FindRecord record);

}  // namespace lienthong::store
