"""The few AWS calls that the scripts make themselves, over plain HTTP: the local stack checks no signature."""

import json
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

from settings import REGION, STACK, Port


def stack_outputs(port: Port) -> dict:
    query = urllib.parse.urlencode({"Action": "DescribeStacks", "StackName": STACK, "Version": "2010-05-15"})
    request = urllib.request.Request(f"{port.url}/?{query}", headers=_headers("cloudformation"))
    with urllib.request.urlopen(request, timeout=30) as answer:
        tree = ElementTree.fromstring(answer.read())
    outputs = {}
    for output in tree.iter():
        if output.tag.endswith("}OutputKey") or output.tag == "OutputKey":
            key = output.text
        elif output.tag.endswith("}OutputValue") or output.tag == "OutputValue":
            outputs[key] = output.text or ""
    return outputs


def function_environment(port: Port, function: str) -> dict:
    request = urllib.request.Request(
        f"{port.url}/2015-03-31/functions/{function}/configuration", headers=_headers("lambda")
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["Environment"]["Variables"]


def set_variable(port: Port, function: str, name: str, value: str) -> None:
    """One variable of a function's environment; the others stay."""
    variables = {**function_environment(port, function), name: value}
    request = urllib.request.Request(
        f"{port.url}/2015-03-31/functions/{function}/configuration",
        data=json.dumps({"Environment": {"Variables": variables}}).encode(),
        headers={**_headers("lambda"), "Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def start_function(port: Port, function: str) -> None:
    """Invokes it and waits for nothing."""
    request = urllib.request.Request(
        f"{port.url}/2015-03-31/functions/{function}/invocations",
        data=b"{}",
        headers={**_headers("lambda"), "X-Amz-Invocation-Type": "Event"},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def log_lines(port: Port, group: str, since_ms: int) -> list:
    """(time in ms, line), oldest first."""
    events, token = [], None
    while True:
        body = {"logGroupName": group, "startTime": since_ms, **({"nextToken": token} if token else {})}
        page = _json_call(port, "logs", "Logs_20140328.FilterLogEvents", body)
        events += [(event["timestamp"], event["message"].rstrip("\n")) for event in page.get("events", [])]
        token = page.get("nextToken")
        if not token:
            return sorted(events, key=lambda event: event[0])


def _json_call(port: Port, service: str, operation: str, body: dict) -> dict:
    request = urllib.request.Request(
        port.url,
        data=json.dumps(body).encode(),
        headers={**_headers(service), "X-Amz-Target": operation, "Content-Type": "application/x-amz-json-1.1"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _headers(service: str) -> dict:
    # The scope names the service, by which the local AWS finds whom to ask.
    scope = f"test/20260101/{REGION}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
