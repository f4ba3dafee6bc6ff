// A private key encrypted under a passphrase, as text for a file or for paper.
// Argon2id (RFC 9106) and XChaCha20-Poly1305 by libsodium. Salt and nonce are arguments.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/keys.h"

namespace lienthong {

struct SecretFileCost {
  std::uint64_t operations = 3;             // crypto_pwhash opslimit: moderate
  std::size_t memory_bytes = 256ULL << 20;  // crypto_pwhash memlimit
};
// Seven lines of text, all hexadecimal in groups of four digits:
//   lienthong secret 1
//   argon2id OPERATIONS MEMORY_BYTES SALT
//   NONCE
//   three lines of 16 bytes: XChaCha20-Poly1305 of the secret, over the first two lines
//   check, one group for each line above, and one for this line
// The cost is within crypto_pwhash's and open_secret's limits (LT_CHECK). Throws std::bad_alloc
// when Argon2id cannot get its memory.
std::string seal_secret(const Seed& secret, std::string_view passphrase,
                        const std::array<std::uint8_t, 16>& salt,
                        const std::array<std::uint8_t, 24>& nonce, const SecretFileCost& cost = {});
// Spaces, blank lines and upper or lower case do not matter: people type this from paper.
// Fails: kMalformed (names the line, counted from 1 as in `text`), kBadVersion, kTooLarge (cost
// over 4 GiB or 64 passes, or over the memory there is), kBadSignature (wrong passphrase or forged
// file).
Result<Seed> open_secret(std::string_view text, std::string_view passphrase);

}  // namespace lienthong
