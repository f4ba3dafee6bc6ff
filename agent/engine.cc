#include "agent/engine.h"

#include <asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/memory.h"

namespace lienthong::agent {
namespace {

using store::Sync;

constexpr std::size_t kGroupJobsMax = 256;
constexpr std::size_t kGroupBytesMax = 512U << 10;  // of rows; held in memory three times over
constexpr std::size_t kBurstBytes = 256U << 10;   // a group after which memory is given back
constexpr std::chrono::seconds kQuiet{2};         // once there was nothing to do for so long
constexpr std::chrono::seconds kHintPatience{1};
constexpr std::chrono::seconds kRoomInterval{1};  // between looks at the disk while it is full

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
  std::deque<Item> hints;  // what can wait
  std::chrono::steady_clock::time_point hints_since;
  bool stopping = false;
  std::optional<Error> failed;  // nothing is accepted; for good, unless waiting_for_room
  bool waiting_for_room = false;
  bool swollen = true;  // starting, or a burst, went by; the writer's own
  bool latched = false;  // the database itself has failed: it must be opened again
  std::thread writer;

  Impl(std::unique_ptr<store::Replica> r, const WallClock& c, asio::any_io_executor l)
      : replica(std::move(r)), clock(c), loop(std::move(l)) {}

  void accept(Item item, Urgency urgency) {
    std::optional<Error> refusal;
    {
      const std::lock_guard lock(mutex);
      if (failed) {
        refusal = *failed;
      } else if (stopping) {
        refusal = Error(Errc::kClosed, "the agent is stopping");
      } else if (urgency == Urgency::kNow) {
        queue.push_back(std::move(item));
      } else {
        if (hints.empty()) hints_since = std::chrono::steady_clock::now();
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
    if (!has_room(kRoomMin)) fail(no_room());
    for (;;) {
      {
        std::unique_lock lock(mutex);
        await_work(lock);
        if (stopping && queue.empty() && hints.empty()) return;
      }
      if (waiting_for_room) {
        look_for_room();
      } else {
        commit_group();
      }
    }
  }

  // With the lock held, until there is something to do or to look after.
  void await_work(std::unique_lock<std::mutex>& lock) {
    const auto needed = [this] { return stopping || !queue.empty(); };
    if (waiting_for_room) {
      work.wait_for(lock, kRoomInterval, needed);
    } else if (!needed()) {
      const auto any = [&] { return needed() || !hints.empty(); };
      if (swollen && !work.wait_for(lock, kQuiet, any)) {
        swollen = false;
        give_back_memory();
      }
      work.wait(lock, any);
      if (!needed()) work.wait_until(lock, hints_since + kHintPatience, needed);
    }
  }

  bool has_room(std::uint64_t wanted) const {
    const auto room = replica->free_bytes();
    return !room || *room >= wanted;
  }
  static Error no_room() { return Error(Errc::kDiskFull, "no room is left on the disk"); }

  void look_for_room() {
    if (!has_room(kRoomToResume)) return;
    {
      const std::lock_guard lock(mutex);
      waiting_for_room = false;
      if (!latched) failed.reset();
    }
    if (latched) return tell_failure(no_room());
    if (listener) asio::post(loop, listener);
  }

  std::optional<std::pair<Item, Sync>> take() {
    const std::lock_guard lock(mutex);
    const bool urgent = !queue.empty();
    auto& from = urgent ? queue : hints;
    if (from.empty()) return std::nullopt;
    std::pair<Item, Sync> taken(std::move(from.front()), urgent ? Sync::kYes : Sync::kNo);
    from.pop_front();
    return taken;
  }

  void commit_group() {
    std::vector<std::pair<Item, Result<void>>> group;
    const auto registry_before = replica->registry();
    std::size_t succeeded = 0;
    Result<void> committed;
    bool entered = false;
    Sync sync = Sync::kNo;
    const bool room = has_room(kRoomMin);
    {
      store::Transaction transaction(*replica, clock.now());
      while (group.size() < kGroupJobsMax && transaction.bytes() < kGroupBytesMax) {
        auto taken = take();
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
      if (succeeded > 0) committed = transaction.commit(entered ? Sync::kYes : sync);
    }
    if (!room) fail(no_room());
    if (!committed) {
      latched = true;
      fail(committed.error());
    }
    const bool changed = committed && (entered || replica->registry() != registry_before);
    finish(group, committed, changed);
  }

  void finish(std::vector<std::pair<Item, Result<void>>>& group, const Result<void>& committed,
              bool changed) {
    if (changed && listener) asio::post(loop, listener);
    for (auto& [item, result] : group) answer(item, result && !committed ? committed : result);
    if (!changed) return;
    {
      const std::lock_guard lock(mutex);  // no waiter may look between the commit and the call
    }
    change.notify_all();
  }

  void fail(const Error& error) {
    std::deque<Item> orphans;
    const bool may_end = error.code() == Errc::kDiskFull && replica->free_bytes().has_value();
    {
      const std::lock_guard lock(mutex);
      failed = error;
      waiting_for_room = may_end;
      orphans.swap(queue);
      for (Item& hint : hints) orphans.push_back(std::move(hint));
      hints.clear();
    }
    for (auto& item : orphans) answer(item, error);
    change.notify_all();
    if (!may_end) tell_failure(error);
  }

  void tell_failure(const Error& error) {
    if (!failure_listener) return;
    asio::post(loop, [listener_copy = failure_listener, error] { listener_copy(error); });
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
               asio::any_io_executor loop)
    : impl_(std::make_unique<Impl>(std::move(replica), clock, std::move(loop))) {
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
void Engine::on_change(std::function<void()> listener) { impl_->listener = std::move(listener); }
void Engine::on_failure(std::function<void(Error)> listener) {
  impl_->failure_listener = std::move(listener);
}

bool Engine::wait_for_change(std::uint64_t since, std::chrono::milliseconds timeout) {
  const auto more = [&] { return impl_->replica->last_change() > since; };
  std::unique_lock lock(impl_->mutex);
  impl_->change.wait_for(lock, timeout, [&] {
    return impl_->stopping || (impl_->failed && !impl_->waiting_for_room) || more();
  });
  return more();
}

std::optional<Error> Engine::trouble() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->failed;
}

void Engine::stop() { impl_->stop(); }

}  // namespace lienthong::agent
