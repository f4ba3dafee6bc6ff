// What the daemon does about a damaged database before it opens it. docs/operations.md, "Damage".
#pragma once

#include <functional>

#include "store/salvage/salvage.h"

namespace lienthong::agent {

// Salvages in a thread of its own; `turn` is called over and over until that is done, and answers
// whether to go on. Fails as store::salvage().
Result<store::Damage> salvage_meanwhile(store::SalvageRequest request,
                                        const std::function<bool()>& turn);
void log_damage(const store::Damage& damage);
// Small files that opening has made anew.
void log_made_anew(const store::Replica& replica);
// The same error with what to do about a database that is gone.
Error with_remedy(const Error& gone, const std::string& data_dir);

}  // namespace lienthong::agent
