#include "agent/files/blob_worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

namespace lienthong::agent {
namespace {

constexpr int kNice = 10;

}  // namespace

BlobWorker::BlobWorker(asio::any_io_executor loop, std::function<void(const std::string&)> failed)
    : loop_(std::make_unique<asio::any_io_executor>(std::move(loop))), failed_(std::move(failed)) {
  thread_ = std::thread([this] { run(); });
}

BlobWorker::~BlobWorker() { stop(); }

void BlobWorker::post(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back({std::move(work), std::move(done)});
  }
  more_.notify_one();
}

void BlobWorker::run() {
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      job.work();
    } catch (const std::exception& problem) {  // a row that cannot be read
      failed_(problem.what());
    }
    if (job.done) asio::post(*loop_, std::move(job.done));
  }
}

void BlobWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  more_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace lienthong::agent
