#include "protocol/session/packer.h"

#include "protocol/wire/dictionary.h"

namespace lienthong {

static_assert(wire::kDictionaryNewest == 1, "SharedTables keeps two");

wire::MessageDeflater& SharedTables::deflater(std::uint32_t dictionary) {
  auto& kept = deflaters_.at(dictionary);
  if (!kept) kept = std::make_unique<wire::MessageDeflater>(dictionary);
  return *kept;
}

wire::MessageInflater& SharedTables::inflater(std::uint32_t dictionary) {
  auto& kept = inflaters_.at(dictionary);
  if (!kept) kept = std::make_unique<wire::MessageInflater>(dictionary);
  return *kept;
}

Packer::Packer(std::shared_ptr<SharedTables> tables)
    : tables_(tables ? std::move(tables) : std::make_shared<SharedTables>()) {}

wire::Packed Packer::pack(wire::Lane lane, Bytes message, bool backlog, std::size_t dense) {
  wire::Packed packed;
  packed.lane = lane;
  if (backlog) {
    auto& stream = streams_[static_cast<std::size_t>(lane)];
    packed.packing = stream ? wire::Packing::kStream : wire::Packing::kStreamBegin;
    if (!stream) {
      stream = std::make_unique<wire::BacklogDeflater>(wire::backlog_level(rate_), dictionary_);
    }
    if (auto bytes = stream->deflate(message, dense)) {
      packed.bytes = *std::move(bytes);
      return packed;
    }
    stream.reset();
  } else if (lane != wire::Lane::kBlobs && message.size() >= kAloneBytesMin) {
    if (auto bytes = tables_->deflater(dictionary_).deflate(message, dense)) {
      packed.packing = wire::Packing::kAlone;
      packed.bytes = *std::move(bytes);
      return packed;
    }
  }
  packed.packing = wire::Packing::kPlain;
  packed.bytes = std::move(message);
  return packed;
}

Result<Bytes> Packer::unpack(wire::Packed packed) {
  auto& stream = inflaters_[static_cast<std::size_t>(packed.lane)];
  switch (packed.packing) {
    case wire::Packing::kPlain: return std::move(packed.bytes);
    case wire::Packing::kAlone: return tables_->inflater(dictionary_).inflate(packed.bytes);
    case wire::Packing::kStreamBegin:
      stream = std::make_unique<wire::BacklogInflater>(dictionary_);
      return stream->inflate(packed.bytes);
    case wire::Packing::kStream: break;
  }
  if (!stream) return Error(Errc::kMalformed, "stream that was not begun");
  return stream->inflate(packed.bytes);
}

}  // namespace lienthong
