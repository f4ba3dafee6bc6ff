#include "agent/files/bundles.h"

namespace lienthong::agent {
namespace {

constexpr std::size_t kImportsMax = 4;
constexpr std::chrono::minutes kImportIdleMax{10};

}  // namespace

store::BundlePlace bundle_place(Engine& engine) {
  return {engine.replica(), [&engine](store::Job job) { return engine.write(std::move(job)); },
          [&engine] { return engine.clock().now(); }};
}

Result<store::BundleOutcome> BundleDesk::add(Engine& engine, const DhKey& key, std::string& name,
                                             std::uint64_t offset, ByteView bytes, bool last) {
  const std::lock_guard lock(mutex_);
  const Instant now = engine.clock().monotonic();
  std::erase_if(imports_, [&](const auto& at) { return now - at.second.used > kImportIdleMax; });
  if (name.empty()) {
    if (imports_.size() >= kImportsMax)
      return Error(Errc::kBusy, "too many bundles are on their way in; try again in a while");
    name = std::to_string(++count_);
    imports_[name].import = std::make_unique<store::BundleImport>(bundle_place(engine), key);
  }
  const auto at = imports_.find(name);
  if (at == imports_.end())
    return Error(Errc::kNotFound, "no such import; begin again at offset 0");
  store::BundleImport& import = *at->second.import;
  at->second.used = now;
  if (offset != import.size())
    return Error(Errc::kInvalidArgument,
                 "the import goes on at offset " + std::to_string(import.size()));
  const auto added = import.add(bytes);
  store::BundleOutcome outcome = import.outcome();
  if (last || !added.ok()) imports_.erase(at);
  if (!added.ok()) return added.error();
  if (last && !outcome.header)
    return Error(Errc::kTruncated, "the file ends before the head of a bundle is whole");
  return outcome;
}

}  // namespace lienthong::agent
