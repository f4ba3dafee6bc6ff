#include "protocol/session/hello.h"

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"

namespace lienthong {
namespace {

constexpr std::uint8_t kCredentialsWanted = 1;
constexpr std::uint8_t kHasCursors = 2;
constexpr std::uint8_t kReplayed = 4;
constexpr std::uint8_t kHasWindow = 8;
constexpr std::uint8_t kHasEarly = 16;
constexpr std::uint8_t kLevelRegistry = 32;  // the next bit: updates
constexpr std::uint8_t kHistoryWaits = 128;
constexpr std::uint64_t kEpochMask = 0xffffffff;

// Twice the number, one more if there are ranges; epoch u32 unless both are none; hash u64 unless
// the number is 0; the ranges.
void encode_short_cursor(ByteWriter& out, const Cursor& cursor) {
  out.varint(cursor.mark.number << 1 | (cursor.ranges.empty() ? 0 : 1));
  if (cursor.mark.number == 0 && cursor.ranges.empty()) return;
  out.u32(static_cast<std::uint32_t>(cursor.mark.epoch & kEpochMask));
  if (cursor.mark.number > 0) out.u64(cursor.mark.hash);
  if (!cursor.ranges.empty()) encode_ranges(out, cursor.mark.number, cursor.ranges);
}

Result<Cursor> decode_short_cursor(ByteReader& in) {
  Cursor cursor;
  LT_TRY(const std::uint64_t number, in.varint());
  cursor.mark.number = number >> 1;
  if (cursor.mark.number > kFeedNumberMax) return Error(Errc::kTooLarge, "number of a cursor");
  if (number == 0) return cursor;
  LT_TRY(cursor.mark.epoch, in.u32());
  if (cursor.mark.number > 0) {
    LT_TRY(cursor.mark.hash, in.u64());
  }
  if ((number & 1) != 0) {
    LT_TRY(cursor.ranges, decode_ranges(in, cursor.mark.number, 2));
    if (cursor.ranges.empty()) return Error(Errc::kMalformed, "cursor without its ranges");
  }
  return cursor;
}

Judgement rejected(CloseCode code, std::string detail) {
  return Judgement{std::nullopt, Rejection{code, std::move(detail)}};
}

}  // namespace

// versions u8 (highest in the high half), flags u8, features varint, session number varint, speaker
// u32, check u32, dictionary varint, program version sized, window varint if flagged, then both
// cursors and what goes with it, sized, if flagged, then both starts, u64, if there is one.
Bytes encode_hello(const Hello& hello) {
  LT_CHECK(hello.version_highest < 16 && hello.version_lowest < 16);
  const bool window = hello.window_bytes != kWindowBytesDefault;
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(hello.version_highest << 4 | hello.version_lowest));
  out.u8(static_cast<std::uint8_t>(
      (hello.credentials_wanted ? kCredentialsWanted : 0) | (hello.cursors ? kHasCursors : 0) |
      (hello.replayed ? kReplayed : 0) | (window ? kHasWindow : 0) |
      (hello.early.empty() ? 0 : kHasEarly) | (hello.level & 3) * kLevelRegistry |
      (hello.history_waits ? kHistoryWaits : 0)));
  out.varint(hello.features);
  out.varint(hello.session_number);
  out.u32(hello.speaker);
  out.u32(hello.registry_check);
  out.varint(hello.dictionary);
  out.sized(std::string_view(hello.program_version).substr(0, kProgramVersionBytesMax));
  if (window) out.varint(hello.window_bytes);
  if (hello.cursors) {
    for (const Cursor& cursor : *hello.cursors) encode_short_cursor(out, cursor);
  }
  if (!hello.early.empty()) out.sized(hello.early);
  if (hello.start != 0) {
    out.u64(hello.start);
    out.u64(hello.start_before);
  }
  return out.take();
}

