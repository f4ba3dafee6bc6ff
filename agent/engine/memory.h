// What a burst of work, or starting, leaves in memory and is not needed afterwards. Threads: any.
#pragma once

namespace lienthong::agent {

// At the start of main(): freed memory is to go back (mallopt(3)).
void prepare_memory();

// Gives free heap back, and takes code that was run out of the resident set: what is needed again
// comes from the page cache. The kernel is slow to reclaim mapped code by itself. Some hundred
// minor faults; for quiet moments.
void give_back_memory();

}  // namespace lienthong::agent
