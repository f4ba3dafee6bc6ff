// What a link, a dialler and the listener ask of the peer set that owns them. Loop thread only.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "agent/config.h"
#include "agent/engine.h"
#include "protocol/session/session.h"

namespace lienthong::agent {

class Link;
class NeighbourTable;

class LinkHost {
 public:
  virtual ~LinkHost() = default;

  virtual Engine& engine() = 0;
  virtual Entropy& entropy() = 0;
  virtual const DhKey& dh_key() const = 0;
  virtual const LinkConfig& limits() const = 0;
  virtual NeighbourTable& table() = 0;
  virtual asio::any_io_executor executor() = 0;
  virtual bool stopping() const = 0;

  // Runs a child; logs how it ended; stop() waits for all of them. `what` names it in the log.
  virtual void spawn(const std::string& what, asio::awaitable<void> child) = 0;

  // A new session on a connected socket. `first`: bytes that were already read.
  virtual std::shared_ptr<Link> adopt(asio::ip::tcp::socket socket, bool initiator,
                                      std::optional<DhPublic> peer_key,
                                      std::optional<AgencyId> expected,
                                      std::uint64_t session_number, Bytes first) = 0;
  virtual void link_established(const std::shared_ptr<Link>& link) = 0;
  virtual void link_ended(const std::shared_ptr<Link>& link) = 0;
  // Whether a session with a node of that agency is up.
  virtual bool connected(const AgencyId& agency) const = 0;
  // Somebody was turned away; `endpoint` with port.
  virtual void note_refused(const asio::ip::tcp::endpoint& endpoint, const std::string& reason) = 0;
  // Inbound connections that have not shown who they are.
  virtual std::size_t unproved() const = 0;
};

}  // namespace lienthong::agent
