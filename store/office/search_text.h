// How people look for text: lower case without diacritics (đ becomes d), so that two texts that
// people would call the same look the same. Unicode 15 by utf8proc. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace lienthong::store {

// Of text that is not UTF-8: empty.
std::string search_form(std::string_view text);

// What is searched of a dossier, in search form; parts in this order, a line each. A part that is
// not known, or was erased, is empty.
struct SearchText {
  std::string code, applicant, summary, procedure;
};
std::string encode(const SearchText& text);

}  // namespace lienthong::store
