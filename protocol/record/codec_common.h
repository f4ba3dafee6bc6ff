// What the codecs of bodies and statements share: canonical bytes and pieces of messages. The only
// header that sees capnp types; private to codec.cc and statement_codec.cc.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>

#include "lienthong.capnp.h"
#include "protocol/base/limits.h"
#include "protocol/record/codec.h"

namespace lienthong::wire {

// ---- canonical bytes ----

template <class Schema, class Fill>
Bytes canonical_bytes(const Fill& fill) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<Schema>();
  fill(root);
  const auto words = capnp::canonicalize(root.asReader());
  const auto bytes = words.asBytes();
  return Bytes(bytes.begin(), bytes.end());
}

// Runs `read` over the root of a canonical single-segment message. kj throws on bad pointers: here,
// and only here, that becomes an Error.
template <class Schema, class Read>
auto with_root(ByteView bytes, std::size_t bytes_max, const Read& read)
    -> decltype(read(std::declval<typename Schema::Reader>())) {
  if (bytes.size() > bytes_max) return Error(Errc::kTooLarge, "body over its limit");
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return Error(Errc::kMalformed, "body is not whole words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kTraversalWordsMax;
  options.nestingLimit = kNestingDepthMax;
  const kj::ArrayPtr<const capnp::word> segments[] = {words.asPtr()};
  std::optional<decltype(read(std::declval<typename Schema::Reader>()))> result;
  const auto thrown = kj::runCatchingExceptions([&] {
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1), options);
    if (!message.isCanonical()) {
      result.emplace(Error(Errc::kNotCanonical, "body is not in canonical form"));
      return;
    }
    result.emplace(read(message.getRoot<Schema>()));
  });
  if (thrown != nullptr || !result) return Error(Errc::kMalformed, "body has bad pointers");
  return *std::move(result);
}

// ---- pieces ----

// Whole: from a std::string it would end at the first NUL.
inline capnp::Text::Reader to_text(const std::string& text) { return {text.c_str(), text.size()}; }

inline capnp::Data::Reader to_data(ByteView bytes) { return {bytes.data(), bytes.size()}; }
template <class Tag>
capnp::Data::Reader to_data(const Id<Tag>& id) {
  return to_data(id.view());
}
inline Bytes to_bytes(capnp::Data::Reader reader) { return Bytes(reader.begin(), reader.end()); }

inline bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const unsigned size = lead < 0x80    ? 1
                          : lead >= 0xf0 ? 4
                          : lead >= 0xe0 ? 3
                          : lead >= 0xc2 ? 2
                                         : 0;
    if (size == 0 || lead > 0xf4 || i + size > text.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fU >> size);
    for (unsigned k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

inline Result<std::string> text(capnp::Text::Reader reader, const char* what) {
  std::string value(reader.begin(), reader.size());
  if (value.size() > kTextBytesMax) return Error(Errc::kTooLarge, what);
  if (!valid_utf8(value)) return Error(Errc::kMalformed, std::string(what) + " is not UTF-8");
  return value;
}

// Of a field that the first programs do not know: what cannot be read of it is as if it were not
// there, or they and we would come to other verdicts.
template <class Get>
std::string text_or_none(const Get& get) {
  std::string out;
  const auto thrown = kj::runCatchingExceptions([&] {
    if (auto read = text(get(), ""); read.ok()) out = *std::move(read);
  });
  return thrown == nullptr ? out : std::string();
}

// An id, or none where zero-length stands for none.
template <class IdType>
Result<IdType> id(capnp::Data::Reader reader, const char* what) {
  if (reader.size() == 0) return IdType{};
  if (reader.size() != IdType::kSize)
    return Error(Errc::kMalformed, std::string(what) + " is not 32 bytes");
  return IdType::from(ByteView(reader.begin(), reader.size()));
}

template <class IdType, class List>
Result<std::vector<IdType>> id_list(const List& list, const char* what) {
  if (list.size() > kReferenceCountMax) return Error(Errc::kTooLarge, what);
  std::vector<IdType> out;
  for (const auto item : list) {
    LT_TRY(const IdType value, id<IdType>(item, what));
    if (value.is_zero()) return Error(Errc::kMalformed, std::string(what) + " is empty");
    out.push_back(value);
  }
  return out;
}

template <class IdType, class Builder>
void fill_ids(Builder list, const std::vector<IdType>& ids) {
  for (unsigned i = 0; i < ids.size(); ++i) list.set(i, to_data(ids[i]));
}

template <class IdType>
capnp::Data::Reader to_data_or_none(const IdType& value) {
  return value.is_zero() ? capnp::Data::Reader() : to_data(value);
}

}  // namespace lienthong::wire
