// Rows of the database read one after the other.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "store/replica/database.h"
#include "store/replica/rows.h"

namespace lienthong::store {
namespace {

class RowReading : public ::testing::Test {
 protected:
  RowReading() : env(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    auto opened = Database::open("/database", env.get(), true);
    database = *std::move(opened);
  }
  void put(std::uint64_t number, const std::string& value) {
    Changes changes;
    changes.rows.emplace(key::update(number), value);
    ASSERT_TRUE(database->write(changes).ok());
  }
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<Database> database;
};

TEST_F(RowReading, GivesWhatALookUpOfEachRowGives) {
  for (std::uint64_t number = 200; number < 600; ++number)
    if (number % 7 != 0) put(number, "row " + std::to_string(number));
  const std::vector<std::uint64_t> orders[] = {
      {200, 201, 202, 203, 204, 205}, {254, 255, 256, 257, 258}, {300, 299, 298, 300, 301, 301},
      {202, 203, 204, 500, 501, 205}, {599, 600, 601},           {500, 200, 201, 202, 501, 502},
      {208, 209, 210, 211, 212, 213}};
  for (const auto& order : orders) {
    RowReader reader(*database);
    for (const std::uint64_t number : order)
      EXPECT_EQ(reader.get(key::update(number)), database->get(key::update(number))) << number;
  }
}

TEST_F(RowReading, StaysWithTheStateInWhichItBegan) {
  for (std::uint64_t number = 1; number < 4; ++number) put(number, "old");
  RowReader reader(*database);
  EXPECT_EQ(reader.get(key::update(1)), "old");
  EXPECT_EQ(reader.get(key::update(2)), "old");
  put(3, "new");
  EXPECT_EQ(reader.get(key::update(3)), "old");
}

}  // namespace
}  // namespace lienthong::store
