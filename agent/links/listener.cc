#include "agent/links/listener.h"

#include <spdlog/spdlog.h>

#include <asio/ip/v6_only.hpp>

#include "agent/engine/log.h"
#include "agent/joining/enrolment_server.h"
#include "agent/links/link.h"
#include "agent/net/address.h"
#include "agent/net/net.h"
#include "agent/net/tcp_info.h"
#include "protocol/enrolment/enrolment.h"

namespace lienthong::agent {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds kFirstBytesPatience{10};
constexpr std::chrono::milliseconds kAcceptPause{200};
constexpr std::size_t kBucketCountMax = 4096;
constexpr std::size_t kFirstMessageBytesMax = 16 * 1024;
constexpr int kBacklog = 1024;  // a hub's neighbours may return all at once

Result<tcp::acceptor> bind_to(const asio::any_io_executor& executor,
                              const tcp::endpoint& endpoint) {
  asio::error_code problem;
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
  const bool both = endpoint.address().is_v6() && endpoint.address().is_unspecified();
  if (!problem && both) acceptor.set_option(asio::ip::v6_only(false), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(kBacklog, problem);
  // Inherited: the packet that completes the handshake brings data, before anybody accepts it.
  if (!problem)
    delay_acknowledgements(acceptor.native_handle());  // after listen(), which resets it
  if (!problem) return Result<tcp::acceptor>(std::move(acceptor));
  const bool no_v6 = problem == asio::error::address_family_not_supported ||
                     problem == std::errc::address_not_available;
  if (both && no_v6) {  // a machine without IPv6
    return bind_to(executor, tcp::endpoint(asio::ip::address_v4::any(), endpoint.port()));
  }
  return Error(Errc::kIo, "cannot listen on " + to_text(endpoint) + ": " + problem.message());
}

Result<tcp::endpoint> listen_endpoint(const std::string& address) {
  LT_TRY(const HostPort parsed, parse_address(address));
  asio::error_code problem;
  const auto ip =
      asio::ip::make_address(parsed.host == "localhost" ? "127.0.0.1" : parsed.host, problem);
  if (problem) {
    return Error(Errc::kInvalidArgument,
                 "listen: " + address + " is no address of this machine, but a name");
  }
  return tcp::endpoint(ip, static_cast<std::uint16_t>(std::stoul(parsed.port)));
}

}  // namespace

Listener::Guest::Guest(Listener& listener, tcp::socket s)
    : socket(std::move(s)), listener_(listener) {
  asio::error_code ignored;
  remote = socket.remote_endpoint(ignored);
  listener_.waiting_.insert(this);
}

Listener::Guest::~Guest() { listener_.waiting_.erase(this); }

Result<void> Listener::open(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const auto endpoint = listen_endpoint(address);
    if (!endpoint) {
      acceptors_.clear();
      return endpoint.error();
    }
    auto acceptor = bind_to(host_.executor(), *endpoint);
    if (!acceptor) {
      acceptors_.clear();
      return acceptor.error();
    }
    acceptors_.push_back(std::move(*acceptor));
  }
  return {};
}

void Listener::start() {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    host_.keep("listener", [self = shared_from_this(), i] { return accept(self, i); });
  }
}

void Listener::stop() {
  stopped_ = true;
  asio::error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  for (Guest* guest : waiting_) guest->socket.close(ignored);
}

std::vector<tcp::endpoint> Listener::endpoints() const {
  std::vector<tcp::endpoint> out;
  asio::error_code problem;
  for (const auto& acceptor : acceptors_) {
    const auto endpoint = acceptor.local_endpoint(problem);
    if (!problem) out.push_back(endpoint);
  }
  return out;
}

asio::awaitable<void> Listener::accept(std::shared_ptr<Listener> self, std::size_t index) {
  tcp::acceptor& acceptor = self->acceptors_[index];
  asio::steady_timer timer(acceptor.get_executor());
  while (!self->stopped_) {
    auto [problem, socket] = co_await acceptor.async_accept(as_result);
    if (self->stopped_ || problem == asio::error::operation_aborted) break;
    if (!problem) {
      self->admit(std::move(socket));
      continue;
    }
    spdlog::warn("event=accept_failed error={}",
                 in_quotes(problem.message()));  // out of descriptors
    timer.expires_after(kAcceptPause);
    co_await timer.async_wait(as_result);
  }
}

