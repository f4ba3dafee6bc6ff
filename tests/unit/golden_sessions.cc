// Themes "handshakes", "enrolment" and "scans": conversations of two machines, replayed with the
// keys that they had: each side says what was recorded, and takes what the other said.
#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/enrolment.h"
#include "protocol/session/blob_lane.h"
#include "protocol/session/hello.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

constexpr std::size_t kPieceBytes = 300;  // of a chunk, so that one comes in several messages
constexpr UnixMillis kUntil = 1'680'912'000'000;  // 2023-04-08T00:00:00Z

template <std::size_t N>
std::array<std::uint8_t, N> filled(std::uint8_t byte) {
  std::array<std::uint8_t, N> out;
  out.fill(byte);
  return out;
}

template <std::size_t N>
std::array<std::uint8_t, N> array_of(const Item& item, std::string_view part) {
  ByteReader in(item[part]);
  return need(in.array<N>(), item);
}

NoiseHandshake::Config config_of(const Item& item, const Context& context, NoiseRole role) {
  const auto pattern = static_cast<NoisePattern>(item.number("pattern"));
  const std::string us = role == NoiseRole::kInitiator ? "initiator" : "responder";
  Bytes prologue{1, static_cast<std::uint8_t>(item.number("pattern"))};
  prologue.insert(prologue.end(), context.root().bytes.begin(), context.root().bytes.end());
  NoiseHandshake::Config out(pattern, role, prologue, DhKey(array_of<32>(item, us + "-static")),
                             DhKey(array_of<32>(item, us + "-ephemeral")));
  if (role == NoiseRole::kInitiator && pattern == NoisePattern::kIK)
    out.remote_static = DhKey(array_of<32>(item, "responder-static")).public_key();
  return out;
}

Hello hello_of(const World& world, const test::TestNode& node, const DhKey& ephemeral) {
  Hello hello;
  hello.features = 7;
  hello.session_number = 7;
  hello.speaker = speaker_name(world.root(), ephemeral.public_key(), node.certificate);
  hello.registry_check = registry_check(world.deployment.registry()->digest());
  hello.dictionary = 1;
  hello.program_version = "0.1.0";
  hello.cursors = {Cursor{}, Cursor{}};
  return hello;
}

Token token_of(const World& world) {
  Token token;
  token.addresses = {"10.20.0.1:7410", "[fd00::1]:7410"};
  token.parent_dh_key = world.d->dh_key.public_key();
  token.root = world.root();
  token.agency = world.other;
  token.invite = filled<8>(0x0a);
  token.secret = filled<32>(0x0b);
  token.expires_at = kUntil;
  return token;
}

EnrolmentGrant grant_of(const World& world) {
  const auto& all = world.deployment.statements();
  return {world.o->certificate,
          {all.begin(), all.begin() + static_cast<long>(world.statements_before)}};
}

void say_grant(const EnrolmentGrant& grant, const Item& item, const Context& context,
               const MachineKeys* machine, Item& out) {
  out.say("statements", grant.statements.size())
      .say("certificate-of", context.signer(grant.certificate));
  if (machine == nullptr) return;
  const GrantedNode node = need(check_grant(context.root(), *machine, grant), item);
  out.say("granted", context.agency(node.agency));
}

