#!/usr/bin/env python3
"""Makes up the first quarter of 2024 in Phú Ninh district as operations files, one an office.

Usage: tools/demo_data.py OUT_DIR [--seed N]; the same seed gives the same bytes.

Real: the offices, the number of dossiers (1,409 at commune level, 1,457 at the district, 15.5 % of
them online), the procedures with codes, fields, limits and the route of the worship allowance. Made
up: persons, days, officers. Codes of the offices: H47 is the province's identification code; those
below it are not published in our sources, so they are composed of H47 and the code of the General
Statistics Office (518: Phú Ninh; 20364 to 20395: its communes of 2023).
"""
import argparse
import datetime
import json
import os
import random
import unicodedata

PROVINCE = ("H47", "Tỉnh Quảng Nam", "province")
DISTRICT = ("H47.518", "Huyện Phú Ninh", "district")
COMMUNES = [("H47.518." + gso, name, "commune") for gso, name in (
    ("20364", "Thị trấn Phú Thịnh"), ("20365", "Xã Tam Thành"), ("20368", "Xã Tam An"),
    ("20374", "Xã Tam Đàn"), ("20377", "Xã Tam Lộc"), ("20380", "Xã Tam Phước"),
    ("20383", "Xã Tam Vinh"), ("20386", "Xã Tam Thái"), ("20387", "Xã Tam Đại"),
    ("20392", "Xã Tam Dân"), ("20395", "Xã Tam Lãnh"))]

COMMUNE_DOSSIERS = 1409
DISTRICT_DOSSIERS = 1457
ONLINE_SHARE = 0.155
WORSHIP_PER_COMMUNE = 3
WORSHIP = "1.010803"

# code, name, field, limit, unit of the limit (NLV: working days; ngày: calendar days; same day;
# None: not stated in the source, so no date is promised), weight
COMMUNE_PROCEDURES = [
    ("2.000815", "Chứng thực bản sao từ bản chính giấy tờ, văn bản do cơ quan, tổ chức có thẩm "
     "quyền của Việt Nam cấp hoặc chứng nhận", "Chứng thực", None, None, 44),
    ("2.000884", "Chứng thực chữ ký trong các giấy tờ, văn bản", "Chứng thực", None, None, 12),
    ("1.001193", "Thủ tục đăng ký khai sinh", "Hộ tịch", 0, "same day", 10),
    ("1.000656", "Thủ tục đăng ký khai tử", "Hộ tịch", 0, "same day", 4),
    ("1.004873", "Thủ tục cấp Giấy xác nhận tình trạng hôn nhân", "Hộ tịch", 3, "NLV", 9),
    ("2.000986", "Liên thông thủ tục hành chính về đăng ký khai sinh, đăng ký thường trú, cấp thẻ "
     "bảo hiểm y tế cho trẻ em dưới 6 tuổi", "Hộ tịch", 20, "NLV", 7),
    ("1.004222", "Đăng ký thường trú", "Đăng ký, quản lý cư trú", 7, "NLV", 6),
    ("1.004194", "Đăng ký tạm trú", "Đăng ký, quản lý cư trú", 3, "NLV", 3),
    ("1.011607", "Công nhận hộ nghèo, hộ cận nghèo thường xuyên hằng năm", "Giảm nghèo",
     15, "ngày", 2),
    ("1.001699", "Xác định, xác định lại mức độ khuyết tật và cấp Giấy xác nhận khuyết tật",
     "Bảo trợ xã hội", 25, "NLV", 2),
]
DISTRICT_PROCEDURES = [
    ("1.001612", "Đăng ký thành lập hộ kinh doanh",
     "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)", 3, "NLV", 22),
    ("2.000720", "Đăng ký thay đổi nội dung đăng ký hộ kinh doanh",
     "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)", 3, "NLV", 9),
    ("1.001266", "Chấm dứt hoạt động hộ kinh doanh",
     "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)", 5, "NLV", 6),
    ("1.012783", "Cấp đổi Giấy chứng nhận quyền sử dụng đất, quyền sở hữu tài sản gắn liền với đất",
     "Đất đai", {"online": 15, "postal": 20, "counter": 5}, "NLV", 30),
    ("1.012784", "Tách thửa hoặc hợp thửa đất", "Đất đai",
     {"online": 12, "postal": 12, "counter": 22}, "NLV", 18),
    ("1.012786", "Cấp lại Giấy chứng nhận do bị mất", "Đất đai",
     {"online": 10, "postal": 10, "counter": 20}, "NLV", 6),
    ("1.013227", "Gia hạn giấy phép xây dựng đối với công trình cấp III, cấp IV và nhà ở riêng lẻ",
     "Hoạt động xây dựng", 5, "NLV", 5),
    ("2.000908", "Thủ tục cấp bản sao từ sổ gốc", "Chứng thực", 1, "NLV", 4),
]
# Limits of the offices on the route, in working days: commune, district office, department.
WORSHIP_STEPS = (5, 10, 12)
WORSHIP_PROCEDURE = (WORSHIP, "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ", "Người có công",
                     sum(WORSHIP_STEPS), "NLV", 0)

