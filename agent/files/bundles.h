// Bundles that come in by the local API, in pieces. docs/operations.md, "Bundles". Threads: one
// thread of the local API each; writes go through the engine.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/engine/engine.h"
#include "store/exchange/bundles.h"

namespace lienthong::agent {

store::BundlePlace bundle_place(Engine& engine);

// Imports that come in several requests.
class BundleDesk {
 public:
  // The next piece at `offset`; `name` empty: the first, and then it is named. As
  // BundleImport::add, kNotFound (no such import), kInvalidArgument (another offset), kBusy; any
  // error ends the import. `last`: the file ends here.
  Result<store::BundleOutcome> add(Engine& engine, const DhKey& key, std::string& name,
                                   std::uint64_t offset, ByteView bytes, bool last);

 private:
  struct Entry {
    std::unique_ptr<store::BundleImport> import;
    Instant used{};
  };
  std::mutex mutex_;  // one at a time: the writer is one as well
  std::map<std::string, Entry> imports_;
  std::uint64_t count_ = 0;
};

}  // namespace lienthong::agent
