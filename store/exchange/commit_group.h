// Group commit: jobs that arrive while a sync is under way are committed together by the next, so
// that nobody waits for a timer and a busy second costs a handful of syncs. No thread, lock or
// clock: whoever has them calls this.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "store/exchange/writer.h"

namespace lienthong::store {

inline constexpr std::size_t kGroupJobsMax = 256;
inline constexpr std::size_t kGroupBytesMax = 512U << 10;  // of rows; held in memory three times
inline constexpr std::chrono::seconds kHintPatience{1};

struct QueuedJob {
  Job job;
  Done at_once;  // told by the writer as soon as the commit has ended; may be empty
  Done later;    // told on the thread of those who posted; may be empty
};

// What waits for the next commit, in the order in which it is taken. Not thread-safe.
class JobQueues {
 public:
  void add(QueuedJob job, Urgency urgency);
  bool empty() const { return pressing_.empty() && in_turn_.empty() && hints_.empty(); }
  // Something but hints.
  bool due() const { return unfinished_ || !pressing_.empty() || !in_turn_.empty(); }
  // Whether the replica has work of its own left, which each commit does some of: as
  // Replica::unfinished() says when it is opened, and CommittedGroup after each commit.
  void set_unfinished(bool unfinished) { unfinished_ = unfinished; }
  bool has_hints() const { return !hints_.empty(); }

  // Begins a commit: one that comes after one without anything in turn takes that first.
  void begin_group();
  struct Taken {
    QueuedJob job;
    Sync sync;
  };
  std::optional<Taken> take();
  // Everything, for being told that it will not be written.
  std::deque<QueuedJob> take_all();

 private:
  std::deque<QueuedJob> pressing_, in_turn_, hints_;
  bool unfinished_ = false;
  bool in_turn_first_ = false;
  bool turn_taken_ = true;  // this group, or the last one, took something in its turn
};

struct CommittedGroup {
  std::vector<std::pair<QueuedJob, Result<void>>> jobs;  // with what each is to be told
  Result<void> committed;  // failed: the replica must be closed and opened again
  // Something could not be read, so nothing was written and none of the jobs was carried out; the
  // replica is as it was.
  std::optional<Error> spoiled;
  bool changed = false;     // something that followers and neighbours are to be told
  bool unfinished = false;  // the replica has work left
  std::size_t bytes = 0;    // about so many were written
};

// Takes jobs until none is left or the group is full, runs each behind a savepoint of its own, and
// commits. `take` is called between jobs, so what arrives meanwhile comes along. `refusal`: none is
// run, each is told this.
CommittedGroup commit_group(Replica& replica, UnixMillis now,
                            const std::function<std::optional<JobQueues::Taken>()>& take,
                            const std::optional<Error>& refusal = std::nullopt);

}  // namespace lienthong::store
