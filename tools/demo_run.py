#!/usr/bin/env python3
"""Thirteen offices of Phú Ninh on one machine, through a quarter with an outage in it.

Started by tools/demo after the build. Ends with 0 only if every replica holds exactly the records
that it should, with the same content and the same custodian as every other.
"""
import argparse
import atexit
import concurrent.futures
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import demo_data
import demo_office
import demo_relay

HERE = os.path.dirname(os.path.abspath(__file__))
PROVINCE, DISTRICT = demo_data.PROVINCE[0], demo_data.DISTRICT[0]
COMMUNES = [code for code, _, _ in demo_data.COMMUNES]
CUT_OFF = ["H47.518.20386", "H47.518.20392", "H47.518.20395"]  # Tam Thái, Tam Dân, Tam Lãnh
PATIENCE = 60  # seconds for anything to settle


class Disagreement(Exception):
    pass


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def set_option(text, section, name, value):
    """The text of a configuration with one option of a [section] set."""
    line = f"{name} = {value}"
    begin = re.search(rf"^\[{section}\]\s*$", text, re.M)
    if not begin:
        return text + f"\n[{section}]\n{line}\n"
    end = re.search(r"^\[", text[begin.end():], re.M)
    stop = begin.end() + end.start() if end else len(text)
    body = text[begin.end():stop]
    changed, count = re.subn(rf"^{name}\s*=[^\n]*$", line, body, flags=re.M)
    return text[:begin.end()] + (changed if count else f"\n{line}" + body) + text[stop:]


