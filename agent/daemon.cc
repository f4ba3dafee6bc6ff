#include "agent/daemon.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>

#include "agent/api/server.h"
#include "agent/api/shut.h"
#include "agent/config/calendar_file.h"
#include "agent/engine/clock.h"
#include "agent/engine/log.h"
#include "agent/engine/memory.h"
#include "agent/engine/systemd.h"
#include "agent/files/blob_keeper.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"
#include "agent/links/backoff.h"
#include "agent/links/peer_set.h"
#include "agent/net/net.h"
#include "protocol/record/registry.h"
#include "store/office/projections.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::milliseconds kStopMax{1800};
constexpr std::chrono::milliseconds kChildStep{50};
constexpr std::chrono::seconds kReopenFirst{1}, kReopenMax{60};  // between attempts

std::vector<ApiLogLine> recent_lines(std::size_t limit) {
  std::vector<ApiLogLine> out;
  for (LogLine& line : recent_log_lines(limit)) {
    ApiLogLine shown;
    shown.at = line.at;
    shown.level = std::move(line.level);
    shown.text = std::move(line.text);
    out.push_back(std::move(shown));
  }
  return out;
}

}  // namespace

struct Daemon::Impl {
  Impl(Config c, std::filesystem::path f, const WallClock& w, Entropy& e)
      : config(std::move(c)), file(std::move(f)), clock(w), entropy(e) {}

  void narrow_folder() const;
  Result<void> open();
  Result<void> open_replica(const NodeFiles& files);
  bool open_patiently();
  void wait_closed(const Error& why, std::chrono::seconds pause);
  void close();
  void on_store_failure(const Error& error);
  Result<void> serve_api(const DhKey& dh_key);
  void wait_for_signal();
  void on_signal(int signal);
  void reload();
  void stop();
  void stop_links();
  void keep_alive(std::chrono::microseconds interval);
  std::string introduction() const;

  Config config;
  std::filesystem::path file;
  const WallClock& clock;
  Entropy& entropy;
  Reserve reserve{config.data_dir / kReserveFile};
  int exit_code = 0;
  bool stopping = false;
  bool links_stopped = false;
  std::optional<Error> failure;  // the database is to be closed and opened again
  asio::io_context loop{1};
  asio::signal_set signals{loop};
  asio::steady_timer alive{loop}, deadline{loop};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<BlobKeeper> blobs;
  std::unique_ptr<PeerSet> peers;
  std::unique_ptr<ApiServer> api;
  ShutApi shut;
};

// A disk that is full when it is opened gets the room of the reserve.
Result<void> Daemon::Impl::open_replica(const NodeFiles& files) {
  store::Options options = store::office_options();
  options.path = (config.data_dir / kStoreFolder).string();
  options.entropy = &entropy;
  options.released_at = kReleasedAfter;
  auto replica = store::Replica::open(options, files.identity(), files.root);
  if (!replica && replica.error().code() == Errc::kDiskFull) {
    reserve.release();
    replica = store::Replica::open(options, files.identity(), files.root);
  }
  if (!replica && replica.error().code() == Errc::kBusy) {
    return Error(Errc::kBusy, "another agent runs on " + config.data_dir.string());
  }
  if (!replica) return replica.error();
  engine = std::make_unique<Engine>(std::move(*replica), clock, loop.get_executor(), reserve);
  engine->on_failure([this](const Error& error) { on_store_failure(error); });
  return {};
}

// What somebody before us left open to others of this machine. Where it cannot be changed it is
// named, here and by check, and the work goes on.
void Daemon::Impl::narrow_folder() const {
  const auto found = narrow(config.data_dir, Secrets::kLeft);
  if (!found) {
    spdlog::error("event=open_to_others error={}", in_quotes(found.error().message()));
    return;
  }
  for (const Wide& wide : *found)
    spdlog::warn("event=narrowed path={} mode={:o}", wide.path.string(), wide.mode & wide.allowed);
}

