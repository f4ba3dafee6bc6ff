#!/usr/bin/env python3
"""Disks that fail in the middle of writing: filled and emptied again and again while people work,
then read-only under it and back. The agent never ends, works again by itself, and nothing that it
has acknowledged is lost, at its superior either.

The office's data lie on small file systems of the test, in a mount namespace of its own; without
the right to make one it says so and counts as skipped (77).
"""
import http.client
import json
import random
import sys
import threading
import time

import disks
import offices
from offices import expect, wait

ROUNDS = 4
DISK_MB = 160


class Writer(threading.Thread):
    """Writes without a pause, repeats nothing, and keeps what was acknowledged."""

    def __init__(self, office, seed):
        super().__init__(daemon=True)
        self.office, self.random = office, random.Random(seed)
        self.acknowledged, self.done, self.last = [], threading.Event(), 0
        self.refused = self.unanswered = 0
        self.codes = []

    def operations(self):
        if self.codes and self.random.random() < 0.3:
            return [{"op": "note", "code": self.random.choice(self.codes),
                     "note": "x" * self.random.randint(0, 3000)}]
        return [{"op": "create", "dossier": {"procedure": "1.001193",
                                             "summary": "y" * self.random.randint(0, 3000)}}]

    def run(self):
        while not self.done.is_set():
            operations = self.operations()
            try:
                status, body = self.office.request(
                    "POST", "/v1/operations",
                    "".join(json.dumps(o) + "\n" for o in operations).encode())
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                time.sleep(0.05)
                continue
            if status != 200:
                self.refused += 1
                time.sleep(0.05)
                continue
            for answer in [json.loads(line) for line in body.splitlines() if line]:
                if not answer["ok"]:
                    self.refused += 1
                    time.sleep(0.03)
                    continue
                self.acknowledged.append(answer["update"])
                self.last = time.monotonic()
                if len(self.codes) < 50 and answer.get("code"):
                    self.codes.append(answer["code"])


def updates(office):
    since, found = 0, set()
    while True:
        page = office.get(f"/v1/changes?since={since}&limit=1000")
        if not page["changes"]:
            return found
        found |= {change["update"] for change in page["changes"]}
        since = page["changes"][-1]["number"]


def alive(office, pid, what):
    expect(office.process.poll() is None and office.process.pid == pid,
           f"{what}: the agent ended with {office.process.poll()}\n{offices.tail(office.log)}")


def troubled(office):
    try:
        status, body = office.request("GET", "/v1/status")
    except (OSError, http.client.HTTPException):
        return True
    return status != 200 or json.loads(body)["trouble"]


def writes_again(writers):
    begin = time.monotonic()
    wait("something is acknowledged again", lambda: all(w.last > begin for w in writers), 90)
    return time.monotonic() - begin


def check_filling(bench, office, disk, rng):
    pid = office.process.pid
    writers = [Writer(office, rng.random()) for _ in range(3)]
    for writer in writers:
        writer.start()
    for number in range(ROUNDS):
        time.sleep(rng.uniform(0.5, 2))
        disk.fill()
        wait("it says that it is read-only", lambda: troubled(office), 10)
        time.sleep(rng.uniform(0.5, 5))
        alive(office, pid, f"filled {number}")
        disk.free()
        took = writes_again(writers)
        alive(office, pid, f"emptied {number}")
        bench.say(f"filled and emptied {number}: writes again after {took:.1f} s")
        wait("there is a reserve again", disk.has_reserve)
    return stopped(writers)


def drop_later(writers, counts):
    """What was acknowledged while the kernel gave the file system up: it answers a sync with
    success then that it has not carried out, which nobody can see from outside."""
    for writer, count in zip(writers, counts):
        del writer.acknowledged[count:]


def stopped(writers):
    for writer in writers:
        writer.done.set()
    for writer in writers:
        writer.join(offices.PATIENCE)
        expect(not writer.is_alive(), "a writer was never answered")
    return [update for writer in writers for update in writer.acknowledged]


def check_read_only(bench, office, disk, rng):
    pid = office.process.pid
    writers = [Writer(office, rng.random()) for _ in range(3)]
    for writer in writers:
        writer.start()
    for number in range(2):
        time.sleep(rng.uniform(0.5, 1.5))
        counts = [len(writer.acknowledged) for writer in writers]
        disk.turn_read_only()
        time.sleep(rng.uniform(1, 4))
        drop_later(writers, counts)
        alive(office, pid, f"read-only {number}")
        disk.turn_back()
        took = writes_again(writers)
        alive(office, pid, f"writable {number}")
        bench.say(f"read-only and back {number}: writes again after {took:.1f} s")
    return stopped(writers)


def check_all_there(bench, above, office, acknowledged):
    bench.wait_in_sync(2 * offices.PATIENCE)
    expect(len(acknowledged) > 50, f"only {len(acknowledged)} changes: the load was no load")
    for where in (office, above):
        missing = set(acknowledged) - updates(where)
        expect(not missing, f"{where.code}: {len(missing)} of {len(acknowledged)} acknowledged "
               f"changes are gone: {list(missing)[:3]}")
        expect(json.loads(where.cli("--json", "verify"))["differ"] == [], "records differ")
    bench.say(f"{len(acknowledged)} acknowledged changes, all there")


def test(bench):
    rng = random.Random(options.seed)
    bench.say(f"seed {options.seed}")
    province = bench.found("H47")
    district = bench.office("H47.12")
    why_not = disks.why_no_images(bench.folder)
    kind = disks.MemoryDisk if why_not else disks.ImageDisk
    filled = kind(district.folder, DISK_MB)
    bench.enrol("H47.12")
    bench.wait_in_sync()
    acknowledged = check_filling(bench, district, filled, rng)
    check_all_there(bench, province, district, acknowledged)
    if why_not:
        bench.say(f"read-only disks not tried: {why_not}")
        return
    commune = bench.office("H47.12.05")
    turned = disks.ImageDisk(commune.folder, DISK_MB)
    bench.enrol("H47.12.05", bench.path("commune.sock"))  # on another disk, so that it answers
    bench.wait_in_sync()
    acknowledged = check_read_only(bench, commune, turned, rng)
    check_all_there(bench, district, commune, acknowledged)
    for office, disk in ((commune, turned), (district, filled)):
        expect(office.stop() == 0, "it did not stop cleanly")
        disk.unmount()


if __name__ == "__main__":
    arguments = offices.parser(__doc__)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = arguments.parse_args(sys.argv[1:])
    disks.enter_namespace()
    offices.main(options, test)
