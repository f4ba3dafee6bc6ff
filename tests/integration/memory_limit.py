"""A bound of memory that the kernel holds a process to, by a control group of its own."""
import os


class MemoryLimit:
    """Children are started with `join` as their preexec_fn; `kills` says how many it ended."""

    def __init__(self, name, megabytes):
        self.folder, self.why_not = None, ""
        for base, bound in self.places():
            folder = os.path.join(base, f"lienthong-{os.getpid()}-{name}")
            try:
                os.mkdir(folder)
                with open(os.path.join(folder, bound), "w", encoding="ascii") as file:
                    file.write(str(megabytes << 20))
            except OSError as wrong:
                self.why_not = f"no control group for memory: {wrong}"
                if os.path.isdir(folder):
                    os.rmdir(folder)
                continue
            self.folder, self.why_not = folder, ""
            return
        self.why_not = self.why_not or "no control group for memory"

    @staticmethod
    def places():
        with open("/proc/self/cgroup", encoding="ascii") as file:
            for line in file:
                _, kinds, path = line.strip().split(":", 2)
                if "memory" in kinds.split(","):
                    yield "/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes"
                elif not kinds:
                    yield "/sys/fs/cgroup" + path, "memory.max"

    def join(self):
        with open(os.path.join(self.folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def kills(self):
        for name, word in (("memory.oom_control", "oom_kill"), ("memory.events", "oom_kill")):
            try:
                with open(os.path.join(self.folder, name), encoding="ascii") as file:
                    for line in file:
                        if line.split()[0] == word:
                            return int(line.split()[1])
            except OSError:
                continue
        return 0

    def close(self):
        if self.folder and os.path.isdir(self.folder):
            os.rmdir(self.folder)