Result<void> Daemon::Impl::open() {
  ::umask(S_IWGRP | S_IRWXO);
  narrow_folder();
  LT_TRY(const NodeFiles files, load_node_files(config.data_dir));
  LT_TRY_VOID(open_replica(files));
  peers = std::make_unique<PeerSet>(loop, *engine, config.links(), files.keys.dh, entropy);
  LT_TRY(auto scans, store::Blobs::open(engine->replica()));
  blobs = std::make_unique<BlobKeeper>(std::move(scans), *engine, entropy, BlobPolicy(),
                                       loop.get_executor());
  peers->set_blobs(*blobs);
  LT_TRY_VOID(peers->start());
  return serve_api(files.keys.dh);
}

// What did not reach the disk may still be in the page cache, and nowhere else: everything that
// has read from it goes. Opening replays the log into new files, which are synced before they
// count.
void Daemon::Impl::on_store_failure(const Error& error) {
  spdlog::error("event=store_failed error={} action=\"closing, to be opened again\"",
                in_quotes(error.message()));
  failure = error;
  if (!links_stopped) stop_links();
}

// Once it returns, nothing holds the database. The loop is not running.
void Daemon::Impl::close() {
  if (api) api->stop();
  if (peers && !links_stopped) stop_links();
  while (peers && peers->children() > 0) {
    loop.restart();
    loop.run_for(kChildStep);
  }
  if (blobs) blobs->stop();
  if (engine) engine->stop();
  deadline.cancel();
  loop.restart();
  while (loop.poll() > 0) loop.restart();  // what they posted
  api.reset();
  peers.reset();
  blobs.reset();
  engine.reset();
  links_stopped = false;
}

// Says why and serves signals meanwhile.
void Daemon::Impl::wait_closed(const Error& why, std::chrono::seconds pause) {
  if (const auto answering = shut.start(config.api.socket.string(), why); !answering)
    spdlog::error("event=api_shut error={}", in_quotes(answering.error().message()));
  notify_ready("waiting: " + why.message());
  loop.restart();
  loop.run_for(pause);
}

// False: told to stop, or it is of no use to try again; then the exit code is set.
bool Daemon::Impl::open_patiently() {
  const bool again = failure.has_value();
  for (auto pause = kReopenFirst; !stopping; pause = std::min(pause * 2, kReopenMax)) {
    if (failure && failure->code() == Errc::kDiskFull) reserve.release();
    shut.stop();
    auto opened = open();
    if (opened) {
      failure.reset();
      return true;
    }
    close();
    const Errc code = opened.error().code();
    if (code != Errc::kDiskFull && !(again && code == Errc::kIo)) {
      spdlog::error("event=not_started error={}", in_quotes(opened.error().message()));
      exit_code = 1;
      return false;
    }
    spdlog::error("event=not_opened error={} next_seconds={}", in_quotes(opened.error().message()),
                  pause.count());
    failure = opened.error();
    wait_closed(opened.error(), pause);
  }
  return false;
}

Result<void> Daemon::Impl::serve_api(const DhKey& dh_key) {
  ApiServerConfig api_config;
  api_config.socket = config.api.socket.string();
  api_config.listen = config.api.listen;
  api_config.token_file = config.api.token_file.string();
  api_config.program_version = LIENTHONG_VERSION;
  api_config.started_at = clock.now();
  api_config.data_dir = config.data_dir.string();
  api_config.dh_key = dh_key.public_key();
  api_config.entropy = &entropy;
  LT_TRY(auto calendar, load_calendar(config.office.calendar));
  api_config.calendar = std::make_shared<const store::Calendar>(std::move(calendar));
  api_config.blobs = blobs.get();
  api_config.bundle_key = dh_key;
  api_config.recent_log = recent_lines;
  api = std::make_unique<ApiServer>(*engine, *peers, std::move(api_config));
  return api->start();
}

