// Keeps a session with one configured neighbour: dials its addresses in order of preference, waits
// with jitter between failures, stays quiet while any session with that agency is up. Beside a
// session of its own that falls silent, uses a worse address, or is a day old, it dials a second
// one; the first then ends as replaced (PathPlan). Loop thread only.
#pragma once

#include <asio/steady_timer.hpp>
#include <memory>

#include "agent/links/backoff.h"
#include "agent/links/link_host.h"
#include "agent/links/links.h"
#include "agent/links/path.h"
#include "agent/net/net.h"

namespace lienthong::agent {

class Dialler : public std::enable_shared_from_this<Dialler> {
 public:
  Dialler(NeighbourConfig neighbour, LinkHost& host);

  void start();
  void stop();        // also closes the sessions it dialled
  void look_again();  // a session came up or ended
  void dial_now();    // without waiting for the next attempt
  // Work waits now: then there is no pause. Or people may: then none longer than backoff_max.
  void hurry();
  bool waits_long() const;  // a pause lies before it that hurry() may end
  void tick(Instant now);
  // The machine's addresses have changed to these.
  void network_changed(const std::vector<asio::ip::address>& ours);
  const NeighbourConfig& neighbour() const { return neighbour_; }

 private:
  using Steady = std::chrono::steady_clock;
  struct Dialled {  // a session of ours, from its first byte to its last
    std::shared_ptr<Link> link;
    std::size_t address = 0;
    asio::ip::address local;
    bool named_key = false;  // told the other side's key, not asked for it
    bool stall_noted = false;
    bool swallowed = false;  // given up before anything came back
    bool moved = false;      // the machine has lost `local`
  };

  static asio::awaitable<void> run(std::shared_ptr<Dialler> self);
  // One round over the addresses. True: a session came up, and has ended by now.
  static asio::awaitable<bool> attempt(std::shared_ptr<Dialler> self, AgencyId agency);
  static asio::awaitable<bool> attempt_at(std::shared_ptr<Dialler> self, AgencyId agency,
                                          std::size_t address);
  static asio::awaitable<void> beside(std::shared_ptr<Dialler> self, AgencyId agency,
                                      PathPlan::Beside what);
  static asio::awaitable<bool> try_beside(std::shared_ptr<Dialler> self, AgencyId agency,
                                          PathPlan::Beside what);
  // A number for a new session, persisted; none: the store failed.
  static asio::awaitable<std::optional<std::uint64_t>> take_number(std::shared_ptr<Dialler> self);
  // Seals at most so many updates, without waiting for it.
  void post_seal(const AgencyId& agency, std::size_t limit);
  // The same behind what is being sealed, and waits; 0: only waits.
  static asio::awaitable<bool> seal(std::shared_ptr<Dialler> self, AgencyId agency,
                                    std::size_t limit);
  // What a session that never came up tells.
  static asio::awaitable<void> learn(std::shared_ptr<Dialler> self, AgencyId agency,
                                     std::shared_ptr<Link> link, Dialled ended);
  // Until look_again(), dial_now(), stop() or the time.
  static asio::awaitable<void> pause(asio::steady_timer& timer, Steady::time_point until);

  Dialled adopt(asio::ip::tcp::socket socket, const AgencyId& agency, std::size_t address,
                std::uint64_t number);
  std::optional<AgencyId> find_agency();
  DialOptions dial_options(const AgencyId& agency);
  bool rings(const AgencyId& agency) const;
  void failed(const AgencyId& agency, const std::string& address, const std::string& why,
              LinkFault fault);
  void note_small_segments();
  // A session at this address was dead after that quiet, and a fresh one there was live at once.
  void note_forgotten(const AgencyId& agency, std::chrono::nanoseconds quiet);
  void plan(const std::optional<AgencyId>& agency, std::chrono::milliseconds wait);
  void note_up(const Dialled& dialled);
  bool note_stall(Dialled& dialled, Instant now);
  void beside_failed();
  Instant now() const;

  NeighbourConfig neighbour_;
  LinkHost& host_;
  Backoff backoff_;
  PathPlan plan_;
  asio::steady_timer timer_, beside_timer_;
  std::shared_ptr<DialUnderWay> under_way_ = std::make_shared<DialUnderWay>();
  Steady::time_point next_attempt_{};
  Dialled current_, beside_;
  std::optional<std::uint64_t> number_;  // persisted and not used yet
  bool stopped_ = false;
  std::chrono::microseconds round_trip_{0};  // of the last session's path; 0: not known
  bool patient_ = false;      // every other attempt waits longer: the path may have become long
  bool rang_ = false;         // the last attempt was, and nobody answered
  bool at_once_ = false;      // the attempt under way was given up for a fresh one
  bool without_key_ = false;  // the key that we know did not work: let the other side show its own
};

}  // namespace lienthong::agent
