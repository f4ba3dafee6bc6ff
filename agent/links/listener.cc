#include "agent/links/listener.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/ip/v6_only.hpp>
#include <cerrno>
#include <optional>

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
constexpr std::chrono::seconds kBindPause{5};
constexpr std::size_t kEnrolmentsMax = 32;  // at once, beside the sessions
constexpr std::size_t kBucketCountMax = 4096;
constexpr std::size_t kFirstMessageBytesMax = 16 * 1024;
constexpr int kBacklog = 1024;  // a hub's neighbours may return all at once

// Of this machine, now: a cable that is out, a modem that is off, an address not given yet.
bool is_not_there(const asio::error_code& problem) {
  return problem.value() == EADDRNOTAVAIL || problem.value() == EAFNOSUPPORT;
}

// `problem`: why it could not be bound.
std::optional<tcp::acceptor> bind_to(const asio::any_io_executor& executor,
                                     const tcp::endpoint& endpoint, asio::error_code& problem) {
  problem.clear();
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
  if (!problem) return acceptor;
  if (both && is_not_there(problem))  // a machine without IPv6
    return bind_to(executor, tcp::endpoint(asio::ip::address_v4::any(), endpoint.port()), problem);
  return std::nullopt;
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
  number = ++listener_.guests_;
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
    asio::error_code problem;
    if (auto acceptor = bind_to(host_.executor(), *endpoint, problem)) {
      acceptors_.push_back(*std::move(acceptor));
    } else if (is_not_there(problem)) {
      spdlog::warn("event=not_listening_yet address={} error={}", address,
                   in_quotes(problem.message()));
      missing_.push_back({address, *endpoint, problem.message()});
    } else {
      acceptors_.clear();
      return Error(Errc::kIo, "cannot listen on " + to_text(*endpoint) + ": " + problem.message());
    }
  }
  return {};
}

// Whatever is wrong with it now, it is tried again: the agent works already.
void Listener::bind_missing() {
  const std::size_t before = missing_.size();
  std::vector<Missing> still;
  for (Missing& place : std::exchange(missing_, {})) {
    asio::error_code problem;
    auto acceptor = bind_to(host_.executor(), place.endpoint, problem);
    if (!acceptor) {
      place.why = problem.message();
      still.push_back(std::move(place));
      continue;
    }
    spdlog::info("event=listening address={}", to_text(place.endpoint));
    acceptors_.push_back(*std::move(acceptor));
    listen(acceptors_.size() - 1);
  }
  missing_ = std::move(still);
  if (missing_.size() < before && told_) told_();
}

asio::awaitable<void> Listener::try_missing(std::shared_ptr<Listener> self) {
  while (!self->stopped_ && !self->missing_.empty()) {
    self->timer_.expires_after(kBindPause);
    co_await self->timer_.async_wait(as_result);
    if (!self->stopped_) self->bind_missing();
  }
}

void Listener::look_again() {
  if (!stopped_ && !missing_.empty()) bind_missing();
}

std::vector<std::string> Listener::missing() const {
  std::vector<std::string> out;
  for (const Missing& place : missing_) out.push_back(place.address + ": " + place.why);
  return out;
}

void Listener::start() {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) listen(i);
  if (!missing_.empty())
    host_.keep("listener", [self = shared_from_this()] { return try_missing(self); });
}

void Listener::listen(std::size_t index) {
  host_.keep("listener", [self = shared_from_this(), index] { return accept(self, index); });
}

void Listener::stop() {
  stopped_ = true;
  timer_.cancel();
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
  if (host_.unproved() >= host_.limits().handshakes_max && !make_room())
    return host_.note_refused(remote, "too-many-handshakes");
  tune(socket, host_.limits().congestion, host_.limits().dead_after);
  auto guest = std::make_shared<Guest>(*this, std::move(socket));
  host_.spawn("inbound", route(shared_from_this(), std::move(guest)), nullptr);
}

std::size_t Listener::enrolling() const {
  return static_cast<std::size_t>(std::ranges::count_if(waiting_, &Guest::enrols));
}

// Of those that have shown nothing yet: the oldest of the address that has most of them, so that
// one that holds many places loses its own. False: all have, or there are none.
bool Listener::end_oldest(bool enrols) {
  std::map<asio::ip::address, std::pair<std::size_t, Guest*>> by_address;
  for (Guest* guest : waiting_) {
    if (guest->enrols != enrols || guest->proved) continue;
    auto& [count, oldest] = by_address[plain_address(guest->remote.address())];
    ++count;
    if (oldest == nullptr || guest->number < oldest->number) oldest = guest;
  }
  const auto most = std::ranges::max_element(by_address, {},
                                             [](const auto& entry) { return entry.second.first; });
  if (most == by_address.end()) return false;
  Guest* const victim = most->second.second;
  host_.note_refused(victim->remote, enrols ? "too-many-enrolments" : "too-many-handshakes");
  victim->proved = true;  // it is on its way out, and is not chosen again
  asio::error_code ignored;
  victim->socket.close(ignored);
  return true;
}

// Whoever holds a place without a word gives it up for the next one.
bool Listener::make_room() { return end_oldest(false) || host_.end_oldest_unproved(); }

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
  if (self->enrolling() >= kEnrolmentsMax && !self->end_oldest(true)) {
    host.note_refused(guest->remote, "too-many-enrolments");
    co_return;
  }
  guest->enrols = true;
  const EnrolmentPatience patience;
  const std::function<void()> proved = [&guest] { guest->proved = true; };
  const auto outcome = co_await serve_enrolment(guest->socket, first, host.engine(), host.dh_key(),
                                                host.entropy(), patience, proved);
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
