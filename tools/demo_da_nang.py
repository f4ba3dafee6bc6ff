#!/usr/bin/env python3
"""The scenario da-nang: two tiers in 2026. The city, three of its communes, which until 30 June
2025 were the district Phú Ninh, one department, and one land registration branch; the commune Phú
Ninh receives at two points that lie far apart, each with a machine and numbers of its own.

Real: the communes and what they were made of, the procedures with codes, fields and the limits of
the routes (Sơn La and Đồng Tháp publish them so). Made up: persons, days, officers. H17 is the
city's identification code; codes below it are composed of it and of the statistical office's code
of the commune, or of a number.
"""
import datetime
import json
import random

import demo_data
import demo_machines
import demo_relay

CITY, DEPARTMENT, LAND = "H17", "H17.09", "H17.1004"
CHIEN_DAN, TAY_HO, PHU_NINH = "H17.20364", "H17.20380", "H17.20392"
SECOND = PHU_NINH + "@2"  # the point of intake at what was Tam Lãnh
COMMUNES = [CHIEN_DAN, TAY_HO, PHU_NINH]
CUT_OFF = [PHU_NINH, SECOND]
WORSHIP, PARCEL, SINGLE = "1.010803", "1.012784", "1.004873"
DAYS_OF_WORK = ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
PER_COMMUNE = 60
SWAP = ("besides\t2026\ndate\tkind\tname\tsource\n"
        "2026-12-07\tswapped\thoán đổi sang 2026-12-12\tthông báo của thành phố (mẫu)\n"
        "2026-12-12\tmake-up\tlàm bù cho 2026-12-07\tthông báo của thành phố (mẫu)\n")


def days(amount):
    return {"amount": amount, "unit": "working_day"}


def step(name, agency, amount, **more):
    return {"name": name, "agency": agency, "limit": days(amount), **more}


def procedures():
    return [
        {"code": WORSHIP, "procedure_name": "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ",
         "field": "Người có công", "effective_from": "2026-01-01",
         "definition": {
             "limit": days(12), "resume": "restart",
             "source": "thời hạn như QĐ 2929/QĐ-UBND 18/11/2025 của Sơn La",
             "steps": [step("Tiếp nhận", "commune", 0.25), step("Phân công", "commune", 0.25),
                       step("Kiểm tra", "commune", 0.5), step("Thẩm định", "department", 6),
                       step("Quyết định", "province", 4), step("Trả kết quả", "commune", 1)]}},
        {"code": PARCEL, "procedure_name": "Tách thửa hoặc hợp thửa đất", "field": "Đất đai",
         "effective_from": "2026-01-01",
         "definition": {
             "limit": days(8), "resume": "extend", "cut_off": "last-hour",
             "source": "thời hạn như 138/2025/QĐ-UBND của Đồng Tháp",
             "appointments": [{"name": "Hẹn lần 1", "limit": days(5)},
                              {"name": "Hẹn lần 2", "limit": days(3)}],
             "steps": [{"name": "Tiếp nhận", "agency": "commune"},
                       {"name": "Thẩm định", "agency": "branch"},
                       step("Cơ quan thuế", "tax", 3, outside=True),
                       {"name": "Ký giấy", "agency": "branch"},
                       {"name": "Trả kết quả", "agency": "commune"}]}},
        {"code": SINGLE, "procedure_name": "Cấp Giấy xác nhận tình trạng hôn nhân",
         "field": "Hộ tịch", "effective_from": "2026-01-01", "definition": {"limit": days(3)}}]


def at(day, time):
    return f"2026-{day}T{time}:00+07:00"


