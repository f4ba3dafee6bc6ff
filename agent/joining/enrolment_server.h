// The parent's side of one enrolment on a socket. docs/protocol/enrolment.md.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>

#include "agent/links/link_host.h"

namespace lienthong::agent {

// `first`: bytes already read, the preamble at least. The node that was enrolled. Fails: kClosed,
// kTimeout (the newcomer may come again), else why it was refused; the newcomer has been told.
asio::awaitable<Result<NodeId>> serve_enrolment(asio::ip::tcp::socket& socket, Bytes first,
                                                LinkHost& host);

}  // namespace lienthong::agent
