// How each kind of golden item is made, and how it is read again.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "protocol/record/fold.h"
#include "protocol/record/registry.h"
#include "tests/unit/golden_items.h"
#include "tests/unit/golden_world.h"

namespace lienthong::golden {

using Files = std::map<std::string, std::vector<Item>>;  // by theme

// What items say about each other, as it stands in the files.
class Context {
 public:
  explicit Context(const Files& files);

  const RootFingerprint& root() const { return root_; }
  std::size_t statement_count() const { return statements_.size(); }
  const std::vector<Statement>& statements() const { return statements_; }
  // Of the first so many statements.
  std::shared_ptr<const Registry> registry(std::size_t count) const;
  const Registry& whole() const { return *registry(statements_.size()); }
  StatementId id_of(const Statement& statement) const { return whole().id_of(statement); }
  // Under which that statement was signed.
  const RootFingerprint& root_of(const Statement& statement) const;
  const Update& update(const UpdateId& id) const;  // throws std::out_of_range
  // Among the first so many seals those that cover it.
  std::vector<HeldSeal> seals_of(const UpdateId& id, std::size_t count) const;
  // As the fold sees it, with so many statements and seals.
  GraphUpdate judged(const UpdateId& id, std::size_t statements, std::size_t seals) const;
  // The code under which it was declared; of zero "nobody", else the id.
  std::string agency(const AgencyId& id) const;
  std::string signer(const CertificateId& id) const;  // its agency's
  // "birth.offer"; an id that stands in no file in hexadecimal.
  std::string update_name(const UpdateId& id) const;
  // The secret of the update's record, which stands beside the first.
  std::optional<RecordSecret> secret_of(const Update& update, const UpdateId& id) const;

 private:
  struct Held {
    HeldSeal seal;
    std::vector<UpdateId> ids;
  };
  RootFingerprint root_;
  std::vector<Statement> statements_;
  std::vector<RootFingerprint> roots_;
  std::map<AgencyId, std::string> codes_;
  std::map<CertificateId, AgencyId> certificates_;
  std::map<UpdateId, std::pair<std::string, Update>> updates_;
  std::vector<Held> seals_;
  mutable std::map<std::size_t, std::shared_ptr<const Registry>> registries_;
};

struct Theme {
  const char* name;
  // Items with their bytes; what they are read as is added by `read`.
  void (*make)(const World& world, std::vector<Item>& out);
  // What the item's bytes are read as now, and the bytes that the values read are written as.
  // Throws where they cannot be read.
  Item (*read)(const Item& item, const Context& context);
};
std::span<const Theme> themes();

// ---- help for themes ----

// The value, or std::runtime_error with the item's name.
template <class T>
T need(Result<T> result, const Item& item) {
  if (!result.ok()) throw std::runtime_error(item.name + ": " + result.error().message());
  return *std::move(result);
}
void need(const Result<void>& result, const Item& item);
Update update_of(const Item& item);                  // of theme "updates"
void give_update(Item& item, const Update& update);  // the same
std::vector<UpdateId> ids_of(ByteView bytes);        // 32 bytes each
Bytes joined(std::span<const UpdateId> ids);
std::string list_of(const std::vector<std::string>& words);  // "none" where there are none

void make_statements(const World&, std::vector<Item>&);
void make_registries(const World&, std::vector<Item>&);
void make_updates(const World&, std::vector<Item>&);
void make_seals(const World&, std::vector<Item>&);
void make_states(const World&, std::vector<Item>&);
void make_parts(const World&, std::vector<Item>&);
void make_compressed(const World&, std::vector<Item>&);
void make_messages(const World&, std::vector<Item>&);
void make_healing(const World&, std::vector<Item>&);
void make_scans(const World&, std::vector<Item>&);
void make_handshakes(const World&, std::vector<Item>&);
void make_bundles(const World&, std::vector<Item>&);
void make_enrolment(const World&, std::vector<Item>&);
void make_files(const World&, std::vector<Item>&);
void make_evidence(const World&, std::vector<Item>&);

Item read_statement(const Item&, const Context&);
Item read_registry(const Item&, const Context&);
Item read_update(const Item&, const Context&);
Item read_seal(const Item&, const Context&);
Item read_state(const Item&, const Context&);
Item read_part(const Item&, const Context&);
Item read_compressed(const Item&, const Context&);
Item read_message(const Item&, const Context&);
Item read_healing(const Item&, const Context&);
Item read_scan(const Item&, const Context&);
Item read_handshake(const Item&, const Context&);
Item read_bundle(const Item&, const Context&);
Item read_enrolment(const Item&, const Context&);
Item read_file(const Item&, const Context&);
Item read_evidence(const Item&, const Context&);

}  // namespace lienthong::golden
