#include "tests/simulation/background.h"

#include <algorithm>
#include <chrono>

namespace lienthong::sim {
namespace {

// A write that has to wait for the background would wait for ever behind the gate.
constexpr std::chrono::seconds kStuck{20};

}  // namespace

Background::Background(rocksdb::Env* files) : EnvWrapper(files) {}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Background::catch_up() {
  std::unique_lock lock(mutex_);
  if (jobs_.empty() && !working_) return;
  open_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return jobs_.empty() && !working_; });
  open_ = false;
}

void Background::open() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  changed_.notify_all();
}

void Background::shut() {
  const std::lock_guard lock(mutex_);
  open_ = false;
}

void Background::Schedule(void (*function)(void*), void* arg, Priority priority, void* tag,
                          void (*unscheduled)(void*)) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({function, arg, tag, unscheduled, priority});
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  }
  changed_.notify_all();
}

int Background::UnSchedule(void* tag, Priority priority) {
  std::deque<Job> taken;
  {
    const std::lock_guard lock(mutex_);
    std::deque<Job> kept;
    for (const Job& job : jobs_)
      (job.tag == tag && job.priority == priority ? taken : kept).push_back(job);
    jobs_ = std::move(kept);
  }
  for (const Job& job : taken)
    if (job.unscheduled != nullptr) job.unscheduled(job.arg);
  changed_.notify_all();
  return static_cast<int>(taken.size());
}

std::size_t Background::forced() const {
  const std::lock_guard lock(mutex_);
  return forced_;
}

unsigned int Background::GetThreadPoolQueueLen(Priority priority) const {
  const std::lock_guard lock(mutex_);
  return static_cast<unsigned int>(std::ranges::count_if(
      jobs_, [priority](const Job& job) { return job.priority == priority; }));
}

void Background::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
    if (ended_) return;
    const bool let =
        changed_.wait_for(lock, kStuck, [this] { return ended_ || open_ || jobs_.empty(); });
    if (ended_) return;
    if (jobs_.empty()) continue;
    forced_ += !let;
    const Job job = jobs_.front();
    jobs_.pop_front();
    working_ = true;
    lock.unlock();
    job.function(job.arg);
    lock.lock();
    working_ = false;
    changed_.notify_all();
  }
}

}  // namespace lienthong::sim
