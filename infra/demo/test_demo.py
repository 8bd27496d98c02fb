"""The demo's own small parts: python3 -m unittest discover -s infra/demo -t infra/demo"""

import io
import json
import os
import unittest
from pathlib import Path

import books
import ledger
import records
import sandbox
from local import read_environment
from story import Story
from table import count, table


def request(method="POST", path="/crm/v3/objects/contacts/batch/upsert", status=200, items=10, **more):
    return {"method": method, "path": path, "status": status, "items": items, **more}


class Tables(unittest.TestCase):
    def test_given_rows_when_shown_then_numbers_stand_right_and_words_left(self):
        shown = table(["org", "n"], [["acme", 7], ["globex-2", "1,200"]])
        self.assertEqual(shown, "org           n\n────────  ─────\nacme          7\nglobex-2  1,200")

    def test_given_no_rows_when_shown_then_the_headings_stand_alone(self):
        self.assertEqual(table(["org", "n"], []), "org  n\n───  ─")

    def test_given_a_number_when_counted_then_the_noun_agrees(self):
        self.assertEqual([count(1, "call"), count(1_200, "call")], ["1 call", "1,200 calls"])
        self.assertEqual(count(0, "company", "companies"), "0 companies")


class Journal(unittest.TestCase):
    def test_given_requests_when_sorted_out_then_only_accepted_changes_of_records_are_writes(self):
        asked = [
            request(),
            request(path="/crm/objects/2026-03/deals/batch/archive"),
            request(path="/crm/v3/objects/contacts/batch/read"),
            request(path="/crm/v3/objects/companies/search"),
            request(path="/crm/v4/associations/contacts/companies/batch/create"),
            request(path="/crm/v3/properties/contacts"),
            request(path="/oauth/v3/token"),
            request(status=429),
            request(method="GET", path="/crm/v3/objects/contacts/1"),
        ]
        self.assertEqual([sandbox.written_object(one) for one in sandbox.writes(asked)], ["contacts", "deals"])
        self.assertEqual(sandbox.items(sandbox.writes(asked, "deals")), 10)
        self.assertEqual(len(sandbox.refreshes(asked)), 1)

    def test_given_bodies_when_read_then_their_inputs_stand_in_order(self):
        asked = [request(body={"inputs": [{"id": "1"}]}), request(body=None), request(body={"inputs": [{"id": "2"}]})]
        self.assertEqual([one["id"] for one in sandbox.inputs(asked)], ["1", "2"])


class Ledgers(unittest.TestCase):
    def setUp(self):
        self.ledger = ledger.Ledger()
        self.ledger.note(records.everything("acme"))

    def held(self, events):
        def properties(one):
            return {ledger.KEY: one["record_id"], **ledger.expected_properties(one["record_type"], one["data"])}

        return [{"properties": properties(one)} for one in events]

    def test_given_versions_in_any_order_when_noted_then_the_newest_counts(self):
        newer = records.event("acme", "contact", "c-1001", 9, {**records.contact(1), "job_title": "New"})
        older = records.event("acme", "contact", "c-1001", 8, {**records.contact(1), "job_title": "Old"})
        self.ledger.note([newer, older])
        self.assertEqual(self.ledger.live("acme", "contact")["c-1001"]["data"]["job_title"], "New")
        self.assertEqual(self.ledger.distinct("acme", "contact"), records.CONTACTS)
        self.assertEqual(self.ledger.events[("acme", "contact")], records.CONTACTS + 2)

    def test_given_a_delete_when_noted_then_the_record_is_not_live(self):
        self.ledger.note([records.event("acme", "deal", "d-001", 2, operation="deleted")])
        self.assertEqual(len(self.ledger.live("acme", "deal")), records.DEALS - 1)

    def test_given_what_the_crm_should_hold_when_audited_then_nothing_differs(self):
        expected = self.ledger.live("acme", "contact")
        self.assertFalse(any(ledger.audit(expected, self.held(expected.values()), "contact").values()))

    def test_given_each_difference_when_audited_then_it_is_named(self):
        expected = self.ledger.live("acme", "contact")
        held = self.held(expected.values())
        held[0]["properties"]["jobtitle"] = "Old"
        gone = held.pop(1)["properties"][ledger.KEY]
        held += [held[2], {"properties": {}}]
        found = ledger.audit(expected, held, "contact")
        self.assertEqual(found["stale"], [held[0]["properties"][ledger.KEY]])
        self.assertEqual(found["missing"], [gone])
        self.assertEqual(found["duplicate"], [held[2]["properties"][ledger.KEY]])
        self.assertEqual(found["stray"], ["(a record without key)"])


