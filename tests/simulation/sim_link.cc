#include "tests/simulation/sim_link.h"

namespace lienthong::sim {
namespace {

constexpr Duration kLingerMax{2000};
constexpr std::size_t kUnsentMax = 32 * 1024;  // that the kernel takes
constexpr Duration kTryAgain{100};

}  // namespace

SimLink::SimLink(std::shared_ptr<Stream> stream, SessionConfig config, LinkHost& host)
    : stream_(std::move(stream)),
      host_(host),
      driver_(std::make_shared<store::Driver>(host.peers(), std::move(config),
                                              static_cast<store::DriverHost&>(*this))) {}

void SimLink::start(ByteView first) {
  const auto weak = weak_from_this();
  stream_->on_bytes = [weak](ByteView bytes) {
    const auto self = weak.lock();
    if (!self) return;
    self->host_.guard([&] {
      (void)self->driver_->on_bytes(bytes).ok();  // the close action says why
    });
  };
  stream_->on_end = [weak] {
    const auto self = weak.lock();
    if (self) self->host_.guard([&] { self->end(); });
  };
  driver_->start(first);
}

// Pieces of all sizes, with pauses between them, as a slow line gives room.
bool SimLink::make_room() {
  Session& session = driver_->session();
  if (!session.wants_room()) return false;
  if (now() >= room_at_ && stream_->unsent() < kUnsentMax) {
    session.on_room(static_cast<std::size_t>(host_.dice().between(200, 6000)), now());
    room_at_ = now() + Duration(host_.dice().between(5, 60));
    return true;
  }
  if (!std::exchange(looking_, true)) {
    const auto wait =
        stream_->unsent() < kUnsentMax ? std::chrono::ceil<Duration>(room_at_ - now()) : kTryAgain;
    host_.after(wait, [self = shared_from_this()] {
      self->looking_ = false;
      self->driver_->perform();
    });
  }
  return false;
}

void SimLink::performed() {
  if (driver_->over() && driver_->closed_by_peer()) end();
}

void SimLink::tick() {
  if (driver_->ended()) return;
  if (!driver_->over()) return driver_->tick();
  if (now() - closing_since_ > kLingerMax) end();
}

void SimLink::abandon() {
  driver_->end();
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
}

void SimLink::end() {
  if (driver_->ended()) return;
  const auto self = shared_from_this();
  driver_->end();
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
  stream_->close();
  host_.link_ended(self);
}

}  // namespace lienthong::sim
