#!/usr/bin/env python3
"""The scenario reorganise: 1 July 2025 in Quảng Nam. The province, which began with a root of its
own, is joined to Đà Nẵng; districts are no more; communes are merged; handoffs are open on the day,
two offices are cut off over it, and what they did comes a week later.

Real: that districts ended and the province was joined to the city on that day (Resolutions
203/2025/QH15 and 202/2025/QH15), and which communes of Phú Ninh became which (Resolution
1659/NQ-UBTVQH15): Phú Thịnh, Tam Đàn, Tam Thái became Chiên Đàn; Tam Đại, Tam Dân, Tam Lãnh became
Phú Ninh. Made up: the dossiers, and codes below H17 and H47, composed as in demo_data.py. The clock
of this machine stands for the day.
"""
import json
import os
import signal

import demo_machines
import demo_relay
from demo_machines import Disagreement

CITY, PROVINCE, DISTRICT = "H17", "H47", "H47.518"
THINH, DAN, THAI, TAM_DAN, LANH = (DISTRICT + "." + gso for gso in
                                   ("20364", "20374", "20386", "20392", "20395"))
NEW = {THINH: ("H17.20364", "Xã Chiên Đàn"), TAM_DAN: ("H17.20392", "Xã Phú Ninh")}
HEIRS = {DAN: THINH, THAI: THINH, LANH: TAM_DAN}
CUT_OFF = [THAI, LANH]


