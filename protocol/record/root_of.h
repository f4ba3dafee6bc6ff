// Under which root an update or seal is hashed: that of its certificate. docs/protocol/registry.md,
// "Several roots".
#pragma once

#include <memory>
#include <utility>

#include "protocol/record/registry.h"

namespace lienthong {

class RootOf {
 public:
  RootOf(const RootFingerprint& root) : root_(root) {}  // NOLINT: one root for all, as most have
  // `otherwise`: where there is no registry yet.
  explicit RootOf(std::shared_ptr<const Registry> registry, const RootFingerprint& otherwise = {})
      : root_(registry == nullptr ? otherwise : registry->root()), registry_(std::move(registry)) {}

  // Valid as long as this.
  const RootFingerprint& operator()(const CertificateId& certificate) const {
    return registry_ == nullptr ? root_ : registry_->root_of(certificate);
  }

 private:
  RootFingerprint root_;
  std::shared_ptr<const Registry> registry_;
};

}  // namespace lienthong
