#include "agent/dialler.h"

#include <spdlog/spdlog.h>

#include <charconv>

#include "agent/link.h"
#include "agent/log.h"
#include "agent/neighbour.h"
#include "agent/net.h"

namespace lienthong::agent {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectPatience{10};
constexpr std::chrono::seconds kLookAgain{5};   // for an agency that is not in the registry yet
constexpr std::uint64_t kSeenMax = 1ULL << 62;  // what a peer may move our numbers to

// Session numbers rise over all peers alike, so that a peer whose key is not known beforehand can
// be given one too.
constexpr NodeId kEveryone{};

// "…; last seen: 12", the detail of a close for replay; 0 when there is none.
std::uint64_t last_seen(const std::string& detail) {
  const auto colon = detail.rfind(' ');
  std::uint64_t number = 0;
  if (colon != std::string::npos) {
    std::from_chars(detail.data() + colon + 1, detail.data() + detail.size(), number);
  }
  return number;
}

}  // namespace

Dialler::Dialler(NeighbourConfig neighbour, LinkHost& host)
    : neighbour_(std::move(neighbour)),
      host_(host),
      backoff_(host.limits().backoff_max),
      timer_(host.executor()) {}

void Dialler::start() { host_.spawn("dialler " + neighbour_.agency, run(shared_from_this())); }

void Dialler::stop() {
  stopped_ = true;
  if (link_) link_->close(CloseCode::kGoingAway, "no longer a neighbour");
  timer_.cancel();
}

void Dialler::look_again() { timer_.cancel(); }

void Dialler::dial_now() {
  next_attempt_ = Steady::time_point{};
  backoff_.reset();
  timer_.cancel();
}

std::optional<AgencyId> Dialler::find_agency() {
  const auto registry = host_.engine().replica().registry();
  const AgencyInfo* agency = registry->find_agency_by_code(neighbour_.agency);
  if (agency == nullptr) {
    host_.table().with_unknown(neighbour_.agency, [&](NeighbourStatus& status) {
      status.address = neighbour_.addresses.front();
      status.last_error = "agency " + neighbour_.agency + " is not in the registry";
    });
    return std::nullopt;
  }
  host_.table().forget_unknown(neighbour_.agency);
  return agency->id;
}

// The key of the agency's latest certificate; none: it will show its own.
std::optional<DhPublic> Dialler::key_of(const AgencyId& agency) const {
  const auto registry = host_.engine().replica().registry();
  const Certificate* latest = nullptr;
  for (const CertificateId& id : registry->certificates_of(agency)) {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr || !registry->may_connect(certificate->node)) continue;
    if (certificate->node == host_.engine().replica().identity().node) continue;
    if (latest == nullptr || certificate->issued_at > latest->issued_at) latest = certificate;
  }
  return latest == nullptr ? std::nullopt : std::optional(latest->dh_key);
}

void Dialler::failed(const AgencyId& agency, const std::string& address, const std::string& why) {
  host_.table().with(agency, [&](NeighbourStatus& status) {
    ++status.failures;
    status.last_error = why;
  });
  spdlog::debug("agency={} address={} event=dial_failed reason={}", neighbour_.agency, address,
                in_quotes(why));
}

void Dialler::plan(const std::optional<AgencyId>& agency, std::chrono::milliseconds wait) {
  next_attempt_ = Steady::now() + wait;
  const UnixMillis at = host_.engine().clock().now() + wait.count();
  const auto note = [&](NeighbourStatus& status) {
    if (status.state != LinkState::kConnected) status.state = LinkState::kDown;
    status.next_attempt = at;
  };
  if (agency) {
    host_.table().with(*agency, note);
  } else {
    host_.table().with_unknown(neighbour_.agency, note);
  }
}

asio::awaitable<void> Dialler::pause(std::shared_ptr<Dialler> self, Steady::time_point until) {
  self->timer_.expires_at(until);
  co_await self->timer_.async_wait(as_result);
}

asio::awaitable<void> Dialler::run(std::shared_ptr<Dialler> self) {
  while (!self->stopped_) {
    const auto agency = self->find_agency();
    if (!agency) {
      self->plan(agency, kLookAgain);
    } else if (self->host_.connected(*agency)) {
      co_await pause(self, Steady::time_point::max());
      continue;
    } else if (Steady::now() >= self->next_attempt_) {
      const bool was_up = co_await attempt(self, *agency);
      if (was_up) self->backoff_.reset();
      if (self->stopped_) break;
      const auto wait = self->backoff_.next(self->host_.entropy());
      if (!self->host_.connected(*agency)) self->plan(agency, wait);
      continue;
    }
    co_await pause(self, self->next_attempt_);
  }
}

asio::awaitable<bool> Dialler::attempt(std::shared_ptr<Dialler> self, AgencyId agency) {
  for (const std::string& address : self->neighbour_.addresses) {
    if (self->stopped_ || self->host_.connected(agency)) break;
    self->host_.table().with(agency, [&](NeighbourStatus& status) {
      status.state = LinkState::kDialling;
      status.address = address;
      status.next_attempt = 0;
    });
    const bool was_up = co_await attempt_at(self, agency, address);
    if (was_up) co_return true;
  }
  co_return false;
}

asio::awaitable<bool> Dialler::attempt_at(std::shared_ptr<Dialler> self, AgencyId agency,
                                          std::string address) {
  LinkHost& host = self->host_;
  auto socket = co_await dial(address, kConnectPatience);
  if (!socket) {
    self->failed(agency, address, socket.error().detail());
    co_return false;
  }
  const auto number = std::make_shared<std::uint64_t>(0);
  const auto job = [number](store::Transaction& transaction) {
    *number = transaction.next_session_number(kEveryone);
    return Result<void>();
  };
  const auto persisted = co_await commit(host.engine(), job);
  if (!persisted || self->stopped_) co_return false;
  tune(*socket, host.limits().dead_after);
  const auto key = self->without_key_ ? std::nullopt : self->key_of(agency);
  auto link = host.adopt(std::move(*socket), true, key, agency, *number, Bytes());
  const bool was_up = co_await follow(self, link, agency, key.has_value());
  co_return was_up;
}

asio::awaitable<bool> Dialler::follow(std::shared_ptr<Dialler> self, std::shared_ptr<Link> link,
                                      AgencyId agency, bool named_key) {
  self->link_ = link;
  link->when_ended([self] { self->look_again(); });
  while (!link->ended()) co_await pause(self, Steady::time_point::max());
  self->link_.reset();
  if (link->established()) {
    self->without_key_ = false;
    co_return true;
  }
  std::string why =
      link->close_code() == CloseCode::kNone ? "" : std::string(to_string(link->close_code()));
  if (!link->close_detail().empty()) why += (why.empty() ? "" : ": ") + link->close_detail();
  self->failed(agency, self->neighbour_.addresses.front(), why);
  // Replaced, rotated or a sibling machine: it cannot read what was meant for the key that we know.
  self->without_key_ = named_key && link->close_code() != CloseCode::kReplay;
  if (link->close_code() == CloseCode::kReplay && link->closed_by_peer()) {
    const std::uint64_t seen = last_seen(link->close_detail());
    const auto job = [seen](store::Transaction& transaction) {
      transaction.next_session_number(kEveryone, std::min(seen, kSeenMax));
      return Result<void>();
    };
    const auto skipped = co_await commit(self->host_.engine(), job);
    if (!skipped)
      spdlog::warn("event=numbers_not_skipped error={}", in_quotes(skipped.error().message()));
  }
  co_return false;
}

}  // namespace lienthong::agent
