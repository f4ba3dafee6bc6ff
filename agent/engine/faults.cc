#include "agent/engine/faults.h"

namespace lienthong::agent {
namespace {

constexpr UnixMillis kLogMillis = 60'000;

}  // namespace

bool Faults::note(const std::string& what, const std::string& error, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  if (faults_.size() >= kCountMax && !faults_.contains(what)) return false;
  auto& [fault, logged] = faults_[what];
  const bool other = fault.error != error || now < logged || now - logged >= kLogMillis;
  fault = {what, error, now, fault.count + 1};
  if (other) logged = now;
  return other;
}

std::vector<Fault> Faults::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Fault> out;
  for (const auto& [what, kept] : faults_) out.push_back(kept.fault);
  return out;
}

}  // namespace lienthong::agent
