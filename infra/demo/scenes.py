"""The scenes in their order: each says what it does, does it, and compares what the CRM was asked and holds."""

import json

import sandbox as crm
from back import comes_back
from both import connect_both, one_is_down
from ledger import KEY, OBJECTS, audit
from records import COMPANIES, CONTACTS, DEALS, contact, contact_id, event, everything
from table import count

RETRY_AFTER_S = 2
OUTAGE_MS = 3_000
# HubSpot's own words for where a contact stands, and the one that acme's administrator takes away.
STAGES = ["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"]
STAGES += ["evangelist", "other"]
WITHOUT_OPPORTUNITY = [stage for stage in STAGES if stage != "opportunity"]


def connect(demo) -> None:
    demo.story.scene(
        "Two orgs connect their HubSpot accounts",
        f"{demo.acme} brings a private app's token, {demo.globex} an OAuth app whose token ends and is renewed. "
        "They go into Secrets Manager, connections and routes into the configuration. Setup makes the unique "
        "property in each account by which no record is ever created twice.",
    )
    token = demo.sandbox.issue_token(demo.acme, expires_in=None)
    demo.vault.put(demo.secret_name(demo.acme), {"type": "bearer", "token": token["access_token"]})
    grant = demo.sandbox.issue_token(demo.globex, expires_in=1800, rotate=True)
    names = ("client_id", "client_secret", "refresh_token", "access_token", "expires_at", "token_url")
    demo.vault.put(demo.secret_name(demo.globex), {"type": "oauth2", **{name: grant[name] for name in names}})
    demo.rtr.run("config", "apply", str(demo.configuration()))
    for org in demo.orgs:
        demo.rtr.run("connection", "setup", org)
    listed = demo.rtr.json("connection", "list", show="rtr connection list")
    found = sum(1 for one in listed if one["org_id"] in demo.orgs)
    demo.story.check(found == 2, "2 connections", f"{count(found, 'connection')} instead of 2")


def first_load(demo) -> None:
    demo.story.scene(
        "A first load",
        f"Everything both orgs have goes over: {COMPANIES} companies, {CONTACTS} contacts and {DEALS} deals each. "
        "Every record is ordered for itself, and up to ten of them share one call to the CRM.",
    )
    mark = demo.sandbox.mark()
    demo.publish("first-load", [one for org in demo.orgs for one in everything(org)])
    demo.settle()
    wanted = {"companies": COMPANIES, "contacts": CONTACTS, "deals": DEALS}
    for org in demo.orgs:
        held = {name: len(demo.sandbox.records(org, name)) for name in wanted}
        text = ", ".join(f"{number} {name}" for name, number in held.items())
        demo.story.check(held == wanted, f"{org} holds {text}")
        _check_content(demo, org, "company", "contact", "deal")
    _check_linked(demo)
    asked = [one for org in demo.orgs for one in demo.sandbox.requests(mark, org)]
    written, records = crm.items(crm.writes(asked)), 2 * sum(wanted.values())
    demo.story.check(
        written == records,
        f"{records} records, each written once, in {len(asked)} calls: looking for doubles and linking included",
        f"{records} records, but {written} writes",
    )


def updates(demo) -> None:
    demo.story.scene(
        "Updates, and some that change nothing",
        f"40 contacts of {demo.acme} get another job title. 20 more come as a newer version with nothing new in it: "
        "the CRM need not hear of those.",
    )
    mark = demo.sandbox.mark()
    changed = [_contact(demo.acme, n, 2, job_title="Chief Engineer") for n in range(1, 41)]
    unchanged = [_contact(demo.acme, n, 2) for n in range(41, 61)]
    demo.publish("updates", changed + unchanged)
    demo.settle()
    written = crm.items(crm.writes(demo.sandbox.requests(mark, demo.acme), "contacts"))
    demo.story.check(written == 40, "60 events, 40 contacts written", f"60 events, {written} contacts written, not 40")
    _check_content(demo, demo.acme, "contact")


