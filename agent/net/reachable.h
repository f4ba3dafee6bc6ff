// Where others can reach this machine. Any thread.
#pragma once

#include <asio/ip/tcp.hpp>
#include <string>
#include <vector>

namespace lienthong::agent {

// The endpoints as "host:port"; a wildcard stands for every address of the machine's interfaces
// that are up, loopback only when there is nothing else.
std::vector<std::string> reachable_addresses(const std::vector<asio::ip::tcp::endpoint>& bound);

// Addresses of interfaces that have all these flags (IFF_UP, …), loopback included, link-local ones
// of IPv6 not.
std::vector<asio::ip::address> addresses_with_flags(unsigned flags);

}  // namespace lienthong::agent
