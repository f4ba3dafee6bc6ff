// The writer of one machine: the queues and the group commit of the daemon's engine under virtual
// time. Answers come later, on the loop, so that a crash may fall between.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "store/exchange/commit_group.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/timeline.h"

namespace lienthong::sim {

class Writer final : public store::Writer, public std::enable_shared_from_this<Writer> {
 public:
  struct Hooks {
    std::function<UnixMillis()> clock;
    std::function<void()> committed;            // at once, before anybody is told
    std::function<void()> changed;              // on the loop, after updates or statements entered
    std::function<void()> failed;               // a commit failed: the machine must be started anew
    std::function<void(const Error&)> spoiled;  // what was to be written could not be made
    std::function<void(const std::function<void()>&)> guard;  // runs what may read the disk
    std::function<Duration()> slowness;                       // of the disk, for each commit
    std::function<std::optional<Error>()> refusal;  // why nothing is written now; none: it is
  };

  Writer(store::Replica& replica, Timeline& timeline, Dice dice, Hooks hooks)
      : replica_(replica), timeline_(timeline), dice_(dice), hooks_(std::move(hooks)) {}

  // `done`: on the loop, not after stop().
  void post(store::Job job, store::Done done,
            store::Urgency urgency = store::Urgency::kNow) override;
  // `committed` is told at once when the sync is done, even if the machine stops then.
  void write(store::Job job, store::Done committed);
  // Commits it alone before it returns; if that fails, the next event says so to the machine.
  // Fails as the job does, and with kClosed after stop().
  Result<void> write_now(store::Job job);
  void stop() {
    stopped_ = true;
    failing_ = false;
  }
  bool idle() const { return queues_.empty() && !running_; }
  std::size_t waiting() const { return waiting_; }  // jobs that were not answered yet

 private:
  void add(store::QueuedJob job, store::Urgency urgency);
  void start();
  void run_after(Duration wait);
  void commit_group();
  store::Replica& replica_;
  Timeline& timeline_;
  Dice dice_;
  Hooks hooks_;
  store::JobQueues queues_;
  std::size_t waiting_ = 0;
  bool running_ = false;
  bool patient_ = false;   // only hints wait: a timer runs for them
  Instant answered_at_{};  // answers come in the order of the commits
  bool stopped_ = false;
  bool failing_ = false;  // hooks are to be told yet
};

}  // namespace lienthong::sim
