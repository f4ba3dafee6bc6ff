// Owns the replica and its one writer thread, which commits in groups (store/exchange).
//
// When the disk has no room left, the engine turns read-only within a second, before the database
// runs into it: jobs fail with kDiskFull, reading goes on, and it resumes by itself once there is
// room again. If something did not reach the disk all the same, everything that uses this engine is
// to be ended, and the database opened again by another one: on_failure().
//
// Threads: write() from any thread but the loop's and the writer's; post() from any; replica()
// reads from any. Callbacks given to post() and the listeners run on the loop's executor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "agent/engine/faults.h"
#include "agent/engine/reserve.h"
#include "store/exchange/writer.h"

namespace asio {
class any_io_executor;
}

namespace lienthong::agent {

// The office's clock and randomness, made in main() and handed down.
struct WallClock {
  virtual ~WallClock() = default;
  virtual UnixMillis now() const = 0;     // any thread
  virtual Instant monotonic() const = 0;  // any thread
};

using store::Urgency;

// Less room than this: read-only. As much as the other: on again. The reserve is not counted, nor
// is the room for one that is not there.
inline constexpr std::uint64_t kRoomMin = 16ULL << 20;
inline constexpr std::uint64_t kRoomToResume = 32ULL << 20;

class Engine final : public store::Writer {
 public:
  using Job = store::Job;
  using Done = store::Done;

  // `loop`: where callbacks run. `reserve`: made, and made again after it was released, as soon as
  // there is room; none: none is kept. `refusal`: no job is ever taken, all fail with this; reading
  // goes on. Starts the writer thread.
  Engine(std::unique_ptr<store::Replica> replica, const WallClock& clock,
         asio::any_io_executor loop, std::optional<Reserve> reserve = {},
         std::optional<Error> refusal = {});
  ~Engine() override;  // stop()

  // Blocks until the job's commit is synced, or it failed. kClosed after stop().
  Result<void> write(Job job);
  // The same without blocking; `done` runs on the loop.
  void post(Job job, Done done, Urgency urgency = Urgency::kNow) override;

  const store::Replica& replica() const;
  const WallClock& clock() const;

  // Called on the loop after every commit by which updates or statements entered, and when it
  // resumes after a full disk. Set before use.
  void on_change(std::function<void()> listener);
  // Called on the loop once, when something did not reach the disk: nothing more is taken, and the
  // replica must be closed and opened again before it is believed. Nothing acknowledged is lost.
  // Set before use.
  void on_failure(std::function<void(Error)> listener);
  // Blocks an API thread until last_change() > since, the time is up, or stop(). True: there is
  // more.
  bool wait_for_change(std::uint64_t since, std::chrono::milliseconds timeout);

  // Why jobs fail now; nullopt: they do not.
  std::optional<Error> trouble() const;
  bool healthy() const;                         // !trouble(), without a lock
  const std::optional<Error>& refusal() const;  // as given
  // What ended unexpectedly around this engine. Any thread.
  Faults& faults() const;

  // No more jobs; finishes those accepted, wakes waiters, joins the writer. Idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
