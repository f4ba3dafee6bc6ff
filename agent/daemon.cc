#include "agent/daemon.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>

#include "agent/api/server.h"
#include "agent/api/shut.h"
#include "agent/caretaker.h"
#include "agent/config/calendar_file.h"
#include "agent/config/restore.h"
#include "agent/engine/clock.h"
#include "agent/engine/log.h"
#include "agent/engine/memory.h"
#include "agent/engine/scrubber.h"
#include "agent/engine/systemd.h"
#include "agent/files/blob_keeper.h"
#include "agent/joining/identity_check.h"
#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"
#include "agent/links/backoff.h"
#include "agent/links/peer_set.h"
#include "agent/net/net.h"
#include "agent/recovery.h"
#include "protocol/record/registry.h"
#include "store/exchange/lives.h"
#include "store/office/projections.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::milliseconds kStopMax{1800};
constexpr std::chrono::milliseconds kChildStep{50};
constexpr std::chrono::seconds kReopenFirst{1}, kReopenMax{60};  // between attempts
constexpr std::chrono::seconds kReopenRepaired{5};               // where somebody is to mend a file
constexpr std::chrono::seconds kLookAtFiles{2};
constexpr std::chrono::hours kSendRefusedAgain{24};

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
  store::Options store_options();
  Result<NodeFiles> open_replica();
  Result<std::unique_ptr<store::Replica>> open_store(const NodeFiles& files);
  Result<void> salvage_store(const IdentityFiles& files, const Error& why);
  void watch_identity(const std::string& stamp);
  void send_refused_again();
  bool open_patiently();
  void say_shut(const Error& why);
  void wait_closed(const Error& why, std::chrono::seconds pause);
  void close();
  void on_store_failure(const Error& error);
  Result<void> serve_api(const DhKey& dh_key);
  void wait_for_signal();
  void on_signal(int signal);
  void reload();
  void stop();
  std::uint64_t begin_life();
  void stop_links();
  void run_loop();
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
  asio::steady_timer alive{loop}, deadline{loop}, files_timer{loop}, refused_timer{loop};
  std::vector<IdentityFinding> identity;  // what does not fit; of the last opening
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scrubber> scrubber;
  std::unique_ptr<Caretaker> caretaker;
  std::unique_ptr<BlobKeeper> blobs;
  std::unique_ptr<PeerSet> peers;
  std::unique_ptr<ApiServer> api;
  ShutApi shut;
};

store::Options Daemon::Impl::store_options() {
  store::Options options = store::office_options();
  options.path = (config.data_dir / kStoreFolder).string();
  options.entropy = &entropy;
  options.released_at = kReleasedAfter;
  return options;
}

// A disk that is full when it is opened gets the room of the reserve.
Result<std::unique_ptr<store::Replica>> Daemon::Impl::open_store(const NodeFiles& files) {
  store::finish_salvage(store_options().path);
  auto replica = store::Replica::open(store_options(), files.identity(), files.root);
  if (!replica && replica.error().code() == Errc::kDiskFull) {
    reserve.release();
    replica = store::Replica::open(store_options(), files.identity(), files.root);
  }
  return replica;
}

// What can be read of a damaged database goes into a new one; calls are answered with the reason
// meanwhile.
Result<void> Daemon::Impl::salvage_store(const IdentityFiles& files, const Error& why) {
  spdlog::error("event=store_damaged error={} action=\"what can be read goes into a new one\"",
                in_quotes(why.message()));
  LT_TRY(const NodeFiles sure, sure_identity(config.data_dir, store_options().path, files, why));
  say_shut(why);
  const auto turn = [this] {
    loop.restart();
    loop.run_for(kChildStep);
    return !stopping;
  };
  auto damage =
      salvage_meanwhile({store_options(), sure.identity(), sure.root, clock.now(), {}}, turn);
  shut.stop();
  if (!damage) return damage.error();
  log_damage(*damage);
  return {};
}

