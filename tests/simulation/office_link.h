// One connection with a session on it, driven in the order of steps of the daemon's link.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "protocol/session/session.h"
#include "store/replica/replica.h"
#include "tests/simulation/network.h"
#include "tests/simulation/writer.h"

namespace lienthong::sim {

class OfficeLink;

// What a link needs of its machine.
class LinkHost {
 public:
  virtual ~LinkHost() = default;
  virtual store::Replica& replica() = 0;
  virtual Writer& writer() = 0;
  virtual Instant now() const = 0;
  virtual void link_established(const std::shared_ptr<OfficeLink>& link) = 0;
  virtual void link_ended(const std::shared_ptr<OfficeLink>& link) = 0;
  virtual void healed(const HealReport& report) = 0;
  virtual void soon(std::function<void()> event) = 0;  // other events first
  virtual void saw_part(const OfficeLink& link, FeedKind kind, const EncodedPart& part) = 0;
};

class OfficeLink : public std::enable_shared_from_this<OfficeLink> {
 public:
  OfficeLink(std::shared_ptr<Stream> stream, SessionConfig config, LinkHost& host);

  void start();
  void tick();
  void feed_grown();
  void close(CloseCode code, const std::string& detail);
  // The machine is gone: nothing more is said or done.
  void abandon();

  bool initiator() const { return initiator_; }
  bool established() const { return live_; }
  bool ended() const { return ended_; }
  bool closing() const { return session_.closed(); }
  const Established& peer() const { return *peer_; }
  SessionStats stats() const { return session_.stats(); }
  Instant heard_at() const { return heard_at_; }
  CloseCode close_code() const { return close_code_; }
  bool closed_by_peer() const { return closed_by_peer_; }
  const std::string& close_detail() const { return close_detail_; }

 private:
  void perform();
  void perform(Action& action);
  void on_established(Established fact);
  void on_part(StorePart part);
  void on_set_cursor(const SetCursor& set);
  void on_cursor(PeerCursor heard);
  void note_cursors();
  void note_refused(const PeerRefused& refused);
  void end();

  std::shared_ptr<Stream> stream_;
  Session session_;
  LinkHost& host_;
  bool initiator_;
  bool live_ = false;
  std::optional<Established> peer_;
  bool performing_ = false;
  bool closing_ = false;
  bool ended_ = false;
  Instant closing_since_{};
  Instant heard_at_{};
  std::map<FeedKind, Cursor> heard_;
  bool noting_ = false;
  CloseCode close_code_ = CloseCode::kNone;
  bool closed_by_peer_ = false;
  std::string close_detail_;
};

}  // namespace lienthong::sim
