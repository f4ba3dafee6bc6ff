// The two hellos, which travel as payloads of the handshake, and the question whether the other
// side is who it says. docs/protocol.md, "Hello". Pure; no threads.
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

struct Hello {
  std::uint8_t version_highest = kVersionHighest;
  std::uint8_t version_lowest = kVersionLowest;
  std::uint64_t features = 0;  // bits; unknown ones mean nothing
  std::uint64_t session_number = 0;
  CertificateId certificate;  // zero: none
  std::string program_version;
  Hash256 registry_digest;
  bool credentials_wanted = false;       // the other's certificate is not here
  std::uint32_t window_bytes = 1 << 20;  // messages with parts that we take before we acknowledge
  // What we durably have of the other's feeds, by FeedKind; none: an Ack for each follows.
  std::optional<std::array<Cursor, 2>> cursors;
  bool operator==(const Hello&) const = default;
};

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

// The believed certificate for that Noise key, or none; within `agency` if given. Scans the
// registry.
std::optional<PeerIdentity> find_by_dh_key(const Registry& registry, const DhPublic& key,
                                           const std::optional<AgencyId>& agency);

// Whether the certificate named in a hello stands behind the Noise key that was proved.
// nullopt in `identity` and kNone in `rejection`: the certificate is not here, ask for credentials.
struct Judgement {
  std::optional<PeerIdentity> identity;
  Rejection rejection;
};
Judgement judge(const Registry& registry, const CertificateId& named, const DhPublic& proved,
                const std::optional<AgencyId>& expected);

// Credentials as they were presented: those not here yet and the registry with all of them; or why
// not (kWrongRoot: another genesis; kNoCertificate: something that does not verify).
struct Presented {
  std::shared_ptr<const Registry> registry;  // null: rejected
  std::vector<Statement> fresh;
  Rejection rejection;
};
Presented present(const Registry& registry, std::span<const Statement> statements);

}  // namespace lienthong
