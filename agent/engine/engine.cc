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

namespace lienthong::agent {
namespace {

using store::Sync;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kGroupJobsMax = 256;
constexpr std::size_t kGroupBytesMax = 512U << 10;  // of rows; held in memory three times over
constexpr std::size_t kBurstBytes = 256U << 10;     // a group after which memory is given back
constexpr std::chrono::seconds kQuiet{2};           // once there was nothing to do for so long
constexpr std::chrono::seconds kHintPatience{1};
constexpr std::chrono::seconds kLookInterval{1};  // between looks at the disk

enum class Broken { kNo, kYes };  // the replica, or only without room

struct Item {
  Engine::Job job;
  Engine::Done done;  // on the loop; empty for write()
  std::promise<Result<void>>* waiter = nullptr;
};

Result<void> run_job(const Engine::Job& job, store::Transaction& transaction) {
  try {
    return job(transaction);
  } catch (const std::exception& problem) {  // a bug; the rest of the group must not pay for it
    return Error(Errc::kCorrupt, std::string("a write ended unexpectedly: ") + problem.what());
  }
}

}  // namespace

struct Engine::Impl {
  std::unique_ptr<store::Replica> replica;
  const WallClock& clock;
  asio::any_io_executor loop;
  std::function<void()> listener;
  std::function<void(Error)> failure_listener;

  std::mutex mutex;
  std::condition_variable work, change;
  std::deque<Item> queue;
  std::deque<Item> in_turn;  // after the queue
  std::deque<Item> hints;    // what can wait
  Clock::time_point hints_since;
  bool stopping = false;
  std::optional<Error> failed;  // nothing is accepted: until there is room, or for good
  std::atomic<bool> healthy{true};
  // The writer's own:
  bool waiting_for_room = false;
  bool broken = false;     // the replica must be opened again; set under the mutex
  bool swollen = false;    // a burst went by
  bool turn_taken = true;  // the last group took something in its turn
  bool reserve_there = false;
  Clock::time_point worked_at, looked_at;
  std::optional<Reserve> reserve;
  std::thread writer;

  Impl(std::unique_ptr<store::Replica> r, const WallClock& c, asio::any_io_executor l,
       std::optional<Reserve> kept)
      : replica(std::move(r)), clock(c), loop(std::move(l)), reserve(std::move(kept)) {}

  void accept(Item item, Urgency urgency) {
    std::optional<Error> refusal;
    {
      const std::lock_guard lock(mutex);
      if (failed) {
        refusal = failed->code() == Errc::kDiskFull ? *failed : being_opened(*failed);
      } else if (stopping) {
        refusal = Error(Errc::kClosed, "the agent is stopping");
      } else if (urgency != Urgency::kCanWait) {
        (urgency == Urgency::kNow ? queue : in_turn).push_back(std::move(item));
      } else {
        if (hints.empty()) hints_since = Clock::now();
        hints.push_back(std::move(item));
      }
    }
    if (refusal) {
      answer(item, *refusal);
    } else {
      work.notify_one();
    }
  }

  void answer(Item& item, Result<void> result) {
    if (item.waiter != nullptr) {
      item.waiter->set_value(std::move(result));
    } else if (item.done) {
      asio::post(loop, [done = std::move(item.done), result = std::move(result)] { done(result); });
    }
  }

  void run() {
    look();
    for (;;) {
      bool due = false;
      {
        std::unique_lock lock(mutex);
        due = await_work(lock);
        if (stopping && queue.empty() && in_turn.empty() && hints.empty()) return;
      }
      if (Clock::now() - looked_at >= kLookInterval) look();
      if (due) commit_group();
    }
  }

