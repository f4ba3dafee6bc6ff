// Text from outside, as the requests of the API bring it: store/text/plain.h, and how people look
// for it. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "store/office/search_text.h"
#include "store/text/plain.h"

namespace lienthong::agent {

using store::check_utf8;
using store::search_form;
using store::search_key;
using store::tidy_code;
using store::tidy_text;

}  // namespace lienthong::agent
