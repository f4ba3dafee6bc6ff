// One connection with a session on it: carries out what the session asks. Loop thread only.
//
// Lives as long as one of its parts (reader, writer, a write under way in the engine) does; the
// peer set holds it from adopt() to link_ended().
#pragma once

#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/files/blob_keeper.h"
#include "agent/links/link_host.h"
#include "agent/links/pacing.h"
#include "store/replica/replica.h"

namespace lienthong::agent {

class Link : public std::enable_shared_from_this<Link>, public BlobPeer {
 public:
  Link(asio::ip::tcp::socket socket, SessionConfig config, LinkHost& host);

  void start(Bytes first);
  // Called once when it has ended.
  void when_ended(std::function<void()> listener) { ended_listener_ = std::move(listener); }
  void tick();
  void feed_grown();
  // Compares what both hold in the next quiet moment. `done` is called once: with what came of it,
  // or nothing when the session ends first or the other side cannot.
  void compare(std::function<void(std::optional<HealReport>)> done);
  // Says why, flushes, ends within kLingerMax.
  void close(CloseCode code, const std::string& detail);
  void abort();  // at once

  bool initiator() const { return initiator_; }
  std::size_t granted() const { return granted_; }  // bytes of updates taken in before a sync
  std::array<std::uint64_t, 2> sent_tops() const {  // by FeedKind
    return {session_.sent_top(FeedKind::kRegistry), session_.sent_top(FeedKind::kUpdates)};
  }
  const std::array<std::vector<std::uint64_t>, 2>& early_ends() const {
    return session_.early_ends();
  }
  bool established() const { return live_; }  // the handshake is over, and the peer may be here
  bool ended() const { return ended_; }
  bool closing() const { return session_.closed(); }
  const Established& peer() const { return *peer_; }  // once established()
  const asio::ip::tcp::endpoint& remote() const { return remote_; }
  SessionStats stats() const { return session_.stats(); }
  Instant heard_at() const { return heard_at_; }
  // Why it ended; the code of the close message, kNone when the connection just broke.
  CloseCode close_code() const { return close_code_; }
  bool closed_by_peer() const { return closed_by_peer_; }
  const std::string& close_detail() const { return close_detail_; }

 private:
  static asio::awaitable<void> read(std::shared_ptr<Link> link);
  static asio::awaitable<void> write(std::shared_ptr<Link> link);
  void perform();
  bool perform_actions();
  void perform_blobs();
  // ---- BlobPeer ----
  const NodeId& blob_node() const override { return peer_->node; }
  const AgencyId& blob_agency() const override { return peer_->agency; }
  BlobLane& blob_lane() override { return *session_.blobs(); }
  bool blob_lane_open() const override { return session_.lane_open(wire::Lane::kBlobs); }
  void blob_lane_spoke() override;
  void perform(Action& action);
  // Paces what goes to the kernel: asks how much, hands it over, looks again while data waits.
  bool make_room();
  void look_later(std::chrono::milliseconds wait);
  void share_line();
  void resume_storing();
  void report();  // to the table of neighbours
  void on_established(Established fact);
  void on_live();
  void on_part(StorePart part);
  void on_stored(std::uint64_t token, const Result<void>& result,
                 const store::ReceiveOutcome& outcome);
  void on_set_cursor(const SetCursor& set);
  void on_healed(const HealReport& report);
  void on_cursor(PeerCursor heard);
  void note_cursors();
  void lift_rest_after_restore();
  void on_close(const CloseSession& close);
  void flush();
  std::chrono::nanoseconds gather_time();
  void gather(std::chrono::nanoseconds time);
  void linger();  // everything is said: wait for the other side to hang up
  void end(const std::string& why);
  Instant now() const;
  std::string name() const;

  asio::ip::tcp::socket socket_;
  Session session_;
  LinkHost& host_;
  asio::ip::tcp::endpoint remote_;
  bool initiator_;
  const std::size_t granted_;
  std::optional<Established> peer_;
  bool live_ = false;
  Pacer pacer_;
  asio::steady_timer pace_timer_;
  bool looking_ = false;  // the timer runs
  asio::steady_timer gather_timer_;
  bool gathering_ = false;  // the timer runs
  Instant flushed_at_{};
  std::optional<Instant> stalled_since_;  // what came could not be stored
  std::chrono::seconds stall_wait_{};
  Bytes outgoing_;  // not yet handed to the writer
  bool writing_ = false;
  bool performing_ = false;
  bool closing_ = false;  // the session is over, its last bytes are on their way
  bool lingering_ = false;
  bool ended_ = false;
  Instant closing_since_{};
  Instant heard_at_{};
  bool caught_up_ = false;  // all was here once that the peer had for us
  SessionStats reported_;
  std::function<void()> ended_listener_;
  std::vector<std::function<void(std::optional<HealReport>)>> compared_listeners_;
  std::map<FeedKind, Cursor> heard_;  // to be noted
  bool noting_ = false;
  bool lifting_ = false;  // a write of lift_rest_after_restore() is under way
  CloseCode close_code_ = CloseCode::kNone;
  bool closed_by_peer_ = false;
  std::string close_detail_;
};

}  // namespace lienthong::agent
