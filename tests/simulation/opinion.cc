#include "tests/simulation/opinion.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "tests/support/custody_model.h"

namespace lienthong::sim {
namespace {

// As the model names them: the topmost is P, its children D1, D2 and X, and who is below those was
// declared by them.
std::map<AgencyId, int> places_of(const Registry& registry) {
  constexpr std::array kSecond{model::D1, model::D2, model::X};
  constexpr int kMintedMax = 15;
  std::map<AgencyId, int> out;
  std::map<int, int> minted;
  std::size_t second = 0;
  const auto place = [&](const AgencyId& id, const auto& self) -> int {
    if (const auto at = out.find(id); at != out.end()) return at->second;
    const auto parent = registry.parent(id, 0);
    int number = model::kNobody;
    if (!parent) {
      number = out.empty() ? model::P : model::kNobody;
    } else if (const int above = self(*parent, self); above == model::P) {
      if (second < kSecond.size()) number = kSecond[second++];
    } else if (above != model::kNobody && !model::is_minted(above) && minted[above] < kMintedMax) {
      number = model::minted(above, ++minted[above]);
    }
    out.emplace(id, number);
    return number;
  };
  for (const AgencyInfo* agency : registry.agencies()) place(agency->id, place);
  return out;
}

class Translation {
 public:
  Translation(const store::Replica& replica, const store::RecordEntry& entry)
      : registry_(*replica.registry()), places_(places_of(registry_)) {
    for (const std::uint64_t number : entry.updates)
      if (auto update = replica.find_update(number)) updates_.push_back(*std::move(update));
  }

  // False: the model does not reach so far.
  bool translate() {
    if (updates_.size() >= model::kUpdateCountMax || registry_.newest() > 0) return false;
    for (const store::StoredUpdate& update : updates_)  // revoked
      if (registry_.is_cut(update.update.envelope.certificate)) return false;
    std::vector<UpdateId> ids;
    for (const store::StoredUpdate& update : updates_) ids.push_back(update.id);
    std::ranges::sort(ids);
    for (const store::StoredUpdate& update : updates_) {
      auto item = item_of(update);
      if (!item) return false;
      item->name =
          static_cast<int>(std::ranges::lower_bound(ids, update.id) - ids.begin());  // the order
      numbers_[update.id] = item->id;
      world_.add(*item);
    }
    return true;
  }

  std::string compare(const RecordState& state) {
    model::Model model(world_, model::Trees::standard(), {.cuts = {}, .closings = {}, .newest = 0});
    const model::Outcome expected = model.fold(world_.all());
    std::vector<int> chain;
    for (const LinkEntry& link : state.chain) chain.push_back(number_of(link.id));
    std::set<int> inert, late;
    for (const InertEntry& entry : state.inert)
      if (const int number = number_of(entry.id);
          number < 0 || model::modelled(world_.at(number).kind))
        inert.insert(number);
    for (const UpdateId& id : state.set_aside) late.insert(number_of(id));
    std::string out;
    if (chain != expected.chain) out += " chain" + text(chain) + " not" + text(expected.chain);
    if (place_of(state.holder) != expected.holder) out += " another holder";
    if (place_of(state.offered) != expected.offered) out += " offered to another";
    if (inert != expected.bad) out += " inert" + text(inert) + " not" + text(expected.bad);
    if (late != expected.late) out += " set aside" + text(late) + " not" + text(expected.late);
    return out;
  }

 private:
  template <class Numbers>
  static std::string text(const Numbers& numbers) {
    std::string out;
    for (const int number : numbers) out += " " + std::to_string(number);
    return out;
  }
  int number_of(const UpdateId& id) const {
    const auto at = numbers_.find(id);
    return at == numbers_.end() ? -1 : at->second;
  }
  int place_of(const AgencyId& id) const {
    const auto at = places_.find(id);
    return at == places_.end() ? model::kNobody : at->second;
  }

  std::optional<model::Item> item_of(const store::StoredUpdate& update) {
    model::Item item;
    item.id = world_.next_id();
    item.kind = update.open.kind;
    item.agency = place_of(update.agency);
    const auto [machine, fresh] =
        machines_.try_emplace(update.node, static_cast<int>(machines_.size()) + 1);
    item.machine = machine->second;
    item.hlc = update.update.envelope.hlc.value;
    for (const UpdateId& parent : update.update.envelope.deps) {
      item.deps.push_back(number_of(parent));
      if (item.deps.back() < 0) return std::nullopt;
    }
    if (const auto& link = update.update.envelope.link) item.link = number_of(*link);
    if (!update.open.target.is_zero()) {
      item.to = place_of(update.open.target);
      if (item.to == model::kNobody) return std::nullopt;
    }
    for (const UpdateId& id : update.open.references)
      if (const int number = number_of(id); number >= 0) item.references.push_back(number);
    const auto& certificate = update.update.envelope.certificate;
    if (registry_.is_cut(certificate)) return std::nullopt;
    item.cut_off = registry_.certificate_belief(certificate) != Belief::kBelieved;
    if (item.agency == model::kNobody || update.update.envelope.tree_version > 0)
      return std::nullopt;
    return item;
  }

  const Registry& registry_;
  std::map<AgencyId, int> places_;
  std::vector<store::StoredUpdate> updates_;
  std::map<UpdateId, int> numbers_;
  std::map<NodeId, int> machines_;
  model::World world_;
};

}  // namespace

std::string second_opinion(const store::Replica& replica, const store::RecordEntry& entry) {
  const auto registry = replica.registry();  // held while it is read
  Translation translation(replica, entry);
  return translation.translate() ? translation.compare(entry.state) : std::string();
}

}  // namespace lienthong::sim
