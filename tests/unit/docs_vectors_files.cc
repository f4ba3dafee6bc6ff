// Theme "files": trees of chunks, and what lane 4 says.
#include "protocol/session/blob_lane.h"
#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

// Byte i of a file is i modulo 251.
struct File {
  Bytes content;
  std::vector<Bytes> chunks;
  std::optional<ChunkTree> tree;

  File(const RootFingerprint& root, std::size_t size) : content(size) {
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i % 251);
    ChunkHasher hasher(root);
    const auto keep = [&](std::uint32_t, ByteView bytes) { chunks.push_back(to_bytes(bytes)); };
    LT_CHECK(hasher.add(content, keep).ok());
    tree = *hasher.finish(keep);
  }
};

Bytes joined(const std::vector<Hash256>& hashes) {
  ByteWriter out;
  for (const Hash256& hash : hashes) out.raw(hash.view());
  return out.take();
}

void trees(const Example& example, Theme& out) {
  for (const std::size_t size :
       {std::size_t{1000}, std::size_t{70'000}, std::size_t{150'000}, std::size_t{300'000}}) {
    const File file(example.root, size);
    const std::string name = "file." + std::to_string(size);
    for (std::uint32_t i = 0; i < file.tree->count(); ++i) {
      const std::vector<Hash256> proof = file.tree->proof(i);
      LT_CHECK(verify_chunk(example.root, file.tree->id(), size, i, file.chunks[i], proof).ok());
      out.result(name + ".leaf." + std::to_string(i), chunk_hash(example.root, file.chunks[i]));
      if (file.tree->count() > 1) out.result(name + ".proof." + std::to_string(i), joined(proof));
    }
    out.result(name + ".id", file.tree->id());
    out.result(name + ".digest", std::string_view(blob_text(file.tree->id())));
  }
}

// Holds these files, and gives them to everybody.
class Holder final : public BlobView {
 public:
  std::vector<const File*> files;
  BlobEnd may_read(const AgencyId&, const BlobId&, const RecordId&) const override {
    return BlobEnd::kSent;
  }
  std::optional<RecordId> asked_under(const AgencyId&, const BlobId&,
                                      const std::set<RecordId>& refused) const override {
    return refused.empty() ? std::optional(RecordId{filled<32>(0x31)}) : std::nullopt;
  }
  std::optional<std::uint64_t> held_size(const BlobId& id) const override {
    const File* file = find(id);
    return file == nullptr ? std::nullopt : std::optional(file->tree->size());
  }
  std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const override {
    const File* file = find(id);
    if (file == nullptr) return std::nullopt;
    return HeldChunk{file->tree->size(), file->chunks.at(index), file->tree->proof(index)};
  }

 private:
  const File* find(const BlobId& id) const {
    for (const File* file : files)
      if (file->tree->id() == id) return file;
    return nullptr;
  }
};

// What is said until nobody has anything to say, by turns; the asker stores at once.
class Conversation {
 public:
  Conversation(std::string name, Theme& out) : name_(std::move(name)), out_(out) {}

  void run(BlobLane& asker, BlobLane& giver) {
    for (bool said = true; said;) {
      asker.on_tick();
      said = pass(asker, giver, "asker");
      said = pass(giver, asker, "giver") || said;
    }
  }
  std::vector<StoreChunk> stored;
  std::optional<PeerProved> proved;

 private:
  bool pass(BlobLane& from, BlobLane& to, const std::string& who) {
    bool said = false;
    while (auto body = from.next_message(kBlobPieceBytesMax)) {
      said = true;
      out_.result(name_ + '.' + std::to_string(number_++) + '.' + who, *body);
      LT_CHECK(to.on_message(*body).ok());
      for (BlobAction& action : to.take_actions()) {
        if (auto* chunk = std::get_if<StoreChunk>(&action)) {
          stored.push_back(*chunk);
          to.on_stored();
        } else if (const auto* proof = std::get_if<PeerProved>(&action)) {
          proved = *proof;
        }
      }
      to.on_tick();
    }
    return said;
  }
  std::string name_;
  Theme& out_;
  std::size_t number_ = 0;
};

void conversations(const Example& example, Theme& out) {
  const File small(example.root, 1000), large(example.root, 70'000);
  Holder holder, asker_files;
  holder.files = {&small, &large};
  asker_files.files = {&small};
  BlobLane giver(holder, example.root,
                 {example.commune.agency, example.commune.id(), example.province.id()});
  BlobLane asker(asker_files, example.root,
                 {example.province.agency, example.province.id(), example.commune.id()});

  Conversation fetch("fetch", out);
  asker.fetch(large.tree->id(), {{1, 1}});
  fetch.run(asker, giver);
  LT_CHECK(fetch.stored.size() == 1 && fetch.stored[0].chunk.bytes == large.chunks[1]);

  Conversation missing("missing", out);
  asker.fetch(BlobId{filled<32>(0x77)}, {{0, 2}, {5, 1}});
  missing.run(asker, giver);

  const BlobNonce nonce = filled<16>(0x31);
  out.input("prove.nonce", nonce);
  Conversation prove("prove", out);
  LT_CHECK(asker.prove(small.tree->id(), RecordId{filled<32>(0x31)}, nonce));
  prove.run(asker, giver);
  LT_CHECK(prove.proved && prove.proved->held);
  out.result("prove.hash", hash(kTagBlobHeld, example.root, ByteView(nonce), example.province.id(),
                                small.tree->id(), ByteView(small.content)));

  Conversation have("have", out);
  asker.announce(small.tree->id(), small.content.size());
  have.run(asker, giver);
}

}  // namespace

void files(Theme& out) {
  const Example example;
  trees(example, out);
  conversations(example, out);
}

}  // namespace lienthong::vectors
