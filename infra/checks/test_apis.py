"""What can be called from outside, and by whom."""

import unittest
import json
import re

from template import RESOURCES, TEMPLATE, as_list, of_type


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


if __name__ == "__main__":
    unittest.main()
