#include "store/office/report.h"

#include <algorithm>
#include <thread>
#include <unordered_map>

#include "protocol/record/codec.h"

namespace lienthong::store {
namespace {

std::string code_of(const Registry& registry, const AgencyId& agency) {
  const AgencyInfo* info = registry.find_agency(agency);
  return info != nullptr ? info->code : agency.short_hex();
}

// Figures by the numbers of intake agency and field: few of them, and the same for a while.
class Counter {
 public:
  Figures& at(std::uint32_t intake, std::uint32_t field) {
    const std::uint64_t key = std::uint64_t{intake} << 32 | field;
    if (last_ == nullptr || key != last_key_) {
      last_ = &figures_[key];
      last_key_ = key;
    }
    return *last_;
  }
  void add_to(std::map<std::pair<std::uint32_t, std::uint32_t>, Figures>& all) const {
    for (const auto& [key, figures] : figures_)
      all[{static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key)}] += figures;
  }
  std::uint64_t scanned = 0;

 private:
  std::unordered_map<std::uint64_t, Figures> figures_;
  Figures* last_ = nullptr;
  std::uint64_t last_key_ = 0;
};

}  // namespace

TreeVersion tree_at(const Registry& registry, UnixMillis time) {
  TreeVersion version = 0;
  for (const StatementId& id : registry.statements()) {
    const auto body = wire::decode_statement(registry.find_statement(id)->body);
    const auto* change = body.ok() ? std::get_if<TreeChange>(&*body) : nullptr;
    if (change != nullptr && change->decided_at <= time)
      version = std::max(version, change->number);
  }
  return std::min(version, registry.newest());
}

Reporter::Reporter(const Replica& replica, const ReportWanted& wanted)
    : reader_(replica),
      snapshot_(reader_.snapshot()),
      wanted_(wanted),
      registry_(replica.registry()),
      as_of_(wanted.period.as_of(wanted.now)),
      tree_(tree_at(*registry_, as_of_)) {
  const NameTable& names = reader_.names();
  counted_at_.resize(names.size() + 1);
  for (std::uint32_t number = 1; number < counted_at_.size(); ++number) {
    const AgencyId intake = names.agency(number);
    if (intake.is_zero()) continue;
    const AgencyId at = registry_->resolve(intake, tree_);
    const bool in = wanted_.own_only ? at == wanted_.agency
                                     : registry_->above_or_equal(wanted_.agency, at, tree_);
    if (in) counted_at_[number] = at;
  }
}

AgencyId Reporter::counted_at(std::uint32_t intake) const {
  return intake < counted_at_.size() ? counted_at_[intake] : AgencyId();
}

bool Reporter::in_scope(std::uint32_t intake) const { return !counted_at(intake).is_zero(); }

std::optional<Reporter::Seen> Reporter::see(const RowView& row) const {
  Seen seen{facts_at(row, as_of_), {}};
  if (!in_scope(seen.facts.intake)) return std::nullopt;
  const auto place = place_of(seen.facts, wanted_.period, as_of_);
  if (!place) return std::nullopt;
  seen.place = *place;
  return seen;
}

