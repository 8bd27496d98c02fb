"""What the queues promise, and what takes from them: the local AWS accepts and ignores most of this."""

import unittest

from template import DEFAULTS, RESOURCES, TEMPLATE, WITHOUT_DATA, number, of_type

import deploy  # found by template


# The life of a request at a CRM: a crashed worker's message must come back later than that.
LONGEST_REQUEST_S = 60
ONE_DAY_S = 24 * 3600
FOURTEEN_DAYS_S = 14 * ONE_DAY_S


class Queues(unittest.TestCase):
    def test_every_queue_is_fifo_in_high_throughput_mode_and_encrypted_and_all_but_batons_are_kept(self):
        for name, queue in of_type("AWS::SQS::Queue").items():
            with self.subTest(name):
                self.assertIs(queue["FifoQueue"], True)
                self.assertTrue(queue["QueueName"]["Fn::Sub"].endswith(".fifo"))
                self.assertEqual(queue["DeduplicationScope"], "messageGroup")
                self.assertEqual(queue["FifoThroughputLimit"], "perMessageGroupId")
                self.assertTrue(queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue)
                # A baton holds nothing, and is sent again when it is lost.
                kept = ONE_DAY_S if name in WITHOUT_DATA else FOURTEEN_DAYS_S
                self.assertEqual(queue["MessageRetentionPeriod"], kept)
                self.assertEqual(queue["MaximumMessageSize"], 1024 * 1024)
                self.assertNotIn("ContentBasedDeduplication", queue)

    def test_changes_give_up_on_a_message_late_and_to_the_dead_letter_queue(self):
        for queue in ("ChangesQueue", "InboundQueue"):
            policy = RESOURCES[queue]["Properties"]["RedrivePolicy"]
            self.assertEqual(policy["maxReceiveCount"], 1000)
            self.assertEqual(policy["deadLetterTargetArn"], {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]})
        self.assertNotIn("RedrivePolicy", RESOURCES["DeadLetterQueue"]["Properties"])
        # A dead baton would help nobody.
        for queue in WITHOUT_DATA:
            self.assertNotIn("RedrivePolicy", RESOURCES[queue]["Properties"])

    def test_a_message_comes_back_only_after_its_workers_requests_are_over(self):
        for stage, parameters in (("as deployed", DEFAULTS), ("local", {**DEFAULTS, **deploy.PARAMETERS})):
            for name, function in of_type("AWS::Serverless::Function").items():
                timeout = number(function.get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"]), parameters)
                for event in function.get("Events", {}).values():
                    if event["Type"] != "SQS":
                        continue
                    queue = RESOURCES[event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]
                    visibility = number(queue["VisibilityTimeout"], parameters)
                    with self.subTest(stage=stage, function=name):
                        self.assertGreaterEqual(visibility - timeout, LONGEST_REQUEST_S)
                        self.assertGreaterEqual(visibility, 6 * timeout)

    def test_bulk_takes_one_baton_at_a_time_of_a_bounded_number_of_connections(self):
        events = RESOURCES["BulkFunction"]["Properties"]["Events"]
        self.assertEqual(list(events), ["Batons"])
        properties = events["Batons"]["Properties"]
        self.assertEqual(properties["Queue"], {"Fn::GetAtt": ["BulkQueue", "Arn"]})
        # A baton may take all of the function's time.
        self.assertEqual(properties["BatchSize"], 1)
        self.assertEqual(properties["ScalingConfig"], {"MaximumConcurrency": {"Ref": "BulkConcurrency"}})

    def test_what_crms_told_goes_on_in_batches_and_each_poll_by_itself_and_both_are_bounded(self):
        for name, queue, batch in (("Apply", "InboundQueue", 10), ("Poll", "PollQueue", 1)):
            (event,) = RESOURCES[f"{name}Function"]["Properties"]["Events"].values()
            properties = event["Properties"]
            self.assertEqual((properties["Queue"]["Fn::GetAtt"][0], properties["BatchSize"]), (queue, batch))
            self.assertEqual(properties["ScalingConfig"], {"MaximumConcurrency": {"Ref": f"{name}Concurrency"}})

    def test_the_functions_are_told_the_times_that_the_queue_and_lambda_were_told(self):
        variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual(variables["RTR_FUNCTION_TIMEOUT_S"], TEMPLATE["Globals"]["Function"]["Timeout"])
        for queue in ("ChangesQueue", "BulkQueue", "InboundQueue", "PollQueue"):
            self.assertEqual(variables["RTR_VISIBILITY_S"], RESOURCES[queue]["Properties"]["VisibilityTimeout"])
        for function in ("SyncFunction", "BulkFunction", "ApplyFunction", "PollFunction"):
            self.assertNotIn("Timeout", RESOURCES[function]["Properties"])


if __name__ == "__main__":
    unittest.main()
