"""The application's side: a change, its version and its event are one transaction, or none of them happens."""

import json
from pathlib import Path

ORG = "acme"
SCHEMA = Path(__file__).with_name("schema.sql")


def prepare(database):
    database.executescript(SCHEMA.read_text())


def next_version(database, record_type, record_id):
    """One more than the last version of this record, and above the floor. Never a clock: two changes in one millisecond,
    or a clock set back, would make two versions equal or swap them."""
    return database.execute(
        """INSERT INTO version VALUES (?, ?, (SELECT floor FROM epoch) + 1)
           ON CONFLICT DO UPDATE SET value = max(value, (SELECT floor FROM epoch)) + 1
           RETURNING value""",
        (record_type, record_id),
    ).fetchone()[0]


def enqueue(database, record_type, record_id, version, operation, data):
    event = {"org_id": ORG, "record_type": record_type, "record_id": record_id, "version": version,
             "operation": operation}
    if data is not None:
        event["data"] = data
    database.execute(
        "INSERT INTO outbox (record_type, record_id, version, event) VALUES (?, ?, ?, ?)",
        (record_type, record_id, version, json.dumps(event)),
    )


def save_contact(database, contact_id, email, first_name):
    with database:  # BEGIN … COMMIT, or ROLLBACK when anything in it fails
        version = next_version(database, "contact", contact_id)
        database.execute(
            """INSERT INTO contact VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
               SET email = excluded.email, first_name = excluded.first_name, version = excluded.version""",
            (contact_id, email, first_name, version),
        )
        # The whole record, so that a later event makes up for any earlier one.
        data = {"email": email, "first_name": first_name}
        enqueue(database, "contact", contact_id, version, "upsert", data)
    return version


def delete_contact(database, contact_id):
    with database:
        version = next_version(database, "contact", contact_id)
        database.execute("DELETE FROM contact WHERE id = ?", (contact_id,))
        enqueue(database, "contact", contact_id, version, "deleted", None)
    return version


def send_again(database, batch=500):
    """Every contact as it is now, as a new version: after a mapping has a new field, or after a restore."""
    after = ""
    while True:
        ids = [row[0] for row in database.execute(
            "SELECT id FROM contact WHERE id > ? ORDER BY id LIMIT ?", (after, batch))]
        if not ids:
            return
        for contact_id in ids:
            email, first_name = database.execute(
                "SELECT email, first_name FROM contact WHERE id = ?", (contact_id,)).fetchone()
            save_contact(database, contact_id, email, first_name)
        after = ids[-1]


def raise_floor(database, floor):
    """After a restore: no version that was ever sent may come a second time with other content."""
    with database:
        database.execute("UPDATE epoch SET floor = max(floor, ?)", (floor,))
