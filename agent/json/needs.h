// What a dossier has to say before it is received and gets a number, so that an empty line of a
// table or a slip of the hand does not become one. Pure; any thread.
#pragma once

#include "protocol/base/result.h"
#include "store/desk/operations.h"

namespace lienthong::agent {

// Each that is set must be there; of neither, one of the two or the field of work.
struct Needs {
  bool who = false;   // the applicant's name, number, phone or mail
  bool what = false;  // the procedure or its name, a summary or components
  bool operator==(const Needs&) const = default;
};

// kInvalidArgument for a new dossier that says too little; nothing for any other operation.
Result<void> check_needs(const store::Operation& operation, const Needs& needs);

}  // namespace lienthong::agent
