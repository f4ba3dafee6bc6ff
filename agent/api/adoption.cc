// The registry as a file, and what an adoption brings, over the local API.
// docs/protocol/registry.md, "Several roots".
#include "protocol/record/adoption.h"

#include "agent/api/routes.h"
#include "agent/json/status.h"
#include "protocol/record/root_file.h"

namespace lienthong::agent {
namespace {

// What a file brings: statements of the root that writes the tree, or an adoption signed by both
// roots with the registry of the other.
Result<std::vector<Statement>> statements_of(const std::string& body) {
  if (is_root_file(as_bytes(body))) {
    LT_TRY(const RootFile file, decode_root_file(as_bytes(body)));
    if (!file.is_signed())
      return Error(Errc::kInvalidArgument, "the file is not signed yet: lienthong root sign");
    return statements_in(file);
  }
  LT_TRY(const AdoptionFile file, decode_adoption_file(as_bytes(body)));
  if (!file.adoption || !file.adopter || !file.adopted)
    return Error(Errc::kInvalidArgument, "the adoption is not signed by both roots");
  std::vector<Statement> out{make_adoption(*file.adoption, *file.adopter, *file.adopted)};
  out.insert(out.end(), file.statements.begin(), file.statements.end());
  return out;
}

}  // namespace

void get_registry(ApiCall& call) {
  const auto registry = call.api.replica().registry();
  AdoptionFile file;
  file.root = registry->root();
  for (const StatementId& id : registry->statements())
    file.statements.push_back(*registry->find_statement(id));
  const Bytes bytes = encode_adoption_file(file);
  call.response.set_content(std::string(as_text(bytes)), "application/octet-stream");
}

// What the root has signed; or an adoption signed by both, and statements of the other registry, a
// large one in several calls.
void post_registry(ApiCall& call) {
  const auto statements = statements_of(call.body);
  if (!statements.ok()) return send_error(call.response, statements.error());
  std::size_t added = 0;
  const auto done = call.api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    LT_TRY(added, transaction.add_statements(*statements));
    return {};
  });
  if (!done.ok()) return send_error(call.response, done.error());
  const auto registry = call.api.replica().registry();
  send_json(call.response, {{"added", added},
                            {"root", registry->writing_root().hex()},
                            {"tree_version", registry->tree_head().number}});
}

}  // namespace lienthong::agent
