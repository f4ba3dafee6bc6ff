// The registry as a function of the set of its statements, over random worlds with forged and
// useless statements among the others.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <deque>
#include <optional>

#include "protocol/record/registry.h"
#include "tests/support/deployment.h"

namespace lienthong {
namespace {

using test::SeededEntropy;
using test::TestDeployment;
using test::TestNode;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : entropy_(seed) {}
  std::size_t below(std::size_t limit) {
    const auto bytes = entropy_.array<8>();
    ByteReader in(bytes);
    return static_cast<std::size_t>(*in.u64() % limit);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Items>
  auto& pick(Items& items) {
    return items[below(items.size())];
  }

 private:
  SeededEntropy entropy_;
};

enum class Trees { kFixed, kChanging };

// Everybody says anything about anybody, rightfully or not.
class RandomWorld {
 public:
  RandomWorld(std::uint64_t seed, std::size_t steps, Trees trees)
      : dice(seed), world(seed), trees_(trees) {
    keys_.push_back(world.key_in_use());
    keys_.push_back(world.key_on_paper());
    tree_heads_.push_back({0, id_cast<StatementId>(world.root())});
    agencies.push_back(world.add_agency({}, "H47", "Tỉnh", "province"));
    adopt(world.add_node(agencies[0], true));
    for (std::size_t i = 0; i < 6; ++i) {
      const AgencyId parent = agencies[i / 2];
      agencies.push_back(world.add_agency(parent, "H47." + std::to_string(i), "X", "y"));
      adopt(world.add_node(agencies.back(), true));
    }
    for (std::size_t i = 0; i < steps; ++i) step();
  }

  void step() {
    switch (dice.below(trees_ == Trees::kFixed ? 9 : 13)) {
      case 0: return declare();
      case 1:
      case 2:
      case 3: return certify();
      case 4:
      case 5:
      case 6: return revoke();
      case 7: return copy();
      case 8: return withdraw();
      case 9:
      case 10: return close();
      default: return change_tree();
    }
  }

  TestNode& speaker() { return dice.pick(nodes); }
  void close() { say_closing(); }

  Dice dice;
  TestDeployment world;
  std::vector<AgencyId> agencies;
  std::deque<TestNode> nodes;
  std::vector<CertificateId> certificates;
  std::vector<Seal> seals;

 private:
  void adopt(const TestNode& node) {
    nodes.push_back(node);
    certificates.push_back(node.certificate);
  }
  const Registry& reg() const { return *world.registry(); }
  TreeVersion version() {
    return static_cast<TreeVersion>(dice.below(static_cast<std::size_t>(reg().newest()) + 1));
  }
  // None: refused for ever, as what somebody says who may not issue.
  std::optional<StatementId> say(const StatementBody& body) {
    if (dice.one_in(5)) return world.add(sign_by_root(world.root(), dice.pick(keys_), body));
    const Statement said = speaker().say(world.root(), body);
    seals.push_back(std::get<Seal>(said.authority));
    const auto id = reg().check(said);
    if (id.ok()) return world.add(said);
    EXPECT_EQ(id.error().code(), Errc::kNotAllowed) << id.error().message();
    return std::nullopt;
  }

