#!/usr/bin/env python3
"""Two agents without a link: a bundle there and one back, cut, repeated, and in the wrong hands."""
import json
import os
import sys

import offices
from offices import expect

PROVINCE, DISTRICT, OTHER = "H47", "H47.12", "H47.12.05"


def unlink_from(office, parent):
    """Its parent's address leads nowhere from now on."""
    office.stop()
    with open(office.config, encoding="utf-8") as stream:
        text = stream.read()
    dead = offices.free_port()
    expect(f":{parent.port}\"" in text, text)
    with open(office.config, "w", encoding="utf-8") as stream:
        stream.write(text.replace(f":{parent.port}\"", f":{dead}\""))
    office.start()


def export(office, to, path, *words):
    return json.loads(office.cli("--json", "bundle", "export", "--to", to, "--out", path, *words))


def take(office, path):
    return json.loads(office.cli("--json", "bundle", "import", path))


def codes(office):
    return sorted(line["code"] for line in office.lines("/v1/dossiers"))


def test(bench):
    province, district, commune = bench.deploy([PROVINCE, DISTRICT, OTHER])
    bench.wait_in_sync()
    unlink_from(district, province)
    made = [district.must({"op": "create", "dossier": {"procedure": "1.001193"}})[0]["code"]
            for _ in range(200)]
    district.must({"op": "offer", "code": made[0], "to": PROVINCE})
    path = bench.path("there.ltb")
    size = export(district, PROVINCE, path)["size"]
    expect(size == os.path.getsize(path), "the size that was told")
    with open(path, "rb") as stream:
        whole = stream.read()
    expect(made[0].encode() not in whole, "a dossier's code can be read in the file")

    cut = bench.write("cut.ltb", whole[:len(whole) // 2])
    done = province.run("--json", "bundle", "import", cut)
    expect(done.returncode == 1 and "ends too early" in done.stderr, done)
    changed = bench.write("changed.ltb", whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    done = province.run("bundle", "import", changed)
    expect(done.returncode == 1 and "was changed on its way" in done.stderr, done)
    done = commune.run("bundle", "import", path)
    expect(done.returncode == 1 and "for another agency" in done.stderr, done)
    done = province.run("bundle", "import", bench.write("none.ltb", "no bundle at all"))
    expect(done.returncode == 1 and "no bundle" in done.stderr, done)

    taken = take(province, path)
    expect(taken["complete"] and taken["refused"] == 0 and taken["from"] == DISTRICT, taken)
    expect(codes(province) == sorted(made), "not all dossiers have come")
    again = take(province, path)
    expect(again["added"] == 0 and again["complete"], again)

    province.must({"op": "accept", "code": made[0]})
    back = bench.path("back.ltb")
    export(province, DISTRICT, back)
    returned = take(district, back)
    expect(returned["receipts"] > 0 and returned["refused"] == 0, returned)
    holder = district.get("/v1/dossiers/" + made[0])["holder"]
    expect(holder == PROVINCE, f"the district says that {holder} holds it")
    small = export(district, PROVINCE, bench.path("small.ltb"))["size"]
    full = export(district, PROVINCE, bench.path("full.ltb"), "--full")["size"]
    bench.say(f"first {size} bytes, after the receipt {small}, full {full}")
    expect(small < size / 3 and full >= size, "the receipt makes the next one small")
    expect(take(province, bench.path("full.ltb"))["added"] == 0, "nothing is new in it")


if __name__ == "__main__":
    offices.main(offices.parser(__doc__).parse_args(sys.argv[1:]), test)
