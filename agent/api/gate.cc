#include "agent/api/gate.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/api/request_bytes.h"

namespace lienthong::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLinger{2'000};  // for what is still being sent to us after the answer
constexpr milliseconds kIdleLook{1'000};
constexpr std::size_t kChunkBytes = 64U << 10;
constexpr std::size_t kChunkedOverhead = 64U << 10;
constexpr std::size_t kBigBytes = 64U << 10;  // smaller requests are always heard

// A connection, from accept() until it is closed.
struct Connection {
  explicit Connection(int socket) : fd(socket), deadline(Clock::now()) {}
  ~Connection() { ::close(fd); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int fd;
  RequestBytes request;
  Clock::time_point deadline;
  bool lingering = false;  // answered; what still comes is thrown away
  bool taking = false;     // its head was there and a body is due
};
using CallerPtr = std::unique_ptr<Connection>;

int wait_for(int fd, short events, milliseconds time) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, static_cast<int>(std::max<milliseconds::rep>(time.count(), 0)));
}

thread_local std::optional<Peer> this_peer;

std::optional<Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  if (size != sizeof credentials || credentials.uid == static_cast<uid_t>(-1)) return std::nullopt;
  return Peer{credentials.uid, credentials.gid};
}

// ---- the threads that answer ----

class Pool {
 public:
  explicit Pool(const GateLimits& limits) : limits_(limits) {}

  void start(std::function<void(CallerPtr)> answer) {
    answer_ = std::move(answer);
    const std::lock_guard lock(mutex_);
    fill();
  }
  void add(CallerPtr caller) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(caller));
    work_.notify_one();
  }
  // Finishes what it has; answers that nobody takes are given up.
  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (const int fd : slow_) ::shutdown(fd, SHUT_RDWR);
    work_.notify_all();
    gone_.wait(lock, [this] { return threads_ == 0; });
  }

  // Of a thread that waits until its answer is taken: another takes its place.
  void begin_waiting(int fd) {
    const std::lock_guard lock(mutex_);
    if (slow_.size() >= limits_.slow_readers) ::shutdown(slow_.front(), SHUT_RDWR);
    if (stopping_) ::shutdown(fd, SHUT_RDWR);
    slow_.push_back(fd);
    fill();
  }
  void end_waiting(int fd) {
    const std::lock_guard lock(mutex_);
    slow_.remove(fd);
  }

 private:
  bool surplus() const { return threads_ > limits_.threads + slow_.size(); }
  void fill() {
    while (!stopping_ && threads_ < limits_.threads + slow_.size()) {
      std::thread([this] { run(); }).detach();
      ++threads_;
    }
  }
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [this] { return !queue_.empty() || stopping_ || surplus(); });
      if (queue_.empty() || surplus()) break;
      CallerPtr caller = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      answer_(std::move(caller));
      lock.lock();
    }
    if (!queue_.empty()) work_.notify_one();
    --threads_;
    gone_.notify_all();
  }

  const GateLimits& limits_;
  std::function<void(CallerPtr)> answer_;
  std::mutex mutex_;
  std::condition_variable work_, gone_;
  std::deque<CallerPtr> queue_;
  std::list<int> slow_;  // who waits longest is first
  std::size_t threads_ = 0;
  bool stopping_ = false;
};

// ---- one request as httplib reads and answers it ----

class CallerStream final : public httplib::Stream {
 public:
  CallerStream(Connection& caller, Pool& pool, const GateLimits& limits)
      : caller_(caller), pool_(pool), limits_(limits) {}