class Agent:
    """One office: its folder, its daemon, and the command line that talks to it."""

    def __init__(self, demo, code, name, tier):
        self.demo, self.code, self.name, self.tier = demo, code, name, tier
        self.folder = os.path.join(demo.folder, code)
        self.config = os.path.join(self.folder, "agent.toml")
        self.socket = os.path.join(self.folder, "agent.sock")
        self.log = os.path.join(demo.folder, code + ".log")
        self.port = free_port()
        self.process = None

    def cli(self, *words, check=True, stdin=None):
        """Runs the command line against this office; its standard output."""
        command = [self.demo.cli, "--socket", self.socket, "--lang", self.demo.lang, *words]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise Disagreement(f"{self.code}: lienthong {' '.join(words)}: exit "
                               f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.cli("--json", *words))

    def get(self, path):
        """The local API as any program uses it."""
        connection = SocketConnection(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Disagreement(f"{self.code}: GET {path}: {answer.status} {body}")
        return body

    def lines(self, path):
        return [json.loads(line) for line in self.get(path).splitlines() if line]

    def status(self):
        return json.loads(self.get("/v1/status"))

    def configure(self, relay_port=None):
        """Quick redialling, so that the demo is short; the line to the parent runs over a relay."""
        with open(self.config, encoding="utf-8") as stream:
            text = stream.read()
        for name, value in (("backoff_max_seconds", 2), ("dials_per_second", 100),
                            ("dials_burst", 1000)):
            text = set_option(text, "link", name, value)
        if relay_port:
            text, count = re.subn(r"^addresses\s*=\s*\[[^\]]*\]",
                                  f'addresses = ["127.0.0.1:{relay_port}"]', text, flags=re.M)
            if count != 1:
                raise Disagreement(f"{self.config}: one parent was expected, found {count}")
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(text)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.demo.daemon, "--config", self.config], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        self.demo.wait(f"{self.code} answers", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise Disagreement(f"{self.code}: the agent ended with {self.process.returncode}\n"
                               + tail(self.log))
        try:
            return bool(self.get("/healthz"))
        except (OSError, http.client.HTTPException):
            return False


def tail(path, lines=15):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return "".join(stream.readlines()[-lines:])


class Demo:
    def __init__(self, options):
        self.options = options
        self.lang = options.lang
        self.cli = os.path.join(options.bin, "tools", "lienthong")
        self.daemon = os.path.join(options.bin, "agent", "lienthongd")
        self.folder = tempfile.mkdtemp(prefix="lienthong-")
        self.control = os.path.join(self.folder, "relay.sock")
        self.relay = None
        self.begin = time.monotonic()
        places = [demo_data.PROVINCE, demo_data.DISTRICT, *demo_data.COMMUNES]
        self.agents = {place[0]: Agent(self, *place) for place in places}
        self.holders = {}  # code of each dossier -> who should hold it
        self.seers = {}    # code of each dossier -> who should have it

    # ---- telling ----

    def say(self, english, vietnamese):
        seconds = time.monotonic() - self.begin
        print(f"[{seconds:5.1f} s] {vietnamese if self.lang == 'vi' else english}", flush=True)

    def show(self, agent, *words):
        print(f"$ lienthong {' '.join(words)}          # {agent.code} {agent.name}")
        print("".join("    " + line + "\n" for line in agent.cli(*words).splitlines()), flush=True)

    def wait(self, what, ready):
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if time.monotonic() > deadline:
                raise Disagreement(f"not within {PATIENCE} s: {what}")
            time.sleep(0.05)

    # ---- setting up ----

    def found_province(self):
        province = self.agents[PROVINCE]
        secret = os.path.join(self.folder, "passphrase")
        file = os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600)
        with open(file, "w", encoding="utf-8") as stream:
            stream.write(os.urandom(16).hex() + "\n")
        province.cli("init", "--data", province.folder, "--agency", PROVINCE,
                     "--name", province.name, "--tier", province.tier,
                     "--listen", f"127.0.0.1:{province.port}", "--passphrase-file", secret)
        province.configure()
        province.start()

    def enrol(self, parent, child, relay_port):
        token = parent.cli("invite", child.code, "--name", child.name, "--tier", child.tier).strip()
        child.cli("enroll", token, "--data", child.folder, "--listen", f"127.0.0.1:{child.port}")
        child.configure(relay_port)
        child.start()

    def start_relay(self):
        links = [f"{DISTRICT}={self.agents[PROVINCE].port}"]
        links += [f"{code}={self.agents[DISTRICT].port}" for code in COMMUNES]
        self.relay = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "demo_relay.py"), "--control", self.control,
             *links], stdout=subprocess.PIPE, text=True, start_new_session=True)
        return json.loads(self.relay.stdout.readline())

    def set_up(self):
        self.found_province()
        ports = self.start_relay()
        province, district = self.agents[PROVINCE], self.agents[DISTRICT]
        self.enrol(province, district, ports[DISTRICT])
        for code in COMMUNES:
            self.enrol(district, self.agents[code], ports[code])
        self.wait_in_sync(self.agents)
        self.say("13 agents run; 12 were enrolled, each with one token",
                 "13 tác tử đang chạy; 12 tác tử gia nhập, mỗi tác tử bằng một mã")

    # ---- agreeing ----

    def wait_in_sync(self, codes):
        """All of them in sync with nothing new while it was looked."""
        seen = []

        def settled():
            statuses = [self.agents[code].status() for code in codes]
            if not all(s["in_sync"] and s["neighbours"] for s in statuses):
                return False
            if not all(n["state"] == "connected" for s in statuses for n in s["neighbours"]):
                return False
            seen.append([s["last_change"] for s in statuses])
            return len(seen) > 1 and seen[-1] == seen[-2]

        self.wait("in sync: " + ", ".join(codes), settled)

    def expect(self, code, holder, *others):
        """The dossier is held by `holder`; it, its superiors and all that came before have it."""
        seers = self.seers.setdefault(code, set())
        for agency in (holder, *others):
            while agency:
                seers.add(agency)
                agency = agency.rpartition(".")[0]
        self.holders[code] = holder

    def check_replicas(self):
        """Record by record: who has it, what it says, who holds it."""
        replicas = {code: self.agents[code].lines("/v1/digest") for code in self.agents}
        found, wrong = {}, []
        for agency, lines in replicas.items():
            for line in lines:
                key = (line["code"], line["record"])
                found.setdefault(key, {})[agency] = (line["digest"], line["holder"],
                                                     line.get("offered_to"))
        for (code, _), copies in found.items():
            if len(set(copies.values())) != 1:
                wrong.append(f"{code}: replicas differ: {copies}")
            if set(copies) != self.seers.get(code, set()):
                wrong.append(f"{code}: held by the replicas of {sorted(copies)}, should be "
                             f"{sorted(self.seers.get(code, set()))}")
            holder = next(iter(copies.values()))[1]
            if holder != self.holders.get(code):
                wrong.append(f"{code}: custodian {holder}, should be {self.holders.get(code)}")
        codes = [code for code, _ in found]
        wrong += [f"{code}: nowhere" for code in self.holders if code not in set(codes)]
        wrong += [f"{code}: two records" for code in set(codes) if codes.count(code) > 1]
        if wrong:
            raise Disagreement(f"{len(wrong)} disagreements\n" + "\n".join(wrong[:20]))
        return len(found), sum(len(lines) for lines in replicas.values())

    # ---- work ----

    def operate(self, agent, operations):
        """Operations on an office's dossiers, all of which must go in."""
        text = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in operations)
        path = os.path.join(self.folder, f"{agent.code}.jsonl")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        done = agent.json("apply", path)
        if done["applied"] != len(operations):
            raise Disagreement(f"{agent.code}: {done}")

    def load_quarter(self):
        quarter = demo_data.make(self.options.seed)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda item: self.operate(self.agents[item[0]], item[1]),
                          quarter.items()))
        codes = [(code, agency) for agency, operations in quarter.items()
                 for code in demo_data.codes(operations)]
        for code, agency in codes:
            self.expect(code, agency)
        count = sum(map(len, quarter.values()))
        self.say(f"{len(codes)} dossiers of the quarter taken in ({count} operations)",
                 f"đã tiếp nhận {len(codes)} hồ sơ của quý ({count} thao tác)")
        self.wait_in_sync(self.agents)
        self.say("every office is in sync", "mọi cơ quan đã đồng bộ")
        return {agency: demo_data.codes(operations, demo_data.WORSHIP)
                for agency, operations in quarter.items()}

    def hand_over(self, codes, giver, taker, note, **more):
        """Offers in one office and, once they have arrived, accepts in the other."""
        self.offer(codes, giver, taker, note, **more)
        self.accept(codes, taker)

    def offer(self, codes, giver, taker, note, **more):
        self.operate(self.agents[giver], [
            {"op": "offer", "code": code, "to": taker, "note": note, **more} for code in codes])

    def wait_for_offers(self, codes, taker):
        agent, wanted = self.agents[taker], set(codes)
        self.wait(f"offers at {taker}", lambda: wanted <= {
            line["code"] for line in agent.lines("/v1/handoffs?pending=1&direction=in")})

    def accept(self, codes, taker):
        self.wait_for_offers(codes, taker)
        self.operate(self.agents[taker], [{"op": "accept", "code": code} for code in codes])
        for code in codes:
            self.expect(code, taker)

    def work(self, agency, codes, status, action, officer, **fields):
        self.operate(self.agents[agency], [
            {"op": "set", "code": code, "fields": {"status": status, **fields},
             "event": {"officer": officer, "action": action}} for code in codes])

    def worship_route(self, route):
        """Worship allowance: commune, district, department, and back to the commune's desk."""
        first = {commune: codes[:1] for commune, codes in route.items()}
        everyone = [code for codes in first.values() for code in codes]
        for commune, codes in first.items():
            self.offer(codes, commune, DISTRICT, "Xã đã kiểm tra, 5 ngày làm việc")
        self.accept(everyone, DISTRICT)
        self.work(DISTRICT, everyone, "processing", "thẩm định", "Lê Thị Hạnh",
                  unit="Phòng Lao động – TB&XH")
        self.hand_over(everyone, DISTRICT, PROVINCE, "Phòng đã thẩm định, 10 ngày làm việc")
        self.work(PROVINCE, everyone, "processing", "trình ký quyết định", "Trần Quang Sơn",
                  unit="Sở Lao động – TB&XH")
        for commune, codes in first.items():
            self.offer(codes, PROVINCE, commune, "Sở đã ký quyết định, 12 ngày làm việc")
        for commune, codes in first.items():
            self.accept(codes, commune)
            self.work(commune, codes, "done", "nhận kết quả", "Võ Thị Liên", unit="Bộ phận Một cửa")
            self.work(commune, codes, "returned", "trả kết quả", "Võ Thị Liên")
        self.wait_in_sync(self.agents)
        count = len(everyone)
        self.say(f"{count} worship allowances went commune → district → province → commune",
                 f"{count} hồ sơ thờ cúng liệt sĩ đã đi xã → huyện → tỉnh → xã")
        return everyone

    # ---- the outage ----

    def receive(self, agency, count, what):
        """New dossiers, numbered by the office itself."""
        agent, codes = self.agents[agency], []
        for i in range(count):
            made = agent.json("dossier", "new", "procedure=1.004873",
                              "procedure_name=Thủ tục cấp Giấy xác nhận tình trạng hôn nhân",
                              "field=Hộ tịch", "channel=counter",
                              f"applicant.name={what} {i + 1}", "applicant.kind=citizen")
            codes.append(made["code"])
            self.expect(made["code"], agency)
        return codes

    def outage(self, route):
        """Work on both sides of three lines that are down; the offers that were made meanwhile."""
        kept = {commune: route[commune][1] for commune in CUT_OFF}  # at the district when it is cut
        for commune, code in kept.items():
            self.hand_over([code], commune, DISTRICT, "Chuyển Phòng thẩm định")
        self.wait_in_sync(self.agents)
        demo_relay.ask(self.control, ["cut", *CUT_OFF])
        self.wait("the communes notice", lambda: all(
            line["state"] != "connected"
            for code in CUT_OFF for line in self.agents[code].status()["neighbours"]))
        names = ", ".join(self.agents[code].name for code in CUT_OFF)
        self.say(f"the lines of {names} are cut", f"đã cắt đường truyền của {names}")
        up, down = {}, {}
        for commune in CUT_OFF:
            new = self.receive(commune, 4, f"Công dân mất mạng {commune[-5:]}")
            self.work(commune, new[:2], "processing", "chuyển xử lý", "Phạm Văn Lợi")
            up[commune] = [route[commune][2], new[0]]
            self.offer(up[commune], commune, DISTRICT, "Bàn giao khi mất mạng", urgent=True)
            down[commune] = [kept[commune]]
            self.offer(down[commune], DISTRICT, commune, "Thiếu giấy tờ, chuyển lại xã")
        self.receive(DISTRICT, 5, "Công dân ở huyện")
        online = [commune for commune in COMMUNES if commune not in CUT_OFF]
        for commune in online:
            self.receive(commune, 1, "Công dân có mạng")
        self.hand_over([route[online[0]][1]], online[0], DISTRICT, "Xã khác vẫn bàn giao")
        self.wait_in_sync([PROVINCE] + online)
        self.say("both sides worked on: new dossiers, changes, offers in both directions",
                 "hai phía vẫn làm việc: hồ sơ mới, xử lý, bàn giao theo cả hai chiều")
        return up, down

    def heal(self, up, down):
        demo_relay.ask(self.control, ["join", *CUT_OFF])
        self.wait_in_sync(self.agents)
        self.say("the lines are back and every office is in sync",
                 "đường truyền đã trở lại, mọi cơ quan đã đồng bộ")
        for commune in CUT_OFF:
            self.accept(up[commune], DISTRICT)
            self.accept(down[commune], commune)
        self.wait_in_sync(self.agents)
        self.say("every offer made without a line was delivered and accepted",
                 "mọi bàn giao lúc mất mạng đã tới nơi và được nhận")

    # ---- the account ----

    def print_counts(self):
        print(f"\n{'agency':16}{'holds':>8}{'sees':>8}  name")
        for code, agent in self.agents.items():
            lines = agent.lines("/v1/digest")
            holds = sum(1 for line in lines if line["holder"] == code)
            print(f"{code:16}{holds:8}{len(lines):8}  {agent.name}")

    def print_bytes(self):
        print(f"\n{'line':36}{'up':>12}{'down':>12}{'connections':>13}")
        for code, line in demo_relay.ask(self.control, ["bytes"]).items():
            parent = code.rpartition(".")[0]
            print(f"{code + ' → ' + parent:36}{line['bytes_up']:12,}{line['bytes_down']:12,}"
                  f"{line['connections']:13}")
        print(flush=True)

    def run(self):
        self.set_up()
        demo_office.publish(self)
        route = self.load_quarter()
        demo_office.follow(self)
        demo_office.report(self)
        finished = self.worship_route({commune: route[commune] for commune in COMMUNES})
        up, down = self.outage(route)
        stuck, at = up[CUT_OFF[0]][0], self.agents[CUT_OFF[0]]
        self.show(at, "why", stuck)
        self.heal(up, down)
        self.show(at, "why", stuck)
        self.show(self.agents[PROVINCE], "handoff", "track", finished[0])
        self.print_counts()
        self.print_bytes()
        records, copies = self.check_replicas()
        self.say(f"all replicas agree: {records} records, {copies} copies on {len(self.agents)} "
                 "agents, compared record by record (content, custodian, who has it)",
                 f"mọi bản sao khớp nhau: {records} bản ghi, {copies} bản sao trên "
                 f"{len(self.agents)} tác tử, so từng bản ghi (nội dung, nơi thụ lý, nơi được giữ)")

    # ---- ending ----

    def processes(self):
        children = [agent.process for agent in self.agents.values()] + [self.relay]
        return [child for child in children if child is not None and child.poll() is None]

    def stop(self):
        running = self.processes()
        for child in running:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for child in running:
            try:
                child.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def keep(self):
        pids = " ".join(str(child.pid) for child in self.processes())
        print(f"\nThe agents go on, in {self.folder}. For instance:\n"
              f"  export LIENTHONG_SOCKET={self.agents[DISTRICT].socket}\n"
              f"  {self.cli} status\n"
              f"  {self.cli} handoff list --pending\n"
              f"  curl --unix-socket $LIENTHONG_SOCKET http://localhost/v1/status\n"
              f"Cut a line and join it again:\n"
              f"  {HERE}/demo_relay.py --control {self.control} cut {COMMUNES[0]}\n"
              f"  {HERE}/demo_relay.py --control {self.control} join {COMMUNES[0]}\n"
              f"Stop everything and remove it:\n"
              f"  kill {pids}; rm -r {self.folder}")


def default_language():
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "vi" if os.environ[name].startswith("vi") else "en"
    return "en"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--lang", choices=("vi", "en"), default=default_language())
    parser.add_argument("--seed", type=int, default=518)
    options = parser.parse_args()
    demo = Demo(options)
    atexit.register(lambda: None if options.keep else demo.stop())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        demo.run()
    except (Disagreement, KeyboardInterrupt, OSError, ValueError, KeyError) as error:
        options.keep = False
        print(f"demo: {type(error).__name__}: {error}\ndemo: the folders are left in {demo.folder}",
              file=sys.stderr)
        return 1
    if options.keep:
        demo.keep()
        return 0
    demo.stop()
    shutil.rmtree(demo.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
