// Theme "records": statements, updates, seals, Merkle trees, states.
#include "protocol/record/fold.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

void inputs(const Example& example, Theme& out) {
  out.input("key_in_use.seed", example.in_use.seed());
  out.input("key_on_paper.seed", example.on_paper.seed());
  out.input("province.node.seed", example.province.key.seed());
  out.input("province.dh.secret", example.province.dh_key.secret());
  out.input("commune.node.seed", example.commune.key.seed());
  out.input("commune.dh.secret", example.commune.dh_key.secret());
  out.input("T", static_cast<std::uint64_t>(kNow));
  out.result("key_in_use", example.in_use.public_key());
  out.result("key_on_paper", example.on_paper.public_key());
  out.result("province.node", example.province.id());
  out.result("province.dh", example.province.dh_key.public_key());
  out.result("commune.node", example.commune.id());
  out.result("commune.dh", example.commune.dh_key.public_key());
}

void statements(const Example& example, Theme& out) {
  out.result("genesis.body", example.statements[0].body);
  out.result("root", example.root);
  out.result("genesis.statement", encode_statement(example.statements[0]));
  const char* const names[] = {"", "agency", "certificate", "commune.agency",
                               "commune.certificate"};
  for (std::size_t i = 1; i < example.statements.size(); ++i) {
    const Statement& statement = example.statements[i];
    const std::string name = names[i];
    const Hash256 body_hash = statement_hash(example.root, statement.body);
    out.result(name + ".body", statement.body);
    out.result(name + ".hash", body_hash);
    if (const auto* by_root = std::get_if<RootSignature>(&statement.authority)) {
      out.result(name + ".signed", root_signing_bytes(example.root, body_hash));
      out.result(name + ".signature", by_root->signature);
    } else {
      const Seal& seal = std::get<Seal>(statement.authority);
      out.result(name + ".leaf", hash(kTagLeaf, example.root, body_hash));
      out.result(name + ".seal", encode_seal(seal));
      out.result(name + ".seal.id", seal_id(example.root, seal));
    }
    out.result(name + ".id", statement_id(example.root, statement));
    out.result(name + ".statement", encode_statement(statement));
  }
  out.result("registry.digest", example.registry(3)->digest());
  out.result("registry.digest.5", example.registry(5)->digest());
}

void updates(const Example& example, Theme& out) {
  const auto each = [&](const std::string& name, const Update& update) {
    out.result(name + ".envelope", encode_envelope(update.envelope));
    out.result(name + ".open", update.open);
    out.result(name + ".open.hash", hash(kTagOpen, example.root, ByteView(update.open)));
    if (!update.closed.empty()) {
      out.result(name + ".closed", update.closed);
      out.result(name + ".closed.hash", update.closed_hash);
    }
    out.result(name + ".id", update_id(example.root, update));
  };
  out.input("first.secret", example.secret());
  out.result("first.salt", closed_part_salt(example.root, example.secret(),
                                            encode_envelope(example.first.envelope)));
  each("first", example.first);
  each("second", example.second);
}

Bytes joined(std::span<const Hash256> hashes) {
  ByteWriter out;
  for (const Hash256& hash : hashes) out.raw(hash.view());
  return out.take();
}

void tree_of_three(const Example& example, Theme& out) {
  const std::array<Hash256, 3> leaves{id_cast<Hash256>(example.first_id()),
                                      id_cast<Hash256>(example.second_id()),
                                      Hash256{filled<32>(9)}};
  for (std::size_t i = 0; i < leaves.size(); ++i)
    out.result("leaf." + std::to_string(i), hash(kTagLeaf, example.root, leaves[i]));
  out.result("node.0-2", merkle_root(example.root, std::span(leaves).first(2)));
  out.result("root.0-3", merkle_root(example.root, leaves));
}

// Leaf i of seven is 32 bytes of i.
void tree_of_seven(const Example& example, Theme& out) {
  std::vector<Hash256> leaves;
  std::vector<IndexedLeaf> indexed;
  for (std::uint16_t i = 0; i < 7; ++i) {
    leaves.push_back(Hash256{filled<32>(static_cast<std::uint8_t>(i))});
    indexed.push_back({i, leaves.back()});
  }
  Seal seal;
  seal.count = 7;
  seal.root = merkle_root(example.root, leaves);
  out.result("seven.root", seal.root);
  SealEvidence evidence(seal);
  LT_CHECK(evidence.absorb(example.root, indexed, {}).ok());
  const auto proof = [&](const std::string& name, std::vector<std::uint16_t> indices) {
    const std::vector<Hash256> hashes = evidence.prove(example.root, indices);
    std::vector<IndexedLeaf> some;
    for (const std::uint16_t index : indices) some.push_back(indexed[index]);
    LT_CHECK(*merkle_root_from_part(example.root, 7, some, hashes) == seal.root);
    out.result("seven.proof." + name, joined(hashes));
  };
  proof("0", {0});
  proof("4", {4});
  proof("6", {6});
  proof("1-5", {1, 5});
  proof("2-3-6", {2, 3, 6});
}

void seals(const Example& example, Theme& out) {
  out.input("seal.incarnation", Example::kIncarnation);
  tree_of_three(example, out);
  tree_of_seven(example, out);
  const Bytes whole = encode_seal(example.seal);
  out.result("seal", whole);
  out.result("seal.id", seal_id(example.root, example.seal));
}

void states(const Example& example, Theme& out) {
  const auto graph = [&](const Update& update, const UpdateId& id) {
    GraphUpdate each;
    each.id = id;
    each.envelope = update.envelope;
    each.open = *wire::decode_open(update.open);
    each.agency = example.province.agency;
    each.node = example.province.id();
    return each;
  };
  const RecordState state = fold(std::array{graph(example.first, example.first_id()),
                                            graph(example.second, example.second_id())},
                                 *example.registry(3));
  out.result("state", encode_state(state));
  out.result("state.digest", state_digest(example.root, state));
}

// The same two keys the other way round are another root.
void adoption(const Example& example, Theme& out) {
  std::array<std::uint8_t, 16> nonce{};
  nonce.fill(7);
  const Statement genesis = make_genesis(example.on_paper, example.in_use, kNow, nonce);
  const RootFingerprint other = root_fingerprint(genesis.body);
  Adoption body;
  body.number = 1;
  body.adopter = example.root;
  body.previous = id_cast<StatementId>(example.root);
  body.adopted = other;
  body.adopted_previous = id_cast<StatementId>(other);
  body.place = example.province.agency;
  body.decided_at = kNow;
  body.note = "202/2025/QH15";
  const Statement statement = make_adoption(body, sign_adoption(example.root, example.in_use, body),
                                            sign_adoption(other, example.in_use, body));
  out.result("adopted.genesis.body", genesis.body);
  out.result("adopted.root", other);
  out.result("adoption.body", statement.body);
  out.result("adoption.hash", statement_hash(example.root, statement.body));
  out.result("adoption.adopted.hash", statement_hash(other, statement.body));
  out.result("adoption.id", statement_id(example.root, statement));
  out.result("adoption.statement", encode_statement(statement));
}

}  // namespace

void records(Theme& out) {
  const Example example;
  inputs(example, out);
  statements(example, out);
  updates(example, out);
  seals(example, out);
  states(example, out);
  adoption(example, out);
}

}  // namespace lienthong::vectors
