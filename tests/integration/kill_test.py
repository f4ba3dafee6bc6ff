#!/usr/bin/env python3
"""Kills agents at random moments while all of them work and sync; then nothing may be missing.

A province, a district and three communes as real processes, or a district and three communes
(--two-tiers). At each of them a worker creates
dossiers, writes to them and hands them over without a pause. An agent at random is killed with
SIGKILL and started again, --kills times; some die again while they start, and now and then several
at once. With --power its disk loses its power at the same moment, half of the times: what was not
synced is gone. With --megabytes the kernel holds each to so much memory. Every line that the API
has acknowledged is kept here, outside. At the end: each of them is in every replica of its
audience, all replicas agree record by record, refolding finds no difference, nothing was refused
or waits, and every dossier has one code and one custodian. A worker whose agent dies before it
answers repeats the operation under the same key: that must not make two of it.
"""
import collections
import http.client
import json
import random
import sys
import threading
import time

import disks
import offices
from memory_limit import MemoryLimit
from offices import TREE, expect

PARENT = {code: parent for code, _, _, parent in TREE}
DISK_MB = 256


def chain(code):
    """The agency and its superiors."""
    while code:
        yield code
        code = PARENT[code]


class Worker(threading.Thread):
    """The people of one office: they repeat what was not answered until it is."""

    def __init__(self, office, seed, codes):
        super().__init__(name=office.code, daemon=True)
        self.codes = codes  # of all offices
        self.office, self.random = office, random.Random(f"{seed} {office.code}")
        self.acknowledged = []  # (operation, answer)
        self.refused = collections.Counter()
        self.repeated = 0
        self.mine = []  # codes held here, as far as known
        self.done = threading.Event()
        self.failure = None
        self.number = 0

    def run(self):
        try:
            while not self.done.is_set():
                self.step()
        except Exception as wrong:
            self.failure = wrong

    def step(self):
        roll = self.random.random()
        if roll < 0.08:
            self.look()
        elif roll < 0.12:
            self.apply_file()
        else:
            self.send([self.operation() for _ in range(self.random.choice((1, 1, 2, 5)))])
        self.done.wait(self.random.uniform(0, 0.05))

    def insist(self, ask):
        """ask() until the agent is there to answer it."""
        while True:
            try:
                return ask()
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)

    def look(self):
        """What is held here and what is offered to us; answers some of the offers."""
        path = f"/v1/dossiers?holder={self.office.code}&limit=200"
        self.mine = [line["code"] for line in self.insist(lambda: self.office.lines(path))
                     if not line["offered_to"]]
        path = "/v1/handoffs?pending=1&direction=in"
        offered = [line["code"] for line in self.insist(lambda: self.office.lines(path))]
        answers = [self.keyed({"op": "decline" if self.random.random() < 0.2 else "accept",
                               "code": code}) for code in offered[:20]]
        if answers:
            self.send(answers)

    def keyed(self, operation):
        self.number += 1
        return {**operation, "key": f"{self.office.code} {self.number}"}

    def operation(self):
        roll = self.random.random()
        if not self.mine or roll < 0.35:
            summary = f"hồ sơ {self.office.code} thứ {self.number + 1}"
            return self.keyed({"op": "create", "dossier": {"procedure": "1.001193",
                                                           "summary": summary}})
        code = self.random.choice(self.mine)
        if roll < 0.6:
            return self.keyed({"op": "set", "code": code, "fields": {
                "unit": f"bộ phận {self.random.randint(1, 9)}",
                "applicant": {"name": f"Nguyễn Văn {self.number}"}}})
        if roll < 0.8:
            return self.keyed({"op": "event", "code": code, "event": {
                "officer": "Lê Thị Hạnh", "action": "thẩm định", "note": "x" * 200}})
        if roll < 0.85:
            return self.keyed({"op": "note", "code": code, "note": "ghi chú"})
        self.mine.remove(code)
        others = [code for code in self.codes if code != self.office.code]
        return self.keyed({"op": "offer", "code": code, "to": self.random.choice(others)})

    def send(self, operations):
        answers = self.insist(lambda: self.office.operate(operations))
        for operation, answer in zip(operations, answers):
            if not answer["ok"]:
                self.refused[operation["op"] + " " + answer["error"]["code"]] += 1
                continue
            self.acknowledged.append((operation, answer))
            self.repeated += answer["repeated"]
            if operation["op"] == "create":
                self.mine.append(answer["code"])

    def apply_file(self):
        """The same by `lienthong apply`; then the API is asked what became of each line."""
        operations = [self.operation() for _ in range(5)]
        text = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in operations)
        done = self.office.run("--json", "apply", "-", stdin=text)
        if done.returncode not in (0, 1):
            return self.send(operations)
        refused = {entry["line"] for entry in json.loads(done.stdout)["refused"]} \
            if done.stdout else set(range(1, 6))
        taken = [o for line, o in enumerate(operations, 1) if line not in refused]
        if not taken:
            return None
        before = self.repeated
        self.send(taken)
        expect(self.repeated - before == len(taken),
               f"{self.office.code}: apply said that it had taken {taken}, "
               f"the API knows {self.repeated - before} of them")
        return None