HOLIDAYS = {datetime.date(2024, m, d) for m, d in (
    (1, 1), (2, 8), (2, 9), (2, 12), (2, 13), (2, 14), (4, 18), (4, 29), (4, 30), (5, 1))}
EXTRA_DAYS = {datetime.date(2024, 5, 4)}  # worked instead of 29 April
ZONE = "+07:00"

FAMILY = ("Nguyễn Trần Lê Phạm Huỳnh Phan Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Trương Đinh Châu "
          "Doãn Ung").split()
MIDDLE_WOMAN = "Thị Ngọc Kim Thanh Bích Mỹ".split()
MIDDLE_MAN = "Văn Đình Hữu Quang Công Minh".split()
GIVEN_WOMAN = "Hoa Lan Hồng Thảo Hương Nga Yến Hạnh Phượng Tuyết Dung Trâm Vy Liên".split()
GIVEN_MAN = "Hùng Dũng Tuấn Sơn Phúc Lợi Thành Bình An Khánh Tân Vinh Đạt Cường".split()


def is_working(day):
    return day in EXTRA_DAYS or (day.weekday() < 5 and day not in HOLIDAYS)


def add_working(day, days):
    """The day that lies so many working days later."""
    while days > 0:
        day += datetime.timedelta(days=1)
        days -= 1 if is_working(day) else 0
    return day


def next_working(day):
    while not is_working(day):
        day += datetime.timedelta(days=1)
    return day


def moment(day, minute):
    return f"{day.isoformat()}T{minute // 60:02}:{minute % 60:02}:00{ZONE}"


def plain(text):
    """Lower case without diacritics, for addresses of mail."""
    text = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(c for c in text if c.isalnum() and c.isascii())


