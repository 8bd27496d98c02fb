"""What the house promises: python3 -m unittest discover -s infra/house -t infra/house"""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import threading
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import house
import outbox
import records
import signature

SECRET, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + base64.b64encode(b"old" * 8).decode()
NOON = 1_795_003_600.0  # 2026-11-18T12:06:40Z


def at(seconds: float) -> str:
    return records.iso(NOON + seconds)


def signed(body: bytes, identity="msg_1", now=NOON, secrets=(SECRET,)) -> dict:
    """By the description: base64 of HMAC-SHA256 over id.timestamp.body, with the bytes behind whsec_."""
    text = f"{identity}.{int(now)}.".encode() + body
    keys = [base64.b64decode(secret[len("whsec_"):]) for secret in secrets]
    made = ["v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    return {"webhook-id": identity, "webhook-timestamp": str(int(now)), "webhook-signature": " ".join(made)}


class Signatures(unittest.TestCase):
    def test_the_published_example_is_believed(self):
        headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
                   "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
        body = b'{"test": 2432232314}'
        self.assertEqual(signature.verify([SECRET], headers, body, 1614265330), headers["webhook-id"])

    def test_one_of_several_signatures_by_one_of_several_secrets_is_enough(self):
        headers = signed(b"{}", secrets=(OLD, SECRET))
        for secrets in ([SECRET], [OLD], [SECRET, OLD]):
            self.assertEqual(signature.verify(secrets, headers, b"{}", NOON), "msg_1")

    def test_what_is_altered_stale_foreign_or_unsigned_is_not_believed(self):
        good = signed(b"{}")
        signature.verify([SECRET], good, b"{}", NOON + 300)
        cases = [
            (good, b"{ }", NOON),
            (good, b"{}", NOON + 301),
            (good, b"{}", NOON - 301),
            ({**good, "webhook-id": "msg_2"}, b"{}", NOON),
            ({**good, "webhook-timestamp": str(int(NOON) + 1)}, b"{}", NOON),
            ({**good, "webhook-timestamp": "soon"}, b"{}", NOON),
            ({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, b"{}", NOON),
            ({**good, "webhook-signature": "v1,é"}, b"{}", NOON),
            ({**good, "webhook-signature": ""}, b"{}", NOON),
            (signed(b"{}", secrets=(OLD,)), b"{}", NOON),
            ({}, b"{}", NOON),
        ]
        for headers, body, now in cases:
            with self.assertRaises(signature.Unbelieved, msg=headers):
                signature.verify([SECRET], headers, body, now)
        with self.assertRaises(signature.Unbelieved):
            signature.verify([], good, b"{}", NOON)


class Home(unittest.TestCase):
    """A house with a clock of its own, and what was put into its outbox."""

    def setUp(self):
        self.now, self.sent = NOON, 0
        self.house = records.House("acme", [SECRET], now=lambda: self.now)

    def bring(self, data, **extra):
        self.sent += 1
        identity = extra.pop("webhook_id", f"msg_{self.sent}")
        change = {"id": identity, "org_id": "acme", "connection": "hubspot", "record_type": "contact", "record_id": None,
                  "external_id": "501", "version": self.sent, "operation": "upsert", "changed": list(data), "data": data,
                  "occurred_at": at(0), **extra}
        body = json.dumps(change).encode()
        return self.house.deliver(signed(body, identity, self.now), body)

    def events(self):
        return list(self.house.outbox.waiting)

    def held(self, identity):
        return self.house.look("contact", identity)[1]


class Deliveries(Home):
    def test_a_record_of_the_crms_becomes_ours_and_its_changes_are_merged_deeply(self):
        status, made = self.bring({"email": "ada@x.io", "address": {"city": "Rome", "zip": "1"}, "tags": ["a"]})
        self.assertEqual((status, made["version"]), (201, int(NOON) + 1))
        status, changed = self.bring({"address": {"city": "Bonn"}, "tags": ["b"], "phone": None})
        self.assertEqual((status, changed), (200, {"record_id": made["record_id"], "version": made["version"] + 1}))
        data = {"email": "ada@x.io", "address": {"city": "Bonn", "zip": "1"}, "tags": ["b"], "phone": None}
        self.assertEqual(self.held(made["record_id"])["data"], data)
        last = self.events()[-1]
        self.assertEqual((last["data"], last["version"], last["operation"]), (data, changed["version"], "upsert"))
        self.assertEqual([one["ended"] for one in self.house.deliveries], ["created", "changed"])

    def test_a_record_that_is_ours_already_by_its_address_is_not_made_twice(self):
        self.house.edit("contact", "c-1", {"email": "Ada@X.io"})
        self.now += 60
        self.assertEqual(self.bring({"email": "ada@x.io", "city": "Rome"}, occurred_at=at(60))[1]["record_id"], "c-1")
        # And it is known from then on, whatever becomes of its address.
        self.assertEqual(self.bring({"email": "new@x.io"}, occurred_at=at(60))[1]["record_id"], "c-1")
        self.assertEqual(len(self.house.look()[1]), 1)
        self.assertEqual(self.bring({"email": "new@x.io"}, external_id="9", record_type="lead")[0], 201)

    def test_a_repeat_is_answered_as_before_and_changes_nothing(self):
        first = self.bring({"email": "ada@x.io"}, webhook_id="msg_same")
        self.assertEqual(self.bring({"email": "bob@x.io"}, webhook_id="msg_same"), first)
        self.assertEqual((len(self.events()), len(self.house.deliveries)), (1, 1))

    def test_what_is_older_than_what_came_before_or_the_same_makes_no_version(self):
        made = self.bring({"email": "ada@x.io", "city": "Rome"}, version=7)[1]
        self.assertEqual(self.bring({"city": "Bonn"}, version=7), (200, made))
        self.assertEqual(self.bring({"city": "Bonn"}, version=6), (200, made))
        self.assertEqual(self.bring({"city": "Rome"}, version=8), (200, made))
        self.assertEqual([one["ended"] for one in self.house.deliveries], ["created", "old", "old", "unchanged"])
        self.assertEqual(len(self.events()), 1)

    def test_a_field_that_was_changed_here_later_is_a_conflict_and_another_field_is_none(self):
        made = self.bring({"email": "ada@x.io", "city": "Rome", "work": {"title": "Dr"}})[1]
        self.now += 60
        self.house.edit("contact", made["record_id"], {"city": "Paris", "work": {"title": "Prof"}})
        status, refused = self.bring({"city": "Bonn"}, occurred_at=at(30))
        self.assertEqual((status, refused["field"]), (409, "city"))
        self.assertEqual(self.bring({"work": None}, occurred_at=at(30))[0], 409)
        self.assertEqual(self.bring({"email": "new@x.io"}, occurred_at=at(30))[0], 200)
        self.assertEqual(self.bring({"city": "Paris"}, occurred_at=at(30))[0], 200)
        self.assertEqual(self.bring({"city": "Bonn"}, occurred_at=at(61))[0], 200)
        self.assertEqual(self.held(made["record_id"])["data"]["city"], "Bonn")
        # Of two CRMs the later one wins, in whichever order they come.
        older = self.bring({"city": "Oslo"}, record_id=made["record_id"], connection="salesforce", occurred_at=at(59))
        self.assertEqual(older[0], 409)

    def test_a_deletion_is_told_and_what_comes_for_it_later_is_gone(self):
        made = self.bring({"email": "ada@x.io"})[1]
        self.assertEqual(self.bring({}, operation="deleted")[0], 200)
        self.assertEqual((self.events()[-1]["operation"], "data" in self.events()[-1]), ("deleted", False))
        self.assertEqual(self.bring({"city": "Rome"})[0], 410)
        self.assertEqual(self.bring({"city": "Rome"}, record_id="c-9", external_id="9")[0], 410)
        self.assertEqual(self.bring({}, operation="deleted", external_id="8")[0], 410)
        self.assertTrue(self.held(made["record_id"])["deleted"])

    def test_what_is_no_change_of_the_orgs_is_refused_and_not_remembered(self):
        good = {"org_id": "acme", "record_type": "contact", "data": {}}
        wrong = ({"org_id": "other"}, {"record_type": 7}, {"data": [1]}, {"occurred_at": "soon"})
        bodies = [json.dumps({**good, **one}).encode() for one in wrong]
        for body in (*bodies, b"[]", b"{", b"null", b"{}"):
            with self.assertRaises(records.Refused) as refused:
                self.house.deliver(signed(body, "msg_x"), body)
            self.assertEqual(refused.exception.status, 400, body)
        self.assertEqual(self.bring({"email": "ada@x.io"}, webhook_id="msg_x")[0], 201)


class Edits(Home):
    def test_the_users_own_edits_make_versions_that_are_handed_in_whole(self):
        self.assertEqual(self.house.edit("contact", "c-1", {"email": "ada@x.io", "city": "Rome"})[0], 201)
        self.now += 1
        self.house.edit("contact", "c-1", {"city": None})
        self.house.edit("contact", "c-1", {"city": None})
        event = {"org_id": "acme", "record_type": "contact", "record_id": "c-1", "version": int(NOON) + 2,
                 "operation": "upsert", "occurred_at": at(1), "data": {"email": "ada@x.io", "city": None}}
        self.assertEqual((len(self.events()), self.events()[-1]), (2, event))

    def test_a_record_that_is_deleted_and_made_again_goes_on_above_its_delete(self):
        self.house.edit("contact", "c-1", {"city": "Rome"})
        self.house.edit("contact", "c-1", {}, deleted=True)
        again = self.house.edit("contact", "c-1", {"city": "Rome"})[1]
        self.assertEqual((again["version"], again["deleted"]), (int(NOON) + 3, False))
        with self.assertRaises(records.Refused):
            self.house.edit("contact", "c-2", {}, deleted=True)


class Quiet(unittest.TestCase):
    """What is said is kept, to be looked at."""

    def setUp(self):
        self.log = io.StringIO()
        quiet = contextlib.redirect_stderr(self.log)
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)


class Relay(Quiet):
    def event(self, version):
        return {"org_id": "a/b", "record_type": "contact", "record_id": "c", "version": version, "data": {"x": "secret"}}

    def test_what_cannot_be_handed_in_waits_in_its_order_and_what_never_can_is_named(self):
        answers, seen = [OSError("down"), None, "400 no", None], []

        def publish(event):
            seen.append(event["version"])
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        box = outbox.Outbox(publish)
        for version in (1, 2, 3):
            box.put(self.event(version))
        self.assertEqual([box.relay_once() for _ in range(4)], [False, True, True, True])
        self.assertEqual((seen, len(box.waiting)), ([1, 1, 2, 3], 0))
        self.assertIn("NEVER taken: contact c version 2: 400 no", self.log.getvalue())
        self.assertNotIn("secret", self.log.getvalue())

    def test_the_ingest_api_is_given_events_with_the_orgs_secret_and_believed_by_each_result(self):
        with Receiver() as api:
            publish = outbox.to_ingest(f"{api.url}/ingest/events", "t0ken")
            api.answers = [(200, {"results": [{"status": 200}]}), (200, {"results": [{"status": 503}]}),
                           (400, {"message": "no"}), (401, {}),
                           (200, {"results": [{"status": 400, "code": "RTR1005", "field": "version", "message": "m"}]})]
            self.assertIsNone(publish(self.event(1)))
            for expected in (OSError, "400 ", OSError, "RTR1005 version: m"):
                if isinstance(expected, str):
                    self.assertTrue(publish(self.event(1)).startswith(expected))
                else:
                    self.assertRaises(expected, publish, self.event(1))
            path, headers, body = api.seen[0]
            self.assertEqual((path, headers["authorization"]), ("/ingest/orgs/a%2Fb/events", "Bearer t0ken"))
            self.assertEqual(json.loads(body), self.event(1))

    def test_the_queue_is_given_the_group_and_the_id_that_the_contract_has(self):
        with Receiver() as sqs:
            sqs.answers = [(200, {}), (500, {})]
            publish = outbox.to_queue(f"{sqs.url}/000000000000/changes.fifo")
            publish(self.event(7))
            message = json.loads(sqs.seen[0][2])
            self.assertEqual(message["MessageGroupId"], "a/b#contact#c")
            self.assertEqual(message["MessageDeduplicationId"], "a/b#contact#c#7")
            self.assertRaises(OSError, publish, self.event(8))
        self.assertTrue(outbox.sqs_id("a b").startswith("sha256:"))


class Receiver:
    """Answers what it is told to, and keeps what came."""

    def __enter__(self):
        self.seen, self.answers = [], []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["content-length"]))
                self.seen.append((handler.path, handler.headers, body))
                status, answer = self.answers.pop(0) if self.answers else (200, {"results": [{"status": 200}]})
                handler.send_response(status)
                handler.end_headers()
                handler.wfile.write(json.dumps(answer).encode())

            def log_message(handler, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Socket(Quiet):
    """The house as it is met: over HTTP, with a clock that nobody moves."""

    def setUp(self):
        super().setUp()
        self.server = house.serve(records.House("acme", []), "127.0.0.1", 0)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def call(self, method, path, body=None, headers=None):
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_a_delivery_and_an_edit_go_in_over_http_and_their_versions_come_out(self):
        with Receiver() as api:
            wanted = {"secrets": [SECRET, OLD], "ingest_url": f"{api.url}/events", "ingest_token": "t0ken"}
            self.assertEqual(self.call("PUT", "/settings", wanted), (200, {"org": "acme", "secrets": 2, "waiting": 0}))
            change = {"id": "msg_1", "org_id": "acme", "connection": "hubspot", "record_type": "contact", "record_id": None,
                      "external_id": "501", "version": 1, "operation": "upsert", "changed": ["email"],
                      "data": {"email": "ada@x.io"}, "occurred_at": None}
            body = json.dumps(change).encode()
            status, made = self.call("POST", "/changes", body, signed(body, now=time.time(), secrets=(OLD,)))
            self.assertEqual(status, 201)
            self.assertEqual(self.call("POST", "/changes", body, signed(body, now=time.time() - 400))[0], 401)
            self.assertEqual(self.call("POST", "/changes", body)[0], 401)
            place = f"/records/contact/{made['record_id']}"
            self.assertEqual(self.call("PUT", place, {"city": "Rome"})[1]["version"], made["version"] + 1)
            self.assertEqual(self.call("GET", place)[1]["data"], {"email": "ada@x.io", "city": "Rome"})
            self.assertEqual(len(self.call("GET", "/records")[1]), 1)
            brought = self.call("GET", "/deliveries")[1]
            self.assertEqual([(one["id"], one["changed"], one["ended"]) for one in brought], [("msg_1", ["email"], "created")])
            self.assertEqual(self.call("DELETE", place)[0], 200)
            deadline = time.monotonic() + 5
            while self.call("GET", "/health")[1]["waiting"] and time.monotonic() < deadline:
                time.sleep(0.02)
            told = [json.loads(body) for _, _, body in api.seen]
            self.assertEqual([one["version"] - made["version"] for one in told], [0, 1, 2])
            self.assertEqual((told[1]["data"]["city"], told[2]["operation"]), ("Rome", "deleted"))
        self.assertNotIn("ada@x.io", self.log.getvalue())
        self.assertNotIn("MfKQ", self.log.getvalue())

    def test_what_it_does_not_know_is_refused_with_a_reason(self):
        cases = [("GET", "/nowhere", None, 404), ("GET", "/records/contact/c-1", None, 404), ("PUT", "/records/contact/c-1", b"[", 400),
                 ("PUT", "/records/contact/c-1", [], 400), ("DELETE", "/records/contact/c-1", None, 404),
                 ("PUT", "/settings", {"secret": "x"}, 400), ("PUT", "/settings", {"secrets": "x"}, 400),
                 ("PUT", "/settings", {"ingest_url": "http://x"}, 400), ("POST", "/changes", b"x" * (house.MAX_BODY + 1), 413)]
        for method, path, body, status in cases:
            try:
                found, told = self.call(method, path, body)
            except (ConnectionError, urllib.error.URLError):
                self.assertEqual(status, 413)  # it hangs up on what is too long
                continue
            self.assertEqual((found, bool(told["error"])), (status, True), path)


if __name__ == "__main__":
    unittest.main()
