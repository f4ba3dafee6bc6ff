#!/usr/bin/env python3
"""Two dossiers followed step by step, for tools/demo: what an office sees of its own work.

The worship allowance (1.010803) goes through three agencies with a limit for each step, is sent
back once for a paper that is missing (its clock stands still and begins anew), is late once (an
apology and a new date), and comes back to the desk that received it. The birth of a child
(2.000986) is worked on by two agencies at once. Limits as published in one province each; the
police and the insurance have no machine of their own here, so district and province answer for
them. Persons and days are made up.
"""
import json
import os

import demo_data

PROVINCE, DISTRICT = demo_data.PROVINCE[0], demo_data.DISTRICT[0]
COMMUNE = "H47.518.20374"  # Xã Tam Đàn
WORSHIP, BIRTH = demo_data.WORSHIP, "2.000986"
CALLED = "2024-03-31"


def step(name, agency, amount, duty):
    return {"name": name, "agency": agency, "duty": duty,
            "limit": {"amount": amount, "unit": "working_day"}}


def procedures():
    """Versions that the province publishes; the numbers of their decisions are not known here."""
    commune, district, province = demo_data.WORSHIP_STEPS
    return [
        {"code": WORSHIP, "procedure_name": demo_data.WORSHIP_PROCEDURE[1],
         "field": demo_data.WORSHIP_PROCEDURE[2], "effective_from": "2024-01-01",
         "definition": {
             "limit": {"amount": sum(demo_data.WORSHIP_STEPS), "unit": "working_day"},
             "resume": "restart", "source": "dichvucong.vinhphuc.gov.vn",
             "steps": [step("Xã", "commune", commune, "Kiểm tra, xác nhận"),
                       step("Phòng LĐTBXH", "district", district, "Thẩm định"),
                       step("Sở LĐTBXH", "province", province, "Quyết định")]}},
        {"code": BIRTH, "procedure_name": "Liên thông đăng ký khai sinh, đăng ký thường trú, cấp "
         "thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi", "field": "Hộ tịch",
         "effective_from": "2024-01-01",
         "definition": {"limit": {"amount": 20, "unit": "working_day"}, "resume": "extend",
                        "source": "dichvucong.gov.vn"}}]


def at(day, time):
    return f"2024-{day}T{time}:00+07:00"


class Story:
    """One dossier; every act is an operation of the office that does it, on the day told."""

    def __init__(self, demo, procedure, received, applicant):
        self.demo = demo
        self.code = f"{COMMUNE}-{received[2:10].replace('-', '')}-9001"
        self.act(COMMUNE, {"op": "create", "dossier": {
            "code": self.code, "procedure": procedure["code"],
            "procedure_name": procedure["procedure_name"],
            "field": procedure["field"], "channel": "counter", "received_at": received,
            "applicant": applicant, "competent_agency": PROVINCE,
            "components": [{"name": "Tờ khai", "kind": "original", "copies": 1}]}})
        demo.expect(self.code, COMMUNE)

    def act(self, agency, operation):
        agent = self.demo.agents[agency]
        path = os.path.join(self.demo.folder, "story.jsonl")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(operation, ensure_ascii=False) + "\n")
        done = agent.json("apply", path)
        if done["applied"] != 1:
            raise ValueError(f"{agency}: {operation}: {done}")

    def set(self, agency, when, officer, action, note="", **fields):
        event = {"at": when, "officer": officer, "action": action}
        if note:
            event["note"] = note
        self.act(agency, {"op": "set", "code": self.code, "fields": fields, "event": event})

    def hand_over(self, giver, taker, given, taken, note, home=False):
        operation = {"op": "return"} if home else {"op": "offer", "to": taker}
        self.act(giver, {**operation, "code": self.code, "note": note, **given})
        self.demo.wait_for_offers([self.code], taker)
        self.act(taker, {"op": "accept", "code": self.code, **taken})
        self.demo.expect(self.code, taker)


def who(when, officer):
    return {"at": when, "officer": officer}


