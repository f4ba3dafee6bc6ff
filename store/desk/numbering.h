// Codes of new dossiers: the office's rule of numbering (TT 01/2018/TT-VPCP, Điều 19), on top of
// values that the replica keeps for it.
#pragma once

#include <string>

#include "protocol/base/result.h"

namespace lienthong::store {

class Transaction;

// The next number of the day at the office, `<code>-YYMMDD-NNNN`, in the thousand of this machine.
// Each day goes on where it was left, whenever the clock comes back to it. After a start, until a
// neighbour has told what it has of ours, the first number of a day leaves the rest of its hundred
// out, for a disk that went back may have forgotten some. kNotAllowed: the day's are used up.
Result<std::string> next_code(Transaction& transaction);

}  // namespace lienthong::store
