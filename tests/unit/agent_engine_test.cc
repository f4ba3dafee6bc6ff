#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <asio/any_io_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <thread>

#include "agent/engine/clock.h"
#include "agent/engine/engine.h"
#include "store/desk/operations.h"
#include "store/office/projections.h"
#include "tests/support/deployment.h"

namespace lienthong::agent {
namespace {

using std::chrono::milliseconds;

Bytes bytes_of(std::string_view text) { return to_bytes(as_bytes(text)); }

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lienthong_engine_XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    const AgencyId agency = deployment.add_agency(AgencyId{}, "H47", "Quảng Nam", "province");
    test::TestNode& node = deployment.add_node(agency, true);
    store::Identity identity(node.key);
    identity.agency = agency;
    identity.certificate = node.certificate;
    store::Options options = store::office_options();
    options.path = (folder / "store").string();
    options.entropy = &entropy;
    options.create = true;
    auto replica = store::Replica::open(options, identity, deployment.root());
    ASSERT_TRUE(replica.ok()) << replica.error().message();
    ASSERT_TRUE((*replica)->bootstrap(deployment.statements()).ok());
    engine = std::make_unique<Engine>(std::move(*replica), clock, loop.get_executor());
  }
  void TearDown() override {
    engine.reset();
    std::filesystem::remove_all(folder);
  }

  Result<void> put(std::string_view key) {
    return engine->write([&](store::Transaction& transaction) {
      transaction.set_local_value(key, bytes_of("1"));
      return Result<void>();
    });
  }
  Result<void> create_dossier() {
    return engine->write([](store::Transaction& transaction) -> Result<void> {
      auto done = store::apply_operation(transaction, store::CreateDossier{});
      if (!done) return done.error();
      return {};
    });
  }

  std::filesystem::path folder;
  test::TestDeployment deployment{1};
  SystemClock clock;
  SystemEntropy entropy;
  asio::io_context loop{1};
  std::unique_ptr<Engine> engine;
};

TEST_F(EngineTest, WhatIsWrittenIsThereWhenWriteReturns) {
  ASSERT_TRUE(put("a").ok());
  EXPECT_EQ(engine->replica().local_value("a"), bytes_of("1"));
}

TEST_F(EngineTest, JobsThatArriveDuringOneCommitGoTogetherIntoTheNext) {
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::atomic<int> together = 0, answered = 0;
  const auto count = [&](const Result<void>& result) { answered += result.ok() ? 1 : 0; };
  engine->post(
      [&, gate](store::Transaction& transaction) {
        gate.wait();
        transaction.set_local_value("first", bytes_of("1"));
        return Result<void>();
      },
      count);
  for (int i = 0; i < 299; ++i) {
    engine->post(
        [&](store::Transaction&) {
          if (!engine->replica().local_value("first"))
            ++together;  // not committed yet: the same group
          return Result<void>();
        },
        count);
  }
  go.set_value();
  engine->stop();
  EXPECT_EQ(together, 255);  // a group has 256 at most
  loop.run();
  EXPECT_EQ(answered, 300);
}

// What neighbours send of their backlogs goes after what somebody waits for here, but does not
// starve.
TEST_F(EngineTest, WhatHasItsTurnGoesAfterTheRestAndIsNotStarved) {
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::string order;  // the writer's until stop()
  engine->post(
      [gate](store::Transaction&) {
        gate.wait();
        return Result<void>();
      },
      nullptr);
  const auto post = [&](char name, Urgency urgency) {
    engine->post(
        [&order, name](store::Transaction&) {
          order += name;
          return Result<void>();
        },
        nullptr, urgency);
  };
  for (int i = 0; i < 3; ++i) post('t', Urgency::kInTurn);
  for (int i = 0; i < 600; ++i) post('n', Urgency::kNow);
  go.set_value();
  engine->stop();
  ASSERT_EQ(order.size(), 603U);
  EXPECT_EQ(order.substr(0, 255), std::string(255, 'n'))
      << "the first group has 256, the gate's own included";
  EXPECT_EQ(order[255], 't') << "a group without any is followed by one that begins with one";
  EXPECT_EQ(order.substr(256, 345), std::string(345, 'n'));
  EXPECT_EQ(order.substr(601), "tt");
}

TEST_F(EngineTest, AJobThatFailsIsRolledBackAlone) {
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::vector<Errc> errors;
  const auto note = [&](const Result<void>& result) {
    if (!result) errors.push_back(result.error().code());
  };
  engine->post(
      [&, gate](store::Transaction& transaction) {
        gate.wait();
        transaction.set_local_value("before", bytes_of("1"));
        return Result<void>();
      },
      note);
  engine->post(
      [](store::Transaction& transaction) -> Result<void> {
        transaction.set_local_value("wrong", bytes_of("1"));
        return Error(Errc::kNotAllowed, "no");
      },
      note);
  engine->post([](store::Transaction&) -> Result<void> { throw std::runtime_error("a bug"); },
               note);
  engine->post(
      [](store::Transaction& transaction) {
        transaction.set_local_value("after", bytes_of("1"));
        return Result<void>();
      },
      note);
  go.set_value();
  engine->stop();
  loop.run();
  EXPECT_EQ(errors, (std::vector<Errc>{Errc::kNotAllowed, Errc::kCorrupt}));
  EXPECT_TRUE(engine->replica().local_value("before").has_value());
  EXPECT_FALSE(engine->replica().local_value("wrong").has_value());
  EXPECT_TRUE(engine->replica().local_value("after").has_value());
}

