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

}  // namespace lienthong::store::key