// What both say over the network until the machine has its certificate.
void read_conversation(const Item& item, const Context& context, Item& out) {
  const Token token = need(decode_token(as_text(item["token"])), item);
  const NodeKeys keys{SigningKey(array_of<32>(item, "newcomer-signing")),
                      DhKey(array_of<32>(item, "newcomer-dh"))};
  for (const char* part : {"token", "newcomer-signing", "newcomer-dh", "newcomer-ephemeral",
                           "parent-dh", "parent-ephemeral", "grant"})
    out.give(part, item[part]);
  EnrolmentChild child(token, keys, DhKey(array_of<32>(item, "newcomer-ephemeral")));
  EnrolmentParent parent(context.root(), DhKey(array_of<32>(item, "parent-dh")),
                         DhKey(array_of<32>(item, "parent-ephemeral")));
  // What was recorded is what the other side takes, whatever ours would say.
  const auto said = [&](const char* step, const Bytes& ours) {
    out.give(step, ours);
    return item.has(step) ? item[step] : ours;
  };
  need(parent.on_bytes(said("step-1", need(child.start(), item))), item);
  out.say("invitation", to_hex(parent.invite())).say("newcomer", parent.machine().node);
  EnrolmentParent refusing(parent);
  out.give("step-2-refused", need(refusing.refuse(EnrolmentRefusal::kExpired), item));
  const Bytes answer = said("step-2", need(parent.answer(token.secret, token.agency), item));
  need(parent.on_bytes(said("step-3", need(child.on_bytes(answer), item))), item);
  out.say("proved", parent.proved() ? "yes" : "no");
  need(parent.grant(item["grant"]), item);
  Bytes pieces;
  while (parent.need() == EnrolmentParent::Need::kSending) {
    const Bytes piece = need(parent.next_piece(), item);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  need(child.on_bytes(said("step-4", pieces)), item);
  out.say("complete", child.complete() ? "yes" : "no");
  const MachineKeys machine{keys.signing.public_key(), keys.dh.public_key()};
  say_grant(need(decode_grant(child.grant()), item), item, context, &machine, out);
  need(parent.on_bytes(said("step-5", need(child.stored(), item))), item);
  out.say("enrolled", parent.enrolled() ? "yes" : "no");
}

void read_token(const Item& item, const Context& context, Item& out) {
  const Token token = need(decode_token(as_text(item["token"])), item);
  out.give_text("token", encode_token(token)).say("text", as_text(item["token"]));
  for (const std::string& address : token.addresses) out.say("address", address);
  out.say("root", token.root).say("agency", context.agency(token.agency));
  out.say("expires", time_text(token.expires_at));
}

void read_request(const Item& item, const Context& context, Item& out) {
  const EnrolmentRequest request = need(parse_request(as_text(item["request"])), item);
  const Token token = need(decode_token(as_text(item["token"])), item);
  const NodeKeys keys{SigningKey(array_of<32>(item, "newcomer-signing")),
                      DhKey(array_of<32>(item, "newcomer-dh"))};
  for (const char* part : {"token", "newcomer-signing", "newcomer-dh"}) out.give(part, item[part]);
  out.give_text("request", render_request(token, keys));
  out.say("agency", context.agency(request.agency)).say("node", request.machine.node);
  const bool proved =
      request.proof == invite_proof(context.root(), token.secret, request.invite, request.machine);
  out.say("proof", proved ? "good" : "bad");
}

// ---- scans ----

// Byte i of a file is i modulo 251.
struct File {
  std::vector<Bytes> chunks;
  std::optional<ChunkTree> tree;
  File(const RootFingerprint& root, std::size_t size) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i % 251);
    ChunkHasher hasher(root);
    const auto keep = [&](std::uint32_t, ByteView bytes) { chunks.push_back(to_bytes(bytes)); };
    LT_CHECK(hasher.add(content, keep).ok());
    tree = *hasher.finish(keep);
  }
};

class Holder final : public BlobView {
 public:
  std::vector<const File*> files;
  BlobEnd may_read(const AgencyId&, const BlobId&, const RecordId&) const override {
    return BlobEnd::kSent;
  }
  std::optional<RecordId> asked_under(const AgencyId&, const BlobId&,
                                      const std::set<RecordId>& refused) const override {
    return refused.empty() ? std::optional(RecordId{filled<32>(0x31)}) : std::nullopt;
  }
  std::optional<std::uint64_t> held_size(const BlobId& id) const override {
    const File* file = find(id);
    return file == nullptr ? std::nullopt : std::optional(file->tree->size());
  }
  std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const override {
    const File* file = find(id);
    if (file == nullptr) return std::nullopt;
    return HeldChunk{file->tree->size(), file->chunks.at(index), file->tree->proof(index)};
  }

 private:
  const File* find(const BlobId& id) const {
    for (const File* file : files)
      if (file->tree->id() == id) return file;
    return nullptr;
  }
};

// By turns until nobody has anything to say; what was recorded is what the other takes.
class Exchange {
 public:
  Exchange(const Item& item, Item& out) : item_(item), out_(out) {}
  void run(BlobLane& asker, BlobLane& giver) {
    for (bool said = true; said;) {
      asker.on_tick();
      said = pass(asker, giver, "asker");
      said = pass(giver, asker, "giver") || said;
    }
  }

