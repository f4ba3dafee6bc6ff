#include "agent/engine/engine.h"

#include <spdlog/spdlog.h>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/engine/log.h"
#include "agent/engine/memory.h"
#include "store/exchange/commit_group.h"

namespace lienthong::agent {
namespace {

using store::QueuedJob;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBurstBytes = 256U << 10;  // a group after which memory is given back
// A group waits for as many jobs as the one before it had: those who were answered together ask
// together. Not longer than this, nor than a part of what a commit takes.
constexpr std::chrono::microseconds kCompanyPatience{1'000};
constexpr int kCompanyShare = 4;
constexpr std::chrono::seconds kQuiet{2};         // once there was nothing to do for so long
constexpr std::chrono::seconds kLookInterval{1};  // between looks at the disk

enum class Broken { kNo, kYes };  // the replica, or only without room

}  // namespace

struct Engine::Impl {
  std::unique_ptr<store::Replica> replica;
  const WallClock& clock;
  asio::any_io_executor loop;
  std::function<void()> listener;
  std::function<void(Error)> failure_listener;

  std::mutex mutex;
  std::condition_variable work, change;
  store::JobQueues queues;
  Clock::time_point hints_since;
  bool stopping = false;
  std::optional<Error> failed;         // nothing is accepted: until there is room, or for good
  const std::optional<Error> refusal;  // nothing is accepted, whatever the disk
  std::atomic<bool> healthy;
  // The writer's own:
  bool waiting_for_room = false;
  bool broken = false;   // the replica must be opened again; set under the mutex
  bool swollen = false;  // a burst went by
  bool reserve_there = false;
  Clock::time_point worked_at, looked_at;
  std::size_t company = 0;        // jobs of the last group
  Clock::duration commit_took{};  // by that group, from its last job on
  std::optional<Reserve> reserve;
  Faults faults;
  std::thread writer;

  Impl(std::unique_ptr<store::Replica> r, const WallClock& c, asio::any_io_executor l,
       std::optional<Reserve> kept, std::optional<Error> never)
      : replica(std::move(r)),
        clock(c),
        loop(std::move(l)),
        refusal(std::move(never)),
        healthy(!refusal),
        reserve(std::move(kept)) {
    queues.set_unfinished(!refusal && replica->unfinished());
  }

  void accept(QueuedJob job, Urgency urgency) {
    std::optional<Error> why;
    {
      const std::lock_guard lock(mutex);
      if (refusal) {
        why = refusal;
      } else if (failed) {
        why = failed->code() == Errc::kDiskFull ? *failed : being_opened(*failed);
      } else if (stopping) {
        why = Error(Errc::kClosed, "the agent is stopping");
      } else {
        if (urgency == Urgency::kCanWait && !queues.has_hints()) hints_since = Clock::now();
        queues.add(std::move(job), urgency);
      }
    }
    if (why) {
      answer(job, *why);
    } else {
      work.notify_one();
    }
  }

  void answer(QueuedJob& job, Result<void> result) {
    if (job.at_once) job.at_once(result);
    if (!job.later) return;
    asio::post(loop, [done = std::move(job.later), result = std::move(result)] { done(result); });
  }

  void run() {
    guarded([this] { look(); });
    for (;;) {
      bool due = false;
      {
        std::unique_lock lock(mutex);
        due = await_work(lock);
        if (stopping && queues.empty()) return;
      }
      if (Clock::now() - looked_at >= kLookInterval) guarded([this] { look(); });
      if (due) guarded([this] { commit_group(); });
    }
  }

  // The writer never ends: what it cannot go on with makes everybody open the database again.
  template <class Step>
  void guarded(const Step& step) {
    try {
      step();
    } catch (const std::exception& problem) {
      spdlog::error("event=writer_ended_unexpectedly error={}", in_quotes(problem.what()));
      faults.note("writer", problem.what(), clock.now());
      fail(Error(Errc::kCorrupt, problem.what()), Broken::kYes);
    }
  }

  // With the lock held, until there is something to commit, or it is time to look at the disk:
  // then it is false.
  bool await_work(std::unique_lock<std::mutex>& lock) {
    const auto needed = [this] { return stopping || queues.due(); };
    const auto look_at = looked_at + kLookInterval;
    if (!work.wait_until(lock, look_at, [&] { return needed() || queues.has_hints(); }))
      return false;
    const auto hints_due = hints_since + store::kHintPatience;
    return work.wait_until(lock, std::min(look_at, hints_due), needed) || Clock::now() >= hints_due;
  }

  // At the disk, and after memory.
  void look() {
    looked_at = Clock::now();
    if (swollen && looked_at - worked_at >= kQuiet) {
      swollen = false;
      give_back_memory();
    }
    if (broken) return;
    if (const auto failure = replica->failure()) return fail(*failure, Broken::kYes);
    tend_reserve();
    if (!waiting_for_room) {
      if (!has_room(kRoomMin)) fail(no_room(), Broken::kNo);
    } else if (has_room(kRoomToResume)) {
      resume();
    }
  }

  void tend_reserve() {
    if (!reserve) return;
    reserve_there = reserve->whole();
    const auto room = replica->free_bytes();
    if (reserve_there || !room || *room < kReserveBytes + kRoomMin) return;
    if (const auto made = reserve->make(); made) {
      reserve_there = true;
    } else if (made.error().code() != Errc::kDiskFull) {
      spdlog::warn("event=no_reserve error={}", in_quotes(made.error().message()));
      reserve.reset();
    }
  }

