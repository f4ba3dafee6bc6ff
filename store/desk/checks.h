// Rules of the office on what a change says beside its state and dates (those are in
// operations.cc): refused where it is written, so that bad data does not begin to travel.
// Any thread that has the transaction.
#pragma once

#include "store/replica/replica.h"

namespace lienthong::store {

// A dossier has one result in each cycle; a correction (a finished dossier that goes back to
// `processing`) begins a new one. kNotAllowed when `writes` gives a number, kind or digest of the
// result other than the one written in this cycle.
Result<void> check_single_result(const Transaction& transaction, const RecordState& state,
                                 const std::vector<FieldWrite>& writes);

}  // namespace lienthong::store