  // With the lock held, until there is something to commit, or it is time to look at the disk:
  // then it is false.
  bool await_work(std::unique_lock<std::mutex>& lock) {
    const auto needed = [this] { return stopping || !queue.empty() || !in_turn.empty(); };
    const auto look_at = looked_at + kLookInterval;
    if (!work.wait_until(lock, look_at, [&] { return needed() || !hints.empty(); })) return false;
    const auto hints_due = hints_since + kHintPatience;
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
      healthy = true;
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

  // `in_turn_first`: of what waits its turn, if there is any.
  std::optional<std::pair<Item, Sync>> take(bool in_turn_first) {
    const std::lock_guard lock(mutex);
    const bool turn = !in_turn.empty() && (in_turn_first || queue.empty());
    auto& from = turn ? in_turn : !queue.empty() ? queue : hints;
    if (from.empty()) return std::nullopt;
    const Sync sync = &from == &hints ? Sync::kNo : Sync::kYes;
    std::pair<Item, Sync> taken(std::move(from.front()), sync);
    from.pop_front();
    turn_taken = turn_taken || turn;
    return taken;
  }

  void commit_group() {
    std::vector<std::pair<Item, Result<void>>> group;
    const auto registry_before = replica->registry();
    std::size_t succeeded = 0;
    Result<void> committed;
    bool entered = false;
    Sync sync = Sync::kNo;
    const bool room = !broken && has_room(kRoomMin);
    const bool in_turn_due = !std::exchange(turn_taken, false);
    {
      store::Transaction transaction(*replica, clock.now());
      while (group.size() < kGroupJobsMax && transaction.bytes() < kGroupBytesMax) {
        auto taken = take(in_turn_due && !turn_taken);
        if (!taken) break;
        auto& [item, wanted] = *taken;
        transaction.savepoint();
        auto result = room ? run_job(item.job, transaction) : Result<void>(no_room());
        if (result) {
          ++succeeded;
          if (wanted == Sync::kYes) sync = Sync::kYes;
        } else {
          transaction.rollback();
        }
        group.emplace_back(std::move(item), std::move(result));
      }
      entered = !transaction.entered().empty();
      swollen = swollen || transaction.bytes() > kBurstBytes;
      worked_at = Clock::now();
      if (succeeded > 0) committed = transaction.commit(entered ? Sync::kYes : sync);
    }
    if (!committed) {
      fail(committed.error(), Broken::kYes);
    } else if (!room) {
      fail(no_room(), Broken::kNo);
    }
    const bool changed = committed && (entered || replica->registry() != registry_before);
    finish(group, committed, changed);
  }

  void finish(std::vector<std::pair<Item, Result<void>>>& group, const Result<void>& committed,
              bool changed) {
    if (changed) tell_change();
    for (auto& [item, result] : group) answer(item, result && !committed ? committed : result);
    if (!changed) return;
    {
      const std::lock_guard lock(mutex);  // no waiter may look between the commit and the call
    }
    change.notify_all();
  }

  void fail(const Error& error, Broken how) {
    if (broken) return;
    waiting_for_room = how == Broken::kNo;
    if (waiting_for_room) spdlog::error("event=disk_full note=\"read-only until there is room\"");
    std::deque<Item> orphans;
    std::function<void(Error)> told;
    {
      const std::lock_guard lock(mutex);
      broken = how == Broken::kYes;
      told = failure_listener;
      failed = error;
      healthy = false;
      orphans.swap(queue);
      for (auto* rest : {&in_turn, &hints}) {
        for (Item& item : *rest) orphans.push_back(std::move(item));
        rest->clear();
      }
    }
    for (auto& item : orphans) answer(item, error);
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
               asio::any_io_executor loop, std::optional<Reserve> reserve)
    : impl_(
          std::make_unique<Impl>(std::move(replica), clock, std::move(loop), std::move(reserve))) {
  impl_->writer = std::thread([impl = impl_.get()] { impl->run(); });
}

Engine::~Engine() { stop(); }

Result<void> Engine::write(Job job) {
  std::promise<Result<void>> promise;
  auto answer = promise.get_future();
  Item item;
  item.job = std::move(job);
  item.waiter = &promise;
  impl_->accept(std::move(item), Urgency::kNow);
  return answer.get();
}

void Engine::post(Job job, Done done, Urgency urgency) {
  Item item;
  item.job = std::move(job);
  item.done = std::move(done);
  impl_->accept(std::move(item), urgency);
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
  return impl_->failed;
}

bool Engine::healthy() const { return impl_->healthy; }

void Engine::stop() { impl_->stop(); }

}  // namespace lienthong::agent
