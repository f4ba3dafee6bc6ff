// Holds docs/protocol.md and its pages to the code: test vectors, limits, tags, fields, and the
// names of the tests that they say hold a rule.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "protocol/base/limits.h"
#include "protocol/blob/chunk_tree.h"
#include "protocol/crypto/hash.h"
#include "protocol/enrolment/token.h"
#include "protocol/record/codec.h"
#include "protocol/record/fields.h"
#include "protocol/record/fold.h"
#include "protocol/record/registry.h"
#include "protocol/session/hello.h"
#include "protocol/session/window.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"

namespace lienthong {
namespace {

using Vectors = std::map<std::string, std::string>;

constexpr UnixMillis kNow = 1'680'307'200'000;  // 2023-04-01T00:00:00Z

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The front page and the pages, by name.
std::string protocol_document() {
  const auto docs = std::filesystem::path(LT_SOURCE_DIR) / "docs";
  std::set<std::filesystem::path> pages;
  for (const auto& entry : std::filesystem::directory_iterator(docs / "protocol"))
    if (entry.path().extension() == ".md") pages.insert(entry.path());
  std::string out = read_text(docs / "protocol.md");
  for (const auto& page : pages) out += read_text(page);
  return out;
}

std::string protocol_page(const char* name) {
  return read_text(std::filesystem::path(LT_SOURCE_DIR) / "docs" / "protocol" / name);
}

Seed seed_of(std::uint8_t byte) {
  Seed seed;
  seed.fill(byte);
  return seed;
}

std::array<std::uint8_t, 16> sixteen(std::uint8_t byte) {
  std::array<std::uint8_t, 16> out;
  out.fill(byte);
  return out;
}

// The deployment of "Test vectors": one agency, one node, one record of two updates.
class Example {
 public:
  Example() {
    init_crypto();
    const Statement genesis = make_genesis(in_use_, on_paper_, kNow, sixteen(3));
    root_ = root_fingerprint(genesis.body);
    AgencyDeclaration declaration;
    declaration.code = "H47";
    declaration.name = "Quảng Nam";
    declaration.tier = "province";
    declaration.declared_at = kNow;
    declaration.nonce = to_bytes(sixteen(4));
    const Statement agency = sign_by_root(root_, in_use_, StatementBody(declaration));
    agency_ = id_cast<AgencyId>(statement_id(root_, agency));
    Certificate body;
    body.agency = agency_;
    body.node = node_.public_key();
    body.dh_key = DhKey(seed_of(6)).public_key();
    body.may_issue = true;
    body.renew_by = kNow + 730LL * 24 * 3600 * 1000;
    body.issued_at = kNow;
    const Statement certificate = sign_by_root(root_, in_use_, StatementBody(body));
    certificate_ = id_cast<CertificateId>(statement_id(root_, certificate));
    statements_ = {genesis, agency, certificate};
    first_ = make_first();
    second_ = make_second();
    const std::array<Hash256, 2> leaves{id_cast<Hash256>(first_id()),
                                        id_cast<Hash256>(second_id())};
    seal_ = make_seal(root_, node_, certificate_, 0x1122334455667789, 1, SealId{}, leaves);
  }

  UpdateId first_id() const { return update_id(root_, first_); }
  UpdateId second_id() const { return update_id(root_, second_); }
  Salt salt() const { return sixteen(7); }

  FeedPart part() const {
    FeedPart part;
    part.epoch = 0x0102030405060708;
    part.covered = {
        {1, 2,
         next_feed_hash(root_, next_feed_hash(root_, 0, first_id().view()), second_id().view())}};
    part.units.push_back(SealedUnit{seal_, {SealedLeaf{0, first_}, SealedLeaf{1, second_}}, {}});
    return part;
  }

  Cursor cursor() const {
    Cursor cursor;
    cursor.mark = FeedMark{0x0102030405060708, 2, part().covered[0].hash};
    cursor.ranges = {CursorRange{5, 9, 0x1111111111111111}};
    return cursor;
  }

  RecordState state() const {
    const auto registry =
        *Registry::create(root_, statements_[0])->with(std::span(statements_).subspan(1));
    return fold(std::array{graph(first_, first_id()), graph(second_, second_id())}, *registry);
  }

  SigningKey in_use_{seed_of(1)}, on_paper_{seed_of(2)}, node_{seed_of(5)};
  RootFingerprint root_;
  AgencyId agency_;
  CertificateId certificate_;
  std::vector<Statement> statements_;
  Update first_, second_;
  Seal seal_;

