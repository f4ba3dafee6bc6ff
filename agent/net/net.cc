#include "agent/net/net.h"

#include "agent/net/address.h"

namespace lienthong::agent {

using asio::ip::tcp;

struct Watchdog::State {
  State(tcp::socket& s) : timer(s.get_executor()), socket(&s) {}
  asio::steady_timer timer;
  tcp::socket* socket;  // null once the watchdog is gone
  bool barked = false;
};

Watchdog::Watchdog(tcp::socket& socket) : state_(std::make_shared<State>(socket)) {}

Watchdog::~Watchdog() {
  state_->socket = nullptr;
  state_->timer.cancel();
}

void Watchdog::renew(std::chrono::milliseconds time) {
  state_->timer.expires_after(time);
  state_->timer.async_wait([state = state_](const asio::error_code& problem) {
    if (problem || state->socket == nullptr) return;
    if (state->timer.expiry() > std::chrono::steady_clock::now()) return;  // renewed meanwhile
    state->barked = true;
    asio::error_code ignored;
    state->socket->close(ignored);
  });
}

bool Watchdog::barked() const { return state_->barked; }

namespace {

struct PendingCommit {
  explicit PendingCommit(const asio::any_io_executor& executor)
      : done(executor, std::chrono::steady_clock::time_point::max()) {}
  asio::steady_timer done;  // cancelled when the result is there
  std::optional<Result<void>> result;
};

Error network_error(const std::string& address, const asio::error_code& problem) {
  return Error(Errc::kIo, address + ": " + problem.message());
}

}  // namespace

asio::awaitable<Result<void>> commit(Engine& engine, Engine::Job job) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto pending = std::make_shared<PendingCommit>(executor);
  engine.post(std::move(job), [pending](Result<void> result) {
    pending->result = std::move(result);
    pending->done.cancel();
  });
  while (!pending->result) co_await pending->done.async_wait(as_result);
  co_return *pending->result;
}

void tune(tcp::socket& socket, Congestion congestion, std::chrono::milliseconds dead_after) {
  asio::error_code ignored;  // a socket that cannot be tuned still works
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(false), ignored);
  set_congestion(socket.native_handle(), congestion);
  set_user_timeout(socket.native_handle(), dead_after);
  delay_acknowledgements(socket.native_handle());
}

asio::ip::address plain_address(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = plain_address(endpoint.address());
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(endpoint.port());
}

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(std::string address) {
  std::vector<tcp::endpoint> endpoints;
  const auto parsed = parse_address(address);
  if (!parsed) co_return parsed.error();
  asio::error_code problem;
  const auto numeric = asio::ip::make_address(parsed->host, problem);
  if (!problem) {  // the port was checked by parse_address()
    endpoints.emplace_back(numeric, static_cast<std::uint16_t>(std::stoul(parsed->port)));
    co_return endpoints;
  }
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const std::string host = parsed->host, port = parsed->port;
  auto [failure, found] = co_await resolver.async_resolve(host, port, as_result);
  if (failure) co_return network_error(address, failure);
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

bool DialUnderWay::give_up(std::chrono::nanoseconds least) {
  if (socket_ == nullptr || std::chrono::steady_clock::now() - since_ < least) return false;
  asio::error_code ignored;
  socket_->close(ignored);
  return true;
}

class DialGuard {
 public:
  DialGuard(std::shared_ptr<DialUnderWay> under_way, tcp::socket& socket)
      : under_way_(std::move(under_way)) {
    if (!under_way_) return;
    under_way_->socket_ = &socket;
    under_way_->since_ = std::chrono::steady_clock::now();
  }
  ~DialGuard() {
    if (under_way_) under_way_->socket_ = nullptr;
  }
  DialGuard(const DialGuard&) = delete;
  DialGuard& operator=(const DialGuard&) = delete;

 private:
  std::shared_ptr<DialUnderWay> under_way_;
};

namespace {

asio::awaitable<Result<tcp::socket>> connect(tcp::endpoint endpoint, Congestion congestion,
                                             std::chrono::milliseconds dead_after,
                                             DialOptions options) {
  tcp::socket socket(co_await asio::this_coro::executor);
  asio::error_code problem;
  socket.open(endpoint.protocol(), problem);
  Watchdog watchdog(socket);
  watchdog.renew(options.patience);
  if (!problem) {
    tune(socket, congestion, dead_after);
    if (options.segment_bytes_max > 0) {
      limit_segments(socket.native_handle(), options.segment_bytes_max);
    }
    const DialGuard guard(options.under_way, socket);
    auto [failure] = co_await socket.async_connect(endpoint, as_result);
    problem = failure;
  }
  if (!problem && !watchdog.barked()) co_return Result<tcp::socket>(std::move(socket));
  co_return watchdog.barked() ? Error(Errc::kTimeout, to_text(endpoint) + ": no answer")
                              : network_error(to_text(endpoint), problem);
}

}  // namespace

asio::awaitable<Result<tcp::socket>> dial(std::string address, Congestion congestion,
                                          std::chrono::milliseconds dead_after,
                                          DialOptions options) {
  const auto endpoints = co_await resolve(address);
  if (!endpoints) co_return endpoints.error();
  Error last(Errc::kNotFound, address + ": the name has no address");
  for (const tcp::endpoint& endpoint : *endpoints) {
    auto socket = co_await connect(endpoint, congestion, dead_after, options);
    if (!socket) {
      last = socket.error();
      continue;
    }
    const auto info = read_tcp_info(socket->native_handle());
    if (!info || info->segments_again <= 1) co_return std::move(socket);
    auto fresh = co_await connect(endpoint, congestion, dead_after, options);
    co_return fresh ? std::move(fresh) : std::move(socket);
  }
  co_return last;
}

}  // namespace lienthong::agent
