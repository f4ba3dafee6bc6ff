#include "agent/daemon.h"

#include <spdlog/spdlog.h>

#include <asio/signal_set.hpp>
#include <csignal>

#include "agent/api_server.h"
#include "agent/blob_keeper.h"
#include "agent/calendar_file.h"
#include "agent/calendar_file.h"
#include "agent/identity_files.h"
#include "agent/log.h"
#include "agent/net.h"
#include "agent/peer_set.h"
#include "agent/systemd.h"
#include "protocol/record/registry.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::milliseconds kStopMax{1800};

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

  Result<void> open();
  Result<void> serve_api(const DhKey& dh_key);
  void wait_for_signal();
  void on_signal(int signal);
  void reload();
  void stop();
  void keep_alive(std::chrono::microseconds interval);
  std::string introduction() const;

  Config config;
  std::filesystem::path file;
  const WallClock& clock;
  Entropy& entropy;
  int exit_code = 0;
  bool stopping = false;
  asio::io_context loop{1};
  asio::signal_set signals{loop};
  asio::steady_timer alive{loop}, deadline{loop};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<BlobKeeper> blobs;
  std::unique_ptr<PeerSet> peers;
  std::unique_ptr<ApiServer> api;
};

Result<void> Daemon::Impl::open() {
  LT_TRY(const NodeFiles files, load_node_files(config.data_dir));
  store::Options options;
  options.path = (config.data_dir / kStoreFolder).string();
  options.entropy = &entropy;
  auto replica = store::Replica::open(options, files.identity(), files.root);
  if (!replica && replica.error().code() == Errc::kBusy) {
    return Error(Errc::kBusy, "another agent runs on " + config.data_dir.string());
  }
  if (!replica) return replica.error();
  engine = std::make_unique<Engine>(std::move(*replica), clock, loop.get_executor());
  engine->on_failure([this](const Error& error) {
    spdlog::error("event=store_failed error={} action=\"ending, to be started again\"",
                  in_quotes(error.message()));
    exit_code = 1;
    loop.stop();
  });
  peers = std::make_unique<PeerSet>(loop, *engine, config, files.keys.dh, entropy);
  LT_TRY(auto scans, store::Blobs::open(engine->replica()));
  blobs = std::make_unique<BlobKeeper>(std::move(scans), *engine, entropy, BlobPolicy(),
                                       loop.get_executor());
  peers->set_blobs(*blobs);
  LT_TRY_VOID(peers->start());
  return serve_api(files.keys.dh);
}

Result<void> Daemon::Impl::serve_api(const DhKey& dh_key) {
  ApiServerConfig api_config;
  api_config.socket = config.api.socket.string();
  api_config.listen = config.api.listen;
  api_config.token_file = config.api.token_file.string();
  api_config.program_version = LIENTHONG_VERSION;
  api_config.started_at = clock.now();
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
  if (const auto opened = impl.open(); !opened) {
    spdlog::error("event=not_started error={}", in_quotes(opened.error().message()));
    return 1;
  }
  impl.wait_for_signal();
  if (const auto interval = watchdog_interval()) impl.keep_alive(*interval);
  spdlog::info("event=started {}", impl.introduction());
  notify_ready(impl.introduction());
  impl.loop.run();
  impl.blobs->stop();
  impl.engine->stop();  // also wakes the API's long polls
  impl.api->stop();
  spdlog::info("event=stopped");
  return impl.exit_code;
}

bool Daemon::has_stragglers() const { return impl_->peers && impl_->peers->children() > 0; }

}  // namespace lienthong::agent