Result<Hello> decode_hello(ByteView bytes) {
  if (bytes.size() > kHelloBytesMax) return Error(Errc::kTooLarge, "hello");
  ByteReader in(bytes);
  Hello hello;
  LT_TRY(const std::uint8_t versions, in.u8());
  hello.version_highest = versions >> 4;
  hello.version_lowest = versions & 15;
  LT_TRY(const std::uint8_t flags, in.u8());
  LT_TRY(hello.features, in.varint());
  LT_TRY(hello.session_number, in.varint());
  LT_TRY(hello.speaker, in.u32());
  LT_TRY(hello.registry_check, in.u32());
  LT_TRY(hello.dictionary, in.varint());
  LT_TRY(const ByteView program, in.sized(kProgramVersionBytesMax));
  hello.program_version = std::string(as_text(program));
  hello.credentials_wanted = (flags & kCredentialsWanted) != 0;
  hello.replayed = (flags & kReplayed) != 0;
  hello.history_waits = (flags & kHistoryWaits) != 0;
  hello.level = static_cast<std::uint8_t>((flags / kLevelRegistry) & 3);
  if (hello.version_lowest == 0 || hello.version_lowest > hello.version_highest) {
    return Error(Errc::kMalformed, "versions of a hello");
  }
  if ((flags & kHasWindow) != 0) {
    LT_TRY(hello.window_bytes, in.varint());
  }
  if ((flags & kHasCursors) != 0) {
    hello.cursors.emplace();
    for (Cursor& cursor : *hello.cursors) {
      LT_TRY(cursor, decode_short_cursor(in));
    }
  }
  if ((flags & kHasEarly) != 0) {
    LT_TRY(const ByteView early, in.sized(kHelloBytesMax));
    hello.early = to_bytes(early);
  }
  if (in.rest().size() < 2 * sizeof(std::uint64_t)) return hello;
  LT_TRY(hello.start, in.u64());
  LT_TRY(hello.start_before, in.u64());
  if (hello.start == 0) hello.start_before = 0;
  return hello;
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::uint32_t speaker_name(const RootFingerprint& root, const DhPublic& ephemeral,
                           const CertificateId& certificate) {
  const Hash256 name = hash(kTagSpeaker, root, ByteView(ephemeral), certificate);
  ByteReader in(name.view());
  return *in.u32();
}

namespace {

// The machine has another exchange key since, by a certificate that takes the place of this one.
bool is_rotated(const Registry& registry, const CertificateId& certificate,
                const Certificate& body) {
  const auto newest = registry.certificate_of(body.node, body.agency);
  if (!newest || *newest == certificate) return false;
  const Certificate* now = registry.find_certificate(*newest);
  return !now->replaces.is_zero() && now->dh_key != body.dh_key;
}

}  // namespace

std::optional<PeerIdentity> identity_under(const Registry& registry,
                                           const CertificateId& certificate) {
  const Certificate* body = registry.find_certificate(certificate);
  if (body == nullptr || !registry.may_connect(certificate)) return std::nullopt;
  if (is_rotated(registry, certificate, *body)) return std::nullopt;
  return PeerIdentity{body->node, body->agency, certificate};
}

Judgement judge(const Registry& registry, const Speaker& speaker,
                const std::optional<AgencyId>& expected) {
  std::optional<CertificateId> named;
  for (const CertificateId& id : registry.certificates_with(speaker.proved)) {
    if (speaker_name(speaker.root, speaker.ephemeral, id) != speaker.name) continue;
    if (named) return rejected(CloseCode::kNoCertificate, "two certificates are named alike");
    named = id;
  }
  if (!named) return Judgement{};
  const auto identity = identity_under(registry, *named);
  if (!identity) {
    const bool no_right = registry.certificate_belief(*named) == Belief::kNoRight;
    const bool connects = !no_right && registry.may_connect(*named);
    if (connects)
      return rejected(CloseCode::kNotBelieved, "another exchange key has taken this one's place");
    return rejected(CloseCode::kNotBelieved, no_right
                                                 ? "the certificate's issuer had no right to it"
                                                 : "the node is revoked");
  }
  if (expected && identity->agency != *expected)
    return rejected(CloseCode::kWrongAgency, "another agency than the one that was dialled");
  return Judgement{identity, {}};
}

Presented present(const Registry& registry, std::span<const Statement> statements) {
  Presented result;
  bool foreign = false;  // a genesis that is not here: of a root that some adoption names, or none
  for (const Statement& statement : statements) {
    if (registry.contains(registry.id_of(statement))) continue;
    foreign = foreign || std::holds_alternative<std::monostate>(statement.authority);
    result.fresh.push_back(statement);
  }
  auto grown = registry.with(result.fresh);
  if (!grown.ok() && foreign) {
    result.rejection = Rejection{CloseCode::kWrongRoot, "credentials under another root"};
    return result;
  }
  if (!grown.ok()) {
    result.rejection =
        Rejection{CloseCode::kNoCertificate, "credentials: " + grown.error().message()};
    return result;
  }
  result.registry = *std::move(grown);
  return result;
}

}  // namespace lienthong
