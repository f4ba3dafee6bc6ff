// Every machine of a world checks every signature by itself. Whether one is good follows from its
// bytes, so in one process each is computed once: this stands in the way of libsodium's function,
// remembers its answers, and asks it for those that are new.
#include <dlfcn.h>

#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/base/check.h"

namespace {

using Verify = int (*)(const unsigned char*, const unsigned char*, unsigned long long,
                       const unsigned char*);

constexpr std::size_t kRememberedMax = 200'000;

std::string_view text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

extern "C" int crypto_sign_ed25519_verify_detached(const unsigned char* signature,
                                                   const unsigned char* message,
                                                   unsigned long long size,
                                                   const unsigned char* key) {
  static const auto real = [] {
    Verify found = nullptr;
    void* symbol = dlsym(RTLD_NEXT, "crypto_sign_ed25519_verify_detached");
    LT_CHECK(symbol != nullptr);
    std::memcpy(&found, &symbol, sizeof found);
    return found;
  }();
  thread_local std::unordered_map<std::string, int> remembered;
  std::string question;
  question.reserve(96 + size);
  question += text(signature, 64);
  question += text(key, 32);
  question += text(message, size);
  const auto at = remembered.find(question);
  if (at != remembered.end()) return at->second;
  if (remembered.size() >= kRememberedMax) remembered.clear();
  const int answer = real(signature, message, size, key);
  remembered.emplace(std::move(question), answer);
  return answer;
}
