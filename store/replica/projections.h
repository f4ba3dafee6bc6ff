// Internal to store/replica: all projections of one replica together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/replica/database.h"
#include "store/replica/ledger.h"
#include "store/replica/projection.h"

namespace lienthong::store {

using Projections = std::vector<std::shared_ptr<Projection>>;
using RecordDrafts = std::vector<std::unique_ptr<RecordDraft>>;  // one for each projection

// Of one transaction.
class ProjectionWriters {
 public:
  // `building` is looked at whenever a record is opened, and outlives this.
  ProjectionWriters(const Projections& projections, Overlay& overlay,
                    const Ledger::Building& building);
  // Null in the place of one that has no rows of the record yet.
  RecordDrafts open(std::uint32_t record, const RecordState* stored);
  void entered(const GraphUpdate& update);
  void build(std::uint32_t record);  // by those that lack it
  void savepoint();
  void rollback();
  void before_commit();

 private:
  const Projections& projections_;
  const Ledger::Building& building_;
  std::vector<std::unique_ptr<ProjectionWriter>> writers_;
};

// To each of them. extended(): false where one of them asks for a refold.
bool extended(const RecordDrafts& drafts, const RecordState& state, const GraphUpdate& update,
              const ClosedBody& closed);
void refolded(const RecordDrafts& drafts, const RecordState& state,
              std::span<const GraphUpdate> updates);
void flush(const RecordDrafts& drafts, const RecordState& state);

// Made, with names and letters that are nobody else's: another list is a mistake of the program.
Projections make_projections(const std::vector<ProjectionMaker>& makers);

// The row that says which projections a database keeps. Without it these are the two of this
// program.
inline constexpr std::string_view kProjectionsNote = "projections";  // key::meta()
// nullopt: it keeps just those two, and has no such row.
std::optional<std::string> projections_note(const Projections& projections);

// The row that says which records some of them lack; none: they lack none.
inline constexpr std::string_view kBuildingNote = "building";  // key::meta()

// Loads them all, and builds anew the rows of those that the database does not keep, or not in that
// version; what was cut is begun again. Those built in steps are only begun: see Ledger::building,
// which is filled in. Fails: kNewerVersion (it keeps rows that would go stale;
// says whose), kDiskFull, kIo.
Result<void> load_projections(Database& database, Ledger& ledger, const Projections& projections);

}  // namespace lienthong::store