std::string Daemon::Impl::introduction() const {
  const auto registry = engine->replica().registry();
  const AgencyInfo* agency = registry->find_agency(engine->replica().identity().agency);
  const std::string code = agency == nullptr ? "unknown" : agency->code;
  return "agency=" + code + " node=" + engine->replica().identity().node.short_hex() +
         " version=" + LIENTHONG_VERSION;
}

void Daemon::Impl::wait_for_signal() {
  signals.async_wait([this](const asio::error_code& problem, int signal) {
    if (problem) return;
    on_signal(signal);
    wait_for_signal();
  });
}

void Daemon::Impl::on_signal(int signal) {
  if (signal == SIGHUP) return reload();
  spdlog::info("event=stopping signal={}", signal);
  if (stopping) return loop.stop();  // asked twice: at once
  stop();
}

void Daemon::Impl::reload() {
  if (!peers) return spdlog::warn("event=reload_refused error=\"the database is not open\"");
  notify_reloading();
  ConfigReading reading = load_config(file);
  if (!reading.mistakes.empty()) {
    for (const auto& mistake : reading.mistakes) {
      spdlog::error("event=reload_refused file={} line={} error={}", file.string(), mistake.line,
                    in_quotes(mistake.text));
    }
  } else {
    Config fresh = std::move(reading.config);
    set_log_level(fresh.log_level);
    peers->set_neighbours(fresh.neighbours);
    Config comparable = fresh;
    comparable.log_level = config.log_level;
    comparable.neighbours = config.neighbours;
    if (comparable != config) {
      spdlog::warn(
          "event=reloaded note=\"data_dir, listen, advertise, [api], [link] or [office] changed: "
          "needs a "
          "restart\"");
    } else {
      spdlog::info("event=reloaded neighbours={} log={}", fresh.neighbours.size(), fresh.log_level);
    }
    config.neighbours = fresh.neighbours;
    config.log_level = fresh.log_level;
  }
  notify_ready(introduction());
}

void Daemon::Impl::stop() {
  stopping = true;
  notify_stopping();
  if (!peers) return loop.stop();
  if (!links_stopped) stop_links();
}

void Daemon::Impl::stop_links() {
  links_stopped = true;
  deadline.expires_after(kStopMax);
  deadline.async_wait([this](const asio::error_code& problem) {
    if (!problem) loop.stop();
  });
  peers->stop([this] { loop.stop(); });
}

void Daemon::Impl::keep_alive(std::chrono::microseconds interval) {
  notify_alive();
  alive.expires_after(interval);
  alive.async_wait([this, interval](const asio::error_code& problem) {
    if (!problem) keep_alive(interval);
  });
}

Daemon::Daemon(Config config, std::filesystem::path file, const WallClock& clock, Entropy& entropy)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(file), clock, entropy)) {}

Daemon::~Daemon() = default;

int Daemon::run() {
  Impl& impl = *impl_;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) impl.signals.add(signal);
  std::signal(SIGPIPE, SIG_IGN);
  impl.wait_for_signal();
  if (const auto interval = watchdog_interval()) impl.keep_alive(*interval);
  while (impl.open_patiently()) {
    spdlog::info("event=started {}", impl.introduction());
    notify_ready(impl.introduction());
    give_back_memory();
    impl.loop.restart();
    impl.loop.run();
    if (impl.stopping || !impl.failure) break;
    const auto why = *impl.failure;
    if (impl.api) impl.api->stop();
    impl.wait_closed(why, {});
    impl.close();
  }
  if (impl.blobs) impl.blobs->stop();
  if (impl.engine) impl.engine->stop();  // also wakes the API's long polls
  if (impl.api) impl.api->stop();
  impl.shut.stop();
  if (impl.exit_code == 0) spdlog::info("event=stopped");
  return impl.exit_code;
}

bool Daemon::has_stragglers() const { return impl_->peers && impl_->peers->children() > 0; }

}  // namespace lienthong::agent
