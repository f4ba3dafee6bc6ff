// A disk that has rotted: what can be read is salvaged, as the daemon does it, in a folder of the
// machine that runs the simulator, since the salvage reads files that no database has open.
#include "store/salvage/salvage.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "store/office/projections.h"
#include "store/replica/registry_copy.h"
#include "store/replica/scrub.h"
#include "tests/simulation/machine.h"

namespace lienthong::sim {
namespace {

namespace fs = std::filesystem;

class Workbench {
 public:
  Workbench() : path_((fs::temp_directory_path() / "lienthong-sim-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder for a salvage");
  }
  ~Workbench() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;
  std::string replica() const { return path_ + "/replica"; }

 private:
  std::string path_;
};

}  // namespace

void Machine::keep_registry_copy() {
  const Workbench bench;
  if (!store::write_registry_copy(*replica_, bench.replica()).ok()) return;
  std::ifstream in(store::registry_copy_path(bench.replica()), std::ios::binary);
  registry_copy_.assign(std::istreambuf_iterator<char>(in), {});
}

// From an empty database if nothing can be read: neighbours fill it.
void Machine::salvage() {
  LT_CHECK(!on());
  ++sights_["disks salvaged"];
  const Workbench bench;
  disk_.take_out("/replica", bench.replica());
  std::ofstream(store::registry_copy_path(bench.replica()), std::ios::binary) << registry_copy_;
  const auto request = [&] {
    store::SalvageRequest out{store::office_options(), store::Identity(node_.key), world_.root,
                              clock()};
    out.identity.agency = node_.agency;
    out.identity.certificate = node_.certificate;
    out.options.path = bench.replica();
    out.options.entropy = &entropy_;
    return out;
  };
  auto done = store::salvage(request());
  if (!done.ok()) {
    ++sights_["disks begun anew"];
    fs::remove_all(bench.replica());
    done = store::begin_anew(request());
  }
  if (!done.ok()) throw std::runtime_error("salvage: " + done.error().message());
  disk_.put_in(bench.replica(), "/replica");
  disk_replaced();
  found_rotten_ = false;
}

bool Machine::reads_back() {
  bool well = true;
  disk_.set_calm(true);
  try {
    for (const store::ScrubFile& file : store::files_to_scrub(*replica_))
      well = store::scrub_file(*replica_, file).ok() && well;
  } catch (const std::runtime_error&) {
    well = false;
  }
  disk_.set_calm(false);
  if (!well) found_rotten_ = true;
  return well;
}

}  // namespace lienthong::sim
