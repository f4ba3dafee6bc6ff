// What reports and lists cost over a province's dossiers: writes office rows of so many dossiers
// straight into a replica's database, through the same encoding as a commit (but WITHOUT the
// updates, records and feeds behind them), and measures.
//   report_bench [dossiers] [folder] [--keep]
#include <malloc.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "store/office/projections.h"
#include "store/office/report.h"
#include "store/office/writer.h"
#include "store/replica/database.h"
#include "tests/support/deployment.h"

namespace lienthong::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr UnixMillis kDay = 86'400'000;
constexpr std::size_t kRowsInABatch = 20'000;
constexpr std::int64_t kFirstDay = 19'358;  // 2023-01-01
constexpr int kDays = 730;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
  return *std::move(result);
}
void must(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().message());
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096 / 1e6;
}

template <class Work>
void measure(const std::string& name, const Work& work, int times = 5) {
  double best = 1e9, cpu = 1e9;
  for (int i = 0; i < times; ++i) {
    const auto began = Clock::now();
    const std::clock_t cpu_began = std::clock();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - began).count());
    cpu = std::min(cpu, static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC);
  }
  std::cout << name << ": " << best << " s, of processors " << cpu << " s (best of " << times
            << "); resident " << resident_mb() << " MB" << std::endl;
}

FieldWrite write_of(Field field, FieldValue value) {
  return {static_cast<std::uint16_t>(field), std::move(value)};
}

// One dossier's updates: received, worked on, sometimes handed up, supplemented, done, returned.
class Maker {
 public:
  Maker(std::vector<AgencyId> communes, std::vector<std::string> codes)
      : communes_(std::move(communes)), codes_(std::move(codes)) {}

