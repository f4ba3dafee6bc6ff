#include "store/exchange/credentials.h"

#include <set>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/wire/message.h"

namespace lienthong::store {
namespace {

// What a message has room for beside its other bytes.
constexpr std::size_t kBytesMax = kMessageBytesMax - 4096;

// Statements with all that they name before them, for nobody takes one that names what he lacks.
class Chain {
 public:
  explicit Chain(const Registry& registry) : registry_(registry) {}

  void add(const StatementId& id) {
    if (!seen_.insert(id).second) return;
    const Statement* statement = registry_.find_statement(id);
    if (statement == nullptr || std::holds_alternative<std::monostate>(statement->authority))
      return;  // the genesis: everybody pins it
    if (const Seal* seal = std::get_if<Seal>(&statement->authority)) add_id(seal->certificate);
    if (const auto body = wire::decode_statement(statement->body); body.ok())
      std::visit([this](const auto& what) { add_named(what); }, *body);
    statements_.push_back(*statement);
  }

  // The newest of them, as many as there is room for.
  std::vector<Statement> take() {
    std::size_t bytes = 0, first = statements_.size();
    while (first > 0 && statements_.size() - first < wire::kCredentialCountMax) {
      bytes += encode_statement(statements_[first - 1]).size() + sizeof(std::uint64_t);
      if (bytes > kBytesMax) break;
      --first;
    }
    statements_.erase(statements_.begin(),
                      statements_.begin() + static_cast<std::ptrdiff_t>(first));
    return std::move(statements_);
  }

 private:
  template <class Tag>
  void add_id(const Id<Tag>& id) {
    if (!id.is_zero()) add(id_cast<StatementId>(id));
  }
  void add_version(TreeVersion version) {
    if (version > 0) add(registry_.tree_id(version));
  }

  void add_named(const AgencyDeclaration& body) {
    add_version(body.tree_version);
    add_id(body.parent);
  }
  void add_named(const Certificate& body) {
    add_version(body.tree_version);
    add_id(body.agency);
    add_id(body.replaces);
  }
  void add_named(const TreeChange& body) {
    add_id(body.previous);
    for (const AgencyChange& item : body.changes) {
      add_id(item.agency);
      if (const auto* reparent = std::get_if<Reparent>(&item.change)) add_id(reparent->parent);
      if (const auto* dissolve = std::get_if<Dissolve>(&item.change))
        for (const AgencyId& successor : dissolve->successors) add_id(successor);
    }
  }
  void add_named(const Adoption& body) {
    add_id(body.previous);
    add_id(body.adopted_previous);
    add_id(body.place);
  }
  template <class Other>
  void add_named(const Other&) {}  // vouches for nobody

  const Registry& registry_;
  std::set<StatementId> seen_;
  std::vector<Statement> statements_;
};

}  // namespace

std::vector<Statement> credentials(const Registry& registry, const CertificateId& certificate) {
  Chain chain(registry);
  chain.add(id_cast<StatementId>(certificate));
  return chain.take();
}

}  // namespace lienthong::store
