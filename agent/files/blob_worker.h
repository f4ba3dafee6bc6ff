// One thread of low priority for what scans cost: chunks to disk, the index, counting. So neither
// the loop nor the writer of records ever waits for a scan.
//
// Threads: post() and stop() from any; `done` runs on the loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace asio {
class any_io_executor;
}

namespace lienthong::agent {

class BlobWorker {
 public:
  // `failed` is told, on the worker's thread, when an exception ended a job; `done` runs all the
  // same.
  BlobWorker(asio::any_io_executor loop, std::function<void(const std::string&)> failed);
  ~BlobWorker();  // stop()

  // In order. After stop() nothing is taken on and `done` never runs.
  void post(std::function<void()> work, std::function<void()> done);
  // Finishes the job under way, forgets the others. Idempotent.
  void stop();

 private:
  struct Job {
    std::function<void()> work, done;
  };
  void run();

  std::unique_ptr<asio::any_io_executor> loop_;
  const std::function<void(const std::string&)> failed_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lienthong::agent
