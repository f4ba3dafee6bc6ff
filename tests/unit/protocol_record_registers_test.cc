// Registers read by their types, and the one table of the ten states.
#include <gtest/gtest.h>

#include "protocol/base/bytes.h"
#include "protocol/record/registers.h"

namespace lienthong {
namespace {

constexpr std::uint16_t number(Field field) { return static_cast<std::uint16_t>(field); }

UpdateId update_id(std::uint8_t first) {
  UpdateId id;
  id.bytes[0] = first;
  return id;
}

// ---- registers ----

TEST(Registers, AreReadByTheirTypes) {
  AgencyId agency;
  agency.bytes[3] = 7;
  RecordState state;
  state.open_fields[number(Field::kCode)] = {{}, std::string("H47-230401-0001")};
  state.open_fields[number(Field::kDueAt)] = {{}, std::int64_t{1'680'307'200'000}};
  state.open_fields[number(Field::kStatus)] = {{}, std::int64_t{7}};
  state.open_fields[number(Field::kIntakeAgency)] = {{}, to_bytes(agency.view())};
  EXPECT_EQ(code_or_empty(state), "H47-230401-0001");
  EXPECT_EQ(open_integer(state, Field::kDueAt), 1'680'307'200'000);
  EXPECT_EQ(open_status(state), Status::kWithdrawn);
  EXPECT_EQ(open_agency(state, Field::kIntakeAgency), agency);
  EXPECT_EQ(open_bytes(state, Field::kIntakeAgency), to_bytes(agency.view()));
}

TEST(Registers, SayNothingOfWhatWasNotWrittenOrClearedOrIsOfAnotherType) {
  RecordState state;
  state.open_fields[number(Field::kCode)] = {{}, std::int64_t{5}};
  state.open_fields[number(Field::kDueAt)] = {{}, FieldValue()};
  state.open_fields[number(Field::kStatus)] = {{}, std::int64_t{11}};
  state.open_fields[number(Field::kIntakeAgency)] = {{}, Bytes(31, 1)};
  EXPECT_FALSE(open_text(state, Field::kCode));
  EXPECT_EQ(code_or_empty(state), "");
  EXPECT_FALSE(open_integer(state, Field::kDueAt));
  EXPECT_FALSE(open_integer(state, Field::kFinishedAt));
  EXPECT_FALSE(open_status(state));
  EXPECT_FALSE(open_agency(state, Field::kIntakeAgency));
  ASSERT_NE(open_value(state, Field::kDueAt), nullptr)
      << "cleared is not the same as never written";
  EXPECT_EQ(*open_value(state, Field::kDueAt), FieldValue());
  EXPECT_EQ(open_value(state, Field::kFinishedAt), nullptr);
}

TEST(Registers, TakeTheCreatorForTheDeskWhereNoneIsNamed) {
  AgencyId origin, named;
  origin.bytes[0] = 1;
  named.bytes[0] = 2;
  RecordState state;
  state.origin = origin;
  EXPECT_EQ(intake_of(state), origin);
  state.open_fields[number(Field::kIntakeAgency)] = {{}, Bytes(3, 1)};
  EXPECT_EQ(intake_of(state), origin);
  state.open_fields[number(Field::kIntakeAgency)] = {{}, to_bytes(named.view())};
  EXPECT_EQ(intake_of(state), named);
}

TEST(Registers, OfAnUpdateAreWhatItWrote) {
  const std::vector<FieldWrite> writes = {{number(Field::kUnit), std::string("Phòng Tư pháp")},
                                          {number(Field::kDueAt), FieldValue()},
                                          {number(Field::kStatus), std::int64_t{9}},
                                          {number(Field::kStep), std::int64_t{2}}};
  EXPECT_EQ(written_text(writes, Field::kUnit), "Phòng Tư pháp");
  EXPECT_EQ(written_integer(writes, Field::kStep), 2);
  EXPECT_EQ(written_status(writes), Status::kDone);
  EXPECT_FALSE(written_integer(writes, Field::kDueAt));
  EXPECT_NE(written_value(writes, Field::kDueAt), nullptr);
  EXPECT_EQ(written_value(writes, Field::kCode), nullptr);
  EXPECT_FALSE(written_status({}));
}

TEST(Registers, ConflictWhereTwoWritesStandInOne) {
  RecordState state;
  state.open_fields[number(Field::kCode)] = {{update_id(1)}, std::string("a")};
  EXPECT_FALSE(has_conflict(state));
  state.closed_fields[number(Field::kSummary)] = {{update_id(1), update_id(2)}, FieldValue()};
  EXPECT_TRUE(has_conflict(state));
}

TEST(Registers, SetAsideIsOpenUntilTheHolderAdoptsIt) {
  RecordState state;
  state.set_aside = {update_id(1), update_id(2), update_id(3)};
  state.adopted = {update_id(2)};
  EXPECT_EQ(open_set_aside(state), (std::vector<UpdateId>{update_id(1), update_id(3)}));
}

// ---- states ----

TEST(Statuses, AreTenAndBearThePortalsCodes) {
  ASSERT_EQ(all_statuses().size(), 10U);
  std::int64_t code = 0;
  for (const StatusInfo& info : all_statuses()) {
    EXPECT_EQ(portal_code(info.status), ++code);
    EXPECT_EQ(status_from_number(code), info.status);
    EXPECT_EQ(status_from_json(info.json), info.status);
    EXPECT_EQ(to_json(info.status), info.json);
    EXPECT_FALSE(info.portal_name.empty());
  }
  EXPECT_EQ(all_statuses().back().portal_name, "Đã trả kết quả");
}

TEST(Statuses, AreNoneOutsideTheTen) {
  EXPECT_FALSE(status_from_number(0));
  EXPECT_FALSE(status_from_number(11));
  EXPECT_FALSE(status_from_number(-1));
  EXPECT_FALSE(status_from_json(""));
  EXPECT_FALSE(status_from_json("lost"));
}

// Domain "States and transitions", row by row.
TEST(Statuses, FollowEachOtherAsTheDomainSays) {
  struct Row {
    std::optional<Status> from;
    std::vector<Status> to;
  };
  using enum Status;
  const std::vector<Row> rows = {
      {std::nullopt, {kRegistered, kAccepted, kRefused}},
      {kRegistered, {kAccepted, kRefused, kWithdrawn}},
      {kAccepted, {kRefused, kProcessing, kWithdrawn, kDone}},
      {kRefused, {}},
      {kProcessing, {kRefused, kSupplement, kPayment, kWithdrawn, kStopped, kDone}},
      {kSupplement, {kRefused, kProcessing, kWithdrawn, kStopped}},
      {kPayment, {kProcessing, kWithdrawn}},
      {kWithdrawn, {}},
      {kStopped, {kProcessing}},
      {kDone, {kProcessing, kReturned}},
      {kReturned, {kProcessing}},
  };
  for (const Row& row : rows) {
    std::vector<Status> allowed;
    for (const StatusInfo& info : all_statuses())
      if (row.from != info.status && transition_allowed(row.from, info.status))
        allowed.push_back(info.status);
    EXPECT_EQ(allowed, row.to) << (row.from ? to_json(*row.from) : "new");
    if (row.from) {
      EXPECT_TRUE(transition_allowed(row.from, *row.from));
    }
  }
}

}  // namespace
}  // namespace lienthong
