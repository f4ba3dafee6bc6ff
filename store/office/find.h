// Which dossiers a search means, from office rows; and which of the other records, from their
// states. Full records are read only of what is shown. Any thread; the replica outlives a
// selection, which is used by one thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/office/lists.h"
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
  std::uint32_t after_record = UINT32_MAX;  // local number: of those with that code the last seen
  std::size_t limit = 0;                    // 0: all
};

// Dossiers by code, then in the order of arrival. Pages are read from the shelves that lists.h
// describes where these have what is asked for; where they are not whole yet, or where what is
// looked for is rare among much, all rows are gone through.
class Selection {
 public:
  Selection(const Replica& replica, const Filter& filter, UnixMillis now, Stopping stopping);

  // The next ones: at most `most`, or more where all rows had to be gone through, and in all at
  // most the filter's limit; none: there are no more.
  // Each page is as of the moment at which it is read: a dossier that changes meanwhile is shown
  // once or, where it was to come and is no longer meant, not at all. Throws as OfficeReader does.
  std::vector<Match> next(std::size_t most = kPageMatches);
  // All of them.
  std::vector<Match> run();
  std::optional<RecordEntry> record(const Match& match) const {
    return reader_.record(match.record);
  }

  static constexpr std::size_t kPageMatches = 500;

 private:
  std::vector<ShelfRange> best_ranges() const;
  bool read_shelves(std::size_t most);
  bool read_words(std::size_t most);
  bool comes_after(std::string_view code, std::uint32_t record) const;
  void go_through_all(std::size_t most);
  bool find_text();
  bool is_meant(std::uint32_t record) const;
  bool needs_row() const;
  bool asks_only_for_state() const;
  void look(std::uint32_t record, const RowView& row);
  bool means(const RowView& row) const;
  bool has_text(std::uint32_t record) const;
  bool needs_facts() const;
  bool passes(const Facts& facts) const;
  void shrink();

  const Filter filter_;
  OfficeReader reader_;
  OfficeSnapshot snapshot_;  // of the page that is being read
  UnixMillis now_;
  Stopping stopping_;
  std::uint32_t holder_ = 0, agency_ = 0, procedure_ = 0;  // local numbers; 0: no row has it
  Match after_;                                            // the last that was shown
  std::size_t shown_ = 0;
  bool rare_ = false;  // the shelves had too little of it
  bool ended_ = false;
  // Of a page:
  std::vector<bool> may_have_text_;           // by local number; empty: nothing is known
  std::vector<std::uint32_t> found_by_text_;  // ascending
  std::vector<Match> found_;
  std::size_t most_ = 0;
  std::string last_;  // code beyond which nothing is shown; empty: not known yet
};

// Time of the newest change, from the heads; where it is doubtful (clocks.h), when that came.
struct Updated {
  UnixMillis at = 0;       // 0: not known
  UnixMillis came_at = 0;  // 0: not doubtful
};
Updated updated(const Replica& replica, const RecordState& state);

}  // namespace lienthong::store
