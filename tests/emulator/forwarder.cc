#include "tests/emulator/forwarder.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace lienthong::emulator {
namespace {

using nlohmann::json;

constexpr std::uint32_t kFirstAddress = 0x0A4D0001;  // 10.77.0.1
constexpr std::uint32_t kOutsides = 0x8000;          // from an address to that of its router
constexpr std::size_t kPacketBytesMax = 65'536;
constexpr std::size_t kPacketsAtOnce = 64;
constexpr std::uint64_t kStdin = ~0ULL, kTimer = ~1ULL, kStop = ~2ULL;

Error failed_call(const char* what) {
  return Error(Errc::kIo, std::string(what) + ": " + std::strerror(errno));
}

Nanos seconds(const json& value) {
  const double number = value.get<double>();
  if (number < 0 || number > 1e6) throw std::invalid_argument("a time is 0 to 1000000 seconds");
  return Nanos(static_cast<std::int64_t>(number * 1e9));
}

double share(const json& value, double max) {
  const double number = value.get<double>();
  if (number < 0 || number > max) throw std::invalid_argument("a share is out of its range");
  return number;
}

void apply(PipeSettings& out, const std::string& name, const json& value) {
  if (name == "rate") {
    out.rate_bits = value.get<std::uint64_t>();
  } else if (name == "delay") {
    out.delay = seconds(value);
  } else if (name == "jitter") {
    out.jitter = seconds(value);
  } else if (name == "loss") {
    out.loss = share(value, 1);
  } else if (name == "burst_loss") {
    out.burst_loss = share(value, 0.9);
  } else if (name == "burst_packets") {
    out.burst_packets = value.get<double>();
    if (out.burst_packets < 1) throw std::invalid_argument("a burst has at least 1 packet");
  } else if (name == "queue") {
    out.queue_bytes = value.get<std::size_t>();
  } else if (name == "up") {
    out.up = seconds(value);
  } else if (name == "down") {
    out.down = seconds(value);
  } else if (name == "phase") {
    out.phase = seconds(value);
  } else if (name == "mtu_hole") {
    out.mtu_hole = value.get<std::size_t>();
  } else if (name == "cut") {
    out.cut = value.get<bool>();
  } else {
    throw std::invalid_argument("unknown setting " + name);
  }
}

json counters_json(const Pipe& pipe, Nanos now) {
  const PipeCounters& c = pipe.counters();
  return {{"bytes", c.offered_bytes - c.queue_drop_bytes},  // that were on the line
          {"packets", c.offered_packets - c.queue_drops},
          {"delivered_bytes", c.delivered_bytes},
          {"delivered_packets", c.delivered_packets},
          {"queue_drops", c.queue_drops},
          {"loss_drops", c.loss_drops},
          {"outage_drops", c.outage_drops},
          {"queue_bytes", pipe.queued_bytes(now)},
          {"queue_bytes_peak", c.queue_bytes_peak},
          {"first_at", static_cast<double>(c.first_at.count()) / 1e9},  // CLOCK_MONOTONIC
          {"last_at", static_cast<double>(c.last_at.count()) / 1e9}};
}

}  // namespace

Forwarder::~Forwarder() {
  for (; !flights_.empty(); flights_.pop()) delete flights_.top().packet;
  for (auto* packet : spare_) delete packet;
  for (const Place& place : places_) {
    close(place.node.tun);
    close(place.node.net);
  }
  if (epoll_ >= 0) close(epoll_);
  if (timer_ >= 0) close(timer_);
}

Nanos Forwarder::now() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

Result<void> Forwarder::add(const std::string& name, const NodeOptions& options) {
  Node node;
  node.name = name;
  // Not .0 and .255, which programs take for networks.
  const auto index = static_cast<std::uint32_t>(places_.size());
  node.address = kFirstAddress + (index / 250 << 8) + index % 250;
  LT_TRY_VOID(make_node(node, options));
  by_address_[node.address] = places_.size();
  places_.push_back({std::move(node), Pipe(dice_.next()), Pipe(dice_.next())});
  return {};
}

