// A record as an office reads it: registers with their values, timeline with texts, custody with
// times. A projection: computed from the updates whenever it is asked for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "store/office/work.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct TimelineEntry {
  UpdateId id;
  UpdateKind kind = UpdateKind::kNote;
  AgencyId agency;
  UnixMillis at = 0;  // as the office said, else the HLC's
  std::string action, officer, unit, note;
  std::string account;      // who used that office's local API
  AgencyId to;              // consult, share: who is asked or shown; else zero
  UnixMillis deadline = 0;  // consult; 0: none
  bool directive = false;   // a superior's note
  UnixMillis came_at = 0;   // where `at` is doubtful (clocks.h): when it came; else 0
  std::string official_code, code_system;  // of a note that says or withdraws one
  bool code_withdrawn = false;
};

struct OfficialCodeEntry {
  std::string code, system;
  AgencyId by;  // who said so
  UnixMillis at = 0;
  std::string officer;
  UpdateId update;
};

struct CustodyEntry {
  LinkEntry link;
  NodeId node;  // who signed
  std::optional<SealId> seal;
  UnixMillis at = 0;
  UnixMillis came_at = 0;  // as TimelineEntry's
};

struct Dossier {
  RecordState state;
  std::map<Field, FieldValue> values;        // open and closed
  std::map<Field, UpdateId> missing_closed;  // closed fields whose part is not here, by writer
  std::vector<TimelineEntry> timeline;
  std::vector<CustodyEntry> custody;
  std::vector<OfficialCodeEntry> official_codes;  // that stand, in the order of the first word
  std::string code() const;
};

// Values alone, open and closed, without timeline and custody: what lists and searches need.
std::map<Field, FieldValue> read_values(const Replica& replica, const RecordState& state);

// kNotFound.
// `work`, where given: what read_work() would say, of the same reading.
Result<Dossier> read_dossier(const Replica& replica, const RecordId& id, Work* work = nullptr);

}  // namespace lienthong::store
