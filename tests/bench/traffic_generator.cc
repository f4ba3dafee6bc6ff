// Prints generated traffic as JSON lines for `lienthong apply -` or POST /v1/operations.
// docs/benchmarks.md, "Traffic".
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tests/support/traffic.h"

namespace {

struct Plan {
  lienthong::test::TrafficOptions options;
  std::string mode = "load";
  std::size_t dossiers = 20'000;
  std::size_t changes = 2'340;
};

int print(const Plan& plan) {
  lienthong::test::Traffic traffic(plan.options);
  const auto put = [](const lienthong::test::TrafficLine& line) {
    return std::fwrite(line.json.data(), 1, line.json.size(), stdout) == line.json.size() &&
           std::fputc('\n', stdout) != EOF;
  };
  for (std::size_t i = 0; i < plan.dossiers; ++i) {
    const auto line = traffic.next_dossier();
    if (plan.mode != "outage" && !put(line)) return 1;
  }
  for (std::size_t i = 0; plan.mode != "load" && i < plan.changes; ++i)
    if (!put(traffic.next_change())) return 1;
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  CLI::App app("Prints generated traffic as JSON lines; the same options give the same bytes.");
  app.add_option("--mode", plan.mode,
                 "load: dossiers; outage: changes after that load; both: one after the other")
      ->check(CLI::IsMember({"load", "outage", "both"}))
      ->capture_default_str();
  app.add_option("--seed", plan.options.seed)->capture_default_str();
  app.add_option("--agency", plan.options.agency, "code of the office")->capture_default_str();
  app.add_option("--superior", plan.options.superior, "code of where dossiers are offered");
  app.add_option("--commune", plan.options.commune, "where its people live, a number")
      ->capture_default_str();
  app.add_option("--dossiers", plan.dossiers)->capture_default_str();
  app.add_option("--changes", plan.changes)->capture_default_str();
  app.add_option("--dossiers-per-day", plan.options.dossiers_per_day)
      ->check(CLI::Range(1, 9000))
      ->capture_default_str();
  app.add_option("--changes-per-day", plan.options.changes_per_day)
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return print(plan);
}
