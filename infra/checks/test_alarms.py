"""Alarms, the one that tells people, the dashboard, and the pages that say what to do."""

import json
import math
import re
import unittest

from alarms import breaches, expressions, metrics
from template import DEFAULTS, RESOURCES, ROOT, TEMPLATE, arn, filled, of_type

RUNBOOKS = ROOT / "docs" / "runbooks"
# Name, functions and what it is told apart by, of each metric that the functions print.
PRINTED = ROOT / "shared" / "core" / "src" / "metric.rs"
ENTRY = re.compile(r'^\s+\w+ = "(\w+)", \w+, (Function|Provider), "([a-z ]+)"', re.MULTILINE)


def printed() -> dict:
    return {name: (of, by.split()) for name, of, by in ENTRY.findall(PRINTED.read_text())}


def connected() -> list:
    """The providers that there is a connector of."""
    facts = [path.read_text() for path in (ROOT / "shared" / "connectors" / "src").glob("*/mod.rs")]
    found = sorted(name for text in facts for name in re.findall(r'^    name: "(\w+)",', text, re.MULTILINE))
    assert "hubspot" in found, found
    return found


def alarms() -> dict:
    """By their names, without the stage."""
    prefix = "rtr-${Stage}-"
    found = {}
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        name = alarm["AlarmName"]["Fn::Sub"]
        assert name.startswith(prefix), name
        found[name[len(prefix) :]] = alarm
    return found


class Alarms(unittest.TestCase):
    def test_each_says_what_it_means_and_links_its_page_and_each_page_has_an_alarm(self):
        pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
        self.assertEqual(set(alarms()), pages)
        index = (RUNBOOKS / "README.md").read_text()
        for name, alarm in alarms().items():
            with self.subTest(name):
                text = alarm["AlarmDescription"]["Fn::Sub"]
                self.assertRegex(text, rf"^[A-Z].{{40,}}\. \$\{{RunbookUrl\}}/{name}\.md$")
                self.assertLessEqual(len(filled(text, DEFAULTS)), 1024)
                self.assertEqual(index.count(f"]({name}.md) |"), 1)

    def test_each_tells_people_of_itself_and_of_its_end_whatever_else_is_raised(self):
        for name, alarm in alarms().items():
            for actions in ("AlarmActions", "OKActions"):
                with self.subTest(name, actions=actions):
                    self.assertEqual(alarm[actions], [{"Ref": "AlarmTopic"}])

    def test_one_alarm_says_whether_any_is_raised(self):
        composite = RESOURCES["AnyAlarm"]["Properties"]
        parts = [part["Fn::Sub"] for part in composite["AlarmRule"]["Fn::Join"][1]]
        self.assertCountEqual(parts, [f'ALARM("${{{name}}}")' for name in of_type("AWS::CloudWatch::Alarm")])
        self.assertEqual(composite["AlarmRule"]["Fn::Join"][0], " OR ")
        self.assertEqual(composite["AlarmName"], {"Fn::Sub": "rtr-${Stage}"})
        for actions in ("AlarmActions", "OKActions"):
            self.assertEqual(composite[actions], [{"Ref": "AlarmTopic"}])
        self.assertIn("${RunbookUrl}/README.md", composite["AlarmDescription"]["Fn::Sub"])

    def test_they_are_left_out_on_the_local_stage_alone(self):
        names = [*of_type("AWS::CloudWatch::Alarm"), "AnyAlarm"]
        self.assertEqual({RESOURCES[name].get("Condition") for name in names}, {"IsDeployed"})
        self.assertEqual(TEMPLATE["Conditions"]["IsDeployed"], {"Fn::Not": [{"Condition": "IsLocal"}]})
        self.assertEqual([name for name, one in RESOURCES.items() if one.get("Condition") == "IsDeployed"], names)

    def test_each_is_one_that_cloudwatch_takes(self):
        for name, alarm in alarms().items():
            with self.subTest(name):
                found = metrics(alarm)
                # More metrics in one alarm are refused.
                self.assertLessEqual(len(found), 10)
                self.assertEqual(len({period for *_, period, _ in found.values()}), 1)
                self.assertLessEqual(alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"])
                shown = [one for one in alarm.get("Metrics", [{"ReturnData": True}]) if one["ReturnData"]]
                self.assertEqual(len(shown), 1)
                words = {word for text in expressions(alarm).values() for word in re.findall(r"[A-Za-z]\w*", text)}
                known = {*found, *expressions(alarm), "SUM", "IF"}
                self.assertLessEqual(words, known)
                self.assertLessEqual(set(found) | set(expressions(alarm)), words | {shown[0].get("Id"), "value"})

    def test_no_data_is_good_but_where_something_must_happen_all_the_time(self):
        bad = [name for name, alarm in alarms().items() if alarm["TreatMissingData"] != "notBreaching"]
        self.assertEqual(bad, ["sweep-stopped"])
        self.assertEqual(alarms()["sweep-stopped"]["TreatMissingData"], "breaching")

    def test_every_queue_has_one_of_its_oldest_message_and_every_function_one_of_its_errors(self):
        aged = [
            dimensions["QueueName"]["Fn::GetAtt"][0]
            for alarm in alarms().values()
            for _, metric, dimensions, *_ in metrics(alarm).values()
            if metric == "ApproximateAgeOfOldestMessage"
        ]
        self.assertCountEqual(aged, of_type("AWS::SQS::Queue"))
        for name in ("function-errors", "throttles"):
            functions = [dimensions["FunctionName"]["Ref"] for _, _, dimensions, *_ in metrics(alarms()[name]).values()]
            self.assertCountEqual(functions, of_type("AWS::Serverless::Function"))

    def test_our_metrics_are_of_one_function_at_this_stage_and_by_provider_of_each_that_there_is(self):
        known = printed()
        for name, alarm in alarms().items():
            providers = []
            for namespace, metric, dimensions, *_ in metrics(alarm).values():
                if namespace == "rtr":
                    with self.subTest(alarm=name, metric=metric):
                        self.assertEqual(set(dimensions) - {"provider"}, {"function", "stage"})
                        self.assertEqual(dimensions["stage"], {"Ref": "Stage"})
                        if "provider" in dimensions:
                            self.assertEqual(known[metric][0], "Provider")
                            providers.append(dimensions["provider"])
            self.assertIn(sorted(providers), ([], connected()), name)

    def test_what_has_to_last_is_only_asked_of_what_is_told_all_the_time(self):
        # AWS tells of its queues and functions each minute, and shares are of many calls or events in each period. Of what comes
        # now and then a period without a point would end the row.
        for name, alarm in alarms().items():
            if alarm["DatapointsToAlarm"] > 1:
                with self.subTest(name):
                    enough = re.search(r"IF\(\w+ >= \d\d+,", " ".join(expressions(alarm).values()))
                    namespaces = {namespace for namespace, *_ in metrics(alarm).values()}
                    self.assertTrue(enough or not namespaces & {"rtr"})

    def test_the_age_of_parked_work_is_judged_though_its_lane_runs_once_in_the_longest_rest(self):
        source = (ROOT / "shared" / "core" / "src" / "limit.rs").read_text()
        rest = math.prod(int(part) for part in re.search(r"QUOTA_REST_MS: i64 = ([\d_ *]+);", source)[1].split("*"))
        alarm = alarms()["parked-age"]
        ((*_, period, _),) = metrics(alarm).values()
        self.assertGreaterEqual(period * 1_000, 2 * rest)
        self.assertEqual((alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]), (1, 1))

    def test_every_metric_is_printed_by_the_function_that_it_is_looked_for_at(self):
        known = printed()
        self.assertGreater(len(known), 50)
        for name, alarm in alarms().items():
            for namespace, metric, dimensions, *_ in metrics(alarm).values():
                if namespace == "rtr":
                    with self.subTest(alarm=name, metric=metric):
                        self.assertIn(dimensions["function"], known[metric][1])