def burst(demo) -> None:
    versions = range(3, 33)
    demo.story.scene(
        "A burst on one record",
        f"Somebody's script saves one contact {len(versions)} times in a row. Each event carries the whole record, so "
        "the newest of those that wait together stands for all of them, and none is ever written after a newer one.",
    )
    mark = demo.sandbox.mark()
    events = [_contact(demo.acme, 1, version, job_title=f"Engineer, save {version:02d}") for version in versions]
    demo.publish("burst", events)
    demo.settle()
    sent = crm.writes(demo.sandbox.requests(mark, demo.acme, bodies=True), "contacts")
    titles = [one["properties"]["jobtitle"] for one in crm.inputs(sent)]
    demo.story.check(
        0 < len(titles) <= len(versions) and titles == sorted(set(titles)),
        f"{len(versions)} versions, {count(len(titles), 'write')}, each newer than the one before",
        f"written out of order or too often: {titles}",
    )
    _check_content(demo, demo.acme, "contact")


def repeats(demo) -> None:
    demo.story.scene(
        "Repeats, and old versions that come late",
        "A producer sends 40 events of the first load again, with fresh deduplication ids, so that SQS takes them for "
        "new. Half of them are repeats, half are older than what the CRM holds by now.",
    )
    before = _state(demo, demo.acme, "contacts")
    mark = demo.sandbox.mark()
    demo.publish("repeats", [_contact(demo.acme, n, 1) for n in (*range(1, 21), *range(101, 121))], force=True)
    demo.settle()
    asked = demo.sandbox.requests(mark, demo.acme)
    demo.story.check(not asked, "40 events, no call to the CRM", f"40 events, {count(len(asked), 'call')} to the CRM")
    same = _state(demo, demo.acme, "contacts") == before
    demo.story.check(same, "not one contact has changed", "contacts have changed")


def deletion(demo) -> None:
    demo.story.scene(
        "A delete, and an update that was overtaken by it",
        "A contact is deleted. Then an update from before the delete arrives. It must not bring the contact back.",
    )
    number = CONTACTS
    demo.publish("delete", [event(demo.acme, "contact", contact_id(number), 3, operation="deleted")])
    demo.settle()
    demo.publish("late-update", [_contact(demo.acme, number, 2, job_title="Ghost")], force=True)
    demo.settle()
    live = _by_id(demo.sandbox.records(demo.acme, "contacts"))
    archived = _by_id(demo.sandbox.records(demo.acme, "contacts", archived=True))
    demo.story.check(
        contact_id(number) not in live and contact_id(number) in archived,
        f"{contact_id(number)} is in HubSpot's bin, and stays there",
        f"{contact_id(number)} is {'still among the contacts' if contact_id(number) in live else 'gone altogether'}",
    )


def rejection(demo) -> None:
    demo.story.scene(
        "Records that HubSpot rejects",
        f"{demo.acme}'s administrator has removed the stage `opportunity`, which one contact has now; another has an "
        "address that is none. Both travel in a call with eight others, which must not suffer. What is rejected is "
        "kept as a dead letter that says why.",
    )
    org, stage, address = demo.acme, 70, CONTACTS + 1
    demo.sandbox.rule(org, "contacts", "lifecyclestage", options=WITHOUT_OPPORTUNITY)
    rejected = [_contact(org, stage, 2, stage="trial"), _contact(org, address, 1, email="not-an-address")]
    demo.publish("rejected", rejected + [_contact(org, n, 2, job_title="Neighbour") for n in range(71, 79)])
    demo.settle()
    dead = {one["record_id"]: one for one in _dead(demo)}
    wanted = {contact_id(stage): "lifecyclestage", contact_id(address): "email"}
    for one in dead.values():
        demo.story.note(f"{one['record_type']} {one['record_id']} v{one['version']}: {one['code']} {one['message']}")
    found = {record_id: one["field"] for record_id, one in dead.items()}
    demo.story.check(found == wanted, "2 dead letters, naming the fields", f"dead letters {found} instead of {wanted}")
    why = demo.rtr.run("record", org, "contact", contact_id(address))
    told = [line.strip() for line in why.splitlines() if " committed " in line]
    demo.story.note(told[0] if told else "(it says nothing)")
    demo.story.check(
        any("RTR3001" in line and "email" in line for line in told),
        "one command says why the record is not in the CRM",
        f"rtr record says {told}",
    )
    held = _by_id(demo.sandbox.records(org, "contacts"))
    well = sum(1 for n in range(71, 79) if _property(held, contact_id(n), "jobtitle") == "Neighbour")
    demo.story.check(well == 8, "the 8 neighbours are written", f"{well} of 8 neighbours are written")
    if set(dead) == set(wanted):
        _mend(demo, dead[contact_id(stage)], address)