 private:
  bool pass(BlobLane& from, BlobLane& to, const std::string& who) {
    bool said = false;
    while (auto body = from.next_message(kPieceBytes)) {
      said = true;
      const std::string name = who + '-' + std::to_string(++number_);
      out_.give(name, *body).say("message", name + " of type " + std::to_string((*body)[0]));
      need(to.on_message(item_.has(name) ? item_[name] : *body), item_);
      for (const BlobAction& action : to.take_actions()) tell(action, to);
      to.on_tick();
    }
    return said;
  }
  void tell(const BlobAction& action, BlobLane& lane) {
    if (const auto* chunk = std::get_if<StoreChunk>(&action)) {
      out_.say("chunk", std::to_string(chunk->index) + " of " + blob_text(chunk->id) + ", " +
                            std::to_string(chunk->chunk.bytes.size()) + " bytes");
      lane.on_stored();
    } else if (const auto* ended = std::get_if<FetchEnded>(&action)) {
      out_.say("ended", to_string(ended->end));
    } else if (const auto* proof = std::get_if<PeerProved>(&action)) {
      out_.say("proved", proof->held ? "yes" : "no");
    } else if (const auto* holds = std::get_if<PeerHolds>(&action)) {
      out_.say("holds", blob_text(holds->id) + ' ' + std::to_string(holds->size));
    }
  }
  const Item& item_;
  Item& out_;
  std::size_t number_ = 0;
};

}  // namespace

void make_handshakes(const World& world, std::vector<Item>& out) {
  const DhKey ours(filled<32>(0x41)), theirs(filled<32>(0x42));
  const Bytes dialling = encode_hello(hello_of(world, *world.c, ours));
  const Bytes answering = encode_hello(hello_of(world, *world.d, theirs));
  for (const auto& [name, pattern] :
       {std::pair{"ik", NoisePattern::kIK}, std::pair{"xx", NoisePattern::kXX}}) {
    Item& item = out.emplace_back();
    item.name = name;
    item.give_number("pattern", static_cast<std::uint64_t>(pattern));
    item.give("initiator-static", world.c->dh_key.secret())
        .give("initiator-ephemeral", ours.secret());
    item.give("responder-static", world.d->dh_key.secret())
        .give("responder-ephemeral", theirs.secret());
    if (pattern == NoisePattern::kIK)
      item.give("payload-1", dialling).give("payload-2", answering);
    else
      item.give("payload-1", {}).give("payload-2", answering).give("payload-3", dialling);
  }
}

Item read_handshake(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  for (const auto& [name, bytes] : item.given)
    if (!name.starts_with("message-")) out.give(name, bytes);
  NoiseHandshake initiator(config_of(item, context, NoiseRole::kInitiator));
  NoiseHandshake responder(config_of(item, context, NoiseRole::kResponder));
  for (const std::string number : {"1", "2", "3"}) {
    if (!item.has("payload-" + number)) continue;
    NoiseHandshake& writer = initiator.my_turn() ? initiator : responder;
    NoiseHandshake& reader = initiator.my_turn() ? responder : initiator;
    const Bytes message = need(writer.write_message(item["payload-" + number]), item);
    out.give("message-" + number, message);
    const std::string name = "message-" + number;
    const Bytes payload = need(reader.read_message(item.has(name) ? item[name] : message), item);
    if (payload.empty()) continue;
    const Hello hello = need(decode_hello(payload), item);
    out.say("hello", "of session " + std::to_string(hello.session_number) + ", program " +
                         hello.program_version);
    const Speaker speaker{*reader.remote_static(), *reader.remote_ephemeral(), hello.speaker,
                          context.root()};
    const Judgement judged = judge(context.whole(), speaker, std::nullopt);
    out.say("speaker", judged.identity ? context.agency(judged.identity->agency)
                                       : std::string(to_string(judged.rejection.code)));
  }
  if (!initiator.finished() || !responder.finished())
    throw std::runtime_error(item.name + ": the handshake has not ended");
  out.say("handshake-hash", initiator.split().handshake_hash);
  return out;
}