class Judged(unittest.TestCase):
    """What raises them, period by period, and what does not."""

    def judge(self, name: str, wanted: bool, **figures):
        with self.subTest(alarm=name, **figures):
            self.assertIs(breaches(alarms()[name], **figures), wanted)

    def test_shares_of_calls_want_enough_calls_and_all_functions_count(self):
        for name, threshold, enough in (
            ("crm-failed", 0.1, 50),
            ("crm-refused", 0.2, 50),
            ("crm-throttled", 0.1, 50),
            ("crm-unauthorized", 0.1, 20),
        ):
            over = int(enough * threshold) + 1
            self.judge(name, True, calls_sync=enough, those_sync=over)
            self.judge(name, False, calls_sync=enough, those_sync=over - 1)
            self.judge(name, False, calls_sync=enough - 1, those_sync=enough - 1)
            # A function that counted nothing has no point, and the others count all the same.
            self.judge(name, True, calls_bulk=enough - 10, calls_poll=10, those_poll=over)
            self.judge(name, False, calls_sync=enough * 10, calls_apply=enough, those_apply=over)
            self.judge(name, False, calls_sync=enough * 10)
            self.judge(name, False)

    def test_some_slow_answers_of_the_limiter_are_no_alarm(self):
        self.judge("fail-open", False, open_sync=9, calls_sync=10)
        self.judge("fail-open", False, open_sync=10, calls_sync=1_000)
        self.judge("fail-open", True, open_sync=6, open_bulk=5, calls_sync=1_000)

    def test_latency_is_judged_of_enough_events_and_by_the_promise(self):
        for name, at, ms in (("latency-p50", "p50", 2_000), ("latency-p99", "p99", 10_000)):
            self.judge(name, False, **{at: ms, "events": 20})
            self.judge(name, True, **{at: ms + 1, "events": 20})
            self.judge(name, False, **{at: ms * 9, "events": 19})
            self.judge(name, False)

    def test_half_of_many_events_superseded_for_long(self):
        self.judge("superseded", True, superseded=51, events=100, all=51, hubspot=51)
        self.judge("superseded", False, superseded=50, events=100, all=50, hubspot=50)
        self.judge("superseded", False, superseded=99, events=99, all=99, hubspot=99)
        # An event for two connections is superseded at both.
        self.judge("superseded", True, superseded=60, events=100, all=120, hubspot=60, salesforce=60)
        alarm = alarms()["superseded"]
        self.assertEqual((alarm["DatapointsToAlarm"], metrics(alarm)["events"][3]), (3, 600))

    def test_versions_that_a_newer_one_of_their_batch_stood_for_are_no_alarm(self):
        self.judge("superseded", False, superseded=900, events=1_000, all=900)
        self.judge("superseded", False, superseded=900, events=1_000, all=900, hubspot=90)
        # What is sent again is that all the same, though three of a record come in each batch.
        self.judge("superseded", True, superseded=300, events=300, all=300, hubspot=100)
        # Of all of them those are the ones without a provider.
        engine = ROOT / "shared" / "engine" / "src"
        uncounted = re.findall(r"report\.count\(Metric::Superseded, (.*)\)", (engine / "sync" / "mod.rs").read_text())
        self.assertEqual(uncounted, ["record.compacted().len() as u64", "1"])
        self.assertIn("report.count_of(job.provider(), ended.into(), 1);", (engine / "work" / "note.rs").read_text())

    def test_what_people_set_is_what_counts(self):
        self.judge("dead-letters", True, sync=4, bulk=2, apply=2, redrive=1, ingest=1)
        self.judge("dead-letters", False, sync=9)
        self.assertEqual(alarms()["dead-letters"]["Threshold"], {"Ref": "DeadLetterThreshold"})
        hour = 3_600_000
        self.judge("parked-age", False, age=4 * hour)
        self.judge("parked-age", True, age=4 * hour + 1)
        self.assertEqual(alarms()["parked-age"]["Threshold"], {"Ref": "ParkedAgeHours"})

    def test_a_dead_letter_counts_once_and_whichever_function_finds_it(self):
        found = [(metric, dimensions["function"]) for _, metric, dimensions, *_ in metrics(alarms()["dead-letters"]).values()]
        self.assertCountEqual(found, [("dead", function) for function in printed()["dead"][1]])

    def test_one_older_call_after_a_newer_one_is_enough_and_one_notification_that_did_not_get_out(self):
        self.judge("overtaken", True, bulk=1)
        self.judge("overtaken", False)
        self.judge("notices-failed", True, sweep=1)

    def test_a_sweep_that_is_not_started_is_the_one_silence_that_is_heard(self):
        self.judge("sweep-stopped", True)
        self.judge("sweep-stopped", True, value=0)
        self.judge("sweep-stopped", False, value=1)
        self.judge("changes-age", False)

    def test_a_crashed_worker_and_the_longest_wait_in_the_queue_raise_no_age(self):
        # A message comes back after the visibility; a batch that held it until its time was up adds that.
        longest = DEFAULTS["QueueVisibility"] + DEFAULTS["FunctionTimeout"]
        for name in ("changes-age", "inbound-age", "dead-letter-age", "bulk-age", "poll-age"):
            self.judge(name, False, value=2 * longest)
            self.judge(name, True, value=6 * longest)


