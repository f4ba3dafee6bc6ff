#include "agent/links/peer_set.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "agent/engine/log.h"
#include "agent/files/blob_keeper.h"
#include "agent/links/children.h"
#include "agent/links/dialler.h"
#include "agent/links/link.h"
#include "agent/links/link_meter.h"
#include "agent/links/listener.h"
#include "agent/links/neighbour.h"
#include "agent/links/refused.h"
#include "agent/net/net.h"
#include "agent/net/net_watch.h"
#include "agent/net/reachable.h"
#include "store/exchange/peers.h"

namespace lienthong::agent {
namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kGoodbyeMax{1500};
constexpr std::chrono::minutes kPeopleStay{10};  // after somebody has used the agent
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr const char* kBroken = "it ended unexpectedly here";

}  // namespace

class PeerSet::Impl final : public LinkHost, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, Engine& engine, const LinksConfig& config, const DhKey& dh_key,
       Entropy& entropy)
      : executor_(loop.get_executor()),
        engine_(engine),
        children_(std::make_shared<Children>(executor_, engine)),
        config_(config),
        dh_key_(dh_key),
        entropy_(entropy),
        table_(engine.replica()),
        meters_(engine, config_.link, table_),
        ticker_(executor_),
        peers_(std::make_shared<store::Peers>(engine.replica(), engine, entropy, peers_config())),
        listener_(std::make_shared<Listener>(*this)),
        read_buffer_(kReadBytes) {}

  // ---- LinkHost ----
  Engine& engine() override { return engine_; }
  Entropy& entropy() override { return entropy_; }
  const DhKey& dh_key() const override { return dh_key_; }
  const LinkConfig& limits() const override { return config_.link; }
  NeighbourTable& table() override { return table_; }
  BlobKeeper* blobs() override { return blobs_; }
  store::Peers& peers() override { return *peers_; }
  void set_blobs(BlobKeeper& keeper) {
    blobs_ = &keeper;
    peers_->set_blobs(keeper.blobs());
  }
  asio::any_io_executor executor() override { return executor_; }
  bool stopping() const override { return stopping_; }
  void spawn(const std::string& what, asio::awaitable<void> child,
             std::function<void()> failed) override {
    children_->spawn(what, std::move(child), std::move(failed));
  }
  void keep(const std::string& what, std::function<asio::awaitable<void>()> make) override {
    children_->keep(what, std::move(make));
  }
  bool guard(const std::string& what, const std::function<void()>& work) override {
    return children_->guard(what, work);
  }
  std::shared_ptr<Link> adopt(asio::ip::tcp::socket socket, bool initiator,
                              std::optional<store::Callee> callee, std::optional<AgencyId> expected,
                              std::uint64_t session_number, Bytes first) override;
  void link_established(const std::shared_ptr<Link>& link) override;
  void link_ended(const std::shared_ptr<Link>& link) override;
  bool connected(const AgencyId& agency) const override { return peers_->connected(agency); }
  void link_closing(const Link& link) override;
  const PathWatch* watch(const Link& link) const override { return meters_.watch(link); }
  LaneGate lane_gate(std::size_t lane) const override {
    // What cannot be kept is not to be sent, and what was sent is not to be forgotten.
    return lane > 0 && !engine_.healthy() ? LaneGate::kDisk : meters_.gate(lane);
  }
  std::span<std::uint8_t> read_buffer() override { return read_buffer_; }
  void spend(std::uint64_t ip_bytes) override { meters_.spend(ip_bytes); }
  bool work_waits(const AgencyId& agency) const override { return table_.pending(agency) > 0; }
  bool people_wait(const AgencyId& agency) const override;
  std::size_t callers() const override { return peers_->callers(); }
  void note_refused(const asio::ip::tcp::endpoint& endpoint, const std::string& reason) override;
  std::size_t unproved() const override;
  bool end_oldest_unproved() override;
  std::vector<std::string> not_listening() const {
    const std::lock_guard lock(addresses_mutex_);
    return not_listening_;
  }

  Result<void> start();
  void set_neighbours(const std::vector<NeighbourConfig>& neighbours);
  void stop(std::function<void()> done);
  void dial_all();
  void compare(const AgencyId& agency, std::function<void(const Comparison&)> done);
  void grown();
  void people_here();

  void begin_anew(const std::string& why);

  std::size_t children() const { return children_->count(); }
  const NeighbourTable& table() const { return table_; }
  const RefusedPeers& refused() const { return refused_; }
  BudgetStatus budget() const { return meters_.budget(); }
  std::vector<std::string> addresses() const {
    const std::lock_guard lock(addresses_mutex_);
    return addresses_;
  }

 private:
  static asio::awaitable<void> tick(std::shared_ptr<Impl> self);
  store::PeersConfig peers_config() const;
  void log_end(const Link& link);
  void list_children();
  void watch_network();
  void hurry();
  void tick_once();
  void note_addresses();
  void forget_proved();

  asio::any_io_executor executor_;
  Engine& engine_;
  std::shared_ptr<Children> children_;
  LinksConfig config_;
  DhKey dh_key_;
  Entropy& entropy_;
  NeighbourTable table_;
  LinkMeters meters_;
  RefusedPeers refused_;
  asio::steady_timer ticker_;
  std::shared_ptr<store::Peers> peers_;
  std::shared_ptr<Listener> listener_;
  std::vector<std::shared_ptr<Dialler>> diallers_;
  std::set<std::shared_ptr<Link>> links_;
  std::deque<std::weak_ptr<Link>> inbound_;  // by age: the first has not shown who it is
  BlobKeeper* blobs_ = nullptr;
  std::shared_ptr<const Registry> listed_;  // children of this registry are in the table
  std::shared_ptr<NetWatch> net_watch_;
  Bytes read_buffer_;
  std::atomic<std::int64_t> people_seen_{0};  // monotonic, nanoseconds; 0: never
  bool stopping_ = false;
  std::chrono::steady_clock::time_point stopping_since_{};
  mutable std::mutex addresses_mutex_;
  std::vector<std::string> addresses_, not_listening_;
};

