// Which dossiers a search means, from office rows; and which of the other records, from their
// states. Full records are read only of what is shown. Any thread; the replica and the filter
// outlive a selection.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/office/rows.h"

namespace lienthong::store {

using Stopping = std::function<bool()>;  // true: whoever asked has gone

// ---- dossiers ----

struct Filter {
  std::optional<AgencyId> holder, agency;  // agency: any that takes part
  std::optional<Status> status;
  std::optional<UnixMillis> due_before;  // and running
  std::optional<UnixMillis> since;       // changed then or later
  bool late = false;
  std::string procedure, text, after;  // text: in search form; after: a code that was the last seen
  std::size_t limit = 0;               // 0: all
};

struct Match {
  std::string code;
  std::uint32_t record = 0;  // local number
  auto operator<=>(const Match&) const = default;
};

class Selection {
 public:
  // What is read is as of the moment of construction; throws as OfficeReader does.
  Selection(const Replica& replica, const Filter& filter, UnixMillis now, Stopping stopping);

  // By code, then in the order of arrival; at most `limit`.
  std::vector<Match> run();
  std::optional<RecordEntry> record(const Match& match) const {
    return reader_.record(match.record);
  }

 private:
  void find_text();
  void look(std::uint32_t record, const RowView& row);
  bool needs_facts() const;
  bool passes(const Facts& facts) const;
  void shrink();

  const Filter& filter_;
  OfficeReader reader_;
  OfficeSnapshot snapshot_;
  UnixMillis now_;
  Stopping stopping_;
  std::uint32_t holder_ = 0, agency_ = 0, procedure_ = 0;  // local numbers; 0: no row has it
  std::vector<std::uint32_t> found_by_text_;               // ascending
  std::vector<Match> found_;
  std::string last_;  // code beyond which nothing is shown; empty: not known yet
};

// Time of the newest change, from the heads; where it is doubtful (clocks.h), when that came.
struct Updated {
  UnixMillis at = 0;       // 0: not known
  UnixMillis came_at = 0;  // 0: not doubtful
};
Updated updated(const Replica& replica, const RecordState& state);

}  // namespace lienthong::store
