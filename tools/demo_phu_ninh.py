#!/usr/bin/env python3
"""The scenario phu-ninh: thirteen offices of the former district Phú Ninh, in the first quarter
of 2024 with an outage in it, when there were three tiers.
"""
import concurrent.futures

import demo_data
import demo_machines
import demo_office
import demo_relay

PROVINCE, DISTRICT = demo_data.PROVINCE[0], demo_data.DISTRICT[0]
COMMUNES = [code for code, _, _ in demo_data.COMMUNES]
CUT_OFF = ["H47.518.20386", "H47.518.20392", "H47.518.20395"]  # Tam Thái, Tam Dân, Tam Lãnh


class Scenario(demo_machines.Demo):
    places = [demo_data.PROVINCE, demo_data.DISTRICT, *demo_data.COMMUNES]
    example = DISTRICT

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