def _mend(demo, dead: dict, address: int) -> None:
    org = demo.acme
    demo.story.note("The administrator brings the stage back, and its dead letter is sent again. The address is mended")
    demo.story.note("where it comes from, so its dead letter is cleared by the newer version.")
    demo.sandbox.rule(org, "contacts", "lifecyclestage", options=STAGES)
    demo.rtr.run("dlq", "redrive", "--id", dead["id"], "--yes")
    demo.publish("mended", [_contact(org, address, 2)])
    demo.settle()
    left = _dead(demo)
    demo.story.check(not left, "no dead letter is left", f"{count(len(left), 'dead letter')} left")
    held = _by_id(demo.sandbox.records(org, "contacts"))
    stage = _property(held, dead["record_id"], "lifecyclestage")
    demo.story.check(stage == "opportunity", f"{dead['record_id']} is at stage opportunity", f"its stage is {stage}")
    _check_content(demo, org, "contact")


def rate_limit(demo) -> None:
    demo.story.scene(
        "A rate limit is hit",
        f"{demo.acme}'s account lets 4 calls through in 2 seconds, far less than its configuration says. HubSpot's 429 "
        f"names a time: until then nobody calls that account, the work is parked, and {demo.globex} notices "
        "nothing. Waiting costs no attempts and makes no dead letters.",
    )
    mark = demo.sandbox.mark()
    demo.sandbox.limit(demo.acme, [{"api": "*", "requests": 4, "per_ms": 2_000, "retry_after": RETRY_AFTER_S}])
    throttled = [_contact(demo.acme, n, 3, job_title="Throttled") for n in range(2, 32)]
    others = [_contact(demo.globex, n, 2, job_title="Undisturbed") for n in range(1, 21)]
    demo.publish("rate-limit", throttled + others)
    demo.settle()
    demo.sandbox.limit(demo.acme, [])
    asked = demo.sandbox.requests(mark, demo.acme)
    refused = crm.with_status(asked, 429)
    demo.story.check(bool(refused), f"{count(len(refused), 'call')} refused with 429", "no call was refused with 429")
    early = [one for one in asked for no in refused if 0 < one["at_ms"] - no["at_ms"] < RETRY_AFTER_S * 1_000]
    early = count(len(early), "call") if early else ""
    demo.story.check(not early, "none before the time that HubSpot named", f"{early} before its time")
    refused = crm.with_status(demo.sandbox.requests(mark, demo.globex), 429)
    demo.story.check(not refused, f"none at {demo.globex}")
    _check_nothing_dead(demo)
    for org in demo.orgs:
        _check_content(demo, org, "contact")


def outage(demo) -> None:
    demo.story.scene(
        "A CRM is down for a while",
        f"{demo.globex}'s HubSpot answers 503 for {OUTAGE_MS // 1000} seconds. After a few tries it is left alone for "
        f"a while, and then tried again; {demo.acme} goes on meanwhile.",
    )
    mark = demo.sandbox.mark()
    demo.sandbox.fault(demo.globex, fault="status", value=503, for_ms=OUTAGE_MS)
    events = [_contact(demo.globex, n, 3, job_title="Patient") for n in range(1, 21)]
    demo.publish("outage", events + [_contact(demo.acme, n, 4, job_title="Undisturbed") for n in range(32, 42)])
    demo.settle()
    demo.sandbox.clear_faults(demo.globex)
    asked = demo.sandbox.requests(mark, demo.globex)
    failed, done = crm.with_status(asked, 503), crm.writes(asked)
    demo.story.check(bool(failed), f"{count(len(failed), 'call')} answered 503", "no call was answered 503")
    if done and failed:
        theirs = crm.writes(demo.sandbox.requests(mark, demo.acme))
        down_s = (done[0]["at_ms"] - failed[0]["at_ms"]) / 1_000
        first = bool(theirs) and theirs[0]["at_ms"] < done[0]["at_ms"]
        demo.story.check(
            first,
            f"{demo.globex} was written again {down_s:.0f} s after the first 503, {demo.acme} before that",
            f"{demo.acme} had to wait for {demo.globex}",
        )
    _check_nothing_dead(demo)
    for org in demo.orgs:
        _check_content(demo, org, "contact")


