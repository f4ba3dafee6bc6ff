"""Much waits and the link is bad: a handoff that must overtake it, and a link that is cut again and
again."""
import random
import time

import harness
from figures import Figure
from harness import CHILD, PARENT

BACKLOG = 115_000  # dossiers, 107 MB of JSON
CUT_EVERY = 30.0
PATIENCE = 120.0  # for one handoff


def backlog_pair(rig, link, dossiers=BACKLOG, seed=1, congestion="cubic"):
    """A running pair of which the child's backlog flows; 20 s after it began."""
    folder = rig.pair(0, fresh=dossiers)
    world = harness.World(rig, folder, harness.PAIR, seed, congestion)
    try:
        world.net.set(CHILD, **link)
        world.start_all()
        parent = world.office(PARENT)
        world.until(lambda: parent.status()["updates"] > 0, 60, "the backlog flows")
        time.sleep(20)
    except BaseException:
        world.__exit__()
        raise
    return world


def handoffs(rig, world, count, seed):
    """Seconds from the office's offer until the other's desk can see it, one after the other."""
    parent, child = world.office(PARENT), world.office(CHILD)
    dice, times = random.Random(seed), []
    for number in range(count):
        time.sleep(dice.uniform(2, 5))
        code = f"{CHILD}-261122-{number + 1:04}"
        begin = time.monotonic()
        child.must({"op": "create", "dossier": {
            "code": code, "procedure": "1.010803", "field": "Người có công",
            "procedure_name": "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ",
            "summary": "Trợ cấp thờ cúng liệt sĩ"}}, {"op": "offer", "code": code, "to": PARENT})

        def seen(code=code):
            status, body = parent.request("GET", f"/v1/dossiers/{code}")
            return status == 200 and f'"offered_to":"{PARENT}"' in body.replace(" ", "")
        try:
            times.append(world.until(seen, PATIENCE, "the handoff") - begin)
        except harness.offices.Wrong:
            times.append(PATIENCE)  # at least so long
            break
    return times


def handoff(rig, queue):
    link = {"rate": 256_000, "delay": 0.3, "queue": queue}
    count = 20 if rig.full else 5
    with backlog_pair(rig, link) as world:
        clear = handoffs(rig, world, count, 1)
        still = world.office(CHILD).status()["neighbours"][0]["pending_out"]["updates"]
    with backlog_pair(rig, {**link, "loss": 0.02}) as world:
        lossy = handoffs(rig, world, count, 2)
    return {"median": harness.median(clear), "worst_lossy": max(lossy), "clear": clear,
            "lossy": lossy, "left_of_the_backlog": still}


def handoff_64(rig):
    """A handoff behind 100 MB of backlog, 256 kbit/s, 600 ms, a modem's queue of 64 KB."""
    return handoff(rig, 64 * 1024)


def handoff_256(rig):
    """The same with a modem's queue of 256 KB."""
    return handoff(rig, 256 * 1024)


def flow(rig, rate, seconds, dossiers, link):
    """Application bytes that the child sent for each update that was stored, in so many seconds."""
    with backlog_pair(rig, {"rate": rate, "delay": 0.3, "queue": 65536}, dossiers) as world:
        parent, child = world.office(PARENT), world.office(CHILD)

        def place():
            return (child.status()["neighbours"][0]["sent_bytes"], parent.status()["updates"])
        bytes_before, updates_before = place()
        world.net.set(CHILD, **link)
        time.sleep(seconds)
        world.net.set(CHILD, up=0, down=0)
        sent, updates = place()
        if child.status()["neighbours"][0]["pending_out"]["updates"] == 0:
            raise harness.offices.Wrong("the backlog was too small for so long a time")
        return {"bytes": sent - bytes_before, "updates": updates - updates_before,
                "bytes_an_update": (sent - bytes_before) / (updates - updates_before)}


def cuts(rig):
    """Cut every 30 s for 5 s: application bytes sent again, against a link that is never cut."""
    out = {}
    dossiers = 400_000 if rig.full else BACKLOG
    for name, rate, seconds in (("512", 512_000, 600 if rig.full else 75),
                                ("64", 64_000, 3600 if rig.full else 110)):
        # Uncut for a part of the time: bytes an update hardly vary.
        uncut = flow(rig, rate, min(seconds, 300), dossiers, {})
        cut = flow(rig, rate, seconds, dossiers, {"up": CUT_EVERY, "down": 5})
        out[f"again_{name}"] = cut["bytes_an_update"] / uncut["bytes_an_update"] - 1
        out[f"runs_{name}"] = [uncut, cut]
    return out


SCENARIOS = (
    (handoff_64, [Figure("median", "median", 1.5, "s"),
                  Figure("worst at 2 % loss", "worst_lossy", 3, "s")]),
    (handoff_256, [Figure("median", "median", 1.5, "s"),
                   Figure("worst at 2 % loss", "worst_lossy", 3, "s")]),
    (cuts, [Figure("sent again at 512 kbit/s", "again_512", 0.025, "%"),
            Figure("sent again at 64 kbit/s", "again_64", 0.05, "%")]),
)
