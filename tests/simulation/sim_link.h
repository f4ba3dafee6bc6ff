// One simulated connection under the driver that ships: virtual bytes and time around
// store::Driver, as the daemon's Link has sockets and timers.
#pragma once

#include <memory>

#include "store/exchange/peers.h"
#include "tests/simulation/network.h"

namespace lienthong::sim {

class SimLink;

// What a link needs of its machine.
class LinkHost {
 public:
  virtual ~LinkHost() = default;
  virtual store::Peers& peers() = 0;
  virtual Dice& dice() = 0;
  virtual Instant now() const = 0;
  virtual void link_ended(const std::shared_ptr<SimLink>& link) = 0;
  virtual void saw(const SimLink& link, const store::Observation& what) = 0;
  virtual void saw_part(const SimLink& link, const StorePart& part) = 0;
  virtual store::ClosedLanes closed_lanes() const = 0;
  // Runs what may read the disk now; where that fails the machine ends.
  virtual void guard(const std::function<void()>& work) = 0;
  // Not once the machine has stopped.
  virtual void after(Duration wait, std::function<void()> event) = 0;
};

class SimLink final : public std::enable_shared_from_this<SimLink>, public store::DriverHost {
 public:
  SimLink(std::shared_ptr<Stream> stream, SessionConfig config, LinkHost& host);

  void start(ByteView first);
  void tick();
  // The machine is gone: nothing more is said or done.
  void abandon();

  store::Driver& driver() { return *driver_; }
  const store::Driver& driver() const { return *driver_; }
  std::size_t unsent() const { return stream_->unsent(); }

 private:
  // ---- store::DriverHost ----
  Instant now() const override { return host_.now(); }
  void send(Bytes bytes) override { stream_->send(bytes); }
  void soon(std::function<void()> work) override { host_.after(Duration(0), std::move(work)); }
  void on_live(bool /*stays*/) override {}
  void on_closed() override { closing_since_ = now(); }
  bool make_room() override;
  void performed() override;
  store::ClosedLanes closed_lanes() const override { return host_.closed_lanes(); }
  void on_part(const StorePart& part) override { host_.saw_part(*this, part); }
  void observe(const store::Observation& what) override { host_.saw(*this, what); }

  void end();

  std::shared_ptr<Stream> stream_;
  LinkHost& host_;
  std::shared_ptr<store::Driver> driver_;
  Instant closing_since_{};
  Instant room_at_{};  // when the kernel takes more
  bool looking_ = false;
};

}  // namespace lienthong::sim
