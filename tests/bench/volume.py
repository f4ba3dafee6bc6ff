"""Much at once: the first sync, agents with many dossiers, recovery, long reports."""
import shutil
import time

import harness
from figures import KB, MB, MIB, Figure
from harness import CHILD, PARENT

DOSSIERS = 20_000
KBIT = 1000


def first_sync_run(rig, link, patience):
    with harness.World(rig, rig.pair(0, fresh=DOSSIERS), harness.PAIR) as world:
        parent, child = world.office(PARENT), world.office(CHILD)
        world.net.set(CHILD, **link)
        parent.start()
        child.spawn()
        harness.offices.wait("the child answers", child.answers)
        to_come = child.status()["updates"]
        world.until(lambda: parent.status()["updates"] >= to_come, patience, "stored")
        known = world.until(lambda: harness.acknowledged(child), patience, "acknowledged")
        time.sleep(harness.CALM)
        wire = world.wire()
        costs = {"child": child.cost(), "parent": parent.cost()}
        return {"seconds": known - wire.pop("first_at"), **wire, **costs,
                "resident_peak": max(cost["resident_peak"] for cost in costs.values())}


def first_sync(rig):
    """20,000 dossiers between two agents on one machine, verified and synced."""
    runs = [first_sync_run(rig, {}, 120) for _ in rig.seeds(1)[:5]]
    return {**{key: harness.median([r[key] for r in runs])
               for key in ("seconds", "bytes", "resident_peak")}, "runs": runs}


def first_sync_slow(rig):
    """The same at 256 kbit/s, 600 ms."""
    if not rig.full:
        raise harness.OnlyFull
    return first_sync_run(rig, {"rate": 256 * KBIT, "delay": 0.3, "queue": 65536}, 1200)


def idle(rig):
    """Two agents with 20,000 dossiers and nothing to do, for a while."""
    world, parent, child = rig.level(DOSSIERS)
    with world:
        span = 600 if rig.full else 60
        for office in (parent, child):
            office.stop()
            office.start()
        world.until(lambda: harness.acknowledged(child), 60, "in sync")
        world.calm()
        world.net.reset()
        before = [office.measured.cpu() for office in (parent, child)]
        time.sleep(span)
        costs = [office.cost() for office in (parent, child)]
        wire = world.wire()
        return {"resident": max(c["resident"] for c in costs),
                "private": max(c["private"] for c in costs),
                "cpu": max(c["cpu_seconds"] - b for c, b in zip(costs, before)) / span,
                "bytes_a_minute": wire["bytes"] / span * 60, "wire": wire, "agents": costs}


def opening(office):
    begin = time.monotonic()
    office.spawn()
    while not office.answers():
        time.sleep(0.005)
    return time.monotonic() - begin


def many_updates(rig):
    """One agent with 1,000,000 updates (quick: 100,000): opening it, and what it takes."""
    size = 1_000_000 if rig.full else 100_000
    folder = rig.pair(0, fresh=size)
    with harness.World(rig, folder, harness.PAIR) as world:
        child = world.office(CHILD)
        first = opening(child)
        opened = child.cost()
        child.must({"op": "create", "dossier": {"procedure": "1.001193", "summary": "thử"}})
        child.kill()
        again = opening(child)
        code = child.lines("/v1/dossiers?limit=1")[0]["code"]
        time.sleep(harness.CALM)
        used = child.cost()
        whys = why_times(child, code)
        child.stop()
        return {"updates": size, "open_seconds": first, "open_after_kill_seconds": again,
                "resident": max(opened["resident"], used["resident"]),
                "resident_peak": max(opened["resident_peak"], used["resident_peak"]),
                "private": used["private"], "disk": used["disk"], "why_seconds": max(whys),
                "why_runs": whys}


def why_times(office, code):
    """What `lienthong why` takes, the command line's own start included."""
    times = []
    for _ in range(10):
        begin = time.monotonic()
        office.cli("why", code)
        times.append(time.monotonic() - begin)
    return times


def recovery(rig):
    """A new machine gets 1,000,000 updates (quick: 100,000) back from its parent on a LAN."""
    size = 1_000_000 if rig.full else 100_000
    folder = rig.pair(size)
    with harness.World(rig, folder, harness.PAIR) as world:
        parent, child = world.office(PARENT), world.office(CHILD)
        shutil.rmtree(child.folder)
        world.net.set(CHILD, rate=1_000_000_000, delay=0.0005)
        parent.start()
        wanted = parent.status()["updates"]
        world.net.reset()
        child.cli("enroll", world.invite(parent, child), "--data", child.folder, "--listen",
                  f"{child.host}:{harness.far_offices.PORT}")
        begin = time.monotonic()
        child.start()
        done = world.until(lambda: child.status()["updates"] >= wanted, 1800, "recovered")
        time.sleep(harness.CALM)
        costs = {"child": child.cost(), "parent": parent.cost()}
        return {"updates": wanted, "seconds": done - begin, **world.wire(), **costs,
                "resident_peak": max(cost["resident_peak"] for cost in costs.values())}


