// The Noise Protocol Framework, revision 34, written down once more beside protocol/crypto/noise.h:
// it shows every step, and what it gives is compared with what that one gives.
#pragma once

#include <optional>

#include "protocol/crypto/noise.h"
#include "tests/unit/docs_vectors.h"

namespace lienthong::vectors {

struct NoiseParty {
  DhKey fixed, ephemeral;
};

struct NoiseInput {
  std::string protocol;               // its name, section 8
  std::vector<std::string> messages;  // tokens with blanks between, section 7
  std::vector<Bytes> payloads;        // one for each message
  bool responder_known = false;       // the pattern has "<- s" before its messages
  Bytes prologue;
  std::optional<Psk> psk;
  NoiseParty initiator, responder;
};

struct NoiseOutput {
  std::vector<Bytes> messages;
  std::array<std::uint8_t, 32> initiator_key{}, responder_key{};  // of who sends with it
};

// Prints NAME.message.N with h and ck after it, k where a payload was encrypted, and both keys.
NoiseOutput run_noise(const NoiseInput& in, const std::string& name, Theme& out);

// The frame that bears that plaintext as transport message `number` (from 0) of a side.
Bytes noise_frame(const std::array<std::uint8_t, 32>& key, std::uint64_t number,
                  ByteView plaintext);

// A message of a handshake or a transport message with its length in front.
Bytes framed(ByteView message);

}  // namespace lienthong::vectors
