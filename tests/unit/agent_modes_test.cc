// Who else of a machine may read a data folder.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/joining/identity_files.h"
#include "agent/joining/modes.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

class Modes : public ::testing::Test {
 protected:
  Modes() {
    std::string pattern = (fs::temp_directory_path() / "lt-modes-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = pattern;
  }
  ~Modes() override { fs::remove_all(folder_); }
  fs::path make(std::string_view name, mode_t mode) {
    const fs::path path = folder_ / name;
    std::ofstream(path) << "x";
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat found {};
    EXPECT_EQ(::stat(path.c_str(), &found), 0);
    return found.st_mode & 0777;
  }
  fs::path folder_;
};

TEST_F(Modes, WhatIsTooWideIsNarrowedAndNarrowerStays) {
  ::chmod(folder_.c_str(), 0755);
  fs::create_directory(folder_ / kStoreFolder);
  ::chmod((folder_ / kStoreFolder).c_str(), 0777);
  const fs::path key = make(kNodeKeyFile, 0644), card = make(kNodeCertFile, 0666);
  const fs::path paper = make(kRootPaperFile, 0640), pin = make(kRootPinFile, 0400);
  EXPECT_EQ(too_wide(folder_).size(), 5U);
  const auto left = narrow(folder_, Secrets::kLeft);
  ASSERT_TRUE(left.ok()) << left.error().message();
  EXPECT_EQ(left->size(), 3U);
  EXPECT_EQ(mode_of(key), 0644U);
  ::chmod(folder_.c_str(), 0755);
  ::chmod((folder_ / kStoreFolder).c_str(), 0777);
  ::chmod(card.c_str(), 0666);
  const auto narrowed = narrow(folder_);
  ASSERT_TRUE(narrowed.ok()) << narrowed.error().message();
  EXPECT_EQ(narrowed->size(), 5U);
  EXPECT_EQ(mode_of(folder_), 0750U);
  EXPECT_EQ(mode_of(folder_ / kStoreFolder), 0750U);
  EXPECT_EQ(mode_of(key), 0600U);
  EXPECT_EQ(mode_of(card), 0640U);
  EXPECT_EQ(mode_of(paper), 0600U);
  EXPECT_EQ(mode_of(pin), 0400U);
  EXPECT_TRUE(too_wide(folder_).empty());
}

}  // namespace
}  // namespace lienthong::agent
