"""New versions on their way to rtr-sync, oldest first.

Yours is a table that is written together with the record, in one transaction (docs/producers.md): this one forgets with the
process.
"""

import hashlib
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque

PAUSE_S = 0.5  # until what could not be handed in is tried again
NEVER = (400, 403, 413, 415)  # what the ingest API answers to an event that it will not take at any time


class Outbox:
    def __init__(self, publish=None):
        self.publish = publish  # takes an event; gives why it will never be taken; raises OSError when it may be later
        self.waiting = deque()
        self.handed_in = 0

    def put(self, event: dict) -> None:
        self.waiting.append(event)

    def run(self) -> None:
        while True:
            if not (self.waiting and self.publish and self.relay_once()):
                time.sleep(PAUSE_S if self.waiting else 0.02)

    def relay_once(self) -> bool:
        """Whether the oldest is done with. One that comes twice, after a crash here, changes nothing the second time."""
        event = self.waiting[0]
        name = f"{event['record_type']} {event['record_id']} version {event['version']}"
        try:
            never = self.publish(event)
        except (OSError, ValueError, KeyError) as error:
            say(f"not handed in yet: {name}: {type(error).__name__}: {error}")
            return False
        if never:
            say(f"NEVER taken: {name}: {never}")
        else:
            self.handed_in += 1
        self.waiting.popleft()
        return True


def to_ingest(url: str, token: str):
    """Hands events in to `POST …/orgs/ORG/events` with the org's own secret (docs/ingest.md)."""
    base = re.sub("/events$", "", url.rstrip("/"))

    def publish(event: dict):
        org = urllib.parse.quote(event["org_id"], safe="")
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        request = urllib.request.Request(f"{base}/orgs/{org}/events", json.dumps(event).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                result = json.load(answer)["results"][0]
        except urllib.error.HTTPError as error:
            if error.code in NEVER:
                return f"{error.code} {error.read(500).decode(errors='replace')}"
            raise
        if result["status"] in NEVER:
            return f"{result.get('code')} {result.get('field')}: {result.get('message')}"
        if result["status"] != 200:
            raise OSError(f"status {result['status']}")

    return publish


def to_queue(url: str):
    """Sends to changes.fifo itself, of the local stack, which asks for no signature; yours goes by boto3's send_message."""
    place = urllib.parse.urlsplit(url)

    def publish(event: dict):
        record = f"{event['org_id']}#{event['record_type']}#{event['record_id']}"
        message = {
            "QueueUrl": url,
            "MessageBody": json.dumps(event),
            "MessageGroupId": sqs_id(record),  # order within a record, and none beyond it
            "MessageDeduplicationId": sqs_id(f"{record}#{event['version']}"),
        }
        headers = {
            "x-amz-target": "AmazonSQS.SendMessage",
            "content-type": "application/x-amz-json-1.0",
            "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
        }
        request = urllib.request.Request(f"{place.scheme}://{place.netloc}/", json.dumps(message).encode(), headers)
        urllib.request.urlopen(request, timeout=10).close()

    return publish


def sqs_id(text: str) -> str:
    """What SQS takes for an id: printable ASCII of 128 characters at most, or a digest."""
    plain = re.fullmatch("[!-~]{1,128}", text)
    return text if plain else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
