"""The functions themselves."""

import unittest

from template import DEFAULTS, RESOURCES, TEMPLATE, of_type


class Functions(unittest.TestCase):
    def test_they_run_on_arm64_unless_said_otherwise(self):
        shared = TEMPLATE["Globals"]["Function"]
        self.assertEqual(shared["Architectures"], [{"Ref": "Architecture"}])
        self.assertEqual(DEFAULTS["Architecture"], "arm64")
        self.assertEqual((shared["Runtime"], shared["Handler"]), ("provided.al2023", "bootstrap"))

    def test_a_bad_message_does_not_fail_its_batch(self):
        for name, function in of_type("AWS::Serverless::Function").items():
            for event in function.get("Events", {}).values():
                with self.subTest(name):
                    if event["Type"] != "SQS":
                        continue
                    self.assertEqual(event["Properties"]["FunctionResponseTypes"], ["ReportBatchItemFailures"])
                    self.assertIn(event["Properties"]["BatchSize"], (1, 10))
                    self.assertIn("MaximumConcurrency", event["Properties"]["ScalingConfig"])

    def test_each_has_a_role_of_its_own_and_logs_that_end(self):
        roles = [function["Role"]["Fn::GetAtt"][0] for function in of_type("AWS::Serverless::Function").values()]
        self.assertEqual(len(roles), len(set(roles)))
        for name, function in of_type("AWS::Serverless::Function").items():
            with self.subTest(name):
                logs = RESOURCES[function["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
                self.assertEqual(logs["RetentionInDays"], {"Ref": "LogRetentionDays"})

    def test_the_sweep_runs_every_minute_for_longer_than_it_takes_until_the_next(self):
        properties = RESOURCES["SweepFunction"]["Properties"]
        self.assertEqual(properties["Events"]["EveryMinute"]["Properties"]["Schedule"], "rate(1 minute)")
        # It keeps 8 s back. A schedule is late by some seconds, and a start may be cold.
        self.assertGreaterEqual(properties["Timeout"] - 8, 60 + 15)

    def test_traces_are_as_the_parameter_says_and_cost_nothing_unasked(self):
        self.assertEqual(TEMPLATE["Globals"]["Function"]["Tracing"], {"Ref": "Tracing"})
        self.assertEqual(DEFAULTS["Tracing"], "PassThrough")


if __name__ == "__main__":
    unittest.main()
