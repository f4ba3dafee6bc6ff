// Enrolment over simulated connections: the state machines of protocol/enrolment and what
// store/exchange does for them, as the daemon's server and client have them on sockets.
#pragma once

#include <functional>
#include <memory>

#include "protocol/enrolment/enrolment.h"
#include "tests/simulation/network.h"
#include "tests/simulation/writer.h"

namespace lienthong::sim {

// The parent's side of one connection.
class Door : public std::enable_shared_from_this<Door> {
 public:
  using Guard = std::function<void(const std::function<void()>&)>;  // runs what may read the disk
  // `clock`: the parent's. All outlive the machine's life; the writer drops what comes after it.
  Door(std::shared_ptr<Stream> stream, const store::Replica& replica, Writer& writer,
       const DhKey& ours, const DhKey& ephemeral, std::function<UnixMillis()> clock, Guard guard);
  void start(ByteView first);

 private:
  void on_bytes(ByteView bytes);
  void perform();
  void answer();
  void grant();
  void refuse(Errc why);
  void end();
  std::shared_ptr<Stream> stream_;
  const store::Replica& replica_;
  Writer& writer_;
  EnrolmentParent parent_;
  std::function<UnixMillis()> clock_;
  Guard guard_;
  bool granting_ = false;
};

// The newcomer's side of one attempt.
class Knock : public std::enable_shared_from_this<Knock> {
 public:
  // What came of it: the grant, once it was checked whole, or null.
  using Done = std::function<void(const GrantedNode*)>;
  Knock(std::shared_ptr<Stream> stream, const Token& token, const NodeKeys& keys,
        const DhKey& ephemeral, Done done);
  void start();

 private:
  void on_bytes(ByteView bytes);
  void end(const GrantedNode* node);
  std::shared_ptr<Stream> stream_;
  const Token& token_;
  MachineKeys machine_;
  EnrolmentChild child_;
  GrantReader reader_;
  Done done_;
};

}  // namespace lienthong::sim