  std::string row(std::uint32_t number, store::Interner& names, std::string& search) {
    const std::size_t commune = next() % communes_.size();
    const UnixMillis received = store::midnight_of(kFirstDay + static_cast<int>(next() % kDays)) +
                                static_cast<UnixMillis>(7 * 3600 + next() % 36'000) * 1000;
    RecordState state;
    state.kind = RecordKind::kDossier;
    state.holder = communes_[commune];
    state.participants = {communes_[commune]};
    updates_.clear();
    char code[64];
    std::snprintf(code, sizeof code, "%s-%06u-%04u", codes_[commune].c_str(),
                  230'101 + number % 365, number % 10'000);
    GraphUpdate& created = add(state, UpdateKind::kCreated, received, communes_[commune]);
    static constexpr const char* kFields[] = {"Hộ tịch",       "Chứng thực",     "Đất đai",
                                              "Người có công", "Bảo trợ xã hội", "Xây dựng"};
    const std::size_t field = next() % std::size(kFields);
    const UnixMillis due = received + static_cast<UnixMillis>(1 + next() % 20) * kDay;
    created.open.writes = {
        write_of(Field::kCode, std::string(code)),
        write_of(Field::kProcedure, "1.00" + std::to_string(1000 + next() % 250)),
        write_of(Field::kFieldOfWork, std::string(kFields[field])),
        write_of(Field::kChannel, static_cast<std::int64_t>(1 + next() % 3)),
        write_of(Field::kReceivedAt, received),
        write_of(Field::kDueAt, due),
        write_of(Field::kStatus, std::int64_t{2}),
        write_of(Field::kIntakeAgency, to_bytes(communes_[commune].view())),
        write_of(Field::kComponentCount, std::int64_t{3}),
        write_of(Field::kDigitisedCount, std::int64_t{3})};
    Register shown;
    shown.value = std::string(code);
    state.open_fields.emplace(static_cast<std::uint16_t>(Field::kCode), shown);
    LinkEntry link;
    link.id = created.id;
    link.kind = UpdateKind::kCreated;
    link.by = communes_[commune];
    link.hlc = created.envelope.hlc;
    state.chain = {link};
    set(state, Status::kProcessing, received + 3'600'000, commune);
    if (next() % 10 == 0) {
      set(state, Status::kSupplement, received + kDay, commune);
      set(state, Status::kProcessing, received + 2 * kDay, commune)
          .open.writes.push_back(write_of(Field::kDueAt, due + 2 * kDay));
    }
    if (next() % 50 != 0) {
      const UnixMillis end = received + static_cast<UnixMillis>(next() % 18) * kDay + 3'600'000;
      GraphUpdate& done = set(state, Status::kDone, end, commune);
      done.open.writes.push_back(write_of(Field::kFinishedAt, end));
      GraphUpdate& returned = set(state, Status::kReturned, end + 7'200'000, commune);
      returned.open.writes.push_back(write_of(Field::kReturnedAt, end + 7'200'000));
    }
    const store::SearchText text{store::search_form(code), store::search_form("Nguyễn Thị Lành"),
                                 store::search_form("Đăng ký khai sinh cho con"),
                                 store::search_form("Thủ tục đăng ký khai sinh")};
    search = store::encode(text);
    return store::encode(store::build_row(state, updates_, names));
  }

 private:
  std::uint64_t next() {  // xorshift: as long as it repeats
    seed_ ^= seed_ << 13;
    seed_ ^= seed_ >> 7;
    return seed_ ^= seed_ << 17;
  }
  GraphUpdate& add(RecordState& state, UpdateKind kind, UnixMillis at, const AgencyId& by) {
    updates_.reserve(16);
    GraphUpdate& update = updates_.emplace_back();
    for (std::uint8_t& byte : update.id.bytes) byte = static_cast<std::uint8_t>(next());
    update.open.kind = kind;
    update.open.at = at;
    update.agency = by;
    update.envelope.hlc = Hlc::at(at);
    state.timeline.push_back(update.id);
    return update;
  }
  GraphUpdate& set(RecordState& state, Status status, UnixMillis at, std::size_t commune) {
    GraphUpdate& update = add(state, UpdateKind::kSet, at, communes_[commune]);
    update.open.writes = {write_of(Field::kStatus, static_cast<std::int64_t>(status))};
    return update;
  }
  std::vector<AgencyId> communes_;
  std::vector<std::string> codes_;
  std::vector<GraphUpdate> updates_;
  std::uint64_t seed_ = 88'172'645'463'325'252;
};

void write_rows(const std::string& path, Maker& maker, std::uint32_t dossiers) {
  auto database = must(store::Database::open(path, nullptr, false));
  store::NameTable names;
  std::size_t bytes = 0;
  for (std::uint32_t number = 1; number <= dossiers;) {
    store::Overlay overlay(*database);
    store::OfficeWriter writer(store::OwnRows(overlay, store::key::kOfficeLetters), names);
    for (std::size_t n = 0; n < kRowsInABatch && number <= dossiers; ++n, ++number) {
      std::string search;
      std::string row = maker.row(number, writer, search);
      bytes += row.size();
      overlay.put(store::key::office(number), std::move(row));
      overlay.put(store::key::search(number), std::move(search));
    }
    writer.before_commit();
    store::Ledger ledger;
    store::decode_counters(*database->get(store::key::meta("counters")), ledger);
    ledger.records = number - 1;
    overlay.put(store::key::meta("counters"), encode_counters(ledger));
    must(database->write(overlay.take_stock(), store::Sync::kNo));
  }
  std::cout << "rows of " << static_cast<double>(bytes) / dossiers << " bytes" << std::endl;
}

void measure_all(const store::Replica& replica, const AgencyId& province) {
  store::ReportWanted wanted;
  wanted.period = {kFirstDay + 180, kFirstDay + 270};
  wanted.agency = province;
  wanted.now = store::midnight_of(kFirstDay + 1000);
  const store::OfficeReader reader(replica);
  const store::OfficeSnapshot snapshot = reader.snapshot();
  std::size_t sum = 0;
  measure("reading the rows and nothing else, 1 thread", [&] {
    reader.scan(snapshot, 1, snapshot.last_record, [&](std::uint32_t, std::string_view row) {
      sum += row.size();
      return true;
    });
  });
  for (const unsigned threads : {1U, 2U}) {
    wanted.threads = threads;
    for (const auto by : {store::By::kField, store::By::kAgency}) {
      wanted.by = by;
      measure(std::string("report by ") + (by == store::By::kField ? "field" : "agency") + ", " +
                  std::to_string(threads) + " thread(s)",
              [&] {
                const auto report = store::Reporter(replica, wanted).run();
                if (!report.mistakes.empty()) throw std::runtime_error(report.mistakes.front());
                sum += report.total.columns[3];
              });
    }
  }
  measure("drill-down of the overdue", [&] {
    store::Reporter(replica, wanted)
        .drill(std::nullopt, false, 10, [&](const store::ReportDossier&) { return ++sum > 0; });
  });
  measure("list scan: late now, by row", [&] {
    reader.scan(snapshot, 1, snapshot.last_record, [&](std::uint32_t, std::string_view row) {
      const auto facts = store::facts_at(store::view_office_row(row), store::kEver);
      sum += facts.status == Status::kProcessing;
      return true;
    });
  });
  measure("list scan: by text", [&] {
    const std::string wanted_text = store::search_form("Trần Văn Không");
    reader.scan_search(snapshot, 1, snapshot.last_record, [&](std::uint32_t, std::string_view row) {
      sum += row.find(wanted_text) != std::string_view::npos;
      return true;
    });
  });
  std::cout << "(" << sum << ")" << std::endl;
}

void run(std::uint32_t dossiers, const fs::path& folder) {
  TestDeployment deployment(1);
  const AgencyId province = deployment.add_agency({}, "H47", "Tỉnh Quảng Nam", "province");
  TestNode& node = deployment.add_node(province, true);
  std::vector<AgencyId> communes;
  std::vector<std::string> codes;
  for (int d = 10; d < 28; ++d) {
    const std::string code = "H47." + std::to_string(d);
    const AgencyId district = deployment.add_agency(province, code, "Huyện " + code, "district");
    for (int c = 10; c < 24; ++c) {
      codes.push_back(code + "." + std::to_string(c));
      communes.push_back(
          deployment.add_agency(district, codes.back(), "Xã " + codes.back(), "commune"));
    }
  }
  SeededEntropy entropy(7);
  store::Options options = store::office_options();
  options.path = (folder / "store").string();
  options.entropy = &entropy;
  options.create = true;
  const auto open = [&] {
    store::Identity identity(node.key);
    identity.agency = province;
    identity.certificate = node.certificate;
    return must(store::Replica::open(options, std::move(identity), deployment.root()));
  };
  if (!fs::exists(options.path)) {
    must(open()->bootstrap(deployment.statements()));
    Maker maker(communes, codes);
    measure(
        "writing", [&] { write_rows(options.path, maker, dossiers); }, 1);
  }
  const auto replica = open();
  std::cout << "on disk " << static_cast<double>(replica->disk_bytes()) / 1e6 << " MB" << std::endl;
  measure_all(*replica, province);
}

}  // namespace
}  // namespace lienthong::test

int main(int argc, char** argv) {
  const std::uint32_t dossiers =
      argc > 1 ? static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10)) : 1'000'000;
  const std::string folder = argc > 2 ? argv[2] : "report_bench_data";
  if (argc <= 3) std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  ::mallopt(M_ARENA_MAX, 2);
  try {
    lienthong::test::run(dossiers, folder);
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << "\n";
    return 1;
  }
}
