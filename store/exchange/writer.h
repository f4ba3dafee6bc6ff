// The one writer of a replica, as those who want something written see it.
#pragma once

#include <functional>

#include "store/replica/replica.h"

namespace lienthong::store {

// kInTurn: what neighbours send beside custody and the registry. It comes after everything that
// somebody waits for here, but every other commit takes some of it along.
// kCanWait: taken along by the next commit, or after kHintPatience, and not synced by itself:
// hints, which a power cut may take back without harm.
enum class Urgency { kNow, kInTurn, kCanWait };

// A job that fails is rolled back alone; the others of its commit are not touched by it. One that
// makes savepoints of its own must not fail after the first.
using Job = std::function<Result<void>(Transaction&)>;
using Done = std::function<void(Result<void>)>;

class Writer {
 public:
  virtual ~Writer() = default;
  // Does not block. `done`, if any, runs once the job's commit is synced or the job has failed,
  // later and on the thread of whoever drives sessions; where the writer itself commits at once (in
  // tests), before this returns.
  virtual void post(Job job, Done done, Urgency urgency = Urgency::kNow) = 0;
};

}  // namespace lienthong::store
