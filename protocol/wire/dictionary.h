// Dictionaries for compressing messages one by one: what traffic of this kind looks like, known to
// both sides beforehand. docs/protocol/parts.md, "Dictionaries". Trained by
// tests/bench/train_dictionary on generated traffic; once released a dictionary never changes and
// is kept for ever. Threads: any; they are constants.
#pragma once

#include <cstdint>

#include "protocol/base/bytes.h"

namespace lienthong::wire {

inline constexpr std::uint32_t kDictionaryNewest = 1;

// 1 to kDictionaryNewest; empty for any other number.
ByteView dictionary(std::uint32_t number);

}  // namespace lienthong::wire