class Scenario(demo_machines.Demo):
    places = [(CITY, "Thành phố Đà Nẵng", "province"), (PROVINCE, "Tỉnh Quảng Nam", "province"),
              (DISTRICT, "Huyện Phú Ninh", "district"), (THINH, "Thị trấn Phú Thịnh", "commune"),
              (DAN, "Xã Tam Đàn", "commune"), (THAI, "Xã Tam Thái", "commune"),
              (TAM_DAN, "Xã Tam Dân", "commune"), (LANH, "Xã Tam Lãnh", "commune")]
    example = THINH
    away = ()  # who has no line now

    def wait_in_sync(self, codes):
        """As ever, but for lines to those who are cut off."""
        away = self.away

        def settled():
            for code in codes:
                lines = self.agents[code].status()["neighbours"]
                lines = [line for line in lines if line["agency"] not in away]
                if not all(line["in_sync"] and line["state"] == "connected" for line in lines):
                    return False
            return True

        self.wait("in sync: " + ", ".join(codes), lambda: settled() and settled())

    # ---- before the day ----

    def found(self, agent):
        secret = self.path(agent.code + ".passphrase")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(os.urandom(16).hex() + "\n")
        agent.cli("init", "--data", agent.folder, "--agency", agent.code, "--name", agent.name,
                  "--tier", agent.tier, "--listen", f"127.0.0.1:{agent.port}",
                  "--passphrase-file", secret)
        agent.configure()
        agent.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def set_up(self):
        for code in (CITY, PROVINCE):
            self.found(self.agents[code])
        ports = self.start_relay()
        for code, agent in self.agents.items():
            if self.above(code):
                self.enrol(self.agents[self.above(code)], agent, ports[code])
        self.wait_in_sync(self.old_side())
        self.say("a city and a province with roots of their own, 8 agents",
                 "một thành phố và một tỉnh, mỗi nơi một khóa gốc, 8 tác tử")

    def old_side(self, *without):
        return [code for code in self.agents if code != CITY and code not in without]

    def receive(self, code, count, done=0):
        """New dossiers there; the first of them finished and returned."""
        agent, out = self.agents[code], []
        for i in range(count):
            made = agent.json("dossier", "new", "procedure=1.001193", "field=Hộ tịch",
                              "procedure_name=Thủ tục đăng ký khai sinh", "channel=counter",
                              f"applicant.name=Công dân {code[-5:]} {i + 1}")
            out.append(made["code"])
        for state in ("processing", "done", "returned"):
            self.work(code, out[:done], state, "giải quyết", "Võ Thị Liên")
        self.codes += out
        return out

    def before(self):
        """Some finished, some at the district or the province, and offers open both ways."""
        self.codes = []
        mine = {code: self.receive(code, 6, done=2) for code in (THINH, DAN, THAI, TAM_DAN, LANH)}
        self.receive(DISTRICT, 3, done=1)
        self.wait_in_sync(self.old_side())
        at_district = [codes[2] for codes in mine.values()]
        for code, codes in mine.items():
            self.offer(codes[2:3], code, DISTRICT, "Chuyển huyện thẩm định")
        self.accept(at_district, DISTRICT)
        self.hand_over(at_district[:1], DISTRICT, PROVINCE, "Chuyển Sở")
        self.wait_in_sync(self.old_side())
        self.open_up, self.open_down = [mine[THINH][3], mine[LANH][3]], at_district[1:3]
        for code, dossier in zip((THINH, LANH), self.open_up):
            self.offer([dossier], code, DISTRICT, "Đang chuyển khi sắp xếp")
        for code, dossier in zip((DAN, THAI), self.open_down):
            self.offer([dossier], DISTRICT, code, "Trả xã khi sắp xếp")
        self.wait_in_sync(self.old_side())
        self.late = {code: mine[code][4] for code in CUT_OFF}
        self.early = self.totals(self.agents[PROVINCE])
        self.say(f"{len(self.codes)} dossiers; 4 handoffs are open on the day",
                 f"{len(self.codes)} hồ sơ; 4 lượt bàn giao còn dở trong ngày sắp xếp")

    def totals(self, agent):
        """The columns of the period's report; the third is all that was received."""
        made = agent.json("report", "II.06a", "--from", "2020-01-01", "--to", "2099-12-31")
        return made["total"]["columns"]

    def cut(self):
        demo_relay.ask(self.control, ["cut", *CUT_OFF])
        self.away = CUT_OFF
        for code in CUT_OFF:
            self.work(code, [self.late[code]], "processing", "xử lý khi mất mạng", "Phạm Văn Lợi")
        self.say("two communes are cut off, and work on",
                 "hai xã mất đường truyền và vẫn làm việc")

    # ---- the day ----

    def root(self, *words):
        """A step with a root key, away from the agents."""
        return self.agents[CITY].cli("root", *words)

    def key_of(self, code):
        return ["--root-key", os.path.join(self.agents[code].folder, "root.key"),
                "--passphrase-file", self.path(code + ".passphrase")]

    def join_roots(self):
        offer, first, both = (self.path(name) for name in ("h47.offer", "h47.one", "h47.both"))
        city, province = self.agents[CITY], self.agents[PROVINCE]
        province.cli("root", "offer", "--out", offer)
        city.cli("root", "adopt", offer, "--under", CITY, *self.key_of(CITY), "--note",
                 "202/2025/QH15", "--out", first)
        province.cli("root", "adopt", first, "--root-paper",
                     os.path.join(province.folder, "root-paper.txt"), "--out", both)
        city.cli("root", "adopt", both)
        self.dial(PROVINCE, CITY)
        self.wait_in_sync([code for code in self.agents if code not in CUT_OFF])
        self.say("the province is joined to the city: two roots, one tree",
                 "tỉnh nhập vào thành phố: hai khóa gốc, một cây")

    def dial(self, code, upper):
        agent, port = self.agents[code], self.agents[upper].port
        with open(agent.config, "a", encoding="utf-8") as stream:
            stream.write(f'\n[[neighbour]]\nagency = "{upper}"\naddresses = ["127.0.0.1:{port}"]\n')
        agent.process.send_signal(signal.SIGHUP)

    def reorganise(self):
        city, plan, signed = self.agents[CITY], self.path("01-07.jsonl"), self.path("signed.root")
        for old, heir in HEIRS.items():
            city.cli("agency", "merge", old, "--into", heir, "--add-to", plan)
        city.cli("agency", "split", DISTRICT, "--into", *NEW, "--add-to", plan)
        city.cli("agency", "dissolve", PROVINCE, "--successor", CITY, "--add-to", plan)
        for old, (code, name) in NEW.items():
            city.cli("agency", "move", old, "--under", CITY, "--add-to", plan)
            city.cli("agency", "rename", old, "--code", code, "--name", name, "--add-to", plan)
        self.show(city, "agency", "reorganise", plan, "--note", "1659/NQ-UBTVQH15", "--dry-run")
        out = self.path("01-07.root")
        city.cli("agency", "reorganise", plan, "--note", "1659/NQ-UBTVQH15", "--out", out)
        self.root("sign", out, *self.key_of(CITY), "--out", signed)
        city.cli("root", "import", signed)
        for code in NEW:
            self.dial(code, CITY)
        self.wait_in_sync([CITY, PROVINCE, DISTRICT, *NEW])
        self.say("one signed version of the tree: no districts, two communes of five",
                 "một phiên bản cây đã ký: không còn huyện, năm xã thành hai")

    def hand_on(self):
        """Sole successors act; what was the district's is given out from a list."""
        for old, heir in HEIRS.items():
            held = [line["code"] for line in self.agents[heir].lines("/v1/dossiers")
                    if line["holder"] == old and not line["offered_to"] and
                    line["status"] not in ("returned", "done")]
            for dossier in held:
                self.agents[heir].cli("dossier", "set", dossier, "unit=Văn phòng")
        for code, dossier in ((THINH, self.open_down[0]), (THINH, self.open_down[1])):
            self.agents[code].cli("handoff", "accept", dossier)
        self.wait_in_sync([CITY, *NEW])
        left = {line["code"] for line in self.agents[CITY].lines("/v1/digest")
                if DISTRICT in (line["holder"], line["offered_to"])}
        to = [self.heir_of(dossier) for dossier in sorted(left)]
        table = self.path("chia-ho-so.csv")
        with open(table, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{dossier},{NEW[code][0]}\n"
                                 for dossier, code in zip(sorted(left), to)))
        self.agents[CITY].cli("agency", "assign", table)
        for code in NEW:
            mine = [dossier for dossier, to_code in zip(sorted(left), to) if to_code == code]
            self.wait_for_offers(mine, code)
            self.operate(self.agents[code], [{"op": "accept", "code": one} for one in mine])
        self.wait_in_sync([CITY, *NEW])
        self.say(f"successors act; {len(left)} dossiers of the district went by a list",
                 f"cơ quan kế tiếp làm việc; {len(left)} hồ sơ của huyện chia theo danh sách")

    def heir_of(self, dossier):
        begun = dossier.rpartition("-")[0].rpartition("-")[0]
        return HEIRS.get(begun, begun if begun in NEW else THINH)

    # ---- a week later ----

    def come_back(self):
        demo_relay.ask(self.control, ["join", *CUT_OFF])
        self.away = ()
        for code in CUT_OFF:
            self.dial(code, CITY)
        self.wait("the late work is at the city", lambda: len(self.late_work()) == len(CUT_OFF))
        for node in self.late_work():
            self.agents[CITY].cli("closing", "move", node, "--yes")
        self.wait_in_sync([CITY, *NEW])
        self.say("a week later the two offices hand in what they did; a person brings it in",
                 "một tuần sau hai xã nộp việc đã làm; có người đưa vào")

    def late_work(self):
        """Closed machines of which something would count if the closing were moved."""
        city = self.agents[CITY]
        return [node["id"] for node in city.json("closing", "list")
                if city.json("closing", "move", node["id"], "--dry-run")["updates_risen"]]

    def check(self):
        """Every dossier has one custodian in the new tree, and everybody says the same of it."""
        names = {code: new for code, (new, _) in NEW.items()}
        living = {CITY, *names.values()}
        heirs = {**{old: names[heir] for old, heir in HEIRS.items()}, PROVINCE: CITY, **names}
        lines = {code: {line["code"]: line for line in self.agents[code].lines("/v1/digest")}
                 for code in (CITY, *NEW)}
        top, wrong = lines[CITY], []
        for dossier in self.codes:
            holder = top[dossier]["holder"] if dossier in top else None
            if heirs.get(holder, holder) not in living:
                wrong.append(f"{dossier}: custodian {holder}")
            wrong += [f"{dossier}: {code} differs from the city" for code in NEW
                      if dossier in lines[code] and
                      lines[code][dossier]["digest"] != top[dossier]["digest"]]
        # What was received before the day is neither lost nor counted twice by the new tree.
        early, now = self.early, self.totals(self.agents[CITY])
        if early["3"] != now["3"]:
            wrong.append(f"reports: {early} before, {now} after")
        if wrong:
            raise Disagreement(f"{len(wrong)} disagreements\n" + "\n".join(wrong[:20]))

    def run(self):
        self.set_up()
        self.before()
        self.cut()
        self.join_roots()
        self.reorganise()
        self.hand_on()
        self.come_back()
        self.check()
        self.show(self.agents[CITY], "why", self.open_up[0])
        self.say(f"{len(self.codes)} dossiers, each with one custodian in the new tree; the "
                 "reports of both sides of the day add up",
                 f"{len(self.codes)} hồ sơ, mỗi hồ sơ một nơi thụ lý trong cây mới; báo cáo hai "
                 "phía của ngày sắp xếp khớp nhau")
