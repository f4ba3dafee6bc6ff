// The writer of one machine, as the daemon's engine has it: jobs that arrive while a sync is under
// way are committed together by the next, each with a savepoint of its own; answers come later, on
// the loop, so that a crash may fall between.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "store/replica/replica.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/timeline.h"

namespace lienthong::sim {

class Writer : public std::enable_shared_from_this<Writer> {
 public:
  using Job = std::function<Result<void>(store::Transaction&)>;
  using Done = std::function<void(const Result<void>&)>;
  struct Hooks {
    std::function<UnixMillis()> clock;
    std::function<void()> changed;  // on the loop, after updates or statements entered
    std::function<void()> failed;   // a commit failed: the machine must be started anew
  };

  Writer(store::Replica& replica, Timeline& timeline, Dice dice, Hooks hooks)
      : replica_(replica), timeline_(timeline), dice_(dice), hooks_(std::move(hooks)) {}

  // `committed`: at once when the sync is done; `done`: on the loop. Neither after stop().
  void post(Job job, Done done, Done committed = nullptr);
  void stop() { stopped_ = true; }
  bool idle() const { return queue_.empty() && !running_; }

 private:
  struct Item {
    Job job;
    Done done, committed;
  };
  void start();
  void commit_group();
  store::Replica& replica_;
  Timeline& timeline_;
  Dice dice_;
  Hooks hooks_;
  std::deque<Item> queue_;
  bool running_ = false;
  Instant answered_at_{};  // answers come in the order of the commits
  bool stopped_ = false;
};

}  // namespace lienthong::sim
