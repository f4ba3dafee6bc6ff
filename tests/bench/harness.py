"""What the scenarios stand on: data folders filled once and kept, agents in an emulated network,
and what is measured of them. Times are seconds, sizes bytes, unless a name says otherwise."""
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "emulator"))
import far_offices  # noqa: E402
import offices  # noqa: E402
from emulator import Emulator  # noqa: E402

PARENT, CHILD = "H47", "H47.12"
PAIR = ((PARENT, "Tỉnh Quảng Nam", "province", None),
        (CHILD, "Huyện Phú Ninh", "district", PARENT))
LOOK = 0.02  # between two looks at what an agent says
CALM = 2.0  # after the end, until what follows it has been counted too


class NotAvailable(Exception):
    """The program cannot do yet what a scenario needs; the message says what."""


class OnlyFull(Exception):
    """Takes too long for the quick set."""


def log(text):
    print(text, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values) if values else None


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def digest_of_file(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def disk(folder):
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                pass
    return total


def prefer(pid):
    """Before other programs: a process in a session of its own is scheduled as a group, whatever
    its own nice value is."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="utf-8") as stream:
            stream.write("-10")
    except OSError:  # no rights, or no such kernel
        pass


class Programs:
    """Where the programs are, and what tells one build from another, or a name given for that."""

    def __init__(self, folder, key=None):
        self.lienthong = os.path.join(folder, "tools", "lienthong")
        self.lienthongd = os.path.join(folder, "agent", "lienthongd")
        self.emulator = os.path.join(folder, "tests", "emulator", "link_emulator")
        self.fast_office = os.path.join(folder, "tests", "bench", "fast_office")
        self.traffic = os.path.join(folder, "tests", "bench", "traffic_generator")
        self.count_syncs = os.path.join(folder, "tests", "bench", "libcount_syncs.so")
        for path in vars(self).values():
            if not os.path.exists(path):
                raise SystemExit(f"{path} is missing; build it, or name another folder with --bin")
        self.key = key or digest_of_file(self.lienthongd) + digest_of_file(self.fast_office)

    def fast(self, *words):
        """fast_office, without syncs: what it fills can be filled again."""
        environment = {**os.environ, "LD_PRELOAD": self.count_syncs, "LT_SYNC_SKIP": "1"}
        done = subprocess.run([self.fast_office, *map(str, words)], capture_output=True,
                              check=False, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"fast_office {words}: {done.stderr.decode()}")
        return json.loads(done.stdout)

    def generate(self, *words):
        text = subprocess.run([self.traffic, *map(str, words)], capture_output=True, check=True)
        return [json.loads(line) for line in text.stdout.splitlines()]


class Process:
    """What the kernel says of an agent."""

    def __init__(self, pid, sync_file):
        self.pid, self.sync_file = pid, sync_file

    def _fields(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="utf-8") as stream:
            pairs = (line.split(":", 1) for line in stream if ":" in line)
            return {key: value.split() for key, value in pairs}

    def cpu(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def syncs(self):
        with open(self.sync_file, "rb") as stream:
            return int.from_bytes(stream.read(8), sys.byteorder)

    def memory(self):
        status, rollup = self._fields("status"), self._fields("smaps_rollup")
        private = int(rollup["Private_Clean"][0]) + int(rollup["Private_Dirty"][0])
        return {"resident": int(status["VmRSS"][0]) * 1024,
                "resident_peak": int(status["VmHWM"][0]) * 1024, "private": private * 1024}

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="utf-8") as stream:
            stream.write("5")


class Office(far_offices.FarOffice):
    """An agent whose syncs are counted, and which can be measured."""

    measured = None

    def spawn(self):
        count = os.path.join(self.bench.folder, self.code + ".syncs")
        if os.path.exists(count):
            os.unlink(count)
        with open(self.log, "ab") as out:
            self.process = self.bench.net.spawn(
                self.code, [self.bench.daemon, "--config", self.config], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "LD_PRELOAD": self.bench.programs.count_syncs,
                     "LT_SYNC_COUNT": count})
        prefer(self.process.pid)
        self.measured = Process(self.process.pid, count)

    def status(self):
        return self.get("/v1/status")

    def cost(self):
        return {"cpu_seconds": self.measured.cpu(), "syncs": self.measured.syncs(),
                **self.measured.memory(), "disk": disk(self.folder)}


class World(far_offices.FarBench):
    """Agents of a data folder's offices, each in its namespace; nothing runs at first."""

    def __init__(self, rig, folder, tree, seed=1, congestion="cubic"):
        self.rig, self.programs = rig, rig.programs
        codes = [place[0] for place in tree]
        given = types.SimpleNamespace(lienthong=rig.programs.lienthong,
                                      lienthongd=rig.programs.lienthongd, bin="", keep=rig.keep)
        net = Emulator(rig.programs.emulator, codes, seed, congestion,
                       trace=rig.trace_file(f"{congestion}-{seed}"))
        super().__init__(given, net, tree)
        self.congestion = congestion  # the agents choose for themselves, whatever the network's is
        if folder:
            self.restore(folder)

    def restore(self, folder):
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", "--reflink=auto", folder, self.folder], check=True)
        with open(os.path.join(folder, "place"), encoding="utf-8") as stream:
            built_at = stream.read()
        for code, *_ in self.tree:
            office = self.office(code)
            if not os.path.exists(office.config):
                continue
            with open(office.config, encoding="utf-8") as stream:
                text = stream.read().replace(built_at, self.folder)
            text = re.sub('(?m)^(congestion +=) "auto"', rf'\1 "{self.congestion}"', text)
            with open(office.config, "w", encoding="utf-8") as stream:
                stream.write(text)

    def office(self, code):
        if code not in self.offices:
            _, name, tier, _ = next(place for place in self.tree if place[0] == code)
            self.offices[code] = Office(self, code, name, tier)
        return self.offices[code]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.net.close()

    def enrol(self, code, running=True):
        child = self.office(code)
        parent = self.office(next(place[3] for place in self.tree if place[0] == code))
        child.cli("enroll", self.invite(parent, child), "--data", child.folder, "--listen",
                  f"{child.host}:{far_offices.PORT}")
        if running:
            child.start()
        return child

    def start_all(self):
        for code, *_ in self.tree:
            self.office(code).start()

    def stop_all(self):
        for office in self.offices.values():
            if office.process and office.process.poll() is None:
                office.stop()

    def settle(self, patience=120):
        """Waits until the agents do nothing: a folder that was just filled is compacted and read
        for its files when it is opened, which is no part of what is measured."""
        deadline, quiet = time.monotonic() + patience, 0
        before = None
        while quiet < 3:
            used = sum(office.measured.cpu() for office in self.offices.values())
            quiet = quiet + 1 if before is not None and used - before <= 0.02 else 0
            before = used
            if time.monotonic() > deadline:
                raise offices.Wrong(f"the agents are still at work after {patience} s")
            time.sleep(0.5)

    # ---- what is on the line ----

    def wire(self, node=CHILD):
        counted = self.net.counters()[node]
        up, down = counted["up"], counted["down"]
        return {"bytes_up": up["bytes"], "bytes_down": down["bytes"],
                "bytes": up["bytes"] + down["bytes"],
                "packets": up["packets"] + down["packets"],
                "lost": up["loss_drops"] + down["loss_drops"] + up["outage_drops"] +
                down["outage_drops"],
                "first_at": up["first_at"]}

    def calm(self, node=CHILD, patience=60):
        """Waits until nothing has been on the line for CALM seconds."""
        def quiet():
            counted = self.net.counters()[node]
            last = max(counted[way]["last_at"] for way in ("up", "down"))
            return time.monotonic() - last > CALM
        offices.wait("silence on the line", quiet, patience)

    def until(self, ready, patience, what):
        """The moment at which ready() was first seen true."""
        deadline = time.monotonic() + patience
        while not ready():
            if time.monotonic() > deadline:
                raise offices.Wrong(f"not within {patience} s: {what}: " + "; ".join(
                    json.dumps(office.status()) for office in self.offices.values()))
            time.sleep(LOOK)
        return time.monotonic()


def acknowledged(office):
    """Whether its neighbours have confirmed that nothing is left either way."""
    status = office.status()
    return bool(status["neighbours"]) and all(
        n["state"] == "connected" and n["in_sync"] and n["pending_out"]["updates"] == 0
        for n in status["neighbours"])


class Rig:
    """Programs, folders kept between runs, and how much to do."""

    def __init__(self, options):
        self.programs = Programs(options.bin, options.data_key)
        self.full, self.keep = options.full, options.keep
        self.store = options.cache
        self.traces, self.trace_count = options.trace, 0
        os.makedirs(self.store, exist_ok=True)

    def trace_file(self, name):
        """Where the packets of the next world are logged; None: nowhere."""
        if not self.traces:
            return None
        os.makedirs(self.traces, exist_ok=True)
        self.trace_count += 1
        return os.path.join(self.traces, f"{self.trace_count:03}-{name}.trace")

    def seeds(self, quick):
        return range(1, 21) if self.full else range(1, quick + 1)

    def folder(self, name, fill, tree=PAIR, running=True, **facts):
        """A folder with the data of every office of the tree: enrolled, level if the agents were
        `running` meanwhile, and then as `fill(world)` leaves it with no agent running. Made once
        for each build of the programs."""
        text = json.dumps([name, self.programs.key, tree, sorted(facts.items())])
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = os.path.join(self.store, f"{name}-{mark}")
        if os.path.exists(os.path.join(path, "place")):
            return path
        shutil.rmtree(path, ignore_errors=True)
        begin = time.monotonic()
        with World(self, None, tree) as world:
            world.found(tree[0][0])
            for code, *_ in tree[1:]:
                world.enrol(code, running)
            if running:
                world.wait_in_sync(300)
            world.stop_all()
            fill(world)
            with open(world.path("place"), "w", encoding="utf-8") as stream:
                stream.write(world.folder)
            for entry in os.listdir(world.folder):
                if entry.endswith((".log", ".syncs", ".passphrase")):
                    os.unlink(world.path(entry))
            unfinished = tempfile.mkdtemp(dir=self.store)
            subprocess.run(["cp", "-a", world.folder + "/.", unfinished], check=True)
            os.rename(unfinished, path)
        log(f"  made {name} {facts} in {time.monotonic() - begin:.1f} s")
        return path

    def pair(self, dossiers, pending=0, fresh=0, seed=1, others=0, remarks=0, both=0):
        """A pair that is level with so many dossiers, and so many others that nothing happens to;
        then the child makes so many changes, or brings in so many dossiers more, which have never
        left it, and the parent writes remarks to other dossiers of the child's, and to so many
        that `both` have changed. How it is told apart from others is the seed of the traffic."""
        def fill(world):
            child, parent = world.office(CHILD), world.office(PARENT)
            if others:
                self.programs.fast("apply", "--data", child.folder, "--agency", CHILD,
                                   "--seed", seed + 1000, "--commune", seed % 80,
                                   "--group", 64, "--dossiers-per-day", 4000,
                                   "--numbers-from", 4500, "--dossiers", others)
            traffic = ["--data", child.folder, "--agency", CHILD, "--superior", PARENT,
                       "--seed", seed, "--commune", seed % 80,
                       "--group", 1 if dossiers + fresh <= 50_000 else 64,
                       "--dossiers-per-day", min(9000, max(40, (dossiers + fresh) // 250))]
            if dossiers:
                self.programs.fast("apply", *traffic, "--dossiers", dossiers)
                self.programs.fast("sync", parent.folder, child.folder)
            if pending or fresh:
                self.programs.fast("apply", *traffic, "--skip-dossiers", dossiers,
                                   "--dossiers", fresh, "--changes", pending)
            if remarks or both:
                self.programs.fast("remark", parent.folder, child.folder, "--others", remarks,
                                   "--both", both)
        return self.folder("pair", fill, dossiers=dossiers, pending=pending, fresh=fresh, seed=seed,
                           **({"others": others} if others else {}),
                           **({"remarks": remarks, "both": both} if remarks or both else {}))

    def level(self, dossiers, seed=1):
        """A running pair that has nothing left to say: the world, parent and child."""
        world = World(self, self.pair(dossiers, seed=seed), PAIR, seed)
        try:
            world.start_all()
            parent, child = world.office(PARENT), world.office(CHILD)
            world.until(lambda: acknowledged(child), 120, "in sync")
            world.calm()
        except BaseException:
            world.__exit__()
            raise
        return world, parent, child

    def drop_others(self):
        """Removes folders of other builds: they are big."""
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(self.store, exist_ok=True)