// The files that say who this node is are held against the registry before anything is written.
Result<NodeFiles> Daemon::Impl::open_replica() {
  const std::string stamp = identity_stamp(config.data_dir);
  LT_TRY(IdentityFiles read, read_identity_files(config.data_dir));
  NodeFiles files = read.provisional(entropy);
  auto opened = open_store(files);
  if (!opened && opened.error().code() == Errc::kCorrupt) {
    LT_TRY_VOID(salvage_store(read, opened.error()));
    opened = open_store(files);
  }
  if (!opened) return why_not_opened(opened.error(), config.data_dir);
  auto replica = *std::move(opened);
  const auto registry = replica->registry();
  if (!registry)
    return Error(Errc::kCorrupt, (config.data_dir / kStoreFolder).string() + " has no registry");
  const IdentityCheck check = check_identity(config.data_dir, read, *registry);
  identity = check_secrets(config.data_dir);
  identity.insert(identity.begin(), check.findings.begin(), check.findings.end());
  if (check.card) {
    if (auto renewed = renew_card(config.data_dir, *check.card); renewed)
      identity.push_back(*renewed);
    else
      identity.push_back({false, renewed.error()});
    files.card = *check.card;
    replica.reset();
    LT_TRY(replica, open_store(files));
  }
  for (const IdentityFinding& finding : identity)
    spdlog::log(finding.critical ? spdlog::level::err : spdlog::level::warn,
                "event=identity error={}", in_quotes(finding.error.detail()));
  const IdentityFinding* wrong = check.critical();
  if (wrong != nullptr && registry->find_agency(files.card.agency) == nullptr) return wrong->error;
  std::optional<Error> refusal;
  if (wrong != nullptr)
    refusal = Error(Errc::kClosed, "nothing is written on this machine: " + wrong->error.detail());
  engine = std::make_unique<Engine>(std::move(replica), clock, loop.get_executor(), reserve,
                                    std::move(refusal));
  engine->on_failure([this](const Error& error) { on_store_failure(error); });
  log_made_anew(engine->replica());
  scrubber = std::make_unique<Scrubber>(*engine, store_options().path,
                                        std::chrono::hours(24 * config.store.scrub_days));
  if (wrong != nullptr) watch_identity(stamp);
  return files;
}

// Once somebody has mended the files, all is opened again with them.
void Daemon::Impl::watch_identity(const std::string& stamp) {
  files_timer.expires_after(kLookAtFiles);
  files_timer.async_wait([this, stamp](const asio::error_code& problem) {
    if (problem || stopping) return;
    if (identity_stamp(config.data_dir) == stamp) return watch_identity(stamp);
    spdlog::info("event=identity_files_changed");
    failure = Error(Errc::kClosed, "the files of this machine's identity have changed");
    if (!links_stopped) stop_links();
  });
}

// The cause may be mended: what neighbours have refused of ours is tried once more.
void Daemon::Impl::send_refused_again() {
  const auto sent = std::make_shared<store::SentAgain>();
  const auto job = [sent](store::Transaction& transaction) {
    *sent = transaction.send_refused_again();
    return Result<void>();
  };
  engine->post(job, [sent](const Result<void>& result) {
    if (!result)
      spdlog::warn("event=refused_not_sent_again error={}", in_quotes(result.error().message()));
    else if (sent->updates > 0)
      spdlog::warn("event=refused_sent_again updates={} sealed_anew={}", sent->updates,
                   sent->resealed);
  });
  refused_timer.expires_after(kSendRefusedAgain);
  refused_timer.async_wait([this](const asio::error_code& problem) {
    if (!problem && engine && !stopping) send_refused_again();
  });
}

// 0: it could not be noted, as on a full disk; then nothing is said of it.
std::uint64_t Daemon::Impl::begin_life() {
  const auto start = std::make_shared<std::uint64_t>(0);
  const auto random = entropy.array<8>();
  const auto written = engine->write(store::begin_life(start, *ByteReader(random).u64()));
  if (written) return *start;
  spdlog::warn("event=start_not_noted error={}", in_quotes(written.error().message()));
  return 0;
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
  LT_TRY(const NodeFiles files, open_replica());
  LinksConfig links = config.links();
  links.start = begin_life();
  peers = std::make_unique<PeerSet>(loop, *engine, links, files.keys.dh, entropy);
  LT_TRY(auto scans, store::Blobs::open(engine->replica()));
  blobs = std::make_unique<BlobKeeper>(std::move(scans), *engine, entropy, BlobPolicy(),
                                       loop.get_executor());
  peers->set_blobs(*blobs);
  if (!engine->refusal()) {
    send_refused_again();
    caretaker = std::make_unique<Caretaker>(*engine);
    LT_TRY_VOID(peers->start());
  }
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
  scrubber.reset();
  caretaker.reset();
  if (engine) engine->stop();
  deadline.cancel();
  files_timer.cancel();
  refused_timer.cancel();
  loop.restart();
  while (loop.poll() > 0) loop.restart();  // what they posted
  api.reset();
  peers.reset();
  blobs.reset();
  engine.reset();
  links_stopped = false;
}

