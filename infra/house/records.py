"""The house's records: what its own user does with them, and what is brought from the CRMs.

A change makes a new version, and the event that tells of it, in one (docs/producers.md).
"""

import copy
import json
import re
import threading
import time
import uuid
from collections import OrderedDict, deque
from datetime import datetime, timezone

from outbox import Outbox
from signature import Unbelieved, verify

REMEMBERED = 100_000  # deliveries that are known when they come again


class Refused(Exception):
    """An answer that is no success: its status, and why."""

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status, self.why = status, why


class House:
    def __init__(self, org="acme", secrets=(), now=time.time):
        self.org, self.secrets, self.now = org, list(secrets), now
        self.outbox = Outbox()
        self.lock = threading.Lock()
        self.records = {}  # (type, id): {type, id, version, deleted, data, changed_at}
        self.known = {}  # (connection, type, external id): {id, version}, by which a record of a CRM's is known
        self.answers = OrderedDict()  # what was answered to a delivery, by its webhook-id
        self.deliveries = deque(maxlen=REMEMBERED)

    def deliver(self, headers, body: bytes):
        """What rtr-sync brings. Status and answer."""
        try:
            identity = verify(self.secrets, headers, body, self.now())
        except Unbelieved as unbelieved:
            raise Refused(401, str(unbelieved)) from None
        with self.lock:
            if identity in self.answers:
                return self.answers[identity]
            change = self._read(body)
            ended, status, answer = self._apply(change)
            told = {name: change.get(name) for name in ("connection", "external_id", "operation", "changed", "occurred_at")}
            record_id = answer.get("record_id") or change.get("record_id")
            self.deliveries.append({"id": identity, "at": iso(self.now()), "type": change["record_type"],
                                    "record_id": record_id, **told, "ended": ended, "status": status})
            self.answers[identity] = (status, answer)
            if len(self.answers) > REMEMBERED:
                self.answers.popitem(last=False)
            return status, answer

    def _read(self, body: bytes) -> dict:
        try:
            change = json.loads(body)
            instant(change.get("occurred_at"))
            is_good = isinstance(change["record_type"], str) and isinstance(change.get("data") or {}, dict)
            if is_good and change["org_id"] == self.org:
                return change
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise Refused(400, f"the body is no change of a record of {self.org}")

    def _apply(self, change: dict):
        """How it ended, status, answer."""
        kind, data, deleted = change["record_type"], change.get("data") or {}, change.get("operation") == "deleted"
        crm = (change.get("connection"), kind, change.get("external_id"))
        seen = self.known.get(crm, {})
        record = self._find(kind, change.get("record_id") or seen.get("id"), data)
        if record is None and (deleted or change.get("record_id")):
            # 410: nothing is to be done here, and it need not come again.
            return "unknown", 410, {"error": "there is no such record"}
        if record is not None and record["deleted"]:
            return "gone", 410, {"error": "the record was deleted here"}
        version = change.get("version") or 0
        if record is not None and seen.get("id") == record["id"] and version <= seen["version"]:
            return "old", 200, answer(record)
        at = instant(change.get("occurred_at"))
        if record is not None and at is not None:
            clash = next((path for path, value in leaves(data) if is_newer(record, path, value, at)), None)
            if clash:
                return "conflict", 409, {"error": "it was changed here after that", "field": ".".join(clash)}
        is_new = record is None
        if is_new:
            record = self._make(kind, str(uuid.uuid4()))
        has_changed = self._change(record, data, deleted, self.now() if at is None else at)
        self.known[crm] = {"id": record["id"], "version": version}
        ended = "created" if is_new else "deleted" if deleted else "changed" if has_changed else "unchanged"
        return ended, 201 if is_new else 200, answer(record)

    def _find(self, kind: str, identity, data: dict):
        """The record that is meant. One that the CRM does not know as ours may be ours all the same, by its address."""
        if identity:
            return self.records.get((kind, identity))
        address = address_of(data)
        ours = (one for one in self.records.values() if one["type"] == kind and not one["deleted"])
        return next((one for one in ours if address and address_of(one["data"]) == address), None)

    def edit(self, kind: str, identity: str, data, deleted=False):
        """What the house's own user does. Status and answer."""
        if not isinstance(data, dict):
            raise Refused(400, "the body is no object of fields")
        with self.lock:
            record = self.records.get((kind, identity))
            if record is None and deleted:
                raise Refused(404, "there is no such record")
            status = 201 if record is None else 200
            record = record or self._make(kind, identity)
            self._change(record, data, deleted, self.now())
            return status, view(record)

    def _make(self, kind: str, identity: str) -> dict:
        # A version is a counter. It begins at the time, so that a house that has forgotten all goes on above what it told
        # before; yours is kept in your database.
        record = {"type": kind, "id": identity, "version": int(self.now()), "deleted": False, "data": {}, "changed_at": {}}
        self.records[kind, identity] = record
        return record

    def _change(self, record: dict, data: dict, deleted: bool, at: float) -> bool:
        """A new version and its event, in one, if there is anything to change."""
        before = copy.deepcopy((record["data"], record["deleted"]))
        merge(record["data"], data)
        record["deleted"] = deleted
        if before == (record["data"], deleted) and before[0]:
            return False
        old = dict(leaves(before[0]))
        changed = {path: at for path, value in leaves(record["data"]) if old.get(path, ...) != value}
        record["changed_at"].update(changed)
        record["version"] += 1
        event = {"org_id": self.org, "record_type": record["type"], "record_id": record["id"],
                 "version": record["version"], "operation": "deleted" if deleted else "upsert", "occurred_at": iso(at)}
        self.outbox.put(event if deleted else {**event, "data": copy.deepcopy(record["data"])})
        return True

    def look(self, kind=None, identity=None):
        with self.lock:
            chosen = [view(one) for (of, name), one in self.records.items()
                      if kind in (None, of) and identity in (None, name)]
        if identity is None:
            return 200, chosen
        if not chosen:
            raise Refused(404, "there is no such record")
        return 200, chosen[0]


def merge(record: dict, part: dict) -> None:
    """Deeply. What is null stays as null, which clears the field in the CRMs; a field that is absent is left alone there."""
    for name, value in part.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            merge(record[name], value)
        else:
            record[name] = copy.deepcopy(value)


def leaves(data: dict, way=()):
    """(path, value) of every field; a list is one field."""
    for name, value in data.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*way, name))
        else:
            yield (*way, name), value


def is_newer(record: dict, path: tuple, value, at: float) -> bool:
    """Whether after that time the record got another value there, in its place, or within it."""
    ours = dict(leaves(record["data"]))

    def overlaps(other):
        return other[: len(path)] == path or path[: len(other)] == other

    return any(
        when > at and overlaps(other) and (other != path or ours.get(path) != value)
        for other, when in record["changed_at"].items()
    )


def address_of(data: dict) -> str:
    address = data.get("email")
    return address.strip().lower() if isinstance(address, str) else ""


def answer(record: dict) -> dict:
    return {"record_id": record["id"], "version": record["version"]}


def view(record: dict) -> dict:
    return {name: copy.deepcopy(record[name]) for name in ("type", "id", "version", "deleted", "data")}


def instant(text):
    """Seconds since 1970 of a time such as 2026-11-18T11:06:40.123Z; none of none."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not found:
        raise ValueError("no time")
    whole, fraction, zone = found.groups()
    return datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp() + float(fraction or 0)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