class Told(unittest.TestCase):
    def test_alarms_and_what_rtr_sync_tells_of_itself_may_be_published_and_nothing_else(self):
        alarm, notice = RESOURCES["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual(alarm["Principal"], {"Service": "cloudwatch.amazonaws.com"})
        own = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"
        let = [one["Fn::Sub"].removeprefix(own) for one in alarm["Condition"]["ArnLike"]["aws:SourceArn"]]
        self.assertEqual(let, ["rtr-${Stage}", "rtr-${Stage}-*"])
        self.assertEqual(alarm["Condition"]["StringEquals"], {"aws:SourceAccount": {"Ref": "AWS::AccountId"}})
        self.assertEqual(notice["Principal"], {"Service": "events.amazonaws.com"})
        self.assertEqual(notice["Condition"]["ArnEquals"]["aws:SourceArn"], arn("NoticesRule"))
        for statement in (alarm, notice):
            self.assertEqual((statement["Action"], statement["Resource"]), ("sns:Publish", {"Ref": "AlarmTopic"}))

    def test_a_notification_is_one_readable_line_and_changes_that_producers_put_are_none(self):
        rule = RESOURCES["NoticesRule"]["Properties"]
        self.assertEqual(rule["EventPattern"], {"source": ["rtr"]})
        self.assertEqual(rule["EventBusName"], {"Ref": "EventBus"})
        (target,) = rule["Targets"]
        self.assertEqual(target["Arn"], {"Ref": "AlarmTopic"})
        paths = target["InputTransformer"]["InputPathsMap"]
        told = {"org_id", "connection", "provider", "code", "count", "since", "action"}
        self.assertEqual({path.removeprefix("$.detail.") for path in paths.values()} - {"$.detail-type"}, told)
        template = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
        self.assertEqual(set(re.findall(r"<(\w+)>", template)), set(paths))
        line = json.loads(re.sub(r"<(\w+)>", r"\1", filled(template, {"Stage": "prod"})))
        self.assertTrue(line.startswith("rtr prod: kind at org connection"), line)
        self.assertNotIn("\n", line)

    def test_who_gives_no_address_gets_no_mail(self):
        self.assertEqual(RESOURCES["AlarmSubscription"]["Condition"], "HasAlarmEmail")
        self.assertEqual(DEFAULTS["AlarmEmail"], "")
        for text, fits in (("", True), ("ops@example.com", True), ("ops", False), ("a@b @c", False)):
            self.assertEqual(bool(re.fullmatch(TEMPLATE["Parameters"]["AlarmEmail"]["AllowedPattern"], text)), fits, text)


class Dashboard(unittest.TestCase):
    def setUp(self):
        text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        self.widgets = json.loads(filled(text, {"Stage": "prod", "AWS::Region": "us-east-1"}))["widgets"]

    def test_it_shows_every_alarm_first(self):
        first, *others = self.widgets
        self.assertEqual(first["type"], "alarm")
        shown = [text.rsplit(":", 1)[1] for text in first["properties"]["alarms"]]
        self.assertEqual(shown, [f"rtr-prod-{name}" for name in alarms()])
        self.assertEqual({widget["type"] for widget in others}, {"metric"})

    def test_widgets_do_not_lie_on_each_other(self):
        taken = set()
        for widget in self.widgets:
            for x in range(widget["x"], widget["x"] + widget["width"]):
                for y in range(widget["y"], widget["y"] + widget["height"]):
                    self.assertNotIn((x, y), taken)
                    self.assertLess(x, 24)
                    taken.add((x, y))

    def test_every_metric_on_it_is_printed_by_that_function_and_by_provider_where_it_is_searched_so(self):
        known = printed()
        for widget in self.widgets[1:]:
            for metric in widget["properties"]["metrics"]:
                with self.subTest(widget["properties"]["title"], metric=metric):
                    if isinstance(metric[0], dict):
                        name = re.search(r'MetricName="(\w+)"', metric[0]["expression"])[1]
                        self.assertEqual(known[name][0], "Provider")
                    elif metric[0] == "rtr":
                        self.assertEqual((metric[2], metric[4], metric[5]), ("function", "stage", "prod"))
                        self.assertIn(metric[3], known[metric[1]][1])


class Runbooks(unittest.TestCase):
    PARTS = ["Look first", "Causes, the likeliest first", "What to do", "When to do nothing"]

    def test_each_page_has_the_same_parts_begins_with_two_commands_and_is_short(self):
        for name in alarms():
            page = (RUNBOOKS / f"{name}.md").read_text()
            with self.subTest(name):
                self.assertTrue(page.startswith(f"# {name}: "))
                self.assertEqual(re.findall(r"^## (.*)$", page, re.MULTILINE), self.PARTS)
                first = page.split("## Look first")[1].split("## ")[0]
                self.assertEqual(len(re.findall(r"^    \S", first, re.MULTILINE)), 2)
                self.assertLess(len(page.splitlines()), 60)

    def test_their_commands_are_rtrs_and_their_links_lead_somewhere(self):
        source = (ROOT / "cli" / "src" / "args.rs").read_text()
        body = source.split("pub(crate) enum Command {")[1].split("\n}")[0]
        known = {name.lower() for name in re.findall(r"^    ([A-Z]\w+)[(,]", body, re.MULTILINE)}
        self.assertIn("doctor", known)
        for page in RUNBOOKS.glob("*.md"):
            text = page.read_text()
            with self.subTest(page.name):
                self.assertLessEqual(set(re.findall(r"(?:`|^    )rtr ([a-z]+)", text, re.MULTILINE)), known)
                for link in re.findall(r"\]\(([^)#]+)", text):
                    self.assertTrue((page.parent / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
