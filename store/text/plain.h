// Text as people and their programs hand it in, brought into the one form that is kept: what people
// see stays, what they do not see goes. Unicode 15 by utf8proc. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace lienthong::store {

// kMalformed with the offset of the first byte that is not UTF-8 (RFC 3629).
Result<void> check_utf8(std::string_view text);

// Normal form C; every kind of blank is a space, every kind of line end a line feed; without marks
// that nobody sees (zero width, direction, byte order, soft hyphen), control characters other than
// tab and line feed, and blanks at both ends. What it gives it gives again. kMalformed as
// check_utf8().
Result<std::string> tidy_text(std::string_view text);

// A code, number or token: as tidy_text(), then letters and digits of full width as the usual ones,
// every kind of dash as '-', and no blank or line end anywhere. kMalformed as check_utf8().
Result<std::string> tidy_code(std::string_view text);

// ---- keys of grouping and search: of two writings of the same the same key ----

// Lower case without diacritics, wherever a tone mark stands (đ and ð become d), blanks as one
// space each and none at the ends. Empty: not UTF-8.
std::string folded(std::string_view text);
// Of a heading or a word of a list: folded(), its letters a to z and digits alone.
std::string word_key(std::string_view text);

// "+84 912.345.678", "84912345678", "0912 345 678" → "0912345678". Of other text: its digits.
std::string phone_key(std::string_view text);
// "049 000 000 001" → "049000000001"; letters, as of a passport, in small.
std::string id_key(std::string_view text);
// What a number can be meant as by whoever types it: nothing where it is none. 9 to 15 digits in
// any writing; both keys of it are to be tried.
bool may_be_phone_or_id(std::string_view text);

}  // namespace lienthong::store
