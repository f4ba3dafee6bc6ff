#!/usr/bin/env python3
"""Two real agents over an emulated bad link: slow, late, lossy, with a small queue, and flapping.

Every change that was acknowledged arrives, both ways, and both hold the same. Needs the rights to
make network namespaces; without them it says so and is skipped.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "emulator"))
import far_offices  # noqa: E402
import offices  # noqa: E402
from emulator import Emulator, NoRights, skip_without_rights  # noqa: E402
from offices import expect  # noqa: E402

PARENT, CHILD = "H47", "H47.12"
TREE = (("H47", "Tỉnh Quảng Nam", "province", None),
        ("H47.12", "Huyện Phú Ninh", "district", "H47"))
PATIENCE = 120


def dossiers(code, first, count):
    return [{"op": "create",
             "dossier": {"code": f"{code}-230401-{number:04}", "procedure": "1.001193",
                         "procedure_name": "Thủ tục đăng ký khai sinh",
                         "summary": f"Đăng ký khai sinh số {number}"}}
            for number in range(first, first + count)]


def test(bench):
    net = bench.net
    parent, child = bench.found(PARENT), bench.enrol(CHILD)
    for office in (parent, child):
        office.stop()
        office.configure()
        office.start()
    bench.wait_in_sync()
    net.set(CHILD, rate=512_000, delay=0.15, jitter=0.02, loss=0.12, queue=32768)
    net.reset()
    parent.must(*dossiers(PARENT, 1, 100))
    child.must(*dossiers(CHILD, 1, 300))
    parent.must({"op": "offer", "code": f"{PARENT}-230401-0001", "to": CHILD})
    bench.wait_in_sync(PATIENCE)
    counted = net.counters()[CHILD]
    # What must be alike: records of both audiences, offered ones included.
    mine = child.lines("/v1/digest")
    expect(len(mine) >= 301, f"the child has {len(mine)} records")
    theirs = parent.lines("/v1/digest")
    expect(all(line in theirs for line in mine), "the parent has not the same")
    bench.say(f"in sync over 512 kbit/s, 300 ms, 12 % loss: {counted['up']['bytes']} bytes up, "
              f"{counted['down']['bytes']} down, {counted['up']['loss_drops']} + "
              f"{counted['down']['loss_drops']} packets lost")
    net.set(CHILD, up=2, down=1)
    child.must(*dossiers(CHILD, 301, 300))
    bench.wait_in_sync(PATIENCE)
    expect(len(parent.lines("/v1/digest")) == len(theirs) + 300, "not all have come")
    counted = net.counters()[CHILD]
    expect(sum(counted[way][what] for way in ("up", "down")
               for what in ("loss_drops", "outage_drops")) > 0, f"no packet was lost: {counted}")
    bench.say("in sync over the same link, 2 s up and 1 s down")


def main():
    parser = offices.parser(__doc__)
    parser.add_argument("--emulator")
    options = parser.parse_args()
    binary = options.emulator or os.path.join(options.bin, "tests", "emulator", "link_emulator")
    try:
        net = Emulator(binary, [place[0] for place in TREE], seed=11, congestion="cubic")
    except NoRights as wrong:
        return skip_without_rights(wrong)
    offices.Bench = lambda given: far_offices.FarBench(given, net, TREE)
    with net:
        return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