TEST_F(EngineTest, WhatCanWaitIsTakenAlongByTheNextCommit) {
  std::atomic<int> noted = 0;
  engine->post(
      [](store::Transaction& transaction) {
        transaction.set_local_value("hint", bytes_of("1"));
        return Result<void>();
      },
      [&](const Result<void>& result) { noted += result.ok() ? 1 : 0; }, Urgency::kCanWait);
  ASSERT_TRUE(put("a").ok());
  EXPECT_TRUE(engine->replica().local_value("hint").has_value());
  engine->stop();
  loop.run();
  EXPECT_EQ(noted, 1);
}

TEST_F(EngineTest, HintsAreWrittenWithoutAnyOtherWork) {
  bool noted = false;
  const auto work = asio::make_work_guard(loop);
  engine->post(
      [](store::Transaction& transaction) {
        transaction.set_local_value("hint", bytes_of("1"));
        return Result<void>();
      },
      [&](const Result<void>& result) {
        noted = result.ok();
        loop.stop();
      },
      Urgency::kCanWait);
  loop.run_for(std::chrono::seconds(30));
  EXPECT_TRUE(noted);
  EXPECT_TRUE(engine->replica().local_value("hint").has_value());
}

TEST_F(EngineTest, AReserveIsMadeOfBlocksAndGivenBack) {
  const Reserve reserve(folder / kReserveFile);
  EXPECT_FALSE(reserve.whole());
  { const std::ofstream hole(folder / kReserveFile, std::ios::binary); }
  std::filesystem::resize_file(folder / kReserveFile, kReserveBytes);
  EXPECT_FALSE(reserve.whole()) << "a hole is no room";
  ASSERT_TRUE(reserve.make().ok());
  EXPECT_TRUE(reserve.whole());
  reserve.release();
  EXPECT_FALSE(std::filesystem::exists(folder / kReserveFile));
  reserve.release();
}

// A file system of 64 MB in memory, really full.
class FullDisk : public EngineTest {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "lienthong_full_XXXXXX").string();
    mount_point = ::mkdtemp(pattern.data());
    if (::mount("none", mount_point.c_str(), "tmpfs", 0, "size=64m") != 0) {
      std::filesystem::remove(mount_point);
      return;
    }
    mounted = true;
    ::setenv("TMPDIR", mount_point.c_str(), 1);
    EngineTest::SetUp();
    ::unsetenv("TMPDIR");
  }
  void TearDown() override {
    if (!mounted) return;
    EngineTest::TearDown();
    ::umount2(mount_point.c_str(), MNT_DETACH);
    std::filesystem::remove(mount_point);
  }
  void fill() {
    std::ofstream file(mount_point / "ballast", std::ios::binary);
    const std::string block(1U << 20, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  std::filesystem::path mount_point;
  bool mounted = false;
};

TEST_F(FullDisk, TurnsReadOnlyAndResumesByItself) {
  if (!mounted) {
    std::cout << "not tried: no right to mount a file system of its own" << std::endl;
    return;
  }
  ASSERT_TRUE(create_dossier().ok());
  bool ended = false, resumed = false;
  engine->on_failure([&](const Error&) { ended = true; });
  fill();
  const auto refused = create_dossier();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::kDiskFull);
  ASSERT_TRUE(engine->trouble().has_value());
  EXPECT_EQ(engine->trouble()->code(), Errc::kDiskFull);
  EXPECT_EQ(engine->replica().counts().updates, 1U);  // reading goes on
  EXPECT_EQ(engine->replica().changes(0, 10).size(), 1U);
  const auto work = asio::make_work_guard(loop);
  loop.restart();
  engine->on_change([&] {
    resumed = true;
    loop.stop();
  });
  std::filesystem::remove(mount_point / "ballast");
  loop.run_for(std::chrono::seconds(30));
  EXPECT_TRUE(resumed);
  EXPECT_FALSE(ended);
  EXPECT_FALSE(engine->trouble().has_value());
  EXPECT_TRUE(create_dossier().ok());
  EXPECT_EQ(engine->replica().counts().updates, 2U);
}

TEST_F(EngineTest, RefusesWorkAfterStop) {
  engine->stop();
  EXPECT_EQ(put("a").error().code(), Errc::kClosed);
}

TEST_F(EngineTest, TellsItsListenerOfUpdatesAndStatementsOnly) {
  int calls = 0;
  engine->on_change([&] { ++calls; });
  ASSERT_TRUE(put("a").ok());
  loop.poll();
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(create_dossier().ok());
  loop.restart();
  loop.poll();
  EXPECT_EQ(calls, 1);
  AgencyDeclaration child;
  child.parent = engine->replica().identity().agency;
  child.code = "H47.12";
  child.name = "Phú Ninh";
  child.tier = "district";
  child.nonce = Bytes(16, 1);
  const StatementBody body(child);
  ASSERT_TRUE(engine
                  ->write([&](store::Transaction& transaction) -> Result<void> {
                    if (auto said = transaction.state(body); !said) return said.error();
                    return {};
                  })
                  .ok());
  loop.restart();
  loop.poll();
  EXPECT_EQ(calls, 2);
}

TEST_F(EngineTest, AWaiterIsWokenByAChangeAndByStop) {
  const std::uint64_t before = engine->replica().last_change();
  EXPECT_FALSE(engine->wait_for_change(before, milliseconds(1)));
  auto waiter = std::async(std::launch::async,
                           [&] { return engine->wait_for_change(before, milliseconds(20'000)); });
  ASSERT_TRUE(create_dossier().ok());
  EXPECT_TRUE(waiter.get());
  const std::uint64_t now = engine->replica().last_change();
  auto second = std::async(std::launch::async,
                           [&] { return engine->wait_for_change(now, milliseconds(20'000)); });
  engine->stop();
  EXPECT_FALSE(second.get());
}

}  // namespace
}  // namespace lienthong::agent