std::string Forwarder::greeting() const {
  json nodes = json::array();
  for (const Place& place : places_)
    nodes.push_back({{"name", place.node.name},
                     {"address", dotted(place.node.address)},
                     {"namespace", "/proc/" + std::to_string(getpid()) + "/fd/" +
                                       std::to_string(place.node.net)}});
  return json{{"ready", true}, {"nodes", std::move(nodes)}}.dump();
}

// ---- packets ----

void Forwarder::recycle(std::vector<unsigned char>* packet) { spare_.push_back(packet); }

void Forwarder::read_device(std::size_t place) {
  for (std::size_t i = 0; i < kPacketsAtOnce; ++i) {
    unsigned char buffer[kPacketBytesMax];
    const ssize_t size = read(places_[place].node.tun, buffer, sizeof(buffer));
    if (size <= 0) return;
    if (size < 20 || buffer[0] >> 4 != 4) {  // only IPv4 is carried
      ++foreign_packets_;
      continue;
    }
    std::vector<unsigned char>* packet = nullptr;
    if (spare_.empty()) {
      packet = new std::vector<unsigned char>;
    } else {
      packet = spare_.back();
      spare_.pop_back();
    }
    packet->assign(buffer, buffer + size);
    enter(place, false, packet);
  }
}

void Forwarder::enter(std::size_t place, bool down, std::vector<unsigned char>* packet) {
  Pipe& pipe = down ? places_[place].down : places_[place].up;
  const Nanos moment = now();
  const auto at = pipe.offer(packet->size(), moment);
  trace_.entered(places_[place].node.name, down, *packet, moment, at, pipe.drop_reason());
  if (!at) return recycle(packet);
  flights_.push({*at, ++order_, place, down, packet});
}

void Forwarder::land() {
  while (!flights_.empty() && flights_.top().at <= now()) {
    const Flight flight = flights_.top();
    flights_.pop();
    Place& place = places_[flight.place];
    Pipe& pipe = flight.down ? place.down : place.up;
    if (!pipe.deliver(flight.packet->size(), now())) {
      trace_.gone(place.node.name, flight.down, *flight.packet, now());
      recycle(flight.packet);
    } else if (flight.down) {
      // A device whose queue is full drops, as a card would.
      [[maybe_unused]] const ssize_t written =
          write(place.node.tun, flight.packet->data(), flight.packet->size());
      recycle(flight.packet);
    } else {
      route(place, flight.packet);
    }
  }
}

void Forwarder::route(Place& from, std::vector<unsigned char>* packet) {
  if (from.nat && !from.nat->outwards(*packet)) {
    ++from.nat_drops;
    return recycle(packet);
  }
  const unsigned char* to = packet->data() + 16;
  const std::uint32_t address = static_cast<std::uint32_t>(to[0]) << 24 |
                                static_cast<std::uint32_t>(to[1]) << 16 |
                                static_cast<std::uint32_t>(to[2]) << 8 | to[3];
  const auto target = by_address_.find(address);
  if (target == by_address_.end()) {
    ++foreign_packets_;
    return recycle(packet);
  }
  Place& place = places_[target->second];
  if (place.nat && !place.nat->inwards(*packet)) {
    ++place.nat_drops;
    return recycle(packet);
  }
  enter(target->second, true, packet);
}

void Forwarder::arm_timer() {
  itimerspec timer{};  // zero: disarmed
  if (!flights_.empty()) {
    const std::int64_t at = std::max<std::int64_t>(flights_.top().at.count(), 1);
    timer.it_value.tv_sec = at / 1'000'000'000;
    timer.it_value.tv_nsec = at % 1'000'000'000;
  }
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &timer, nullptr);
}

