// The parent's side of one enrolment on a socket. docs/protocol/enrolment.md.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <functional>

#include "agent/engine/engine.h"
#include "protocol/crypto/keys.h"

namespace lienthong::agent {

// Each connection holds one of the places for those who enrol.
struct EnrolmentPatience {
  // For everything until the token is proved.
  std::chrono::milliseconds unproved = std::chrono::seconds(30);
  // For a whole message of the newcomer, and for each piece of the grant that it takes: whoever
  // drips gets no more.
  std::chrono::milliseconds step = std::chrono::seconds(60);
  // For the last message: the grant's rest is still under way, and is then checked and stored.
  std::chrono::milliseconds stored = std::chrono::minutes(10);
  // For everything: 64 MiB at 10 kB a second.
  std::chrono::milliseconds whole = std::chrono::hours(2);
};

// `first`: bytes already read, the preamble at least. The node that was enrolled. Fails: kClosed
// (the newcomer has gone, or took too long; it may come again), else why it was refused; the
// newcomer has been told where that is possible.
asio::awaitable<Result<NodeId>> serve_enrolment(asio::ip::tcp::socket& socket, Bytes first,
                                                Engine& engine, const DhKey& dh_key,
                                                Entropy& entropy, EnrolmentPatience patience = {},
                                                std::function<void()> proved = {});

}  // namespace lienthong::agent