// ---- children ----

asio::awaitable<void> PeerSet::Impl::tick(std::shared_ptr<Impl> self) {
  while (!self->stopping_ || !self->links_.empty()) {
    self->ticker_.expires_after(kTick);
    co_await self->ticker_.async_wait(as_result);
    self->tick_once();
  }
}

// Each for itself, so that none stands still because of another.
void PeerSet::Impl::tick_once() {
  const Instant now = engine_.clock().monotonic();
  children_->guard("meters", [&] { meters_.tick(now); });
  const auto diallers = diallers_;
  for (const auto& dialler : diallers)
    children_->guard("dialler " + dialler->neighbour().agency, [&] { dialler->tick(now); });
  const auto links = links_;  // a tick may end one
  const bool late = stopping_ && std::chrono::steady_clock::now() - stopping_since_ > kGoodbyeMax;
  for (const auto& link : links) {
    if (late || !children_->guard("link", [&] { link->tick(); }))
      children_->guard("link", [&] { link->abort(late ? "stopping" : kBroken); });
  }
  if (blobs_ != nullptr) children_->guard("scans", [&] { blobs_->on_tick(); });
}

// An exception reached the loop, and what it left half done is not known: every session begins
// anew, from what is stored.
void PeerSet::Impl::begin_anew(const std::string& why) {
  children_->note("loop", why);
  const auto links = links_;
  for (const auto& link : links) children_->guard("link", [&] { link->abort(kBroken); });
}

// ---- sessions ----

store::PeersConfig PeerSet::Impl::peers_config() const {
  store::PeersConfig config(dh_key_);
  config.program_version = LIENTHONG_VERSION;
  config.heartbeat = config_.link.heartbeat;
  config.dead_after = config_.link.dead_after;
  config.start = config_.start;
  config.on_error = [](const Error& error) {
    spdlog::error("event=seal_failed error={}", in_quotes(error.message()));
  };
  return config;
}