void make_enrolment(const World& world, std::vector<Item>& out) {
  const std::string token = encode_token(token_of(world));
  out.emplace_back().give_text("token", token).name = "token";
  const NodeKeys keys{world.o->key, world.o->dh_key};
  Item& request = out.emplace_back();
  request.name = "request-by-hand";
  request.give_text("token", token).give("newcomer-signing", keys.signing.seed());
  request.give("newcomer-dh", keys.dh.secret());
  request.give_text("request", render_request(token_of(world), keys));
  CertificateFile file;
  file.root = world.root();
  file.parent_code = "H47.518";
  file.addresses = {"10.20.0.1:7410"};
  file.grant = grant_of(world);
  out.emplace_back().give_text("certificate", render_certificate_file(file)).name =
      "certificate-by-hand";
  out.emplace_back().give("grant", encode_grant(grant_of(world))).name = "grant";
  Item& talk = out.emplace_back();
  talk.name = "over-the-network";
  talk.give_text("token", token).give("newcomer-signing", keys.signing.seed());
  talk.give("newcomer-dh", keys.dh.secret()).give("newcomer-ephemeral", filled<32>(0x51));
  talk.give("parent-dh", world.d->dh_key.secret()).give("parent-ephemeral", filled<32>(0x52));
  talk.give("grant", encode_grant(grant_of(world)));
}

Item read_enrolment(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  if (item.has("newcomer-ephemeral")) {
    read_conversation(item, context, out);
  } else if (item.has("request")) {
    read_request(item, context, out);
  } else if (item.has("certificate")) {
    const auto file = need(parse_certificate_file(as_text(item["certificate"])), item);
    out.give_text("certificate", render_certificate_file(file));
    out.say("root", file.root).say("parent", file.parent_code);
    for (const std::string& address : file.addresses) out.say("address", address);
    say_grant(file.grant, item, context, nullptr, out);
  } else if (item.has("grant")) {
    const EnrolmentGrant grant = need(decode_grant(item["grant"]), item);
    out.give("grant", encode_grant(grant));
    say_grant(grant, item, context, nullptr, out);
  } else {
    read_token(item, context, out);
  }
  return out;
}

// The files are long and follow from their sizes, so these stand here and not their bytes.
void make_scans(const World&, std::vector<Item>& out) {
  for (const std::uint64_t size : {1000ULL, 70'000ULL, 150'000ULL, 300'000ULL})
    out.emplace_back().give_number("size", size).name = "file-" + std::to_string(size);
  for (const char* name : {"fetch", "missing", "prove", "have"})
    out.emplace_back().give_number("small", 500).give_number("large", 68'000).name = name;
}

Item read_scan(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  const RootFingerprint& root = context.root();
  if (item.has("size")) {
    const std::uint64_t size = item.number("size");
    const File file(root, size);
    out.give_number("size", size).say("digest", blob_text(file.tree->id()));
    for (std::uint32_t i = 0; i < file.tree->count(); ++i) {
      const auto proof = file.tree->proof(i);
      const bool good = verify_chunk(root, file.tree->id(), size, i, file.chunks[i], proof).ok();
      out.say("chunk", std::to_string(i) + ' ' + chunk_hash(root, file.chunks[i]).hex() + ", " +
                           std::to_string(proof.size()) + " hashes, " + (good ? "good" : "bad"));
    }
    return out;
  }
  const File small(root, item.number("small")), large(root, item.number("large"));
  out.give_number("small", small.tree->size()).give_number("large", large.tree->size());
  Holder giver_files, asker_files;
  giver_files.files = {&small, &large};
  asker_files.files = {&small};
  const NodeId one{filled<32>(0x61)}, two{filled<32>(0x62)};
  BlobLane giver(giver_files, root, {AgencyId{filled<32>(0x71)}, one, two});
  BlobLane asker(asker_files, root, {AgencyId{filled<32>(0x72)}, two, one});
  if (item.name == "fetch") asker.fetch(large.tree->id(), {{1, 1}});
  if (item.name == "missing") asker.fetch(BlobId{filled<32>(0x77)}, {{0, 2}, {5, 1}});
  if (item.name == "prove")
    LT_CHECK(asker.prove(small.tree->id(), RecordId{filled<32>(0x31)}, filled<16>(0x31)));
  if (item.name == "have") asker.announce(small.tree->id(), small.tree->size());
  Exchange(item, out).run(asker, giver);
  return out;
}

}  // namespace lienthong::golden
