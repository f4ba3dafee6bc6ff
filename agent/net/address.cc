#include "agent/net/address.h"

#include <algorithm>
#include <charconv>

namespace lienthong::agent {

Result<HostPort> parse_address(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return Error(Errc::kMalformed,
                 "found \"" + std::string(text) + "\", " + std::string(why) +
                     "; expected \"host:port\", e.g. \"10.20.0.1:7410\" or \"[::]:7410\"");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("which has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (problem != std::errc() || end != port.data() + port.size() || number > 65'535) {
    return bad("whose port is not a number from 0 to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos)
      return bad("with brackets around what is no IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address without brackets");
  }
  const bool clean = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '_' || c == '%';
  });
  if (host.empty() || host.size() > 253 || !clean) return bad("whose host is no name or address");
  return HostPort{std::string(host), std::string(port)};
}

}  // namespace lienthong::agent
