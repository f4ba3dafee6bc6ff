// The registry as a file, and what an adoption brings, over the local API.
// docs/protocol/registry.md, "Several roots".
#include "protocol/record/adoption.h"

#include "agent/api/routes.h"
#include "agent/json/status.h"

namespace lienthong::agent {

void get_registry(ApiCall& call) {
  const auto registry = call.api.replica().registry();
  AdoptionFile file;
  file.root = registry->root();
  for (const StatementId& id : registry->statements())
    file.statements.push_back(*registry->find_statement(id));
  const Bytes bytes = encode_adoption_file(file);
  call.response.set_content(std::string(as_text(bytes)), "application/octet-stream");
}

// An adoption signed by both, and statements of the other registry; a large one in several calls.
void post_registry(ApiCall& call) {
  const auto file = decode_adoption_file(as_bytes(call.body));
  if (!file.ok()) return send_error(call.response, file.error());
  if (!file->adoption || !file->adopter || !file->adopted)
    return send_error(call.response,
                      Error(Errc::kInvalidArgument, "the adoption is not signed by both roots"));
  std::vector<Statement> statements{make_adoption(*file->adoption, *file->adopter, *file->adopted)};
  statements.insert(statements.end(), file->statements.begin(), file->statements.end());
  std::size_t added = 0;
  const auto done = call.api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    LT_TRY(added, transaction.add_statements(statements));
    return {};
  });
  if (!done.ok()) return send_error(call.response, done.error());
  const auto registry = call.api.replica().registry();
  send_json(call.response, {{"added", added},
                            {"root", registry->writing_root().hex()},
                            {"tree_version", registry->tree_head().number}});
}

}  // namespace lienthong::agent
