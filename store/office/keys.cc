#include "store/office/keys.h"

#include "protocol/base/bytes.h"
#include "store/replica/rows.h"

namespace lienthong::store::key {

std::string office(std::uint32_t record) { return "O" + encode_number4(record); }
std::string search(std::uint32_t record) { return "G" + encode_number4(record); }
std::string office_name(std::uint32_t number) { return "o" + encode_number4(number); }
std::string heard_of(const AgencyId& agency) {
  return std::string("A").append(as_text(agency.view()));
}
std::string marked_prefix(Mark mark) { return std::string("m").append(1, static_cast<char>(mark)); }
std::string marked(Mark mark, std::uint32_t record) {
  return marked_prefix(mark) + encode_number4(record);
}

std::string listed_prefix(Shelf shelf, std::uint32_t number) {
  return std::string("l").append(1, static_cast<char>(shelf)) + encode_number4(number);
}
std::string listed(Shelf shelf, std::uint32_t number, std::string_view code, std::uint32_t record) {
  std::string out = listed_prefix(shelf, number);
  out.reserve(out.size() + code.size() + 5);
  for (const char c : code) {
    out += c;
    if (c == '\0') out += '\xff';
  }
  out += '\0';
  return out += encode_number4(record);
}
std::string official_codes_prefix() { return std::string("b") + '\0'; }
std::string official_codes(std::uint32_t record) {
  return official_codes_prefix() + encode_number4(record);
}
std::string official_code_prefix(std::string_view code_key) {
  return std::string("b\x01").append(code_key) + '\0';
}
std::string official_code(std::string_view code_key, std::uint32_t record) {
  return official_code_prefix(code_key) + encode_number4(record);
}
std::string grams(std::uint32_t block) { return "i" + encode_number4(block); }

}  // namespace lienthong::store::key
