// The codes that other systems gave a dossier: the province's, those of ministries. They are kept
// as they were given and said in notes, by whoever has the dossier; a projection keeps them as rows
// `b`, so that a dossier is found by them. docs/storage.md, "Projections".
// Reading: any thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/record/fold.h"
#include "store/office/keys.h"
#include "store/replica/reads.h"

namespace lienthong::store {

struct OfficialCode {
  std::string code, system;  // system: as it was said; empty: it was not
  bool operator==(const OfficialCode&) const = default;
};

// What is looked for: letters and digits alone, in lower case.
std::string official_code_key(std::string_view code);

// A note adds a code or withdraws it; of one code, in whatever writing, the last word counts.
// In the order in which they were first added.
class OfficialCodes {
 public:
  void take(const OpenBody& note);
  const std::vector<OfficialCode>& list() const { return codes_; }

 private:
  std::vector<OfficialCode> codes_;
};

std::string encode(std::span<const OfficialCode> codes);
std::vector<OfficialCode> decode_official_codes(std::string_view bytes);

// Of a record by its local number; `source`: anything with get(key).
template <class Source>
std::vector<OfficialCode> official_codes_at(const Source& source, std::uint32_t record) {
  const auto row = source.get(key::official_codes(record));
  return row ? decode_official_codes(*row) : std::vector<OfficialCode>();
}
std::vector<OfficialCode> official_codes(const Replica& replica, const RecordId& record);

// Each record that has some, in the order of arrival; until `visit` returns false.
void for_each_with_official_code(const Replica& replica,
                                 const std::function<bool(const RecordId&)>& visit);

// The dossiers that bear it; `source`: a Replica or a Transaction.
template <class Source>
std::vector<RecordId> find_official_code(const Source& source, std::string_view code) {
  const std::string wanted = official_code_key(code);
  return wanted.empty() ? std::vector<RecordId>()
                        : source.find_rows(key::official_code_prefix(wanted));
}

}  // namespace lienthong::store
