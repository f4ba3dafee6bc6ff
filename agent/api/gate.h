// An HTTP server whose threads never wait for a caller. Requests are gathered whole by one thread
// that waits for all callers at once; only then a thread of the pool answers. A thread that has to
// wait until its answer is taken gives its place to another one meanwhile. Both have an end: by
// the time that a request, or waiting for its reader, takes in all. docs/operations.md, "Local
// API".
//
// Threads: as httplib::Server. Handlers run on the pool's.
#pragma once

#include <httplib.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace lienthong::agent {

struct GateLimits {
  std::size_t threads = 4;
  std::size_t head_bytes = 16 * 1024;  // request line and headers
  std::size_t body_bytes = 0;          // a larger one is not gathered, and answered by httplib
  std::size_t callers = 256;           // gathered at once; the oldest goes for a further one
  std::size_t slow_readers = 64;       // at once, beside the threads; then the slowest goes
  std::size_t bytes = 16U << 20;  // of requests, beyond which one caller after the other is heard
  std::chrono::milliseconds head{5'000};   // in all, from the connection on
  std::chrono::milliseconds body{30'000};  // in all, once the head was there
  // An answer may wait for its reader so long in all, and a second more for each so many bytes.
  std::chrono::milliseconds answer{30'000};
  std::size_t answer_bytes_per_second = 32 * 1024;
};

// Who is at the other end of the UNIX socket whose request this thread answers, as the kernel says;
// nullopt: it is no such socket.
struct Peer {
  uid_t user;
  gid_t group;
};
std::optional<Peer> peer_of_this_request();

class GatedServer final : public httplib::Server {
 public:
  // `may_send_body`: whether the head of a request entitles it to send a body; else it is answered
  // without. On the gathering thread.
  explicit GatedServer(GateLimits limits,
                       std::function<bool(std::string_view head)> may_send_body = {});
  ~GatedServer() override;

 private:
  struct Impl;
  // Takes the socket over.
  bool process_and_close_socket(socket_t sock) override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
