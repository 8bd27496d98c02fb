"""What people may do: the managed policies, against the requests that `rtr` makes and against what an item holds."""

import json
import re
import unittest

from template import ROOT, RESOURCES, actions, arn, as_list, kinds_of_limits, may, of_type, statements

VIEWER, SUPPORT, OPERATOR = "ViewerPolicy", "SupportPolicy", "OperatorPolicy"
RECORDS, LIMITS, CONFIG = (arn(f"{name}Table") for name in ("Records", "Limits", "Config"))
INDEXES = {"Fn::Sub": "${RecordsTable.Arn}/index/*"}
LANES = {"Fn::Sub": "${LimitsTable.Arn}/index/lanes"}
CONFIGS = ROOT / "shared" / "aws" / "src" / "config"

# What a request of the SDK's asks to be allowed, wherever the command makes it.
ASKS = {
    "batch_execute_statement": {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "create_secret": {"secretsmanager:CreateSecret"},
    "delete_item": {"dynamodb:DeleteItem"},
    "delete_object": {"s3:DeleteObject"},
    "describe_stacks": {"cloudformation:DescribeStacks"},
    "describe_table": {"dynamodb:DescribeTable"},
    "get_item": {"dynamodb:GetItem"},
    "get_object": {"s3:GetObject"},
    "get_queue_attributes": {"sqs:GetQueueAttributes"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
    "head_object": {"s3:GetObject"},
    "put_item": {"dynamodb:PutItem"},
    "put_object": {"s3:PutObject"},
    "put_secret_value": {"secretsmanager:PutSecretValue"},
    "query": {"dynamodb:Query"},
    "scan": {"dynamodb:Scan"},
    "send_message_batch": {"sqs:SendMessage"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "update_item": {"dynamodb:UpdateItem"},
    # Of the service itself: everybody may ask who he is.
    "get_caller_identity": set(),
}
# Requests that functions alone make: they take messages, deliver to the internal system, and tell the bus.
FUNCTIONS_OWN = {"delete_message_batch", "change_message_visibility_batch", "send_message", "put_events", "invoke"}
# A request of the SDK's: a builder of that name, of a client.
REQUEST = re.compile(
    r"\.((?:get|put|update|delete|batch|transact|send|describe|create|head|list|change|purge|execute|receive|invoke)_\w+|query|scan|invoke)\(\)"
)
# Requests that the command signs itself, by their names in AWS.
SIGNED = re.compile(r'question\(\s*"(\w+)"')
SIGNED_OF = {"events.rs": "events", "lambda.rs": "lambda"}

# What a viewer does not see of an item, and why.
HIDDEN = {
    "slot": "the data, and the CRM's words",
    "sent": "digests of values",
    "base": "digests of values",
    "applied_hash": "a digest of values",
    "shadow": "a digest of values",
    "intent": "the value that was matched by",
    "by": "of no use: the hand that wrote it",
    "crashes": "of no use",
}


def documents(*policies: str) -> list:
    return [statement for policy in policies for statement in statements(policy)]


def allowed(action: str, resource, *policies: str) -> list:
    """The statements that allow it."""
    return [
        statement
        for statement in documents(*policies)
        if action in as_list(statement["Action"]) and (resource is None or resource in as_list(statement["Resource"]))
    ]


# They ask the command line what it takes, by methods that are called alike; tests among them.
OF_THE_COMMAND_LINE = {"examples.rs", "main.rs", "reference.rs", "tests.rs"}


def sources(*folders: str):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if path.name in OF_THE_COMMAND_LINE:
                continue
            yield path, path.read_text().split("#[cfg(test)]")[0]


class Requests(unittest.TestCase):
    def test_whatever_the_command_asks_of_aws_the_operator_may(self):
        seen = {}
        for path, text in sources("cli/src", "shared/aws/src"):
            for request in REQUEST.findall(text):
                seen.setdefault(request, path.relative_to(ROOT))
        # It would not be the sources that were read, otherwise.
        self.assertLessEqual({"query", "batch_get_item", "send_message_batch", "describe_stacks"}, set(seen))
        for request in sorted(set(seen) - FUNCTIONS_OWN):
            with self.subTest(f"{request} in {seen[request]}"):
                self.assertIn(request, ASKS, "say in ASKS what it asks to be allowed")
                for action in ASKS[request]:
                    self.assertTrue(allowed(action, None, VIEWER, SUPPORT, OPERATOR), action)

    def test_what_only_functions_ask_the_command_does_not(self):
        asked = {request for _, text in sources("cli/src") for request in REQUEST.findall(text)}
        self.assertFalse(asked & FUNCTIONS_OWN)

    def test_whatever_it_signs_itself_the_viewer_may(self):
        signed = {
            f"{SIGNED_OF[path.name]}:{name}"
            for path, text in sources("cli/src/aws")
            if path.name in SIGNED_OF
            for name in SIGNED.findall(text)
        }
        self.assertLessEqual({"lambda:GetFunctionConfiguration", "events:DescribeRule"}, signed)
        for action in signed:
            self.assertTrue(allowed(action, None, VIEWER), action)

    def test_each_table_is_open_for_what_is_asked_of_it(self):
        everyone = (VIEWER, SUPPORT, OPERATOR)
        wanted = (
            (VIEWER, RECORDS, "DescribeTable"),
            (VIEWER, INDEXES, "Query Scan"),
            (VIEWER, LANES, "Query"),
            (VIEWER, LIMITS, "GetItem DescribeTable"),
            (VIEWER, CONFIG, "GetItem Query Scan DescribeTable"),
            (SUPPORT, RECORDS, "BatchGetItem GetItem Query PartiQLUpdate"),
            (OPERATOR, RECORDS, "Scan PartiQLInsert PutItem UpdateItem DeleteItem"),
            (OPERATOR, LIMITS, "GetItem PutItem UpdateItem DeleteItem"),
            (OPERATOR, CONFIG, "GetItem PutItem UpdateItem"),
        )
        for role, resource, verbs in wanted:
            up_to = everyone[: everyone.index(role) + 1]
            for verb in verbs.split():
                with self.subTest(role=role, resource=resource, verb=verb):
                    free = [s for s in allowed(f"dynamodb:{verb}", resource, *up_to) if "Condition" not in s]
                    limited = resource == LIMITS and role == VIEWER
                    self.assertTrue(free or limited and allowed(f"dynamodb:{verb}", resource, VIEWER))


class Limits(unittest.TestCase):
    def test_a_viewer_reads_and_no_more_and_no_secret_and_no_body(self):
        reading = r"^[a-z]+:(Get|BatchGet|Describe|List|Query|Scan|FilterLogEvents|StartQuery)"
        for action in actions(VIEWER):
            self.assertRegex(action, reading)
            self.assertNotIn(action.split(":")[0], ("secretsmanager", "s3", "kms"))
        self.assertFalse([action for action in actions(SUPPORT) if action.startswith(("secretsmanager:", "kms:"))])

    def test_a_viewer_asks_for_named_attributes_of_items_and_never_for_data(self):
        (statement,) = allowed("dynamodb:BatchGetItem", RECORDS, VIEWER)
        self.assertEqual(as_list(statement["Resource"]), [RECORDS])
        self.assertEqual(statement["Condition"]["StringEquals"], {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"})
        shown = set(statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"])
        self.assertFalse(shown & set(HIDDEN))
        for verb in ("GetItem", "Query", "Scan", "PartiQLSelect"):
            self.assertIn(allowed(f"dynamodb:{verb}", RECORDS, VIEWER), ([statement], []))
        # The indexes hold keys, and of dead letters a summary: whole items cannot be had from them.
        for index in RESOURCES["RecordsTable"]["Properties"]["GlobalSecondaryIndexes"]:
            self.assertIn(index["Projection"].get("NonKeyAttributes", []), ([], ["dead_summary"]))
        # Whatever an item holds was thought of.
        folder = ROOT / "shared" / "aws" / "src" / "records"
        item, names = (folder / "item.rs").read_text(), (folder / "names.rs").read_text()
        held = {*re.findall(r'put\("(\w+)"', item), *re.findall(r'^const \w+: &str = "(\w+)";', names, re.MULTILINE)}
        self.assertIn("slot", held)
        self.assertEqual(held | {"pk", "sk", "rev"}, shown | set(HIDDEN))

    def test_a_viewer_sees_no_consent_under_way(self):
        (statement,) = allowed("dynamodb:GetItem", LIMITS, VIEWER)
        keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        kinds = set(kinds_of_limits().values())
        self.assertIn("consent", kinds)
        self.assertLessEqual({key.removesuffix("#*") for key in keys}, kinds - {"consent", "lock", "offers"})

    def test_support_has_it_told_that_a_backfill_has_ended_and_writes_no_other_row_of_the_limits_but_lanes(self):
        places = [path.relative_to(ROOT / "cli" / "src") for path, text in sources("cli/src") if "notices.raise(" in text]
        # Whose other commands raise is to be said here, and of the role that may run them.
        self.assertEqual({place.parts[:2] for place in places}, {("commands", "backfill")})
        kinds = kinds_of_limits()
        ended = f"{kinds['Notice']}#acme#hubspot#backfill.done"
        for roles in ((VIEWER, SUPPORT), (VIEWER, SUPPORT, OPERATOR)):
            self.assertTrue(may("dynamodb:UpdateItem", LIMITS, ended, *roles))
        self.assertFalse(may("dynamodb:UpdateItem", LIMITS, ended, VIEWER))
        for kind in kinds.values():
            row, verbs = f"{kind}#acme#hubspot", ("Put", "Update", "Delete")
            held = {verb for verb in verbs if may(f"dynamodb:{verb}Item", LIMITS, row, VIEWER, SUPPORT)}
            self.assertEqual(held, {kinds["Lane"]: {"Put"}, kinds["Notice"]: {"Update"}}.get(kind, set()), kind)

    def test_support_begins_no_pause_and_stores_no_configuration(self):
        names = (ROOT / "shared" / "core" / "src" / "config" / "apply.rs").read_text()
        everyones, audits = (re.search(rf'const {name}: &str = "(.+)";', names)[1] for name in ("GLOBAL_ORG", "AUDIT"))
        self.assertTrue(may("dynamodb:PutItem", CONFIG, audits, SUPPORT))
        for key in (everyones, "acme", f"{audits}#acme"):
            self.assertFalse(may("dynamodb:PutItem", CONFIG, key, VIEWER, SUPPORT), key)
        (audit,) = allowed("dynamodb:PutItem", CONFIG, VIEWER, SUPPORT)
        attributes = audit["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        self.assertEqual(attributes, ["pk", "sk", "entry"])
        # The lines that it writes are what the source writes, and where.
        text = (ROOT / "shared" / "aws" / "src" / "config" / "audit.rs").read_text()
        self.assertEqual(re.findall(r'\.item\("(\w+)", s\((?:(\w+)\))?', text), [("pk", "AUDIT"), ("sk", ""), ("entry", "text")])
        for verb in ("DeleteItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"):
            self.assertFalse(allowed(f"dynamodb:{verb}", CONFIG, VIEWER, SUPPORT))

    def test_support_ends_a_pause_by_a_mark_and_writes_nothing_else_beside_the_documents(self):
        (resume,) = allowed("dynamodb:UpdateItem", CONFIG, VIEWER, SUPPORT)
        (mark,) = re.findall(r'const OVER: &str = "(\w+)";', (CONFIGS / "pauses.rs").read_text())
        self.assertEqual(resume["Condition"], {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", mark]}})
        # No document, number or line of the log has an attribute of that name.
        written = {word for name in ("row", "store", "log") for word in re.findall(r'"(\w+)"', (CONFIGS / f"{name}.rs").read_text())}
        self.assertIn("revision", written)
        self.assertNotIn(mark, written)

    def test_nobody_takes_anything_out_of_the_configuration(self):
        for name in (*of_type("AWS::IAM::Role"), VIEWER, SUPPORT, OPERATOR):
            for verb in ("DeleteItem", "BatchWriteItem", "PartiQLDelete"):
                self.assertFalse(may(f"dynamodb:{verb}", CONFIG, "acme", name), name)
        for path in CONFIGS.glob("*.rs"):
            self.assertNotRegex(path.read_text(), r"delete_item|Delete::builder|DeleteRequest", path.name)

    def test_nothing_is_allowed_everywhere_but_what_has_no_resources_and_only_reads(self):
        for policy in (VIEWER, SUPPORT, OPERATOR):
            for statement in statements(policy):
                with self.subTest(policy=policy, statement=statement["Sid"]):
                    self.assertEqual(statement["Effect"], "Allow")
                    for action in as_list(statement["Action"]):
                        self.assertRegex(action, r"^[a-z0-9]+:[A-Za-z]+$")
                    if statement["Resource"] == "*":
                        self.assertEqual((policy, statement["Sid"]), (VIEWER, "Lists"))
                    for resource in as_list(statement["Resource"]):
                        self.assertTrue(resource == "*" or isinstance(resource, dict), "not the ARN of a resource of this stack")

    def test_secrets_are_the_operators_and_those_of_this_stage(self):
        (statement,) = [s for s in documents(VIEWER, SUPPORT, OPERATOR) if "secretsmanager:GetSecretValue" in as_list(s["Action"])]
        self.assertIn(statement, statements(OPERATOR))
        self.assertTrue(statement["Resource"]["Fn::Sub"].endswith(":secret:rtr/${Stage}/*"))
        self.assertNotIn("secretsmanager:DeleteSecret", actions(OPERATOR))

    def test_every_function_and_queue_can_be_looked_at(self):
        for kind, action in (
            ("AWS::Serverless::Function", "lambda:GetFunctionConfiguration"),
            ("AWS::SQS::Queue", "sqs:GetQueueAttributes"),
            ("AWS::Logs::LogGroup", "logs:FilterLogEvents"),
        ):
            (statement,) = allowed(action, None, VIEWER)
            self.assertCountEqual(statement["Resource"], [arn(name) for name in of_type(kind)])

    def test_each_is_small_enough_for_iam(self):
        for policy in (VIEWER, SUPPORT, OPERATOR):
            text = json.dumps(RESOURCES[policy]["Properties"]["PolicyDocument"], separators=(",", ":"))
            # An ARN of this stack has about 105 characters where the stage has all of its twenty.
            full = re.sub(r'\{"(?:Fn::GetAtt|Fn::Sub|Ref)":(?:\[[^\]]*\]|"[^"]*")\}', "x" * 105, text)
            self.assertLess(len(full), 6_144, policy)


class Documented(unittest.TestCase):
    def test_the_page_says_of_every_command_who_may_run_it(self):
        source = (ROOT / "cli" / "src" / "args.rs").read_text()
        body = source.split("pub(crate) enum Command {")[1].split("\n}")[0]
        commands = {name.lower() for name in re.findall(r"^    ([A-Z]\w+)[(,]", body, re.MULTILINE)}
        table = (ROOT / "docs" / "access.md").read_text().split("## Which commands")[1].split("\n## ")[0]
        self.assertEqual(commands, set(re.findall(r"`rtr ([a-z]+)", table)))


if __name__ == "__main__":
    unittest.main()