// One dial a second from one address, with a burst. All our neighbours may come from one address
// (NAT, a VPN's concentrator) and return at once, so the burst has room for all of them, and is
// full again after a minute. Not for loopback: who is there could do worse.
bool Listener::allowed(const asio::ip::address& address) {
  if (address.is_loopback()) return true;
  const Instant now = host_.engine().clock().monotonic();
  const auto neighbours = static_cast<double>(host_.callers());
  const double burst = static_cast<double>(host_.limits().dials_burst) + neighbours;
  const double rate =
      std::max(static_cast<double>(host_.limits().dials_per_second), neighbours / 60);
  if (buckets_.size() >= kBucketCountMax) buckets_.clear();
  const auto [place, fresh] = buckets_.try_emplace(address);
  Bucket& bucket = place->second;
  const double seconds = fresh ? burst : std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = std::min(burst, bucket.tokens + seconds * rate);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void Listener::admit(tcp::socket socket) {
  asio::error_code problem;
  const auto remote = socket.remote_endpoint(problem);
  if (problem) return;  // gone already
  if (!allowed(plain_address(remote.address())))
    return host_.note_refused(remote, "dials-too-often");
  if (host_.unproved() >= host_.limits().handshakes_max)
    return host_.note_refused(remote, "too-many-handshakes");
  tune(socket, host_.limits().congestion, host_.limits().dead_after);
  auto guest = std::make_shared<Guest>(*this, std::move(socket));
  host_.spawn("inbound", route(shared_from_this(), std::move(guest)), nullptr);
}

asio::awaitable<void> Listener::route(std::shared_ptr<Listener> self,
                                      std::shared_ptr<Guest> guest) {
  Bytes first;
  {
    Watchdog watchdog(guest->socket);
    watchdog.renew(kFirstBytesPatience);
    std::array<std::uint8_t, 2> chunk{};
    while (first.size() < chunk.size()) {
      const auto rest = asio::buffer(chunk.data(), chunk.size() - first.size());
      auto [problem, size] = co_await guest->socket.async_read_some(rest, as_result);
      if (problem) {
        if (watchdog.barked()) self->host_.note_refused(guest->remote, "silent");
        co_return;
      }
      first.insert(first.end(), chunk.begin(), chunk.begin() + size);
    }
  }
  if (self->stopped_) co_return;
  if (std::equal(first.begin(), first.end(), kEnrolmentPreamble.begin())) {
    co_await enrol(self, guest, first);
    co_return;
  }
  // The rest of the first message came with them: answered at once it is one packet, not two.
  asio::error_code problem;
  const std::size_t more = std::min(guest->socket.available(problem), kFirstMessageBytesMax);
  if (!problem && more > 0) {
    first.resize(first.size() + more);
    first.resize(first.size() - more +
                 guest->socket.read_some(asio::buffer(&first[first.size() - more], more), problem));
  }
  const auto link =
      self->host_.adopt(std::move(guest->socket), false, std::nullopt, std::nullopt, 0, first);
  LT_CHECK(link != nullptr);
}

asio::awaitable<void> Listener::enrol(std::shared_ptr<Listener> self, std::shared_ptr<Guest> guest,
                                      Bytes first) {
  LinkHost& host = self->host_;
  const auto outcome =
      co_await serve_enrolment(guest->socket, first, host.engine(), host.dh_key(), host.entropy());
  if (outcome) {
    spdlog::info("address={} event=enrolled node={}", to_text(guest->remote), outcome->short_hex());
  } else if (outcome.error().code() == Errc::kClosed) {
    spdlog::info("address={} event=enrolment_cut reason={}", to_text(guest->remote),
                 in_quotes(outcome.error().detail()));
  } else {
    self->host_.note_refused(guest->remote, "enrolment: " + outcome.error().message());
  }
}

}  // namespace lienthong::agent
