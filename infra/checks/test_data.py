"""What keeps data: tables, bodies, and that nothing reaches them in the clear."""

import unittest

from template import RESOURCES, TEMPLATE, WITHOUT_DATA, of_type


class Data(unittest.TestCase):
    def test_every_table_can_be_restored_is_encrypted_and_cannot_be_deleted_by_accident(self):
        for name, table in of_type("AWS::DynamoDB::Table").items():
            with self.subTest(name):
                self.assertIs(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], True)
                self.assertIs(table["SSESpecification"]["SSEEnabled"], True)
                self.assertEqual(table["DeletionProtectionEnabled"], {"Fn::If": ["IsDisposable", False, True]})
                self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(
            TEMPLATE["Conditions"]["IsDisposable"],
            {"Fn::Or": [{"Condition": "IsLocal"}, {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}]},
        )

    def test_only_limits_may_forget_by_themselves(self):
        forgetting = [name for name, table in of_type("AWS::DynamoDB::Table").items() if "TimeToLiveSpecification" in table]
        self.assertEqual(forgetting, ["LimitsTable"])

    def test_what_holds_data_outlives_the_stack(self):
        for name, resource in RESOURCES.items():
            if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue") and name not in WITHOUT_DATA:
                with self.subTest(name):
                    self.assertEqual(resource["DeletionPolicy"], "Retain")
                    self.assertEqual(resource["UpdateReplacePolicy"], "Retain")

    def test_the_indexes_are_sparse_ones_with_small_projections(self):
        records = RESOURCES["RecordsTable"]["Properties"]["GlobalSecondaryIndexes"]
        self.assertEqual([index["IndexName"] for index in records], ["parked", "dead", "waiting", "due"])
        limits = RESOURCES["LimitsTable"]["Properties"]["GlobalSecondaryIndexes"]
        self.assertEqual([index["IndexName"] for index in limits], ["lanes"])
        for index in [*records, *limits]:
            name = index["IndexName"]
            with self.subTest(name):
                self.assertEqual([key["AttributeName"] for key in index["KeySchema"]], [f"{name}_pk", f"{name}_at"])
                self.assertNotEqual(index["Projection"]["ProjectionType"], "ALL")

    def test_bodies_are_private_versioned_encrypted_and_current_ones_never_expire(self):
        bucket = RESOURCES["PayloadBucket"]["Properties"]
        self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"})
        self.assertTrue(all(bucket["PublicAccessBlockConfiguration"].values()))
        self.assertEqual(len(bucket["PublicAccessBlockConfiguration"]), 4)
        self.assertIn("BucketEncryption", bucket)
        rules = bucket["LifecycleConfiguration"]["Rules"]
        self.assertFalse([rule for rule in rules if "ExpirationInDays" in rule or "ExpirationDate" in rule])
        kept = [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule]
        self.assertEqual(kept, [{"NoncurrentDays": {"Ref": "PayloadRetentionDays"}}])

    def test_bucket_and_queues_refuse_plain_http(self):
        policy = RESOURCES["QueuesTlsOnly"]["Properties"]
        every = [{"Ref": name} for name in of_type("AWS::SQS::Queue")]
        self.assertCountEqual(policy["Queues"], every)
        self.assertEqual(len(policy["PolicyDocument"]["Statement"][0]["Resource"]), len(every))
        policies = [*of_type("AWS::SQS::QueuePolicy").values(), *of_type("AWS::S3::BucketPolicy").values()]
        for policy in policies:
            statement = policy["PolicyDocument"]["Statement"][0]
            self.assertEqual(statement["Effect"], "Deny")
            self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})


if __name__ == "__main__":
    unittest.main()
