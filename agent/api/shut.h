// The local API while the database is closed: on the UNIX socket, every call is answered 503 with
// the reason, so that nobody takes the agent for dead. docs/storage.md, "Transactions".
// Threads: a few of its own; the calls below from one thread.
#pragma once

#include <memory>
#include <string>

#include "protocol/base/result.h"

namespace lienthong::agent {

class ShutApi {
 public:
  ShutApi();
  ~ShutApi();  // stop()

  // Answers with `why` from now on; may be called again with another. Fails as ApiServer::start().
  Result<void> start(const std::string& socket, const Error& why);
  void stop();  // removes the socket file; idempotent

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
