#include "tests/simulation/network.h"

#include <algorithm>
#include <array>

namespace lienthong::sim {
namespace {

constexpr std::size_t kPacketBytes = 1400;
constexpr std::size_t kRecordedBytes = 2048;
constexpr std::size_t kRecordingCountMax = 40;
constexpr Duration kLookAgain{250};  // for a link that is down

}  // namespace

// The network holds it until it is over.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, std::size_t from, std::size_t to)
      : network_(network), machines_{from, to} {}

  void open(const std::shared_ptr<Stream>& near, const std::shared_ptr<Stream>& far) {
    ends_ = {near, far};
    for (const std::size_t i : {0U, 1U}) {
      ends_[i]->connection_ = weak_from_this();
      ends_[i]->first_ = i == 0;
    }
  }

  void send(bool first, ByteView bytes) {
    if (cut_) return;
    Way& way = ways_[first ? 0 : 1];
    if (first) record(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += kPacketBytes)
      way.push(to_bytes(bytes.subspan(at, std::min(kPacketBytes, bytes.size() - at))));
    way.bytes += bytes.size();
    network_.most_unsent_ = std::max(network_.most_unsent_, way.bytes);
    carry(first ? 0 : 1);
  }
  void close(bool first) {
    if (cut_) return;
    ways_[first ? 0 : 1].closing = true;
    carry(first ? 0 : 1);
  }
  // A part of the next packet may still arrive.
  void cut(Dice& dice) {
    if (cut_) return;
    cut_ = true;
    for (const std::size_t i : {0U, 1U}) {
      Way& way = ways_[i];
      Stream& target = *ends_[1 - i];
      if (!way.packets.empty() && dice.chance(0.5)) {
        const Bytes packet = way.packets.front();
        give(target, ByteView(packet).first(dice.below(packet.size())));
      }
      way.packets.clear();
      way.bytes = 0;
    }
    for (const std::size_t i : {0U, 1U}) {
      if (dice.chance(0.3)) continue;  // never hears of it: finds out by itself
      const Duration delay(dice.between(0, 5000));
      network_.timeline_.after(delay, [self = shared_from_this(), i] { self->end(i); });
    }
  }
  bool over() const { return cut_; }
  std::size_t unsent(bool first) const { return ways_[first ? 0 : 1].bytes; }
  void corrupt(Dice& dice) {
    Way& way = ways_[dice.below(2)];
    way.corrupted = 1 + dice.below(1U << 16);
  }
  void lose_machine(std::size_t machine, Dice& dice) {
    for (const std::size_t i : {0U, 1U}) {
      if (machines_[i] != machine) continue;
      ends_[i]->ended_ = true;
      cut(dice);
    }
  }

 private:
  struct Way {
    std::deque<Bytes> packets;  // not delivered yet
    Instant free_at{};          // when the last packet has been put on the line
    Instant arrives_at{};       // of the last packet scheduled
    bool carrying = false;
    bool closing = false;
    std::size_t bytes = 0;      // of the packets
    std::size_t corrupted = 0;  // not 0: which bit of the next packet, more or less
    void push(Bytes packet) { packets.push_back(std::move(packet)); }
  };

  void record(ByteView bytes) {
    if (recorded_ >= kRecordedBytes) return;
    if (recorded_ == 0) {
      network_.recordings_.push_back({machines_[1], {}});
      if (network_.recordings_.size() > kRecordingCountMax) network_.recordings_.pop_front();
      network_.recordings_.back().bytes = to_bytes(bytes);
    }
    recorded_ += bytes.size();
  }

  // One packet at a time is under way: enough for streams, whose order nothing may change.
  void carry(std::size_t i) {
    Way& way = ways_[i];
    if (way.carrying || cut_) return;
    if (way.packets.empty() && !way.closing) return;
    way.carrying = true;
    Timeline& timeline = network_.timeline_;
    Dice& dice = network_.dice_;
    const LinkQuality& quality = network_.quality(machines_[0], machines_[1]);
    const std::size_t size = way.packets.empty() ? 40 : way.packets.front().size() + 40;
    const auto on_line = std::chrono::microseconds(1'000'000 * size / quality.bytes_per_second);
    way.free_at = std::max(way.free_at, timeline.now()) + on_line;
    Instant arrival =
        way.free_at + quality.delay + Duration(dice.between(0, quality.jitter.count()));
    if (dice.chance(quality.loss)) arrival += Duration(dice.between(1000, 4000));
    // The delay is paid by the first packet of a burst; the others follow at the line's rate.
    if (way.arrives_at > timeline.now() - quality.delay &&
        way.arrives_at.time_since_epoch().count() > 0)
      arrival = std::max(way.arrives_at + on_line, std::min(arrival, timeline.now() + on_line));
    way.arrives_at = arrival;
    deliver_at(i, arrival);
  }

  void deliver_at(std::size_t i, Instant when) {
    network_.timeline_.at(when, [self = shared_from_this(), i] { self->deliver(i); });
  }

