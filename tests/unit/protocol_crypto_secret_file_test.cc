#include <sodium/crypto_generichash.h>

#include "protocol/crypto/secret_file.h"
#include "tests/support/crypto.h"

namespace lienthong {
namespace {

using testing_support::hex_array;

constexpr SecretFileCost kTiny{1, 8192};
constexpr std::string_view kPassphrase = "bốn từ dễ nhớ";

Seed secret() {
  return hex_array<32>("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}

std::string sealed() {
  return seal_secret(secret(), kPassphrase, hex_array<16>("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
                     hex_array<24>("404142434445464748494a4b4c4d4e4f5051525354555657"), kTiny);
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string group(std::size_t place, const std::string& line) {
  std::string input = std::to_string(place) + ' ';
  for (const char c : line)
    if (c != ' ') input += c;
  Bytes out(32);
  crypto_generichash(out.data(), out.size(), as_bytes(input).data(), input.size(), nullptr, 0);
  return to_hex(ByteView(out).first(2));
}

// The file with line `index` replaced by somebody who knows how to compute the check groups.
std::string forged(std::size_t index, const std::string& replacement) {
  auto lines = split_lines(sealed());
  lines[index] = replacement;
  std::string check = "check";
  for (std::size_t i = 0; i < 6; ++i) check += ' ' + group(i, lines[i]);
  lines[6] = check + ' ' + group(6, check);
  return join_lines(lines);
}

TEST(SecretFile, NeverChangesItsForm) {
  EXPECT_EQ(sealed(),
            "lienthong secret 1\n"
            "argon2id 1 8192 a0a1 a2a3 a4a5 a6a7 a8a9 aaab acad aeaf\n"
            "4041 4243 4445 4647 4849 4a4b 4c4d 4e4f 5051 5253 5455 5657\n"
            "366a 1096 a5e3 5e9a 07c6 41f9 4e89 0ca8\n"
            "ea1a 4d08 9cb9 ac67 a01b 6d0d 0a93 6926\n"
            "216e 0506 cb94 e721 5f90 9631 a1f0 efb5\n"
            "check ccc7 4c19 155d 09d6 65cf 0dea 34be\n");
}

TEST(SecretFile, OpensWithThePassphrase) {
  EXPECT_EQ(*open_secret(sealed(), kPassphrase), secret());
}

TEST(SecretFile, RefusesAnyOtherPassphrase) {
  for (const std::string_view wrong : {"", "bốn từ dễ nhớ ", "Bốn từ dễ nhớ", "bốn từ dễ nh"})
    EXPECT_EQ(open_secret(sealed(), wrong).error().code(), Errc::kBadSignature) << wrong;
}

TEST(SecretFile, ForgivesHowItWasTyped) {
  std::string typed = "\n\n";
  for (const std::string& line : split_lines(sealed())) {
    typed += "  ";
    for (const char c : line)
      typed += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    typed += " \t\r\n\r\n";
  }
  EXPECT_EQ(*open_secret(typed, kPassphrase), secret());
  auto lines = split_lines(sealed());
  for (std::size_t i = 2; i < 6; ++i) std::erase(lines[i], ' ');
  EXPECT_EQ(*open_secret(join_lines(lines), kPassphrase), secret());
  std::string unfinished = sealed();
  unfinished.pop_back();  // no newline at the end
  EXPECT_EQ(*open_secret(unfinished, kPassphrase), secret());
}

TEST(SecretFile, NamesTheLineOfEveryMistypedDigit) {
  const auto lines = split_lines(sealed());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    for (std::size_t at = 0; at < lines[i].size(); ++at) {
      if (lines[i][at] == ' ') continue;
      for (const char wrong : {'0', '8', 'e', 'l'}) {
        auto typed = lines;
        if (typed[i][at] == wrong) continue;
        typed[i][at] = wrong;
        const auto opened = open_secret(join_lines(typed), kPassphrase);
        ASSERT_EQ(opened.error().code(), Errc::kMalformed) << typed[i];
        ASSERT_TRUE(opened.error().detail().starts_with("line " + std::to_string(i + 1) + ":"))
            << typed[i] << opened.error().detail();
      }
    }
  }
}

TEST(SecretFile, CountsLinesAsThePersonDoes) {
  auto lines = split_lines(sealed());
  lines[3][0] = lines[3][0] == '0' ? '1' : '0';
  const auto opened = open_secret("\n\n" + join_lines(lines), kPassphrase);
  EXPECT_TRUE(opened.error().detail().starts_with("line 6:")) << opened.error().detail();
}

TEST(SecretFile, RefusesLinesThatChangedPlaces) {
  auto lines = split_lines(sealed());
  std::swap(lines[3], lines[4]);
  const auto opened = open_secret(join_lines(lines), kPassphrase);
  EXPECT_EQ(opened.error().code(), Errc::kMalformed);
  EXPECT_TRUE(opened.error().detail().starts_with("line 4:")) << opened.error().detail();
}

TEST(SecretFile, RefusesMissingAndExtraLines) {
  for (std::size_t i = 0; i < 7; ++i) {
    auto fewer = split_lines(sealed());
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(open_secret(join_lines(fewer), kPassphrase).error().code(), Errc::kMalformed) << i;
    auto more = split_lines(sealed());
    const std::string copy = more[i];
    more.insert(more.begin() + static_cast<std::ptrdiff_t>(i), copy);
    EXPECT_EQ(open_secret(join_lines(more), kPassphrase).error().code(), Errc::kMalformed) << i;
  }
  EXPECT_EQ(open_secret("", kPassphrase).error().code(), Errc::kMalformed);
  EXPECT_EQ(open_secret("\n \n", kPassphrase).error().code(), Errc::kMalformed);
}

TEST(SecretFile, RefusesAnotherVersionByName) {
  EXPECT_EQ(open_secret(forged(0, "lienthong secret 2"), kPassphrase).error().code(),
            Errc::kBadVersion);
  EXPECT_EQ(open_secret(forged(0, "lienthong token 1"), kPassphrase).error().code(),
            Errc::kMalformed);
}

TEST(SecretFile, RefusesCostsThatWouldStopTheMachine) {
  const std::string salt = " a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
  const auto code = [&](const std::string& line) {
    return open_secret(forged(1, line), kPassphrase).error().code();
  };
  EXPECT_EQ(code("argon2id 65 8192" + salt), Errc::kTooLarge);
  EXPECT_EQ(code("argon2id 1 4294967297" + salt), Errc::kTooLarge);
  EXPECT_EQ(code("argon2id 0 8192" + salt), Errc::kMalformed);
  EXPECT_EQ(code("argon2id 1 8191" + salt), Errc::kMalformed);
  EXPECT_EQ(code("argon2id 1 99999999999999999999" + salt), Errc::kMalformed);
  EXPECT_EQ(code("argon2id -1 8192" + salt), Errc::kMalformed);
}

TEST(SecretFile, RefusesLinesOfAnotherForm) {
  const auto error = [](std::size_t index, const std::string& line) {
    return open_secret(forged(index, line), kPassphrase).error();
  };
  for (const auto& [index, line] : std::vector<std::pair<std::size_t, std::string>>{
           {1, "scrypt 1 8192 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"},
           {1, "argon2id 1 8192"},
           {1, "argon2id 1 8192 a0a1"},
           {2, "4041"},
           {2, "404142434445464748494a4b4c4d4e4f505152535455565g"},
           {4, "00"},
           {5, "0000 0000 0000 0000 0000 0000 0000 0000 00"}}) {
    const Error refused = error(index, line);
    EXPECT_EQ(refused.code(), Errc::kMalformed) << line;
    EXPECT_TRUE(refused.detail().starts_with("line " + std::to_string(index + 1) + ":"))
        << refused.detail();
  }
}

TEST(SecretFile, RefusesForgeriesThatCheckOutOnPaper) {
  const auto code = [](std::size_t index, const std::string& line) {
    return open_secret(forged(index, line), kPassphrase).error().code();
  };
  EXPECT_EQ(code(1, "argon2id 2 8192 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"), Errc::kBadSignature);
  EXPECT_EQ(code(1, "argon2id 1 8192 a0a1a2a3a4a5a6a7a8a9aaabacadaeae"), Errc::kBadSignature);
  EXPECT_EQ(code(1, "argon2id 01 8192 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"), Errc::kBadSignature);
  EXPECT_EQ(code(2, "404142434445464748494a4b4c4d4e4f5051525354555658"), Errc::kBadSignature);
  for (std::size_t i = 3; i < 6; ++i)
    EXPECT_EQ(code(i, "0000 0000 0000 0000 0000 0000 0000 0000"), Errc::kBadSignature);
}

TEST(SecretFile, ShowsNothingOfTheSecret) {
  std::string text = sealed();
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  const std::string plain = to_hex(secret());
  for (std::size_t at = 0; at + 12 <= plain.size(); at += 4)
    EXPECT_EQ(text.find(plain.substr(at, 12)), std::string::npos);
}

}  // namespace
}  // namespace lienthong
