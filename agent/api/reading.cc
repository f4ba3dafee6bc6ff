// What closed parts say is given out to whoever takes part in a record; to a superior only once his
// inspection is written into it. docs/operations.md, "Reading what is below".
#include "store/office/reading.h"

#include "agent/api/context.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {

bool may_read(const ApiContext& api, const Caller& caller, const RecordState& state) {
  return store::takes_part(api.replica(), state) ||
         store::inspected(api.replica(), state, caller.account, api.now());
}

Error not_inspected(const RecordState& state) {
  const std::string code = open_text(state, Field::kCode).value_or(state.record.short_hex());
  return Error(Errc::kNotAllowed,
               "our office takes no part in " + code +
                   ": its closed parts are read here once that is written into it, for a day: "
                   "lienthong inspect " +
                   code + " --reason WHY");
}

}  // namespace lienthong::agent
