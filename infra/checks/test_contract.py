"""What people and their scripts build on."""

import unittest

from template import DEFAULTS, TEMPLATE


class Contract(unittest.TestCase):
    def test_parameters_and_outputs_that_people_build_on_are_there(self):
        parameters = (
            "Stage GroupBuckets StrictOrgs PayloadRetentionDays LogRetentionDays MaximumConcurrency BulkConcurrency "
            "AllowedHosts IngestPerOrgRps ApplyConcurrency PollConcurrency InboundTargetArns WebhookDomain SalesforceEventBus SalesforceEventOrg SalesforceEventConnection "
            "AlarmEmail RunbookUrl DeadLetterThreshold ParkedAgeHours Tracing"
        )
        outputs = (
            "ChangesQueueUrl ChangesQueueArn BulkQueueUrl InboundQueueUrl DeadLetterQueueUrl RecordsTableName LimitsTableName ConfigTableName "
            "PayloadBucketName SyncFunctionName BulkFunctionName RedriveFunctionName SweepFunctionName "
            "AuthorizeFunctionName AuthorizeUrl AdminFunctionName AdminUrl IngestFunctionName IngestUrl EventBusName "
            "WebhookFunctionName WebhookUrl PollQueueUrl ApplyFunctionName PollFunctionName "
            "DashboardUrl AlarmTopicArn ViewerPolicyArn SupportPolicyArn OperatorPolicyArn"
        )
        self.assertLessEqual(set(parameters.split()), set(TEMPLATE["Parameters"]))
        self.assertLessEqual(set(outputs.split()), set(TEMPLATE["Outputs"]))

    def test_every_parameter_has_a_default_so_that_a_first_deploy_needs_none(self):
        self.assertFalse([name for name, default in DEFAULTS.items() if default is None])
        self.assertEqual(DEFAULTS["PayloadRetentionDays"], 90)
        self.assertEqual(DEFAULTS["StrictOrgs"], "false")
        self.assertEqual(DEFAULTS["GroupBuckets"], 0)


if __name__ == "__main__":
    unittest.main()
