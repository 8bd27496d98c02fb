"""One org, two CRMs: each record has its own fate at each, and one that is down holds the other back from nothing."""

import json
import time

import sandbox as crm
from records import company, company_id, contact, contact_id, event
from table import count

PEOPLE = range(1, 11)
FIRM = 1
PATIENCE_S = 20


def connect_both(demo) -> None:
    org = demo.initech
    demo.story.scene(
        "An org with two CRMs",
        f"{org} uses HubSpot and Salesforce. The same ten contacts go to both, and they come before their company: "
        "HubSpot links them by an association, Salesforce by a field that holds the account's id, and both must wait.",
    )
    token = demo.sandbox.issue_token(org, expires_in=None)
    webhook = {"secrets": [demo.webhook_secret]}
    demo.vault.put(demo.secret_name(org), {"type": "bearer", "token": token["access_token"], "webhook": webhook})
    grant = demo.salesforce.issue_token(org, expires_in=7200)
    names = ("client_id", "client_secret", "refresh_token", "access_token", "token_url")
    secret = {"type": "oauth2", **{name: grant[name] for name in names}, "instance_url": grant["base_url"], "webhook": webhook}
    demo.vault.put(demo.secret_name(org, "salesforce"), secret)
    demo.rtr.run("connection", "setup", org)
    demo.rtr.run("connection", "test", org)
    people = [_person(org, n, 1, "First") for n in PEOPLE]
    demo.publish("both-contacts", people)
    demo.publish("both-company", [event(org, "company", company_id(FIRM), 1, company(FIRM))])
    demo.settle()
    hubs = demo.sandbox.records(org, "contacts")
    linked = sum(1 for one in hubs if one["associations"].get("companies"))
    demo.story.check(linked == len(PEOPLE), f"HubSpot: {linked} contacts with their company", f"HubSpot: {linked} linked")
    accounts = [one["id"] for one in demo.salesforce.records(org, "Account")]
    held = demo.salesforce.records(org, "Contact")
    linked = sum(1 for one in held if one["properties"].get("AccountId") in accounts)
    right = len(accounts) == 1 and linked == len(held) == len(PEOPLE)
    demo.story.check(right, f"Salesforce: {linked} contacts with their account", f"Salesforce: {linked} of {len(held)} linked")


def one_is_down(demo) -> None:
    org = demo.initech
    demo.story.scene(
        "One of the two is down",
        f"{org}'s Salesforce answers 503. Two newer versions of each contact come meanwhile. HubSpot must have each at "
        "once; Salesforce gets the newest when it is back, and never the one between.",
    )
    mark = demo.sandbox.mark()
    demo.salesforce.fault(org, fault="status", value=503)
    for version, title in ((2, "Second"), (3, "Third")):
        demo.publish(f"both-{title.lower()}", [_person(org, n, version, title) for n in PEOPLE])
        took_s = _until(lambda: _titles(demo.sandbox, org, "contacts", "jobtitle") == {title})
        told = f"HubSpot has version {version} after {took_s:.0f} s, while Salesforce is down"
        demo.story.check(took_s < PATIENCE_S, told, f"HubSpot does not have version {version} after {took_s:.0f} s")
    demo.story.check(_titles(demo.salesforce, org, "Contact", "Title") == {"First"}, "Salesforce still has version 1")
    words = ("record", org, "contact", contact_id(1))
    at = demo.rtr.json(*words, show="rtr " + " ".join(words))["connections"]
    states = {name: one["status"] for name, one in at.items()}
    wanted = {"hubspot": "applied", "salesforce": "parked"}
    demo.story.check(states == wanted, "applied at hubspot, parked at salesforce", f"the record's state is {states}")
    demo.salesforce.clear_faults(org)
    demo.settle()
    caught_up = _titles(demo.salesforce, org, "Contact", "Title") == {"Third"}
    demo.story.check(caught_up, "Salesforce is back, and has version 3")
    accepted = [one for one in demo.salesforce.requests(mark, org, bodies=True) if 200 <= one["status"] < 300]
    between = sum("Second" in json.dumps(one.get("body")) for one in accepted)
    demo.story.check(not between, "it was never told version 2", f"it was told version 2 in {count(between, 'call')}")
    refused = crm.with_status(demo.salesforce.requests(mark, org), 503)
    demo.story.note(f"{count(len(refused), 'call')} answered 503")
    dead = [one for one in demo.rtr.json("dlq", "list", show="-", allowed=(0, 1)) if one["org_id"] == org]
    demo.story.check(not dead, "no dead letters", f"{count(len(dead), 'dead letter')}")


def _person(org: str, number: int, version: int, title: str) -> dict:
    data = {**contact(number), "job_title": title, "company_id": company_id(FIRM)}
    return event(org, "contact", contact_id(number), version, data)


def _titles(sandbox, org: str, object_name: str, field: str) -> set:
    return {one["properties"].get(field) for one in sandbox.records(org, object_name)}


def _until(holds) -> float:
    """How long it took, or PATIENCE_S."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if holds():
            return time.monotonic() - began
        time.sleep(0.1)
    return float(PATIENCE_S)
