// The files that say which machine this is, held against one another and the registry.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "agent/engine/clock.h"
#include "agent/joining/identity_check.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

namespace fs = std::filesystem;

class IdentityFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lienthong_identity_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directory(folder_ / kStoreFolder);
    province_ = deployment_.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
    deployment_.add_node(province_, true);
    const AgencyId district = deployment_.add_agency(province_, "H47.12", "Phú Ninh", "district");
    node_ = &deployment_.add_node(district);
    other_ = &deployment_.add_node(province_, true);
    put_all();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void put(std::string_view name, const std::string& text) {
    ASSERT_TRUE(write_file(folder_ / name, text, 0600).ok());
  }
  NodeCard card(const test::TestNode& node) const {
    return {node.agency, node.certificate,
            deployment_.registry()->find_certificate(node.certificate)->thousand};
  }
  void put_all() {
    put(kNodeKeyFile, render_node_keys({node_->key, node_->dh_key}));
    put(kNodeCertFile, render_node_card(card(*node_)));
    put(kRootPinFile, render_root_pin(deployment_.root()));
  }
  Result<IdentityCheck> look() {
    LT_TRY(const IdentityFiles files, read_identity_files(folder_));
    const NodeFiles made = files.provisional(entropy_);
    EXPECT_EQ(made.root, deployment_.root());
    return check_identity(folder_, files, *deployment_.registry());
  }
  std::string text(std::string_view name) { return *read_file(folder_ / name); }

  fs::path folder_;
  test::TestDeployment deployment_{5};
  SystemEntropy entropy_;
  AgencyId province_;
  test::TestNode* node_ = nullptr;
  test::TestNode* other_ = nullptr;
};

TEST_F(IdentityFilesTest, WhatFitsIsNotTalkedOf) {
  const auto found = look();
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->findings.empty());
  EXPECT_FALSE(found->card);
  EXPECT_TRUE(check_secrets(folder_).empty());
}

// Whatever digit is wrong in the keys, and whatever is cut: it is named, and nothing aborts.
TEST_F(IdentityFilesTest, AnyWrongByteOfTheKeysIsNamed) {
  const std::string good = text(kNodeKeyFile);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char digit : {'7', 'e', 'x'}) {
      std::string bad = good;
      if (bad[i] == digit) continue;
      bad[i] = digit;
      put(kNodeKeyFile, bad);
      const auto found = look();
      ASSERT_TRUE(found.ok()) << "byte " << i;
      const IdentityFinding* finding = found->critical();
      if (finding == nullptr) {
        // In a comment, or a bit that X25519 does not read: the same keys.
        const auto keys = parse_node_keys(bad);
        ASSERT_TRUE(keys.ok() && keys->signing.public_key() == node_->id());
        ASSERT_EQ(keys->dh.public_key(), node_->dh_key.public_key());
        continue;
      }
      ++wrong;
      EXPECT_NE(finding->error.detail().find("node.key"), std::string::npos)
          << finding->error.detail();
    }
  }
  EXPECT_GT(wrong, 120U);
  for (std::size_t size = 0; size < good.size(); size += 7) {
    put(kNodeKeyFile, good.substr(0, size));
    const auto found = look();
    ASSERT_TRUE(found.ok());
    EXPECT_NE(found->critical(), nullptr) << size;
  }
}

TEST_F(IdentityFilesTest, ACardThatCannotBeUsedIsWrittenAnewFromTheRegistry) {
  const std::string good = text(kNodeCertFile);
  std::vector<std::string> bad{"", good.substr(0, good.size() / 2), "rubbish\n",
                               render_node_card(card(*other_))};
  for (std::size_t i = 0; i < good.size(); i += 3) {
    bad.push_back(good);
    bad.back()[i] = bad.back()[i] == '7' ? '6' : '7';
  }
  for (const std::string& content : bad) {
    put(kNodeCertFile, content);
    const auto found = look();
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->critical(), nullptr);
    ASSERT_TRUE(found->card) << content;
    const auto renewed = renew_card(folder_, *found->card);
    ASSERT_TRUE(renewed.ok());
    EXPECT_FALSE(renewed->critical);
    EXPECT_EQ(text(kNodeCertFile), good);
    EXPECT_EQ(text("node.cert.damaged"), content);
  }
  fs::remove(folder_ / kNodeCertFile);
  ASSERT_TRUE(renew_card(folder_, *look()->card).ok());
  EXPECT_EQ(text(kNodeCertFile), good);
}

TEST_F(IdentityFilesTest, WithoutKeysTheCardStillSaysWhoseDataThisIs) {
  fs::remove(folder_ / kNodeKeyFile);
  const auto found = look();
  ASSERT_TRUE(found.ok());
  ASSERT_NE(found->critical(), nullptr);
  EXPECT_EQ(read_identity_files(folder_)->provisional(entropy_).card.agency, node_->agency);
  put(kNodeCertFile, "");
  EXPECT_EQ(look().error().code(), Errc::kCorrupt);
  put_all();
  put(kRootPinFile, "");
  EXPECT_EQ(look().error().code(), Errc::kCorrupt);
  fs::remove_all(folder_ / kStoreFolder);
  fs::remove(folder_ / kNodeKeyFile);
  EXPECT_EQ(look().error().code(), Errc::kNotFound);
}

TEST_F(IdentityFilesTest, KeysOfAMachineThatIsNotCertifiedAreNamed) {
  const test::TestNode stranger = deployment_.make_node(node_->agency);
  put(kNodeKeyFile, render_node_keys({stranger.key, stranger.dh_key}));
  const auto found = look();
  ASSERT_TRUE(found.ok());
  ASSERT_NE(found->critical(), nullptr);
  EXPECT_NE(found->critical()->error.detail().find("signing key"), std::string::npos);
}

TEST_F(IdentityFilesTest, SecretsThatLieOpenAreNamed) {
  ASSERT_EQ(::chmod((folder_ / kNodeKeyFile).c_str(), 0644), 0);
  put(kRootPaperFile, "x");
  const auto found = check_secrets(folder_);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_FALSE(found[0].critical);
  EXPECT_NE(found[0].error.detail().find("0600"), std::string::npos);
  EXPECT_NE(found[1].error.detail().find("root-paper.txt"), std::string::npos);
}

TEST_F(IdentityFilesTest, TheStampTellsThatAFileWasMended) {
  const std::string before = identity_stamp(folder_);
  EXPECT_EQ(identity_stamp(folder_), before);
  put(kNodeCertFile, text(kNodeCertFile) + "\n");
  EXPECT_NE(identity_stamp(folder_), before);
}

}  // namespace
}  // namespace lienthong::agent
