"""What the outbox promises: python3 -m unittest discover -s docs/examples/outbox -t docs/examples/outbox"""

import json
import sqlite3
import unittest

import app
import relay


class Killed(Exception):
    """The process died here."""


class Crm:
    """Whoever reads the queue: SQS's deduplication is not relied on, the version alone decides."""

    def __init__(self):
        self.received, self.records, self.fences = [], {}, {}

    def send(self, entries):
        for entry in entries:
            event = json.loads(entry["MessageBody"])
            self.received.append((event["record_id"], event["version"]))
            if event["version"] > self.fences.get(event["record_id"], -1):
                self.fences[event["record_id"]] = event["version"]
                self.records[event["record_id"]] = event.get("data")
        return [entry["Id"] for entry in entries]


class Outbox(unittest.TestCase):
    def setUp(self):
        self.database, self.crm = self.fresh(), Crm()

    def tearDown(self):
        self.database.close()

    def fresh(self):
        database = sqlite3.connect(":memory:")
        app.prepare(database)
        return database

    def waiting(self):
        return [(json.loads(event)["record_id"], version) for event, version in
                self.database.execute("SELECT event, version FROM outbox ORDER BY position")]

    def test_a_change_that_is_rolled_back_leaves_neither_row_nor_version_nor_event(self):
        app.save_contact(self.database, "c", "old@x.io", "Ann")
        before = list(self.database.iterdump())
        enqueue = app.enqueue
        app.enqueue = lambda *_: (_ for _ in ()).throw(Killed())
        self.addCleanup(setattr, app, "enqueue", enqueue)
        with self.assertRaises(Killed):
            app.save_contact(self.database, "c", "new@x.io", "Ann")
        self.assertEqual(list(self.database.iterdump()), before)

    def test_each_change_raises_the_version_by_one_whatever_the_clock_says(self):
        self.assertEqual([app.save_contact(self.database, "c", f"{n}@x.io", "Ann") for n in range(50)],
                         list(range(1, 51)))
        stored = self.database.execute("SELECT version FROM contact WHERE id = 'c'").fetchone()[0]
        self.assertEqual((stored, self.waiting()[-1]), (50, ("c", 50)))

    def test_a_crash_between_commit_and_send_loses_nothing(self):
        app.save_contact(self.database, "c", "c@x.io", "Ann")

        def dies(_):
            raise Killed

        with self.assertRaises(Killed):
            relay.relay_once(self.database, dies)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records, {"c": {"email": "c@x.io", "first_name": "Ann"}})

    def test_a_crash_between_send_and_delete_sends_again_which_changes_nothing(self):
        for n in range(3):
            app.save_contact(self.database, "c", f"{n}@x.io", "Ann")

        def sends_and_dies(entries):
            self.crm.send(entries)
            raise Killed

        with self.assertRaises(Killed):
            relay.relay_once(self.database, sends_and_dies)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.received, [("c", 1), ("c", 1), ("c", 2), ("c", 3)])
        self.assertEqual(self.crm.records["c"]["email"], "2@x.io")
        self.assertEqual(self.waiting(), [])

    def test_entries_that_are_refused_hold_back_their_own_record_and_no_other(self):
        for n in range(2):
            for one in ("a", "b"):
                app.save_contact(self.database, one, f"{one}{n}@x.io", "Ann")
        refusals = 2

        def refuses_a(entries):
            nonlocal refusals
            if refusals:
                refusals -= 1
                entries = [it for it in entries if '"a"' not in it["MessageBody"]]
            return self.crm.send(entries)

        relay.relay_all(self.database, refuses_a)
        relay.relay_all(self.database, self.crm.send)
        of = lambda one: [version for record, version in self.crm.received if record == one]
        self.assertEqual((of("a"), of("b")), ([1, 2], [1, 2]))

    def test_a_record_that_is_deleted_and_made_again_goes_on_above_its_delete(self):
        app.save_contact(self.database, "c", "c@x.io", "Ann")
        self.assertEqual(app.delete_contact(self.database, "c"), 2)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records, {"c": None})
        self.assertEqual(app.save_contact(self.database, "c", "c@x.io", "Ann"), 3)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records["c"]["first_name"], "Ann")

    def test_after_a_restore_changes_are_lost_without_a_floor_and_arrive_with_one(self):
        app.save_contact(self.database, "c", "first@x.io", "Ann")
        backup = list(self.database.iterdump())
        for n in range(5):
            app.save_contact(self.database, "c", f"{n}@x.io", "Ann")
        relay.relay_all(self.database, self.crm.send)

        def restored():
            self.database.close()
            self.database = sqlite3.connect(":memory:")
            self.database.executescript("\n".join(backup))

        restored()
        app.save_contact(self.database, "c", "after@x.io", "Ann")
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records["c"]["email"], "4@x.io", "version 2 again: taken for an old one")

        restored()
        app.raise_floor(self.database, max(self.crm.fences.values()) + 1_000)
        app.send_again(self.database)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records["c"]["email"], "first@x.io", "as the restored database has it")
        app.save_contact(self.database, "c", "after@x.io", "Ann")
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(self.crm.records["c"]["email"], "after@x.io")

    def test_everything_sent_again_comes_as_new_versions_of_what_stands_there(self):
        for n in range(7):
            app.save_contact(self.database, f"c{n}", f"c{n}@x.io", "Ann")
        relay.relay_all(self.database, self.crm.send)
        app.send_again(self.database, batch=3)
        relay.relay_all(self.database, self.crm.send)
        self.assertEqual(set(self.crm.fences.values()), {2})
        self.assertEqual(len(self.crm.received), 14)

    def test_ids_that_sqs_does_not_take_are_replaced_by_their_digest(self):
        app.save_contact(self.database, "é", "c@x.io", "Ann")
        taken = []
        relay.relay_once(self.database, lambda entries: [taken.append(it) or it["Id"] for it in entries])
        self.assertEqual(taken[0]["MessageGroupId"], relay.sqs_id("acme#contact#é"))
        self.assertRegex(taken[0]["MessageGroupId"], r"^sha256:[0-9a-f]{64}$")


if __name__ == "__main__":
    unittest.main()
