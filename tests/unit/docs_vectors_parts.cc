// Theme "parts": bodies of parts that name everything in full.
#include "protocol/wire/columns_coder.h"
#include "protocol/wire/part.h"
#include "tests/unit/docs_vectors_dossiers.h"

namespace lienthong::vectors {
namespace {

// The body, and what lies in it: head, raw bytes and coded numbers.
void print_body(const Bytes& body, const std::string& name, Theme& out) {
  out.result(name + ".body", body);
  ByteReader in(body);
  const bool coded = (*in.u8() & 1) != 0;
  const std::uint64_t head = *in.varint(), raw = coded ? *in.varint() : 0;
  out.result(name + ".head", *in.raw(head));
  out.result(name + ".raw", coded ? *in.raw(raw) : in.rest());
  if (coded) out.result(name + ".coded", in.rest());
}

void part(const FeedPart& of, const std::string& name, const Example& example, Theme& out) {
  const Bytes body = wire::encode_part_body(example.root, of);
  const auto back = wire::decode_part_body(example.root, body);
  LT_CHECK(back.ok() && back->units == of.units && back->statements == of.statements);
  print_body(body, name, out);
}

// Numbers one after another by one model, so that the coder can be tried alone.
void coder(Theme& out) {
  const std::vector<std::uint64_t> numbers{
      0, 0, 1, 2, 3, 511, 512, 1000, 0, 65'535, 1ULL << 40, ~std::uint64_t{0}, 0, 0, 0, 7, 7, 7};
  wire::RangeEncoder encoder;
  wire::NumberModel model;
  std::string list;
  for (const std::uint64_t number : numbers) {
    model.encode(encoder, number);
    list += (list.empty() ? "" : " ") + std::to_string(number);
  }
  const Bytes bytes = encoder.finish();
  wire::RangeDecoder decoder(bytes);
  wire::NumberModel again;
  for (const std::uint64_t number : numbers) LT_CHECK(again.decode(decoder) == number);
  LT_CHECK(decoder.finished());
  out.input("numbers", std::string_view(list));
  out.result("numbers.coded", bytes);
  // Other bytes that would read as the same.
  Bytes longer = bytes, other = bytes;
  longer.push_back(1);
  ++other.back();
  for (const auto& [name, spelling] :
       {std::pair{"numbers.longer", longer}, std::pair{"numbers.other", other}}) {
    wire::RangeDecoder in(spelling);
    wire::NumberModel from_start;
    for (const std::uint64_t number : numbers) LT_CHECK(from_start.decode(in) == number);
    LT_CHECK(!in.finished());
    out.input(name, spelling);
    out.result(std::string(name) + ".read", std::string_view("malformed"));
  }
  wire::RangeEncoder zeros;
  wire::NumberModel of_zeros;
  for (int i = 0; i < 1'000; ++i) of_zeros.encode(zeros, 0);
  out.input("zeros", std::uint64_t{1'000});
  out.result("zeros.coded", zeros.finish());
}

void verbatim(const Example& example, Theme& out) {
  Update update = example.first;
  update.envelope.rules_version = 2;
  // A structure of two words of data: one more than there is now would be of a later version.
  update.open = {0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
  update.closed_hash = closed_part_hash(example.root, Example::secret(),
                                        encode_envelope(update.envelope), update.closed);
  const std::array leaves{id_cast<Hash256>(update_id(example.root, update))};
  FeedPart of;
  of.units.push_back({make_seal(example.root, example.province.key, example.province.certificate,
                                Example::kIncarnation, 1, SealId{}, leaves),
                      {SealedLeaf{0, update}},
                      {}});
  Dossiers::print(of.units[0], "verbatim.unit", example, out);
  part(of, "verbatim", example, out);
}

}  // namespace

void parts(Theme& out) {
  const Example example;
  coder(out);
  part(example.part(), "plain", example, out);
  FeedPart registry;
  registry.statements = example.statements;
  part(registry, "registry", example, out);
  verbatim(example, out);
  const Dossiers dossiers(example);
  Dossiers::print(dossiers.created, "created", example, out);
  Dossiers::print(dossiers.by_province, "by_province", example, out);
  FeedPart coded;
  coded.units = {dossiers.created, dossiers.by_province};
  part(coded, "coded", example, out);
}

}  // namespace lienthong::vectors
