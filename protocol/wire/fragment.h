// Messages cut into the plaintexts of frames, and put together again. docs/protocol/session.md,
// "Frames".
//
// A plaintext is one byte of flags (bits 0 to 2: lane; bit 3: last of its message; bits 4 and 5:
// how the message is packed; the others zero) and a piece of the message. Pieces of different lanes
// may alternate. Threads: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/base/bytes.h"

namespace lienthong::wire {

enum class Lane : std::uint8_t {  // on the wire: never change
  kControl = 0,                   // control, registry, receipts
  kCustody = 1,
  kUpdates = 2,
  kHistory = 3,
  kBlobs = 4,
};
enum class Packing : std::uint8_t {  // on the wire: never change
  kPlain = 0,
  kAlone = 1,        // by itself, against the dictionary of the session
  kStream = 2,       // the next bytes of its lane's stream
  kStreamBegin = 3,  // the first bytes of a new one
};
inline constexpr std::size_t kLaneCount = 5;
inline constexpr std::size_t kPlaintextBytesMax = 65'535 - 16;  // a Noise message less its tag

// A message as it travels.
struct Packed {
  Lane lane = Lane::kControl;
  Packing packing = Packing::kPlain;
  Bytes bytes;
};

// `packed`: 1 to kMessageBytesMax bytes (LT_CHECK); `piece_bytes`: of a plaintext, 2 to
// kPlaintextBytesMax.
std::vector<Bytes> split_message(const Packed& packed,
                                 std::size_t piece_bytes = kPlaintextBytesMax);

// Holds at most one message per lane half received, each of at most kMessageBytesMax bytes.
class Assembler {
 public:
  // What this plaintext completes, if anything. Fails (final): kTruncated (no flags), kMalformed
  // (unknown flags or lane, a piece of no bytes, pieces that disagree), kTooLarge (over
  // kMessageBytesMax).
  Result<std::optional<Packed>> add(ByteView plaintext);

 private:
  std::array<std::optional<Packed>, kLaneCount> halves_;
};

}  // namespace lienthong::wire
