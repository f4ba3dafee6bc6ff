// What is unknown or doubtful in the records that are here, so that somebody can ask and write it
// down; nothing is guessed and nothing is changed (domain: unknown stays unknown and is listed).
// Reads one snapshot; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/office/calendar.h"
#include "store/replica/replica.h"

namespace lienthong::store {

enum class Finding : std::uint8_t {
  kNoProcedure,
  kProcedureUnknown,  // in no catalogue that has come here
  kNoDueDate,         // received, and not refused or withdrawn
  kNoApplicant,
  kDoneWithoutResult,
  kPaidWithoutReceipt,
  kPaidWithoutMoment,
  kScanWithoutDigest,  // counted as digitised, but nothing says which file
  kCodeTwice,          // several records bear it
  kCodeUnreadable,     // of no known form: the agency and day are not to be seen
  kNumberTwice,        // of a document: in one book and year
  kDatesOutOfOrder,
  kDateInFuture,       // something that has happened, by a date after today
  kIdNumberUnusual,    // of neither 12 nor 9 digits, or what a spreadsheet left of one
  kPhoneUnusual,       // none of this country's, or the same
  kDateDiffers,        // running, and due on another day than the calendar of today counts
  kOfficialCodeTwice,  // a code that another system gave it is said of another dossier too
};
inline constexpr std::size_t kFindingCount = 17;
std::string_view to_string(Finding finding);  // "no-procedure", …

struct DataFinding {
  Finding finding = Finding::kNoProcedure;
  std::string code;
  RecordId record;
  AgencyId agency;     // that received it; zero: not known
  std::string detail;  // values concerned: "received_at 2023-… after finished_at 2023-…"
};

struct DataReport {
  std::uint64_t checked = 0;  // records
  std::array<std::uint64_t, kFindingCount> counts{};
  std::vector<DataFinding> findings;  // at most `limit` of each kind, in the order of records
  bool clock_doubtful = false;        // this machine's clock is behind what it has been shown
};

// The office's clock is known to be wrong (Replica::clock); or it is behind the newest time that
// any change here names, by more than a minute, and no neighbour's clock says the same as it. `now`
// 0: not known, false.
bool clock_doubtful(const Replica& replica, UnixMillis now);

struct DataCheckOptions {
  UnixMillis now = 0;
  std::size_t limit = 100;
  AgencyId agency;  // zero: whatever is here; else what that agency received
  std::function<bool()> stopping = {};
  const Calendar* calendar = nullptr;  // null: dates due are not counted anew
};
DataReport check_data(const Replica& replica, const DataCheckOptions& options);

}  // namespace lienthong::store
