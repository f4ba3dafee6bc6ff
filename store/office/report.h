// Form II.06a/VPCP/KSTT, "Tình hình, kết quả giải quyết TTHC", from the dossiers themselves, as of
// the end of its period. docs/operations.md, "Reports"; columns and footnotes: TT 01/2020/TT-VPCP
// as printed by a provincial system.
//
// The columns, by their numbers on the form:
//   - received, 3 = 4 + 5 + 6: in the period online (4), in it at the counter or by post (5),
//     carried over (6)
//   - resolved, 7 = 8 + 9 + 10: early, on time, late
//   - running, 11 = 12 + 13: within their time, over it
// and 3 = 7 + 11 must hold in every row. A dossier counts at the agency that received it; a
// dissolved agency's at its successor where there is one. Dates at the office (UTC+7) are compared,
// never times.
//   - what was only registered, or refused (or withdrawn) at the desk before it was received, is
//     left out
//   - withdrawn after reception: column 9
//   - waiting for papers or payment, or stopped: column 12
//   - without a due date: column 9 or 12
//   - carried over: received before the period, and running or ended on its first day or later
//   - done and opened again for a correction: the first end counts
// Pure but for reading rows; threads: any.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/office/calendar.h"
#include "store/office/rows.h"

namespace lienthong::store {

struct Period {  // both days inclusive
  OfficeDay from = 0, to = 0;
  bool operator==(const Period&) const = default;
  // The moment at which the period is seen: its last millisecond, or now while it lasts.
  UnixMillis as_of(UnixMillis now) const;
};

enum class Column : std::uint8_t {  // those that are counted; the others are sums
  kOnline = 4,
  kDirect = 5,
  kCarried = 6,
  kEarly = 8,
  kOnTime = 9,
  kLate = 10,
  kOpenInTime = 12,
  kOpenLate = 13,
};

// A fraction as counted; how it is rounded is said where it is printed.
struct Ratio {
  std::uint64_t part = 0, whole = 0;
  bool operator==(const Ratio&) const = default;
};

// Where one dossier stands in a report.
struct Place {
  Column received = Column::kDirect;     // 4, 5, 6
  Column outcome = Column::kOpenInTime;  // 8, 9, 10, 12, 13
  bool apology = false;                  // a re-appointment was made
  bool reappointed_kept = false;         // resolved by the new date, after the first one
  bool withdrawn = false, paused = false, no_due = false, no_channel = false;
  bool ended_before_received = false;  // the record's dates cannot both be right
  bool digitised = false, payable = false, paid_online = false;
  bool operator==(const Place&) const = default;
  bool in(unsigned column) const;  // 3 to 13
};
// nullopt: not in the report.
std::optional<Place> place_of(const Facts& facts, const Period& period, UnixMillis as_of);

struct Figures {
  std::array<std::uint64_t, 14> columns{};  // by number, 3 to 13; sums are filled in by sum_up()
  // late split by whether an apology was sent
  std::uint64_t late_apology = 0, late_no_apology = 0;            // of column 10
  std::uint64_t open_late_apology = 0, open_late_no_apology = 0;  // of column 13
  std::uint64_t reappointed_kept = 0;  // of 8 and 9: by the new date, after the first one
  std::uint64_t withdrawn = 0;         // of 9
  std::uint64_t paused = 0;            // of 12
  std::uint64_t no_due = 0;            // of 9 and 12
  std::uint64_t no_channel = 0;        // of 5
  std::uint64_t ended_before_received = 0;
  Ratio digitisation;  // resolved and not withdrawn; with all components and the result digitised
  Ratio online;        // received in the period; of these online
  Ratio payment;       // received in the period with something to pay; of these paid online

  void add(const Place& place);
  Figures& operator+=(const Figures& other);
  bool operator==(const Figures&) const = default;
  // 3 = 4+5+6, 7 = 8+9+10, 11 = 12+13
  void sum_up();
  // 3 = 7 + 11
  bool adds_up() const { return columns[3] == columns[7] + columns[11]; }
};

enum class By : std::uint8_t { kField, kAgency };

struct ReportWanted {
  Period period;
  AgencyId agency;        // the top of what is reported
  bool own_only = false;  // only what that agency itself received, not those below it
  By by = By::kField;
  unsigned depth = 1;  // by agency: levels below it that get rows
  UnixMillis now = 0;
  unsigned threads = 1;  // that scan
};

struct ReportRow {
  std::string key;      // field of work as written (empty: none), or the agency's code
  std::string name;     // of the agency
  AgencyId agency;      // by agency
  unsigned level = 0;   // by agency: 1 directly below the top; a row's parts follow it
  bool direct = false;  // only what the agency itself received, not those below it
  Figures figures;
};

struct Report {
  ReportWanted wanted;
  UnixMillis as_of = 0;
  TreeVersion tree = 0;      // of the period's end: who was below whom
  std::uint64_t change = 0;  // last local update that it stands on
  std::uint64_t scanned = 0;
  std::vector<ReportRow> rows;
  Figures total;
  std::vector<AgencyId> agencies;     // in its scope, that were not dissolved by then
  std::vector<std::string> mistakes;  // rows whose columns do not add up, and sums that differ
};

// The tree as it was decided by then.
TreeVersion tree_at(const Registry& registry, UnixMillis time);

// One dossier of a report's drill-down.
struct ReportDossier {
  std::uint32_t record = 0;
  std::string code;
  std::string row;  // key of the row that it counts in: agency code or field
  Place place;
};

// Reads the rows of all dossiers once.
class Reporter {
 public:
  // What is read is as of the moment of construction.
  Reporter(const Replica& replica, const ReportWanted& wanted);

  Report run();
  // Dossiers of one cell: `row` as in ReportRow::key, nullopt for all rows; `direct` as there;
  // column 3 to 13. In the order of their arrival here, each as it is when its turn comes; stops
  // when `visit` answers false. The last that is asked of a reporter.
  void drill(const std::optional<std::string>& row, bool direct, unsigned column,
             const std::function<bool(const ReportDossier&)>& visit);

  // What updates after that local number have changed.
  struct Difference {
    std::uint32_t record = 0;
    std::string code;
    std::optional<Place> before, after;
    std::string row_before, row_after;
    std::optional<OfficeReader::Cause> cause;
  };
  std::vector<Difference> differences(std::uint64_t since);

  // For II.07a: late dossiers by the agency that held them at the end of the period.
  std::map<AgencyId, Figures> late_by_holder();

 private:
  struct Seen {  // a dossier of the report
    Facts facts;
    Place place;
  };
  std::optional<Seen> see(const RowView& row) const;
  bool in_scope(std::uint32_t intake) const;
  AgencyId counted_at(std::uint32_t intake) const;
  std::string key_of(const Facts& facts) const;
  bool in_row(const Facts& facts, const std::string& row, bool direct) const;
  std::vector<ReportRow> agency_rows(const std::map<AgencyId, Figures>& own) const;
  void add_agency_row(std::vector<ReportRow>& rows, const AgencyId& agency, unsigned level,
                      const std::map<AgencyId, Figures>& own) const;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Figures> count(std::uint64_t& scanned) const;
  void check(Report& report) const;

  OfficeReader reader_;
  OfficeSnapshot snapshot_;
  ReportWanted wanted_;
  std::shared_ptr<const Registry> registry_;
  UnixMillis as_of_;
  TreeVersion tree_;
  std::vector<AgencyId> counted_at_;  // by local number of the intake agency; zero: not in scope
};

}  // namespace lienthong::store