// Calls are answered with the reason.
void Daemon::Impl::say_shut(const Error& why) {
  if (const auto answering = shut.start(config.api.socket.string(), why); !answering)
    spdlog::error("event=api_shut error={}", in_quotes(answering.error().message()));
  notify_ready("waiting: " + why.message());
}

// Says why and serves signals meanwhile.
void Daemon::Impl::wait_closed(const Error& why, std::chrono::seconds pause) {
  say_shut(why);
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
    if (stopping) return false;
    // Somebody is to mend a file, or to install the program that wrote the database.
    const bool repairable = code == Errc::kCorrupt || code == Errc::kNewerVersion;
    if (repairable) pause = std::min(pause, kReopenRepaired);
    if (code != Errc::kDiskFull && !repairable &&
        !(again && (code == Errc::kIo || code == Errc::kNotFound))) {
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
  api_config.own_calendar = !config.office.calendar.empty();
  api_config.calendar_problem = config.office.calendar_problem;
  api_config.needs = {config.office.needs_who, config.office.needs_what};
  api_config.blobs = blobs.get();
  api_config.bundle_key = dh_key;
  api_config.recent_log = recent_lines;
  api_config.identity = identity;
  api_config.roles = config.roles;
  if (!config.mirror.folder.empty()) {
    LT_TRY(const std::string text, read_file(config.mirror.key));
    LT_TRY(api_config.mirror.key, parse_backup_public(text));
    api_config.mirror.folder = config.mirror.folder;
    api_config.mirror.every = std::chrono::minutes(config.mirror.minutes);
    api_config.mirror.keep = static_cast<std::size_t>(config.mirror.keep);
  }
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
          "event=reloaded note=\"data_dir, listen, advertise, [api], [link], [office] or [store] "
          "changed: "
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

// A row that cannot be read must not end the work with all others.
void Daemon::Impl::run_loop() {
  for (;;) {
    try {
      loop.run();
      return;
    } catch (const std::exception& problem) {
      if (!peers) throw;
      peers->begin_anew(problem.what());
    }
  }
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
  std::chrono::seconds pause{0};
  while (impl.open_patiently()) {
    const auto opened_at = std::chrono::steady_clock::now();
    spdlog::info("event=started {}", impl.introduction());
    notify_ready(impl.introduction());
    give_back_memory();
    impl.loop.restart();
    impl.run_loop();
    if (impl.stopping || !impl.failure) break;
    const auto why = *impl.failure;
    if (impl.api) impl.api->stop();
    impl.wait_closed(why, {});
    impl.close();
    // What fails again soon after it was opened is not opened without a pause.
    if (std::chrono::steady_clock::now() - opened_at > kReopenMax) {
      pause = std::chrono::seconds(0);
    } else if (!impl.stopping && why.code() != Errc::kClosed) {
      if (pause.count() > 0) impl.wait_closed(why, pause);
      pause = std::clamp(pause * 2, kReopenFirst, kReopenMax);
    }
  }
  if (impl.blobs) impl.blobs->stop();
  impl.scrubber.reset();
  impl.caretaker.reset();
  if (impl.engine) impl.engine->stop();  // also wakes the API's long polls
  if (impl.api) impl.api->stop();
  impl.shut.stop();
  if (impl.exit_code == 0) spdlog::info("event=stopped");
  return impl.exit_code;
}

bool Daemon::has_stragglers() const { return impl_->peers && impl_->peers->children() > 0; }

}  // namespace lienthong::agent
