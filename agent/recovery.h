// What the daemon does about a damaged database before it opens it. docs/operations.md, "Damage".
#pragma once

#include <filesystem>
#include <functional>

#include "agent/joining/identity_check.h"
#include "store/salvage/salvage.h"

namespace lienthong::agent {

// Salvages in a thread of its own; `turn` is called over and over until that is done, and answers
// whether to go on. Fails as store::salvage().
Result<store::Damage> salvage_meanwhile(store::SalvageRequest request,
                                        const std::function<bool()>& turn);
void log_damage(const store::Damage& damage);
// Small files that opening has made anew.
void log_made_anew(const store::Replica& replica);
// Whose database it is, told without it: by the identity files, and the copy of the registry beside
// it where that can be read. Under a wrong key what was written here would be taken for somebody
// else's: then it fails, kCorrupt, with that reason and `why`.
Result<NodeFiles> sure_identity(const std::filesystem::path& data_dir,
                                const std::string& database_path, const IdentityFiles& files,
                                const Error& why);
// The error of opening with what to do about it.
Error why_not_opened(const Error& error, const std::filesystem::path& data_dir);

}  // namespace lienthong::agent
