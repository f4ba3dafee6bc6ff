#include "agent/links/link.h"

#include <linux/sockios.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>

#include <asio/post.hpp>
#include <asio/write.hpp>

#include "agent/engine/log.h"
#include "agent/links/neighbour.h"
#include "agent/net/net.h"
#include "store/exchange/peers.h"

namespace lienthong::agent {
namespace {

// Plaintext of updates that becomes about a byte on the wire, columns and compression considered.
constexpr std::size_t kPlainBytesPerWireByte = 6;
constexpr std::chrono::seconds kLingerMax{2};
constexpr std::size_t kGatherBytesMax = 160;
constexpr std::chrono::milliseconds kGatherTimeMax{100};
constexpr unsigned kHistoryBit = 1U << static_cast<unsigned>(wire::Lane::kHistory);
constexpr int kGatherShare = 6;  // of a round trip

// What waits for TCP's window: handed over and never sent.
std::uint64_t unsent_bytes(int socket) {
  int value = 0;
  if (::ioctl(socket, SIOCOUTQNSD, &value) != 0 || value < 0) return 0;
  return static_cast<std::uint64_t>(value);
}

// What a driver saw, as lines of a log about that peer.
class Reporter {
 public:
  explicit Reporter(const std::string& name) : name_(name) {}

  void operator()(const store::PartStored& stored) const {
    const auto& refused = stored.outcome.refused;
    const store::Refusal& first = refused.front();
    spdlog::warn("{} event=updates_refused count={} first={} reason={}", name_, refused.size(),
                 first.id.short_hex(),
                 in_quotes(std::string(to_string(first.code)) + ": " + first.detail));
  }
  void operator()(const store::PartUnclear& unclear) const {
    spdlog::debug("{} event=unclear token={}", name_, unclear.token);
  }
  void operator()(const store::StoreFailed& failed) const {
    spdlog::error("{} event=store_failed error={}", name_, in_quotes(failed.error.message()));
  }
  void operator()(const store::CaughtUpAfterRestore&) const {
    spdlog::warn("{} event=restored_copy_caught_up", name_);
  }
  void operator()(const PeerCursor&) const {}
  void operator()(const PeerLanes& lanes) const {
    const bool turn = (lanes.closed & ~kHistoryBit) == 0;  // of many neighbours' backlogs
    spdlog::log(turn ? spdlog::level::debug : spdlog::level::warn,
                "{} event=lanes closed={:#x} reason={}", name_, lanes.closed,
                in_quotes(lanes.reason));
  }
  void operator()(const StandsStill& still) const {
    spdlog::error("{} event=stands_still pending={} action=\"the session is begun anew\"", name_,
                  still.pending);
  }
  void operator()(const store::TwinSeen& seen) const {
    spdlog::error("{} event=key_used_twice whose={} since={} addresses={}", name_,
                  seen.ours ? "ours" : "theirs", seen.twin.since,
                  in_quotes(seen.twin.address + " " + seen.twin.other_address));
  }
  void operator()(const PeerRefused& refused) const {
    spdlog::warn("{} event=refused_by_peer updates={} reason={}", name_, refused.ids.size(),
                 in_quotes(refused.reason));
  }
  void operator()(const HealReport& report) const {
    const bool usual =
        report.outcome == HealOutcome::kEqual || report.outcome == HealOutcome::kBusy;
    spdlog::log(usual ? spdlog::level::debug : spdlog::level::info,
                "{} event=compared feed={} outcome={} ours={} theirs={} they_lacked={} "
                "we_lacked={}",
                name_, report.kind == FeedKind::kRegistry ? "registry" : "updates",
                to_string(report.outcome), report.our_count, report.their_count,
                report.they_lacked.value_or(0), report.we_lacked.value_or(0));
  }