  void declare() {
    const AgencyId& parent = dice.pick(agencies);
    std::string code = dice.one_in(2) ? "A" : "B";
    if (!dice.one_in(4)) code = reg().find_agency(parent)->code + (dice.one_in(2) ? ".1" : ".2");
    AgencyDeclaration body = world.declaration(parent, code);
    body.tree_version = version();
    TestNode& node = speaker();
    const Statement said = node.say(world.root(), body);
    if (reg().check(said).ok()) agencies.push_back(id_cast<AgencyId>(world.add(said)));
  }
  void withdraw() {
    Withdrawal body;
    body.agency = dice.pick(agencies);
    body.decided_at = world.tick();
    body.tree_version = version();
    const Statement said = speaker().say(world.root(), body);
    if (reg().check(said).ok()) world.add(said);
  }
  void certify() {
    TestNode node = dice.one_in(3) ? world.make_node(dice.pick(agencies)) : speaker();
    if (dice.one_in(6)) node.agency = dice.pick(agencies);
    node.may_issue = !dice.one_in(4);
    Certificate body = world.certificate(node.agency, node);
    body.tree_version = version();
    for (const CertificateId& old : certificates) {
      const Certificate* replaced = reg().find_certificate(old);
      if (replaced->node == body.node && replaced->agency == body.agency && !dice.one_in(3))
        body.replaces = old;
    }
    const auto said = say(body);
    if (!said) return;
    node.certificate = id_cast<CertificateId>(*said);
    adopt(node);
  }
  void revoke() {
    Revocation body;
    const TestNode& node = speaker();
    body.node = node.id();
    body.reason = "?";
    body.decided_at = world.tick();
    body.tree_version = version();
    body.stretch = stretch(node);
    body.cuts = cuts(node, body.stretch);
    for (const auto& [id, of] : revocations_)
      if (of == body.node && dice.one_in(3)) body.after.push_back(id);
    if (const auto said = say(body)) revocations_.emplace_back(*said, body.node);
  }
  void say_closing() {
    if (reg().newest() == 0) return;
    Closing body;
    const TestNode& node = speaker();
    body.node = node.id();
    body.version = 1 + static_cast<TreeVersion>(dice.below(reg().newest()));
    body.tree_version = reg().newest();
    body.decided_at = world.tick();
    body.stretch = stretch(node);
    body.cuts = cuts(node, body.stretch);
    for (const auto& [id, of] : closings_)
      if (of == std::pair(body.node, body.version) && dice.one_in(3)) body.after.push_back(id);
    if (const auto said = say(body))
      closings_.emplace_back(*said, std::pair(body.node, body.version));
  }
  Stretch stretch(const TestNode& node) {
    if (!dice.one_in(3)) return {};
    return dice.one_in(2) ? Stretch{0, node.incarnation}
                          : Stretch{node.incarnation + 1, UINT64_MAX};
  }
  std::vector<Cut> cuts(const TestNode& node, const Stretch& within) {
    if (dice.one_in(4) || !within.contains(node.incarnation)) return {};
    Cut cut{node.incarnation, static_cast<std::uint32_t>(dice.below(6)), {}};
    if (cut.number > 2 && dice.one_in(2)) cut.except = {{1, 2, {}}};
    return {cut};
  }
  // Somebody's statement under another seal.
  void copy() {
    Statement statement = dice.pick(world.statements());
    if (!std::holds_alternative<Seal>(statement.authority)) return;
    const Hash256 leaf = statement_hash(world.root(), statement.body);
    statement.authority = speaker().seal(world.root(), std::span(&leaf, 1));
    if (reg().check(statement).ok()) world.add(statement);
  }
  void change_tree() {
    const TreeHead previous = dice.pick(tree_heads_);
    TreeChange body = world.tree_change({});
    body.number = previous.number + 1;
    body.previous = previous.id;
    for (std::size_t i = dice.below(3); i > 0; --i) {
      const AgencyId agency = dice.pick(agencies);
      const AgencyId other = dice.pick(agencies);
      if (dice.one_in(3))
        body.changes.push_back({agency, Rename{"C", ""}});
      else if (agency == other)
        continue;
      else if (dice.one_in(3))
        body.changes.push_back({agency, Dissolve{{other}}});
      else
        body.changes.push_back({agency, Reparent{other}});
    }
    if (dice.one_in(4)) {
      keys_.push_back(SigningKey(world.entropy().array<32>()));
      (dice.one_in(2) ? body.key_in_use : body.key_on_paper) = keys_.back().public_key();
      const Statement signed_by =
          sign_by_root(world.root(), keys_[dice.below(keys_.size() - 1)], body);
      tree_heads_.push_back({body.number, world.add(signed_by)});
      return;
    }
    tree_heads_.push_back(
        {body.number, world.add(sign_by_root(world.root(), dice.pick(keys_), body))});
  }

