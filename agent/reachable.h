// Where others can reach this machine. Any thread.
#pragma once

#include <asio/ip/tcp.hpp>
#include <string>
#include <vector>

namespace lienthong::agent {

// The endpoints as "host:port"; a wildcard stands for every address of the machine's interfaces
// that are up, loopback only when there is nothing else.
std::vector<std::string> reachable_addresses(const std::vector<asio::ip::tcp::endpoint>& bound);

}  // namespace lienthong::agent