 private:
  const std::string& name_;
};

}  // namespace

Link::Link(asio::ip::tcp::socket socket, SessionConfig config, LinkHost& host)
    : socket_(std::move(socket)),
      host_(host),
      driver_(std::make_shared<store::Driver>(host.peers(), std::move(config),
                                              static_cast<store::DriverHost&>(*this))),
      pace_timer_(socket_.get_executor()),
      gather_timer_(socket_.get_executor()) {
  asio::error_code ignored;
  remote_ = socket_.remote_endpoint(ignored);
}

Instant Link::now() const { return host_.engine().clock().monotonic(); }

std::string Link::name() const {
  const auto node = driver_->known() ? peer().node.short_hex() : std::string("unknown");
  return "peer=" + node + " address=" + to_text(remote_);
}

void Link::start(Bytes first) {
  driver_->start(first);
  host_.spawn("reader", read(shared_from_this()), broken());
}

asio::awaitable<void> Link::read(std::shared_ptr<Link> link) {
  // A buffer for each of 250 links would be 16 MB: one is filled when there is something to read.
  const auto chunk = link->host_.read_buffer();
  asio::error_code problem;
  link->socket_.non_blocking(true, problem);
  while (!link->ended()) {
    auto [failure] = co_await link->socket_.async_wait(asio::socket_base::wait_read, as_result);
    problem = failure;
    std::size_t size = 0;
    if (!problem) {
      size = link->socket_.read_some(asio::buffer(chunk.data(), chunk.size()), problem);
    }
    if (problem == asio::error::would_block) continue;
    if (problem) {
      link->end(problem == asio::error::eof ? "the other side has gone" : problem.message());
      break;
    }
    const auto fed = link->driver_->on_bytes(chunk.first(size));
    if (!fed)
      spdlog::debug("{} event=violation error={}", link->name(), in_quotes(fed.error().message()));
  }
}

asio::awaitable<void> Link::write(std::shared_ptr<Link> link) {
  while (!link->ended() && !link->outgoing_.empty()) {
    const Bytes bytes = std::exchange(link->outgoing_, {});
    auto [problem, size] =
        co_await asio::async_write(link->socket_, asio::buffer(bytes), as_result);
    if (problem) {
      link->end(problem.message());
      break;
    }
    LT_CHECK(size == bytes.size());
  }
  link->writing_ = false;
  if (link->driver_->over()) link->linger();
}

// Acknowledgements of a backlog that goes on wait for each other a little: of many packets one is
// lost more often, and it holds up all behind it. Nothing where the path is short: there the other
// side's window is soon used up.
std::chrono::nanoseconds Link::gather_time() {
  if (!established() || driver_->over() || reported_.drained_in ||
      outgoing_.size() > kGatherBytesMax)
    return {};
  const auto info = read_tcp_info(socket_.native_handle());
  if (!info) return {};
  return std::min<std::chrono::nanoseconds>(info->min_rtt / kGatherShare, kGatherTimeMax);
}

void Link::gather(std::chrono::nanoseconds time) {
  if (gathering_) return;
  gathering_ = true;
  gather_timer_.expires_after(time);
  gather_timer_.async_wait([self = shared_from_this()](const asio::error_code& problem) {
    self->gathering_ = false;
    if (!problem) self->guarded([&self] { self->flush(); });
  });
}

void Link::flush() {
  if (writing_ || ended() || outgoing_.empty()) return;
  if (const auto time = gather_time(); now() - flushed_at_ < time) return gather(time);
  flushed_at_ = now();
  writing_ = true;
  host_.spawn("writer", write(shared_from_this()), broken());
}

// ---- what the driver asks ----

void Link::send(Bytes bytes) { outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end()); }

void Link::soon(std::function<void()> work) {
  asio::post(host_.executor(),
             [self = shared_from_this(), work = std::move(work)] { self->guarded(work); });
}

void Link::on_live(bool stays) {
  if (stays) host_.link_established(shared_from_this());
  if (host_.blobs() != nullptr && session().blobs() != nullptr) host_.blobs()->peer_up(*this);
}

void Link::after_actions() {
  if (host_.blobs() == nullptr || session().blobs() == nullptr || driver_->over()) return;
  host_.blobs()->on_actions(*this);
}

void Link::blob_lane_spoke() {
  if (ended() || driver_->over()) return;
  session().on_blobs(now());
  driver_->perform();
}