  Trees trees_;
  std::vector<SigningKey> keys_;
  std::vector<TreeHead> tree_heads_;
  std::vector<std::pair<StatementId, NodeId>> revocations_;
  std::vector<std::pair<StatementId, std::pair<NodeId, TreeVersion>>> closings_;
};

// Every answer of a registry, one a line.
std::vector<std::string> answers(const RandomWorld& from, const Registry& reg) {
  std::vector<std::string> out;
  const auto say = [&](std::string_view what, const auto&... parts) {
    std::string line(what);
    ((line += " " + parts), ...);
    out.push_back(std::move(line));
  };
  const auto ids = [](const auto& list) {
    std::string line;
    for (const auto& id : list) line += id.short_hex() + ",";
    return line;
  };
  const auto number = [](auto value) { return std::to_string(static_cast<long long>(value)); };
  say("digest", reg.digest().hex(), number(reg.size()), number(reg.newest()),
      reg.tree_head().id.hex(), number(reg.tree_head().number), number(reg.newest_root_word()));
  for (const AgencyInfo* info : reg.agencies()) say("listed", info->code, info->id.hex());
  for (const char* code : {"A", "B", "C", "H47", "H47.1", "H47.2.1", "H47.3.1", "A.1"}) {
    const auto named = reg.agency_named(code);
    say(code, named.ok() ? (*named)->id.hex() : named.error().message());
    if (const AgencyInfo* info = reg.find_agency_by_code(code)) say(code, info->id.hex());
  }
  for (const AgencyId& id : from.agencies) {
    say("agency", id.hex(), number(reg.find_agency(id)->belief), reg.find_agency(id)->code,
        ids(reg.certificates_of(id)), number(reg.find_agency(id)->code_right),
        number(reg.find_agency(id)->withdrawn));
    for (TreeVersion v = 0; v <= reg.newest(); ++v) {
      say("at", number(v), ids(reg.superiors(id, v)), ids(reg.children(id, v)),
          ids(reg.successors(id, v)), number(reg.level(id, v)), number(reg.dissolved(id, v)),
          reg.resolve(id, v).hex());
    }
  }
  for (const CertificateId& id : from.certificates) {
    std::string rights;
    for (const AgencyId& agency : from.agencies)
      rights += reg.may_issue_for(id, agency, reg.newest()) ? "1" : "0";
    std::string closed;
    for (const TreeVersion version : reg.closings_of(id)) closed += number(version) + ",";
    say("certificate", id.hex(), number(reg.certificate_belief(id)), rights, closed);
  }
  for (const TestNode& node : from.nodes) {
    const auto certificate = reg.certificate_of(node.id());
    say("node", number(reg.may_connect(node.certificate)),
        certificate ? certificate->hex() : "none");
  }
  for (const Seal& seal : from.seals) {
    const HeldSeal held{seal, seal_id(reg.root(), seal)};
    say("seal", number(reg.seal_belief(seal, held.id)),
        number(reg.held_to(seal.certificate, std::span(&held, 1), 0)));
  }
  return out;
}

// Delivers in random order and portions; what waits is tried again with the next portion.
std::shared_ptr<const Registry> deliver(const TestDeployment& world, Dice& dice) {
  std::vector<Statement> left(world.statements().begin() + 1, world.statements().end());
  auto created = Registry::create(world.root(), world.statements().front());
  auto registry = std::make_shared<const Registry>(*std::move(created));
  std::vector<Statement> waiting;
  while (!left.empty() || !waiting.empty()) {
    const std::size_t before = registry->size();
    for (std::size_t portion = 1 + dice.below(left.size() + 1); portion > 0 && !left.empty();
         --portion) {
      std::swap(left[dice.below(left.size())], left.back());
      waiting.push_back(left.back());
      if (!dice.one_in(10)) left.pop_back();  // else it comes twice
    }
    std::vector<Statement> again;
    for (const Statement& statement : waiting) {
      auto grown = registry->with(std::span(&statement, 1));
      if (grown.ok())
        registry = *std::move(grown);
      else
        again.push_back(statement);
    }
    waiting = std::move(again);
    if (left.empty() && registry->size() == before && !waiting.empty()) return nullptr;
  }
  return registry;
}

TEST(RegistryProperty, AnswersFollowFromTheSetWhateverTheOrderOfArrival) {
  const bool ok = rc::check([](std::uint64_t seed, std::uint64_t order) {
    const std::size_t steps = *rc::gen::inRange<std::size_t>(0, 40);
    const RandomWorld from(seed, steps, Trees::kChanging);
    Dice dice(order);
    const auto delivered = deliver(from.world, dice);
    RC_ASSERT(delivered != nullptr);
    RC_ASSERT(answers(from, *delivered) == answers(from, *from.world.registry()));
  });
  EXPECT_TRUE(ok);
}

TEST(RegistryProperty, OneBatchEqualsOneByOne) {
  const bool ok = rc::check([](std::uint64_t seed) {
    const std::size_t steps = *rc::gen::inRange<std::size_t>(0, 60);
    const RandomWorld from(seed, steps, Trees::kChanging);
    auto created = Registry::create(from.world.root(), from.world.statements().front());
    const auto all = created->with(from.world.statements());
    RC_ASSERT(all.ok());
    RC_ASSERT(answers(from, **all) == answers(from, *from.world.registry()));
    RC_ASSERT((*all)->statements() == from.world.registry()->statements());
  });
  EXPECT_TRUE(ok);
}

// A closing changes what is believed of what those strictly below its author, by both walks under
// the newest tree, have issued, and of nobody else's; and to what version only theirs is held.
TEST(RegistryProperty, AClosingTouchesNobodyBesideOrAbove) {
  const bool ok = rc::check([](std::uint64_t seed) {
    const std::size_t steps = *rc::gen::inRange<std::size_t>(5, 30);
    RandomWorld from(seed, steps, Trees::kChanging);
    for (int i = 0; i < 10; ++i) {
      const auto before = from.world.registry();
      from.close();
      const auto after = from.world.registry();
      const auto* said = std::get_if<Seal>(&from.world.statements().back().authority);
      if (after->size() == before->size() || said == nullptr) continue;
      const AgencyId author =
          after->resolve(after->find_certificate(said->certificate)->agency, after->newest());
      for (const Seal& seal : from.seals) {
        const HeldSeal held{seal, seal_id(after->root(), seal)};
        const AgencyId agency = after->find_certificate(seal.certificate)->agency;
        if (author != agency && after->superior(author, agency, after->newest())) continue;
        RC_ASSERT(before->held_to(seal.certificate, std::span(&held, 1), 0) ==
                  after->held_to(seal.certificate, std::span(&held, 1), 0));
      }
    }
  });
  EXPECT_TRUE(ok);
}

// What an agency says can change what is believed of those strictly below it and of nobody else.
TEST(RegistryProperty, NobodyTouchesTheTrustOfThoseBesideOrAbove) {
  const bool ok = rc::check([](std::uint64_t seed) {
    const std::size_t steps = *rc::gen::inRange<std::size_t>(0, 10);
    RandomWorld from(seed, steps, Trees::kFixed);
    for (int i = 0; i < 30; ++i) {
      const auto before = from.world.registry();
      const std::vector<CertificateId> certificates = from.certificates;
      const std::vector<Seal> seals = from.seals;
      from.step();
      const auto after = from.world.registry();
      const auto* said = std::get_if<Seal>(&from.world.statements().back().authority);
      if (after->size() == before->size() || said == nullptr) continue;
      const AgencyId author = after->find_certificate(said->certificate)->agency;
      const auto below = [&](const CertificateId& id) {
        const AgencyId agency = after->find_certificate(id)->agency;
        return author != agency && after->above_or_equal(author, agency, 0);
      };
      for (const CertificateId& id : certificates)
        RC_ASSERT(below(id) || before->certificate_belief(id) == after->certificate_belief(id));
      for (const Seal& seal : seals) {
        const SealId id = seal_id(after->root(), seal);
        RC_ASSERT(below(seal.certificate) ||
                  before->seal_belief(seal, id) == after->seal_belief(seal, id));
      }
    }
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace lienthong
