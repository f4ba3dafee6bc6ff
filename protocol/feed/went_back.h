// Whether a reader's cursor shows that its disk is an older copy, or a new one. Pure.
#pragma once

#include "protocol/feed/feed.h"

namespace lienthong {

// `now`, told in full, against what the same machine had of the same feed `before`.
inline bool went_back(const Cursor& now, const Cursor& before) {
  if (now.mark.epoch == 0) return before.mark.number > 0;
  return now.mark.epoch == before.mark.epoch && now.mark.number < before.mark.number;
}

}  // namespace lienthong
