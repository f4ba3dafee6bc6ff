// The two hellos, which travel as payloads of the handshake, and the question whether the other
// side is who it says. docs/protocol/transport.md, "Hello". Pure; no threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "protocol/session/session.h"

namespace lienthong {

inline constexpr std::uint8_t kVersionHighest = 1;  // major versions spoken
inline constexpr std::uint8_t kVersionLowest = 1;
inline constexpr std::size_t kProgramVersionBytesMax = 64;

inline constexpr std::size_t kWindowBytesDefault = 1U << 20;

struct Hello {
  std::uint8_t version_highest = kVersionHighest;  // both at most 15
  std::uint8_t version_lowest = kVersionLowest;
  std::uint64_t features = 0;  // bits; unknown ones mean nothing
  std::uint64_t session_number = 0;
  std::uint32_t speaker = 0;         // names the sender's certificate: speaker_name()
  std::uint32_t registry_check = 0;  // first four bytes of the registry's digest
  std::uint64_t dictionary = 0;      // the newest that is known; 0: none
  std::string program_version;
  bool credentials_wanted = false;  // no certificate for the other's key is here
  bool replayed = false;  // the number did not rise; session_number is the last one seen instead
  bool history_waits = false;  // lane 3 is closed to the other until a Lanes message opens it
  std::uint8_t level = 0;  // bit for each feed that begins after the cursor heard and ends there
  std::uint64_t window_bytes = kWindowBytesDefault;  // taken before anything is acknowledged
  // What we durably have of the other's feeds, by FeedKind, with the low 32 bits of their epochs;
  // none: a Cursor message for each follows.
  std::optional<std::array<Cursor, 2>> cursors;
  Bytes early;  // messages that go with it, early.h
  // The start of the sender's program, and the one that the reader heard of last as far as the
  // sender's disk knows. 0: not said. docs/protocol/session.md, "Lives".
  std::uint64_t start = 0, start_before = 0;
  bool operator==(const Hello&) const = default;
};

inline std::uint32_t registry_check(const Hash256& digest) {
  return static_cast<std::uint32_t>(digest.bytes[0]) |
         static_cast<std::uint32_t>(digest.bytes[1]) << 8 |
         static_cast<std::uint32_t>(digest.bytes[2]) << 16 |
         static_cast<std::uint32_t>(digest.bytes[3]) << 24;
}

// program_version is cut to kProgramVersionBytesMax.
Bytes encode_hello(const Hello& hello);
// Bytes after what is known are passed over: a later version appends. Fails: kTruncated, kTooLarge
// (over kHelloBytesMax, texts, cursors), kMalformed (flags, versions).
Result<Hello> decode_hello(ByteView bytes);

// Text of a peer made fit for logs and JSON: anything but printable ASCII becomes '?'.
std::string printable(std::string text);

// ---- identity ----

struct PeerIdentity {
  NodeId node;
  AgencyId agency;
  CertificateId certificate;
};

// Why a peer is not taken.
struct Rejection {
  CloseCode code = CloseCode::kNone;
  std::string detail;
};

// How a hello names the certificate that its sender speaks under: the first four bytes, as a
// number, of a hash over the sender's ephemeral key and the certificate's id. The proved X25519 key
// says the rest. Nobody can make another certificate with that key be named alike: the ephemeral
// key is fresh in every session.
std::uint32_t speaker_name(const RootFingerprint& root, const DhPublic& ephemeral,
                           const CertificateId& certificate);

// What the handshake has proved, and what the hello says.
struct Speaker {
  DhPublic proved{};     // the X25519 key whose secret the peer has
  DhPublic ephemeral{};  // its own, of this handshake
  std::uint32_t name = 0;
  RootFingerprint root;  // by which the session goes
};

// Whether a believed certificate stands behind the peer: the one that it names, for the key that it
// proved. nullopt in `identity` and kNone in `rejection`: that one is not here, ask for
// credentials.
struct Judgement {
  std::optional<PeerIdentity> identity;
  Rejection rejection;
};
Judgement judge(const Registry& registry, const Speaker& speaker,
                const std::optional<AgencyId>& expected);
// The same of a certificate that we know of ourselves; none: it may not speak here now.
std::optional<PeerIdentity> identity_under(const Registry& registry,
                                           const CertificateId& certificate);

// Credentials as they were presented: those not here yet and the registry with all of them; or why
// not (kWrongRoot: another genesis; kNoCertificate: something that does not verify).
struct Presented {
  std::shared_ptr<const Registry> registry;  // null: rejected
  std::vector<Statement> fresh;
  Rejection rejection;
};
Presented present(const Registry& registry, std::span<const Statement> statements);

}  // namespace lienthong