def strike(bench, options, rng, number):
    """Kills one, now and then several at once; some of them with their disks."""
    running = list(bench.offices.values())
    roll = rng.random()
    count = len(running) if roll < 0.05 else 2 if roll < 0.2 else 1
    struck = rng.sample(running, count)
    cut = [office for office in struck if options.power and rng.random() < 0.5]
    for office in struck:
        expect(office.process.poll() is None, f"{office.code} ended by itself with "
               f"{office.process.returncode} before kill {number}\n" + offices.tail(office.log))
        office.kill()  # first: a sync that comes as the file system is shut may be told a lie
        if office in cut:
            options.disks[office.code].lose_power()
    for office in struck:
        if office in cut:
            options.disks[office.code].restore_power()
        office.spawn()
    names = " ".join(office.code + ("!" if office in cut else "") for office in struck)
    bench.say(f"kill {number:2}: {names}")
    return struck


def kill_some(bench, options, workers):
    """Each time at a random moment."""
    rng = random.Random(options.seed)
    number = 0
    while number < options.kills:
        threading.Event().wait(rng.uniform(0.05, options.pause))
        struck = strike(bench, options, rng, number + 1)
        number += len(struck)
        if rng.random() < 0.75:
            for office in struck:
                offices.wait(f"{office.code} answers after kill {number}", office.answers)
        for worker in workers:
            expect(worker.failure is None, f"{worker.name}: {worker.failure!r}")


def check_status(bench):
    for office in bench.offices.values():
        status = json.loads(office.cli("--json", "status"))
        expect(status["in_sync"], f"{office.code}: not in sync: {status}")
        troubles = office.get("/v1/quarantine")
        for kind in ("refused", "waiting"):
            expect(not troubles[kind], f"{office.code}: {kind}: {troubles[kind][:5]}")
        _, body = office.request("POST", "/v1/verify")
        verified = json.loads(body)
        expect(verified["differ"] == [], f"{office.code}: verify: {verified}")
        expect(verified["checked"] == status["records"], f"{office.code}: verify: {verified}")


def check_records(bench):
    """Record by record: the same everywhere, one code, one custodian. record -> who has it."""
    copies = collections.defaultdict(dict)
    for office in bench.offices.values():
        for line in office.lines("/v1/digest"):
            copies[line["record"]][office.code] = line
    for record, lines in copies.items():
        for name in ("digest", "code", "holder", "offered_to"):
            values = {office: line.get(name) for office, line in lines.items()}
            expect(len(set(values.values())) == 1, f"{record}: {name} differs: {values}")
        holder = next(iter(lines.values()))["holder"]
        expect(holder in PARENT, f"{record}: custodian {holder}")
        expect(holder in lines, f"{record}: its custodian {holder} has no copy")
    codes = collections.Counter(next(iter(lines.values()))["code"] for lines in copies.values())
    expect(all(n == 1 for n in codes.values()), f"two records of one code: {codes.most_common(3)}")
    return {record: set(lines) for record, lines in copies.items()}


def changes(office):
    """Ids of all updates in a replica."""
    since, found = 0, set()
    while True:
        page = office.get(f"/v1/changes?since={since}&limit=1000")
        if not page["changes"]:
            return found
        found |= {change["update"] for change in page["changes"]}
        since = page["changes"][-1]["number"]


