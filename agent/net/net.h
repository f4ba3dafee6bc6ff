// What the coroutines of the links share. Included by .cc files only.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/engine/engine.h"
#include "agent/net/tcp_info.h"

namespace lienthong::agent {

// A failed read or write is a value, not an exception.
inline constexpr auto as_result = asio::experimental::as_tuple(asio::use_awaitable);

// Closes a socket when it was not renewed in time, which ends whatever waits on it. One thread.
class Watchdog {
 public:
  explicit Watchdog(asio::ip::tcp::socket& socket);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();
  void renew(std::chrono::milliseconds time);
  bool barked() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the timer's handler, which may run after us
};

// Runs the job on the writer thread and resumes on our own.
asio::awaitable<Result<void>> commit(Engine& engine, Engine::Job job);

// Sends at once, gives a path up when data stays unacknowledged for `dead_after`, and lets
// acknowledgements of the first packets ride on data. Before connect(), or right after accept().
void tune(asio::ip::tcp::socket& socket, Congestion congestion,
          std::chrono::milliseconds dead_after);

// "10.0.0.1:7410", "[fe80::1]:7410"; an IPv4 address in IPv6 clothes is shown as IPv4.
std::string to_text(const asio::ip::tcp::endpoint& endpoint);
asio::ip::address plain_address(const asio::ip::address& address);

// The endpoints of "host:port"; looks names up without blocking the loop. kNotFound: no such name,
// or nobody to ask.
asio::awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolve(std::string address);
// A connection attempt that can be given up. Loop thread only.
class DialUnderWay {
 public:
  // Fails the attempt under way if it has waited for an answer longer than `least`: a fresh one
  // may get one at once, and its window is whole. False: there is none.
  bool give_up(std::chrono::nanoseconds least);

 private:
  friend class DialGuard;
  asio::ip::tcp::socket* socket_ = nullptr;
  std::chrono::steady_clock::time_point since_{};
};

// Attempts that overlap: a path that comes back is met by the next SYN, not by the end of a pause.
// Each lives shorter than the kernel's first repetition, so that a SYN is what an attempt costs;
// every so many one lives long, for a path whose round trip is longer than that.
struct Ringing {
  std::chrono::milliseconds every{550};
  std::chrono::milliseconds life{950};
  std::chrono::milliseconds long_life{3950};
  int long_each = 9;
};
// For a path with that round trip (0: not known): at most 150 bytes a second of IPv4 go out.
Ringing ringing_for(std::chrono::microseconds round_trip);

struct DialOptions {
  std::chrono::milliseconds patience{10'000};  // for each endpoint of the address
  int segment_bytes_max = 0;                   // 0: what the path takes
  std::shared_ptr<DialUnderWay> under_way;     // null: cannot be given up
  std::optional<Ringing> ringing;              // in attempts that overlap, until patience ends
  // Told what attempts that failed have sent: bytes of IP packets. May be empty.
  std::function<void(std::uint64_t)> spent;
};
// A connected and tuned socket, or kTimeout, kIo, kClosed (nobody listens), kNotFound (the name). A
// connection whose SYN was repeated more than once begins with a window of one segment (RFC 5681,
// section 3.1), which costs a first message four round trips: as the path answers now, a fresh one
// takes its place.
asio::awaitable<Result<asio::ip::tcp::socket>> dial(std::string address, Congestion congestion,
                                                    std::chrono::milliseconds dead_after,
                                                    DialOptions options);

}  // namespace lienthong::agent
