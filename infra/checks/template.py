"""template.yaml as the checks read it."""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra" / "local"))


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
# What holds nothing of a customer's, nor anything that is not made again.
WITHOUT_DATA = ("BulkQueue", "PollQueue")


def of_type(kind: str) -> dict:
    found = {name: item["Properties"] for name, item in RESOURCES.items() if item["Type"] == kind}
    assert found, f"no {kind} in the template"
    return found


def number(value, parameters: dict = DEFAULTS):
    """A figure of the template, which may be a parameter's."""
    found = parameters[value["Ref"]] if isinstance(value, dict) else value
    return float(found) if "." in str(found) else int(found)


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def statements(name: str) -> list:
    """Of a role, or of a policy."""
    properties = RESOURCES[name]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])] or [properties["PolicyDocument"]]
    return [statement for document in documents for statement in document["Statement"]]


def actions(name: str) -> set:
    return {action for statement in statements(name) for action in as_list(statement["Action"])}


def may(action: str, resource, key: str, *names: str) -> bool:
    """Whether the roles or policies `names` together allow `action` on the row of a table whose partition key is `key`."""
    return any(
        action in as_list(statement["Action"]) and resource in as_list(statement["Resource"]) and _lets(statement, key)
        for name in names
        for statement in statements(name)
    )


def _lets(statement: dict, key: str) -> bool:
    """Whether what it says of partition keys, if anything, holds for `key`."""
    said = {how: by["dynamodb:LeadingKeys"] for how, by in statement.get("Condition", {}).items() if "dynamodb:LeadingKeys" in by}
    return all(LEADING_KEYS[how](key, as_list(keys)) for how, keys in said.items())


def _like(key: str, pattern: str) -> bool:
    """As IAM's StringLike has it: `*` for anything, `?` for one character."""
    parts = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(parts.get(one, re.escape(one)) for one in pattern), key, re.DOTALL))


# What a condition on partition keys may be, of a request for one row. Whatever it does not know raises: it is to be taught.
LEADING_KEYS = {
    "ForAllValues:StringEquals": lambda key, keys: key in keys,
    "ForAllValues:StringLike": lambda key, keys: any(_like(key, pattern) for pattern in keys),
}


def kinds_of_limits() -> dict:
    """What the keys of the limits table begin with, by the kind of row."""
    source = (ROOT / "shared" / "aws" / "src" / "limits" / "mod.rs").read_text()
    found = dict(re.findall(r'Self::(\w+) => "(\w+)"', source))
    assert {"Bucket", "Lane", "Notice"} <= set(found), found
    return found


def filled(text: str, values: dict) -> str:
    """What Fn::Sub makes of `text`; what `values` lacks stands by its name."""
    known = re.sub(r"\$\{([\w:.]+)\}", lambda found: values.get(found[1], found[1]), text)
    return known.replace("${!", "${")


def arn(name: str) -> dict:
    return {"Fn::GetAtt": [name, "Arn"]}