  bool has_room(std::uint64_t wanted) const {
    const auto room = replica->free_bytes();
    return !room || *room >= wanted + (reserve && !reserve_there ? kReserveBytes : 0);
  }
  static Error being_opened(const Error& why) {
    return Error(Errc::kClosed, "the database is being opened again: " + why.message());
  }
  static Error no_room() { return Error(Errc::kDiskFull, "no room is left on the disk"); }

  void resume() {
    spdlog::info("event=room_again");
    waiting_for_room = false;
    {
      const std::lock_guard lock(mutex);
      failed.reset();
      healthy = !refusal;
    }
    tell_change();
  }

  void tell_change() {
    std::function<void()> told;
    {
      const std::lock_guard lock(mutex);
      told = listener;
    }
    if (told) asio::post(loop, std::move(told));
  }

  void commit_group() {
    {
      const std::lock_guard lock(mutex);
      queues.begin_group();
    }
    const bool room = !broken && has_room(kRoomMin);
    std::size_t taken = 0;
    Clock::duration patience =
        std::min<Clock::duration>(kCompanyPatience, commit_took / kCompanyShare);
    Clock::time_point last_taken_at = Clock::now();
    const auto take = [&] {
      std::unique_lock lock(mutex);
      auto job = queues.take();
      if (!job && taken > 0 && taken < company && patience > Clock::duration::zero()) {
        const auto since = Clock::now();
        work.wait_for(lock, patience, [this] { return stopping || !queues.empty(); });
        patience -= Clock::now() - since;
        job = queues.take();
      }
      if (job) ++taken;
      last_taken_at = Clock::now();
      return job;
    };
    const auto full = room ? std::nullopt : std::optional(no_room());
    auto group = store::commit_group(*replica, clock.now(), take, full);
    company = taken;
    commit_took = Clock::now() - last_taken_at;
    swollen = swollen || group.bytes > kBurstBytes;
    worked_at = Clock::now();
    {
      const std::lock_guard lock(mutex);
      queues.set_unfinished(room && group.committed && group.unfinished);
    }
    if (group.spoiled) {
      spdlog::error("event=group_spoiled error={}", in_quotes(group.spoiled->message()));
      faults.note("writer", group.spoiled->detail(), clock.now());
    }
    if (!group.committed) {
      fail(group.committed.error(), Broken::kYes);
    } else if (!room) {
      fail(no_room(), Broken::kNo);
    }
    finish(group);
  }

  void finish(store::CommittedGroup& group) {
    if (group.changed) tell_change();
    for (auto& [job, result] : group.jobs) answer(job, result);
    if (!group.changed) return;
    {
      const std::lock_guard lock(mutex);  // no waiter may look between the commit and the call
    }
    change.notify_all();
  }

  void fail(const Error& error, Broken how) {
    if (broken) return;
    waiting_for_room = how == Broken::kNo;
    if (waiting_for_room) spdlog::error("event=disk_full note=\"read-only until there is room\"");
    std::deque<QueuedJob> orphans;
    std::function<void(Error)> told;
    {
      const std::lock_guard lock(mutex);
      broken = how == Broken::kYes;
      told = failure_listener;
      failed = error;
      healthy = false;
      orphans = queues.take_all();
    }
    for (auto& job : orphans) answer(job, error);
    if (broken && told) asio::post(loop, [told, error] { told(error); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    work.notify_all();
    change.notify_all();
    if (writer.joinable()) writer.join();
  }
};

Engine::Engine(std::unique_ptr<store::Replica> replica, const WallClock& clock,
               asio::any_io_executor loop, std::optional<Reserve> reserve,
               std::optional<Error> refusal)
    : impl_(std::make_unique<Impl>(std::move(replica), clock, std::move(loop), std::move(reserve),
                                   std::move(refusal))) {
  impl_->writer = std::thread([impl = impl_.get()] { impl->run(); });
}

Engine::~Engine() { stop(); }

Result<void> Engine::write(Job job) {
  std::promise<Result<void>> promise;
  auto answer = promise.get_future();
  QueuedJob queued;
  queued.job = std::move(job);
  queued.at_once = [&promise](Result<void> result) { promise.set_value(std::move(result)); };
  impl_->accept(std::move(queued), Urgency::kNow);
  return answer.get();
}

void Engine::post(Job job, Done done, Urgency urgency) {
  QueuedJob queued;
  queued.job = std::move(job);
  queued.later = std::move(done);
  impl_->accept(std::move(queued), urgency);
}

const store::Replica& Engine::replica() const { return *impl_->replica; }
const WallClock& Engine::clock() const { return impl_->clock; }
void Engine::on_change(std::function<void()> listener) {
  const std::lock_guard lock(impl_->mutex);
  impl_->listener = std::move(listener);
}
void Engine::on_failure(std::function<void(Error)> listener) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->broken)
    asio::post(impl_->loop, [listener, error = *impl_->failed] { listener(error); });
  impl_->failure_listener = std::move(listener);
}

bool Engine::wait_for_change(std::uint64_t since, std::chrono::milliseconds timeout) {
  const auto more = [&] { return impl_->replica->last_change() > since; };
  std::unique_lock lock(impl_->mutex);
  impl_->change.wait_for(lock, timeout, [&] { return impl_->stopping || more(); });
  return more();
}

std::optional<Error> Engine::trouble() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->refusal ? impl_->refusal : impl_->failed;
}

const std::optional<Error>& Engine::refusal() const { return impl_->refusal; }

Faults& Engine::faults() const { return impl_->faults; }

bool Engine::healthy() const { return impl_->healthy; }

void Engine::stop() { impl_->stop(); }

}  // namespace lienthong::agent
