#!/usr/bin/env python3
"""Failures of the field, made to happen on real agents, machines and files: the doctor names each
by its code, with and without an agent, in both languages. What another test makes happen is named
below with the file in which it does. The bundle for supporters names no person.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import offices
from offices import expect, wait

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOCAL = "127.0.0.1"
DAY = 86400
NOBODY = 65534
CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_REMOUNT, MS_RDONLY = 0x20000, 0x4000, 0x40000, 0x20, 1

# Code -> the test that makes it happen, where it is not this one.
ELSEWHERE = {
    "replica-failed": "integration/full_disk_test.py", "store-gone": "integration/damage_test.py",
    "scans-damaged": "integration/scan_rot_test.py",
    "begun-anew": "integration/disk_faults_test.py",
    "newer-version": "integration/proof_test.py", "not-enabled": "unit/agent_judge_test.cc",
    "bbr-missing": "unit/agent_judge_test.cc",
    "mtu-hole": "integration/paths_test.py",
    "nat-forgets": "integration/nat_test.py", "revoked-works": "unit/agent_judge_test.cc",
    "neighbour-stands-still": "unit/agent_api_flow_test.cc",
    "neighbour-differs": "unit/agent_api_flow_test.cc",
    "second-machine": "integration/trust_test.py",
    "calendar-damaged": "unit/agent_api_flow_test.cc",
    "refused": "unit/agent_api_reading_test.cc", "restored": "unit/agent_api_reading_test.cc",
    "refused-by-neighbours": "unit/agent_api_reading_test.cc",
    "backup-old": "integration/proof_test.py", "mirror-old": "integration/proof_test.py",
    "mirror-failed": "integration/proof_test.py",
}
PERSONS = ("Lò Thị Hoa", "049185000123", "0905123456", "12 đường Trần Phú", "khó khăn riêng")


class Doctor:
    """Runs the doctor, and keeps what it has ever named."""

    def __init__(self, bench, options):
        self.bench, self.clock, self.named = bench, options.shift_clock, set()

    def look(self, where, config=None, shift=0, socket_path=None, **how):
        """code -> level; the exit code is the worst of them."""
        environment = dict(os.environ)
        if shift:
            environment |= {"LD_PRELOAD": self.clock, "LT_CLOCK_SHIFT": str(shift)}
        done = subprocess.run(
            [self.bench.cli, "--socket", socket_path or where.socket, "--json", "doctor",
             "--config", config or where.config],
            capture_output=True, check=False, timeout=60, env=environment, **how)
        expect(done.stdout, f"doctor: {done.returncode} {done.stderr.decode()}")
        told = json.loads(done.stdout)
        levels = {finding["code"]: finding["level"] for finding in told["findings"]}
        state = max([{"note": 0, "warning": 1, "critical": 2}[x] for x in levels.values()] or [0])
        expect(done.returncode == told["state"] == state, f"exit {done.returncode}: {told}")
        for finding in told["findings"]:
            for name in ("text_en", "text_vi", "remedy", "cause", "command"):
                expect(finding.get(name), f"{finding['code']} has no {name}")
            expect("{}" not in finding["text_en"] + finding["text_vi"], f"{finding}")
        self.named |= set(levels)
        return levels

    def must(self, code, where, config=None, **how):
        found = self.look(where, config, **how)
        expect(code in found, f"{code} is not named: {found}")

    def soon(self, code, where, **how):
        wait(f"{code} is named", lambda: code in self.look(where, **how), 40)


def options_of(office, change):
    """A copy of the office's configuration, changed."""
    with open(office.config, encoding="utf-8") as stream:
        text = change(stream.read())
    path = office.bench.path(f"{office.code}-{time.monotonic_ns()}.toml")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path


def with_address(office, address):
    return options_of(office, lambda text: re.sub(r"addresses\s*=.*", f'addresses = ["{address}"]',
                                                  text))


def with_listen(office, address):
    return options_of(office, lambda text: re.sub(r"^listen\s*=.*", f'listen = ["{address}"]', text,
                                                  count=1, flags=re.M))