 private:
  Update make_first() const {
    OpenBody open;
    open.kind = UpdateKind::kCreated;
    open.record_kind = RecordKind::kDossier;
    open.writes = {{1, std::string("H47-230401-0001")}, {12, std::int64_t{2}}};
    open.closed_fields = {0x4001};
    ClosedBody closed;
    closed.salt = to_bytes(salt());
    closed.writes = {{0x4001, std::string("Nguyễn Văn A")}};
    Update update;
    update.envelope.certificate = certificate_;
    update.envelope.hlc = Hlc::at(kNow + 1000);
    update.open = wire::encode(open);
    update.closed = wire::encode(closed);
    update.closed_hash =
        closed_part_hash(root_, salt(), encode_envelope(update.envelope), update.closed);
    return update;
  }

  Update make_second() const {
    OpenBody open;
    open.kind = UpdateKind::kNote;
    open.action = "forward";
    Update update;
    update.envelope.record = id_cast<RecordId>(first_id());
    update.envelope.certificate = certificate_;
    update.envelope.hlc = Hlc::at(kNow + 2000);
    update.envelope.deps = {first_id()};
    update.envelope.link = first_id();
    update.open = wire::encode(open);
    return update;
  }

  GraphUpdate graph(const Update& update, const UpdateId& id) const {
    GraphUpdate out;
    out.id = id;
    out.envelope = update.envelope;
    out.open = *wire::decode_open(update.open);
    out.agency = agency_;
    out.node = node_.public_key();
    return out;
  }
};

void add_statements(const Example& example, Vectors& out) {
  out["genesis.body"] = to_hex(example.statements_[0].body);
  out["root"] = example.root_.hex();
  const char* const names[] = {"", "agency", "certificate"};
  for (std::size_t i = 1; i < 3; ++i) {
    const Statement& statement = example.statements_[i];
    const std::string name = names[i];
    out[name + ".body"] = to_hex(statement.body);
    out[name + ".hash"] = statement_hash(example.root_, statement.body).hex();
    out[name + ".signature"] = to_hex(std::get<RootSignature>(statement.authority).signature);
    out[name + ".id"] = statement_id(example.root_, statement).hex();
  }
  const auto registry = Registry::create(example.root_, example.statements_[0])
                            ->with(std::span(example.statements_).subspan(1));
  out["registry.digest"] = (*registry)->digest().hex();
}

void add_updates(const Example& example, Vectors& out) {
  out["first.envelope"] = to_hex(encode_envelope(example.first_.envelope));
  out["first.open"] = to_hex(example.first_.open);
  out["first.open.hash"] = hash(kTagOpen, example.root_, ByteView(example.first_.open)).hex();
  out["first.closed"] = to_hex(example.first_.closed);
  out["first.closed.hash"] = example.first_.closed_hash.hex();
  out["first.id"] = example.first_id().hex();
  out["second.envelope"] = to_hex(encode_envelope(example.second_.envelope));
  out["second.open"] = to_hex(example.second_.open);
  out["second.id"] = example.second_id().hex();
}

void add_seal(const Example& example, Vectors& out) {
  Hash256 third;
  third.bytes.fill(9);
  const std::array<Hash256, 3> leaves{id_cast<Hash256>(example.first_id()),
                                      id_cast<Hash256>(example.second_id()), third};
  for (std::size_t i = 0; i < leaves.size(); ++i)
    out["leaf." + std::to_string(i)] = hash(kTagLeaf, example.root_, leaves[i]).hex();
  out["node.0-2"] = merkle_root(example.root_, std::span(leaves).first(2)).hex();
  out["root.0-3"] = merkle_root(example.root_, leaves).hex();
  out["seal"] = to_hex(encode_seal(example.seal_));
  out["seal.id"] = seal_id(example.root_, example.seal_).hex();
}

void add_wire(const Example& example, Vectors& out) {
  ByteWriter cursor;
  encode_cursor(cursor, example.cursor());
  ByteWriter hashes;
  hashes.u64(next_feed_hash(example.root_, 0, example.first_id().view()));
  hashes.u64(example.part().covered[0].hash);
  out["feed.hashes"] = to_hex(hashes.bytes());
  out["cursor"] = to_hex(cursor.bytes());
  Hello hello;
  hello.session_number = 7;
  hello.registry_check = 0x01020304;
  hello.dictionary = 1;
  hello.program_version = "0.1.0";
  hello.cursors = {Cursor{}, example.cursor()};
  out["hello"] = to_hex(encode_hello(hello));
  const auto message = [&](const wire::Message& value) {
    return to_hex(wire::encode_message(value));
  };
  const FeedPart whole = example.part();
  const wire::PartMessage part{
      FeedKind::kUpdates,
      {whole.epoch, whole.covered, wire::encode_part_body(example.root_, whole)}};
  out["message.begin"] = message(wire::BeginMessage{FeedKind::kUpdates, 0x0102030405060708, 3});
  out["message.part"] = message(part);
  out["message.cursor"] = message(wire::CursorMessage{FeedKind::kUpdates, example.cursor()});
  out["message.ack"] = message(wire::AckMessage{FeedKind::kUpdates, 1, 2, {CursorRange{5, 9, 0}}});
  out["message.unclear"] =
      message(wire::UnclearMessage{FeedKind::kUpdates, 1, {CursorRange{5, 9, 7}}});
  out["message.level"] = message(wire::LevelMessage{3});
  out["message.lanes"] = message(wire::LanesMessage{0x1e, 0, "disk full"});
  out["message.end"] = message(wire::EndMessage{FeedKind::kUpdates, 300});
  out["message.refused"] = message(wire::RefusedMessage{{example.first_id()}, "no"});
  out["message.ping"] = message(wire::PingMessage{7});
  out["message.close"] = message(wire::CloseMessage{10, "late"});
  const Bytes ping = wire::encode_message(wire::PingMessage{7});
  out["plaintext.ping"] = to_hex(
      wire::split_message(wire::Packed{wire::Lane::kControl, wire::Packing::kPlain, ping})[0]);
  Token token;
  token.addresses = {"10.20.0.1:7410"};
  token.parent_dh_key = DhKey(seed_of(6)).public_key();
  token.root = example.root_;
  token.invite.fill(0x0a);
  token.secret.fill(0x0b);
  token.expires_at = kNow;
  out["token"] = encode_token(token);
}

// Files whose byte i is i modulo 251.
void add_files(const Example& example, Vectors& out) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{150'000}}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i % 251);
    ChunkHasher hasher(example.root_);
    const auto ignore = [](std::uint32_t, ByteView) {};
    LT_CHECK(hasher.add(content, ignore).ok());
    const ChunkTree tree = *hasher.finish(ignore);
    const std::string name = "file." + std::to_string(size);
    out[name + ".id"] = tree.id().hex();
    ByteWriter proof;
    for (const Hash256& hash : tree.proof(tree.count() - 1)) proof.raw(hash.view());
    if (tree.count() > 1) out[name + ".proof.last"] = to_hex(proof.bytes());
  }
}

Vectors computed() {
  const Example example;
  Vectors out;
  add_statements(example, out);
  add_updates(example, out);
  add_seal(example, out);
  out["state"] = to_hex(encode_state(example.state()));
  out["state.digest"] = state_digest(example.root_, example.state()).hex();
  add_wire(example, out);
  add_files(example, out);
  return out;
}

// The fenced block "vectors": "name =", then its value on indented lines.
Vectors printed() {
  Vectors out;
  std::istringstream in(protocol_document());
  std::string line, name;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line.starts_with("```")) {
      inside = line == "```vectors";
    } else if (inside && line.ends_with(" =")) {
      name = line.substr(0, line.size() - 2);
      out[name];
    } else if (inside && line.starts_with("  ")) {
      out[name] += line.substr(2);
    }
  }
  return out;
}