class Office:
    def __init__(self, code, name, procedures, rng):
        self.code, self.name, self.rng = code, name, rng
        self.procedures = procedures
        self.numbers = {}
        self.operations = []
        self.officers = [self.person()[0] for _ in range(4)]
        self.place = name if code == DISTRICT[0] else f"{name}, huyện Phú Ninh"

    def person(self):
        rng = self.rng
        if rng.random() < 0.5:
            return f"{rng.choice(FAMILY)} {rng.choice(MIDDLE_WOMAN)} {rng.choice(GIVEN_WOMAN)}", 1
        return f"{rng.choice(FAMILY)} {rng.choice(MIDDLE_MAN)} {rng.choice(GIVEN_MAN)}", 0

    def applicant(self):
        name, woman = self.person()
        born = self.rng.randint(1950, 1999)
        applicant = {"name": name, "kind": "citizen",
                     "id_number": f"049{woman}{born % 100:02}{self.rng.randrange(10**6):06}",
                     "address": f"Thôn {self.rng.randint(1, 9)}, {self.place}, tỉnh Quảng Nam"}
        if self.rng.random() < 0.7:
            applicant["phone"] = f"09{self.rng.randrange(10**8):08}"
        if self.rng.random() < 0.15:
            applicant["email"] = f"{plain(name)}{born}@example.vn"
        return applicant

    def number(self, day):
        self.numbers[day] = self.numbers.get(day, 0) + 1
        return f"{self.code}-{day:%y%m%d}-{self.numbers[day]:04}"

    def due(self, procedure, channel, day, minute):
        """The last day and minute to answer; None where the source states no limit."""
        limit, unit = procedure[3], procedure[4]
        if limit is None:
            return None
        if isinstance(limit, dict):
            limit = limit[channel]
        if unit == "same day":  # received after 15:00: the next working day
            return (day, 17 * 60) if minute < 15 * 60 else (add_working(day, 1), 17 * 60)
        if unit == "ngày":
            return next_working(day + datetime.timedelta(days=limit)), 17 * 60
        return add_working(day, limit), minute

    def add(self, procedure, day, minute, channel):
        code = self.number(day)
        received = moment(day, minute)
        dossier = {"code": code, "procedure": procedure[0], "procedure_name": procedure[1],
                   "field": procedure[2], "applicant": self.applicant(), "channel": channel,
                   "received_at": received, "clock_starts_at": received, "status": "accepted",
                   "competent_agency": self.code}
        dossier["summary"] = f"{procedure[1].split(',')[0]} – {dossier['applicant']['name']}"
        if channel == "online":
            dossier["submitted_at"] = moment(day, max(minute - self.rng.randint(5, 60), 0))
        due = self.due(procedure, channel, day, minute)
        if due:
            dossier["due_at"] = moment(*due)
        self.operations.append({"op": "create", "dossier": dossier, "key": "quarter " + code})
        return code, due

    def set(self, code, fields, day, minute, action, note=None):
        event = {"at": moment(day, minute), "officer": self.rng.choice(self.officers),
                 "action": action}
        if note:
            event["note"] = note
        self.operations.append({"op": "set", "code": code, "fields": fields, "event": event,
                                "key": f"quarter {code} {fields['status']}"})

    def carry_out(self, code, procedure, due, day, minute):
        """What became of the dossier by the end of the quarter."""
        at_once = procedure[4] in (None, "same day")
        unit = "Bộ phận Một cửa" if at_once else f"Bộ phận {procedure[2]}"
        end = datetime.date(2024, 3, 29)
        if not at_once:
            self.set(code, {"status": "processing", "unit": unit}, day, min(minute + 10, 1019),
                     "chuyển xử lý")
            days = max((due[0] - day).days - self.rng.choice((-1, 0, 0, 1, 2, 3)), 0)
            done = next_working(day + datetime.timedelta(days=days))
            if done > end:
                return
            if self.rng.random() < 0.03:
                self.set(code, {"status": "supplement"}, done, 600, "yêu cầu bổ sung",
                         "Thiếu bản sao có chứng thực")
                return
        else:
            done = day
        finished = min(minute + 20, 1019) if done == day else self.rng.randint(480, 1000)
        self.set(code, {"status": "done", "finished_at": moment(done, finished)}, done, finished,
                 "có kết quả")
        if self.rng.random() < 0.95:
            self.set(code, {"status": "returned", "returned_at": moment(done, finished + 5)}, done,
                     finished + 5, "trả kết quả")

    def quarter(self, count, online, worship=0):
        """So many dossiers, `online` of them online and `worship` on the long route."""
        day, days = datetime.date(2024, 1, 2), []
        while day <= datetime.date(2024, 3, 29):
            if is_working(day):
                days.append(day)
            day += datetime.timedelta(days=1)
        moments = sorted((self.rng.choice(days), self.rng.randint(7 * 60, 16 * 60 + 30))
                         for _ in range(count))
        channels = ["online"] * online + ["counter"] * (count - online)
        self.rng.shuffle(channels)
        on_route = set(self.rng.sample(range(count), worship))
        weights = [procedure[5] for procedure in self.procedures]
        for i, ((day, minute), channel) in enumerate(zip(moments, channels)):
            if i in on_route:
                code, _ = self.add(WORSHIP_PROCEDURE, day, minute, channel)
                self.set(code, {"status": "processing", "unit": "Bộ phận Lao động – TB&XH"}, day,
                         min(minute + 15, 1019), "kiểm tra hồ sơ",
                         f"Hạn: xã {WORSHIP_STEPS[0]}, Phòng {WORSHIP_STEPS[1]}, "
                         f"Sở {WORSHIP_STEPS[2]} ngày làm việc")
                continue
            procedure = self.rng.choices(self.procedures, weights)[0]
            code, due = self.add(procedure, day, minute, channel)
            self.carry_out(code, procedure, due, day, minute)


def make(seed):
    """code of the office -> operations, and the codes on the worship allowance's route."""
    rng = random.Random(seed)
    offices = [Office(code, name, COMMUNE_PROCEDURES, rng) for code, name, _ in COMMUNES]
    total = COMMUNE_DOSSIERS + DISTRICT_DOSSIERS
    online = round(total * ONLINE_SHARE)
    commune_online = round(COMMUNE_DOSSIERS * ONLINE_SHARE)
    weights = [rng.uniform(0.7, 1.3) for _ in offices]
    counts = [int(COMMUNE_DOSSIERS * weight / sum(weights)) for weight in weights]
    for i in range(COMMUNE_DOSSIERS - sum(counts)):
        counts[i] += 1
    onlines = [commune_online * count // COMMUNE_DOSSIERS for count in counts]
    for i in range(commune_online - sum(onlines)):
        onlines[i] += 1
    for office, count, part in zip(offices, counts, onlines):
        office.quarter(count, part, WORSHIP_PER_COMMUNE)
    district = Office(DISTRICT[0], DISTRICT[1], DISTRICT_PROCEDURES, rng)
    district.quarter(DISTRICT_DOSSIERS, online - commune_online)
    return {office.code: office.operations for office in offices + [district]}


def codes(operations, procedure=None):
    return [op["dossier"]["code"] for op in operations if op["op"] == "create"
            and (procedure is None or op["dossier"]["procedure"] == procedure)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=518)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for code, operations in make(options.seed).items():
        path = os.path.join(options.out, code + ".jsonl")
        with open(path, "w", encoding="utf-8") as stream:
            for operation in operations:
                stream.write(json.dumps(operation, ensure_ascii=False) + "\n")
        print(f"{path}: {len(codes(operations))} dossiers, {len(operations)} operations")


if __name__ == "__main__":
    main()