def worship(demo, procedure):
    story = Story(demo, procedure, at("01-08", "08:00"),
                  {"name": "Trần Thị Hạnh", "kind": "citizen"})
    story.set(COMMUNE, at("01-08", "09:00"), "Võ Thị Liên", "chuyển xử lý", status="processing",
              unit="Công chức LĐTBXH")
    story.hand_over(COMMUNE, DISTRICT, who(at("01-12", "10:00"), "Võ Thị Liên"),
                    who(at("01-12", "14:00"), "Lê Thị Hạnh"), "Xã đã kiểm tra, xác nhận")
    story.set(DISTRICT, at("01-17", "09:00"), "Lê Thị Hạnh", "yêu cầu bổ sung",
              "Thiếu bản sao Bằng Tổ quốc ghi công có chứng thực", status="supplement")
    story.set(DISTRICT, at("01-22", "08:30"), "Lê Thị Hạnh", "đã bổ sung", status="processing")
    story.hand_over(DISTRICT, PROVINCE, who(at("02-07", "15:00"), "Lê Thị Hạnh"),
                    who(at("02-07", "16:00"), "Trần Quang Sơn"), "Phòng đã thẩm định")
    story.act(PROVINCE, {"op": "apologise", "code": story.code, "due_at": at("03-15", "17:00"),
                         "note": "Chờ đối chiếu hồ sơ liệt sĩ lưu trữ",
                         **who(at("03-04", "09:00"), "Trần Quang Sơn")})
    story.set(PROVINCE, at("03-12", "10:00"), "Trần Quang Sơn", "ký quyết định", status="done",
              finished_at=at("03-12", "10:00"), result={"number": "118/QĐ-SLĐTBXH",
                                                        "signed_at": at("03-12", "09:30")})
    story.hand_over(PROVINCE, COMMUNE, who(at("03-12", "15:00"), "Trần Quang Sơn"),
                    who(at("03-13", "08:00"), "Võ Thị Liên"), "Sở trả kết quả", home=True)
    story.set(COMMUNE, at("03-13", "09:00"), "Võ Thị Liên", "trả kết quả", status="returned",
              returned_at=at("03-13", "09:00"))
    return story.code


def birth(demo, procedure):
    """Two parts at once, led by the commune."""
    story = Story(demo, procedure, at("02-19", "08:30"), {"name": "Lê Văn Bình", "kind": "citizen"})
    story.set(COMMUNE, at("02-19", "10:00"), "Võ Thị Liên", "đăng ký khai sinh",
              status="processing")
    parts = ((DISTRICT, "Đăng ký thường trú (Công an)", "03-08", "Phạm Minh Tuấn"),
             (PROVINCE, "Cấp thẻ bảo hiểm y tế (BHXH)", "03-01", "Hồ Thị Vy"))
    legs = []
    for number, (agency, duty, due, _) in enumerate(parts, 1):
        story.act(COMMUNE, {"op": "create", "leg": {
            "dossier": story.code, "to": agency, "duty": duty,
            "received_at": at("02-19", "10:00"), "due_at": at(due, "17:00")}})
        legs.append(f"{story.code}/{number}")
    for leg, (agency, duty, due, officer) in zip(legs, parts):
        demo.wait_for_offers([leg], agency)
        story.act(agency, {"op": "accept", "code": leg, **who(at("02-19", "14:00"), officer)})
        story.act(agency, {"op": "finish", "code": leg, "outcome": f"Đã xong: {duty}",
                           **who(at(due, "10:00"), officer)})
    for leg, (_, _, due, _) in zip(legs, parts):
        demo.wait_for_offers([leg], COMMUNE)
        story.act(COMMUNE, {"op": "accept", "code": leg, **who(at(due, "14:00"), "Võ Thị Liên")})
        demo.expect(leg, COMMUNE, DISTRICT, PROVINCE)
    demo.expect(story.code, COMMUNE, DISTRICT, PROVINCE)
    story.set(COMMUNE, at("03-11", "09:00"), "Võ Thị Liên", "có kết quả", status="done",
              finished_at=at("03-11", "09:00"))
    return story.code


def publish(demo):
    """The province publishes its procedures; every office has them before the first dossier."""
    path = os.path.join(demo.folder, "procedures.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(procedures(), stream, ensure_ascii=False)
    demo.agents[PROVINCE].cli("procedure", "import", path)
    for procedure in procedures():
        demo.expect(procedure["code"], PROVINCE, *demo.agents)
    demo.wait_in_sync(demo.agents)
    demo.say("the province has published two procedures with limits, one with steps",
             "tỉnh đã công bố hai thủ tục có thời hạn, một thủ tục có từng bước")


def follow(demo):
    """The two dossiers, and what an office prints of them."""
    routed, parallel = (make(demo, procedure)
                        for make, procedure in zip((worship, birth), procedures()))
    demo.wait_in_sync(demo.agents)
    demo.say("one dossier through three agencies with a supplement, an apology and a result that "
             "came home; one worked on by two agencies at once",
             "một hồ sơ qua ba cơ quan, có bổ sung, có xin lỗi, kết quả về nơi nhận; một hồ sơ "
             "hai cơ quan cùng làm song song")
    commune = demo.agents[COMMUNE]
    demo.show(commune, "dossier", "show", routed, "--explain")
    demo.show(commune, "form", "05", routed)
    demo.show(commune, "form", "04", routed)
    demo.show(commune, "dossier", "show", parallel)


def report(demo):
    """The quarter as the province reports it, as of its end."""
    demo.show(demo.agents[PROVINCE], "report", "II.06a", "--from", "2024-01-01", "--to", CALLED,
              "--by", "agency")
