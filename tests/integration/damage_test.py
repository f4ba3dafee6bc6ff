#!/usr/bin/env python3
"""A database that rots under a real agent: nothing acknowledged is missing without a word.

A province and a district. The district acknowledges changes while the province is away, is killed,
and its log has one bit flipped, is cut, or is gone; a table has a bad block that is met while it
runs; the whole folder is gone. Each time it works again, says what is missing, critical until
somebody has seen it, and has back what the province holds.
"""
import glob
import http.client
import json
import os
import shutil
import sys

import offices
from offices import expect, wait

SHARED, ONLY_HERE = 60, 100
number = iter(range(1, 1_000_000))


def create(office, count):
    """Acknowledged dossiers, as the ids of their updates."""
    answers = office.must(*[{"op": "create", "dossier": {
        "procedure": "1.001193", "summary": f"hồ sơ {next(number)} " + "x" * 300}}
        for _ in range(count)])
    return [answer["update"] for answer in answers]


def one_by_one(office, count):
    return [update for _ in range(count) for update in create(office, 1)]


def held(office):
    since, found = 0, set()
    while True:
        page = office.get(f"/v1/changes?since={since}&limit=1000")
        found |= {change.get("update") for change in page["changes"]}
        if page["last"] <= since:
            return found
        since = page["last"]


def newest_log(office):
    return max(glob.glob(os.path.join(office.folder, "store", "*.log")), key=os.path.getsize)


def flip(path, part):
    with open(path, "r+b") as file:
        file.seek(int(os.path.getsize(path) * part))
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def flip_in_the_middle(office):
    flip(newest_log(office), 0.5)


def cut(office):
    os.truncate(newest_log(office), os.path.getsize(newest_log(office)) // 2)


def remove(office):
    os.remove(newest_log(office))


def check(office):
    done = office.run("--json", "check")
    return done.returncode, [m["code"] for m in json.loads(done.stdout)["messages"]]


def answers_reads(office):
    expect(office.process.poll() is None, f"it ended\n{offices.tail(office.log)}")
    try:
        return office.request("GET", "/v1/status")[0] == 200
    except OSError:
        return False


def is_seen(office):
    code, reasons = check(office)
    expect(code == 2 and ("damaged" in reasons or "store-gone" in reasons),
           f"check: {code} {reasons}")
    office.cli("damage")
    office.cli("damage", "seen")
    _, reasons = check(office)
    expect("damaged" not in reasons and "store-gone" not in reasons, f"still there: {reasons}")
    return office.get("/v1/damage")["damage"]


def of_a_log(bench, province, district, damage, lost_max):
    """What is only here, in a log that is damaged."""
    bench.wait_in_sync()
    province.stop()
    before = held(district)
    acknowledged = one_by_one(district, ONLY_HERE)
    district.kill()
    damage(district)
    district.start()
    wait("it reads", lambda: answers_reads(district))
    lost = set(acknowledged) - held(district)
    expect(len(lost) <= lost_max, f"{len(lost)} lost")
    found = is_seen(district)
    if lost:
        expect(found["writes_missing"] >= len(lost), f"{len(lost)} lost: {found}")
    expect(os.path.isdir(os.path.join(district.folder, found["kept_as"])), f"kept: {found}")
    create(district, 1)
    province.start()
    bench.wait_in_sync()
    wait("what the province holds is back", lambda: not before - held(district))
    wait("the province has all of it", lambda: not held(district) - held(province))
    wait("custody goes on", lambda: not district.get("/v1/status")["restored"])
    expect(json.loads(district.cli("--json", "verify"))["differ"] == [], "records differ")
    bench.say(f"{damage.__name__}: {len(lost)} of {ONLY_HERE} lost, "
              f"{found['writes_missing']} named")


def of_a_table_while_running(bench, district):
    """A bad block is met by a reader: closed, salvaged, open again."""
    bench.wait_in_sync()
    expect(district.stop() == 0, "it did not stop cleanly")
    district.start()  # what the log held is in tables now
    bench.wait_in_sync()
    before, process = held(district), district.process.pid
    district.kill()
    tables = sorted(glob.glob(os.path.join(district.folder, "store", "*.sst")),
                    key=os.path.getsize)
    flip(tables[-1], 0.3)
    district.start()

    def is_salvaged():
        try:  # it is closed and opened again meanwhile
            district.request("POST", "/v1/verify")
            district.request("GET", "/v1/changes?since=0&limit=1000")
            status, body = district.request("GET", "/v1/damage")
        except (OSError, http.client.HTTPException):
            return False
        return status == 200 and json.loads(body)["damage"]["seen_at"] is None

    wait("it is salvaged", is_salvaged)
    expect(district.process.poll() is None and district.process.pid != process, "it has ended")
    is_seen(district)
    bench.wait_in_sync()
    wait("everything is back", lambda: not before - held(district))
    bench.say("a bad block was met, and all is back")


def of_the_whole_folder(bench, district):
    before = held(district)
    district.kill()
    shutil.rmtree(os.path.join(district.folder, "store"))
    district.start()
    expect(district.request("GET", "/readyz")[0] == 503, "/readyz is content without a database")
    code, reasons = check(district)
    expect(code == 2 and reasons == ["damaged"], f"check: {code} {reasons}")
    district.cli("refill", "--data", district.folder)
    expect(district.run("refill", "--data", district.folder).returncode == 1, "filled twice")
    wait("it reads", lambda: answers_reads(district))
    found = is_seen(district)
    expect(found["store_was_gone"], f"damage: {found}")
    bench.wait_in_sync()
    wait("everything is back", lambda: not before - held(district))
    wait("custody goes on", lambda: not district.get("/v1/status")["restored"])
    create(district, 1)
    bench.say("the folder was gone, and all is back")


def test(bench):
    province, district = bench.deploy(["H47", "H47.12"])
    create(province, SHARED)
    create(district, SHARED)
    bench.wait_in_sync()
    of_a_log(bench, province, district, flip_in_the_middle, 1)
    of_a_log(bench, province, district, cut, ONLY_HERE - 1)
    of_a_log(bench, province, district, remove, ONLY_HERE)
    of_a_table_while_running(bench, district)
    of_the_whole_folder(bench, district)
    bench.wait_in_sync()


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