class Answers:
    """Whoever connects hears this, once it has said something."""

    def __init__(self, words):
        self.words, self.server = words, socket.create_server((LOCAL, 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(self.words)

    def close(self):
        self.server.close()


NOWHERE = "n" * 64 + ".invalid:7410"  # no name can be so long: answered at once, without a network
LOGIN_PAGE = b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n"
OTHER_VERSION = b"\x00\x09\x09"


@contextlib.contextmanager
def answering(words):
    server = Answers(words)
    try:
        yield f"{LOCAL}:{server.port}"
    finally:
        server.close()


@contextlib.contextmanager
def moved(path, aside=None):
    os.rename(path, path + ".aside")
    try:
        if aside is not None:
            with open(path, "wb") as stream:
                stream.write(aside)
        yield
    finally:
        if aside is not None:
            os.remove(path)
        os.rename(path + ".aside", path)


@contextlib.contextmanager
def mode(path, bits):
    before = os.stat(path).st_mode & 0o777
    os.chmod(path, bits)
    try:
        yield
    finally:
        os.chmod(path, before)


# ---- without an agent ----

def nothing_set_up(doctor, bench):
    office = bench.office("H47.12.05")
    doctor.must("no-agent", office)
    doctor.must("config-missing", office)
    config = bench.write("lost.toml", f'data_dir = "{bench.path("lost")}"\n')
    doctor.must("folder-missing", office, config)
    doctor.must("config-wrong", office, bench.write("wrong.toml", 'data_dir = 3\nlissen = []\n'))


def files_of_a_stopped_agent(doctor, office):
    folder = office.folder
    found = doctor.look(office)
    expect("no-agent" in found and "identity" not in found and "damaged" not in found,
           f"a stopped agent has more: {found}")
    doctor.must("root-paper", office)
    doctor.must("root-key-here", office)
    with mode(os.path.join(folder, "node.key"), 0o644):
        doctor.must("key-open", office)
    with mode(folder, 0o755):
        doctor.must("open-to-others", office)
    with moved(os.path.join(folder, "node.key"), b"rubbish"):
        doctor.must("identity", office)
    with moved(os.path.join(folder, "store")):
        doctor.must("store-missing", office)
    with moved(os.path.join(folder, "store", "CURRENT"), b"MANIFEST-9\n"):
        doctor.must("damaged", office)
    with moved(os.path.join(folder, "reserve")):  # made when the agent began
        doctor.must("reserve-gone", office)
    for name, code in (("store.damaged-1", "damaged-kept"), ("enrolling", "enrolling")):
        os.mkdir(os.path.join(folder, name))
        doctor.must(code, office)
        os.rmdir(os.path.join(folder, name))
    with open(os.path.join(folder, "store", "LOCK"), "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        doctor.must("store-in-use", office)
    doctor.must("clock-doubtful", office, shift=-8 * 366 * DAY)
    if os.geteuid() == 0:
        as_root(doctor, office)


def as_root(doctor, office):
    """Accounts."""
    path = os.path.join(office.folder, "store", "CURRENT")
    os.chown(path, NOBODY, NOBODY)
    doctor.must("wrong-owner", office)
    os.chown(path, 0, 0)
    with mode(office.bench.folder, 0o711), mode(office.folder, 0o700):
        doctor.must("folder-denied", office, user=NOBODY, extra_groups=[])


def lines_of_a_stopped_agent(doctor, office, above):
    for address, code in ((NOWHERE, "name-unresolved"),
                          (f"{LOCAL}:{offices.free_port()}", "port-closed"),
                          ("255.255.255.255:7410", "no-route")):
        doctor.must(code, office, with_address(office, address))
    for words, code in ((LOGIN_PAGE, "no-agent-there"), (OTHER_VERSION, "version-differs")):
        with answering(words) as address:
            doctor.must(code, office, with_address(office, address))
    found = doctor.look(office)
    expect(not {"no-agent-there", "version-differs", "port-closed"} & set(found),
           f"the agent above is not known as one: {found}")
    with socket.create_server((LOCAL, 0)) as other:
        doctor.must("port-taken", office, with_listen(office, f"{LOCAL}:{other.getsockname()[1]}"))
    doctor.must("not-listening", office, with_listen(office, "192.0.2.77:7410"))


def disks(doctor, bench, office):
    """Small file systems in a mount namespace of this process; nothing where it may not mount."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0 or \
            libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return False
    folder = bench.path("small")
    os.mkdir(folder)
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m,nr_inodes=50", "none", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return False
    config = bench.write("small.toml", f'data_dir = "{folder}"\n')
    doctor.must("disk-low", office, config)
    doctor.must("inodes-full", office, config)
    with open(os.path.join(folder, "ballast"), "wb") as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"x" * (1 << 16))
            stream.flush()
    doctor.must("disk-full", office, config)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    doctor.must("disk-read-only", office, config)
    subprocess.run(["umount", folder], check=True)
    return True


# ---- with one ----

def restart(office, config=None, shift=0, daemon=None, clock=None):
    if office.process and office.process.poll() is None:
        office.stop()
    kept = (office.config, office.bench.daemon)
    office.config = config or office.config
    office.bench.daemon = daemon or office.bench.daemon
    if shift:
        # Seconds, or a file that says them.
        os.environ |= {"LD_PRELOAD": clock, "LT_CLOCK_SHIFT": str(shift)}
    try:
        office.start()
    finally:
        os.environ.pop("LD_PRELOAD", None)
        os.environ.pop("LT_CLOCK_SHIFT", None)
        office.config, office.bench.daemon = kept


def other_programs(doctor, bench, office):
    copy = bench.path("lienthongd")
    shutil.copy(bench.daemon, copy)
    restart(office, daemon=copy)
    expect("restart-needed" not in doctor.look(office), "it is the same program")
    os.remove(copy)
    doctor.must("restart-needed", office)
    if os.geteuid() == 0:
        with mode(bench.folder, 0o711), mode(office.folder, 0o711), mode(office.socket, 0o600):
            doctor.must("socket-denied", office, user=NOBODY, extra_groups=[])


def years_pass(doctor, bench, above, office):
    """A dossier offered each way while nobody answers, then clocks of two days later; and one of
    years later, when the calendar has ended and what neighbours say of the time differs."""
    # Its clock is what the file says, from now on.
    restart(office, shift=bench.write("clock", "0"), clock=doctor.clock)
    bench.wait_in_sync()
    down = above.must({"op": "create", "dossier": {"summary": "xuống"}})[0]["code"]
    above.must({"op": "offer", "code": down, "to": office.code})
    up = office.must({"op": "create", "dossier": {"summary": "lên"}})[0]["code"]
    office.must({"op": "offer", "code": up, "to": above.code})
    bench.wait_in_sync()
    above.cli("invite", "H47.12", "--name", "Huyện Phú Ninh", "--tier", "district", "--ttl", "1h")
    above.stop()
    office.must({"op": "create", "dossier": {"summary": "chờ"}})
    bench.write("clock", str(2 * DAY))
    found = doctor.look(office)
    for code in ("handoff-in-pending", "handoff-out-pending", "queue-not-moving", "link-down"):
        expect(code in found, f"after two days without a line: {code} is not named: {found}")
    restart(office, shift=2 * 366 * DAY, clock=doctor.clock)
    doctor.must("calendar-ends", office)
    restart(above, shift=2 * DAY, clock=doctor.clock)
    doctor.must("invitation-expired", above)
    restart(office)
    restart(above)
    bench.wait_in_sync()


def a_day_is_spent(doctor, office):
    """One megabyte is allowed; what is written does not compress."""
    restart(office, options_of(office, lambda text: offices.set_option(
        text, "link", "budget_mb_per_day", 1)))
    for _ in range(16):
        notes = [os.urandom(1500).hex() for _ in range(60)]
        office.must(*[{"op": "create", "dossier": {"summary": note}} for note in notes])
        if "budget-spent" in doctor.look(office):
            return
        time.sleep(1)
    doctor.soon("budget-spent", office)


def a_copied_disk(doctor, bench, above, office):
    """Both copies run and come to the office above in turns."""
    office.stop()
    copy = bench.office("H47.12.06")
    shutil.copytree(office.folder, copy.folder)
    with open(copy.config, encoding="utf-8") as stream:
        text = stream.read().replace(office.folder, copy.folder).replace(str(office.port),
                                                                         str(copy.port))
    with open(copy.config, "w", encoding="utf-8") as stream:
        stream.write(text)
    office.start()
    copy.start()
    wait("key-used-twice is named", lambda: "key-used-twice" in doctor.look(above), 60)
    copy.kill()


def no_person_in_the_bundle(bench, office):
    """Even of what was refused, and of those who may use the agent."""
    office.operate([
        {"op": "create", "dossier": {
            "summary": PERSONS[4], "applicant": {"name": PERSONS[0], "id_number": PERSONS[1],
                                                 "phone": PERSONS[2], "address": PERSONS[3]}}},
        {"op": "create", "dossier": {"code": PERSONS[0], "applicant": {"name": PERSONS[0]}}},
        {"op": "note", "code": PERSONS[0], "text": PERSONS[4]},
        {"op": "set", "code": "H47-1", "fields": {PERSONS[0]: PERSONS[1]}}])
    office.request("GET", "/v1/dossiers/" + "L%C3%B2%20Th%E1%BB%8B%20Hoa")
    path = bench.path("bundle.json")
    done = office.run("doctor", "--config", office.config, "--bundle", path)
    expect(os.path.exists(path), f"no bundle: {done.stderr}")
    expect(os.stat(path).st_mode & 0o077 == 0, "others may read it")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    bundle = json.loads(text)
    for name in ("findings", "status", "peers", "figures", "configuration", "log", "machine"):
        expect(name in bundle, f"the bundle has no {name}")
    expect("event=started" in text and "lienthong_records" in text, "it says too little")
    for person in PERSONS:
        for part in (person, *[word for word in person.split() if len(word) > 3]):
            expect(part not in text, f"{part!r} is in the bundle")


def the_table(doctor, bench):
    """docs/failures.md has the rows of the program; every failure is made to happen somewhere."""
    rows = bench.run("doctor", "--markdown").stdout
    with open(os.path.join(ROOT, "docs", "failures.md"), encoding="utf-8") as stream:
        expect(rows in stream.read(), "docs/failures.md has other rows than doctor --markdown")
    codes = re.findall(r"^\| `([a-z-]+)`", rows, re.M)
    vietnamese = subprocess.run([bench.cli, "--lang", "vi", "doctor", "--markdown"],
                                capture_output=True, check=True).stdout.decode()
    same = set(rows.splitlines()) & set(vietnamese.splitlines())
    expect(not same, f"not translated: {same}")
    for code, test in ELSEWHERE.items():
        with open(os.path.join(ROOT, "tests", test), encoding="utf-8") as stream:
            expect(stream.read(), test)
        expect(code in codes, f"{code} is no code")
    left = set(codes) - doctor.named - set(ELSEWHERE)
    bench.say(f"{len(codes)} codes: {len(set(codes) & doctor.named)} made to happen here, "
              f"{len(set(ELSEWHERE))} elsewhere, not shown: {sorted(left)}")
    expect(len(set(codes) & doctor.named) >= 30, "fewer than thirty were made to happen here")


def test(bench, options):
    doctor = Doctor(bench, options)
    nothing_set_up(doctor, bench)
    above, office = bench.found("H47"), None
    above.stop()
    files_of_a_stopped_agent(doctor, above)
    above.start()
    office = bench.enrol("H47.12")
    no_person_in_the_bundle(bench, office)
    office.stop()
    lines_of_a_stopped_agent(doctor, office, above)
    other_programs(doctor, bench, office)
    years_pass(doctor, bench, above, office)
    a_day_is_spent(doctor, office)
    restart(office)
    a_copied_disk(doctor, bench, above, office)
    above.stop()
    office.stop()
    if not disks(doctor, bench, office):
        bench.say("disks not tried: no right to mount")
    the_table(doctor, bench)


def main():
    parser = offices.parser(__doc__)
    parser.add_argument("--shift-clock", required=True, help="the library shift_clock")
    options = parser.parse_args()
    return offices.main(options, lambda bench: test(bench, options))


if __name__ == "__main__":
    sys.exit(main())