std::shared_ptr<Link> PeerSet::Impl::adopt(asio::ip::tcp::socket socket, bool initiator,
                                           std::optional<store::Callee> callee,
                                           std::optional<AgencyId> expected,
                                           std::uint64_t session_number, Bytes first) {
  SessionConfig config =
      initiator ? peers_->dialling(*expected, callee, session_number) : peers_->answering();
  // What our clock says, for the caller to compare with its own.
  if (!initiator)
    config.session_number =
        static_cast<std::uint64_t>(std::max<UnixMillis>(engine_.clock().now(), 0));
  const int descriptor = socket.native_handle();
  auto link = std::make_shared<Link>(std::move(socket), std::move(config), *this);
  links_.insert(link);
  forget_proved();
  if (!initiator) inbound_.push_back(link);
  meters_.add(*link, descriptor);
  link->start(std::move(first));
  if (stopping_) link->abort();
  return link;
}

void PeerSet::Impl::link_established(const std::shared_ptr<Link>& link) {
  const UnixMillis now = engine_.clock().now();
  table_.with(link->peer().agency, [&](NeighbourStatus& status) {
    status.node = link->peer().node;
    status.state = LinkState::kConnected;
    status.address = to_text(link->remote());
    status.connected_since = now;
    status.last_contact = now;
    status.next_attempt = 0;
    status.in_sync = false;
    status.fault = LinkFault::kNone;
    status.fault_count = 0;
    ++status.sessions;
  });
  const auto registry = engine_.replica().registry();
  const AgencyInfo* agency = registry->find_agency(link->peer().agency);
  spdlog::info("peer={} agency={} address={} event=up dialled_by={} version={}",
               link->peer().node.short_hex(), agency == nullptr ? "new" : agency->code,
               to_text(link->remote()), link->initiator() ? "us" : "them",
               in_quotes(link->peer().program_version));
  for (const auto& dialler : diallers_) dialler->look_again();
  list_children();
  hurry();
}

void PeerSet::Impl::log_end(const Link& link) {
  const auto* code = to_string(link.close_code());
  if (link.established()) {
    spdlog::info("peer={} address={} event=down code={} by={} reason={}",
                 link.peer().node.short_hex(), to_text(link.remote()), code,
                 link.closed_by_peer() ? "them" : "us", in_quotes(link.close_detail()));
  } else if (!link.initiator() && link.close_code() != CloseCode::kNone && !link.closed_by_peer()) {
    spdlog::debug("address={} event=not_admitted detail={}", to_text(link.remote()),
                  in_quotes(link.close_detail()));
    note_refused(link.remote(), code);
  } else if (!link.initiator() && !stopping_) {
    // Somebody of another deployment cannot read our answer and hangs up, as a broken link does.
    note_refused(link.remote(), "left-during-handshake");
  } else if (link.initiator() && link.closed_by_peer()) {
    spdlog::info("address={} event=turned_away code={} reason={}", to_text(link.remote()), code,
                 in_quotes(link.close_detail()));
  }
}

void PeerSet::Impl::link_closing(const Link& link) { meters_.remove(link); }

bool PeerSet::Impl::people_wait(const AgencyId& agency) const {
  const std::int64_t seen = people_seen_.load();
  const auto now = engine_.clock().monotonic().time_since_epoch();
  if (seen != 0 && now - std::chrono::nanoseconds(seen) < kPeopleStay) return true;
  return work_waits(agency);
}

void PeerSet::Impl::link_ended(const std::shared_ptr<Link>& link) {
  links_.erase(link);
  log_end(*link);
  if (link->established() && !connected(link->peer().agency)) {
    table_.with(link->peer().agency, [&](NeighbourStatus& status) {
      status.state = LinkState::kDown;
      status.connected_since = 0;
      status.in_sync = false;
      status.last_error = std::string(to_string(link->close_code())) + ": " + link->close_detail();
    });
  }
  for (const auto& dialler : diallers_) dialler->look_again();
}

std::size_t PeerSet::Impl::unproved() const {
  const auto sessions = std::count_if(
      links_.begin(), links_.end(),
      [](const std::shared_ptr<Link>& link) { return !link->established() && !link->initiator(); });
  return static_cast<std::size_t>(sessions) + listener_->waiting();
}

