// Addresses as people write them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace lienthong::agent {

struct HostPort {
  std::string host;  // without brackets
  std::string port;
  bool operator==(const HostPort&) const = default;
};
// "10.20.0.1:7410", "[::1]:7410", "district.example:7410". kMalformed says what is wrong.
Result<HostPort> parse_address(std::string_view text);

}  // namespace lienthong::agent
