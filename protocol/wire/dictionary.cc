#include "protocol/wire/dictionary.h"

namespace lienthong::wire {

extern const std::uint8_t kDictionary1[];  // generated from dictionary_1.bin
extern const std::size_t kDictionary1Size;

ByteView dictionary(std::uint32_t number) {
  if (number != 1) return {};
  return {kDictionary1, kDictionary1Size};
}

}  // namespace lienthong::wire
