// How much of what offices hand to others a relay hands on at once; see pushes.cc.
#pragma once

#include "store/replica/replica.h"

namespace lienthong::store {

// kPushedCountMax of one office's; of all that lie below one other neighbour together:
inline constexpr std::size_t kPushedBelowMax = 2048;

}  // namespace lienthong::store