  void deliver(std::size_t i) {
    if (cut_) return;
    if (!network_.reachable(machines_[i], machines_[1 - i]))
      return deliver_at(i, network_.timeline_.now() + kLookAgain);
    Way& way = ways_[i];
    way.carrying = false;
    const std::shared_ptr<Stream> target = ends_[1 - i];
    if (way.packets.empty()) {
      cut_ = true;
      end(1 - i);
      return;
    }
    Bytes packet = std::move(way.packets.front());
    way.packets.pop_front();
    way.bytes -= packet.size();
    if (const std::size_t bit = std::exchange(way.corrupted, 0); bit != 0)
      packet[bit / 8 % packet.size()] ^= static_cast<std::uint8_t>(1U << bit % 8);
    network_.bytes_carried_ += packet.size();
    network_.timeline_.note(machines_[i] << 16 | machines_[1 - i], packet);
    const auto self = shared_from_this();
    carry(i);
    give(*target, packet);
  }
  // The callback may take itself away.
  static void give(Stream& stream, ByteView bytes) {
    const auto callback = stream.on_bytes;
    if (!stream.ended_ && callback) callback(bytes);
  }

  void end(std::size_t i) {
    const std::shared_ptr<Stream> stream = ends_[i];
    if (std::exchange(stream->ended_, true)) return;
    const auto callback = stream->on_end;
    if (callback) callback();
  }

  friend class Stream;
  Network& network_;
  std::array<std::size_t, 2> machines_;
  std::array<std::shared_ptr<Stream>, 2> ends_;
  std::array<Way, 2> ways_;  // 0: from the dialler
  bool cut_ = false;
  std::size_t recorded_ = 0;
};

void Stream::send(ByteView bytes) {
  if (const auto connection = connection_.lock(); connection && !ended_)
    connection->send(first_, bytes);
}

std::size_t Stream::unsent() const {
  const auto connection = connection_.lock();
  return connection ? connection->unsent(first_) : 0;
}

void Stream::close() {
  if (std::exchange(ended_, true)) return;
  if (const auto connection = connection_.lock()) connection->close(first_);
}

void Network::dial(std::size_t from, std::size_t to,
                   std::function<void(std::shared_ptr<Stream>)> done) {
  const LinkQuality& quality = this->quality(from, to);
  const Duration delay = quality.delay + Duration(dice_.between(0, quality.jitter.count()));
  timeline_.after(delay, [this, from, to, done = std::move(done)] {
    const auto listener = listeners_.find(to);
    if (listener == listeners_.end() || !reachable(from, to) || !reachable(to, from))
      return done(nullptr);
    const auto connection = std::make_shared<Connection>(*this, from, to);
    const auto near = std::make_shared<Stream>();
    const auto far = std::make_shared<Stream>();
    connection->open(near, far);
    prune();
    connections_.push_back(connection);
    const Accept accept = listener->second;
    accept(far);
    done(near);
  });
}

Network::~Network() = default;

void Network::partition(std::set<std::size_t> side) { side_ = std::move(side); }

void Network::set_quality(std::size_t a, std::size_t b, const std::optional<LinkQuality>& quality) {
  if (quality)
    qualities_[std::minmax(a, b)] = *quality;
  else
    qualities_.erase(std::minmax(a, b));
}

const LinkQuality& Network::quality(std::size_t a, std::size_t b) const {
  const auto at = qualities_.find(std::minmax(a, b));
  return at == qualities_.end() ? quality_ : at->second;
}

void Network::set_down(std::size_t a, std::size_t b, bool down) {
  if (down)
    down_.insert(std::minmax(a, b));
  else
    down_.erase(std::minmax(a, b));
}

void Network::set_deaf(std::size_t from, std::size_t to, bool deaf) {
  if (deaf)
    deaf_.insert({from, to});
  else
    deaf_.erase({from, to});
}

void Network::heal() {
  side_.reset();
  down_.clear();
  deaf_.clear();
  qualities_.clear();
}

bool Network::reachable(std::size_t from, std::size_t to) const {
  if (down_.contains(std::minmax(from, to)) || deaf_.contains({from, to})) return false;
  return !side_ || side_->contains(from) == side_->contains(to);
}

void Network::corrupt_some(double part) {
  for (const auto& connection : connections_)
    if (!connection->over() && dice_.chance(part)) connection->corrupt(dice_);
}

void Network::cut_some(double part) {
  const auto connections = connections_;
  for (const auto& connection : connections)
    if (dice_.chance(part)) connection->cut(dice_);
  prune();
}

void Network::drop_machine(std::size_t machine) {
  stop_listening(machine);
  const auto connections = connections_;
  for (const auto& connection : connections) connection->lose_machine(machine, dice_);
  prune();
}

void Network::prune() {
  std::erase_if(connections_, [](const auto& connection) { return connection->over(); });
}

}  // namespace lienthong::sim
