// Holds the documents to the code: limits, tags, fields, and the names of the tests that they say
// hold a rule. The vectors are docs_vectors_page_test.cc's.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/fields.h"
#include "protocol/session/hello.h"
#include "protocol/session/window.h"
#include "protocol/wire/message.h"
#include "store/replica/pushes.h"
#include "store/replica/replica.h"

namespace lienthong {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// All pages.
std::string all_documents() {
  const auto docs = std::filesystem::path(LT_SOURCE_DIR) / "docs";
  std::string out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(docs))
    if (entry.path().extension() == ".md") out += read_text(entry.path());
  return out;
}

std::string protocol_page(const char* name) {
  return read_text(std::filesystem::path(LT_SOURCE_DIR) / "docs" / "protocol" / name);
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Cells of a row of a table, without the blanks around them.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> out;
  if (!line.starts_with("| ")) return out;
  line.remove_prefix(2);
  for (std::size_t end; (end = line.find(" |")) != std::string_view::npos;) {
    out.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(line.size(), end + 3));
  }
  return out;
}

// `kName` or `room::kName`, in backquotes.
bool is_limit(std::string_view cell) {
  if (cell.size() < 4 || cell.front() != '`' || cell.back() != '`') return false;
  cell = cell.substr(1, cell.size() - 2);
  if (const auto room = cell.rfind("::"); room != std::string_view::npos)
    cell = cell.substr(room + 2);
  return cell.size() > 2 && cell[0] == 'k' && cell[1] >= 'A' && cell[1] <= 'Z' &&
         std::ranges::all_of(cell, is_word);
}

// The word that begins at `at`.
std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(at, end - at);
}

// Lines of its tables: | `kName` | 123 | …
TEST(ProtocolDocument, ListsTheLimitsOfTheCode) {
  const std::map<std::string, std::uint64_t> expected{
      {"kOpenBytesMax", kOpenBytesMax},
      {"kClosedBytesMax", kClosedBytesMax},
      {"kParentCountMax", kParentCountMax},
      {"kSealUpdateCountMax", kSealUpdateCountMax},
      {"kStatementBytesMax", kStatementBytesMax},
      {"kAncestorCountMax", kAncestorCountMax},
      {"kReferenceCountMax", kReferenceCountMax},
      {"kTextBytesMax", kTextBytesMax},
      {"kActionBytesMax", kActionBytesMax},
      {"kChainDepthMax", kChainDepthMax},
      {"kTraversalWordsMax", kTraversalWordsMax},
      {"kNestingDepthMax", kNestingDepthMax},
      {"kAgencyDepthMax", kAgencyDepthMax},
      {"kAgencyCodeBytesMax", kAgencyCodeBytesMax},
      {"kAgencyNameBytesMax", kAgencyNameBytesMax},
      {"kPenEntryCountMax", kPenEntryCountMax},
      {"kChunkBytes", kChunkBytes},
      {"kBlobBytesMax", kBlobBytesMax},
      {"kBlobProofCountMax", kBlobProofCountMax},
      {"kBlobRangeCountMax", kBlobRangeCountMax},
      {"kBlobWantCountMax", kBlobWantCountMax},
      {"kBlobWindowChunks", kBlobWindowChunks},
      {"kBlobPieceBytesMax", kBlobPieceBytesMax},
      {"kBundleRecipientCountMax", kBundleRecipientCountMax},
      {"kIssuedBytesMax", kIssuedBytesMax},
      {"kUpholdsByItself", kUpholdsByItself},
      {"kStatementExtraBytes", kStatementExtraBytes},
      {"kIssuedCutsShare", kIssuedCutsShare},
      {"kPenShareCountMax", kPenShareCountMax},
      {"kPenShareCountMin", kPenShareCountMin},
      {"kPenUnknownCountMax", kPenUnknownCountMax},
      {"kPenRevokedCountMax", kPenRevokedCountMax},
      {"kPushedCountMax", store::kPushedCountMax},
      {"kPushedBelowMax", store::kPushedBelowMax},
      {"kWaitingStatementShareMax", kWaitingStatementShareMax},
      {"kWaitingStatementCountMax", kWaitingStatementCountMax},
      {"lienthong::kRefusedCountMax", kRefusedCountMax},
      {"kFrameBytesMax", kFrameBytesMax},
      {"kMessageBytesMax", kMessageBytesMax},
      {"kInflateRatioMax", kInflateRatioMax},
      {"kHelloBytesMax", kHelloBytesMax},
      {"kCursorRangeCountMax", kCursorRangeCountMax},
      {"kProgramVersionBytesMax", kProgramVersionBytesMax},
      {"wire::kRefusedCountMax", wire::kRefusedCountMax},
      {"kCredentialCountMax", wire::kCredentialCountMax},
      {"kReasonBytesMax", wire::kReasonBytesMax},
      {"kPartUpdateCountMax", kPartUpdateCountMax},
      {"kPartColumnCountMax", kPartColumnCountMax},
      {"kPartRebuiltBytesMax", kPartRebuiltBytesMax},
      {"kIntakeBytesMax", kIntakeBytesMax},
      {"kSessionWindowMax", kSessionWindowMax},
      {"kSessionWindowMin", kSessionWindowMin},
      {"kCustodyWindow", kCustodyWindow},
      {"kControlWindow", kControlWindow},
      {"kHealEntryCountMin", kHealEntryCountMin},
      {"kHealSymbolCountMin", kHealSymbolCountMin},
      {"kHealSymbolCountMax", kHealSymbolCountMax},
      {"kHealWantCountMax", kHealWantCountMax},
  };
  std::map<std::string, std::uint64_t> found;
  std::istringstream lines(protocol_page("limits.md"));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() < 2 || !is_limit(cells[0]) || !is_number(cells[1])) continue;
    found[cells[0].substr(1, cells[0].size() - 2)] = std::stoull(cells[1]);
  }
  EXPECT_EQ(found, expected);
}

