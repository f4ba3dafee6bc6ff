"""After an outage: 2,340 changes, made one by one while there was no link, go to the neighbour."""
import random
import time

import harness
from figures import KB, Figure
from harness import CHILD, PARENT

CHANGES = 2340
REMARKS = 200  # that the parent writes meanwhile, to other dossiers
BOTH = 20  # dossiers to which both write
DOSSIERS = 20_000


def run_once(rig, folder, link, seed=1, congestion="cubic", patience=300, phase=None, remarks=0):
    """One catch-up over a link that comes back after an outage; the child is told to dial; the
    parent has made so many remarks meanwhile. Seconds from its first packet until it knows that
    all is stored and synced over there."""
    with harness.World(rig, folder, harness.PAIR, seed, congestion) as world:
        parent, child = world.office(PARENT), world.office(CHILD)
        world.net.set(CHILD, cut=True)
        world.start_all()
        world.settle()
        had = parent.status()["updates"]
        to_come = child.status()["updates"] + remarks

        def there():
            return all(o.status()["updates"] >= to_come for o in (parent, child))
        world.net.set(CHILD, cut=False, phase=phase or 0, **link)
        world.net.reset()
        child.request("POST", "/v1/sync")
        stored = world.until(there, patience, "stored")
        known = world.until(lambda: harness.acknowledged(child), patience, "acknowledged")
        time.sleep(harness.CALM)
        wire = world.wire()
        begin = wire.pop("first_at")
        return {"seconds": known - begin, "stored_seconds": stored - begin, **wire,
                "changes": to_come - had, "seed": seed, "congestion": congestion,
                "child": child.cost(), "parent": parent.cost()}


def link(rate, rtt, loss=0.0, queue=65536, **more):
    return {"rate": rate, "delay": rtt / 2, "loss": loss, "queue": queue, **more}


def catchup_bytes(rig):
    """2,340 changes over 512 kbit/s, 600 ms, without loss."""
    folder = rig.pair(DOSSIERS, pending=CHANGES)
    runs = [run_once(rig, folder, link(512_000, 0.6), seed) for seed in rig.seeds(1)]
    return {"bytes": harness.median([r["bytes"] for r in runs]), "runs": runs}


def catchup_both(rig):
    """2,340 changes here, 220 there, 20 dossiers on both sides, 512 kbit/s, 600 ms, 2 % loss."""
    folder = rig.pair(DOSSIERS, pending=CHANGES, remarks=REMARKS, both=BOTH)
    plain = rig.pair(DOSSIERS, pending=CHANGES, remarks=REMARKS + BOTH)
    where = link(512_000, 0.6, 0.02)
    runs = [run_once(rig, folder, where, seed, remarks=REMARKS + BOTH) for seed in rig.seeds(3)]
    without = [run_once(rig, plain, where, seed, remarks=REMARKS + BOTH) for seed in rig.seeds(1)]
    return {"seconds": harness.median([r["seconds"] for r in runs]),
            "bytes": harness.median([r["bytes"] for r in runs]),
            "bytes_without": harness.median([r["bytes"] for r in without]),
            "runs": runs + without}


def catchup_conflict(rig):
    """1,500 changes, one of them to a dossier to which the parent wrote, against none such."""
    sizes = {}
    for both in (0, 1):
        folder = rig.pair(DOSSIERS, pending=1500, remarks=1 - both, both=both)
        sizes[both] = run_once(rig, folder, link(512_000, 0.6), remarks=1)["bytes"]
    return {"bytes": sizes[1], "bytes_without": sizes[0]}


def catchup_lossy(rig):
    """2,340 changes over 512 kbit/s, 600 ms, 2 % loss, cubic and bbr."""
    folder = rig.pair(DOSSIERS, pending=CHANGES)
    out = {"runs": []}
    for congestion in ("cubic", "bbr"):
        runs = [run_once(rig, folder, link(512_000, 0.6, 0.02), seed, congestion)
                for seed in rig.seeds(3)]
        seconds = [r["seconds"] for r in runs]
        out[congestion + "_median"] = harness.median(seconds)
        out[congestion + "_p90"] = harness.percentile(seconds, 0.9)
        out["runs"] += runs
    return out


def up_time(run, period, phase):
    """Of the run's seconds those in which the link was up; the schedule began at its start."""
    total, moment, end = 0.0, phase, phase + run["seconds"]
    while moment < end:
        step = min(end, (moment // period + 1) * period) - moment
        total += step if int(moment // period) % 2 == 0 else 0
        moment += step
    return total


def catchup_flapping(rig):
    """2,340 changes while the link is 10 s up and 10 s down, begun anywhere in the up-time."""
    folder = rig.pair(DOSSIERS, pending=CHANGES)
    out = {"runs": []}
    for name, rate in (("512", 512_000), ("128", 128_000)):
        uncut = run_once(rig, folder, link(rate, 0.6))
        times, sizes = [], []
        for seed in rig.seeds(2):
            # So that the link goes down when part of it is through.
            left = random.Random(seed).uniform(0.3, 0.9) * min(uncut["seconds"], 10)
            run = run_once(rig, folder, link(rate, 0.6, up=10, down=10), seed, phase=10 - left)
            times.append(up_time(run, 10, 10 - left))
            sizes.append(run["bytes"])
            out["runs"].append({**run, "rate": rate, "up_seconds": times[-1]})
        out[f"up_seconds_{name}"] = harness.median(times)
        out[f"bytes_{name}"] = harness.median(sizes)
        out[f"ratio_{name}"] = harness.median(times) / uncut["seconds"]
    return out


def catchup_scale(rig):
    """2,340 changes with 1,000,000 records (quick: 100,000) against the same with 10,000."""
    big = 1_000_000 if rig.full else 100_000
    small = run_once(rig, rig.pair(10_000, pending=CHANGES), link(512_000, 0.6))
    large = run_once(rig, rig.pair(10_000, pending=CHANGES, others=big - 10_000),
                     link(512_000, 0.6))
    return {"bytes_ratio": large["bytes"] / small["bytes"],
            "seconds_ratio": large["seconds"] / small["seconds"], "records": big,
            "runs": [small, large]}


SCENARIOS = (
    (catchup_bytes, [Figure("2,340 changes, both ways", "bytes", 75 * KB, "KB")]),
    (catchup_both, [Figure("median", "seconds", 3.5, "s"),
                    Figure("bytes", "bytes", 85 * KB, "KB")]),
    (catchup_conflict, [Figure("bytes", "bytes", 37 * KB, "KB")]),
    (catchup_lossy, [Figure("median, cubic", "cubic_median", 3.3, "s"),
                     Figure("p90, cubic", "cubic_p90", 4.5, "s"),
                     Figure("median, bbr", "bbr_median", 3.3, "s"),
                     Figure("p90, bbr", "bbr_p90", 4.5, "s")]),
    (catchup_flapping, [Figure("up-time at 512 kbit/s", "up_seconds_512", 5, "s"),
                        Figure("bytes at 512 kbit/s", "bytes_512", 80 * KB, "KB"),
                        Figure("up-time at 128 kbit/s against uncut", "ratio_128", 1.2, " ×")]),
    (catchup_scale, [Figure("bytes against 10,000 records", "bytes_ratio", 1.05, " ×"),
                     Figure("seconds against 10,000 records", "seconds_ratio", 1.2, " ×")]),
)