class Environments(unittest.TestCase):
    def test_given_env_sh_when_read_then_it_is_as_if_sourced(self):
        text = "# a comment\nexport A='x y'\nunset RTR_DEMO_TEST\nexport PATH=/tools:\"$PATH\"\n"
        os.environ["RTR_DEMO_TEST"] = "1"
        self.addCleanup(os.environ.pop, "RTR_DEMO_TEST", None)
        found = read_environment(text)
        self.assertEqual(found["A"], "x y")
        self.assertEqual(found["PATH"], "/tools:" + os.environ["PATH"])
        self.assertNotIn("RTR_DEMO_TEST", found)


class Stories(unittest.TestCase):
    def test_given_a_wrong_figure_when_checked_then_it_is_on_the_list_with_its_scene(self):
        out = io.StringIO()
        story = Story(fast=True, out=out)
        story.scene("Updates", "What happens.")
        story.check(True, "40 written")
        story.check(False, "40 written", "39 written")
        self.assertEqual(story.wrong, ["Updates: 39 written"])
        self.assertIn("✓ 40 written\n   ✗ 39 written\n", out.getvalue())


class Events(unittest.TestCase):
    """events/: what is said of a message is true of its body."""

    ROOT = Path(__file__).resolve().parents[2] / "events"

    def test_given_every_request_of_a_browser_when_read_then_it_is_one_as_the_http_api_hands_it_over(self):
        files = sorted(self.ROOT.glob("authorize/*.json"))
        self.assertTrue(files)
        for path in files:
            with self.subTest(path.name):
                request = json.loads(path.read_text(encoding="utf-8"))
                self.assertEqual((request["version"], request["routeKey"]), ("2.0", "GET /oauth/callback"))

    def test_given_every_request_for_an_org_when_read_then_it_is_one_as_the_http_api_hands_it_over(self):
        routes = set()
        for path in sorted(self.ROOT.glob("admin/*.json")):
            with self.subTest(path.name):
                request = json.loads(path.read_text(encoding="utf-8"))
                context = request["requestContext"]
                self.assertEqual((request["version"], context["routeKey"]), ("2.0", request["routeKey"]))
                self.assertEqual(request["rawPath"], f"/orgs/{request['pathParameters']['org']}")
                self.assertEqual(request["routeKey"], f"{context['http']['method']} /orgs/{{org}}")
                self.assertIn("userArn", context["authorizer"]["iam"])
                routes.add(context["http"]["method"])
        self.assertEqual(routes, {"GET", "PUT", "DELETE"})

    def test_given_every_batch_when_read_then_it_is_one_as_sqs_hands_it_over(self):
        import hashlib

        queues = {"sync": "changes", "bulk": "bulk", "redrive": "dead-letter", "apply": "inbound", "poll": "poll"}
        files = [path for folder in queues for path in sorted(self.ROOT.glob(f"{folder}/*.json"))]
        self.assertEqual({path.parent.name for path in files}, set(queues))
        for path in files:
            for message in json.loads(path.read_text(encoding="utf-8"))["Records"]:
                with self.subTest(path.name, id=message["messageId"]):
                    body = message["body"].encode()
                    self.assertEqual(message["md5OfBody"], hashlib.md5(body).hexdigest())
                    self.assertTrue(message["eventSourceARN"].endswith(f"-{queues[path.parent.name]}.fifo"))


class Books(unittest.TestCase):
    def line(self, function, at=5, **counts):
        metrics = [{"Name": name, "Unit": "Count"} for name in counts]
        told = {"_aws": {"CloudWatchMetrics": [{"Metrics": metrics}], "Timestamp": at}, "function": function, **counts}
        return f"{function:8} {json.dumps(told, separators=(',', ':'))}"

    def test_given_lines_of_functions_when_summed_then_counts_of_this_run_add_up_and_times_are_left_out(self):
        lines = [
            "sync     START RequestId: 1",
            self.line("sync", events=2, event_applied=2, messages=3, wakes=1, latency_ms=[7, 9]),
            self.line("sync", at=4, events=9),
            self.line("sync", events=1, event_dead=1, messages=2, returned=1),
        ]
        sums = books.counters(lines, 5)
        self.assertEqual((sums[("sync", "events")], sums[("sync", "latency_ms")]), (3, 0))
        self.assertEqual(books.differences(sums, 3), [])

    def test_given_an_event_without_an_ending_when_compared_then_it_is_told(self):
        sums = books.counters([self.line("sync", events=2, event_applied=1, messages=2)], 0)
        self.assertEqual(books.differences(sums, 2), ["2 events were sent, 1 endings are counted"])
        self.assertEqual(books.differences(sums, 3)[0], "3 events were sent, 2 are counted")


if __name__ == "__main__":
    unittest.main()
