#include "agent/engine/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace lienthong::agent {
namespace {

// Segments of code are never written to, so nothing is lost with their pages. Those beside them
// may be: relocated data is private to the process.
int drop_code(dl_phdr_info* info, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || segment.p_flags != (PF_R | PF_X)) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    const std::uintptr_t end = begin + segment.p_filesz;
    const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (first < last)
      ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);  // best effort
  }
  return 0;
}

}  // namespace

void prepare_memory() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

void give_back_memory() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(drop_code, nullptr);
}

}  // namespace lienthong::agent
