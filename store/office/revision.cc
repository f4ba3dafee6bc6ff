#include "store/office/revision.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>

namespace lienthong::store {

std::string revision_of(const RecordState& state) {
  constexpr std::size_t kBytes = 16;
  std::vector<UpdateId> heads = state.heads;
  if (heads.size() == 1) return heads.front().hex().substr(0, 2 * kBytes);
  std::ranges::sort(heads);
  Bytes all;
  for (const UpdateId& id : heads) all.insert(all.end(), id.view().begin(), id.view().end());
  Bytes out(kBytes);
  crypto_generichash(out.data(), out.size(), all.data(), all.size(), nullptr, 0);
  return to_hex(out);
}

}  // namespace lienthong::store
