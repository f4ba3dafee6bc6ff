// How much a machine takes in before it is synced, and what of it each session is granted.
// docs/protocol.md, "Sending". Pure; no threads.
#pragma once

#include <algorithm>
#include <cstddef>

namespace lienthong {

inline constexpr std::size_t kIntakeBytesMax = 24U << 20;      // of updates, of 250 sessions
inline constexpr std::size_t kSessionWindowMax = 256U * 1024;  // of one session
inline constexpr std::size_t kSessionWindowMin = 16U * 1024;
inline constexpr std::size_t kCustodyWindow = 16U * 1024;  // lane 1: beside it, always
inline constexpr std::size_t kControlWindow = 64U * 1024;  // lane 0: beside it, always
inline constexpr std::size_t kWindowShares = 128;

// The window of the next session where others were granted so much in all, custody included: a
// fixed part of what is left, so that all together stay below the bound however many come at once.
constexpr std::size_t window_beside(std::size_t granted) {
  const std::size_t left = kIntakeBytesMax - std::min(granted, kIntakeBytesMax);
  return std::clamp(left / kWindowShares, kSessionWindowMin, kSessionWindowMax);
}

}  // namespace lienthong
