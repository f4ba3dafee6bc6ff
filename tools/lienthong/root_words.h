// Files for a root key: made beside an agent, and told in words to whoever keeps the key.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/result.h"
#include "tools/lienthong/client.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/shell.h"

namespace lienthong::agent {
struct RootPlan;
struct RootWord;
}  // namespace lienthong::agent

namespace lienthong::tools {

// The value, or the reason why there is none. Throws Failure kFailed.
template <class T>
T given(Result<T> result) {
  if (result.ok()) return *std::move(result);
  throw Failure(kFailed, reason_of(Json{{"code", to_string(result.error().code())},
                                        {"message", result.error().detail()}}));
}

// Writes the file with those statements, as hexadecimal bytes, and the agent's registry. Throws
// Failure kFailed.
void save_root_file(const Client& client, const std::vector<std::string>& bodies,
                    const std::string& path);
void tell_where_to_sign(const std::string& path);

// One sentence in the reader's language.
std::string sentence(const agent::RootWord& word);

void save_file(const std::string& path, const std::string& bytes);  // throws Failure kFailed
std::string own_registry(const Client& client);                     // as GET /v1/registry gives it

// The verbs of `root` that have to do with such files.
void add_root_signing(CLI::App& root, Shell& shell);
void add_root_enroll(CLI::App& root, Shell& shell);

}  // namespace lienthong::tools
