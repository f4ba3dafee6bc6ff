#!/usr/bin/env python3
"""Work that agencies share, by the command line: legs made while the line is down, opinions asked,
the result going home, feedback, and documents sent."""
import json
import sys
import xml.etree.ElementTree as ElementTree

import offices
from offices import expect, wait

LEAD, HELPER, OUTSIDER, DISTRICT, PROVINCE = (
    "H47.12.05", "H47.12.06", "H47.12.07", "H47.12", "H47")
CODE, ROUTE = LEAD + "-230401-0001", LEAD + "-230401-0002"


def told(office, *words):
    return json.loads(office.cli("--json", *words))


def refused(office, *words):
    done = office.run(*words)
    expect(done.returncode == 1, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stderr


def pending(office, *words):
    text = office.cli("--json", "handoff", "list", "--pending", *words)
    return [json.loads(line) for line in text.splitlines()]


def states(office, code=CODE):
    return {leg["code"][-1]: leg["state"] for leg in told(office, "dossier", "show", code)["legs"]}


def legs(bench, lead, helper, province, district):
    lead.cli("dossier", "new", "--code", CODE, "procedure=2.000986",
             "applicant.name=Lò Thị Hoa", "status=accepted", "applicant.postal_code=05100")
    stderr = refused(lead, "dossier", "set", CODE, "applicant.postal_code=5100")
    expect("five digits" in stderr and "postal_code" in stderr, stderr)
    lead.cli("dossier", "set", CODE, "applicant.address=Thôn 3, Tam Dân")
    bench.wait_in_sync()
    district.stop()  # the line is down
    lead.cli("handoff", "leg", CODE, "--to", PROVINCE, "--duty", "Đăng ký thường trú",
             "--due", "2099-04-22T17:00:00+07:00")
    lead.cli("handoff", "leg", CODE, "--to", HELPER, "--duty", "Cấp thẻ BHYT", "--procedure",
             "1.002759", "--due", "2023-04-02T17:00:00+07:00",
             "received_at=2023-04-01T08:00:00+07:00")
    expect(states(lead) == {"1": "offered", "2": "offered"}, states(lead))
    stderr = refused(lead, "dossier", "set", CODE, "status=done")
    expect(CODE + "/1" in stderr and CODE + "/2" in stderr, stderr)
    district.start()
    bench.wait_in_sync()
    bench.say("two legs made without a line have arrived")
    expect([entry["code"] for entry in pending(helper, "--direction", "in")] == [CODE + "/2"],
           "the helper sees what waits for it")
    province.cli("handoff", "accept", CODE + "/1")
    helper.cli("handoff", "accept", CODE + "/2")
    helper.cli("handoff", "finish", CODE + "/2", "--outcome", "Đã cấp")
    province.cli("handoff", "finish", CODE + "/1", "--outcome", "Đã đăng ký")
    bench.wait_in_sync()
    expect(states(lead) == {"1": "finished", "2": "finished"}, states(lead))
    shown = lead.cli("dossier", "show", CODE)
    expect("Thôn 3, Tam Dân, 05100" in shown, shown)
    expect("Đã cấp" in shown and "(late)" in shown, shown)
    for number in "12":
        lead.cli("handoff", "accept", f"{CODE}/{number}")
    lead.cli("dossier", "set", CODE, "status=done")
    bench.wait_in_sync()
    expect(states(province) == {"1": "gathered", "2": "gathered"}, states(province))
    bench.say("both outcomes are back, and everyone above sees them")


def asking(bench, lead, province):
    lead.cli("handoff", "consult", CODE, "--to", PROVINCE, "--deadline",
             "2023-04-01T17:00:00+07:00", "--note", "Đề nghị cho ý kiến")
    bench.wait_in_sync()
    asked = [entry for entry in pending(province) if entry["what"] == "consultation"]
    expect(len(asked) == 1 and asked[0]["overdue"], asked)
    expect(not pending(lead, "--older-than", "4h"), "nothing is that old")
    expect("has not answered" in lead.cli("why", CODE), lead.cli("why", CODE))
    province.cli("handoff", "reply", CODE, "--note", "Đồng ý")
    bench.wait_in_sync()
    expect(not pending(lead), pending(lead))
    again = province.run("handoff", "reply", CODE, "--note", "Đồng ý")
    expect(again.returncode == 4, f"nothing to answer: {again.returncode} {again.stderr}")


def way_home(bench, lead, district, province):
    lead.cli("dossier", "new", "--code", ROUTE, "procedure=1.010803", "status=accepted")
    lead.cli("dossier", "set", ROUTE, "status=processing")
    for sender, receiver in ((lead, district), (district, province)):
        sender.cli("handoff", "offer", ROUTE, "--to", receiver.code)
        bench.wait_in_sync()
        receiver.cli("handoff", "accept", ROUTE)
    province.cli("dossier", "set", ROUTE, "status=done")
    expect(told(province, "dossier", "show", ROUTE)["to_return_to"] == LEAD, "the desk is named")
    expect("to be returned to" in province.cli("dossier", "show", ROUTE), "and shown")
    province.cli("handoff", "return", ROUTE)
    bench.wait_in_sync()
    lead.cli("handoff", "accept", ROUTE)
    lead.cli("dossier", "set", ROUTE, "status=returned")
    expect("already" in refused(lead, "handoff", "return", ROUTE), "it is home")
    bench.say("the result is back at the desk that received it")


def feedback(lead):
    code = told(lead, "feedback", "new", "source=1022", "topic=behaviour", "about=" + CODE,
                "title=Trả hồ sơ chậm")["code"]
    lead.cli("feedback", "set", code, "status=accepted")
    expect("answer" in refused(lead, "feedback", "set", code, "status=done"), "no answer, not done")
    lead.cli("feedback", "answer", code, "Đã chấn chỉnh")
    lead.cli("feedback", "publish", code)
    clocks = {c["clock"]: c["state"] for c in told(lead, "feedback", "show", code)["clocks"]}
    expect(clocks == {"refuse": "met", "handle": "met", "publish": "met"}, clocks)
    expect("Trả hồ sơ chậm" in lead.cli("feedback", "list", "--source", "1022"), "listed")
    counts = told(lead, "feedback", "report", "--from", "2020-01-01", "--to", "2100-01-01")
    expect(counts["handled"]["on_time"] == 1 and counts["received"]["total"] == 1, counts)
    expect("II.05" in lead.cli("feedback", "report", "--from", "2020-01-01", "--to", "2100-01-01"),
           "printed")


def documents(bench, district, lead, helper):
    code = told(district, "document", "new", "--direction", "out", "notation=12/UBND-VP",
                "title=Về \"một cửa\" & liên thông")["code"]
    district.cli("document", "send", code, "--to", LEAD, "--to", HELPER)
    again = told(district, "document", "send", code, "--to", LEAD)  # the same once more
    expect(again["repeated"] and again["code"] == code + "/1", again)
    bench.wait_in_sync()
    lead.cli("document", "receipt", code + "/1", "accepted")
    lead.cli("document", "receipt", code + "/1", "in-work")
    helper.cli("document", "receipt", code + "/2", "declined", "--note", "Không đúng thẩm quyền")
    entered = told(lead, "document", "new", "--direction", "in", "about=" + code + "/1",
                   "organization=UBND huyện", "title=Về một cửa")["code"]
    expect(entered.startswith(LEAD + "-DEN-") and entered.endswith("-0001"), entered)

    def receipts():
        copies = told(district, "document", "show", code)["copies"]
        return [copy["receipt_state"]["code"] for copy in copies]
    wait("the receipts", lambda: receipts() == ["05", "02"])
    xml = ElementTree.fromstring(district.cli("document", "export", code, "--format", "edxml"))
    space = {"e": "http://www.mic.gov.vn/TBT/QCVN_102_2016"}
    header = xml.find("e:edXMLHeader/e:MessageHeader", space)
    expect(header.findtext("e:Subject", None, space) == "Về \"một cửa\" & liên thông", "subject")
    receivers = [to.findtext("e:OrganId", None, space) for to in header.findall("e:To", space)]
    expect(receivers == [LEAD, HELPER], receivers)
    expect(code in district.cli("document", "list", "--direction", "out"), "in its register")


def test(bench):
    province, district, lead, helper, outsider = bench.deploy(
        (PROVINCE, DISTRICT, LEAD, HELPER, OUTSIDER))
    legs(bench, lead, helper, province, district)
    asking(bench, lead, province)
    way_home(bench, lead, district, province)
    feedback(lead)
    documents(bench, district, lead, helper)
    bench.wait_in_sync()
    expect(outsider.get("/v1/status")["records"] == 0, "nobody else has any of it")


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
