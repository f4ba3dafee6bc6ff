// Accepts connections on every listen address and hands them, by their first two bytes, to a
// session or to enrolment. Loop thread only.
#pragma once

#include <asio/ip/tcp.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/links/link_host.h"

namespace lienthong::agent {

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  explicit Listener(LinkHost& host) : host_(host) {}

  // Binds all or none; kIo names the address. "[::]" also takes IPv4.
  Result<void> open(const std::vector<std::string>& addresses);
  void start();
  void stop();  // no more connections; those not yet handed on are closed
  std::vector<asio::ip::tcp::endpoint> endpoints() const;  // bound
  std::size_t waiting() const { return waiting_.size(); }

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

   private:
    Listener& listener_;
  };
  struct Bucket {
    double tokens = 0;
    Instant filled{};
  };

  static asio::awaitable<void> accept(std::shared_ptr<Listener> self, std::size_t index);
  static asio::awaitable<void> route(std::shared_ptr<Listener> self, std::shared_ptr<Guest> guest);
  static asio::awaitable<void> enrol(std::shared_ptr<Listener> self, std::shared_ptr<Guest> guest,
                                     Bytes first);
  void admit(asio::ip::tcp::socket socket);
  bool allowed(const asio::ip::address& address);

  LinkHost& host_;
  std::vector<asio::ip::tcp::acceptor> acceptors_;
  std::set<Guest*> waiting_;
  std::map<asio::ip::address, Bucket> buckets_;
  bool stopped_ = false;
};

}  // namespace lienthong::agent
