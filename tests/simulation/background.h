// RocksDB's work in the background, at moments that the simulator decides: what it schedules waits
// behind a gate, and one thread does it while the simulator stands still. So one seed gives one
// order of writes to a disk.
//
// Threads: any for the Env; the rest is for the simulator's thread.
#pragma once

#include <rocksdb/env.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace lienthong::sim {

class Background final : public rocksdb::EnvWrapper {
 public:
  // `files`: everything else; outlives it.
  explicit Background(rocksdb::Env* files);
  ~Background() override;

  // Does all that waits, and what comes of it.
  void catch_up();
  // Until shut() everything is done as it comes, for a database that is being closed.
  void open();
  void shut();
  // How often something waited for the background behind the gate: it was let through, and what
  // followed depends on more than the seed.
  std::size_t forced() const;

  // ---- rocksdb::Env ----
  void Schedule(void (*function)(void*), void* arg, Priority priority, void* tag,
                void (*unscheduled)(void*)) override;
  int UnSchedule(void* tag, Priority priority) override;
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;

 private:
  struct Job {
    void (*function)(void*);
    void* arg;
    void* tag;
    void (*unscheduled)(void*);
    Priority priority;
  };
  void work();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t forced_ = 0;
  bool open_ = false;
  bool working_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace lienthong::sim