Result<void> Forwarder::run(int stop_fd) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (epoll_ < 0 || timer_ < 0) return failed_call("epoll and timer");
  const auto watch = [this](int fd, std::uint64_t what) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = what;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
  };
  bool watched = watch(STDIN_FILENO, kStdin) && watch(timer_, kTimer) && watch(stop_fd, kStop);
  for (std::size_t i = 0; i < places_.size(); ++i)
    watched = watched && watch(places_[i].node.tun, i);
  if (!watched) return failed_call("watching the devices and standard input");
  for (;;) {
    land();
    arm_timer();
    trace_.flush();
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, std::size(events), -1);
    if (count < 0 && errno != EINTR) return failed_call("waiting");
    for (int i = 0; i < count; ++i) {
      const std::uint64_t what = events[i].data.u64;
      if (what == kStop) return {};
      if (what == kStdin) {
        if (!read_commands()) return {};
      } else if (what == kTimer) {
        std::uint64_t ticks = 0;
        [[maybe_unused]] const ssize_t size = read(timer_, &ticks, sizeof(ticks));
      } else {
        read_device(static_cast<std::size_t>(what));
      }
    }
  }
}

// ---- commands ----

bool Forwarder::read_commands() {
  char buffer[4096];
  const ssize_t size = read(STDIN_FILENO, buffer, sizeof(buffer));
  if (size == 0) return false;
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  input_.append(buffer, static_cast<std::size_t>(size));
  for (std::size_t end; (end = input_.find('\n')) != std::string::npos;) {
    const std::string answer = obey(input_.substr(0, end)) + "\n";
    input_.erase(0, end + 1);
    if (std::fwrite(answer.data(), 1, answer.size(), stdout) != answer.size()) return false;
    std::fflush(stdout);
  }
  return true;
}

std::string Forwarder::obey(const std::string& line) {
  try {
    return obey_json(json::parse(line)).dump();
  } catch (const std::exception& wrong) {
    return json{{"ok", false}, {"error", wrong.what()}}.dump();
  }
}

json Forwarder::obey_json(const json& command) {
  const auto what = command.at("do").get<std::string>();
  if (what == "counters") return {{"ok", true}, {"nodes", counters()}};
  if (what == "reset") {
    for (Place& place : places_) {
      place.up.reset_counters();
      place.down.reset_counters();
    }
    return {{"ok", true}};
  }
  if (what != "set" && what != "nat") throw std::invalid_argument("unknown command " + what);
  const auto name = command.at("node").get<std::string>();
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (places_[place].node.name != name) continue;
    if (what == "nat") return translate(place);
    set(places_[place], command);
    return {{"ok", true}};
  }
  throw std::invalid_argument("no node " + name);
}

// The first time the node comes to stand behind a router, later the router forgets.
json Forwarder::translate(std::size_t index) {
  Place& place = places_[index];
  if (place.nat) {
    place.nat->forget();
  } else {
    place.nat.emplace(place.node.address, place.node.address + kOutsides);
    by_address_[place.nat->outside()] = index;
  }
  return {{"ok", true}, {"address", dotted(place.nat->outside())}};
}

// Each direction begins from what it is set to; what is not named stays.
void Forwarder::set(Place& place, const json& command) {
  const auto direction = command.at("direction").get<std::string>();
  if (direction != "up" && direction != "down" && direction != "both")
    throw std::invalid_argument("a direction is up, down or both");
  PipeSettings up = place.up.settings(), down = place.down.settings();
  for (const auto& [name, value] : command.at("settings").items()) {
    apply(up, name, value);
    apply(down, name, value);
  }
  const Nanos moment = now();
  if (direction != "down") place.up.set(up, moment);
  if (direction != "up") place.down.set(down, moment);
}

json Forwarder::counters() const {
  json nodes = json::object();
  const Nanos moment = now();
  for (const Place& place : places_)
    nodes[place.node.name] = {{"up", counters_json(place.up, moment)},
                              {"down", counters_json(place.down, moment)},
                              {"nat_drops", place.nat_drops}};
  return nodes;
}

}  // namespace lienthong::emulator
