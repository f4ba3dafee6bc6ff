#!/usr/bin/env python3
"""Comparing with a neighbour, and a restored disk that gets back what it lacks and nothing else."""
import json
import os
import shutil
import subprocess
import sys

import offices
from offices import expect, wait

DOSSIERS = 400
LATER = 30


def create(office, first, count):
    office.must(*({"op": "create", "dossier": {
        "code": f"{office.code}-230401-{number:04d}", "summary": f"hồ sơ {number}"}}
        for number in range(first, first + count)))


def held(office):
    """For every record the digest of its state."""
    return sorted(json.dumps(line, sort_keys=True) for line in office.lines("/v1/digest"))


def compares(office, agency, count):
    done = office.run("verify", "--against", agency)
    expect(done.returncode == 0 and f"exactly these {count} updates" in done.stdout,
           f"verify --against: exit {done.returncode}: {done.stdout}{done.stderr}")
    found = json.loads(office.cli("--json", "verify", "--against", agency))
    expect(found["same"] and found["our_updates"] == found["their_updates"] == count, str(found))


def not_connected(bench, province, district):
    district.stop()
    wait("the province notices", lambda: not province.connected())
    done = province.run("verify", "--against", district.code)
    expect(done.returncode == 1 and "not connected" in done.stderr,
           f"exit {done.returncode}: {done.stderr}")
    done = subprocess.run([bench.cli, "--lang", "vi", "--socket", province.socket, "verify",
                           "--against", district.code], capture_output=True, check=False)
    expect("chưa kết nối" in done.stderr.decode(), done.stderr)
    done = province.run("verify", "--against", "H99")
    expect(done.returncode == 4, f"an unknown agency: exit {done.returncode}: {done.stderr}")


def traffic(office):
    neighbours = office.get("/v1/status")["neighbours"]
    return sum(n["sent_bytes"] + n["received_bytes"] for n in neighbours)


def healed(office):
    with open(office.log, encoding="utf-8", errors="replace") as stream:
        return "outcome=healed" in stream.read()


def reads(office):
    """For a moment nobody is at the socket, which changes hands."""
    try:
        return office.request("GET", "/v1/status")[0] == 200
    except OSError:
        return False


def test(bench):
    province, district = bench.deploy(("H47", "H47.12"))
    create(district, 1, DOSSIERS)
    bench.wait_in_sync()
    compares(province, district.code, DOSSIERS)
    bench.say("equal")
    first_sync = traffic(province)

    not_connected(bench, province, district)
    bench.say("not connected")
    backup = bench.path("backup")
    shutil.copytree(os.path.join(district.folder, "store"), backup)
    district.start()
    create(district, DOSSIERS + 1, LATER)
    bench.wait_in_sync()
    compares(district, province.code, DOSSIERS + LATER)

    district.stop()
    shutil.rmtree(os.path.join(district.folder, "store"))
    shutil.copytree(backup, os.path.join(district.folder, "store"))
    before = traffic(province)
    district.start()  # and first says that it lacks what had been acknowledged
    wait("it reads", lambda: reads(district))
    expect(district.run("check").returncode == 2, "nobody is told that changes are missing")
    bench.wait_in_sync()
    wait("the restored disk has everything", lambda: held(district) == held(province))
    cost = traffic(province) - before
    bench.say(f"{LATER} updates given back in {cost} bytes; {DOSSIERS} took {first_sync} at first")
    expect(cost < first_sync / 3, f"{cost} bytes for {LATER} updates, {first_sync} for {DOSSIERS}")
    wait("healing has come to its end", lambda: healed(district))
    compares(district, province.code, DOSSIERS + LATER)


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
