"""The way back: what people change in one CRM reaches the internal system, and through it the other CRM; and comes to rest."""

import json
import secrets
import time
import urllib.error
import urllib.request

import sandbox as crm
from both import FIRM
from failure import Failure
from records import company_id, contact, contact_id
from table import count

PERSON = 1
PATIENCE_S = 30


class House:
    """The internal system, played by infra/house: a small service of its own, by HTTP."""

    def __init__(self, url: str):
        self.url = url

    def serve(self, org: str, secret: str) -> None:
        self._call("PUT", "settings", {"org": org, "secrets": [secret]})

    def edit(self, record_id: str, data: dict) -> None:
        self._call("PUT", f"records/contact/{record_id}", data)

    def contact(self, record_id: str) -> dict:
        return self._call("GET", f"records/contact/{record_id}")

    def handed_in(self) -> int:
        """Versions that rtr-sync has of it by now."""
        return self._call("GET", "health")["handed_in"]

    def deliveries(self, org_began: int) -> list:
        return self._call("GET", "deliveries")[org_began:]

    def _call(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"the house refused {method} {path}: {error.read(500).decode(errors='replace')}") from None
        except OSError as error:
            raise Failure(f"the house does not answer at {self.url}: {error}") from None


def comes_back(demo) -> None:
    org, house = demo.initech, demo.house
    demo.story.scene(
        "What people change in a CRM comes back",
        f"{org}'s own system is a small service now, the house ({house.url}), and both CRMs push what people change there. "
        "An edit on the sandbox's HubSpot page reaches the house, which makes a new version of it, and that reaches "
        "Salesforce. HubSpot, where it came from, is not written again. Then the other way round.",
    )
    _connect_house(demo, house)
    ids = {"hubspot": _id(demo.sandbox, org, "contacts"), "salesforce": _id(demo.salesforce, org, "Contact")}
    began = len(house.deliveries(0))
    for name, account, title in (("HubSpot", demo.sandbox, "Chief of Staff"), ("Salesforce", demo.salesforce, "Chair")):
        here, there = _places(demo, account)
        marks = demo.sandbox.mark()
        account.edit(org, here.object_name, ids[account.provider], {here.title: title})
        demo.story.note(f"Somebody edits {contact_id(PERSON)} on {demo.sandbox.url}/: the title is {title} at {name}")
        took_s = _until(lambda: house.contact(contact_id(PERSON))["data"]["job_title"] == title)
        demo.story.check(took_s < PATIENCE_S, f"the house has it after {took_s:.1f} s", "the house does not have it")
        took_s = _until(lambda: there.title_of(ids[there.account.provider]) == title)
        demo.story.check(took_s < PATIENCE_S, f"and {there.name} after {took_s:.1f} s more", f"{there.name} does not have it")
        demo.settle()
        written = _writes(here, org, marks), _writes(there, org, marks)
        told = f"{name} is written {count(written[0], 'time')}, {there.name} {count(written[1], 'time')}"
        demo.story.check(written == (0, 1), f"{name} is not written again, {there.name} once", told)
    brought = [(one["connection"], one["ended"]) for one in house.deliveries(began)]
    wanted = [("hubspot", "changed"), ("salesforce", "changed")]
    demo.story.check(brought == wanted, "the house was told two changes, each once", f"the house was told {brought}")


class Place:
    """A CRM with what it calls things."""

    def __init__(self, org, name, account, object_name, title):
        self.org, self.name, self.account, self.object_name, self.title = org, name, account, object_name, title

    def title_of(self, external_id: str):
        held = {one["id"]: one["properties"] for one in self.account.records(self.org, self.object_name)}
        return held.get(external_id, {}).get(self.title)


def _places(demo, account) -> tuple:
    """Where the edit is made, and the other one."""
    hubspot = Place(demo.initech, "HubSpot", demo.sandbox, "contacts", "jobtitle")
    salesforce = Place(demo.initech, "Salesforce", demo.salesforce, "Contact", "Title")
    return (hubspot, salesforce) if account is demo.sandbox else (salesforce, hubspot)


def _connect_house(demo, house: House) -> None:
    org, secret = demo.initech, f"a-secret-{secrets.token_hex(16)}"
    demo.vault.put(demo.secret_name(org, "inbound"), {"secrets": [secret]})
    house.serve(org, secret)
    for connection, account in (("hubspot", demo.sandbox), ("salesforce", demo.salesforce)):
        listed = demo.rtr.json("connection", "list", org, connection, show="-")
        account.push_to(org, listed[0]["webhook_url"], demo.webhook_secret)
    # What it holds from now on, as everybody was last told.
    data = {**contact(PERSON), "job_title": "Third", "company_id": company_id(FIRM)}
    house.edit(contact_id(PERSON), data)
    demo.settle()


def _id(account, org: str, object_name: str) -> str:
    email = contact(PERSON)["email"].lower()
    for one in account.records(org, object_name):
        if str(one["properties"].get("email") or one["properties"].get("Email")).lower() == email:
            return one["id"]
    raise Failure(f"{account.provider} holds no contact of the address {email}")


def _writes(place: Place, org: str, since: int) -> int:
    asked = place.account.requests(since, org)
    if place.account.provider == "hubspot":
        return crm.items(crm.writes(asked, place.object_name))
    return sum(one["items"] for one in asked if one["status"] < 300 and one["method"] != "GET" and "/composite/" in one["path"])


def _until(holds) -> float:
    """How long it took, or PATIENCE_S."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if holds():
            return time.monotonic() - began
        time.sleep(0.05)
    return float(PATIENCE_S)
