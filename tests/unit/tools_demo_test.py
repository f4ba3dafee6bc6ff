#!/usr/bin/env python3
"""The demo's account is honest: no disagreement passes for agreement, and its data stay."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import demo_da_nang
import demo_data
import demo_machines

PROVINCE, DISTRICT, COMMUNE = "H47", "H47.518", "H47.518.20364"


class Replica:
    def __init__(self, *records):
        self.records = [dict(zip(("code", "record", "digest", "holder"), r)) for r in records]

    def lines(self, path):
        return self.records if path == "/v1/digest" else []


def demo(replicas, holders):
    made = demo_machines.Demo.__new__(demo_machines.Demo)
    made.agents, made.holders, made.seers = replicas, {}, {}
    for code, holder in holders.items():
        made.expect(code, holder)
    return made


class CheckReplicas(unittest.TestCase):
    def setUp(self):
        record = ("D1", "aa", "11", COMMUNE)
        self.replicas = {PROVINCE: Replica(record), DISTRICT: Replica(record),
                         COMMUNE: Replica(record)}

    def refuses(self, word):
        with self.assertRaisesRegex(demo_machines.Disagreement, word):
            demo(self.replicas, {"D1": COMMUNE}).check_replicas()

    def test_takes_what_agrees(self):
        self.assertEqual((1, 3), demo(self.replicas, {"D1": COMMUNE}).check_replicas())

    def test_refuses_another_content(self):
        self.replicas[DISTRICT] = Replica(("D1", "aa", "22", COMMUNE))
        self.refuses("replicas differ")

    def test_refuses_another_custodian_on_one_replica(self):
        self.replicas[DISTRICT] = Replica(("D1", "aa", "11", DISTRICT))
        self.refuses("replicas differ")

    def test_refuses_the_wrong_custodian_on_all(self):
        for code in self.replicas:
            self.replicas[code] = Replica(("D1", "aa", "11", DISTRICT))
        self.refuses("custodian H47.518, should be H47.518.20364")

    def test_refuses_a_copy_that_is_missing(self):
        self.replicas[PROVINCE] = Replica()
        self.refuses("should be")

    def test_refuses_a_copy_where_none_belongs(self):
        self.replicas["H47.518.20365"] = Replica(("D1", "aa", "11", COMMUNE))
        self.refuses("held by the replicas of")

    def test_refuses_a_dossier_that_is_nowhere(self):
        with self.assertRaisesRegex(demo_machines.Disagreement, "D2: nowhere"):
            demo(self.replicas, {"D1": COMMUNE, "D2": COMMUNE}).check_replicas()

    def test_refuses_two_records_under_one_code(self):
        for code in self.replicas:
            self.replicas[code] = Replica(("D1", "aa", "11", COMMUNE), ("D1", "bb", "11", COMMUNE))
        self.refuses("two records")


class SeveralMachines(unittest.TestCase):
    def test_a_further_machine_of_an_office_holds_what_the_office_does(self):
        class Machine(Replica):
            def __init__(self, code, *records):
                super().__init__(*records)
                self.code = code

        record = ("D1", "aa", "11", "H17.20392")
        made = demo_machines.Demo.__new__(demo_machines.Demo)
        made.holders, made.seers = {}, {}
        made.agents = {"H17": Machine("H17", record), "H17.20392": Machine("H17.20392", record),
                       "H17.20392@2": Machine("H17.20392", record)}
        made.expect("D1", "H17.20392")
        self.assertEqual((1, 3), made.check_replicas())
        made.agents["H17.20392@2"] = Machine("H17.20392")
        with self.assertRaisesRegex(demo_machines.Disagreement, "should be"):
            made.check_replicas()

    def test_every_place_lies_below_one_that_comes_before_it(self):
        places = demo_da_nang.Scenario.places
        scenario = demo_machines.Demo.__new__(demo_da_nang.Scenario)
        known = set()
        for place in places:
            key = place[3] if len(place) > 3 else place[0]
            self.assertTrue(not known or scenario.above(key) in known, key)
            known.add(key)
        self.assertEqual(7, len(known))


class Quarter(unittest.TestCase):
    def test_has_the_proportions_of_the_report(self):
        quarter = demo_data.make(518)
        counts = {code: len(demo_data.codes(operations)) for code, operations in quarter.items()}
        self.assertEqual(1457, counts.pop(DISTRICT))
        self.assertEqual((11, 1409), (len(counts), sum(counts.values())))
        online = [op for operations in quarter.values() for op in operations
                  if op["op"] == "create" and op["dossier"]["channel"] == "online"]
        self.assertEqual(444, len(online))  # 15.5 % of 2,866

    def test_is_the_same_for_the_same_seed(self):
        self.assertEqual(demo_data.make(7), demo_data.make(7))
        self.assertNotEqual(demo_data.make(7), demo_data.make(8))

    def test_counts_working_days_around_the_new_year(self):
        day = demo_data.datetime.date
        self.assertEqual(day(2024, 2, 15), demo_data.add_working(day(2024, 2, 7), 1))
        self.assertEqual(day(2024, 1, 8), demo_data.add_working(day(2024, 1, 5), 1))


class Configuration(unittest.TestCase):
    def test_sets_an_option_in_its_section_only(self):
        text = "a = 1\n[link]\nb = 2\n[log]\nb = 3\n"
        self.assertEqual("a = 1\n[link]\nb = 9\n[log]\nb = 3\n",
                         demo_machines.set_option(text, "link", "b", 9))
        self.assertIn("[link]\nc = 4\n", demo_machines.set_option(text, "link", "c", 4))
        self.assertIn("[api]\nd = 5\n", demo_machines.set_option(text, "api", "d", 5))


if __name__ == "__main__":
    unittest.main()
