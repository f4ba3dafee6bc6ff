// Connections between machines under virtual time: byte streams, as TCP gives them, over links with
// delay, jitter, limited rate and loss (a stall, as TCP makes of it). A connection may be cut at
// any byte; then either end may learn of it late, or never. A link that is down holds what is on
// its way.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "protocol/base/bytes.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/timeline.h"

namespace lienthong::sim {

struct LinkQuality {
  Duration delay{150};
  Duration jitter{50};
  std::size_t bytes_per_second = 64'000;
  double loss = 0;  // of a packet: it stalls the stream for a retransmission
};

class Connection;

// One end of a connection. Set the callbacks before the next event.
class Stream {
 public:
  std::function<void(ByteView)> on_bytes;
  std::function<void()> on_end;  // the other side closed, or the cut was noticed; at most once
  void send(ByteView bytes);
  // Bytes that were sent and are not on the line yet.
  std::size_t unsent() const;
  // No more is sent or received here; the other side sees the end after what is on its way.
  void close();

 private:
  friend class Network;
  friend class Connection;
  std::weak_ptr<Connection> connection_;
  bool first_ = false;
  bool ended_ = false;
};

class Network {
 public:
  using Accept = std::function<void(std::shared_ptr<Stream>)>;

  Network(Timeline& timeline, Dice dice) : timeline_(timeline), dice_(dice) {}
  ~Network();

  void set_quality(const LinkQuality& quality) { quality_ = quality; }
  // Between those two alone, from now on; nullopt: as everywhere.
  void set_quality(std::size_t a, std::size_t b, const std::optional<LinkQuality>& quality);

  // Nobody listens on a machine that is off: dials fail.
  void listen(std::size_t machine, Accept accept) { listeners_[machine] = std::move(accept); }
  void stop_listening(std::size_t machine) { listeners_.erase(machine); }
  // `done` gets the stream, or null when nobody answered.
  void dial(std::size_t from, std::size_t to, std::function<void(std::shared_ptr<Stream>)> done);

  // Splits the machines: only those of one side reach each other.
  void partition(std::set<std::size_t> side);
  void set_down(std::size_t a, std::size_t b, bool down);
  // Nothing comes from `from` to `to`, though it does the other way.
  void set_deaf(std::size_t from, std::size_t to, bool deaf);
  // Everything arrives again, over links as they were.
  void heal();
  bool reachable(std::size_t from, std::size_t to) const;
  // Both ways, and as fast as everywhere.
  bool good(std::size_t a, std::size_t b) const {
    return reachable(a, b) && reachable(b, a) && !qualities_.contains(std::minmax(a, b));
  }
  // A bit of the next packet of some connections is turned around on the way.
  void corrupt_some(double part);

  // Breaks connections, in the middle of what they carry. Both ends learn of it, or only one, or
  // none.
  void cut_some(double part);
  // The machine is gone: its ends are silent, the others learn of it sooner or later.
  void drop_machine(std::size_t machine);

  // The first bytes of a dial that once was, to be replayed.
  struct Recording {
    std::size_t to;
    Bytes bytes;
  };
  const std::deque<Recording>& recordings() const { return recordings_; }
  std::uint64_t bytes_carried() const { return bytes_carried_; }
  // The most that ever waited in one direction of a connection.
  std::size_t most_unsent() const { return most_unsent_; }

 private:
  friend class Connection;
  void prune();
  const LinkQuality& quality(std::size_t a, std::size_t b) const;
  Timeline& timeline_;
  Dice dice_;
  LinkQuality quality_;
  std::map<std::size_t, Accept> listeners_;
  std::map<std::pair<std::size_t, std::size_t>, LinkQuality> qualities_;
  std::set<std::pair<std::size_t, std::size_t>> down_;
  std::set<std::pair<std::size_t, std::size_t>> deaf_;  // from, to
  std::optional<std::set<std::size_t>> side_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::deque<Recording> recordings_;
  std::uint64_t bytes_carried_ = 0;
  std::size_t most_unsent_ = 0;
};

}  // namespace lienthong::sim
