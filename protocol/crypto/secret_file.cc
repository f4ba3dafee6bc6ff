#include "protocol/crypto/secret_file.h"

#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <sodium/crypto_generichash.h>
#include <sodium/crypto_pwhash.h>
#include <sodium/utils.h>

#include <charconv>
#include <new>

namespace lienthong {
namespace {

constexpr std::string_view kHeader = "lienthong secret 1";
constexpr std::size_t kLineCount = 7;
constexpr std::size_t kCipherLine = 3;
constexpr std::size_t kCheckLine = 6;
constexpr std::size_t kCipherLineBytes = 16;
constexpr std::size_t kCipherSize = 48;
constexpr std::size_t kSecretSaltSize = 16;
constexpr std::size_t kNonceSize = 24;
constexpr std::uint64_t kOperationsMax = 64;
constexpr std::uint64_t kMemoryBytesMax = 4ULL << 30;
static_assert(kCipherSize == sizeof(Seed) + crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert((kCheckLine - kCipherLine) * kCipherLineBytes == kCipherSize);
static_assert(kSecretSaltSize == crypto_pwhash_argon2id_SALTBYTES);
static_assert(kNonceSize == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);

using Words = std::vector<std::string>;

struct Line {
  std::size_t number;  // as the reader counts
  Words words;         // lower case
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

Words words_of(std::string_view line) {
  Words words;
  bool inside = false;
  for (const char c : line) {
    if (is_space(c)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back().push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return words;
}

std::string joined(const Words& words, std::size_t first = 0) {
  std::string out;
  for (std::size_t i = first; i < words.size(); ++i) out += words[i];
  return out;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    Words words = words_of(text.substr(0, end));
    if (!words.empty()) lines.push_back(Line{number, std::move(words)});
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string grouped(ByteView bytes) {
  const std::string hex = to_hex(bytes);
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 4) {
    if (i > 0) out += ' ';
    out += hex.substr(i, 4);
  }
  return out;
}

// Four hexadecimal digits over a line and its place, so that lines cannot change places unseen.
std::string check_group(std::size_t place, std::string_view content) {
  std::array<std::uint8_t, crypto_generichash_BYTES> hash;
  const std::string input = std::to_string(place) + ' ' + std::string(content);
  LT_CHECK(crypto_generichash(hash.data(), hash.size(), as_bytes(input).data(), input.size(),
                              nullptr, 0) == 0);
  return to_hex(ByteView(hash).first(2));
}

Error malformed(const Line& line, std::string_view what) {
  return Error(Errc::kMalformed, "line " + std::to_string(line.number) + ": " + std::string(what));
}

Result<void> check_lines(const std::vector<Line>& lines) {
  const Line& check = lines[kCheckLine];
  if (check.words.size() != kCheckLine + 2 || check.words[0] != "check")
    return malformed(check, "expected 'check' and seven groups");
  Words groups = check.words;
  groups.pop_back();
  if (check.words.back() != check_group(kCheckLine, joined(groups)))
    return malformed(check, "check group differs, something on this line is mistyped");
  for (std::size_t i = 0; i < kCheckLine; ++i)
    if (check_group(i, joined(lines[i].words)) != check.words[i + 1])
      return malformed(lines[i], "check group differs, something on this line is mistyped");
  return {};
}

Result<std::uint64_t> number_of(const Line& line, const std::string& word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size())
    return malformed(line, "not a number: " + word);
  return value;
}

Result<Bytes> hex_of(const Line& line, std::size_t first_word, std::size_t size) {
  auto bytes = from_hex(joined(line.words, first_word));
  if (!bytes) return malformed(line, bytes.error().detail());
  if (bytes->size() != size)
    return malformed(line, "expected " + std::to_string(size) + " bytes of hexadecimal");
  return bytes;
}

struct Parsed {
  SecretFileCost cost;
  Bytes salt;
  Bytes nonce;
  Bytes cipher;
  std::string header;  // what the tag covers beside the secret
};

std::string header_of(const Words& first, const Words& second) {
  return joined(first) + '\n' + joined(second);
}

Result<SecretFileCost> cost_of(const Line& line) {
  LT_TRY(const std::uint64_t operations, number_of(line, line.words[1]));
  LT_TRY(const std::uint64_t memory, number_of(line, line.words[2]));
  if (operations > kOperationsMax || memory > kMemoryBytesMax)
    return Error(Errc::kTooLarge, "line " + std::to_string(line.number) + ": cost of " +
                                      std::to_string(operations) + " passes and " +
                                      std::to_string(memory) + " bytes");
  if (operations < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
      memory < crypto_pwhash_argon2id_MEMLIMIT_MIN)
    return malformed(line, "cost below Argon2id's minimum");
  return SecretFileCost{operations, static_cast<std::size_t>(memory)};
}

Result<Parsed> parse(std::string_view text) {
  const std::vector<Line> lines = lines_of(text);
  if (lines.empty()) return Error(Errc::kMalformed, "line 1: empty secret file");
  const Words& header = lines[0].words;
  if (header.size() != 3 || header[0] != "lienthong" || header[1] != "secret")
    return malformed(lines[0], "expected '" + std::string(kHeader) + "'");
  if (header[2] != "1") return Error(Errc::kBadVersion, "secret file of version " + header[2]);
  if (lines.size() != kLineCount)
    return malformed(lines.back(), "the last of " + std::to_string(lines.size()) + " lines of " +
                                       std::to_string(kLineCount));
  LT_TRY_VOID(check_lines(lines));
  const Line& cost_line = lines[1];
  if (cost_line.words.size() < 4 || cost_line.words[0] != "argon2id")
    return malformed(cost_line, "expected 'argon2id', passes, bytes, salt");
  Parsed out;
  LT_TRY(out.cost, cost_of(cost_line));
  LT_TRY(out.salt, hex_of(cost_line, 3, kSecretSaltSize));
  LT_TRY(out.nonce, hex_of(lines[2], 0, kNonceSize));
  for (std::size_t i = kCipherLine; i < kCheckLine; ++i) {
    LT_TRY(const Bytes part, hex_of(lines[i], 0, kCipherLineBytes));
    out.cipher.insert(out.cipher.end(), part.begin(), part.end());
  }
  out.header = header_of(lines[0].words, cost_line.words);
  return out;
}

// False when the memory cannot be had. Wipes itself.
class PassphraseKey {
 public:
  PassphraseKey() = default;
  PassphraseKey(const PassphraseKey&) = delete;
  PassphraseKey& operator=(const PassphraseKey&) = delete;
  ~PassphraseKey() { sodium_memzero(bytes_.data(), bytes_.size()); }
  bool derive(std::string_view passphrase, ByteView salt, const SecretFileCost& cost) {
    return crypto_pwhash(bytes_.data(), bytes_.size(), passphrase.data(), passphrase.size(),
                         salt.data(), cost.operations, cost.memory_bytes,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
  }
  const std::uint8_t* data() const { return bytes_.data(); }

 private:
  std::array<std::uint8_t, crypto_aead_xchacha20poly1305_ietf_KEYBYTES> bytes_{};
};

}  // namespace

std::string seal_secret(const Seed& secret, std::string_view passphrase,
                        const std::array<std::uint8_t, 16>& salt,
                        const std::array<std::uint8_t, 24>& nonce, const SecretFileCost& cost) {
  LT_CHECK(cost.operations >= crypto_pwhash_argon2id_OPSLIMIT_MIN &&
           cost.operations <= kOperationsMax);
  LT_CHECK(cost.memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           cost.memory_bytes <= kMemoryBytesMax);
  PassphraseKey key;
  if (!key.derive(passphrase, salt, cost)) throw std::bad_alloc();
  std::vector<std::string> lines;
  lines.emplace_back(kHeader);
  lines.push_back("argon2id " + std::to_string(cost.operations) + ' ' +
                  std::to_string(cost.memory_bytes) + ' ' + grouped(salt));
  lines.push_back(grouped(nonce));
  const std::string header = header_of(words_of(lines[0]), words_of(lines[1]));
  std::array<std::uint8_t, kCipherSize> cipher;
  LT_CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
               cipher.data(), nullptr, secret.data(), secret.size(), as_bytes(header).data(),
               header.size(), nullptr, nonce.data(), key.data()) == 0);
  for (std::size_t at = 0; at < kCipherSize; at += kCipherLineBytes)
    lines.push_back(grouped(ByteView(cipher).subspan(at, kCipherLineBytes)));
  std::string check = "check";
  for (std::size_t i = 0; i < lines.size(); ++i)
    check += ' ' + check_group(i, joined(words_of(lines[i])));
  check += ' ' + check_group(kCheckLine, joined(words_of(check)));
  lines.push_back(check);
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

Result<Seed> open_secret(std::string_view text, std::string_view passphrase) {
  LT_TRY(const Parsed parsed, parse(text));
  PassphraseKey key;
  if (!key.derive(passphrase, parsed.salt, parsed.cost))
    return Error(Errc::kTooLarge, "Argon2id cannot get its " +
                                      std::to_string(parsed.cost.memory_bytes) +
                                      " bytes of memory here");
  Seed secret;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          secret.data(), nullptr, nullptr, parsed.cipher.data(), parsed.cipher.size(),
          as_bytes(parsed.header).data(), parsed.header.size(), parsed.nonce.data(),
          key.data()) != 0)
    return Error(Errc::kBadSignature, "wrong passphrase or forged secret file");
  Result<Seed> out(secret);
  sodium_memzero(secret.data(), secret.size());
  return out;
}

}  // namespace lienthong
