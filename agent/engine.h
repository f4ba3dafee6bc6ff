// Owns the replica and its one writer thread. Jobs that arrive while a sync is under way are
// committed together by the next (group commit), at most kGroupBytesMax at a time, so nobody waits
// for a timer.
//
// Threads: write() from any thread but the loop's and the writer's; post() from any; replica()
// reads from any. Callbacks given to post() and the listeners run on the loop's executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "store/replica.h"

namespace lienthong::agent {

// The office's clock and randomness, made in main() and handed down.
struct WallClock {
  virtual ~WallClock() = default;
  virtual UnixMillis now() const = 0;     // any thread
  virtual Instant monotonic() const = 0;  // any thread
};

class Engine {
 public:
  using Job = std::function<Result<void>(store::Transaction&)>;
  using Done = std::function<void(Result<void>)>;

  // `loop`: where callbacks run. Starts the writer thread.
  Engine(std::unique_ptr<store::Replica> replica, const WallClock& clock,
         asio::any_io_executor loop);
  ~Engine();  // stop()

  // Blocks until the job's commit is synced, or it failed. A job that fails is rolled back alone;
  // the others of its group are committed. A job that makes savepoints of its own must not fail
  // after the first. kClosed after stop().
  Result<void> write(Job job);
  // The same without blocking; `done` runs on the loop.
  void post(Job job, Done done);

  const store::Replica& replica() const;
  const WallClock& clock() const;

  // Called on the loop after every commit by which updates or statements entered. Set before use.
  void on_change(std::function<void()> listener);
  // Called on the loop once, when a commit failed: from then on every job fails with that error,
  // and the process should end and be started again. Nothing acknowledged is lost. Set before use.
  void on_failure(std::function<void(Error)> listener);
  // Blocks an API thread until last_change() > since, the time is up, or stop(). True: there is
  // more.
  bool wait_for_change(std::uint64_t since, std::chrono::milliseconds timeout);

  // No more jobs; finishes those accepted, wakes waiters, joins the writer. Idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
