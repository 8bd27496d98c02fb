"""The house: a small service that plays the product's own system, which rtr-sync keeps in step with CRMs.

    HOUSE_SECRETS=whsec_… python3 infra/house/house.py --port 4602

It holds records with versions, takes what rtr-sync brings from the CRMs, and hands every new version in to rtr-sync: all
that a system of yours has to do, with the standard library alone. What it holds is gone when it ends.

    POST   /changes                 a delivery, signed by Standard Webhooks
    GET    /records[/TYPE[/ID]]     what the house holds
    PUT    /records/TYPE/ID         an edit by its own user: these fields, merged into the record; null clears one
    DELETE /records/TYPE/ID         its user deletes the record
    GET    /deliveries              what was brought, and how it ended
    PUT    /settings                {org?, secrets?, ingest_url? with ingest_token?}, in the place of the environment's
    GET    /health                  {status, waiting, handed_in}: how many versions are still to be handed in, and were

Environment: HOUSE_ORG (acme); HOUSE_SECRETS, separated by spaces, the newest first; HOUSE_INGEST_URL and
HOUSE_INGEST_TOKEN, or without these HOUSE_QUEUE_URL, the local stack's changes.fifo. Until there is either, new versions wait.

signature.py: is it rtr-sync's own? · records.py: what becomes of it · outbox.py: how the others hear of it
"""

import argparse
import json
import os
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from outbox import say, to_ingest, to_queue
from records import House, Refused

MAX_BODY = 1024 * 1024


class Door(BaseHTTPRequestHandler):
    """HTTP in front of the house. Nothing of a body and no header is logged."""

    protocol_version = "HTTP/1.1"
    house: House

    def _serve(self):
        try:
            status, found = self._route()
        except Refused as refused:
            status, found = refused.status, {"error": refused.why}
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _route(self):
        house, body = self.house, self._body()
        parts = [urllib.parse.unquote(part) for part in self.path.split("?")[0].strip("/").split("/")]
        way = (self.command, parts[0], len(parts))
        if way == ("POST", "changes", 1):
            return house.deliver(self.headers, body)
        if way[:2] == ("GET", "records") and len(parts) <= 3:
            return house.look(*parts[1:])
        if way == ("PUT", "records", 3):
            return house.edit(parts[1], parts[2], parsed(body))
        if way == ("DELETE", "records", 3):
            return house.edit(parts[1], parts[2], {}, deleted=True)
        if way == ("GET", "deliveries", 1):
            return 200, list(house.deliveries)
        if way == ("PUT", "settings", 1):
            return 200, settle(house, parsed(body))
        if way == ("GET", "health", 1):
            return 200, {"status": "ok", "waiting": len(house.outbox.waiting), "handed_in": house.outbox.handed_in}
        raise Refused(404, f"there is no {self.command} {self.path.split('?')[0]}")

    def _body(self) -> bytes:
        length = self.headers.get("content-length") or "0"
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            raise Refused(413, f"a body of 0 to {MAX_BODY} bytes is expected, and its length before it")
        return self.rfile.read(int(length))

    def log_request(self, code="-", size="-"):
        say(f"{self.command} {self.path.split('?')[0]} {int(code)}")


def parsed(body: bytes):
    try:
        return json.loads(body)
    except ValueError:
        raise Refused(400, "the body is not JSON") from None


def settle(house: House, wanted) -> dict:
    """Settings that come while it runs; no secret is ever shown."""
    known = {"org": str, "secrets": list, "ingest_url": str, "ingest_token": str}
    if not isinstance(wanted, dict) or set(wanted) - set(known):
        raise Refused(400, f"the body is no object of {', '.join(known)}")
    wrong = [name for name, value in wanted.items() if not isinstance(value, known[name]) or not value]
    if wrong or not all(isinstance(one, str) and one for one in wanted.get("secrets", [])):
        raise Refused(400, f"{(wrong or ['secrets'])[0]}: text is expected, or a list of texts for secrets")
    if ("ingest_url" in wanted) != ("ingest_token" in wanted):
        raise Refused(400, "ingest_url, ingest_token: neither goes without the other")
    with house.lock:
        house.org, house.secrets = wanted.get("org", house.org), wanted.get("secrets", house.secrets)
        if "ingest_url" in wanted:
            house.outbox.publish = to_ingest(wanted["ingest_url"], wanted["ingest_token"])
        return {"org": house.org, "secrets": len(house.secrets), "waiting": len(house.outbox.waiting)}


def serve(house: House, host: str, port: int) -> ThreadingHTTPServer:
    """Listens, in threads of its own, until `shutdown`."""
    server = ThreadingHTTPServer((host, port), type("OurDoor", (Door,), {"house": house}))
    server.daemon_threads = True
    for work in (server.serve_forever, house.outbox.run):
        threading.Thread(target=work, daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4602)
    chosen, told = parser.parse_args(), os.environ
    house = House(told.get("HOUSE_ORG") or "acme", told.get("HOUSE_SECRETS", "").split())
    if told.get("HOUSE_INGEST_URL") and told.get("HOUSE_INGEST_TOKEN"):
        house.outbox.publish = to_ingest(told["HOUSE_INGEST_URL"], told["HOUSE_INGEST_TOKEN"])
    elif told.get("HOUSE_QUEUE_URL"):
        house.outbox.publish = to_queue(told["HOUSE_QUEUE_URL"])
    server = serve(house, chosen.host, chosen.port)
    say(f"the house is open at http://{chosen.host}:{server.server_address[1]}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
