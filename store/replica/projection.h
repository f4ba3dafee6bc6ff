// What is kept beside the records and follows from them alone: rows that make something quick to
// find or to count, written in the very commit that changes the records. The replica does not know
// what they say. docs/storage.md, "Projections".
//
// A Projection lives as long as the replica is open. It makes a ProjectionWriter for each
// transaction, and that one makes a RecordDraft for each record that the transaction opens.
// Threads: agrees() may be called from any; all else comes on the writer's thread, or on the one
// that opens the replica. Nothing here fails: reading throws std::runtime_error where the disk or a
// row is broken, as everywhere in store/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fold.h"

namespace lienthong::store {

class Database;
class Overlay;

// The rows of a transaction as a projection sees them: it reads all, as the transaction has left
// them so far, and writes those that begin with letters of its own. They are written, or rolled
// back, together with the records. A view: lives as long as the transaction.
class OwnRows {
 public:
  OwnRows(Overlay& overlay, std::string_view letters) : overlay_(&overlay), letters_(letters) {}
  std::optional<std::string> get(std::string_view key) const;
  void put(std::string key, std::string value);
  void erase(std::string key);

 private:
  Overlay* overlay_;
  std::string_view letters_;
};

// One record that a transaction has opened. Dropped without flush() when it is rolled back, or when
// nothing of it has changed.
class RecordDraft {
 public:
  virtual ~RecordDraft() = default;
  // extend() has applied an update to the state, shown as it is after it. `closed`: the closed
  // part, nothing in it when it is not here. False: only refolded() can tell, which then comes
  // next.
  virtual bool extended(const RecordState& state, const GraphUpdate& update,
                        const ClosedBody& closed) = 0;
  // The state was folded from these updates, all that the record has, in the order of arrival. It
  // replaces what extended() has said. Also when trust or the tree moved without an update.
  virtual void refolded(const RecordState& state, std::span<const GraphUpdate> updates) = 0;
  // Puts the rows of the record as the state is now. Once or more often in a transaction.
  virtual void flush(const RecordState& state) = 0;
};

class ProjectionWriter {
 public:
  virtual ~ProjectionWriter() = default;
  // `record`: its local number. `stored`: its state as its rows have it, good for this call; null:
  // it has no rows yet. The draft does not outlive the writer.
  virtual std::unique_ptr<RecordDraft> open(std::uint32_t record, const RecordState* stored) = 0;
  // Where rows are built in steps: puts those of a record, from other rows of it as the transaction
  // has left them. It has none yet, and no draft.
  virtual void build(std::uint32_t) {}
  // Each update that enters the graph, whatever it means there; it is not taken back when the
  // update is withdrawn. While rows are built anew: each that is here.
  virtual void entered(const GraphUpdate&) {}
  // All drafts were flushed. rollback() goes back to the last savepoint, or to the beginning; rows
  // and drafts do so by themselves.
  virtual void savepoint() {}
  virtual void rollback() {}
  // All drafts were flushed; the last chance for rows, and for readers to be told what the rows
  // stand on. The batch is written next. If that fails the replica is done for until it is opened
  // again.
  virtual void before_commit() {}
};

class Projection {
 public:
  virtual ~Projection() = default;
  // Under what the database remembers that it keeps these rows: a to z.
  virtual std::string_view name() const = 0;
  // What the rows mean. Where the database has an older one, or none, all rows are built anew when
  // it is opened; where it has a newer one, it is not opened.
  virtual unsigned version() const = 0;
  // Rows that follow from other rows of the record alone. Where they are to be built anew the
  // database is open meanwhile, and each commit builds some: until a record has had its turn it has
  // no draft here, and whoever reads the rows asks Ledger::building first. Else all are built
  // before the database is open.
  virtual bool in_steps() const { return false; }
  // First bytes of the keys, which nobody else uses. They live as long as the program.
  virtual std::string_view letters() const = 0;
  // What readers need in memory. Once, before everything else.
  virtual void load(const Database&) {}
  virtual std::unique_ptr<ProjectionWriter> begin(OwnRows rows) = 0;
  // Whether the stored rows of a record are those that its state and its updates give.
  virtual bool agrees(const Database& database, std::uint32_t record, const RecordState& state,
                      std::span<const GraphUpdate> updates) const = 0;
  // Records with rows that they should not have, by those that stand in the database now.
  virtual std::vector<std::uint32_t> strays(const Database&) const { return {}; }
};

}  // namespace lienthong::store
