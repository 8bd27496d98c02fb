"""What template.yaml promises and no local AWS enforces: the local one accepts and ignores most of this."""

import json
import re
import sys
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra" / "local"))

import deploy  # noqa: E402

# The life of a request at a CRM: a crashed worker's message must come back later than that.
LONGEST_REQUEST_S = 60
ONE_DAY_S = 24 * 3600
FOURTEEN_DAYS_S = 14 * ONE_DAY_S
# What holds nothing of a customer's, nor anything that is not made again.
WITHOUT_DATA = ("BulkQueue", "PollQueue",)


class Loader(yaml.SafeLoader):
    """Reads !Ref and the like as what they are short for."""


def _intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _intrinsic)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)
RESOURCES = TEMPLATE["Resources"]
DEFAULTS = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()}


def of_type(kind: str) -> dict:
    found = {name: item["Properties"] for name, item in RESOURCES.items() if item["Type"] == kind}
    assert found, f"no {kind} in the template"
    return found


def number(value, parameters: dict) -> int:
    return int(parameters[value["Ref"]] if isinstance(value, dict) else value)


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


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

    def test_the_sweep_runs_every_minute_and_may_change_nothing(self):
        properties = RESOURCES["SweepFunction"]["Properties"]
        self.assertEqual(properties["Events"]["EveryMinute"]["Properties"]["Schedule"], "rate(1 minute)")
        # It keeps 8 s back. A schedule is late by some seconds, and a start may be cold.
        self.assertGreaterEqual(properties["Timeout"] - 8, 60 + 15)
        statements = RESOURCES["SweepRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        actions = [action for statement in statements for action in as_list(statement["Action"])]
        self.assertEqual({a for a in actions if not a.startswith("logs:")}, {"dynamodb:Query", "dynamodb:BatchGetItem", "sqs:SendMessage"})

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

    def test_internal_systems_behind_aws_are_reached_only_where_they_are_named(self):
        policy = RESOURCES["ApplyTargetsPolicy"]
        self.assertEqual(policy["Condition"], "HasInboundTargets")
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual(statement["Resource"], {"Ref": "InboundTargetArns"})
        self.assertEqual(policy["Properties"]["Roles"], [{"Ref": "ApplyRole"}])

    def test_the_functions_are_told_the_times_that_the_queue_and_lambda_were_told(self):
        variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual(variables["RTR_FUNCTION_TIMEOUT_S"], TEMPLATE["Globals"]["Function"]["Timeout"])
        for queue in ("ChangesQueue", "BulkQueue", "InboundQueue", "PollQueue"):
            self.assertEqual(variables["RTR_VISIBILITY_S"], RESOURCES[queue]["Properties"]["VisibilityTimeout"])
        for function in ("SyncFunction", "BulkFunction", "ApplyFunction", "PollFunction"):
            self.assertNotIn("Timeout", RESOURCES[function]["Properties"])


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


class Permissions(unittest.TestCase):
    def test_roles_allow_named_actions_on_named_resources(self):
        for name, role in of_type("AWS::IAM::Role").items():
            self.assertNotIn("ManagedPolicyArns", role)
            for policy in role["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    with self.subTest(role=name, statement=statement["Sid"]):
                        for action in as_list(statement["Action"]):
                            self.assertRegex(action, r"^[a-z0-9]+:[A-Za-z]+$")
                        for resource in as_list(statement["Resource"]):
                            self.assertIsInstance(resource, dict, "not the ARN of a resource of this stack")
                            text = str(resource.get("Fn::Sub", ""))
                            self.assertTrue("*" not in text or text.endswith(("/*", "/*/ingest-??????")), text)

    def test_only_who_calls_crms_or_verifies_their_calls_reads_secrets_and_only_those_of_its_stage(self):
        reading = {
            name: statement["Resource"]
            for name, role in of_type("AWS::IAM::Role").items()
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if any(action.startswith("secretsmanager:") for action in as_list(statement["Action"]))
        }
        # ingest sees no CRM's secret, only the one kind by which orgs hand in events.
        self.assertTrue(reading.pop("IngestRole")["Fn::Sub"].endswith(":secret:rtr/${Stage}/*/ingest-??????"))
        self.assertEqual(list(reading), ["SyncRole", "BulkRole", "AuthorizeRole", "WebhookRole", "ApplyRole", "PollRole"])
        for name, resource in reading.items():
            with self.subTest(name):
                self.assertTrue(resource["Fn::Sub"].endswith(":secret:rtr/${Stage}/*"))

    def test_only_authorize_makes_secrets_and_it_sees_no_customers_data(self):
        allowed = {
            name: {
                action
                for policy in role["Policies"]
                for statement in policy["PolicyDocument"]["Statement"]
                for action in as_list(statement["Action"])
            }
            for name, role in of_type("AWS::IAM::Role").items()
        }
        making = [name for name, actions in allowed.items() if "secretsmanager:CreateSecret" in actions]
        self.assertEqual(making, ["AuthorizeRole"])
        self.assertFalse([action for action in allowed["AuthorizeRole"] if action.startswith(("sqs:", "s3:"))])
        statements = RESOURCES["AuthorizeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        self.assertFalse([s for s in statements if s["Resource"] == {"Fn::GetAtt": ["RecordsTable", "Arn"]}])

    def test_bulk_may_touch_what_sync_may_and_read_what_is_parked(self):
        def allowed(role: str) -> set:
            statements = RESOURCES[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
            return {
                (action, str(resource))
                for statement in statements
                for action in as_list(statement["Action"])
                for resource in as_list(statement["Resource"])
                if not action.startswith(("sqs:", "logs:"))
            }

        more = {"dynamodb:Query": {"Fn::Sub": "${RecordsTable.Arn}/index/parked"}}
        self.assertEqual(allowed("BulkRole") - allowed("SyncRole"), {(action, str(arn)) for action, arn in more.items()})
        self.assertEqual(allowed("SyncRole") - allowed("BulkRole"), set())

    def test_a_body_that_is_gone_can_be_told_from_one_that_may_not_be_read(self):
        for name, role in of_type("AWS::IAM::Role").items():
            statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
            if any("s3:GetObject" in as_list(statement["Action"]) for statement in statements):
                with self.subTest(name):
                    self.assertTrue(any("s3:ListBucket" in as_list(statement["Action"]) for statement in statements))


class Web(unittest.TestCase):
    def test_browsers_reach_one_route_of_one_function_at_a_bounded_rate(self):
        open_to_all = {
            (route["ApiId"]["Ref"], route["RouteKey"])
            for route in of_type("AWS::ApiGatewayV2::Route").values()
            if route.get("AuthorizationType", "NONE") == "NONE"
        }
        # The others ask for an org's secret, or for a CRM's signature.
        hooks = {("WebhookApi", f"POST /webhooks/{{org}}/{{connection}}{word}") for word in ("", "/{word}")}
        self.assertEqual(open_to_all, {("WebApi", "GET /oauth/callback"), ("IngestApi", "POST /orgs/{org}/events"), *hooks})
        for stage in of_type("AWS::ApiGatewayV2::Stage").values():
            limit = {"WebApi": 10, "AdminApi": 50, "IngestApi": 1000, "WebhookApi": 500}[stage["ApiId"]["Ref"]]
            self.assertLessEqual(stage["DefaultRouteSettings"]["ThrottlingRateLimit"], limit)
        permission = RESOURCES["AuthorizePermission"]["Properties"]
        self.assertTrue(permission["SourceArn"]["Fn::Sub"].endswith("${WebApi}/*/GET/oauth/callback"))
        self.assertTrue(TEMPLATE["Outputs"]["AuthorizeUrl"]["Value"]["Fn::Sub"].endswith("/oauth/callback"))


    def test_orgs_are_for_who_may_sign_and_the_function_sees_configuration_alone(self):
        admin = [r for r in of_type("AWS::ApiGatewayV2::Route").values() if r["ApiId"]["Ref"] == "AdminApi"]
        self.assertEqual({route["AuthorizationType"] for route in admin}, {"AWS_IAM"})
        self.assertEqual({route["RouteKey"] for route in admin}, {f"{m} /orgs/{{org}}" for m in ("GET", "PUT", "DELETE")})
        statements = RESOURCES["AdminRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        tables = {str(s["Resource"]) for s in statements if any(a.startswith("dynamodb:") for a in as_list(s["Action"]))}
        self.assertEqual(tables, {str({"Fn::GetAtt": ["ConfigTable", "Arn"]})})
        self.assertFalse([a for s in statements for a in as_list(s["Action"]) if not a.startswith(("dynamodb:", "logs:"))])

    def test_what_crms_push_is_read_verified_and_sent_on_and_nothing_else(self):
        statements = RESOURCES["WebhookRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        actions = {(action, str(s["Resource"])) for s in statements for action in as_list(s["Action"])}
        table = {name: str({"Fn::GetAtt": [name, "Arn"]}) for name in ("ConfigTable", "LimitsTable", "InboundQueue", "WebhookLogs")}
        secrets = next(resource for action, resource in actions if action == "secretsmanager:GetSecretValue")
        self.assertEqual(
            actions,
            {
                ("sqs:SendMessage", table["InboundQueue"]),
                *((f"dynamodb:{action}", table["ConfigTable"]) for action in ("GetItem", "BatchGetItem", "Query")),
                ("dynamodb:GetItem", table["LimitsTable"]),
                ("secretsmanager:GetSecretValue", secrets),
                *((f"logs:{action}", table["WebhookLogs"]) for action in ("CreateLogStream", "PutLogEvents")),
            },
        )
        variables = RESOURCES["WebhookFunction"]["Properties"]["Environment"]["Variables"]
        # What is signed is what people entered, and they enter what the output says.
        self.assertEqual(variables["RTR_WEBHOOK_URL"], TEMPLATE["Outputs"]["WebhookUrl"]["Value"])
        self.assertLess(int(variables["RTR_WEBHOOK_BUDGET_MS"]["Fn::If"][2]), 500)
        permission = RESOURCES["WebhookPermission"]["Properties"]
        self.assertTrue(permission["SourceArn"]["Fn::Sub"].endswith("${WebhookApi}/*/POST/webhooks/*"))
        # A secret may stand in the path.
        self.assertNotIn("AccessLogSettings", RESOURCES["WebhookStage"]["Properties"])

    def test_salesforces_events_come_only_where_a_bus_is_named_and_for_the_connection_that_is(self):
        for name in ("SalesforceEvents", "SalesforceEventsPermission"):
            self.assertEqual(RESOURCES[name]["Condition"], "HasSalesforceEvents")
        target = RESOURCES["SalesforceEvents"]["Properties"]["Targets"][0]
        filled = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
        for name, value in (("Org", "acme"), ("Connection", "salesforce")):
            filled = filled.replace(f"${{SalesforceEvent{name}}}", value)
        event = json.loads(filled.replace("<aws.events.event.json>", "{}"))
        self.assertEqual(event, {"org_id": "acme", "connection": "salesforce", "event": {}})
        for name in ("SalesforceEventOrg", "SalesforceEventConnection"):
            pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
            for text, fits in (("100 % ü", True), ('a"b', False), ("a\\b", False), ("<a>", False)):
                self.assertEqual(bool(re.fullmatch(pattern, text)), fits, text)


class Ingest(unittest.TestCase):
    def test_events_of_any_org_are_for_who_may_sign_and_each_route_has_a_rate_of_its_own(self):
        routes = {
            route["RouteKey"]: route.get("AuthorizationType", "NONE")
            for route in of_type("AWS::ApiGatewayV2::Route").values()
            if route["ApiId"]["Ref"] == "IngestApi"
        }
        self.assertEqual(routes, {"POST /events": "AWS_IAM", "POST /orgs/{org}/events": "NONE"})
        self.assertEqual(set(RESOURCES["IngestStage"]["Properties"]["RouteSettings"]), set(routes))
        self.assertTrue(TEMPLATE["Outputs"]["IngestUrl"]["Value"]["Fn::Sub"].endswith("/events"))

    def test_the_function_answers_before_api_gateway_gives_up_and_may_only_send(self):
        self.assertLess(RESOURCES["IngestFunction"]["Properties"]["Timeout"], 30)
        statements = RESOURCES["IngestRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        actions = {action for statement in statements for action in as_list(statement["Action"]) if not action.startswith("logs:")}
        expected = "sqs:SendMessage dynamodb:GetItem dynamodb:UpdateItem secretsmanager:GetSecretValue s3:PutObject s3:ListBucket"
        self.assertEqual(actions, set(expected.split()))
        tables = {str(s["Resource"]) for s in statements if any(a.startswith("dynamodb:") for a in as_list(s["Action"]))}
        self.assertEqual(tables, {str({"Fn::GetAtt": ["LimitsTable", "Arn"]})})

    def test_records_of_kafka_are_given_back_one_by_one_which_only_provisioned_pollers_do(self):
        for name in ("IngestKafka", "IngestKafkaPolicy"):
            self.assertEqual(RESOURCES[name]["Condition"], "HasKafka")
        mapping = RESOURCES["IngestKafka"]["Properties"]
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertGreaterEqual(mapping["ProvisionedPollerConfig"]["MinimumPollers"], 1)

    def test_an_event_of_the_bus_that_was_given_up_is_kept_and_our_own_are_not_taken_for_changes(self):
        self.assertEqual(RESOURCES["IngestRule"]["Properties"]["EventPattern"], {"source": ["rtr.changes"]})
        retries = RESOURCES["IngestRetries"]["Properties"]
        self.assertEqual(retries["DestinationConfig"]["OnFailure"]["Destination"], {"Fn::GetAtt": ["PayloadBucket", "Arn"]})
        self.assertEqual((retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]), (2, 21600))


class Contract(unittest.TestCase):
    def test_parameters_and_outputs_that_people_build_on_are_there(self):
        parameters = (
            "Stage GroupBuckets StrictOrgs PayloadRetentionDays LogRetentionDays MaximumConcurrency BulkConcurrency "
            "AllowedHosts IngestPerOrgRps ApplyConcurrency PollConcurrency InboundTargetArns WebhookDomain SalesforceEventBus SalesforceEventOrg SalesforceEventConnection"
        )
        outputs = (
            "ChangesQueueUrl ChangesQueueArn BulkQueueUrl InboundQueueUrl DeadLetterQueueUrl RecordsTableName LimitsTableName ConfigTableName "
            "PayloadBucketName SyncFunctionName BulkFunctionName RedriveFunctionName SweepFunctionName "
            "AuthorizeFunctionName AuthorizeUrl AdminFunctionName AdminUrl IngestFunctionName IngestUrl EventBusName "
            "WebhookFunctionName WebhookUrl PollQueueUrl ApplyFunctionName PollFunctionName"
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
