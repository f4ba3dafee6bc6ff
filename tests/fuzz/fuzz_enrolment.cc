// Enrolment: what a stranger reaches before he has proved anything.
#include "protocol/enrolment/by_hand.h"
#include "protocol/enrolment/enrolment.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/support/enrolment_pair.h"

namespace lienthong::fuzz {
namespace {

using test::EnrolmentPair;
using Need = EnrolmentParent::Need;

enum class Mode : std::uint8_t { kChannel, kHostileChild, kHostileParent, kStranger };

// Made once and copied: keys and handshakes would take all the time.
struct Meetings {
  EnrolmentPair fresh{1};
  Bytes request;  // of fresh.child, which has started
  EnrolmentPair asked{1};
  Bytes answer;  // of asked.parent, which waits for kConfirm
  EnrolmentPair hostile_child{2}, hostile_parent{3};
  NoiseHandshake::Transport child, parent;  // what the other machine of the pair listens to
  Bytes grant = Bytes(3 * kGrantPieceBytes / 2, 7);

  Meetings()
      : request(*fresh.child.start()),
        child(hostile_child.hostile_child_shakes_hands()),
        parent(hostile_parent.hostile_parent_shakes_hands()) {
    LT_CHECK(asked.parent.on_bytes(*asked.child.start()).ok());
    answer = *asked.parent.answer(asked.token.secret, asked.token.agency);
  }
};
const Meetings& meetings() {
  static const Meetings made;
  return made;
}

// Both machines and what is under way between them.
struct Pair {
  EnrolmentChild child;
  EnrolmentParent parent;
  Bytes to_parent, to_child;
  bool proved = false, told = false;  // the child has sent kConfirm, kStored

