#include "agent/net/reachable.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

#include "agent/net/net.h"

namespace lienthong::agent {
namespace {

std::optional<asio::ip::address> to_address(const sockaddr* from) {
  if (from == nullptr) return std::nullopt;
  if (from->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, from, sizeof v4);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (from->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, from, sizeof v6);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes);
}

std::vector<asio::ip::address> interface_addresses() {
  auto out = addresses_with_flags(IFF_UP);
  std::erase_if(out, [](const asio::ip::address& address) { return address.is_loopback(); });
  return out;
}

}  // namespace

// Link-local addresses mean nothing to somebody else.
std::vector<asio::ip::address> addresses_with_flags(unsigned flags) {
  std::vector<asio::ip::address> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    const auto address = to_address(item->ifa_addr);
    if (!address || (item->ifa_flags & flags) != flags) continue;
    if (address->is_v6() && address->to_v6().is_link_local()) continue;
    out.push_back(*address);
  }
  ::freeifaddrs(list);
  return out;
}

std::vector<std::string> reachable_addresses(const std::vector<asio::ip::tcp::endpoint>& bound) {
  std::vector<std::string> out;
  for (const auto& endpoint : bound) {
    if (!endpoint.address().is_unspecified()) {
      out.push_back(to_text(endpoint));
      continue;
    }
    auto addresses = interface_addresses();
    if (addresses.empty()) addresses.push_back(asio::ip::address_v4::loopback());
    for (const auto& address : addresses) {
      if (address.is_v6() && endpoint.address().is_v4()) continue;
      out.push_back(to_text(asio::ip::tcp::endpoint(address, endpoint.port())));
    }
  }
  return out;
}

}  // namespace lienthong::agent
