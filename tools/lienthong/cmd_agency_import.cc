// agency import: agencies below one's own from a table, each declared once.
#include <array>
#include <map>
#include <set>

#include "store/text/plain.h"
#include "store/text/table.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"
#include "tools/lienthong/words.h"

namespace lienthong::tools {
namespace {

constexpr std::array kUnitHeadings = {
    store::Heading{"code", "ma macoquan madonvi madinhdanh unitcode agencycode"},
    store::Heading{"name", "ten tencoquan tendonvi coquan donvi agency"},
    store::Heading{"tier", "cap capdonvi capcoquan loai level"},
};

struct CalledTier {
  const char* tier;
  std::string_view words;
};
constexpr std::array kCalledTiers = {
    CalledTier{"province", " province tinh captinh thanhpho so songanh "},
    CalledTier{"district", " district huyen caphuyen quan thixa phongban "},
    CalledTier{"commune", " commune xa capxa phuong thitran dackhu "},
};

std::string tier_of(const std::string& cell) {
  const std::string key = " " + store::word_key(cell) + " ";
  for (const CalledTier& each : kCalledTiers)
    if (each.words.find(key) != std::string_view::npos) return each.tier;
  return {};
}

struct Counts {
  std::size_t lines = 0, declared = 0, known = 0;
  Json refused = Json::array();
};

class UnitImport {
 public:
  UnitImport(const Shell& shell, bool dry_run) : client_(shell.client()), dry_run_(dry_run) {
    for (const Json& agency : client_.get("/v1/agencies")) there_[text_of(agency, "code")] = agency;
  }

  void take(const store::Table& table) {
    for (const store::Row& row : table.body.rows) {
      ++counts.lines;
      Json naming = Json::object();
      for (std::size_t i = 0; i < row.cells.size(); ++i)
        naming[std::string(kUnitHeadings[table.columns[i]].name)] = row.cells[i];
      const std::string problem = declare(std::move(naming));
      if (!problem.empty()) refuse(row.line, problem);
    }
    for (const store::RowError& failed : table.body.errors) {
      ++counts.lines;
      refuse(failed.line, tell_reason(failed.error.detail()));
    }
  }

  Counts counts;

 private:
  void refuse(std::uint64_t line, const std::string& problem) {
    print_error(format("line {}: {}", line, problem));
    counts.refused.push_back({{"line", line}, {"message", problem}});
  }

  // What is wrong; empty: nothing.
  std::string declare(Json naming) {
    const auto tidy = store::tidy_code(text_of(naming, "code"));
    if (!tidy.ok()) return tell_reason(tidy.error().detail());
    const std::string& code = *tidy;
    const std::string tier = tier_of(text_of(naming, "tier"));
    if (code.empty()) return tr("the row has no code; codes are not invented here");
    if (!seen_.insert(code).second) return format("{} stands in the table twice", code);
    if (tier.empty())
      return format("\"{}\" is no tier; there are province, district and commune",
                    text_of(naming, "tier"));
    if (const auto known = there_.find(code); known != there_.end()) {
      const bool same = text_of(known->second, "name") == text_of(naming, "name") &&
                        text_of(known->second, "tier") == tier;
      if (!same)
        return format("{} is there already as {} ({}); see: lienthong agency rename", code,
                      text_of(known->second, "name"), tier_name(text_of(known->second, "tier")));
      ++counts.known;
      return {};
    }
    naming["code"] = code;
    naming["tier"] = tier;
    naming["dry_run"] = dry_run_;
    try {
      (void)client_.post("/v1/agencies", naming);
    } catch (const Failure& failure) {
      if (failure.code() != kFailed) throw;
      return failure.what();
    }
    ++counts.declared;
    return {};
  }

  const Client client_;
  const bool dry_run_;
  std::map<std::string, Json> there_;
  std::set<std::string> seen_;
};

int import_units(const Shell& shell, const std::string& file, bool dry_run) {
  const auto table = store::read_table(read_file(file), kUnitHeadings, words_passed_over());
  if (!table.ok()) throw Failure(kFailed, tell_reason(table.error().detail()));
  UnitImport import(shell, dry_run);
  import.take(*table);
  const Counts& counts = import.counts;
  if (shell.json) {
    print_json({{"lines", counts.lines},
                {"declared", counts.declared},
                {"repeated", counts.known},
                {"refused", counts.refused},
                {"dry_run", dry_run}});
  } else if (dry_run) {
    print_line(format("{} lines: {} would be declared, {} known already, {} would be refused",
                      counts.lines, counts.declared, counts.known, counts.refused.size()));
  } else {
    print_line(format("{} lines: {} declared, {} known already, {} refused", counts.lines,
                      counts.declared, counts.known, counts.refused.size()));
  }
  return counts.refused.empty() ? kDone : kFailed;
}

}  // namespace

void add_unit_import(CLI::App& agency, Shell& shell) {
  const auto file = std::make_shared<std::string>();
  const auto dry_run = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(agency, "import", "declare the agencies of a table, each once",
                            "lienthong agency import don-vi.xlsx --dry-run");
  verb->add_option("FILE", *file, tr("a table with the columns code, name and tier"))->required();
  verb->add_flag("--dry-run", *dry_run,
                 tr("only say what each line would come to; nothing is written"));
  verb->callback([&shell, file, dry_run] {
    shell.run = [&shell, file, dry_run] { return import_units(shell, *file, *dry_run); };
  });
}

}  // namespace lienthong::tools
