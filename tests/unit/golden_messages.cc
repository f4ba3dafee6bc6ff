// Themes "messages" and "healing": what is said in a session, and how it is cut into frames.
#include "protocol/session/hello.h"
#include "protocol/sync/healing_wire.h"
#include "protocol/wire/fragment.h"
#include "protocol/wire/message.h"
#include "protocol/wire/part.h"
#include "tests/unit/golden_themes.h"

namespace lienthong::golden {
namespace {

constexpr std::uint64_t kEpoch = 0x0102030405060708;

Cursor some_cursor() {
  Cursor cursor;
  cursor.mark = FeedMark{kEpoch, 2, 0x9900112233445566};
  cursor.ranges = {CursorRange{5, 9, 0x1111111111111111}, CursorRange{20, 20, 0x2222222222222222}};
  return cursor;
}

std::string feed_text(FeedKind kind) {
  return kind == FeedKind::kRegistry ? "registry" : "updates";
}

std::string ranges_text(const std::vector<CursorRange>& ranges) {
  std::vector<std::string> out;
  for (const CursorRange& range : ranges)
    out.push_back(std::to_string(range.first) + '-' + std::to_string(range.last) + " hash " +
                  std::to_string(range.hash));
  return list_of(out);
}

std::string cursor_text(const Cursor& cursor) {
  return "epoch " + std::to_string(cursor.mark.epoch) + " number " +
         std::to_string(cursor.mark.number) + " hash " + std::to_string(cursor.mark.hash) +
         ", beyond it " + ranges_text(cursor.ranges);
}

class Telling {
 public:
  explicit Telling(Item& out) : out_(out) {}
  void operator()(const wire::PartMessage& m) {
    feed(m.kind).say("epoch", m.part.epoch).say("places", ranges_text(m.part.covered));
    out_.say("body", std::to_string(m.part.body.size()) + " bytes")
        .say("end", m.end ? "yes" : "no");
  }
  void operator()(const wire::CursorMessage& m) {
    feed(m.kind).say("cursor", cursor_text(m.cursor));
  }
  void operator()(const wire::AckMessage& m) {
    feed(m.kind).say("beginning", std::uint64_t{m.serial}).say("number", m.number);
    out_.say("places", ranges_text(m.ranges));
  }
  void operator()(const wire::EndMessage& m) { feed(m.kind).say("number", m.number); }
  void operator()(const wire::LevelMessage& m) { out_.say("feeds", std::uint64_t{m.feeds}); }
  void operator()(const wire::LanesMessage& m) {
    out_.say("closed", std::uint64_t{m.closed}).say("again", std::uint64_t{m.again});
    out_.say("reason", m.reason);
  }
  void operator()(const wire::BeginMessage& m) {
    feed(m.kind).say("epoch", m.epoch).say("first", m.first);
  }
  void operator()(const wire::RefusedMessage& m) {
    for (const UpdateId& id : m.ids) out_.say("refused", id);
    out_.say("reason", m.reason);
  }
  void operator()(const wire::PingMessage& m) { out_.say("token", m.token); }
  void operator()(const wire::PongMessage& m) { out_.say("token", m.token); }
  void operator()(const wire::CredentialsMessage& m) {
    for (const Statement& statement : m.statements)
      out_.say("statement", std::to_string(statement.body.size()) + " bytes of body");
  }
  void operator()(const wire::CloseMessage& m) {
    out_.say("code", std::uint64_t{m.code}).say("text", m.text);
  }
  void operator()(const wire::UnclearMessage& m) {
    feed(m.kind).say("beginning", std::uint64_t{m.serial}).say("places", ranges_text(m.covered));
  }
  void operator()(const wire::HealMessage& m) { out_.say("body", to_hex(m.body)); }
  void operator()(const wire::BlobMessage& m) { out_.say("body", to_hex(m.body)); }
  void operator()(const wire::OptionalMessage&) { out_.say("passed-over", "yes"); }
  template <class Message>
  void operator()(const Message&) {}  // nobody has taught this its fields yet

