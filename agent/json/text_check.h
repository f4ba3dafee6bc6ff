// Text from outside: is it UTF-8, is it in the normal form that is kept, and how people look for
// it. Unicode 15 by utf8proc. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace lienthong::agent {

// kMalformed with the offset of the first byte that is not UTF-8 (RFC 3629).
Result<void> check_utf8(std::string_view text);
// As check_utf8; kNotCanonical unless NFC; kInvalidArgument for control characters other than tab,
// line feed and carriage return.
Result<void> check_text(std::string_view text);
// Lower case without diacritics (đ becomes d): two texts that people would call the same look the
// same. Of text that is not UTF-8: empty.
std::string search_form(std::string_view text);

}  // namespace lienthong::agent
