#include "protocol/base/result.h"

namespace lienthong {

const char* to_string(Errc code) {
  switch (code) {
    case Errc::kTruncated: return "truncated";
    case Errc::kTooLarge: return "too-large";
    case Errc::kMalformed: return "malformed";
    case Errc::kNotCanonical: return "not-canonical";
    case Errc::kBadSignature: return "bad-signature";
    case Errc::kBadHash: return "bad-hash";
    case Errc::kBadVersion: return "bad-version";
    case Errc::kUnknownCertificate: return "unknown-certificate";
    case Errc::kUnknownParent: return "unknown-parent";
    case Errc::kUnknownAgency: return "unknown-agency";
    case Errc::kNotFound: return "not-found";
    case Errc::kNotAllowed: return "not-allowed";
    case Errc::kConflict: return "conflict";
    case Errc::kInvalidArgument: return "invalid-argument";
    case Errc::kOutOfOrder: return "out-of-order";
    case Errc::kRevoked: return "revoked";
    case Errc::kExpired: return "expired";
    case Errc::kIo: return "io";
    case Errc::kDiskFull: return "disk-full";
    case Errc::kCorrupt: return "corrupt";
    case Errc::kNewerVersion: return "newer-version";
    case Errc::kBusy: return "busy";
    case Errc::kClosed: return "closed";
    case Errc::kTimeout: return "timeout";
    case Errc::kUnclear: return "unclear";
  }
  return "unknown";
}

}  // namespace lienthong
