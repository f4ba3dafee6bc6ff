// Accepts connections on every listen address and hands them, by their first two bytes, to a
// session or to enrolment. Loop thread only.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/links/link_host.h"

namespace lienthong::agent {

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  explicit Listener(LinkHost& host) : host_(host), timer_(host.executor()) {}

  // "[::]" also takes IPv4. An address that this machine does not have keeps nobody from working:
  // it is tried again from start() on. kIo, which names the address, for any other reason, and
  // then none is bound.
  Result<void> open(const std::vector<std::string>& addresses);
  void start();
  // This machine's network has changed: what was not there is tried at once.
  void look_again();
  // Addresses that are not there yet, each with the system's words.
  std::vector<std::string> missing() const;
  // Called when one of them is there after all. Set before start().
  void on_listening(std::function<void()> told) { told_ = std::move(told); }
  void stop();  // no more connections; those not yet handed on are closed
  std::vector<asio::ip::tcp::endpoint> endpoints() const;  // bound
  // Connections that are no session yet; those that enrol have places of their own.
  std::size_t waiting() const { return waiting_.size() - enrolling(); }

 private:
  // A connection that is not a session yet, so that stop() can close it.
  class Guest {
   public:
    Guest(Listener& listener, asio::ip::tcp::socket s);
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest();
    asio::ip::tcp::socket socket;
    asio::ip::tcp::endpoint remote;
    bool enrols = false;
    bool proved = false;       // its token, while it enrols
    std::uint64_t number = 0;  // later ones have greater ones

   private:
    Listener& listener_;
  };
  struct Missing {
    std::string address;
    asio::ip::tcp::endpoint endpoint;
    std::string why;
  };
  struct Bucket {
    double tokens = 0;
    Instant filled{};
  };

  static asio::awaitable<void> accept(std::shared_ptr<Listener> self, std::size_t index);
  static asio::awaitable<void> try_missing(std::shared_ptr<Listener> self);
  void bind_missing();
  void listen(std::size_t index);  // from here on that one takes callers
  std::size_t enrolling() const;
  bool end_oldest(bool enrols);
  bool make_room();
  static asio::awaitable<void> route(std::shared_ptr<Listener> self, std::shared_ptr<Guest> guest);
  static asio::awaitable<void> enrol(std::shared_ptr<Listener> self, std::shared_ptr<Guest> guest,
                                     Bytes first);
  void admit(asio::ip::tcp::socket socket);
  bool allowed(const asio::ip::address& address);

  LinkHost& host_;
  std::deque<asio::ip::tcp::acceptor> acceptors_;  // they are waited on, so they stay in place
  std::vector<Missing> missing_;
  asio::steady_timer timer_;
  std::function<void()> told_;
  std::uint64_t guests_ = 0;
  std::set<Guest*> waiting_;
  std::map<asio::ip::address, Bucket> buckets_;
  bool stopped_ = false;
};

}  // namespace lienthong::agent
