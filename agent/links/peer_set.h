// All links of this node: dials the configured neighbours, accepts others, keeps one session with
// each machine, and moves what it gets to the engine and what the engine has to the sessions.
// docs/design.md, "Links".
//
// Threads: the calls of Links from any; everything else on the loop's only thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "agent/links/link_config.h"
#include "agent/links/links.h"
#include "protocol/crypto/keys.h"

namespace asio {
class io_context;
}

namespace lienthong::agent {

class BlobKeeper;

class PeerSet final : public Links {
 public:
  // `engine` is the one whose changes the sessions are told of: its listener is set here.
  PeerSet(asio::io_context& loop, Engine& engine, const LinksConfig& config, const DhKey& dh_key,
          Entropy& entropy);
  ~PeerSet() override;  // after stop() has said that it is done

  // Before start(); outlives this.
  void set_blobs(BlobKeeper& keeper);
  Result<void> start();  // binds and dials. kIo, kInvalidArgument name the address
  // Dials those that are new, lets go of those that are missing.
  void set_neighbours(const std::vector<NeighbourConfig>& neighbours);
  // Says goodbye on every session; `done` runs when no child is left, within two seconds.
  void stop(std::function<void()> done);
  std::size_t children() const;  // coroutines alive
  // After an exception that reached the loop: noted, and every session begins anew.
  void begin_anew(const std::string& why);

  std::vector<NeighbourStatus> neighbours() const override;
  std::vector<RefusedPeer> refused_peers() const override;
  void sync_now() override;
  void compare(const AgencyId& agency, std::function<void(const Comparison&)> done) override;
  std::vector<std::string> listen_addresses() const override;
  std::vector<std::string> not_listening() const override;
  std::optional<BudgetStatus> budget() const override;
  void people_here() override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
