// What a link, a dialler and the listener ask of the peer set that owns them. Loop thread only.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "agent/engine/engine.h"
#include "agent/links/link_config.h"
#include "agent/links/path.h"
#include "protocol/session/session.h"
#include "store/exchange/calling.h"

namespace lienthong::store {
class Peers;
}

namespace lienthong::agent {

class BlobKeeper;
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
  virtual store::Peers& peers() = 0;
  virtual BlobKeeper* blobs() = 0;  // null: no scans are kept
  virtual asio::any_io_executor executor() = 0;
  virtual bool stopping() const = 0;

  // Runs a child once; `failed` runs if an exception ended it. `what` names it in the log.
  virtual void spawn(const std::string& what, asio::awaitable<void> child,
                     std::function<void()> failed) = 0;
  // Runs one until it ends by itself: after an exception it is begun anew. See Children.
  virtual void keep(const std::string& what, std::function<asio::awaitable<void>()> make) = 0;
  // False, and noted: an exception ended it.
  virtual bool guard(const std::string& what, const std::function<void()>& work) = 0;

  // A new session on a connected socket. `first`: bytes that were already read.
  virtual std::shared_ptr<Link> adopt(asio::ip::tcp::socket socket, bool initiator,
                                      std::optional<store::Callee> callee,
                                      std::optional<AgencyId> expected,
                                      std::uint64_t session_number, Bytes first) = 0;
  virtual void link_established(const std::shared_ptr<Link>& link) = 0;
  virtual void link_ended(const std::shared_ptr<Link>& link) = 0;
  // Whether a session with a node of that agency is up.
  virtual bool connected(const AgencyId& agency) const = 0;
  // Somebody was turned away; `endpoint` with port.
  virtual void note_refused(const asio::ip::tcp::endpoint& endpoint, const std::string& reason) = 0;
  // The socket of an ended link is about to be closed: what it cost is read now.
  virtual void link_closing(const Link& link) = 0;
  // What the kernel says of its connection; null once it has ended.
  virtual const PathWatch* watch(const Link& link) const = 0;
  // Whether budget, hours and our disk let that lane carry anything now. Lane 0 is always open.
  virtual LaneGate lane_gate(std::size_t lane) const = 0;
  // For reading into, shared by all links: what is in it holds until the next suspension.
  virtual std::span<std::uint8_t> read_buffer() = 0;
  // A packet that no link counts: bytes of IP.
  virtual void spend(std::uint64_t ip_bytes) = 0;
  // Work of ours waits for that agency.
  virtual bool work_waits(const AgencyId& agency) const = 0;
  // That, or somebody has just used the agent.
  virtual bool people_wait(const AgencyId& agency) const = 0;
  // Neighbours that may dial us.
  virtual std::size_t callers() const = 0;
  // Inbound connections that have not shown who they are.
  virtual std::size_t unproved() const = 0;
  // Ends the oldest inbound session that has not shown who it is; false: there is none.
  virtual bool end_oldest_unproved() { return false; }
};

}  // namespace lienthong::agent