def check_acknowledged(bench, workers, holders):
    """Every acknowledged change is wherever it must be."""
    audience, summaries = collections.defaultdict(set), collections.Counter()
    for worker in workers:
        for operation, answer in worker.acknowledged:
            audience[answer["record"]] |= set(chain(worker.office.code))
            if operation["op"] == "offer":
                audience[answer["record"]] |= set(chain(operation["to"]))
    updates = {office.code: changes(office) for office in bench.offices.values()}
    count = 0
    for worker in workers:
        for operation, answer in worker.acknowledged:
            count += 1
            what = f"{worker.name}: acknowledged {operation} -> {answer}"
            for code in sorted(audience[answer["record"]]):
                expect(code in holders.get(answer["record"], ()), f"{what}: no record at {code}")
                expect(answer["update"] in updates[code], f"{what}: missing at {code}")
    # An office above that took no part in a dossier is not shown what is closed.
    of_record = {line["record"]: line["summary"] for office in bench.offices.values()
                 for line in office.lines("/v1/export") if "summary" in line}
    summaries.update(of_record.values())
    expect(all(n == 1 for n in summaries.values()),
           f"a repeated operation was carried out twice: {summaries.most_common(3)}")
    return count


def prepare(bench, options, codes):
    """Disks that can lose their power, and bounds of memory, as far as they are asked for."""
    options.disks, options.limits = {}, []
    if options.power:
        why_not = disks.why_no_images(bench.folder)
        if why_not:
            bench.say(f"no power is cut: {why_not}")
            options.power = False
    for code in codes:
        office = bench.office(code)
        if options.power:
            options.disks[code] = disks.ImageDisk(office.folder, DISK_MB)
        if options.megabytes:
            limit = MemoryLimit(code, options.megabytes)
            if not limit.folder:
                bench.say(f"memory is not bounded: {limit.why_not}")
                options.megabytes = 0
                continue
            office.enter = limit.join
            options.limits.append(limit)


def check_limits(bench, options):
    for limit in options.limits:
        expect(limit.kills() == 0, f"{limit.folder}: killed for want of memory")
    if options.limits:
        bench.say(f"none needed more than {options.megabytes} MB")


def finish(bench, options):
    for office in bench.offices.values():
        if office.process and office.process.poll() is None:
            office.kill()
    for limit in options.limits:
        limit.close()
    for disk in options.disks.values():
        disk.unmount()


def test(bench, options):
    try:
        storm(bench, options)
    finally:
        finish(bench, options)


def storm(bench, options):
    bench.say(f"seed {options.seed}, {options.kills} kills; again with: --seed {options.seed} "
              f"--kills {options.kills}")
    codes = [place[0] for place in TREE][1 if options.two_tiers else 0:]
    PARENT[codes[0]] = None
    prepare(bench, options, codes)
    bench.deploy(codes)
    bench.say(f"{len(codes)} agents run")
    workers = [Worker(office, options.seed, codes) for office in bench.offices.values()]
    for worker in workers:
        worker.start()
    kill_some(bench, options, workers)
    for office in bench.offices.values():
        offices.wait(f"{office.code} answers", office.answers)
    for worker in workers:
        worker.done.set()
    for worker in workers:
        worker.join(offices.PATIENCE)
        expect(not worker.is_alive(), f"{worker.name}: its last request was not answered")
        expect(worker.failure is None, f"{worker.name}: {worker.failure!r}")
    bench.say("the work ends")
    bench.wait_in_sync(3 * offices.PATIENCE)
    bench.say("in sync")
    check_limits(bench, options)
    check_status(bench)
    holders = check_records(bench)
    count = check_acknowledged(bench, workers, holders)
    expect(count > 5 * options.kills, f"only {count} changes went in: the load was no load")
    refused = sum((worker.refused for worker in workers), collections.Counter())
    bench.say(f"{len(holders)} dossiers, {count} acknowledged changes, all there; "
              f"{sum(w.repeated for w in workers)} repeated; refused: {dict(refused)}")


def main():
    parser = offices.parser(__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--pause", type=float, default=0.6, help="longest time between two kills")
    parser.add_argument("--two-tiers", action="store_true", help="a district and its communes")
    parser.add_argument("--power", action="store_true", help="disks lose their power as well")
    parser.add_argument("--megabytes", type=int, default=0, help="memory of each agent")
    options = parser.parse_args()
    if options.power:
        disks.enter_namespace()
    offices.main(options, lambda bench: test(bench, options))


if __name__ == "__main__":
    sys.exit(main())
