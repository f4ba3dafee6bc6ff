// Trains protocol/wire/dictionary_N.bin on generated traffic: messages as they go out one by one,
// of many offices. docs/protocol/parts.md, "Dictionaries". Seeds and communes are not those that
// encode_size measures with.
#include <zdict.h>

#include <cstdio>
#include <fstream>

#include "protocol/wire/part.h"
#include "tests/bench/encode_world.h"

namespace {

using namespace lienthong;

constexpr std::size_t kDictionaryBytes = 24 * 1024;
constexpr std::size_t kOffices = 24;

struct Samples {
  Bytes bytes;
  std::vector<std::size_t> sizes;
  void add(ByteView sample) {
    if (sample.size() < 8) return;
    bytes.insert(bytes.end(), sample.begin(), sample.end());
    sizes.push_back(sample.size());
  }
};

// What is compressed of a body: its dense end is left as it is.
void sample(test::EncodeWorld& world, const FeedPart& part, Samples& samples) {
  const auto names = world.offices.commune->replica().names();
  const Bytes body = wire::encode_part_body(world.offices.deployment.root(), part, names.get());
  samples.add(ByteView(body).first(body.size() - wire::dense_tail(body)));
}

void office(std::uint64_t seed, Samples& samples) {
  test::EncodeWorld world(seed, (seed * 7) % 35);
  for (const std::size_t count : {40, 12, 6, 3})
    for (int i = 0; i < 2; ++i) {
      world.write_dossiers(count);
      for (const FeedPart& part : world.take_parts()) sample(world, part, samples);
    }
  for (int i = 0; i < 150; ++i) {
    world.write_changes(1);
    for (const FeedPart& part : world.take_parts()) sample(world, part, samples);
  }
  for (const std::size_t count : {2, 3, 5, 8, 20, 50, 120}) {
    world.write_changes(count);
    for (const FeedPart& part : world.take_parts()) sample(world, part, samples);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: train_dictionary FILE\n");
    return 2;
  }
  try {
    Samples samples;
    for (std::uint64_t seed = 1; seed <= kOffices; ++seed) office(seed, samples);
    Bytes dictionary(kDictionaryBytes);
    std::size_t size =
        ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), samples.bytes.data(),
                              samples.sizes.data(), static_cast<unsigned>(samples.sizes.size()));
    if (ZDICT_isError(size) != 0) throw std::runtime_error(ZDICT_getErrorName(size));
    dictionary.resize(size);
    std::ofstream out(argv[1], std::ios::binary);
    out.write(reinterpret_cast<const char*>(dictionary.data()),
              static_cast<std::streamsize>(dictionary.size()));
    if (!out.flush()) throw std::runtime_error("cannot write");
    std::printf("%zu samples of %zu bytes, dictionary of %zu\n", samples.sizes.size(),
                samples.bytes.size(), size);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
