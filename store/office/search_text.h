// How people look for text: lower case without diacritics (đ becomes d), blanks as one, so that two
// texts that people would call the same look the same; numbers of persons by the keys of
// store/text/plain.h. Unicode 15 by utf8proc. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace lienthong::store {

// Of text that is not UTF-8: empty.
std::string search_form(std::string_view text);

// What somebody types who looks for a dossier: a number of a card or phone in any writing as its
// key, any other text in search form.
std::string search_key(std::string_view typed);

// What is searched of a dossier, in search form; parts in this order, a line each. A part that is
// not known, or was erased, is empty.
struct SearchText {
  std::string code, applicant, summary, procedure;
  // id_key() of the applicant's card, phone_key(), address of mail, number of the result, a blank
  // between each.
  std::string numbers = "   ";
};
std::string encode(const SearchText& text);

}  // namespace lienthong::store