def report(rig):
    """`report II.06a` over 1,000,000 dossiers (quick: 100,000)."""
    size = 1_000_000 if rig.full else 100_000
    with harness.World(rig, rig.pair(0, fresh=size), harness.PAIR) as world:
        child = world.office(CHILD)
        child.start()
        words = ("report", "II.06a", "--from", "2022-01-01", "--to", "2022-12-31")
        if child.run(*words).returncode == 2:
            raise harness.NotAvailable("the command line has no verb report")
        times = []
        for _ in range(5):
            begin = time.monotonic()
            child.cli(*words)
            times.append(time.monotonic() - begin)
        return {"seconds": harness.median(times), "runs": times, "dossiers": size}


def healed(rig, folder, patience):
    """A run of a pair until the parent has all: IP bytes, seconds, CPU of either side from the
    moment the link is there. What the agents do after their start (an index of files over what
    was filled in without them) is over by then."""
    with harness.World(rig, folder, harness.PAIR) as world:
        parent, child = world.office(PARENT), world.office(CHILD)
        world.net.set(CHILD, rate=2_000_000, delay=0.3, queue=65536, cut=True)
        for office in (parent, child):
            office.spawn()
            harness.offices.wait("it answers", office.answers, 60)
        started = {office: at_rest(office, patience) for office in (parent, child)}
        wanted, had = child.status()["updates"], parent.status()["updates"]
        world.net.reset()
        world.net.set(CHILD, cut=False)
        child.cli("sync", "now")
        done = world.until(lambda: parent.status()["updates"] >= wanted, patience, "healed")
        world.until(lambda: harness.acknowledged(child), patience, "acknowledged")
        world.calm(patience=patience)
        wire = world.wire()
        cost = {name: office.cost() for name, office in (("child", child), ("parent", parent))}
        for name, office in (("child", child), ("parent", parent)):
            cost[name]["cpu_seconds"] -= started[office]
        return {"seconds": done - wire.pop("first_at"), **wire, "missing": wanted - had, **cost}


def at_rest(office, patience):
    """Waits until an agent has nothing to do; the CPU seconds that it took until then."""
    used = [office.measured.cpu()]

    def rests():
        time.sleep(1)
        used.append(office.measured.cpu())
        return used[-1] - used[-2] < 0.03
    harness.offices.wait("nothing to do", rests, patience)
    return used[-1]


def lost_cursor(rig):
    """A cursor is lost and 1,000 of 1,000,000 updates (quick: 100,000) are missing, scattered."""
    size, missing = (1_000_000 if rig.full else 100_000), 1000

    def fill(world):
        parent, child = world.office(PARENT), world.office(CHILD)
        rig.programs.fast("apply", "--data", child.folder, "--agency", CHILD, "--group", 64,
                          "--dossiers-per-day", min(9000, size // 250), "--dossiers", size)
        rig.programs.fast("scatter", child.folder, parent.folder, "--leave-out", missing)
    run = healed(rig, rig.folder("scattered", fill, size=size), 900)
    # What so many updates cost when only they are sent.
    plain = healed(rig, rig.pair(size // 50, fresh=missing), 120)
    return {"updates": size, "bytes_beside": run["bytes"] - plain["bytes"], "run": run,
            "plain": plain,
            "cpu_beside": max(run[side]["cpu_seconds"] - plain[side]["cpu_seconds"]
                              for side in ("child", "parent"))}


SCENARIOS = (
    (first_sync, [Figure("seconds", "seconds", 1, "s"), Figure("bytes", "bytes", 2.7 * MB, "MB"),
                  Figure("peak resident", "resident_peak", 40 * MIB, "MiB")]),
    (first_sync_slow, [Figure("bytes", "bytes", 2.4 * MB, "MB")]),
    (idle, [Figure("resident", "resident", 24 * MIB, "MiB"),
            Figure("private", "private", 8 * MIB, "MiB"), Figure("CPU", "cpu", 0.001, "%"),
            Figure("bytes a minute", "bytes_a_minute", 300, "bytes")]),
    (many_updates, [Figure("resident", "resident", 48 * MIB, "MiB"),
                    Figure("opens in", "open_seconds", 1, "s"),
                    Figure("opens after SIGKILL in", "open_after_kill_seconds", 1, "s"),
                    Figure("why", "why_seconds", 0.05, "ms")]),
    (recovery, [Figure("seconds", "seconds", 180, "s"),
                Figure("peak resident", "resident_peak", 64 * MIB, "MiB")]),
    (lost_cursor, [Figure("bytes beside the updates", "bytes_beside", 32 * KB, "KB"),
                   Figure("CPU beside them, busier side", "cpu_beside", 1.5, "s")]),
    (report, [Figure("seconds", "seconds", 1, "s")]),
)
