#include "agent/caretaker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "agent/engine/log.h"
#include "store/desk/recalls.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::seconds kInterval{2};

}  // namespace

struct Caretaker::Impl {
  explicit Impl(Engine& e) : engine(e), thread([this] { run(); }) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    thread.join();
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  void run() {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        if (wake.wait_for(lock, kInterval, [this] { return stopping; })) return;
      }
      try {
        answer_recalls();
      } catch (const std::exception& problem) {  // a row that cannot be read
        spdlog::error("event=caretaker error={}", in_quotes(problem.what()));
      }
    }
  }

  // Where nothing has changed since, only those are looked at that were waiting then.
  void answer_recalls() {
    const std::uint64_t last = engine.replica().last_change();
    if (looked_at != last) {
      waiting = store::waiting_recalls(engine.replica(), [this] { return is_stopping(); });
      looked_at = last;
    }
    const UnixMillis now = engine.clock().now();
    std::vector<store::WaitingRecall> due;
    std::ranges::copy_if(waiting, std::back_inserter(due),
                         [&](const store::WaitingRecall& recall) { return recall.due <= now; });
    if (due.empty() || engine.replica().restored()) return;
    std::size_t answered = 0;
    const auto done = engine.write([&](store::Transaction& transaction) -> Result<void> {
      for (const store::WaitingRecall& recall : due)
        answered += store::answer_recall(transaction, recall) ? 1 : 0;
      return {};
    });
    if (done.ok() && answered > 0) spdlog::info("event=recalls_answered count={}", answered);
  }

  Engine& engine;
  std::optional<std::uint64_t> looked_at;
  std::vector<store::WaitingRecall> waiting;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;  // last: it uses the others
};

Caretaker::Caretaker(Engine& engine) : impl_(std::make_unique<Impl>(engine)) {}
Caretaker::~Caretaker() = default;

}  // namespace lienthong::agent