 private:
  Item& feed(FeedKind kind) { return out_.say("feed", feed_text(kind)); }
  Item& out_;
};

std::vector<std::pair<std::string, wire::Message>> messages_of(const World& world) {
  FeedPart part;
  part.units = {world.seals[1].unit};
  wire::PartMessage bears{
      FeedKind::kUpdates,
      {kEpoch, {{1, 1, 0x77}, {4, 4, 0x88}}, wire::encode_part_body(world.root(), part)}};
  wire::PartMessage last = bears;
  last.end = true;
  wire::CredentialsMessage credentials;
  const auto& statements = world.deployment.statements();
  credentials.statements.assign(statements.begin() + 1, statements.begin() + 3);
  const Bytes heal = heal::encode_body({FeedKind::kUpdates, 5, heal::Stop{}});
  return {{"part", bears},
          {"part-end", last},
          {"cursor", wire::CursorMessage{FeedKind::kUpdates, some_cursor()}},
          {"end", wire::EndMessage{FeedKind::kRegistry, 300}},
          {"refused", wire::RefusedMessage{{world.updates[0].id}, "bad-hash: closed part"}},
          {"ping", wire::PingMessage{7}},
          {"pong", wire::PongMessage{7}},
          {"credentials", credentials},
          {"close", wire::CloseMessage{10, "nothing heard"}},
          {"begin", wire::BeginMessage{FeedKind::kUpdates, kEpoch, 3}},
          {"unclear", wire::UnclearMessage{FeedKind::kUpdates, 1, {CursorRange{5, 9, 7}}}},
          {"level", wire::LevelMessage{3}},
          {"ack", wire::AckMessage{FeedKind::kUpdates, 1, 2, {CursorRange{5, 9, 0}}}},
          {"lanes", wire::LanesMessage{0x1e, 2, "disk full"}},
          {"heal", wire::HealMessage{heal}},
          {"blob", wire::BlobMessage{Bytes{4, 1, 0}}},
          {"optional", wire::OptionalMessage{}}};
}

void make_hellos(const World& world, std::vector<Item>& out) {
  const auto hello = [&](const char* name, const Hello& value) {
    out.emplace_back().give("hello", encode_hello(value)).name = name;
  };
  Hello plain;
  plain.session_number = 7;
  plain.speaker = speaker_name(world.root(), world.d->dh_key.public_key(), world.c->certificate);
  plain.registry_check = 0x01020304;
  plain.dictionary = 1;
  plain.program_version = "0.1.0";
  plain.cursors = {Cursor{}, some_cursor()};
  hello("hello", plain);
  Hello full = plain;
  full.features = 7;
  full.credentials_wanted = full.history_waits = true;
  full.level = 3;
  full.window_bytes = 262'144;
  ByteWriter early;
  early.u8(0);  // as they are
  early.sized(wire::encode_message(wire::BeginMessage{FeedKind::kUpdates, kEpoch, 1}));
  early.sized(wire::encode_message(wire::EndMessage{FeedKind::kUpdates, 0}));
  full.early = early.take();
  hello("hello-early", full);
  Hello refusal;
  refusal.replayed = true;
  refusal.session_number = 300;
  hello("hello-replayed", refusal);
}

void read_hello(const Item& item, Item& out) {
  const Hello hello = need(decode_hello(item["hello"]), item);
  out.give("hello", encode_hello(hello));
  out.say("versions",
          std::to_string(hello.version_lowest) + '-' + std::to_string(hello.version_highest));
  out.say("features", hello.features).say("session-number", hello.session_number);
  out.say("speaker", std::uint64_t{hello.speaker});
  out.say("registry-check", std::uint64_t{hello.registry_check});
  out.say("dictionary", hello.dictionary).say("program", hello.program_version);
  out.say("flags", list_of({hello.credentials_wanted ? "credentials wanted" : "knows us",
                            hello.replayed ? "replayed" : "fresh",
                            hello.history_waits ? "history waits" : "all lanes"}));
  out.say("level", std::uint64_t{hello.level}).say("window", hello.window_bytes);
  if (hello.cursors)
    for (const Cursor& cursor : *hello.cursors) out.say("cursor", cursor_text(cursor));
  out.say("early", to_hex(hello.early));
}

// A message in pieces, as they travel inside the frames.
void make_frames(const World&, std::vector<Item>& out) {
  const Bytes ping = wire::encode_message(wire::PingMessage{7});
  const auto frames = [&](const std::string& name, const wire::Packed& packed, std::size_t size) {
    Item& item = out.emplace_back();
    item.name = name;
    std::size_t number = 0;
    for (const Bytes& piece : wire::split_message(packed, size))
      item.give("piece." + std::to_string(number++), piece);
  };
  frames("frames-plain", {wire::Lane::kControl, wire::Packing::kPlain, ping}, 64);
  frames("frames-alone", {wire::Lane::kCustody, wire::Packing::kAlone, Bytes(40, 1)}, 17);
  frames("frames-stream", {wire::Lane::kHistory, wire::Packing::kStream, Bytes(40, 2)}, 17);
  frames("frames-stream-begins", {wire::Lane::kUpdates, wire::Packing::kStreamBegin, Bytes(16, 3)},
         64);
  frames("frames-scan", {wire::Lane::kBlobs, wire::Packing::kPlain, Bytes(16, 4)}, 64);
}

void read_frames(const Item& item, Item& out) {
  wire::Assembler assembler;
  std::optional<wire::Packed> whole;
  for (const auto& [name, piece] : item.given) whole = need(assembler.add(piece), item);
  if (!whole) throw std::runtime_error(item.name + ": no message");
  std::size_t number = 0;
  for (const Bytes& piece : wire::split_message(
           *whole, item.given.front().second.size() > 17 ? wire::kPlaintextBytesMax : 17))
    out.give("piece." + std::to_string(number++), piece);
  out.say("lane", std::to_string(static_cast<unsigned>(whole->lane)));
  out.say("packing", std::to_string(static_cast<unsigned>(whole->packing)));
  out.say("message", to_hex(whole->bytes));
}

const char* content_text(const heal::Content& content) {
  static constexpr const char* kNames[] = {"ask",  "equal",   "busy", "differ", "symbols",
                                           "more", "want",    "part", "stored", "done",
                                           "stop", "unclear", "again"};
  return content.index() < std::size(kNames) ? kNames[content.index()] : "new";
}

// 40 ids on both sides, three and two on one alone.
std::vector<IdPrefix> ids_with(std::uint8_t begin, std::uint8_t extra) {
  std::vector<IdPrefix> out;
  for (std::uint8_t i = 0; i < 40 + extra; ++i) {
    IdPrefix id{};
    id[0] = i < 40 ? i : static_cast<std::uint8_t>(begin + i);
    id[15] = static_cast<std::uint8_t>(3 * i + 1);
    out.push_back(id);
  }
  return out;
}

std::vector<CodedSymbol> symbols_of(const SymbolKey& key, ByteView ids) {
  Sketch sketch(key, 24);
  for (; ids.size() >= 16; ids = ids.subspan(16)) {
    const ShortId id = key.short_id(ids.first(16));
    sketch.add(std::span(&id, 1));
  }
  return {sketch.symbols().begin(), sketch.symbols().end()};
}

Bytes encoded(const std::vector<CodedSymbol>& symbols, const SymbolKey& key) {
  ByteWriter out;
  encode_symbols(out, symbols, key.id_bytes());
  return out.take();
}

void read_symbols(const Item& item, const Context& context, Item& out) {
  const Bytes &asker = item["asker-ids"], &answerer = item["answerer-ids"];
  const SymbolKey key(context.root(), 11, 22, asker.size() / 16);
  const auto ours = symbols_of(key, asker), theirs = symbols_of(key, answerer);
  out.give("asker-ids", asker).give("answerer-ids", answerer);
  out.give("asker-symbols", encoded(ours, key)).give("answerer-symbols", encoded(theirs, key));
  const auto difference = peel(key, subtract(theirs, ours));
  if (!difference) throw std::runtime_error("the symbols give no difference");
  const auto say = [&](const char* name, std::vector<ShortId> ids) {
    std::ranges::sort(ids);
    for (const ShortId id : ids) out.say(name, id);
  };
  say("only-asker", difference->ours);
  say("only-answerer", difference->theirs);
}

}  // namespace

void make_messages(const World& world, std::vector<Item>& out) {
  for (const auto& [name, message] : messages_of(world))
    out.emplace_back().give("message", wire::encode_message(message)).name = name;
  make_hellos(world, out);
  make_frames(world, out);
}

Item read_message(const Item& item, const Context&) {
  Item out;
  out.name = item.name;
  if (item.has("hello")) {
    read_hello(item, out);
  } else if (item.has("piece.0")) {
    read_frames(item, out);
  } else {
    const Bytes& bytes = item["message"];
    const wire::Message message = need(wire::decode_message(bytes), item);
    out.give("message", wire::encode_message(message));
    out.say("type", std::uint64_t{bytes[0]});
    std::visit(Telling(out), message);
  }
  return out;
}

void make_healing(const World& world, std::vector<Item>& out) {
  IdPrefix sum{};
  sum.fill(0x33);
  FeedPart part;
  part.units = {world.seals[2].unit};
  const Bytes body = wire::encode_part_body(world.root(), part);
  const auto asker = ids_with(100, 3), answerer = ids_with(150, 2);
  ByteWriter asker_ids, answerer_ids;
  for (const IdPrefix& id : asker) asker_ids.raw(id);
  for (const IdPrefix& id : answerer) answerer_ids.raw(id);
  const SymbolKey key(world.root(), 11, 22, asker.size());
  const Bytes symbols = encoded(symbols_of(key, answerer_ids.bytes()), key);
  const std::vector<heal::Content> contents{heal::Ask{true, true, 1000, sum, kEpoch},
                                            heal::Equal{false, true, 1000},
                                            heal::Busy{},
                                            heal::Differ{true, 1000, sum, kEpoch, 64},
                                            heal::Symbols{0, 24, symbols},
                                            heal::More{300},
                                            heal::Want{false, 20, {5, 6, 100, 0xfffff}},
                                            heal::Part{body},
                                            heal::Stored{2},
                                            heal::Done{{kEpoch, 300, 0x99}},
                                            heal::Stop{},
                                            heal::Unclear{},
                                            heal::Again{true, body}};
  for (const heal::Content& content : contents)
    out.emplace_back().give("body", heal::encode_body({FeedKind::kUpdates, 5, content})).name =
        content_text(content);
  Item& item = out.emplace_back();
  item.name = "symbols-of-two";
  item.give("asker-ids", asker_ids.bytes()).give("answerer-ids", answerer_ids.bytes());
}

Item read_healing(const Item& item, const Context& context) {
  Item out;
  out.name = item.name;
  if (item.has("asker-ids")) {
    read_symbols(item, context, out);
    return out;
  }
  const Bytes& bytes = item["body"];
  const heal::Body body = need(heal::decode_body(bytes), item);
  out.give("body", heal::encode_body(body));
  out.say("content", content_text(body.content)).say("feed", feed_text(body.kind));
  out.say("run", std::uint64_t{body.run}).say("index", std::uint64_t{body.content.index()});
  if (const auto* ask = std::get_if<heal::Ask>(&body.content))
    out.say("count", ask->count).say("nonce", ask->nonce).say("sum", to_hex(ask->sum));
  if (const auto* differ = std::get_if<heal::Differ>(&body.content))
    out.say("count", differ->count).say("symbols", differ->symbol_count);
  if (const auto* want = std::get_if<heal::Want>(&body.content))
    for (const ShortId id : want->beginnings) out.say("wanted", id);
  for (const Bytes* part :
       {std::get_if<heal::Part>(&body.content) != nullptr ? &std::get<heal::Part>(body.content).body
                                                          : nullptr,
        std::get_if<heal::Again>(&body.content) != nullptr
            ? &std::get<heal::Again>(body.content).body
            : nullptr}) {
    if (part == nullptr) continue;
    const FeedPart read = need(wire::decode_part_body(context.root(), *part), item);
    out.say("units", read.units.size());
  }
  return out;
}

}  // namespace lienthong::golden