class Scenario(demo_machines.Demo):
    places = [(CITY, "Thành phố Đà Nẵng", "province"),
              (DEPARTMENT, "Sở Nội vụ", "department"),
              (LAND, "Chi nhánh Văn phòng Đăng ký đất đai", "branch"),
              (CHIEN_DAN, "Xã Chiên Đàn", "commune"), (TAY_HO, "Xã Tây Hồ", "commune"),
              (PHU_NINH, "Xã Phú Ninh", "commune"), (PHU_NINH, "Xã Phú Ninh", "commune", SECOND)]
    parents = {SECOND: CITY}
    example = CHIEN_DAN

    # ---- work ----

    def act(self, agency, **operation):
        self.operate(self.agents[agency], [operation])

    def said(self, agency, code, when, officer, action, note="", **fields):
        event = {"at": when, "officer": officer, "action": action}
        if note:
            event["note"] = note
        self.act(agency, op="set", code=code, fields=fields, event=event)

    def pass_on(self, code, giver, taker, given, taken, home=False):
        more = {"op": "return"} if home else {"op": "offer", "to": taker}
        self.act(giver, code=code, at=given[0], officer=given[1], **more)
        self.wait_for_offers([code], taker)
        self.act(taker, op="accept", code=code, at=taken[0], officer=taken[1])
        self.expect(code, taker)

    def publish(self):
        path = self.folder + "/procedures.json"
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(procedures(), stream, ensure_ascii=False)
        self.agents[CITY].cli("procedure", "import", path)
        for procedure in procedures():
            self.expect(procedure["code"], CITY, *COMMUNES, DEPARTMENT, LAND)
        self.wait_in_sync(self.agents)
        self.say("the city has published three procedures, with quarters of a day, a step at the "
                 "tax office outside of the total, and two appointments",
                 "thành phố đã công bố ba thủ tục: có bước tính phần tư ngày, bước thuế ngoài tổng "
                 "thời hạn, và hai lần hẹn")

    def load(self):
        """A week of the communes: certificates of marital status, some of them online."""
        rng = random.Random(self.options.seed)
        for commune in COMMUNES:
            operations, count = [], {}
            for _ in range(PER_COMMUNE):
                day = rng.choice(DAYS_OF_WORK)
                count[day] = count.get(day, 0) + 1
                code = f"{commune}-{day[2:].replace('-', '')}-{count[day]:04}"
                name = f"{rng.choice(demo_data.FAMILY)} {rng.choice(demo_data.MIDDLE_WOMAN)} " \
                       f"{rng.choice(demo_data.GIVEN_WOMAN)}"
                received = f"{day}T{rng.randrange(7, 11):02}:{rng.randrange(60):02}:00+07:00"
                operations.append({"op": "create", "key": "week " + code, "dossier": {
                    "code": code, "procedure": SINGLE, "field": "Hộ tịch", "received_at": received,
                    "channel": "online" if rng.random() < 0.55 else "counter",
                    "status": "accepted", "applicant": {"name": name, "kind": "citizen"}}})
                self.expect(code, commune)
            self.operate(self.agents[commune], operations)
        self.wait_in_sync(self.agents)
        total = PER_COMMUNE * len(COMMUNES)
        self.say(f"{total} dossiers of a week taken in, every office is in sync",
                 f"đã tiếp nhận {total} hồ sơ của một tuần, mọi cơ quan đã đồng bộ")

    def worship(self):
        """Commune, department, city and back, over Tết."""
        code = f"{CHIEN_DAN}-260210-9001"
        self.act(CHIEN_DAN, op="create", dossier={
            "code": code, "procedure": WORSHIP, "channel": "counter",
            "received_at": at("02-10", "08:00"), "competent_agency": CITY,
            "applicant": {"name": "Trần Thị Hạnh", "kind": "citizen"}})
        self.expect(code, CHIEN_DAN)
        self.said(CHIEN_DAN, code, at("02-10", "09:30"), "Võ Thị Liên", "chuyển xử lý",
                  status="processing", unit="Phòng Văn hóa – Xã hội")
        self.pass_on(code, CHIEN_DAN, DEPARTMENT, (at("02-11", "07:30"), "Võ Thị Liên"),
                     (at("02-11", "08:00"), "Lê Thị Hạnh"))
        self.pass_on(code, DEPARTMENT, CITY, (at("02-26", "15:00"), "Lê Thị Hạnh"),
                     (at("02-26", "16:00"), "Trần Quang Sơn"))
        self.said(CITY, code, at("03-04", "10:00"), "Trần Quang Sơn", "ký quyết định",
                  status="done", finished_at=at("03-04", "10:00"), result={"number": "118/QĐ-UBND"})
        self.pass_on(code, CITY, CHIEN_DAN, (at("03-04", "14:00"), "Trần Quang Sơn"),
                     (at("03-05", "08:00"), "Võ Thị Liên"), home=True)
        self.said(CHIEN_DAN, code, at("03-05", "09:00"), "Võ Thị Liên", "trả kết quả",
                  status="returned", returned_at=at("03-05", "09:00"))
        return code

    def parcel(self):
        """Received at the far point of the commune, decided by the branch, taxed between."""
        code = f"{PHU_NINH}-260202-9002"
        self.act(SECOND, op="create", dossier={
            "code": code, "procedure": PARCEL, "channel": "counter",
            "received_at": at("02-02", "09:00"), "competent_agency": LAND,
            "support_agency": TAY_HO, "applicant": {"name": "Lê Văn Bình", "kind": "citizen"}})
        self.expect(code, PHU_NINH)
        self.said(SECOND, code, at("02-02", "09:30"), "Hồ Thị Vy", "chuyển xử lý",
                  status="processing")
        self.pass_on(code, SECOND, LAND, (at("02-02", "15:00"), "Hồ Thị Vy"),
                     (at("02-02", "16:00"), "Phạm Minh Tuấn"))
        self.said(LAND, code, at("02-05", "10:00"), "Phạm Minh Tuấn", "chuyển thuế", step=3)
        self.said(LAND, code, at("02-10", "10:00"), "Phạm Minh Tuấn", "thuế trả lời", step=4)
        return code

    # ---- the outage ----

    def receive(self, key, count):
        codes = []
        for i in range(count):
            made = self.agents[key].json("dossier", "new", f"procedure={SINGLE}", "channel=counter",
                                         f"applicant.name=Công dân {i + 1}")
            codes.append(made["code"])
            self.expect(made["code"], self.agents[key].code)
        return codes

    def outage(self):
        demo_relay.ask(self.control, ["cut", *CUT_OFF])
        self.wait("both points notice", lambda: all(
            line["state"] != "connected"
            for key in CUT_OFF for line in self.agents[key].status()["neighbours"]))
        self.say("the lines of both points of Xã Phú Ninh are cut",
                 "đã cắt đường truyền của cả hai điểm tiếp nhận Xã Phú Ninh")
        here, far = self.receive(PHU_NINH, 4), self.receive(SECOND, 3)
        online = self.receive(TAY_HO, 2)
        self.offer(here[:1], PHU_NINH, DEPARTMENT, "Bàn giao khi mất mạng", urgent=True)
        self.wait_in_sync([DEPARTMENT, LAND, CHIEN_DAN, TAY_HO])
        today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7)))
        self.say(f"both points went on, each with its own numbers: {here[0]}, {far[0]}",
                 f"hai điểm vẫn tiếp nhận, mỗi điểm một dãy số: {here[0]}, {far[0]}")
        demo_relay.ask(self.control, ["join", *CUT_OFF])
        self.wait_in_sync(self.agents)
        self.accept(here[:1], DEPARTMENT)
        self.wait_in_sync(self.agents)
        self.say("the lines are back, the offer was delivered and accepted",
                 "đường truyền đã trở lại, bàn giao đã tới nơi và được nhận")
        return here, far, online, today

    def official(self, code, today):
        """The provincial system numbers it once it can be reached."""
        given = f"H17.30-{today:%y%m%d}-0975"
        self.agents[PHU_NINH].cli("code", "add", code, given, "--system", "Hệ thống của thành phố",
                                  "--officer", "Võ Thị Liên")
        self.wait_in_sync(self.agents)
        self.show(self.agents[DEPARTMENT], "dossier", "show", given.lower())

    def swap(self):
        """A day that the city swaps moves dates everywhere without anybody's doing."""
        path = self.folder + "/swap.tsv"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(SWAP)
        code = f"{TAY_HO}-261202-9003"
        self.act(TAY_HO, op="create", dossier={
            "code": code, "procedure": SINGLE, "channel": "counter", "status": "accepted",
            "received_at": at("12-02", "08:00"), "applicant": {"name": "Ngô Thị Yến"}})
        self.expect(code, TAY_HO)
        self.agents[CITY].cli("calendar", "import", path, "--name", "Hoán đổi tháng 12/2026")
        self.expect("calendar", CITY, *COMMUNES, DEPARTMENT, LAND)
        self.wait_in_sync(self.agents)
        self.show(self.agents[TAY_HO], "calendar", "show", "2026")
        moved = [finding for finding in self.agents[TAY_HO].json("verify")["data"]["findings"]
                 if finding["finding"] == "date-differs"]
        if code not in [finding["code"] for finding in moved]:
            raise demo_machines.Disagreement(f"{TAY_HO}: moved by the swap: {moved}")
        self.say(f"a swap of the city reached every office; verify names what it moves: {code}",
                 f"ngày hoán đổi đã tới mọi cơ quan; verify chỉ ra hồ sơ đổi hạn: {code}")

    # ---- the account ----

    def run(self):
        self.set_up()
        self.publish()
        self.load()
        worship, parcel = self.worship(), self.parcel()
        self.wait_in_sync(self.agents)
        self.say("one dossier went commune → department → city → commune; one came in at a far "
                 "point and was at the tax office",
                 "một hồ sơ đã đi xã → sở → thành phố → xã; một hồ sơ nhận ở điểm xa đã qua thuế")
        self.show(self.agents[CHIEN_DAN], "form", "06", worship)
        self.show(self.agents[LAND], "dossier", "show", parcel, "--explain")
        here, _, _, today = self.outage()
        self.official(here[0], today)
        self.swap()
        self.show(self.agents[CITY], "report", "II.06a", "--from", "2026-11-01", "--to",
                  "2026-11-30", "--by", "agency")
        self.print_counts()
        self.print_bytes()
        records, copies = self.check_replicas()
        self.say(f"all replicas agree: {records} records, {copies} copies on {len(self.agents)} "
                 "agents, compared record by record (content, custodian, who has it)",
                 f"mọi bản sao khớp nhau: {records} bản ghi, {copies} bản sao trên "
                 f"{len(self.agents)} tác tử, so từng bản ghi (nội dung, nơi thụ lý, nơi được giữ)")
