// Files of text as programs save them. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace lienthong::store {

// UTF-8, UTF-16 and UTF-32, the latter two with a byte order mark or by where their zeros lie, as
// UTF-8 without a mark. kMalformed for anything else: names the encoding, as far as it can be told
// (windows-1258, TCVN3, VNI, compressed or old workbooks), and what to do.
Result<std::string> decode_text(std::string_view bytes);

}  // namespace lienthong::store
