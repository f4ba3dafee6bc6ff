#include "agent/links/children.h"

#include <spdlog/spdlog.h>

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>

#include "agent/engine/log.h"
#include "agent/net/net.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::seconds kPauseFirst{1}, kPauseMax{60};

std::string told_by(const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an unknown exception";
  }
}

}  // namespace

Children::Children(asio::any_io_executor executor, Engine& engine)
    : executor_(std::move(executor)), engine_(engine) {}

void Children::note(const std::string& what, const std::string& error) {
  if (engine_.faults().note(what, error, engine_.clock().now()))
    spdlog::error("child=\"{}\" event=ended_unexpectedly error={}", what, in_quotes(error));
}

bool Children::guard(const std::string& what, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (...) {
    note(what, told_by(std::current_exception()));
    return false;
  }
}

void Children::spawn(const std::string& what, asio::awaitable<void> child,
                     std::function<void()> failed) {
  ++count_;
  asio::co_spawn(executor_, std::move(child),
                 [self = shared_from_this(), what,
                  failed = std::move(failed)](const std::exception_ptr& problem) {
                   if (problem) {
                     self->note(what, told_by(problem));
                     if (failed) self->guard(what, failed);
                   }
                   self->ended();
                 });
}

void Children::keep(const std::string& what, Make make) {
  spawn(what, run(shared_from_this(), what, std::move(make)), nullptr);
}

asio::awaitable<void> Children::run(std::shared_ptr<Children> self, std::string what, Make make) {
  asio::steady_timer timer(self->executor_);
  std::chrono::seconds pause = kPauseFirst;
  while (!self->stopping_) {
    const auto begun = std::chrono::steady_clock::now();
    std::exception_ptr problem;
    try {
      asio::awaitable<void> child = make();
      co_await std::move(child);
    } catch (...) {
      problem = std::current_exception();
    }
    if (!problem) co_return;
    self->note(what, told_by(problem));
    if (self->stopping_) co_return;
    if (std::chrono::steady_clock::now() - begun > kPauseMax) pause = kPauseFirst;
    self->pauses_.insert(&timer);
    timer.expires_after(pause);
    co_await timer.async_wait(as_result);
    self->pauses_.erase(&timer);
    pause = std::min(pause * 2, kPauseMax);
  }
}

void Children::ended() {
  --count_;
  if (count_ == 0 && done_) asio::post(executor_, std::exchange(done_, nullptr));
}

void Children::stop(std::function<void()> done) {
  stopping_ = true;
  done_ = std::move(done);
  for (asio::steady_timer* pause : pauses_) pause->cancel();
  if (count_ == 0 && done_) asio::post(executor_, std::exchange(done_, nullptr));
}

}  // namespace lienthong::agent
