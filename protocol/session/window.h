// How much a machine takes in before it is synced, and what of it each session is granted.
// docs/protocol/session.md, "Sending". Pure; no threads.
#pragma once

#include <algorithm>
#include <cstddef>

namespace lienthong {

inline constexpr std::size_t kIntakeBytesMax = 24U << 20;      // of updates, of 250 sessions
inline constexpr std::size_t kSessionWindowMax = 256U * 1024;  // of one session
inline constexpr std::size_t kSessionWindowMin = 16U * 1024;
inline constexpr std::size_t kCustodyWindow = 16U * 1024;  // lane 1: beside it, always
inline constexpr std::size_t kControlWindow = 64U * 1024;  // lane 0: beside it, always

// The window of the next session of a machine that so many others may call, where others were
// granted so much in all, custody included: an equal share of the bound for each caller, so that
// all together stay below it however many come at once, and never more than half of what is left.
constexpr std::size_t window_beside(std::size_t granted, std::size_t callers) {
  const std::size_t left = kIntakeBytesMax - std::min(granted, kIntakeBytesMax);
  const std::size_t share = kIntakeBytesMax / (callers + 1);
  const std::size_t window = std::min(share - std::min(share, kCustodyWindow), left / 2);
  return std::clamp(window, kSessionWindowMin, kSessionWindowMax);
}

}  // namespace lienthong
