// Keeps a session with one configured neighbour: dials its addresses in order of preference, waits
// with jitter between failures, stays quiet while any session with that agency is up. Loop thread
// only.
#pragma once

#include <asio/steady_timer.hpp>
#include <memory>

#include "agent/backoff.h"
#include "agent/link_host.h"

namespace lienthong::agent {

class Dialler : public std::enable_shared_from_this<Dialler> {
 public:
  Dialler(NeighbourConfig neighbour, LinkHost& host);

  void start();
  void stop();        // also closes the session it dialled
  void look_again();  // a session came up or ended
  void dial_now();    // without waiting for the next attempt
  const NeighbourConfig& neighbour() const { return neighbour_; }

 private:
  static asio::awaitable<void> run(std::shared_ptr<Dialler> self);
  // One round over the addresses. True: a session came up, and has ended by now.
  static asio::awaitable<bool> attempt(std::shared_ptr<Dialler> self, AgencyId agency);
  static asio::awaitable<bool> attempt_at(std::shared_ptr<Dialler> self, AgencyId agency,
                                          std::string address);
  static asio::awaitable<bool> follow(std::shared_ptr<Dialler> self, std::shared_ptr<Link> link,
                                      AgencyId agency, bool named_key);
  // Until look_again(), dial_now(), stop() or the time.
  static asio::awaitable<void> pause(std::shared_ptr<Dialler> self,
                                     std::chrono::steady_clock::time_point until);
  std::optional<AgencyId> find_agency();
  std::optional<DhPublic> key_of(const AgencyId& agency) const;
  void failed(const AgencyId& agency, const std::string& address, const std::string& why);
  void plan(const std::optional<AgencyId>& agency, std::chrono::milliseconds wait);

  NeighbourConfig neighbour_;
  LinkHost& host_;
  Backoff backoff_;
  asio::steady_timer timer_;
  std::chrono::steady_clock::time_point next_attempt_{};
  std::shared_ptr<Link> link_;
  bool stopped_ = false;
  bool without_key_ = false;  // the key that we know did not work: let the other side show its own
};

}  // namespace lienthong::agent
