#!/usr/bin/env python3
"""The reasons are found as the sources compose them, and one without a translation is named."""
import unittest

import reasons
import translations


def found(source, name="store/desk/a.cc"):
    return sorted(reasons.reasons_of(source, name))


class ReasonsTest(unittest.TestCase):
    def test_values_become_places(self):
        self.assertEqual(["code {} is taken by {}"], found(
            'return Error(Errc::kConflict, "code " + code + " is taken by " + name_of(id));'))
        self.assertEqual(['more than {} "items"'], found(
            'return Error(Errc::kTooLarge,\n  "more than " + std::to_string(kMax) + '
            '" \\"ite"\n "ms\\"");'))
        self.assertEqual(["fixed text"], found('Error(Errc::kIo, std::string("fixed text"))'))

    def test_a_choice_gives_both(self):
        self.assertEqual(["{} is here", "{} is here; go"], found(
            'Error(Errc::kIo, code + " is here" + (late ? "; go" : ""))'))
        self.assertEqual(["one thing", "other thing", "third thing"], found(
            'Error(Errc::kIo, a == b ? "one thing" : !c ? "other thing" : "third thing")'))

    def test_what_is_passed_on_is_no_reason(self):
        self.assertEqual([], found("Error(error.code(), std::move(detail))"))
        self.assertEqual([], found('// Error(Errc::kIo, "in a comment")'))
        self.assertEqual([], found('send_error(response, result.error(), "offset")', "agent/a.cc"))

    def test_a_reason_without_translation_is_named(self):
        told = {"code {} is taken": "a.cc"}
        self.assertIn("not translated", "".join(translations.problems(told, {}, "vi.po")))
        self.assertEqual([], list(translations.problems(
            told, {"code {} is taken": "mã {} đã dùng"}, "vi.po")))
        self.assertIn("other places", "".join(translations.problems(
            told, {"code {} is taken": "mã đã dùng"}, "vi.po")))
        self.assertIn("not shown", "".join(translations.problems(
            {}, {"code {} is taken": "mã {} đã dùng"}, "vi.po")))

    def test_places_may_change_their_order_by_number(self):
        told = {"{} of {}": "a.cc"}
        self.assertEqual([], list(translations.problems(told, {"{} of {}": "{1}: {0}"}, "vi.po")))
        self.assertNotEqual([], list(translations.problems(
            told, {"{} of {}": "{1}: {1}"}, "vi.po")))

    def test_the_tree_has_them_all(self):
        self.assertGreater(len(reasons.reasons(translations.ROOT)), 500)


if __name__ == "__main__":
    unittest.main()
