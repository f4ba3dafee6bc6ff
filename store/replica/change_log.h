// What followers of the replica are told beside updates: that one was taken back, and that a record
// was folded again and means something else now. These take numbers of the same sequence as the
// updates, in the commit that makes them true. Internal to store/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/replica/ledger.h"
#include "store/replica/replica.h"

namespace lienthong::store {

class Overlay;

struct ChangeRow {  // never kUpdate: an update has its own row
  ChangeKind kind = ChangeKind::kRefolded;
  RecordId record;
  UnixMillis at = 0;
  // Of an update that was taken back; else zero:
  UpdateId update = {};
  std::uint64_t update_number = 0;
  UpdateKind update_kind{};
};
std::string encode(const ChangeRow& row);
ChangeRow decode_change_row(std::string_view bytes);

// Gives the change the next number.
void log_change(Overlay& overlay, Ledger& ledger, const ChangeRow& row);

}  // namespace lienthong::store
