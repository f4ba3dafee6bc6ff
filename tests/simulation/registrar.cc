#include "tests/simulation/registrar.h"

#include <algorithm>

#include "store/trust/machines.h"

namespace lienthong::sim {
namespace {

constexpr Duration kBringAgain{3'000}, kAskAgain{4'000};
constexpr int kPatience = 200;  // looks

}  // namespace

void Registrar::change_tree() {
  const Registry& registry = *deployment_.registry();
  std::vector<const Machine*> communes, districts;
  for (const auto& machine : machines_) {
    if (registry.find_agency(machine->agency()) == nullptr || !machine->parent()) continue;
    (*machine->parent() == 0 ? districts : communes).push_back(machine.get());
  }
  if (communes.empty()) return;
  const Machine& commune = *communes[dice_.below(communes.size())];
  const Machine& district = *districts[dice_.below(districts.size())];
  AgencyChange change{commune.agency(), {}};
  const bool moves = dice_.chance(0.6) && district.index() != *commune.parent();
  if (moves)
    change.change = Reparent{district.agency()};
  else
    change.change = Rename{registry.find_agency(commune.agency())->code,
                           "Xã mới " + std::to_string(words_.size())};
  deployment_.change_tree({change});
  words_.push_back(deployment_.statements().back());
  bring_words();
  if (moves) move(commune.index(), district.index(), deployment_.registry()->newest());
}

// To the topmost machine, until it has them; it may lose its power meanwhile.
void Registrar::bring_words() {
  if (std::exchange(bringing_, true)) return;
  Machine& topmost = *machines_.front();
  if (topmost.on())
    topmost.writer().post(
        [words = words_](store::Transaction& transaction) -> Result<void> {
          for (const Statement& word : words)
            if (auto said = transaction.add_statement(word); !said.ok()) return said.error();
          return {};
        },
        nullptr);
  timeline_.after(kBringAgain, [this] {
    bringing_ = false;
    const Machine& first = *machines_.front();
    const bool there =
        first.on() && std::ranges::all_of(words_, [&](const Statement& word) {
          return first.replica().registry()->contains(statement_id(deployment_.root(), word));
        });
    if (!there) bring_words();
  });
}

// Its people change whom it calls once they have heard of it.
void Registrar::move(std::size_t machine, std::size_t district, TreeVersion version) {
  timeline_.after(kAskAgain, [this, machine, district, version] {
    Machine& commune = *machines_[machine];
    const bool heard = commune.on() && commune.replica().registry()->newest() >= version;
    if (!heard) return move(machine, district, version);
    const auto now = commune.replica().registry()->parent(commune.agency(),
                                                          commune.replica().registry()->newest());
    if (now == machines_[district]->agency()) commune.move(district, machines_[district]->agency());
  });
}

// ---- machines that are stolen ----

namespace {

bool is_revoked(const Registry& registry, const NodeId& node) {
  const auto certificate = registry.certificate_of(node);
  return !certificate || !registry.may_connect(*certificate);
}

}  // namespace

Machine* Registrar::some_commune() {
  Machine& machine = *machines_[dice_.below(machines_.size())];
  if (!machine.on() || !machine.parent() || *machine.parent() == 0) return nullptr;
  return &machine;
}

std::size_t Registrar::superior_of(std::size_t machine) const {
  const Registry& registry = *deployment_.registry();
  const AgencyId& agency = machines_[machine]->node().agency;
  if (registry.find_agency(agency) != nullptr)
    if (const auto above = registry.parent(agency, registry.newest()))
      for (const auto& other : machines_)
        if (other->agency() == *above) return other->index();
  return *machines_[machine]->parent();
}

void Registrar::revoke(std::size_t machine, const NodeId& stolen) {
  ++revoked_;
  timeline_.after(Duration(dice_.between(0, 60'000)), [this, theft = Theft{machine, stolen}] {
    if (dice_.chance(0.4)) say({theft.machine, theft.stolen, true}, kPatience, [] {});
    say(theft, kPatience, [this, theft] {
      invite(theft);
      if (!dice_.chance(0.5)) return;
      timeline_.after(Duration(dice_.between(1'000, 60'000)), [this, theft] {
        say(theft, 1, [] {});
        ++moved_;
      });
    });
  });
}

// With all that the superior has of it; what it has got since, when it says it once more. That
// machine may lose its power before it is written.
void Registrar::say(const Theft& theft, int patience, std::function<void()> then) {
  Machine& superior = *machines_[theft.by_topmost ? 0 : superior_of(theft.machine)];
  if (superior.on()) {
    superior.disk().set_calm(true);
    superior.guard([&] {
      store::RevocationRequest request;
      request.node = theft.stolen;
      request.reason = "mất máy";
      const auto plan = store::plan_revocation(superior.replica(), request, superior.clock());
      if (!plan.ok()) return;
      superior.writer().post(
          [plan = *plan](store::Transaction& transaction) {
            return store::carry_out(transaction, plan);
          },
          nullptr);
    });
    superior.disk().set_calm(false);
  }
  timeline_.after(kBringAgain, [this, theft, patience, then] {
    const Machine& there = *machines_[theft.by_topmost ? 0 : superior_of(theft.machine)];
    if (there.on() && is_revoked(*there.replica().registry(), theft.stolen)) return then();
    if (patience > 1) say(theft, patience - 1, then);
  });
}

void Registrar::invite(const Theft& theft) {
  Machine& machine = *machines_[theft.machine];
  if (machine.enrolled() || machine.on()) return;
  const std::size_t above = superior_of(theft.machine);
  Machine& superior = *machines_[above];
  if (superior.on()) {
    const auto* agency = superior.replica().registry()->find_agency(machine.node().agency);
    if (agency != nullptr)
      superior.invite(agency->code, [this, theft, above](const Token& token) {
        Machine& invited = *machines_[theft.machine];
        if (!invited.enrolled()) invited.enrol(token, above);
      });
  }
  timeline_.after(Duration(40'000), [this, theft] { invite(theft); });
}

void Registrar::renew() {
  Machine& machine = *machines_[dice_.below(machines_.size())];
  if (!machine.enrolled() || !machine.parent()) return;
  Machine& superior = *machines_[*machine.parent()];
  if (!superior.on()) return;
  const CertificateId old = machine.node().certificate;
  const auto made = std::make_shared<CertificateId>();
  superior.writer().post(
      [old, made](store::Transaction& transaction) -> Result<void> {
        const Certificate* before = transaction.registry().find_certificate(old);
        if (before == nullptr) return Error(Errc::kUnknownCertificate, "not heard of yet");
        Certificate next = *before;
        next.issued_at = transaction.now();
        next.renew_by = next.issued_at + 365LL * 86'400'000;
        next.replaces = old;
        next.tree_version = transaction.registry().newest();
        LT_TRY(const auto id, transaction.state(next));
        *made = id_cast<CertificateId>(id);
        return {};
      },
      [this, made, index = machine.index()](const Result<void>& result) {
        if (result) take_up(index, *made, kPatience);
      });
}

// With the next start, which comes soon.
void Registrar::take_up(std::size_t index, const CertificateId& certificate, int patience) {
  timeline_.after(kAskAgain, [this, index, certificate, patience] {
    Machine& machine = *machines_[index];
    const bool heard = machine.on() && machine.replica().registry()->certificate_belief(
                                           certificate) == Belief::kBelieved;
    if (!heard) {
      if (patience > 0) take_up(index, certificate, patience - 1);
      return;
    }
    ++renewed_;
    machine.take_certificate(certificate);
    machine.on_failure(machine);  // ends, and is started again
  });
}

}  // namespace lienthong::sim
