// Updates of five dossiers for the themes "parts" and "names": with every type of value that a
// column can have.
#pragma once

#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {

class Dossiers {
 public:
  explicit Dossiers(const Example& example);

  // Units of one seal each. `created`: by the commune, 12 updates, whole. `by_province`: two leaves
  // of a seal of three. `later`: by the commune, four updates, goes on from `created`.
  SealedUnit created, by_province, later;
  // Prints NAME.seal, NAME.proof, and of each leaf its index and its parts.
  static void print(const SealedUnit& unit, const std::string& name, const Example& example,
                    Theme& out);
  static UpdateId id_of(const Example& example, const SealedLeaf& leaf) {
    return update_id(example.root, leaf.update);
  }

 private:
  struct Record {
    RecordId id;
    UpdateId head, link;
    RecordSecret secret{};
  };
  Update begin(std::uint8_t number);
  Update write(Record& record, const Office& author, const OpenBody& open,
               const ClosedBody* closed = nullptr);
  void write_created(std::vector<Update>& out);
  std::vector<Update> write_by_province();
  std::vector<Update> write_later();
  SealedUnit seal(const Office& author, std::uint64_t incarnation, std::uint32_t number,
                  const SealId& previous, const std::vector<Update>& updates) const;

  const Example& example_;
  UnixMillis clock_ = kNow + 3'600'000;
  std::array<Record, 5> records_;
};

}  // namespace lienthong::vectors
