"""One event through the real binary, under the runtime interface emulator that AWS's own images use.

    invoke.py events/sync/create-contact.json [sync|bulk|redrive|authorize|admin|ingest|webhook|apply|poll]
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from pathlib import Path

import aws
import processes
import stack
from settings import CREDENTIALS, FUNCTION_TIMEOUT_S, ROOT, STAGE
from settings import Failure, Port, binaries, load_running, say

# Whose queue an event comes from tells whose event it is.
FUNCTION_OF_QUEUE = {"changes.fifo": "sync", "bulk.fifo": "bulk", "dead-letter.fifo": "redrive", "inbound.fifo": "apply", "poll.fifo": "poll"}
# And the route of a web request tells it too.
FUNCTION_OF_ROUTE = {
    "GET /oauth/callback": "authorize",
    "POST /webhooks/{org}/{connection}": "webhook",
    "POST /webhooks/{org}/{connection}/{word}": "webhook",
    **{f"{method} /orgs/{{org}}": "admin" for method in ("GET", "PUT", "DELETE")},
    **{f"POST {path}": "ingest" for path in ("/events", "/orgs/{org}/events")},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("event", type=Path)
    parser.add_argument("function", nargs="?", choices=sorted({*FUNCTION_OF_QUEUE.values(), *FUNCTION_OF_ROUTE.values()}))
    chosen = parser.parse_args()
    try:
        event = _read(chosen.event)
        return invoke(chosen.function or function_of(event), event)
    except Failure as failure:
        say(f"error: {failure}")
        return 1


def function_of(event: dict) -> str:
    if event.get("routeKey") in FUNCTION_OF_ROUTE:
        return FUNCTION_OF_ROUTE[event["routeKey"]]
    if event.get("eventSource") in ("aws:kafka", "SelfManagedKafka") or "detail-type" in event:
        return "ingest"
    # As the template's rule hands a CRM's events over.
    if {"org_id", "connection", "event"} <= event.keys():
        return "webhook"
    try:
        arn = event["Records"][0]["eventSourceARN"]
        return next(name for suffix, name in FUNCTION_OF_QUEUE.items() if arn.endswith(suffix))
    except (LookupError, TypeError, StopIteration):
        raise Failure("nothing in it tells whose it is: FUNCTION=sync|bulk|redrive|authorize|admin|ingest|webhook|apply|poll") from None


def invoke(function: str, event: dict) -> int:
    settings = load_running("local")
    if not processes.running(settings, stack.AWS):
        stack.end_in_order()
        settings = stack.up_and_stay("local")
    name = f"rtr-{STAGE}-{function}"
    port = _free_port()
    with tempfile.TemporaryFile() as output:
        emulator = subprocess.Popen(
            [str(_emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port.number}"]
            + ["--runtime-api-address", f"127.0.0.1:{_free_port().number}", str(binaries() / function)],
            env=_environment(settings, name),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            answer = _post(port, event)
        finally:
            processes.end_group(emulator.pid)
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace"))
    print(json.dumps(answer, indent=2))
    return 1 if isinstance(answer, dict) and "errorType" in answer else 0


def _environment(settings, name: str) -> dict:
    return {
        "PATH": os.environ["PATH"],
        **CREDENTIALS,
        **aws.function_environment(settings.aws, name),
        "AWS_ENDPOINT_URL": settings.counter.url,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(FUNCTION_TIMEOUT_S),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    }


def _post(port: Port, event: dict):
    url = f"{port.url}/2015-03-31/functions/function/invocations"
    request = urllib.request.Request(url, data=json.dumps(event).encode())
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(request, timeout=FUNCTION_TIMEOUT_S + 5) as answer:
                text = answer.read().decode()
        except ConnectionRefusedError:
            text = None
        except OSError as error:
            # Only one that never reached the emulator is tried again: an event is not to be handled twice.
            if not isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                raise Failure(f"the emulator did not answer: {error}") from None
            text = None
        if text is not None:
            try:
                return json.loads(text)
            except ValueError:
                raise Failure(f"the function answered: {text}") from None
        if time.monotonic() > deadline:
            raise Failure("the runtime interface emulator did not start")
        time.sleep(0.02)


def _emulator() -> Path:
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(os.uname().machine, "x86_64")
    if sys.platform != "linux":
        raise Failure("the runtime interface emulator is a Linux program: send the event to the queue instead")
    return Path(sysconfig.get_path("purelib")) / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def _read(path: Path) -> dict:
    try:
        return json.loads((ROOT / path).read_text())
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}") from None


def _free_port() -> Port:
    return Port(processes.free_port(), "", chosen=False)


if __name__ == "__main__":
    sys.exit(main())