def expired_token(demo) -> None:
    demo.story.scene(
        "An expired token",
        f"HubSpot ends {demo.globex}'s access token before its time. The first call is refused, the token is renewed "
        "once, the call made again, and the new tokens are in Secrets Manager for everyone.",
    )
    before = demo.vault.get(demo.secret_name(demo.globex))
    demo.sandbox.expire_tokens(demo.globex)
    mark = demo.sandbox.mark()
    demo.publish("expired-token", [_contact(demo.globex, n, 4, job_title="Renewed") for n in range(1, 31)])
    demo.settle()
    asked = demo.sandbox.requests(mark, demo.globex)
    refused, renewed = crm.with_status(asked, 401), crm.refreshes(asked)
    demo.story.check(bool(refused), f"{count(len(refused), 'call')} refused with 401", "no call was refused with 401")
    demo.story.check(len(renewed) == 1, "1 refresh", f"{count(len(renewed), 'refresh', 'refreshes')} instead of 1")
    after = demo.vault.get(demo.secret_name(demo.globex))
    fresh = all(before[name] != after[name] for name in ("access_token", "refresh_token"))
    demo.story.check(fresh, "both new tokens are kept", "the new tokens were not kept")
    _check_content(demo, demo.globex, "contact")


ALL = (
    connect,
    first_load,
    updates,
    burst,
    repeats,
    deletion,
    rejection,
    rate_limit,
    outage,
    expired_token,
    connect_both,
    one_is_down,
    comes_back,
)


def json_lines(events: list) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in events)


def _contact(org: str, number: int, version: int, **changed) -> dict:
    return event(org, "contact", contact_id(number), version, {**contact(number), **changed})


def _by_id(records: list) -> dict:
    return {record["properties"].get(KEY, ""): record for record in records}


def _property(held: dict, record_id: str, name: str) -> str:
    return held[record_id]["properties"].get(name, "") if record_id in held else "(no such record)"


def _state(demo, org: str, object_name: str) -> dict:
    return {one["id"]: (one["updated_at"], one["properties"]) for one in demo.sandbox.records(org, object_name)}


def _dead(demo) -> list:
    """The org's dead letters, oldest record first."""
    words = ("dlq", "list", "--org", demo.acme)
    found = demo.rtr.json(*words, show="rtr " + " ".join(words), allowed=(0, 1))
    return sorted(found, key=lambda one: one["record_id"])


def _check_nothing_dead(demo) -> None:
    found = [one for one in demo.rtr.json("dlq", "list", show="-", allowed=(0, 1)) if one["org_id"] in demo.orgs]
    demo.story.check(not found, "no dead letters", f"{count(len(found), 'dead letter')}")


def _check_content(demo, org: str, *record_types: str) -> None:
    """That the CRM holds the newest version of every record, once, and nothing else."""
    wrong, total = [], 0
    for record_type in record_types:
        expected = demo.ledger.live(org, record_type)
        differences = audit(expected, demo.sandbox.records(org, OBJECTS[record_type]), record_type)
        total += len(expected)
        wrong += [f"{kind} {record_id}" for kind, ids in differences.items() for record_id in ids]
    names = " and ".join(OBJECTS[record_type] for record_type in record_types) if len(record_types) < 3 else "records"
    more = ", …" if len(wrong) > 5 else ""
    demo.story.check(
        not wrong,
        f"{org}: all {total} {names} are as last sent",
        f"{org}: {len(wrong)} of {total} {names} are not as last sent: {', '.join(wrong[:5])}{more}",
    )


def _check_linked(demo) -> None:
    wrong = 0
    for org in demo.orgs:
        linked = [one for one in demo.sandbox.records(org, "contacts") if one["associations"].get("companies")]
        linked += [one for one in demo.sandbox.records(org, "deals") if one["associations"].get("companies")]
        wrong += CONTACTS + DEALS - len(linked)
    text = "every contact and deal is linked to its company"
    demo.story.check(not wrong, text, f"{wrong} contacts and deals are not linked to a company")
