#!/usr/bin/env python3
"""Scans between real agents: attached at the commune, with the custodian after a handoff, elsewhere
on demand; a transfer that SIGKILL cuts goes on without sending again what is held.

The commune reaches its district through a relay of this test that lets 2 MB a second pass and
counts them, so the middle of a transfer is long enough to be hit.
"""
import concurrent.futures
import hashlib
import json
import os
import random
import socket
import sys
import threading
import time

import offices
from offices import expect, wait

PROVINCE, DISTRICT, COMMUNE = "H47", "H47.12", "H47.12.05"
CHUNK = 64 * 1024
RATE = 2_000_000  # bytes a second


class Relay:
    """Passes what comes on one port to another, slowly; `up` counts what the dialler sent."""

    def __init__(self, target):
        self.target, self.up = target, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for source, sink, counted in ((near, far, True), (far, near, False)):
                source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
                threading.Thread(target=self.copy, args=(source, sink, counted),
                                 daemon=True).start()

    def copy(self, source, sink, counted):
        try:
            while data := source.recv(16 * 1024):
                sink.sendall(data)
                if counted:
                    self.up += len(data)
                    time.sleep(len(data) / RATE)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def same(path, content):
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).digest() == hashlib.sha256(content).digest()


def new_dossier(office):
    return office.must({"op": "create", "dossier": {"procedure": "1.001193"}})[0]["code"]


def attach(office, code, path, *words):
    office.cli("dossier", "attach", code, path, *words)
    component = office.get("/v1/dossiers/" + code)["components"][-1]
    return component["digest"], component


def blob(office, digest):
    status, body = office.request("GET", "/v1/blobs/" + digest)
    return json.loads(body) if status == 200 else {"state": "absent", "held_bytes": 0}


def through_relay(bench, commune, district):
    commune.stop()
    relay = Relay(district.port)
    with open(commune.config, encoding="utf-8") as stream:
        text = stream.read()
    expect(f":{district.port}\"" in text, f"the district's port is not in\n{text}")
    with open(commune.config, "w", encoding="utf-8") as stream:
        stream.write(text.replace(f":{district.port}\"", f":{relay.port}\""))
    commune.start()
    bench.wait_in_sync()
    return relay


