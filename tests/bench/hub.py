"""A hub with 250 neighbours (quick: 20): idle, and all of them back at once after an outage."""
import time

import harness
from figures import MIB, Figure

HUB = "H47"
DOSSIERS, CHANGES = 200, 2340


def tree_of(count):
    return ((HUB, "Tỉnh Quảng Nam", "province", None),
            *((f"{HUB}.{number:03}", f"Đơn vị {number}", "commune", HUB)
              for number in range(1, count + 1)))


def folder(rig, tree, changes):
    """Every neighbour level with the hub, then with so many changes that never left it."""
    def fill(world):
        hub = world.office(HUB)
        for number, (code, *_) in enumerate(tree[1:], 1):
            child = world.office(code)
            traffic = ["--data", child.folder, "--agency", code, "--superior", HUB,
                       "--seed", number, "--commune", number]
            rig.programs.fast("apply", *traffic, "--dossiers", DOSSIERS)
            rig.programs.fast("sync", hub.folder, child.folder)
        for number, (code, *_) in enumerate(tree[1:], 1):  # what the hub learned later
            child = world.office(code)
            rig.programs.fast("sync", hub.folder, child.folder)
            if changes:
                rig.programs.fast("apply", "--data", child.folder, "--agency", code, "--superior",
                                  HUB, "--seed", number, "--commune", number,
                                  "--skip-dossiers", DOSSIERS, "--changes", changes)
    return rig.folder("hub", fill, tree, running=False, count=len(tree), changes=changes)


def children(world):
    return [world.office(code) for code, *_ in world.tree[1:]]


def start_children(world):
    for child in children(world):
        child.spawn()
    for child in children(world):
        harness.offices.wait(f"{child.code} answers", child.answers, 300)


def all_level(world, patience):
    left = set(children(world))

    def none_left():
        for child in list(left):
            if not harness.acknowledged(child):
                return False
            left.discard(child)
        return True
    return world.until(none_left, patience, "all in sync")


def hub_idle(rig):
    """A hub with 250 neighbours (quick: 20) that have nothing to say."""
    tree = tree_of(250 if rig.full else 20)
    with harness.World(rig, folder(rig, tree, 0), tree) as world:
        hub = world.office(HUB)
        hub.start()
        start_children(world)
        all_level(world, 600)
        time.sleep(20)
        cost = hub.cost()
        return {"neighbours": len(tree) - 1, "resident": cost["resident"], "hub": cost}


def offer_one(child):
    """A handoff that waits when the link returns."""
    code = f"{child.code}-261122-0001"
    child.must({"op": "create", "dossier": {"code": code, "procedure": "1.010803",
                                            "summary": "Trợ cấp thờ cúng liệt sĩ"}},
               {"op": "offer", "code": code, "to": HUB})
    return code


def seen_times(hub, codes, begin, patience):
    """When the hub first has each of the dossiers."""
    times, deadline = {}, time.monotonic() + patience
    while len(times) < len(codes) and time.monotonic() < deadline:
        for code in codes:
            if code not in times and hub.request("GET", f"/v1/dossiers/{code}")[0] == 200:
                times[code] = time.monotonic() - begin
        time.sleep(harness.LOOK)
    return times


def hub_return(rig):
    """250 neighbours (quick: 20) back at once, each with 2,340 changes and a handoff."""
    tree = tree_of(250 if rig.full else 20)
    with harness.World(rig, folder(rig, tree, CHANGES), tree) as world:
        hub = world.office(HUB)
        for child in children(world):
            world.net.set(child.code, cut=True, rate=2_000_000, delay=0.05, queue=65536)
        hub.start()
        start_children(world)
        codes = [offer_one(child) for child in children(world)]
        hub.measured.reset_peak()
        before = hub.cost()
        theirs = sum(child.measured.cpu() for child in children(world))
        begin = time.monotonic()
        for child in children(world):
            world.net.set(child.code, cut=False)
        for child in children(world):
            child.request("POST", "/v1/sync")  # the local link has returned: dial now
        times = seen_times(hub, codes, begin, 600)
        done = all_level(world, 1200) - begin
        cost = hub.cost()
        return {"neighbours": len(tree) - 1, "handoffs": len(times),
                "handoff_worst": max(times.values()) if len(times) == len(codes) else None,
                "handoff_median": harness.median(list(times.values())),
                "handoff_seconds": sorted(times.values()), "seconds": done,
                "resident_peak": cost["resident_peak"], "hub": cost,
                "cpu_seconds": cost["cpu_seconds"] - before["cpu_seconds"],
                "cpu_seconds_of_all_others":
                    sum(child.measured.cpu() for child in children(world)) - theirs}


SCENARIOS = (
    (hub_idle, [Figure("resident", "resident", 64 * MIB, "MiB")]),
    (hub_return, [Figure("slowest handoff", "handoff_worst", 10, "s"),
                  Figure("all done", "seconds", 120, "s"),
                  Figure("peak resident", "resident_peak", 96 * MIB, "MiB")]),
)
