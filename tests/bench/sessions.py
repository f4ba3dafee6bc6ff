"""A live pair: what a reconnect, one change, a newcomer's dossier and a dead path cost."""
import random
import time

import harness
from figures import KB, Figure
from harness import CHILD, PARENT

RTT = 0.6
WARM = 4
DOSSIERS = 20_000


def far(world):
    world.net.set(CHILD, delay=RTT / 2, rate=512_000, queue=65536)


def reconnect(rig):
    """Reconnect of two that have nothing new, 600 ms."""
    runs = []
    world, _, child = rig.level(DOSSIERS)
    with world:
        far(world)
        for _ in range(rig.seeds(3)[-1]):
            child.stop()
            world.calm()
            world.net.reset()
            child.spawn()
            harness.offices.wait("the child answers", child.answers)
            known = world.until(lambda: harness.acknowledged(child), 60, "in sync")
            world.calm()
            wire = world.wire()
            seconds = known - wire.pop("first_at")
            runs.append({**wire, "seconds": seconds, "round_trips_after_tcp": seconds / RTT - 1})
    return {"bytes": harness.median([r["bytes"] for r in runs]),
            "round_trips": harness.median([r["round_trips_after_tcp"] for r in runs]),
            "runs": runs}


def one_change(rig):
    """One change alone on a live session, delivered and acknowledged."""
    operations = rig.programs.generate(
        "--agency", CHILD, "--superior", PARENT, "--seed", 1, "--commune", 1, "--mode", "outage",
        "--dossiers", DOSSIERS, "--dossiers-per-day", max(40, DOSSIERS // 250), "--changes", 200)
    # The first steps of dossiers that are there already, each of another.
    steps, new = {}, {op["dossier"]["code"] for op in operations if op["op"] == "create"}
    for operation in operations:
        if operation["op"] == "set" and operation["code"] not in new:
            steps.setdefault(operation["code"], operation)
    runs = []
    world, _, child = rig.level(DOSSIERS)
    with world:
        far(world)
        # The first few let TCP learn the new round trip.
        for number, operation in enumerate(list(steps.values())[:WARM + rig.seeds(7)[-1]]):
            world.net.reset()
            begin = time.monotonic()
            child.must(operation)
            known = world.until(lambda: harness.acknowledged(child), 60, "acknowledged")
            world.calm()
            if number >= WARM:
                runs.append({**world.wire(), "seconds": known - begin})
    sizes = [r["bytes"] for r in runs]
    return {"bytes": harness.median(sizes), "bytes_max": max(sizes), "runs": runs}


def newcomer(rig):
    """A dossier of six updates offered to an agency that has never seen it."""
    runs = []
    world, parent, child = rig.level(DOSSIERS)
    dossiers = rig.programs.generate("--agency", PARENT, "--seed", 77, "--dossiers", 200)
    with world:
        far(world)
        for number in range(WARM + rig.seeds(5)[-1]):
            dossier = {**dossiers[number]["dossier"], "status": "accepted"}
            for name in ("finished_at", "returned_at", "competent_agency"):
                dossier.pop(name, None)
            code = dossier["code"]
            officer = dossier["officer"]
            steps = [("processing", "chuyển xử lý", None), ("supplement", "yêu cầu bổ sung",
                     "Thiếu bản sao có chứng thực"), ("processing", "đã bổ sung", None)]
            before = parent.status()["updates"]
            parent.must({"op": "create", "dossier": dossier},
                        *({"op": "set", "code": code, "fields": {"status": status},
                           "event": {"officer": officer, "action": action,
                                     **({"note": note} if note else {})}}
                          for status, action, note in steps),
                        {"op": "note", "code": code, "note": "Đã liên hệ người nộp"})
            world.net.reset()
            parent.must({"op": "offer", "code": code, "to": CHILD})
            world.until(lambda code=code: child.request("GET", f"/v1/dossiers/{code}")[0] == 200,
                        60, "offered")
            world.calm()
            if number >= WARM:
                runs.append({**world.wire(), "updates": parent.status()["updates"] - before})
    return {"bytes": harness.median([r["bytes"] for r in runs]), "runs": runs}


WATCHED = 5


def redial(rig):
    """The link comes back while work waits, and no interface shows it: until the session is up."""
    seconds, rates = [], []
    world, _, child = rig.level(200)
    chance = random.Random(1)

    def connected():
        return child.status()["neighbours"][0]["state"] == "connected"
    with world:
        far(world)
        for number in rig.seeds(7):
            world.net.set(CHILD, cut=True)
            if number > 1:  # what it does then is the same, and nobody waits for it to notice
                child.stop()
                child.spawn()
                harness.offices.wait("the child answers", child.answers)
            child.must({"op": "create", "dossier": {"procedure": "1.001193", "summary": "thử"}})
            world.until(lambda: not connected(), 120, "given up")
            time.sleep(2)
            world.net.reset()
            begin = time.monotonic()
            time.sleep(WATCHED + 2 * chance.random())
            rates.append(world.net.counters()[CHILD]["up"]["bytes"] / (time.monotonic() - begin))
            world.net.set(CHILD, cut=False)
            begin = time.monotonic()
            seconds.append(world.until(connected, 60, "up again") - begin)
            world.until(lambda: harness.acknowledged(child), 60, "acknowledged")
    return {"seconds": harness.median(seconds), "bytes_a_second": max(rates), "runs": seconds}


def dead_path(rig):
    """The link is cut while data waits: until the path is given up."""
    runs = []
    for seed in rig.seeds(1):
        world, _, child = rig.level(200, seed)
        with world:
            far(world)
            time.sleep(1)
            world.net.set(CHILD, cut=True)
            child.must({"op": "create", "dossier": {"procedure": "1.001193", "summary": "thử"}})
            begin = time.monotonic()

            def gone(child=child):
                return child.status()["neighbours"][0]["state"] != "connected"
            runs.append(world.until(gone, 120, "given up") - begin)
    return {"seconds": max(runs), "runs": runs}


SCENARIOS = (
    (reconnect, [Figure("bytes", "bytes", 600, "bytes"),
                 # A look every 20 ms and the work at both ends come on top of the line.
                 Figure("round trips after TCP's", "round_trips", 1.1, "")]),
    (one_change, [Figure("bytes of IP", "bytes", 340, "bytes")]),
    (newcomer, [Figure("bytes of IP", "bytes", 2.5 * KB, "KB")]),
    (redial, [Figure("median", "seconds", 1.5, "s"),
              Figure("attempts, bytes a second", "bytes_a_second", 150, "bytes")]),
    (dead_path, [Figure("seen after", "seconds", 20, "s")]),
)