def custodian_gets_it(bench, commune, district, relay):
    content = random.Random(1).randbytes(8_000_000)
    path = bench.write("don-xin.pdf", content)
    code = new_dossier(commune)
    digest, component = attach(commune, code, path, "--name", "Đơn xin")
    expect(component["size"] == len(content) and component["media_type"] == "application/pdf",
           component)
    expect(component["kind"] == "digital" and component["name"] == "Đơn xin", component)
    expect(commune.get("/v1/status")["scans"]["only_here"] == 1, "not counted as only here")
    wait("the dossier at the district",
         lambda: any(line["code"] == code for line in district.lines("/v1/dossiers")))
    time.sleep(1.5)
    expect(blob(district, digest)["held_bytes"] == 0, "fetched by somebody who is not custodian")
    commune.must({"op": "offer", "code": code, "to": DISTRICT})
    wait("the offer", lambda: district.lines("/v1/handoffs?pending=1&direction=in"))
    before = relay.up
    district.must({"op": "accept", "code": code})
    wait("a third of the file", lambda: blob(district, digest)["held_bytes"] > len(content) // 3)
    held = blob(district, digest)["held_bytes"]
    district.kill()
    expect(held < len(content), "the transfer was over before the kill")
    district.start()
    expect(blob(district, digest)["held_bytes"] >= held, "chunks were lost by the kill")
    held = blob(district, digest)["held_bytes"]
    wait("the whole file", lambda: blob(district, digest)["state"] == "here", 120)
    again = blob(district, digest)["received_bytes"] - (len(content) - held)
    sent = relay.up - before
    bench.say(f"killed at {held} of {len(content)} bytes; {again} came twice; {sent} on the wire")
    expect(again == 0, f"{again} bytes of held chunks came again")
    # A cut costs what was under way: the window, and what the relay and two kernels held.
    expect(sent < len(content) * 1.02 + 4 * CHUNK + 600_000, f"{sent} bytes on the wire")
    out = bench.path("out.pdf")
    district.cli("dossier", "fetch", code, "--out", out)
    expect(same(out, content), "the file differs")
    wait("the commune knows that it has a second holder",
         lambda: commune.get("/v1/status")["scans"]["only_here"] == 0)
    return code


def others_on_demand(bench, province, commune, code):
    folder = bench.path("folder")
    os.mkdir(folder)
    # It takes no part in them: what it reads is written into the record first.
    province.cli("inspect", code, "--reason", "thanh tra")
    done = json.loads(province.cli("--json", "dossier", "fetch", code, "--out", folder))
    expect(done["files"][0]["name"] == "Đơn xin", done)
    expect(done["files"][0]["received_bytes"] == 8_000_000, done)
    expect(os.listdir(folder) == ["Đơn xin.pdf"], os.listdir(folder))
    # Not with the district either: it gets it for the province.
    content = random.Random(2).randbytes(300_001)
    other = new_dossier(commune)
    attach(commune, other, bench.write("anh.jpg", content))
    wait("the dossier at the province",
         lambda: any(line["code"] == other for line in province.lines("/v1/dossiers")))
    province.cli("inspect", other, "--reason", "thanh tra")
    wait("its papers at the province",
         lambda: province.get("/v1/dossiers/" + other).get("components"))
    out = bench.path("anh-2.jpg")
    province.cli("dossier", "fetch", other, "1", "--out", out, "--timeout", "60s")
    expect(same(out, content), "the relayed file differs")


def several_at_once(bench, office):
    """Eight clerks attach to one dossier; all files are named, and come out to be opened."""
    code = new_dossier(office)
    long_name = "Giấy chứng nhận quyền sử dụng đất, " * 8
    files = [(f"trang-{i}.docx", f"Trang {i}: \"bản/chính\"") for i in range(7)]
    files.append(("don.docx", long_name))
    paths = [bench.write(name, random.Random(i).randbytes(90_000))
             for i, (name, _) in enumerate(files)]
    with concurrent.futures.ThreadPoolExecutor(len(files)) as clerks:
        list(clerks.map(lambda i: office.cli("dossier", "attach", code, paths[i], "--name",
                                             files[i][1]), range(len(files))))
    named = {each["name"] for each in office.get("/v1/dossiers/" + code)["components"]}
    expect(named == {name.strip() for _, name in files}, f"named are {sorted(named)}")
    folder = bench.path("out-of-one")
    os.mkdir(folder)
    office.cli("dossier", "fetch", code, "--out", folder)
    got = sorted(os.listdir(folder))
    expect(len(got) == len(files) and all(each.endswith(".docx") for each in got), f"{got}")
    expect(max(len(name.encode()) for name in got) <= 240, f"{got}")


def what_is_refused(bench, commune, sibling, code):
    digest = commune.get("/v1/dossiers/" + code)["components"][0]["digest"]
    status, body = sibling.request("POST", f"/v1/blobs/{digest}/fetch")
    expect(status == 404, f"an agency without the dossier may ask: {status} {body}")
    expect(commune.run("dossier", "fetch", code, "9", "--out", bench.path("x")).returncode == 4,
           "a component that is not there")
    expect(commune.run("dossier", "attach", code, bench.path("nothing")).returncode == 1,
           "a file that is not there")
    empty = bench.write("empty", "")
    expect(commune.run("dossier", "attach", code, empty).returncode == 1, "an empty file")
    expect(commune.request("GET", "/v1/blobs/zz")[0] == 400, "a digest that is none")
    status, body = commune.request("POST", "/v1/blobs?upload=zz&offset=0", b"x")
    expect(status == 404, f"an upload that is not there: {status} {body}")
    status, body = commune.request("GET", f"/v1/blobs/{digest}/content",
                                   headers={"Range": "bytes=65530-65541"})
    expect(status == 206, f"Range: {status}")


def test(bench):
    province, district, commune, sibling = bench.deploy([PROVINCE, DISTRICT, COMMUNE, "H47.12.06"])
    relay = through_relay(bench, commune, district)
    code = custodian_gets_it(bench, commune, district, relay)
    others_on_demand(bench, province, commune, code)
    mine = new_dossier(commune)
    attach(commune, mine, bench.write("nho.txt", "x" * 70_000))
    what_is_refused(bench, commune, sibling, mine)
    several_at_once(bench, commune)
    relay.close()


if __name__ == "__main__":
    offices.main(offices.parser(__doc__).parse_args(sys.argv[1:]), test)