TEST(ProtocolDocument, PrintsTheVectorsThatTheCodeGives) {
  const Vectors expected = computed();
  const Vectors found = printed();
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_EQ(found.at(name), value) << name;
  }
  EXPECT_EQ(found.size(), expected.size());
}

TEST(ProtocolDocument, ListsTheLimitsOfTheCode) {
  const std::map<std::string, std::uint64_t> expected{
      {"kOpenBytesMax", kOpenBytesMax},
      {"kClosedBytesMax", kClosedBytesMax},
      {"kParentCountMax", kParentCountMax},
      {"kSealUpdateCountMax", kSealUpdateCountMax},
      {"kStatementBytesMax", kStatementBytesMax},
      {"kAncestorCountMax", kAncestorCountMax},
      {"kReferenceCountMax", kReferenceCountMax},
      {"kTextBytesMax", kTextBytesMax},
      {"kChainDepthMax", kChainDepthMax},
      {"kTraversalWordsMax", kTraversalWordsMax},
      {"kNestingDepthMax", kNestingDepthMax},
      {"kAgencyDepthMax", kAgencyDepthMax},
      {"kAgencyCodeBytesMax", kAgencyCodeBytesMax},
      {"kAgencyNameBytesMax", kAgencyNameBytesMax},
      {"kPenEntryCountMax", kPenEntryCountMax},
      {"kChunkBytes", kChunkBytes},
      {"kBlobBytesMax", kBlobBytesMax},
      {"kBlobProofCountMax", kBlobProofCountMax},
      {"kBlobRangeCountMax", kBlobRangeCountMax},
      {"kBlobWantCountMax", kBlobWantCountMax},
      {"kBlobWindowChunks", kBlobWindowChunks},
      {"kBlobPieceBytesMax", kBlobPieceBytesMax},
      {"kBundleRecipientCountMax", kBundleRecipientCountMax},
      {"kPenShareCountMax", kPenShareCountMax},
      {"kWaitingStatementCountMax", kWaitingStatementCountMax},
      {"lienthong::kRefusedCountMax", kRefusedCountMax},
      {"kFrameBytesMax", kFrameBytesMax},
      {"kMessageBytesMax", kMessageBytesMax},
      {"kInflateRatioMax", kInflateRatioMax},
      {"kHelloBytesMax", kHelloBytesMax},
      {"kCursorRangeCountMax", kCursorRangeCountMax},
      {"kProgramVersionBytesMax", kProgramVersionBytesMax},
      {"wire::kRefusedCountMax", wire::kRefusedCountMax},
      {"kCredentialCountMax", wire::kCredentialCountMax},
      {"kReasonBytesMax", wire::kReasonBytesMax},
      {"kPartUpdateCountMax", kPartUpdateCountMax},
      {"kPartColumnCountMax", kPartColumnCountMax},
      {"kPartRebuiltBytesMax", kPartRebuiltBytesMax},
      {"kIntakeBytesMax", kIntakeBytesMax},
      {"kSessionWindowMax", kSessionWindowMax},
      {"kSessionWindowMin", kSessionWindowMin},
      {"kCustodyWindow", kCustodyWindow},
      {"kControlWindow", kControlWindow},
      {"kHealEntryCountMin", kHealEntryCountMin},
      {"kHealSymbolCountMin", kHealSymbolCountMin},
      {"kHealSymbolCountMax", kHealSymbolCountMax},
      {"kHealWantCountMax", kHealWantCountMax},
  };
  const std::string text = protocol_page("limits.md");
  const std::regex row(R"(\| `(\S*k[A-Z]\w+)` \| (\d+) \|)");
  std::map<std::string, std::uint64_t> found;
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
    found[(*at)[1]] = std::stoull((*at)[2]);
  EXPECT_EQ(found, expected);
}