bool PeerSet::Impl::end_oldest_unproved() {
  forget_proved();
  if (inbound_.empty()) return false;
  const auto oldest = inbound_.front().lock();
  inbound_.pop_front();
  note_refused(oldest->remote(), "too-many-handshakes");
  oldest->abort();
  return true;
}

// At the front, where the oldest are.
void PeerSet::Impl::forget_proved() {
  const auto done = [](const std::weak_ptr<Link>& entry) {
    const auto link = entry.lock();
    return !link || link->established() || link->ended() || link->closing();
  };
  while (!inbound_.empty() && done(inbound_.front())) inbound_.pop_front();
}

void PeerSet::Impl::note_refused(const asio::ip::tcp::endpoint& endpoint,
                                 const std::string& reason) {
  const std::string address = plain_address(endpoint.address()).to_string();
  const RefusedPeers::Line line = refused_.note(address, reason, engine_.clock().now());
  if (line.untold > 0) spdlog::warn("event=refused_more count={}", line.untold);
  if (line.due)
    spdlog::warn("address={} event=refused reason={}", to_text(endpoint), in_quotes(reason));
}

// ---- changes ----

void PeerSet::Impl::grown() {
  list_children();
  hurry();
  peers_->grown();
}

// Agencies below ours that have a machine are neighbours, whether they have called or not.
void PeerSet::Impl::list_children() {
  const auto registry = engine_.replica().registry();
  if (registry == listed_) return;
  listed_ = registry;
  for (const AgencyId& child :
       registry->children(engine_.replica().identity().agency, registry->newest())) {
    if (!registry->certificates_of(child).empty()) table_.with(child, [](NeighbourStatus&) {});
  }
  for (const auto& dialler : diallers_) dialler->look_again();
}

// ---- the network of this machine, and who sits at it ----

void PeerSet::Impl::watch_network() {
  net_watch_ = std::make_shared<NetWatch>(
      executor_, [self = weak_from_this()](const std::vector<asio::ip::address>& ours) {
        const auto alive = self.lock();
        if (!alive) return;
        spdlog::info("event=network_changed addresses={}", ours.size());
        alive->listener_->look_again();
        for (const auto& dialler : alive->diallers_) dialler->network_changed(ours);
      });
  if (const auto opened = net_watch_->open(); !opened) {
    spdlog::warn("event=network_not_watched error={}", in_quotes(opened.error().message()));
    net_watch_.reset();
    return;
  }
  keep("network watch", [watch = net_watch_] { return NetWatch::run(watch); });
}

void PeerSet::Impl::hurry() {
  for (const auto& dialler : diallers_) {
    if (dialler->waits_long()) dialler->hurry();
  }
}

// Any thread.
void PeerSet::Impl::people_here() {
  const std::int64_t now = engine_.clock().monotonic().time_since_epoch().count();
  const std::int64_t before = people_seen_.exchange(now);
  if (before != 0 && std::chrono::nanoseconds(now - before) < kPeopleStay / 10) return;
  asio::post(executor_, [self = shared_from_this()] {
    if (!self->stopping_) self->hurry();
  });
}

// ---- life ----

void PeerSet::Impl::note_addresses() {
  const std::lock_guard lock(addresses_mutex_);
  addresses_ =
      config_.advertise.empty() ? reachable_addresses(listener_->endpoints()) : config_.advertise;
  not_listening_ = listener_->missing();
}

Result<void> PeerSet::Impl::start() {
  LT_TRY_VOID(listener_->open(config_.listen));
  note_addresses();
  listener_->on_listening([this] { note_addresses(); });
  for (const auto& endpoint : listener_->endpoints())
    spdlog::info("event=listening address={}", to_text(endpoint));
  engine_.on_change([self = weak_from_this()] {
    if (const auto alive = self.lock()) alive->grown();
  });
  list_children();
  meters_.restore();
  watch_network();
  listener_->start();
  keep("ticker", [self = shared_from_this()] { return tick(self); });
  set_neighbours(config_.neighbours);
  return {};
}

