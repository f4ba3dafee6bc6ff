// Result<T>: a value or an Error, for failures that are part of daily business: bad peer bytes, bad
// files, bad flags. Exceptions remain for bugs and for start-up. The subset of std::expected that
// we use, so that a later swap is mechanical (g++ 12 has std::expected only under C++23).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "protocol/base/check.h"

namespace lienthong {

// One enumerator for each cause that somebody can act on. Not on the wire and not on disk: close
// codes and stored reasons are separate, numbered enums.
enum class Errc {
  kTruncated,           // input ends early
  kTooLarge,            // a length, count or depth over its limit
  kMalformed,           // bytes that cannot be what they claim to be
  kNotCanonical,        // valid, but not in the one form that is hashed
  kBadSignature,        // a signature or MAC does not verify
  kBadHash,             // content does not match the hash that names it
  kBadVersion,          // a version we do not speak
  kUnknownCertificate,  // names a certificate that is not here
  kUnknownParent,       // names an update that is not here
  kUnknownAgency,       // names an agency that is not here
  kNotFound,            // no such thing
  kNotAllowed,          // the rules refuse it
  kConflict,            // would contradict something that exists
  kInvalidArgument,     // a value out of range, a field of the wrong type
  kOutOfOrder,          // a message that the state machine does not expect now
  kRevoked,             // the key is no longer believed
  kExpired,             // past its date
  kIo,                  // disk or socket
  kDiskFull,            // no room left
  kCorrupt,             // our own stored bytes are not what we wrote
  kNewerVersion,        // written by a newer program
  kBusy,                // somebody else holds it
  kClosed,              // the other side has gone
  kTimeout,
  kUnclear,  // a short name means nothing, or something else, here
};

const char* to_string(Errc code);

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}
  Errc code() const { return code_; }
  // Names the place and, where there is one, the remedy. English, one line, no trailing stop.
  const std::string& detail() const { return detail_; }
  std::string message() const { return std::string(to_string(code_)) + ": " + detail_; }

 private:
  Errc code_;
  std::string detail_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(*-explicit-*)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T& value() & {
    LT_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    LT_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    LT_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  const Error& error() const {
    LT_CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    LT_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace lienthong

#define LT_CONCAT_INNER(a, b) a##b
#define LT_CONCAT(a, b) LT_CONCAT_INNER(a, b)

// LT_TRY(auto x, f()): declares x from a Result, or returns its error from the enclosing function.
#define LT_TRY(declaration, expression)                                                \
  auto LT_CONCAT(lt_try_, __LINE__) = (expression);                                    \
  if (!LT_CONCAT(lt_try_, __LINE__).ok()) return LT_CONCAT(lt_try_, __LINE__).error(); \
  declaration = *std::move(LT_CONCAT(lt_try_, __LINE__))

// LT_TRY_VOID(f()): the same for Result<void>.
#define LT_TRY_VOID(expression)                                                         \
  do {                                                                                  \
    if (auto lt_try_void = (expression); !lt_try_void.ok()) return lt_try_void.error(); \
  } while (false)
