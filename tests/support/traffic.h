// What one office writes: dossiers of real procedures and the steps of their lives, as the lines of
// an operations file (docs/operations.md). For benchmarks, for training dictionaries, for tests.
// Everything follows from the options: the same options give the same bytes on every machine.
// Nothing here knows how updates are encoded; take different seeds and communes for training and
// for measuring.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/base/instant.h"
#include "protocol/record/registry.h"
#include "store/desk/operations.h"

namespace lienthong::test {

struct TrafficOptions {
  std::uint64_t seed = 1;
  std::string agency = "H47.12.05";   // its code; dossiers are numbered under it
  std::string superior;               // code of where dossiers are offered; empty: none is
  std::size_t dossiers_per_day = 40;  // 1 to 9,000, while next_dossier() is called
  std::size_t changes_per_day = 470;  // at least 1, while next_change() is called
  std::size_t numbers_from = 0;       // 0 to 9,000; the first dossier of a day has the next number
  // Where its people live: one of the communes that traffic_facts.h names, by number; numbers past
  // the last begin again.
  std::size_t commune = 9;
};

struct TrafficLine {
  std::string json;   // one operation, without the newline, without an idempotency key
  UnixMillis at = 0;  // when the office wrote it, never before the line before
};

class Traffic final {
 public:
  explicit Traffic(const TrafficOptions& options);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  // A dossier as an office brings it in from the past: in the state that it has reached by now, one
  // operation. On average 930 bytes of JSON; 20,000 are 2.3 MB under zstd -19, and 2,340 changes
  // after them 68 KB: as much as the workload that the figures to reach were set for.
  TrafficLine next_dossier();
  // What happens next in the office: a step of a dossier that is under way, a remark, an offer to
  // the superior, now and then a new dossier. Valid after all lines before it, if nobody else
  // writes to these dossiers.
  TrafficLine next_change();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A line as store::apply_operation takes it. Fails as agent::parse_operation.
Result<store::Operation> traffic_operation(const TrafficLine& line,
                                           std::shared_ptr<const Registry> registry,
                                           const AgencyId& ours);

}  // namespace lienthong::test