bool Link::make_room() {
  if (!session().wants_room()) return false;
  const int descriptor = socket_.native_handle();
  const TcpInfo info = read_tcp_info(descriptor).value_or(TcpInfo());
  pacer_.observe(info, now());
  const std::size_t room = pacer_.room(missing_bytes(info) + outgoing_.size(),
                                       unsent_bytes(descriptor) + outgoing_.size());
  session().set_sizes(pacer_.unit_bytes() * kPlainBytesPerWireByte, pacer_.frame_bytes());
  if (const auto rate = pacer_.rate()) session().set_rate(*rate * 8);
  if (room > 0) session().on_room(room, now());
  const auto wait = pacer_.look_after(session().wants_room(), now());
  if (wait) look_later(*wait);
  return room > 0;
}

void Link::look_later(std::chrono::milliseconds wait) {
  if (looking_) return;
  looking_ = true;
  pace_timer_.expires_after(wait);
  pace_timer_.async_wait([self = shared_from_this()](const asio::error_code& problem) {
    self->looking_ = false;
    if (!problem) self->guarded([&self] { self->driver_->perform(); });
  });
}

void Link::performed() {
  report();
  flush();
  if (driver_->over() && !writing_) linger();
}

void Link::report() {
  if (!established()) return;
  const SessionStats stats = driver_->stats();
  host_.table().note_stats(peer().agency, reported_, stats, host_.engine().clock().now());
  reported_ = stats;
}

std::string Link::address() const { return to_text(remote_); }

store::ClosedLanes Link::closed_lanes() const {
  store::ClosedLanes closed;
  for (std::size_t lane = 1; lane < kLaneCount; ++lane) {
    const LaneGate gate = host_.lane_gate(lane);
    if (gate == LaneGate::kOpen) continue;
    closed.lanes = static_cast<std::uint8_t>(closed.lanes | 1U << lane);
    if (closed.reason.empty()) closed.reason = to_string(gate);  // the budget: lower ones first
  }
  return closed;
}

void Link::on_feed_ends(const FeedMark& registry, const FeedMark& updates) {
  host_.table().note_ends(peer().agency, registry, updates);
}

void Link::observe(const store::Observation& what) {
  const auto* stored = std::get_if<store::PartStored>(&what);
  if (stored != nullptr && stored->outcome.refused.empty()) return;  // as nearly always
  if (std::holds_alternative<PeerCursor>(what)) return;
  if (std::holds_alternative<StandsStill>(what)) {
    using std::chrono::milliseconds;
    const auto while_it_stood = milliseconds(Session::kStandingStillMax).count();
    host_.table().note_standing(peer().agency, host_.engine().clock().now() - while_it_stood);
  }
  const std::string ours = name();
  std::visit(Reporter(ours), what);
}

// ---- the end ----

void Link::on_closed() {
  close_detail_ = driver_->close_detail();
  closing_since_ = now();
}

void Link::linger() {
  if (lingering_ || ended()) return;
  lingering_ = true;
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (closed_by_peer()) end("closed by the peer");
}

void Link::tick() {
  if (ended()) return;
  if (driver_->over()) {
    if (now() - closing_since_ > kLingerMax) end("closed");
    return;
  }
  driver_->tick();
}

void Link::abort(const std::string& why) { end(why); }

// What an exception left half done is not gone on with: a new session begins from what is stored.
std::function<void()> Link::broken() {
  return [self = shared_from_this()] { self->end("it ended unexpectedly here"); };
}

void Link::guarded(const std::function<void()>& work) {
  if (!host_.guard("link", work)) broken()();
}

void Link::end(const std::string& why) {
  if (ended()) return;
  const auto self = shared_from_this();
  if (close_detail_.empty()) close_detail_ = why;
  host_.link_closing(*this);
  driver_->end();
  asio::error_code ignored;
  pace_timer_.cancel();
  gather_timer_.cancel();
  if (host_.blobs() != nullptr) host_.blobs()->peer_down(*this);
  socket_.close(ignored);
  host_.link_ended(self);
  if (ended_listener_) std::exchange(ended_listener_, nullptr)();
}

}  // namespace lienthong::agent