// Those of hash.h: what a table leaves out nobody else can compute.
TEST(ProtocolDocument, ListsTheTagsOfTheCode) {
  const auto found_in = [](const std::string& text, const std::regex& pattern) {
    std::set<std::string> out;
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
      out.insert((*at)[1]);
    return out;
  };
  const auto header = std::filesystem::path(LT_SOURCE_DIR) / "protocol" / "crypto" / "hash.h";
  const auto code = found_in(read_text(header), std::regex("= \"(lienthong/1 [a-z ]+)\""));
  EXPECT_TRUE(code.contains(std::string(kTagHeal)));
  EXPECT_EQ(found_in(protocol_page("notation.md"), std::regex(R"(\| `(lienthong/1 [a-z ]+)` \|)")),
            code);
}

// Number, name and, as far as the page says it in a word, type.
TEST(ProtocolDocument, ListsTheFieldsOfTheCode) {
  const auto type = [](FieldType of) -> std::string {
    switch (of) {
      case FieldType::kText: return "text";
      case FieldType::kInstant: return "time";
      case FieldType::kInteger:
      case FieldType::kStatus:
      case FieldType::kChannel: return "integer";
      case FieldType::kAgency: return "data: agency id";
      case FieldType::kComponents: return "data: canonical ComponentList";
      case FieldType::kFees: return "data: canonical FeeList";
      case FieldType::kRecord: return "data: record id";
      case FieldType::kJson: return "text: JSON";
    }
    return "";
  };
  std::map<unsigned long, std::pair<std::string, std::string>> expected, found;
  for (const FieldInfo& info : all_fields())
    expected[static_cast<unsigned long>(info.field)] = {std::string(info.json), type(info.type)};
  const std::string text = protocol_page("bodies.md");
  const std::string table = text.substr(text.find("\n## Fields\n"));
  const std::regex row(R"(\n\| (\d+|0x[0-9a-f]+) \| (\S+) \| ([^|]+) \|)");
  for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at) {
    std::string named = (*at)[3];
    if (named.starts_with("integer")) named = "integer";
    found[std::stoul((*at)[1], nullptr, 0)] = {(*at)[2], named};
  }
  EXPECT_EQ(found, expected);
}

// A name in backquotes of the form Suite.Name is a test's.
TEST(ProtocolDocument, NamesOnlyTestsThatExist) {
  std::set<std::string> tests;
  const std::regex macro(R"((?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\((\w+), (\w+)[,)])");
  const auto folder = std::filesystem::path(LT_SOURCE_DIR) / "tests";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".cc") continue;
    const std::string text = read_text(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), macro), end; at != end; ++at)
      tests.insert((*at)[1].str() + "." + (*at)[2].str());
  }
  ASSERT_FALSE(tests.empty());
  std::string text;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder.parent_path() / "docs"))
    if (entry.path().extension() == ".md") text += read_text(entry.path());
  const std::regex name(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  std::size_t count = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at, ++count)
    EXPECT_TRUE(tests.contains((*at)[1])) << (*at)[1];
  EXPECT_GT(count, 50U);
}

}  // namespace
}  // namespace lienthong
