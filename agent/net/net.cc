#include "agent/net/net.h"

#include <optional>
#include <vector>

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
  const Errc code = problem == asio::error::connection_refused ? Errc::kClosed : Errc::kIo;
  return Error(code, address + ": " + problem.message());
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
  if (failure) co_return Error(Errc::kNotFound, address + ": " + failure.message());
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

// SYNs that the kernel has sent in that time, repeated after a second, by newer ones each second.
std::uint64_t syn_bytes(const tcp::endpoint& endpoint, std::chrono::nanoseconds waited) {
  constexpr std::uint64_t kSynIpv4 = 60, kSynIpv6 = 80;
  const auto count = 1 + std::chrono::duration_cast<std::chrono::seconds>(waited).count();
  return static_cast<std::uint64_t>(count) * (endpoint.address().is_v4() ? kSynIpv4 : kSynIpv6);
}

asio::awaitable<Result<tcp::socket>> connect_counted(tcp::endpoint endpoint, Congestion congestion,
                                                     std::chrono::milliseconds dead_after,
                                                     DialOptions options) {
  const auto since = std::chrono::steady_clock::now();
  auto socket = co_await connect(endpoint, congestion, dead_after, options);
  if (!socket && options.spent)
    options.spent(syn_bytes(endpoint, std::chrono::steady_clock::now() - since));
  co_return std::move(socket);
}

// What overlapping attempts share; it outlives whoever waits for them.
struct Rung {
  explicit Rung(const asio::any_io_executor& executor) : event(executor) {}
  asio::steady_timer event;  // cancelled when one is answered
  std::optional<tcp::socket> answered;
  std::optional<Error> failed;
  std::vector<std::shared_ptr<DialUnderWay>> under_way;
  bool over = false;
};

asio::awaitable<void> ring_once(std::shared_ptr<Rung> rung, tcp::endpoint endpoint,
                                Congestion congestion, std::chrono::milliseconds dead_after,
                                DialOptions options) {
  auto socket = co_await connect_counted(endpoint, congestion, dead_after, options);
  std::erase(rung->under_way, options.under_way);
  if (!socket) {
    rung->failed = socket.error();
  } else if (!rung->over && !rung->answered) {
    rung->answered.emplace(std::move(*socket));
    rung->event.cancel();
  }
}

asio::awaitable<Result<tcp::socket>> ring(tcp::endpoint endpoint, Congestion congestion,
                                          std::chrono::milliseconds dead_after,
                                          DialOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  const auto rung = std::make_shared<Rung>(executor);
  const Ringing how = *options.ringing;
  const auto until = std::chrono::steady_clock::now() + options.patience;
  for (int number = 1; !rung->answered && std::chrono::steady_clock::now() < until; ++number) {
    DialOptions one = options;
    one.ringing.reset();
    one.patience = number % how.long_each == 0 ? how.long_life : how.life;
    one.under_way = std::make_shared<DialUnderWay>();
    rung->under_way.push_back(one.under_way);
    const auto ended = [rung, endpoint](const std::exception_ptr& problem) {
      if (problem) rung->failed = Error(Errc::kIo, to_text(endpoint) + ": an attempt broke off");
    };
    asio::co_spawn(executor, ring_once(rung, endpoint, congestion, dead_after, one), ended);
    if (rung->answered) break;
    // The first one usually finds the path there: nothing follows it until it is given up.
    rung->event.expires_after(number == 1 ? how.life : how.every);
    co_await rung->event.async_wait(as_result);
  }
  rung->over = true;
  for (const auto& other : std::exchange(rung->under_way, {}))
    other->give_up(std::chrono::nanoseconds(0));
  if (rung->answered) co_return std::move(*rung->answered);
  co_return rung->failed.value_or(Error(Errc::kTimeout, to_text(endpoint) + ": no answer"));
}

// Two statements: g++ 12 destroys temporaries of a conditional expression with co_await twice.
asio::awaitable<Result<tcp::socket>> connect_or_ring(tcp::endpoint endpoint, Congestion congestion,
                                                     std::chrono::milliseconds dead_after,
                                                     DialOptions options) {
  if (options.ringing) co_return co_await ring(endpoint, congestion, dead_after, options);
  co_return co_await connect_counted(endpoint, congestion, dead_after, options);
}

}  // namespace

Ringing ringing_for(std::chrono::microseconds round_trip) {
  Ringing out;
  if (round_trip < std::chrono::milliseconds(800)) return out;
  // Longer than a second: the kernel repeats the SYN meanwhile, and attempts come more rarely.
  const auto whole = std::chrono::ceil<std::chrono::seconds>(round_trip * 6 / 5);
  out.life = whole + std::chrono::milliseconds(950);
  out.long_life = std::max<std::chrono::milliseconds>(out.long_life, 2 * out.life);
  out.every = (whole.count() + 1) * std::chrono::milliseconds(550);
  return out;
}

asio::awaitable<Result<tcp::socket>> dial(std::string address, Congestion congestion,
                                          std::chrono::milliseconds dead_after,
                                          DialOptions options) {
  const auto endpoints = co_await resolve(address);
  if (!endpoints) co_return endpoints.error();
  Error last(Errc::kNotFound, address + ": the name has no address");
  for (const tcp::endpoint& endpoint : *endpoints) {
    auto socket = co_await connect_or_ring(endpoint, congestion, dead_after, options);
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
