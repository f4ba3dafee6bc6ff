// Databases of format 1: replicas of the district, with rows of every kind. Written once, opened by
// a test for ever as a copy.
#pragma once

#include <filesystem>
#include <memory>
#include <set>

#include "store/replica/replica.h"
#include "tests/unit/golden_items.h"

namespace lienthong::golden {

// Letters of the rows that this program keeps: "U", "scans/b", …
std::set<std::string> letters_kept();

// Writes one into that folder, which does not exist. The item bears whose it is; what it holds is
// read_database()'s to say.
Item make_database(const std::filesystem::path& folder);

class OpenDatabase {
 public:
  // `item`: whose it is. Throws std::runtime_error where it cannot be opened.
  OpenDatabase(const std::filesystem::path& folder, const Item& item);
  ~OpenDatabase();
  store::Replica& replica() { return *replica_; }

 private:
  std::unique_ptr<Entropy> entropy_;
  std::unique_ptr<store::Replica> replica_;
};

// What it holds, in words.
Item read_database(OpenDatabase& open, const Item& item);

}  // namespace lienthong::golden
