// Carries IP packets between the nodes of an emulated network: out of a node's TUN device through
// its `up` pipe, through the `down` pipe of the node that has the address, into that one's device.
// One thread; real time.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/emulator/namespaces.h"
#include "tests/emulator/nat.h"
#include "tests/emulator/pipe.h"
#include "tests/emulator/trace.h"

namespace lienthong::emulator {

class Forwarder final {
 public:
  explicit Forwarder(std::uint64_t seed) : dice_(seed) {}
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  Result<void> add(const std::string& name, const NodeOptions& options);
  // Logs every packet to that file from now on. Fails: kIo.
  Result<void> trace(const std::string& path) { return trace_.open(path); }
  // Serves the devices and answers one JSON line to each JSON line on standard input; returns at
  // its end, or when `stop_fd` becomes readable.
  Result<void> run(int stop_fd);
  // The line that says what is there: {"ready":true,"nodes":[{"name","address","namespace"}]}.
  std::string greeting() const;

 private:
  struct Place {
    Node node;
    Pipe up, down;
    std::optional<Nat> nat = {};
    std::uint64_t nat_drops = 0;
  };
  struct Flight {
    Nanos at;
    std::uint64_t order;
    std::size_t place;  // whose pipe it is in
    bool down;
    std::vector<unsigned char>* packet;
    bool operator>(const Flight& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  Nanos now() const;
  void read_device(std::size_t place);
  void enter(std::size_t place, bool down, std::vector<unsigned char>* packet);
  void land();
  // A packet that left a node's pipe: to the node that has its address, if any has.
  void route(Place& from, std::vector<unsigned char>* packet);
  void arm_timer();
  void recycle(std::vector<unsigned char>* packet);
  bool read_commands();
  std::string obey(const std::string& line);
  nlohmann::json obey_json(const nlohmann::json& command);
  nlohmann::json counters() const;
  void set(Place& place, const nlohmann::json& command);
  nlohmann::json translate(std::size_t place);

  sim::Dice dice_;
  std::deque<Place> places_;
  std::unordered_map<std::uint32_t, std::size_t> by_address_;
  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights_;
  std::vector<std::vector<unsigned char>*> spare_;
  std::uint64_t order_ = 0, foreign_packets_ = 0;
  std::string input_;
  Trace trace_;
  int epoll_ = -1, timer_ = -1;
};

}  // namespace lienthong::emulator
