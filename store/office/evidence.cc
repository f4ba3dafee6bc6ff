#include "store/office/evidence.h"

#include <algorithm>
#include <unordered_set>

#include "protocol/record/codec.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"

namespace lienthong::store {
namespace {

using Ids = std::unordered_set<StatementId>;

// ---- statements ----

template <class Id>
void name(std::vector<StatementId>& named, const Id& id) {
  if (!id.is_zero()) named.push_back(id_cast<StatementId>(id));
}

void names_of(const AgencyDeclaration& body, std::vector<StatementId>& named) {
  name(named, body.parent);
}
void names_of(const Certificate& body, std::vector<StatementId>& named) {
  name(named, body.agency);
  name(named, body.replaces);
}
void names_of(const TreeChange& body, std::vector<StatementId>& named) {
  name(named, body.previous);
  for (const AgencyChange& change : body.changes) {
    name(named, change.agency);
    if (const auto* reparent = std::get_if<Reparent>(&change.change)) name(named, reparent->parent);
    if (const auto* dissolve = std::get_if<Dissolve>(&change.change))
      for (const AgencyId& successor : dissolve->successors) name(named, successor);
  }
}
void names_of(const Adoption& body, std::vector<StatementId>& named) {
  name(named, body.adopter);
  name(named, body.previous);
  name(named, body.adopted);
  name(named, body.adopted_previous);
  name(named, body.place);
  for (const StatementId& kept : body.kept) name(named, kept);
}
void names_of(const Withdrawal& body, std::vector<StatementId>& named) { name(named, body.agency); }
void names_of(const Genesis&, std::vector<StatementId>&) {}
template <class Words>  // Revocation, Closing
void names_of(const Words& body, std::vector<StatementId>& named) {
  for (const StatementId& id : body.after) name(named, id);
}

// What of a registry is needed to judge one record: everything that is named, the tree in all its
// versions, and all words about the machines among it.
class Choice {
 public:
  explicit Choice(const Registry& registry) : registry_(registry) {
    for (const StatementId& id : registry.statements())
      all_.emplace_back(id, wire::decode_statement(registry.find_statement(id)->body).value());
    for (const auto& [id, body] : all_)
      if (std::holds_alternative<Genesis>(body) || std::holds_alternative<TreeChange>(body) ||
          std::holds_alternative<Adoption>(body))
        add(id);
  }

  template <class Id>
  void add(const Id& id) {
    std::vector<StatementId> open;
    name(open, id);
    while (!open.empty()) {
      const StatementId next = open.back();
      open.pop_back();
      const Statement* statement = registry_.find_statement(next);
      if (statement == nullptr || !chosen_.insert(next).second) continue;
      if (const auto* seal = std::get_if<Seal>(&statement->authority))
        name(open, seal->certificate);
      std::visit([&](const auto& body) { names_of(body, open); },
                 wire::decode_statement(statement->body).value());
    }
  }

  // Those in an order in which each names only what stands before it.
  std::vector<Statement> statements() {
    for (std::size_t before = 0; before != chosen_.size();) {
      before = chosen_.size();
      add_words();
    }
    return in_order([this](const StatementId& id) { return chosen_.contains(id); });
  }
  std::vector<Statement> everything() const {
    return in_order([](const StatementId&) { return true; });
  }

 private:
  // Revocations and closings of machines that are among them, and certificates that replace one.
  void add_words() {
    std::unordered_set<NodeId> nodes;
    for (const auto& [id, body] : all_)
      if (const auto* certificate = std::get_if<Certificate>(&body))
        if (chosen_.contains(id)) nodes.insert(certificate->node);
    for (const auto& [id, body] : all_) {
      const auto* revocation = std::get_if<Revocation>(&body);
      const auto* closing = std::get_if<Closing>(&body);
      const auto* certificate = std::get_if<Certificate>(&body);
      if ((revocation != nullptr && nodes.contains(revocation->node)) ||
          (closing != nullptr && nodes.contains(closing->node)) ||
          (certificate != nullptr && chosen_.contains(id_cast<StatementId>(certificate->replaces))))
        add(id);
    }
  }

  template <class Wanted>
  std::vector<Statement> in_order(const Wanted& wanted) const {
    std::vector<Statement> out;
    for (const auto& [id, body] : all_)
      if (wanted(id)) out.push_back(*registry_.find_statement(id));
    return out;
  }

  const Registry& registry_;
  std::vector<std::pair<StatementId, StatementBody>> all_;
  Ids chosen_;
};

// ---- updates and seals ----

class Gatherer {
 public:
  Gatherer(const Replica& replica, const Disclosure& disclosed)
      : replica_(replica),
        raw_(replica),
        ledger_(raw_.ledger()),
        disclosed_(disclosed),
        choice_(*ledger_->registry) {}

