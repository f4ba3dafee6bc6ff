#include "agent/engine.h"

#include <asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace lienthong::agent {
namespace {

// One group is about 4 MB at most: 4,096 updates of 1 KB.
constexpr std::size_t kGroupJobsMax = 256;
constexpr std::size_t kGroupUpdatesMax = 4096;

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
  bool stopping = false;
  std::optional<Error> failed;  // of a commit: nothing more is accepted
  std::thread writer;

  Impl(std::unique_ptr<store::Replica> r, const WallClock& c, asio::any_io_executor l)
      : replica(std::move(r)), clock(c), loop(std::move(l)) {}

  void accept(Item item) {
    std::optional<Error> refusal;
    {
      const std::lock_guard lock(mutex);
      if (failed) {
        refusal = *failed;
      } else if (stopping) {
        refusal = Error(Errc::kClosed, "the agent is stopping");
      } else {
        queue.push_back(std::move(item));
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
    for (;;) {
      {
        std::unique_lock lock(mutex);
        work.wait(lock, [this] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
      }
      commit_group();
    }
  }

  std::optional<Item> take() {
    const std::lock_guard lock(mutex);
    if (queue.empty()) return std::nullopt;
    Item item = std::move(queue.front());
    queue.pop_front();
    return item;
  }

  void commit_group() {
    std::vector<std::pair<Item, Result<void>>> group;
    const auto registry_before = replica->registry();
    std::size_t succeeded = 0;
    Result<void> committed;
    bool entered = false;
    {
      store::Transaction transaction(*replica, clock.now());
      while (group.size() < kGroupJobsMax && transaction.entered().size() < kGroupUpdatesMax) {
        auto item = take();
        if (!item) break;
        transaction.savepoint();
        auto result = run_job(item->job, transaction);
        if (result) {
          ++succeeded;
        } else {
          transaction.rollback();
        }
        group.emplace_back(std::move(*item), std::move(result));
      }
      entered = !transaction.entered().empty();
      if (succeeded > 0) committed = transaction.commit();
    }
    if (!committed) fail(committed.error());
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
    {
      const std::lock_guard lock(mutex);
      failed = error;
      orphans.swap(queue);
    }
    for (auto& item : orphans) answer(item, error);
    change.notify_all();
    if (failure_listener) {
      asio::post(loop, [listener_copy = failure_listener, error] { listener_copy(error); });
    }
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
  impl_->accept(std::move(item));
  return answer.get();
}

void Engine::post(Job job, Done done) {
  Item item;
  item.job = std::move(job);
  item.done = std::move(done);
  impl_->accept(std::move(item));
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
  impl_->change.wait_for(lock, timeout, [&] { return impl_->stopping || impl_->failed || more(); });
  return more();
}

void Engine::stop() { impl_->stop(); }

}  // namespace lienthong::agent
