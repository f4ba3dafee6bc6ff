#include "protocol/session/hello.h"

#include "protocol/wire/limits.h"

namespace lienthong {
namespace {

constexpr std::uint8_t kCredentialsWanted = 1;
constexpr std::uint8_t kHasCursors = 2;

Judgement rejected(CloseCode code, std::string detail) {
  return Judgement{std::nullopt, Rejection{code, std::move(detail)}};
}

}  // namespace

// highest u8, lowest u8, flags u8, features u64, session number u64, certificate 32, digest 32,
// window u32, program version sized, then both cursors if flagged.
Bytes encode_hello(const Hello& hello) {
  ByteWriter out;
  out.u8(hello.version_highest);
  out.u8(hello.version_lowest);
  out.u8(static_cast<std::uint8_t>((hello.credentials_wanted ? kCredentialsWanted : 0) |
                                   (hello.cursors ? kHasCursors : 0)));
  out.u64(hello.features);
  out.u64(hello.session_number);
  out.raw(hello.certificate.view());
  out.raw(hello.registry_digest.view());
  out.u32(hello.window_bytes);
  out.sized(std::string_view(hello.program_version).substr(0, kProgramVersionBytesMax));
  if (hello.cursors) {
    for (const Cursor& cursor : *hello.cursors) encode_cursor(out, cursor);
  }
  return out.take();
}

Result<Hello> decode_hello(ByteView bytes) {
  if (bytes.size() > kHelloBytesMax) return Error(Errc::kTooLarge, "hello");
  ByteReader in(bytes);
  Hello hello;
  LT_TRY(hello.version_highest, in.u8());
  LT_TRY(hello.version_lowest, in.u8());
  LT_TRY(const std::uint8_t flags, in.u8());
  LT_TRY(hello.features, in.u64());
  LT_TRY(hello.session_number, in.u64());
  LT_TRY(hello.certificate.bytes, in.array<32>());
  LT_TRY(hello.registry_digest.bytes, in.array<32>());
  LT_TRY(hello.window_bytes, in.u32());
  LT_TRY(const ByteView program, in.sized(kProgramVersionBytesMax));
  hello.program_version = std::string(as_text(program));
  hello.credentials_wanted = (flags & kCredentialsWanted) != 0;
  if (hello.version_lowest == 0 || hello.version_lowest > hello.version_highest) {
    return Error(Errc::kMalformed, "versions of a hello");
  }
  if ((flags & kHasCursors) != 0) {
    hello.cursors.emplace();
    for (Cursor& cursor : *hello.cursors) {
      LT_TRY(cursor, decode_cursor(in));
    }
  }
  return hello;
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::optional<PeerIdentity> find_by_dh_key(const Registry& registry, const DhPublic& key,
                                           const std::optional<AgencyId>& agency) {
  const auto within = [&](const AgencyId& id) -> std::optional<PeerIdentity> {
    for (const CertificateId& name : registry.certificates_of(id)) {
      const Certificate* certificate = registry.find_certificate(name);
      if (certificate == nullptr || certificate->dh_key != key) continue;
      if (!registry.may_connect(certificate->node)) continue;
      return PeerIdentity{certificate->node, certificate->agency, name};
    }
    return std::nullopt;
  };
  if (agency) return within(*agency);
  for (const AgencyInfo* info : registry.agencies()) {
    if (auto found = within(info->id)) return found;
  }
  return std::nullopt;
}

Judgement judge(const Registry& registry, const CertificateId& named, const DhPublic& proved,
                const std::optional<AgencyId>& expected) {
  const Certificate* certificate = registry.find_certificate(named);
  const Belief belief =
      certificate == nullptr ? Belief::kUnknown : registry.certificate_belief(named);
  if (belief == Belief::kUnknown) {
    // A renewed certificate that has not come yet, for a key that is believed already.
    if (auto known = find_by_dh_key(registry, proved, expected)) return Judgement{known, {}};
    return Judgement{};
  }
  if (certificate->dh_key != proved) {
    return rejected(CloseCode::kWrongAgency, "the certificate named is for another key");
  }
  if (belief != Belief::kBelieved) {
    return rejected(CloseCode::kNotBelieved, belief == Belief::kCutOff
                                                 ? "the certificate is cut off by a revocation"
                                                 : "the certificate's issuer had no right to it");
  }
  if (!registry.may_connect(certificate->node)) {
    return rejected(CloseCode::kNotBelieved, "the node is revoked");
  }
  if (expected && certificate->agency != *expected) {
    return rejected(CloseCode::kWrongAgency, "another agency than the one that was dialled");
  }
  return Judgement{PeerIdentity{certificate->node, certificate->agency, named}, {}};
}

Presented present(const Registry& registry, std::span<const Statement> statements) {
  Presented result;
  for (const Statement& statement : statements) {
    const bool genesis = std::holds_alternative<std::monostate>(statement.authority);
    if (genesis && root_fingerprint(statement.body) != registry.root()) {
      result.rejection = Rejection{CloseCode::kWrongRoot, "credentials under another root"};
      return result;
    }
    if (genesis || registry.contains(statement_id(registry.root(), statement))) continue;
    result.fresh.push_back(statement);
  }
  auto grown = registry.with(result.fresh);
  if (!grown.ok()) {
    result.rejection =
        Rejection{CloseCode::kNoCertificate, "credentials: " + grown.error().message()};
    return result;
  }
  result.registry = *std::move(grown);
  return result;
}

}  // namespace lienthong
