"""The relay: sends what lies in the outbox, oldest first, and forgets it once it is sent. One relay at a time."""

import hashlib
import json
import re

ENTRIES = 10  # of one SendMessageBatch


def sqs_id(text):
    plain = re.fullmatch(r"[!-~]{1,128}", text)
    return text if plain else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def message(position, body):
    event = json.loads(body)
    key = f'{event["org_id"]}#{event["record_type"]}#{event["record_id"]}'
    return {
        "Id": str(position),
        "MessageBody": body,
        "MessageGroupId": sqs_id(key),  # order within a record, and none beyond it
        "MessageDeduplicationId": sqs_id(f'{key}#{event["version"]}'),
    }


def relay_once(database, send):
    """Sends one batch; how many were sent. `send` takes messages and returns the Ids that SQS took: boto3's
    `lambda entries: [it["Id"] for it in sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Successful", [])]`.

    A crash before the DELETE sends the batch again: the same record at the same version, which changes nothing."""
    waiting = database.execute(
        "SELECT position, record_type, record_id, event FROM outbox ORDER BY position LIMIT 200").fetchall()
    batch, records = [], set()
    for position, record_type, record_id, event in waiting:
        # A record once in a batch: SQS may refuse single entries, and a later version must not pass an earlier one.
        if (record_type, record_id) not in records and len(batch) < ENTRIES:
            batch.append(message(position, event))
        records.add((record_type, record_id))
    if not batch:
        return 0
    sent = send(batch)
    with database:
        database.executemany("DELETE FROM outbox WHERE position = ?", [(int(position),) for position in sent])
    return len(sent)


def relay_all(database, send):
    while relay_once(database, send):
        pass
