// One connection with a session on it: sockets, pacing and logs around store::Driver, which does
// the rest. Loop thread only.
//
// Lives as long as one of its parts (reader, writer, timers) does; the peer set holds it from
// adopt() to link_ended().
#pragma once

#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/files/blob_keeper.h"
#include "agent/links/link_host.h"
#include "agent/links/pacing.h"
#include "store/exchange/driver.h"

namespace lienthong::agent {

class Link : public std::enable_shared_from_this<Link>, public BlobPeer, private store::DriverHost {
 public:
  Link(asio::ip::tcp::socket socket, SessionConfig config, LinkHost& host);

  void start(Bytes first);
  // Called once when it has ended.
  void when_ended(std::function<void()> listener) { ended_listener_ = std::move(listener); }
  void tick();
  // See store::Driver.
  void compare(std::function<void(std::optional<HealReport>)> done) {
    driver_->compare(std::move(done));
  }
  // Says why, flushes, ends within kLingerMax.
  void close(CloseCode code, const std::string& detail) { driver_->close(code, detail); }
  void abort(const std::string& why = "stopping");  // at once

  bool initiator() const { return driver_->initiator(); }
  bool established() const { return driver_->live(); }
  bool ended() const { return driver_->ended(); }
  bool closing() const { return driver_->closing(); }
  const Established& peer() const { return driver_->peer(); }  // established() only
  const asio::ip::tcp::endpoint& remote() const { return remote_; }
  SessionStats stats() const { return driver_->stats(); }
  Instant heard_at() const { return driver_->heard_at(); }
  // Why it ended; the code of the close message, kNone when the connection just broke.
  CloseCode close_code() const { return driver_->close_code(); }
  bool closed_by_peer() const { return driver_->closed_by_peer(); }
  const std::string& close_detail() const { return close_detail_; }

 private:
  static asio::awaitable<void> read(std::shared_ptr<Link> link);
  static asio::awaitable<void> write(std::shared_ptr<Link> link);
  Session& session() const { return driver_->session(); }

  // ---- store::DriverHost ----
  Instant now() const override;
  void send(Bytes bytes) override;
  void soon(std::function<void()> work) override;
  void on_live(bool stays) override;
  void on_closed() override;
  // Paces what goes to the kernel: asks how much, hands it over, looks again while data waits.
  // False: nothing waits, or there is no room; then a timer looks again.
  bool make_room() override;
  void after_actions() override;
  void performed() override;
  store::ClosedLanes closed_lanes() const override;
  std::string address() const override;
  void on_feed_ends(const FeedMark& registry, const FeedMark& updates) override;
  void observe(const store::Observation& what) override;

  // ---- BlobPeer ----
  const NodeId& blob_node() const override { return peer().node; }
  const AgencyId& blob_agency() const override { return peer().agency; }
  BlobLane& blob_lane() override { return *session().blobs(); }
  bool blob_lane_open() const override { return session().lane_open(wire::Lane::kBlobs); }
  void blob_lane_spoke() override;

  void look_later(std::chrono::milliseconds wait);
  void report();  // to the table of neighbours
  void flush();
  std::chrono::nanoseconds gather_time();
  void gather(std::chrono::nanoseconds time);
  void linger();  // everything is said: wait for the other side to hang up
  void end(const std::string& why);
  std::function<void()> broken();
  void guarded(const std::function<void()>& work);  // what a timer or the loop does later
  std::string name() const;

  asio::ip::tcp::socket socket_;
  LinkHost& host_;
  asio::ip::tcp::endpoint remote_;
  std::shared_ptr<store::Driver> driver_;
  Pacer pacer_;
  asio::steady_timer pace_timer_;
  bool looking_ = false;  // the timer runs
  asio::steady_timer gather_timer_;
  bool gathering_ = false;  // the timer runs
  Instant flushed_at_{};
  Bytes outgoing_;  // not yet handed to the writer
  bool writing_ = false;
  bool lingering_ = false;
  Instant closing_since_{};
  SessionStats reported_;
  std::function<void()> ended_listener_;
  std::string close_detail_;
};

}  // namespace lienthong::agent