  Result<Gathered> gather(const RecordEntry& entry) {
    Gathered gathered;
    Evidence& out = gathered.evidence;
    out.root = ledger_->registry->root();
    out.record = entry.state.record;
    std::vector<std::uint64_t> numbers = entry.updates;  // parents came before their children
    std::ranges::sort(numbers);
    for (const std::uint64_t number : numbers) {
      LT_TRY(auto update, gather_update(number, out));
      if (update)
        out.updates.push_back(*std::move(update));
      else
        ++gathered.unsealed;
    }
    if (out.updates.empty())
      return Error(Errc::kBusy,
                   "no change of this record is sealed yet: none has left this machine");
    for (const UpdateId& id : disclosed_.updates)
      if (!seen_.contains(id))
        return Error(Errc::kNotFound, "no change " + id.hex() + " in this record");
    out.statements = choice_.statements();
    auto proved = prove(out);
    // Belief can hang on what is named by nothing here: then all of it goes along.
    if (!proved.ok() ||
        (gathered.unsealed == 0 && encode_state(proved->state) != encode_state(entry.state))) {
      out.statements = choice_.everything();
      proved = prove(out);
    }
    if (!proved.ok())
      return Error(Errc::kCorrupt, "what is here does not verify: " + proved.error().message());
    return gathered;
  }

 private:
  // nullopt: no seal covers it.
  Result<std::optional<EvidenceUpdate>> gather_update(std::uint64_t number, Evidence& out) {
    const Database& database = raw_.database();
    const auto bytes = database.get(key::update(number));
    if (!bytes) throw std::runtime_error("update " + std::to_string(number) + " is missing");
    UpdateRow row = decode_update_row(*bytes);
    const auto sealed = read_update_seal(database, row, number);
    seen_.insert(row.id);
    if (!sealed) {
      if (disclosed_.updates.contains(row.id))
        return Error(Errc::kBusy, "change " + row.id.hex() + " is not sealed yet");
      return std::optional<EvidenceUpdate>();
    }
    EvidenceUpdate update;
    update.places = places_of(number, *sealed, row.id, out);
    choice_.add(row.update.envelope.certificate);
    choice_.add(decode_stored_open(row.update).target);
    update.update = std::move(row.update);
    update.update.secret.reset();
    if (disclosed_.all ? !update.update.closed.empty() : disclosed_.updates.contains(row.id)) {
      auto shown = replica_.show_closed_part(row.id);
      if (!shown)
        return Error(Errc::kNotFound, "the closed part of change " + row.id.hex() + " is not here");
      update.update = std::move(shown->update);
      update.salt = shown->salt;
    } else {
      update.update.closed.clear();
    }
    return std::optional(std::move(update));
  }

  std::vector<EvidencePlace> places_of(std::uint64_t number, const UpdateSeal& first,
                                       const UpdateId& id, Evidence& out) {
    std::vector<EvidencePlace> places;
    std::set<std::uint32_t> rows{first.seal};
    const std::string prefix = key::further_seals(number);
    raw_.database().scan(prefix, prefix, [&](std::string_view k, std::string_view) {
      rows.insert(decode_number4(k.substr(9)));
      return true;
    });
    for (const std::uint32_t row : rows) {
      const auto evidence = read_evidence(raw_.database(), row);
      if (!evidence) throw std::runtime_error("stored seal is missing");
      EvidencePlace place;
      const auto [known, added] = seals_.emplace(row, static_cast<std::uint32_t>(out.seals.size()));
      if (added) {
        out.seals.push_back(evidence->seal());
        choice_.add(evidence->seal().certificate);
      }
      place.seal = known->second;
      const auto index = index_in(*evidence, id);
      if (!index) throw std::runtime_error("a seal does not cover its update");
      place.index = *index;
      place.proof = evidence->prove(ledger_->registry->root_of(evidence->seal().certificate),
                                    std::span(&place.index, 1));
      places.push_back(std::move(place));
    }
    std::ranges::sort(places, {}, &EvidencePlace::seal);
    return places;
  }

  static std::optional<std::uint16_t> index_in(const SealEvidence& evidence, const UpdateId& id) {
    for (std::uint16_t i = 0; i < evidence.seal().count; ++i)
      if (evidence.leaf(i) == id_cast<Hash256>(id)) return i;
    return std::nullopt;
  }

  const Replica& replica_;
  RawReplica raw_;
  std::shared_ptr<const Ledger> ledger_;
  const Disclosure& disclosed_;
  Choice choice_;
  std::unordered_map<std::uint32_t, std::uint32_t> seals_;  // by row: place in the file
  std::set<UpdateId> seen_;
};

}  // namespace

Result<Gathered> gather_evidence(const Replica& replica, const RecordId& record,
                                 const Disclosure& disclosed) {
  const auto entry = replica.find_record(record);
  if (!entry) return Error(Errc::kNotFound, "record " + record.short_hex());
  return Gatherer(replica, disclosed).gather(*entry);
}

}  // namespace lienthong::store
