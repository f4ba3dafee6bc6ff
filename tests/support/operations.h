// Operations on an office of a test: carried out in one commit, or refused and nothing written.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/record/fields.h"
#include "store/desk/operations.h"
#include "tests/support/offices.h"

namespace lienthong::test {

// A second later than the one before.
inline Result<store::OperationResult> apply_to(Office& office, const store::Operation& operation) {
  store::Transaction transaction(office.replica(), office.now += 1000);
  auto result = store::apply_operation(transaction, operation);
  if (!result.ok()) return result;
  LT_TRY_VOID(transaction.commit());
  return result;
}

// A dossier that bears that code; without one it is numbered.
inline store::CreateDossier new_dossier(std::string_view code, std::vector<FieldWrite> open = {},
                                        std::vector<FieldWrite> closed = {}) {
  store::CreateDossier out{std::move(open), std::move(closed), {}};
  if (!code.empty())
    out.open.push_back({static_cast<std::uint16_t>(Field::kCode), std::string(code)});
  return out;
}

// With that error, whose text has every one of those words; nothing is written.
inline void expect_refused(Office& office, const store::Operation& operation, Errc code,
                           std::initializer_list<std::string_view> words) {
  const auto before = office.replica().counts().updates;
  const auto result = apply_to(office, operation);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), code) << result.error().message();
  for (const std::string_view word : words)
    EXPECT_NE(result.error().detail().find(word), std::string::npos)
        << "no \"" << word << "\" in: " << result.error().detail();
  EXPECT_EQ(office.replica().counts().updates, before);
}

}  // namespace lienthong::test
