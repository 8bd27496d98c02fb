"""What the functions may do."""

import re
import unittest

from template import RESOURCES, ROOT, actions, arn, as_list, kinds_of_limits, may, of_type, statements

ENGINE = ROOT / "shared" / "engine" / "src"
# Who calls CRMs, and so may find out that a connection is refused, or goes on again.
CALLERS = {"Sync", "Bulk", "Apply", "Poll"}
# Where notifications are raised, and whose functions come there.
RAISED = {
    "apply/mod.rs": {"Apply"},
    "bulk/age.rs": {"Bulk"},
    "bulk/drain.rs": {"Bulk"},
    "bulk/ingest/settling.rs": {"Bulk"},
    "credentials/mod.rs": {*CALLERS, "Authorize"},
    "credentials/refresh.rs": {*CALLERS, "Authorize"},
    "redrive.rs": {"Redrive"},
    "sync/mod.rs": {"Sync"},
    "work/connections.rs": CALLERS,
}
# A notice's key: its kind of row, org, connection, what it says.
NOTICE = f"{kinds_of_limits()['Notice']}#acme#hubspot#dead_letters.raised"


def engine(*but: str):
    """The engine's sources without their tests, and without those that begin with one of `but`."""
    for path in sorted(ENGINE.rglob("*.rs")):
        name = str(path.relative_to(ENGINE))
        if not name.startswith(but) and path.name != "tests.rs" and "tests" not in path.parts:
            yield name, path.read_text().split("#[cfg(test)]")[0]


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

    def test_internal_systems_behind_aws_are_reached_only_where_they_are_named(self):
        policy = RESOURCES["ApplyTargetsPolicy"]
        self.assertEqual(policy["Condition"], "HasInboundTargets")
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual(statement["Resource"], {"Ref": "InboundTargetArns"})
        self.assertEqual(policy["Properties"]["Roles"], [{"Ref": "ApplyRole"}])

    def test_the_sweep_reads_records_and_changes_none_and_keeps_what_it_told_beside_the_limits(self):
        own = {action for action in actions("SweepRole") if not action.startswith("logs:")}
        writes = {"dynamodb:GetItem", "dynamodb:UpdateItem"}
        reads = {"dynamodb:Query", "dynamodb:BatchGetItem"}
        self.assertEqual(own, {*reads, *writes, "sqs:SendMessage", "events:PutEvents"})
        for statement in statements("SweepRole"):
            if writes & set(as_list(statement["Action"])):
                self.assertEqual(statement["Resource"], arn("LimitsTable"))
        for action in writes:
            self.assertTrue(may(action, arn("LimitsTable"), NOTICE, "SweepRole"))
            if "events:PutEvents" in as_list(statement["Action"]):
                self.assertEqual(statement["Resource"], arn("EventBus"))
        variables = RESOURCES["SweepFunction"]["Properties"]["Environment"]["Variables"]
        self.assertEqual(variables, {"RTR_EVENT_BUS": {"Ref": "EventBus"}})

    def test_whoever_raises_a_notification_may_note_it(self):
        raising = {name for name, text in engine("notices.rs", "rehearsal", "seams") if re.search(r"\braise\(", text)}
        self.assertEqual(raising, set(RAISED), "say in RAISED whose functions come there")
        # Who has credentials renewed comes to `credentials`.
        renewing = {name for name, text in engine("credentials") if "ConnectionAuth" in text}
        self.assertEqual(renewing, {"authorize/trade.rs", "work/connections.rs"})
        for place, functions in RAISED.items():
            for function in functions:
                with self.subTest(function, raised_in=place):
                    self.assertTrue(may("dynamodb:UpdateItem", arn("LimitsTable"), NOTICE, f"{function}Role"))

    def test_who_calls_no_crm_writes_no_other_row_of_the_limits_than_notifications(self):
        others = [kind for kind in kinds_of_limits().values() if not NOTICE.startswith(f"{kind}#")]
        for role in ("RedriveRole", "SweepRole"):
            for kind in others:
                for verb in ("GetItem", "PutItem", "UpdateItem", "DeleteItem"):
                    with self.subTest(role, kind=kind, verb=verb):
                        self.assertFalse(may(f"dynamodb:{verb}", arn("LimitsTable"), f"{kind}#acme#hubspot", role))

    def test_who_calls_crms_may_keep_what_it_learns_beside_the_limits(self):
        for role in ("SyncRole", "BulkRole", "PollRole", "ApplyRole", "AuthorizeRole"):
            limits = [s for s in statements(role) if s["Resource"] == arn("LimitsTable")]
            allowed = {action for statement in limits for action in as_list(statement["Action"])}
            with self.subTest(role):
                self.assertLessEqual({f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update")}, allowed)

    def test_every_function_may_tell_of_its_traces_and_nothing_else_on_all_resources(self):
        policy = RESOURCES["TracePolicy"]["Properties"]
        self.assertCountEqual(policy["Roles"], [{"Ref": name} for name in of_type("AWS::IAM::Role")])
        self.assertEqual(actions("TracePolicy"), {"xray:PutTraceSegments", "xray:PutTelemetryRecords"})
        anywhere = [
            statement["Sid"]
            for name in of_type("AWS::IAM::Policy")
            for statement in statements(name)
            if statement["Resource"] == "*"
        ]
        self.assertEqual(sorted(anywhere), ["Network", "Trace"])


if __name__ == "__main__":
    unittest.main()