std::map<std::pair<std::uint32_t, std::uint32_t>, Figures> Reporter::count(
    std::uint64_t& scanned) const {
  const unsigned threads = std::max(1U, wanted_.threads);
  const std::uint32_t last = snapshot_.last_record;
  std::vector<Counter> counters(threads);
  const auto scan = [&](unsigned part) {
    Counter& counter = counters[part];
    const auto edge = [&](unsigned i) {
      return static_cast<std::uint32_t>(std::uint64_t{last} * i / threads);
    };
    reader_.scan(snapshot_, edge(part) + 1, edge(part + 1),
                 [&](std::uint32_t, std::string_view bytes) {
                   ++counter.scanned;
                   if (const auto seen = see(view_office_row(bytes)))
                     counter.at(seen->facts.intake, seen->facts.field).add(seen->place);
                   return true;
                 });
  };
  std::vector<std::exception_ptr> failures(threads);
  {
    std::vector<std::jthread> others;
    for (unsigned part = 1; part < threads; ++part)
      others.emplace_back([&, part] {
        try {
          scan(part);
        } catch (...) {
          failures[part] = std::current_exception();
        }
      });
    scan(0);
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  std::map<std::pair<std::uint32_t, std::uint32_t>, Figures> all;
  for (const Counter& counter : counters) {
    counter.add_to(all);
    scanned += counter.scanned;
  }
  return all;
}

void Reporter::add_agency_row(std::vector<ReportRow>& rows, const AgencyId& agency, unsigned level,
                              const std::map<AgencyId, Figures>& own) const {
  const AgencyInfo* info = registry_->find_agency(agency);
  ReportRow row;
  row.agency = agency;
  row.key = code_of(*registry_, agency);
  row.name = info != nullptr ? info->name : row.key;
  row.level = level;
  for (const auto& [at, figures] : own)
    if (registry_->above_or_equal(agency, at, tree_)) row.figures += figures;
  const bool gone = registry_->dissolved(agency, tree_);
  if (gone && row.figures == Figures()) return;
  const auto mine = own.find(agency);
  const bool leaf = registry_->children(agency, tree_).empty();
  if (level > 0) rows.push_back(row);
  if (level >= wanted_.depth && level > 0) return;
  if (!leaf || level == 0) {
    row.direct = true;
    row.level = level + 1;
    row.figures = mine != own.end() ? mine->second : Figures();
    rows.push_back(row);
  }
  std::vector<AgencyId> below = registry_->children(agency, tree_);
  std::ranges::sort(below, {}, [&](const AgencyId& id) { return code_of(*registry_, id); });
  if (!wanted_.own_only)
    for (const AgencyId& child : below) add_agency_row(rows, child, level + 1, own);
}

std::vector<ReportRow> Reporter::agency_rows(const std::map<AgencyId, Figures>& own) const {
  std::vector<ReportRow> rows;
  add_agency_row(rows, wanted_.agency, 0, own);
  return rows;
}

Report Reporter::run() {
  Report report;
  report.wanted = wanted_;
  report.as_of = as_of_;
  report.tree = tree_;
  report.change = snapshot_.last_change;
  const auto counted = count(report.scanned);
  for (const auto& [key, figures] : counted) report.total += figures;
  if (wanted_.by == By::kField) {
    std::map<std::string, Figures> fields;
    for (const auto& [key, figures] : counted)
      fields[std::string(reader_.names().text(key.second))] += figures;
    for (auto& [field, figures] : fields) {
      ReportRow row;
      row.key = field;
      row.level = 1;
      row.figures = figures;
      report.rows.push_back(std::move(row));
    }
  } else {
    std::map<AgencyId, Figures> own;
    for (const auto& [key, figures] : counted) own[counted_at(key.first)] += figures;
    report.rows = agency_rows(own);
  }
  for (const AgencyInfo* info : registry_->agencies())
    if (!registry_->dissolved(info->id, tree_) &&
        (wanted_.own_only ? info->id == wanted_.agency
                          : registry_->above_or_equal(wanted_.agency, info->id, tree_)))
      report.agencies.push_back(info->id);
  check(report);
  return report;
}

void Reporter::check(Report& report) const {
  Figures sum;
  for (ReportRow& row : report.rows) {
    row.figures.sum_up();
    if (row.level == 1) sum += row.figures;
    if (!row.figures.adds_up())
      report.mistakes.push_back("row \"" + row.key + "\": column 3 is not 7 + 11");
  }
  report.total.sum_up();
  if (!report.total.adds_up()) report.mistakes.emplace_back("total: column 3 is not 7 + 11");
  if (!(sum == report.total)) report.mistakes.emplace_back("the rows do not add up to the total");
}

std::string Reporter::key_of(const Facts& facts) const {
  if (wanted_.by == By::kField) return std::string(reader_.names().text(facts.field));
  return code_of(*registry_, counted_at(facts.intake));
}

bool Reporter::in_row(const Facts& facts, const std::string& row, bool direct) const {
  if (wanted_.by == By::kField) return reader_.names().text(facts.field) == row;
  const AgencyId at = counted_at(facts.intake);
  if (direct) return code_of(*registry_, at) == row;
  for (AgencyId agency = at;;) {
    if (code_of(*registry_, agency) == row) return true;
    const auto parent = registry_->parent(agency, tree_);
    if (!parent || agency == wanted_.agency) return false;
    agency = *parent;
  }
}

void Reporter::drill(const std::optional<std::string>& row, bool direct, unsigned column,
                     const std::function<bool(const ReportDossier&)>& visit) {
  constexpr std::uint32_t kRecordsAtOnce = 2'048;
  std::vector<ReportDossier> found;
  const auto look = [&](std::uint32_t record, std::string_view bytes) {
    const RowView view = view_office_row(bytes);
    const auto seen = see(view);
    if (seen && seen->place.in(column) && (!row || in_row(seen->facts, *row, direct)))
      found.push_back({record, std::string(view.code), key_of(seen->facts), seen->place});
    return true;
  };
  const std::uint32_t last = snapshot_.last_record;
  snapshot_ = {};  // whoever visits may be slow
  for (std::uint32_t first = 1; first <= last; first += kRecordsAtOnce) {
    reader_.scan(reader_.snapshot(), first, std::min(last, first + kRecordsAtOnce - 1), look);
    for (const ReportDossier& dossier : std::exchange(found, {}))
      if (!visit(dossier)) return;
  }
}

std::vector<Reporter::Difference> Reporter::differences(std::uint64_t since) {
  std::vector<Difference> out;
  for (const std::uint32_t record : reader_.touched_since(since)) {
    const auto now = reader_.row(record);
    const auto then = reader_.row_at(record, since);
    Difference found;
    found.record = record;
    const auto look = [&](const std::optional<std::string>& bytes, std::optional<Place>& place,
                          std::string& key) {
      if (!bytes) return;
      const RowView view = view_office_row(*bytes);
      found.code = view.code;
      const auto seen = see(view);
      if (!seen) return;
      place = seen->place;
      key = key_of(seen->facts);
    };
    look(then, found.before, found.row_before);
    look(now, found.after, found.row_after);
    if (found.before == found.after && found.row_before == found.row_after) continue;
    found.cause = reader_.cause(record, since);
    out.push_back(std::move(found));
  }
  return out;
}

std::map<AgencyId, Figures> Reporter::late_by_holder() {
  std::map<AgencyId, Figures> out;
  reader_.scan(snapshot_, 1, snapshot_.last_record, [&](std::uint32_t, std::string_view bytes) {
    const auto seen = see(view_office_row(bytes));
    if (seen && (seen->place.outcome == Column::kLate || seen->place.outcome == Column::kOpenLate))
      out[reader_.names().agency(seen->facts.holder)].add(seen->place);
    return true;
  });
  for (auto& [agency, figures] : out) figures.sum_up();
  return out;
}

}  // namespace lienthong::store
