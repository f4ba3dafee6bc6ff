#include "agent/engine/scrubber.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/engine/log.h"
#include "protocol/record/registry.h"
#include "store/replica/erasures.h"
#include "store/replica/registry_copy.h"
#include "store/replica/scrub.h"

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kDueInterval{1};
constexpr std::uint64_t kLastStepBytes = 1ULL << 20;  // as if so much had been read
constexpr milliseconds kPauseMin{100};

}  // namespace

struct Scrubber::Impl {
  Impl(Engine& e, std::string p, milliseconds r)
      : engine(e), path(std::move(p)), round(r), state(store::scrub_state(engine.replica())) {
    thread = std::thread([this] { run(); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    thread.join();
  }

  // True: told to stop.
  bool sleep(milliseconds pause) {
    std::unique_lock lock(mutex);
    return wake.wait_for(lock, pause, [this] { return stopping; });
  }

  void run() {
    milliseconds left{kDueInterval};  // until the next step
    copy_registry();
    clear_erased();
    while (!sleep(std::min<milliseconds>(left, kDueInterval))) {
      left -= std::min<milliseconds>(left, kDueInterval);
      copy_registry();
      clear_erased();
      if (round.count() == 0 || left.count() > 0) {
        left = round.count() == 0 ? milliseconds(kDueInterval) : left;
        continue;
      }
      left = step();
      if (failed) return;
    }
  }

  void copy_registry() {
    const std::size_t now = engine.replica().registry()->size();
    if (now == copied) return;
    try {
      if (const auto done = store::write_registry_copy(engine.replica(), path); done.ok())
        copied = now;
      else
        spdlog::warn("event=registry_copy error={}", in_quotes(done.error().message()));
    } catch (const std::exception& problem) {
      spdlog::error("event=registry_copy error={}", in_quotes(problem.what()));
    }
  }

  // What was erased a minute ago, so that scans are gone as well, leaves the files of the disk.
  void clear_erased() {
    constexpr UnixMillis kRipe = 60'000;
    try {
      const auto due = store::erased_to_clear(engine.replica(), engine.clock().now() - kRipe);
      if (due.empty()) return;
      if (const auto done = store::clear_erased(engine.replica(), due); !done.ok())
        return spdlog::warn("event=erased_not_cleared error={}", in_quotes(done.error().message()));
      spdlog::info("event=erased_cleared records={}", due.size());
      (void)engine.write([&due](store::Transaction& transaction) -> Result<void> {
        store::note_cleared(transaction, due);
        return {};
      });
    } catch (const std::exception& problem) {
      spdlog::error("event=erased_not_cleared error={}", in_quotes(problem.what()));
    }
  }

  // Reads the next piece; the pause until the one after it.
  milliseconds step() {
    const UnixMillis now = engine.clock().now();
    if (state.begun == 0) {
      state.begun = now;
      state.file = 0;
    }
    std::uint64_t bytes = 0;
    try {
      bytes = read_next();
    } catch (const std::exception& problem) {
      spdlog::error("event=scrub error={}", in_quotes(problem.what()));
      failed = true;
      return kDueInterval;
    }
    (void)engine.write([this](store::Transaction& transaction) -> Result<void> {
      store::note_scrub_state(transaction, state);
      return {};
    });
    const auto all = static_cast<double>(std::max<std::uint64_t>(engine.replica().disk_bytes(), 1));
    const double part = std::min(1.0, static_cast<double>(bytes) / all);
    const double pause = static_cast<double>(round.count()) * part;
    return std::max(kPauseMin, milliseconds(static_cast<std::int64_t>(pause)));
  }

  std::uint64_t read_next() {
    const auto files = store::files_to_scrub(engine.replica());
    const auto next = std::ranges::upper_bound(files, state.file, {}, &store::ScrubFile::number);
    if (next != files.end()) {
      state.file = next->number;
      if (const auto done = store::scrub_file(engine.replica(), *next); !done.ok()) {
        spdlog::error("event=scrub_damaged error={}", in_quotes(done.error().message()));
        failed = done.error().code() == Errc::kCorrupt;
      }
      return next->bytes;
    }
    spdlog::info("event=scrubbed");
    state.finished = engine.clock().now();
    state.begun = 0;
    return kLastStepBytes;
  }

  Engine& engine;
  const std::string path;
  const milliseconds round;
  store::ScrubState state;
  std::size_t copied = 0;  // statements in the copy
  bool failed = false;     // the database is about to be closed
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;
};

Scrubber::Scrubber(Engine& engine, std::string database_path, milliseconds round)
    : impl_(std::make_unique<Impl>(engine, std::move(database_path), round)) {}
Scrubber::~Scrubber() = default;

}  // namespace lienthong::agent