  bool is_readable() const override { return at_ < caller_.request.bytes.size(); }
  // Waits until there is room for a piece more; false where nobody is there to take it.
  bool is_writable() const override {
    const bool room = wait_for(caller_.fd, POLLOUT, milliseconds(0)) > 0 || wait_for_room();
    return room && is_there();
  }
  ssize_t read(char* to, std::size_t size) override {
    const std::string& bytes = caller_.request.bytes;
    const std::size_t count = std::min(size, bytes.size() - at_);
    std::copy_n(bytes.data() + at_, count, to);
    at_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    std::size_t sent = 0;
    while (sent < size) {
      const ssize_t count = ::send(caller_.fd, from + sent, size - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        written_ += static_cast<std::size_t>(count);
      } else if (count < 0 && errno == EINTR) {
        continue;
      } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for_room()) {
        return -1;
      }
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { nobody(ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { nobody(ip, port); }
  socket_t socket() const override { return caller_.fd; }

 private:
  static void nobody(std::string& ip, int& port) {
    ip.clear();
    port = 0;
  }
  bool is_there() const {
    if (wait_for(caller_.fd, POLLIN, milliseconds(0)) == 0) return true;
    char byte = 0;
    return ::recv(caller_.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }
  bool wait_for_room() const {
    const milliseconds earned(written_ * 1000 / limits_.answer_bytes_per_second);
    const auto left = std::chrono::duration_cast<milliseconds>(limits_.answer + earned - waited_);
    if (left <= milliseconds(0)) return false;
    const auto from = Clock::now();
    pool_.begin_waiting(caller_.fd);
    const int ready = wait_for(caller_.fd, POLLOUT, left);
    pool_.end_waiting(caller_.fd);
    waited_ += Clock::now() - from;
    return ready > 0;
  }

  Connection& caller_;
  Pool& pool_;
  const GateLimits& limits_;
  std::size_t at_ = 0;
  std::size_t written_ = 0;
  mutable Clock::duration waited_{};
};

// Accepted connections are handed over at once, in the accepting thread.
class AtOnce final : public httplib::TaskQueue {
 public:
  explicit AtOnce(std::function<void()> stop) : stop_(std::move(stop)) {}
  void enqueue(std::function<void()> job) override { job(); }
  void shutdown() override { stop_(); }

 private:
  std::function<void()> stop_;
};

}  // namespace

// ---- gathering ----

struct GatedServer::Impl {
  GatedServer& server;
  const GateLimits limits;
  const std::function<bool(std::string_view)> may_send_body;
  Pool pool{limits};
  const int bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::thread thread;
  std::mutex mutex;
  std::vector<CallerPtr> arrived;  // from accept(), and answered ones that may still be sending
  bool stopping = false;
  std::list<CallerPtr> callers;  // the gathering thread's own, in the order of arrival

  Impl(GatedServer& s, GateLimits l, std::function<bool(std::string_view)> entitled)
      : server(s), limits(l), may_send_body(std::move(entitled)) {}
  ~Impl() { ::close(bell); }

  void ring() const {
    const std::uint64_t one = 1;
    (void)!::write(bell, &one, sizeof one);
  }
  void take(CallerPtr caller) {
    {
      const std::lock_guard lock(mutex);
      arrived.push_back(std::move(caller));
    }
    ring();
  }
  void start() {
    pool.start([this](CallerPtr caller) { answer(std::move(caller)); });
    thread = std::thread([this] { gather(); });
  }
  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    ring();
    if (thread.joinable()) thread.join();
    pool.stop();
    arrived.clear();
  }

  void answer(CallerPtr caller);
  void gather();
  bool take_arrivals();
  void make_room();
  std::vector<pollfd> to_be_heard(std::vector<std::list<CallerPtr>::iterator>& places);
  milliseconds until_next_deadline() const;
  void end_late_ones();
  enum class Heard { kMore, kWhole, kGone };
  Heard hear(Connection& caller) const;
  Heard look(Connection& caller) const;
};

void GatedServer::Impl::answer(CallerPtr caller) {
  {
    CallerStream stream(*caller, pool, limits);
    bool closed = false;
    this_peer = peer_of(caller->fd);
    (void)server.process_request(stream, true, closed, nullptr);
    this_peer.reset();
  }
  ::shutdown(caller->fd, SHUT_WR);
  caller->request = {};
  caller->lingering = true;
  caller->deadline = Clock::now() + kLinger;
  take(std::move(caller));
}

bool GatedServer::Impl::take_arrivals() {
  const std::lock_guard lock(mutex);
  for (CallerPtr& caller : arrived) callers.push_back(std::move(caller));
  arrived.clear();
  return !stopping;
}

void GatedServer::Impl::make_room() {
  while (callers.size() > limits.callers) callers.pop_front();
}

// Where they have sent much already only the first of those who go on sending.
std::vector<pollfd> GatedServer::Impl::to_be_heard(
    std::vector<std::list<CallerPtr>::iterator>& places) {
  std::size_t bytes = 0;
  for (const CallerPtr& caller : callers) bytes += caller->request.bytes.size();
  std::vector<pollfd> out{{bell, POLLIN, 0}};
  bool first = true;
  for (auto at = callers.begin(); at != callers.end(); ++at) {
    const bool big = (*at)->request.bytes.size() > kBigBytes;
    const bool waits = big && bytes > limits.bytes && !std::exchange(first, false);
    if (waits) continue;
    places.push_back(at);
    out.push_back({(*at)->fd, POLLIN, 0});
  }
  return out;
}

milliseconds GatedServer::Impl::until_next_deadline() const {
  milliseconds wait = kIdleLook;
  for (const CallerPtr& caller : callers)
    wait = std::min(wait, std::chrono::ceil<milliseconds>(caller->deadline - Clock::now()));
  return std::max(wait, milliseconds(0));
}

void GatedServer::Impl::end_late_ones() {
  const auto now = Clock::now();
  callers.remove_if([now](const CallerPtr& caller) { return caller->deadline <= now; });
}

// What is there now.
GatedServer::Impl::Heard GatedServer::Impl::hear(Connection& caller) const {
  char chunk[kChunkBytes];
  const ssize_t size = ::recv(caller.fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Heard::kMore;
  if (size < 0 || (size == 0 && caller.lingering)) return Heard::kGone;
  if (caller.lingering) return Heard::kMore;
  // One that will not send more, and has not sent a whole request, is told so.
  if (size == 0) return caller.request.bytes.empty() ? Heard::kGone : Heard::kWhole;
  caller.request.bytes.append(chunk, static_cast<std::size_t>(size));
  return look(caller);
}

GatedServer::Impl::Heard GatedServer::Impl::look(Connection& caller) const {
  RequestBytes& request = caller.request;
  if (!caller.taking) {
    if (!request.look_for_head())
      return request.bytes.size() > limits.head_bytes ? Heard::kWhole : Heard::kMore;
    const bool waits = request.head_done();
    if (may_send_body && !may_send_body(request.head())) return Heard::kWhole;
    if (request.body_too_long(limits.body_bytes)) return Heard::kWhole;
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    if (waits) (void)::send(caller.fd, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    caller.taking = true;
    caller.deadline = Clock::now() + limits.body;
  }
  const bool too_much =
      request.bytes.size() > limits.head_bytes + limits.body_bytes + kChunkedOverhead;
  return too_much || request.body_done() ? Heard::kWhole : Heard::kMore;
}

void GatedServer::Impl::gather() {
  while (take_arrivals()) {
    make_room();
    std::vector<std::list<CallerPtr>::iterator> places;
    std::vector<pollfd> heard = to_be_heard(places);
    const auto wait = static_cast<int>(until_next_deadline().count());
    if (::poll(heard.data(), heard.size(), wait) < 0 && errno != EINTR) continue;
    if (heard.front().revents != 0) {
      std::uint64_t rung = 0;
      (void)!::read(bell, &rung, sizeof rung);
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (heard[i + 1].revents == 0) continue;
      const Heard what = hear(**places[i]);
      if (what == Heard::kMore) continue;
      if (what == Heard::kWhole) pool.add(std::move(*places[i]));
      callers.erase(places[i]);
    }
    end_late_ones();
  }
  callers.clear();
}

// ---- the server ----

std::optional<Peer> peer_of_this_request() { return this_peer; }

GatedServer::GatedServer(GateLimits limits,
                         std::function<bool(std::string_view head)> may_send_body)
    : impl_(std::make_unique<Impl>(*this, limits, std::move(may_send_body))) {
  set_keep_alive_max_count(1);
  if (limits.body_bytes != 0) set_payload_max_length(limits.body_bytes);
  new_task_queue = [impl = impl_.get()] {
    impl->start();
    return new AtOnce([impl] { impl->stop(); });
  };
}

GatedServer::~GatedServer() = default;

bool GatedServer::process_and_close_socket(socket_t sock) {
  ::fcntl(sock, F_SETFL, ::fcntl(sock, F_GETFL, 0) | O_NONBLOCK);
  auto caller = std::make_unique<Connection>(sock);
  caller->deadline += impl_->limits.head;
  impl_->take(std::move(caller));
  return true;
}

}  // namespace lienthong::agent
