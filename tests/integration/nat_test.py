#!/usr/bin/env python3
"""A commune whose router lets nobody in, and a district whose machine is replaced above it.

Nobody does anything at the commune: it must find the new machine by itself, at the same address or
at the next one of its list. Says so and counts as skipped where there are no rights to make
namespaces.
"""
import os
import shutil
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "emulator"))
import offices  # noqa: E402
from emulator import Emulator, NoRights, skip_without_rights  # noqa: E402
from far_offices import PORT, FarBench  # noqa: E402
from offices import expect, wait  # noqa: E402

SPARE = "spare"  # a machine of the district with an address of its own
PATIENCE = 150


class Three:
    """A province, a district, and a commune behind a router."""

    def __init__(self, bench, net):
        self.bench, self.net = bench, net
        self.outside = net.nat("H47.12.05")
        self.province, self.district = bench.found("H47"), bench.enrol("H47.12")
        self.commune = bench.office("H47.12.05")
        self.commune.cli("enroll", bench.invite(self.district, self.commune), "--data",
                         self.commune.folder, "--listen", f"{self.commune.host}:{PORT}")
        self.install()
        self.commune.start()
        self.bench.wait_in_sync()

    # As docs/operations.md says for a district with two lines and a router that forgets.
    def install(self):
        both = [f"{self.net.address(node)}:{PORT}" for node in ("H47.12", SPARE)]
        with open(self.commune.config, encoding="utf-8") as stream:
            text = stream.read()
        line = next(text for text in text.splitlines() if text.startswith("addresses"))
        text = text.replace(line, f'addresses = ["{both[0]}", "{both[1]}"]')
        text = offices.set_option(text, "link", "heartbeat_seconds", 25)
        with open(self.commune.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def seen_commune(self):
        """What the district has of the commune; asks nothing at the commune, where to ask would be
        to use it."""
        neighbours = self.district.get("/v1/peers")["neighbours"]
        return next((n for n in neighbours if n["agency"] == "H47.12.05"), {})

    def nobody_dials_in(self):
        seen = self.seen_commune()["address"].rsplit(":", 1)
        expect(seen[0] == self.outside, f"the district sees the commune at {seen}")
        for address in ((self.commune.host, PORT), (self.outside, PORT),
                        (self.outside, int(seen[1]))):
            with self.net.socket(self.district.node, socket.SOCK_STREAM) as dialler:
                dialler.settimeout(0.5)
                expect(dialler.connect_ex(address) != 0, f"the district can dial {address}")

    def replace_district(self, node):
        """Its disk is gone. A new machine is enrolled for the agency with a token of the province,
        as docs/operations.md says for any machine."""
        self.district.kill()
        shutil.rmtree(self.district.folder)
        self.district.move(node)
        self.district.cli("enroll", self.bench.invite(self.province, self.district), "--data",
                          self.district.folder, "--listen", f"{self.district.host}:{PORT}")
        self.district.start()

    def comes_online(self, begin):
        def connected():
            seen = self.seen_commune()
            return seen.get("state") == "connected" and seen["in_sync"]
        wait("the commune is online with the new machine", connected, PATIENCE)
        return time.monotonic() - begin

    def dossier_of_commune(self):
        return self.commune.must({"op": "create", "dossier": {"procedure": "1.001193"}})[0]["code"]

    def district_has(self, code):
        return self.district.request("GET", f"/v1/dossiers/{code}")[0] == 200


def node_of(office):
    return office.get("/v1/status")["node"]


def the_same_address(three):
    """The session ends with the old machine; an offer made to it is accepted by the new one."""
    code, burnt = three.dossier_of_commune(), node_of(three.district)
    three.commune.must({"op": "offer", "code": code, "to": "H47.12"})
    three.bench.wait_in_sync()
    three.nobody_dials_in()
    begin = time.monotonic()
    three.replace_district("H47.12")
    back = three.comes_online(begin)
    three.bench.say(f"same address: online {back:.1f} s after the old machine's end")
    expect(node_of(three.district) != burnt, "it is the old machine")
    wait("the new machine has the dossier", lambda: three.district_has(code))
    three.district.must({"op": "accept", "code": code})
    wait("the commune knows", lambda: three.commune.get(f"/v1/dossiers/{code}")["holder"] ==
         "H47.12")
    three.bench.wait_in_sync()


def a_silent_end(three):
    """The router forgets too, so that nothing of the old machine's end reaches the commune, where
    nobody writes anything: its heartbeat has to find out."""
    burnt = node_of(three.district)
    three.net.nat("H47.12.05")
    begin = time.monotonic()
    three.replace_district("H47.12")
    back = three.comes_online(begin)
    three.bench.say(f"silent end: online {back:.1f} s after the old machine's end")
    expect(node_of(three.district) != burnt, "it is the old machine")
    three.bench.wait_in_sync()


def another_address(three):
    """As silent, and the new machine has an address of its own; what is written at the commune
    meanwhile arrives there."""
    burnt = node_of(three.district)
    three.net.nat("H47.12.05")
    begin = time.monotonic()
    three.replace_district(SPARE)
    code = three.dossier_of_commune()
    back = three.comes_online(begin)
    three.bench.say(f"another address: online {back:.1f} s after the old machine's end")
    expect(node_of(three.district) != burnt, "it is the old machine")
    expect(three.district_has(code), "in sync without what was written meanwhile")
    three.nobody_dials_in()
    three.bench.wait_in_sync()


def a_forgetful_router(three):
    """What the commune writes after some quiet finds nobody, and a new session is live at once: the
    second time check says what it is."""
    def codes():
        return [m["code"] for m in three.commune.get("/v1/check")["messages"]]
    expect("nat-forgets" not in codes(), "already")
    for time_number in range(2):
        three.bench.wait_in_sync()
        time.sleep(4.5)  # the quiet itself
        three.net.nat("H47.12.05")
        code = three.dossier_of_commune()
        wait("it arrives", lambda: three.district_has(code))
        three.bench.say(f"forgotten, time {time_number + 1}")
    wait("check names the router", lambda: "nat-forgets" in codes())


def test(bench):
    three = Three(bench, bench.net)
    the_same_address(three)
    a_silent_end(three)
    another_address(three)
    a_forgetful_router(three)


def main():
    parser = offices.parser(__doc__)
    parser.add_argument("--emulator", required=True, help="the program link_emulator")
    options = parser.parse_args()
    try:
        net = Emulator(options.emulator, ["H47", "H47.12", "H47.12.05", SPARE], seed=5)
    except NoRights as wrong:
        return skip_without_rights(wrong)
    offices.Bench = lambda given: FarBench(given, net)
    with net:
        return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
