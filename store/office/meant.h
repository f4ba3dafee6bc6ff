// Which record somebody means by a code. Codes are written by whoever begins a record, so others
// can send us records that bear the codes of ours; a code of our own machines comes before one that
// another system gave. Pure but for what it reads.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "protocol/record/fold.h"
#include "protocol/record/registry.h"
#include "store/office/official_code.h"

namespace lienthong::store {

// Begun or held by the agency, or by one that it succeeds.
inline bool is_own(const RecordState& state, const AgencyId& agency, const Registry& registry) {
  const auto ours = [&](const AgencyId& other) {
    return !other.is_zero() && registry.resolve(other, registry.newest()) == agency;
  };
  return !state.chain.empty() && (ours(state.origin) || ours(state.holder));
}

struct Meant {
  std::vector<RecordId> own, others;
  // Own ones come first; several are ambiguous, in either.
  const std::vector<RecordId>& best() const { return own.empty() ? others : own; }
};

// `source`: a Replica or a Transaction.
template <class Source>
Meant records_meant(const Source& source, const AgencyId& ours, const Registry& registry,
                    std::string_view code) {
  Meant out;
  for (const RecordId& id : source.find_code(code)) {
    const auto entry = source.find_record(id);
    (entry && is_own(entry->state, ours, registry) ? out.own : out.others).push_back(id);
  }
  if (!out.own.empty()) return out;
  for (const RecordId& id : find_official_code(source, code)) {
    const auto entry = source.find_record(id);
    auto& list = entry && is_own(entry->state, ours, registry) ? out.own : out.others;
    if (std::ranges::find(list, id) == list.end()) list.push_back(id);
  }
  return out;
}

}  // namespace lienthong::store