  // What holds whatever the other side says.
  void check() const {
    LT_CHECK(parent.held_bytes() <= kEnrolmentRequestBytes + 2);
    LT_CHECK(child.held_bytes() <= kGrantBytesMax + 65'537);
    if (child.complete()) LT_CHECK(child.grant() == meetings().grant);
    if (parent.proved()) LT_CHECK(proved);
    if (parent.enrolled()) LT_CHECK(told);
  }
};

void append(Bytes& to, const Result<Bytes>& bytes) {
  if (bytes.ok()) to.insert(to.end(), bytes->begin(), bytes->end());
}

// What the driver of the parent does when it is its turn, and what it must not be able to break.
void drive(Pair& pair, std::uint8_t number) {
  EnrolmentParent& parent = pair.parent;
  const Need need = parent.need();
  const bool refuses = number % 8 == 7;
  const auto refusal = static_cast<EnrolmentRefusal>(1 + number % 5);
  if (number % 16 == 6) {  // out of turn
    LT_CHECK(need == Need::kInvitation || !parent.answer(Psk{}, AgencyId{}).ok());
    LT_CHECK(need == Need::kGrant || !parent.grant({}).ok());
    LT_CHECK(need == Need::kSending || !parent.next_piece().ok());
    static_cast<void>(pair.child.stored().ok());
    LT_CHECK(!pair.child.start().ok());
    LT_CHECK(parent.need() == need);
    return;
  }
  if (need == Need::kInvitation) {
    LT_CHECK(parent.invite() == meetings().fresh.token.invite);
    append(pair.to_child,
           refuses ? parent.refuse(refusal)
                   : parent.answer(meetings().fresh.token.secret, meetings().fresh.token.agency));
  } else if (need == Need::kGrant && refuses) {
    append(pair.to_child, parent.refuse(refusal));
  } else if (need == Need::kGrant) {
    LT_CHECK(parent.grant(meetings().grant).ok());
  } else if (need == Need::kSending) {
    append(pair.to_child, parent.next_piece());
  }
  const auto stored = pair.child.stored();
  append(pair.to_parent, stored);
  pair.told = pair.told || stored.ok();
}

// What arrives of the first `size` bytes.
Bytes arrives(Bytes& queue, std::uint8_t how, std::uint8_t number) {
  const std::size_t size =
      std::min<std::size_t>(queue.size(), how < 8 ? queue.size() : 1 + std::size_t{number} * 8);
  const auto middle = queue.begin() + static_cast<std::ptrdiff_t>(size);
  Bytes bytes(queue.begin(), middle);
  if (how != 9) queue.erase(queue.begin(), middle);  // 9: once more later
  if (bytes.empty()) return bytes;
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(number % bytes.size());
  switch (how) {
    case 10: bytes.clear(); break;  // lost
    case 11: *place = static_cast<std::uint8_t>(*place ^ 0x41); break;
    case 12: bytes.insert(place, number); break;
    case 13: bytes.erase(place); break;
    case 14: std::fill(bytes.begin(), bytes.end(), number); break;
    default: break;
  }
  return bytes;
}

// Pairs of a byte that says whose turn it is and what the channel does, and a number.
void run_channel(ByteView script) {
  Pair pair{meetings().fresh.child, meetings().fresh.parent, meetings().request, {}};
  for (std::size_t i = 0; i + 1 < script.size() && i < 200; i += 2) {
    const auto how = static_cast<std::uint8_t>(script[i] & 15);
    if ((script[i] & 0x40) != 0) {
      drive(pair, script[i + 1]);
    } else if ((script[i] & 0x80) != 0) {
      const auto said = pair.child.on_bytes(arrives(pair.to_child, how, script[i + 1]));
      if (said.ok() && !said->empty()) pair.proved = true;
      append(pair.to_parent, said);
    } else {
      static_cast<void>(pair.parent.on_bytes(arrives(pair.to_parent, how, script[i + 1])).ok());
    }
    pair.check();
  }
}

// Plaintexts (u8 size, then so many bytes), each sealed by someone who knows the secret.
template <class Machine>
void run_sealed(Machine& machine, CipherState cipher, ByteView input) {
  while (!input.empty()) {
    const std::size_t size = std::min<std::size_t>(input[0], input.size() - 1);
    const Bytes frame = EnrolmentPair::frame(*cipher.encrypt({}, input.subspan(1, size)));
    input = input.subspan(1 + size);
    if (!machine.on_bytes(frame).ok()) break;
    if constexpr (std::is_same_v<Machine, EnrolmentParent>) {
      if (machine.need() == Need::kGrant) LT_CHECK(machine.grant(Bytes(10)).ok());
      while (machine.need() == Need::kSending) LT_CHECK(machine.next_piece().ok());
    }
  }
}

// Whoever knows no secret gets nowhere: `input` as bytes, cut by its first one.
void run_stranger(ByteView input) {
  if (input.empty()) return;
  const std::size_t step = 1 + input[0];
  EnrolmentParent first = meetings().fresh.parent, second = meetings().asked.parent;
  EnrolmentChild child = meetings().fresh.child;
  for (std::size_t at = 1; at < input.size(); at += step) {
    const ByteView piece = input.subspan(at, std::min(step, input.size() - at));
    static_cast<void>(first.on_bytes(piece).ok());
    static_cast<void>(second.on_bytes(piece).ok());
    static_cast<void>(child.on_bytes(piece).ok());
    LT_CHECK(first.held_bytes() <= kEnrolmentRequestBytes + 2);
    LT_CHECK(second.held_bytes() <= kEnrolmentShortBytes + 2);
    LT_CHECK(child.answered() || child.held_bytes() <= kEnrolmentAnswerBytes + 2);
    LT_CHECK(!first.proved() && !second.proved() && !child.complete());
  }
}

}  // namespace

void hostile_enrolment(ByteView input) {
  if (input.empty()) return;
  const ByteView rest = input.subspan(1);
  switch (static_cast<Mode>(input[0] % 4)) {
    case Mode::kChannel: run_channel(rest); break;
    case Mode::kHostileChild: {
      EnrolmentParent parent = meetings().hostile_child.parent;
      run_sealed(parent, meetings().child.send, rest);
      LT_CHECK(!parent.enrolled() || parent.need() == Need::kNothing);
      break;
    }
    case Mode::kHostileParent: {
      EnrolmentChild child = meetings().hostile_parent.child;
      run_sealed(child, meetings().parent.send, rest);
      LT_CHECK(child.held_bytes() <= input.size());
      if (child.complete()) static_cast<void>(lienthong::decode_grant(child.grant()).ok());
      break;
    }
    case Mode::kStranger: run_stranger(rest); break;
  }
}

namespace {

// A grant that comes in pieces is read as one that is there.
bool read_in_pieces(ByteView input, const Result<EnrolmentGrant>& whole) {
  GrantParser parser;
  std::size_t count = 0;
  for (std::size_t size = 1; !input.empty(); size = size % 61 + 1) {
    const ByteView piece = input.first(std::min(size, input.size()));
    input = input.subspan(piece.size());
    parser.feed(piece);
    for (;;) {
      const auto statement = parser.next();
      if (!statement.ok()) return false;
      if (!*statement) break;
      if (whole.ok()) LT_CHECK(**statement == whole->statements.at(count));
      ++count;
    }
  }
  return parser.finish().ok() && (!whole.ok() || count == whole->statements.size());
}

}  // namespace

void decode_grant(ByteView input) {
  const auto grant = lienthong::decode_grant(input);
  LT_CHECK(read_in_pieces(input, grant) == grant.ok());
  if (!grant.ok()) return;
  const Bytes again = encode_grant(*grant);
  LT_CHECK(std::equal(again.begin(), again.end(), input.begin(), input.end()));
  static const RootFingerprint root = test::TestDeployment(11).root();
  static_cast<void>(check_grant(root, MachineKeys{}, *grant).ok());
}

void read_enrolment_file(ByteView input) {
  const std::string_view text = as_text(input);
  static_cast<void>(parse_request(text).ok());
  const auto file = parse_certificate_file(text);
  if (!file.ok()) return;
  const std::string rendered = render_certificate_file(*file);
  const auto again = parse_certificate_file(rendered);
  LT_CHECK(again.ok() && again->addresses == file->addresses &&
           encode_grant(again->grant) == encode_grant(file->grant));
}

// ---- seeds ----

namespace {

EnrolmentGrant small_grant(RootFingerprint& root) {
  test::TestDeployment deployment(11);
  root = deployment.root();
  const AgencyId province = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
  const auto& node = deployment.add_node(province, true);
  const AgencyId district = deployment.add_agency(province, "H47.12", "Phú Ninh", "district");
  static_cast<void>(deployment.add_node(district));
  return make_grant(*deployment.registry(), node.certificate);
}

}  // namespace

std::vector<Bytes> seeds_of_enrolments() {
  Bytes whole{0};  // everything is delivered, each in its turn
  for (int i = 0; i < 12; ++i) whole.insert(whole.end(), {0x00, 0, 0x40, 0, 0x40, 0, 0x80, 0});
  Bytes cut{0};
  for (int i = 0; i < 24; ++i) cut.insert(cut.end(), {0x08, 9, 0x40, 0, 0x88, 255});
  Bytes refused = whole;
  refused[4] = 7;
  const Bytes confirmed{1, 1, 1, 1, 4};
  const Bytes granted{2, 4, 2, 7, 7, 7, 3, 3, 8, 8};
  const Bytes told{2, 2, 5, 3};
  Bytes stranger{3, 90};
  const Bytes& request = meetings().request;
  stranger.insert(stranger.end(), request.begin(), request.end());
  Bytes answered{3, 255};
  answered.insert(answered.end(), meetings().answer.begin(), meetings().answer.end());
  return {whole, cut, refused, confirmed, granted, told, stranger, answered};
}

std::vector<Bytes> seeds_of_grants() {
  RootFingerprint root;
  return {encode_grant(small_grant(root))};
}

std::vector<Bytes> seeds_of_enrolment_files() {
  CertificateFile file;
  file.grant = small_grant(file.root);
  file.parent_code = "H47";
  file.addresses = {"10.0.0.1:7410"};
  const std::string request = render_request(Token{}, NodeKeys{SigningKey(Seed{}), DhKey(Seed{})});
  return {to_bytes(as_bytes(request)), to_bytes(as_bytes(render_certificate_file(file)))};
}

}  // namespace lienthong::fuzz