void PeerSet::Impl::set_neighbours(const std::vector<NeighbourConfig>& neighbours) {
  std::vector<std::shared_ptr<Dialler>> kept;
  for (const auto& dialler : diallers_) {
    const bool wanted =
        std::find(neighbours.begin(), neighbours.end(), dialler->neighbour()) != neighbours.end();
    if (wanted) {
      kept.push_back(dialler);
    } else {
      dialler->stop();
      table_.forget_unknown(dialler->neighbour().agency);
    }
  }
  diallers_ = std::move(kept);
  for (const NeighbourConfig& neighbour : neighbours) {
    const bool running =
        std::any_of(diallers_.begin(), diallers_.end(),
                    [&](const std::shared_ptr<Dialler>& d) { return d->neighbour() == neighbour; });
    if (running) continue;
    diallers_.push_back(std::make_shared<Dialler>(neighbour, *this));
    diallers_.back()->start();
  }
}

void PeerSet::Impl::compare(const AgencyId& agency, std::function<void(const Comparison&)> done) {
  const auto link = std::ranges::find_if(links_, [&](const auto& each) {
    return each->established() && !each->ended() && !each->closing() &&
           each->peer().agency == agency;
  });
  if (link == links_.end()) return done(Comparison{});
  (*link)->compare([done = std::move(done)](const std::optional<HealReport>& report) {
    Comparison out;
    if (report) {
      out.outcome = to_string(report->outcome);
      out.our_updates = report->our_count;
      if (report->their_count != 0 || report->outcome == HealOutcome::kEqual)
        out.their_updates = report->their_count;
      out.missing_here = report->we_lacked;
      out.missing_there = report->they_lacked;
    }
    done(out);
  });
}

void PeerSet::Impl::dial_all() {
  for (const auto& dialler : diallers_) dialler->dial_now();
}

void PeerSet::Impl::stop(std::function<void()> done) {
  stopping_ = true;
  peers_->stop();
  stopping_since_ = std::chrono::steady_clock::now();
  listener_->stop();
  const auto links = links_;
  for (const auto& link : links) link->close(CloseCode::kGoingAway, "stopping");
  for (const auto& dialler : diallers_) dialler->stop();
  if (net_watch_) net_watch_->stop();
  meters_.save();
  ticker_.cancel();
  children_->stop(std::move(done));
}

// ---- the door ----

PeerSet::PeerSet(asio::io_context& loop, Engine& engine, const LinksConfig& config,
                 const DhKey& dh_key, Entropy& entropy)
    : impl_(std::make_shared<Impl>(loop, engine, config, dh_key, entropy)) {}
PeerSet::~PeerSet() = default;

void PeerSet::set_blobs(BlobKeeper& keeper) { impl_->set_blobs(keeper); }
Result<void> PeerSet::start() { return impl_->start(); }
void PeerSet::set_neighbours(const std::vector<NeighbourConfig>& neighbours) {
  impl_->set_neighbours(neighbours);
}
void PeerSet::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
void PeerSet::begin_anew(const std::string& why) { impl_->begin_anew(why); }
std::size_t PeerSet::children() const { return impl_->children(); }
std::vector<NeighbourStatus> PeerSet::neighbours() const {
  return std::as_const(*impl_).table().list();
}
std::vector<RefusedPeer> PeerSet::refused_peers() const { return impl_->refused().list(); }
void PeerSet::compare(const AgencyId& agency, std::function<void(const Comparison&)> done) {
  asio::post(impl_->executor(), [impl = impl_, agency, done = std::move(done)]() mutable {
    impl->compare(agency, std::move(done));
  });
}

void PeerSet::sync_now() {
  asio::post(impl_->executor(), [impl = impl_] { impl->dial_all(); });
}
std::vector<std::string> PeerSet::listen_addresses() const { return impl_->addresses(); }
std::vector<std::string> PeerSet::not_listening() const { return impl_->not_listening(); }
std::optional<BudgetStatus> PeerSet::budget() const { return impl_->budget(); }
void PeerSet::people_here() { impl_->people_here(); }

}  // namespace lienthong::agent
