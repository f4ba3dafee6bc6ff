// fuzz_seeds DIR: writes the inputs that each fuzzer starts from to DIR/TARGET/.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz_targets.h"

namespace {

namespace fuzz = lienthong::fuzz;

struct Seeds {
  const char* target;
  std::vector<lienthong::Bytes> (*make)();
};
constexpr Seeds kSeeds[] = {
    {"decode_message", fuzz::seeds_of_messages},
    {"decode_feed_part", fuzz::seeds_of_feed_parts},
    {"decode_hello", fuzz::seeds_of_hellos},
    {"assemble_frames", fuzz::seeds_of_frames},
    {"hostile_channel", fuzz::seeds_of_channels},
    {"decode_record", fuzz::seeds_of_records},
    {"decode_symbols", fuzz::seeds_of_symbols},
    {"decode_heal_body", fuzz::seeds_of_heal_bodies},
    {"decode_numbers", fuzz::seeds_of_numbers},
    {"inflate", fuzz::seeds_of_packed},
    {"read_bundle", fuzz::seeds_of_bundles},
    {"read_bundle_head", fuzz::seeds_of_bundle_heads},
    {"decode_bundle_record", fuzz::seeds_of_bundle_records},
    {"read_evidence", fuzz::seeds_of_evidence},
    {"read_csv", fuzz::seeds_of_csv},
    {"open_secret", fuzz::seeds_of_secrets},
    {"decode_token", fuzz::seeds_of_tokens},
    {"parse_config", fuzz::seeds_of_configs},
    {"hostile_blob_lane", fuzz::seeds_of_scripts},
    {"hostile_healing", fuzz::seeds_of_scripts},
    {"hostile_enrolment", fuzz::seeds_of_enrolments},
    {"decode_grant", fuzz::seeds_of_grants},
    {"read_enrolment_file", fuzz::seeds_of_enrolment_files},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds DIR\n", stderr);
    return 2;
  }
  for (const Seeds& seeds : kSeeds) {
    const auto folder = std::filesystem::path(argv[1]) / seeds.target;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const lienthong::Bytes& seed : seeds.make()) {
      std::ofstream file(folder / ("seed_" + std::to_string(number++)), std::ios::binary);
      for (const std::uint8_t byte : seed) file.put(static_cast<char>(byte));
      if (!file.flush()) {
        std::fprintf(stderr, "fuzz_seeds: cannot write to %s\n", folder.c_str());
        return 1;
      }
    }
  }
  return 0;
}