// Every "lienthong/1 …" between two of these marks.
std::set<std::string> tags_between(std::string_view text, char mark) {
  std::set<std::string> out;
  const std::string begin = mark + std::string("lienthong/1 ");
  for (std::size_t at = text.find(begin); at != std::string_view::npos;
       at = text.find(begin, at + 1))
    out.emplace(text.substr(at + 1, text.find(mark, at + 1) - at - 1));
  return out;
}

// Those of hash.h: what a table leaves out nobody else can compute.
TEST(ProtocolDocument, ListsTheTagsOfTheCode) {
  const auto header = std::filesystem::path(LT_SOURCE_DIR) / "protocol" / "crypto" / "hash.h";
  const auto code = tags_between(read_text(header), '"');
  EXPECT_TRUE(code.contains(std::string(kTagHeal)));
  std::set<std::string> page;
  std::istringstream lines(protocol_page("notation.md"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("| `lienthong/1 "))
      page.merge(tags_between(line.substr(0, line.find(" |")), '`'));
  EXPECT_EQ(page, code);
}

std::string type_name(FieldType type) {
  switch (type) {
    case FieldType::kText: return "text";
    case FieldType::kInstant: return "time";
    case FieldType::kInteger:
    case FieldType::kStatus:
    case FieldType::kChannel: return "integer";
    case FieldType::kAgency: return "data: agency id";
    case FieldType::kComponents: return "data: canonical ComponentList";
    case FieldType::kFees: return "data: canonical FeeList";
    case FieldType::kRecord: return "data: record id";
    case FieldType::kJson: return "text: JSON";
  }
  return "";
}

// Number, name and, as far as the page says it in a word, type.
TEST(ProtocolDocument, ListsTheFieldsOfTheCode) {
  std::map<unsigned long, std::pair<std::string, std::string>> expected, found;
  for (const FieldInfo& info : all_fields())
    expected[static_cast<unsigned long>(info.field)] = {std::string(info.json),
                                                        type_name(info.type)};
  const std::string page = protocol_page("bodies.md");
  std::istringstream lines(page.substr(page.find("\n## Fields\n")));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() < 3 || cells[0].empty() || cells[0][0] < '0' || cells[0][0] > '9') continue;
    const bool integer = cells[2].starts_with("integer");
    found[std::stoul(cells[0], nullptr, 0)] = {cells[1], integer ? "integer" : cells[2]};
  }
  EXPECT_EQ(found, expected);
}

// Suite.Name of every test in that source.
void add_tests(std::string_view text, std::set<std::string>& out) {
  for (const std::string_view macro : {"TEST(", "TEST_F(", "TEST_P(", "RC_GTEST_PROP("}) {
    for (std::size_t at = text.find(macro); at != std::string_view::npos;
         at = text.find(macro, at + 1)) {
      if (at > 0 && is_word(text[at - 1])) continue;
      const std::string_view suite = word_at(text, at + macro.size());
      const std::size_t comma = at + macro.size() + suite.size();
      if (!text.substr(comma).starts_with(",")) continue;
      const std::size_t name = text.find_first_not_of(" \n", comma + 1);
      if (name == std::string_view::npos) continue;
      out.insert(std::string(suite) + '.' + std::string(word_at(text, name)));
    }
  }
}

// What stands in backquotes and has the form Suite.Name.
std::vector<std::string> tests_named(std::string_view text) {
  std::vector<std::string> out;
  const auto capital = [](std::string_view word) {
    return word.size() > 1 && word[0] >= 'A' && word[0] <= 'Z';
  };
  for (std::size_t at = text.find('`'); at != std::string_view::npos; at = text.find('`', at + 1)) {
    const std::string_view suite = word_at(text, at + 1);
    const std::size_t dot = at + 1 + suite.size();
    if (!capital(suite) || !text.substr(dot).starts_with(".")) continue;
    const std::string_view name = word_at(text, dot + 1);
    if (!capital(name) || !text.substr(dot + 1 + name.size()).starts_with("`")) continue;
    out.push_back(std::string(suite) + '.' + std::string(name));
  }
  return out;
}

// A name in backquotes of the form Suite.Name is a test's.
TEST(ProtocolDocument, NamesOnlyTestsThatExist) {
  std::set<std::string> tests;
  const auto folder = std::filesystem::path(LT_SOURCE_DIR) / "tests";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".cc") add_tests(read_text(entry.path()), tests);
  ASSERT_GT(tests.size(), 500U);
  const std::vector<std::string> named = tests_named(all_documents());
  for (const std::string& name : named) EXPECT_TRUE(tests.contains(name)) << name;
  EXPECT_GT(named.size(), 50U);
}

}  // namespace
}  // namespace lienthong
