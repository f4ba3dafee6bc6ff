// One libFuzzer target, chosen at build time by LT_FUZZ_TARGET (tests/fuzz/CMakeLists.txt).
#include "tests/fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lienthong::fuzz::LT_FUZZ_TARGET(lienthong::ByteView(data, size));
  return 0;
}
