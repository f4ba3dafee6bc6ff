#!/usr/bin/env python3
"""A disk that is really full, and one that fails: the agent ends neither time, and nothing is lost.

The district's data folder lies on a small file system of its own, in a mount namespace of the test;
without the right to make one it says so and counts as skipped (77). The disk is filled to the last
byte while a handoff waits at the province; later the agent is killed and started with no room at
all; at last its syncs fail. After each it goes on by itself.
"""
import json
import os
import time

import disks
import offices
from offices import expect, wait

DISK_MB = 96


def dossier(code, holder):
    return {"op": "create", "dossier": {
        "code": code, "procedure": "1.001193", "intake_agency": holder, "competent_agency": holder,
        "applicant": {"name": "Nguyễn Thị Bình", "kind": "citizen"}, "channel": "counter"}}


def holder_of(office, code):
    status, body = office.request("GET", f"/v1/dossiers/{code}")
    return json.loads(body)["holder"] if status == 200 else None


def create_and_offer(province, code):
    province.must(dossier(code, "H47"), {"op": "offer", "code": code, "to": "H47.12"})


def check_filled(bench, province, district, disk):
    """Full with a handoff waiting on the other side."""
    process = district.process.pid
    begin = time.monotonic()
    disk.fill()
    filled = time.monotonic()
    wait("the agent says that it is read-only",
         lambda: district.get("/v1/status")["trouble"], patience=5)
    took = time.monotonic() - filled
    bench.say(f"filled in {filled - begin:.2f} s; read-only {took:.2f} s later")
    expect(took < 1.5, f"it took {took:.2f} s")
    expect(disk.has_reserve(), "the reserve is gone though the database was not touched")
    expect(district.request("GET", "/readyz")[0] == 503, "/readyz is content")
    expect(district.run("check").returncode == 2, "check finds nothing critical")
    expect("Nothing can be written" in district.cli("status"), "status does not say it")
    answer = district.operate([dossier("H47.12-260101-0007", "H47.12")])[0]
    expect(not answer["ok"] and answer["error"]["code"] == "disk-full", f"written: {answer}")

    create_and_offer(province, "H47-260101-0001")
    pending = {"updates": 0}

    def waits():
        pending.update(province.get("/v1/status")["neighbours"][0]["pending_out"])
        return pending["updates"] > 0

    wait("the handoff waits at the province", waits)
    for _ in range(20):
        expect(waits(), "it was acknowledged without room to keep it")
        time.sleep(0.1)
    expect(holder_of(district, "H47-260101-0000") == "H47.12", "reading does not go on")
    expect(holder_of(district, "H47-260101-0001") is None, "it was read but not kept")

    disk.free()
    begin = time.monotonic()
    wait("the handoff arrives", lambda: holder_of(district, "H47-260101-0001"))
    bench.say(f"flowing {time.monotonic() - begin:.2f} s after there was room")
    district.must({"op": "accept", "code": "H47-260101-0001"})
    wait("the province knows", lambda: holder_of(province, "H47-260101-0001") == "H47.12")
    expect(district.process.poll() is None and district.process.pid == process, "it has ended")


def check_started_full(bench, province, district, disk):
    """Killed, and no room at all when it starts again: the reserve opens the database."""
    district.must(*[dossier(f"H47.12-260102-{n:04}", "H47.12") for n in range(300)])
    district.kill()
    disk.fill()
    district.spawn()
    wait("it reads", lambda: answers_reads(district))
    expect(district.get("/v1/status")["trouble"], "it believes that there is room")
    expect(not disk.has_reserve(), "there was no need of the reserve: the test shows nothing")
    expect(holder_of(district, "H47.12-260102-0299") == "H47.12", "an acknowledged dossier is gone")
    create_and_offer(province, "H47-260101-0002")
    time.sleep(2)
    expect(holder_of(district, "H47-260101-0002") is None, "it was kept without room")
    disk.free()
    wait("the handoff arrives", lambda: holder_of(district, "H47-260101-0002"))
    wait("there is a reserve again", disk.has_reserve)
    bench.say("started on a full disk, and went on once there was room")


def answers_reads(office):
    expect(office.process.poll() is None, f"it ended\n{offices.tail(office.log)}")
    try:
        return office.request("GET", "/v1/status")[0] == 200
    except OSError:
        return False


def check_failed_sync(bench, province, district, switch):
    """Syncs fail and what they should have kept is gone: closed, opened again, nothing lost."""
    process = district.process.pid
    acknowledged = []
    for number in range(5):
        code = f"H47.12-260103-{number:04}"
        district.must(dossier(code, "H47.12"))
        acknowledged.append(code)
    with open(switch, "w", encoding="utf-8"):
        pass
    refused = district.operate([dossier("H47.12-260103-0099", "H47.12")])[0]
    expect(not refused["ok"], f"acknowledged without a sync: {refused}")

    def shut():
        try:
            status, body = district.request("GET", "/v1/status")
        except OSError:
            return None
        return json.loads(body)["error"] if status == 503 else None

    reason = wait("the API says 503 and why", shut)
    expect("Input/output error" in reason["message"], f"without the reason: {reason}")

    # The database is being opened again and again: between two attempts the socket changes hands,
    # and for a moment nobody is at it. What answers must not say that the process is dead.
    def lives():
        try:
            status, _ = district.request("GET", "/healthz")
        except OSError:
            return False
        expect(status == 200, f"/healthz: as if it were dead: {status}")
        return True

    wait("/healthz answers", lives)
    wait("check finds it critical", lambda: district.run("check").returncode == 2)
    create_and_offer(province, "H47-260101-0003")
    time.sleep(2)
    os.remove(switch)
    begin = time.monotonic()
    wait("it is open again", lambda: answers_reads(district))
    for code in acknowledged:
        expect(holder_of(district, code) == "H47.12", f"acknowledged and gone: {code}")
    wait("the handoff arrives", lambda: holder_of(district, "H47-260101-0003"))
    expect(district.process.poll() is None and district.process.pid == process, "it has ended")
    bench.say(f"flowing {time.monotonic() - begin:.2f} s after the disk was well")
    district.must(dossier("H47.12-260103-0100", "H47.12"))
    expect(json.loads(district.cli("--json", "verify"))["differ"] == [], "records differ")


def test(bench):
    province = bench.found("H47")
    district = bench.office("H47.12")
    disk = disks.MemoryDisk(district.folder, DISK_MB)
    bench.enrol("H47.12")
    create_and_offer(province, "H47-260101-0000")
    wait("the first handoff arrives", lambda: holder_of(district, "H47-260101-0000"))
    district.must({"op": "accept", "code": "H47-260101-0000"})
    bench.wait_in_sync()
    wait("there is a reserve", disk.has_reserve)
    check_filled(bench, province, district, disk)
    check_started_full(bench, province, district, disk)
    switch = bench.path("syncs-fail")
    expect(district.stop() == 0, "it did not stop cleanly")
    os.environ.update(LD_PRELOAD=options.fail_syncs, LT_SYNC_FAILS=switch)
    district.start()
    del os.environ["LD_PRELOAD"]
    bench.wait_in_sync()
    check_failed_sync(bench, province, district, switch)
    bench.wait_in_sync()
    expect(district.stop() == 0, "it did not stop cleanly")


if __name__ == "__main__":
    arguments = offices.parser(__doc__)
    arguments.add_argument("--fail-syncs", required=True, help="path of libfail_syncs.so")
    options = arguments.parse_args()
    disks.enter_namespace()
    offices.main(options, test)
