"""The table at the end: what was sent, and what the CRM was asked and holds, from the sandbox's own store."""

import sandbox as crm
from ledger import OBJECTS, audit
from table import table

HEADINGS = ["org", "object", "events", "records", "live", "in the CRM", "written", "calls", "doubles", "stale"]


def final_table(demo) -> None:
    demo.story.scene(
        "The reckoning",
        "What was sent, and what the CRM's own store and journal say. `live` is what should be there, `written` counts "
        "records in calls that the CRM accepted, `stale` is an older version over a newer one.",
    )
    rows = []
    for org in demo.orgs:
        asked = demo.sandbox.requests(demo.began_at, org)
        for record_type, object_name in OBJECTS.items():
            rows.append(_row(demo, org, record_type, object_name, crm.writes(asked, object_name)))
    demo.story.plain("")
    for line in table(HEADINGS, rows).splitlines():
        demo.story.note(line)
    for org in demo.orgs:
        asked = demo.sandbox.requests(demo.began_at, org)
        demo.story.note(f"{org}: {len(asked):,} calls in all, searches, links and refreshes included")


def _row(demo, org: str, record_type: str, object_name: str, written: list) -> list:
    expected = demo.ledger.live(org, record_type)
    held = demo.sandbox.records(org, object_name)
    differences = audit(expected, held, record_type)
    doubles, stale = len(differences["duplicate"]), len(differences["stale"])
    row = [org, object_name, demo.ledger.events[(org, record_type)], demo.ledger.distinct(org, record_type)]
    row += [len(expected), len(held), crm.items(written), len(written), doubles, stale]
    for kind, found in differences.items():
        if found:
            demo.story.wrong.append(f"the reckoning: {org} {object_name}: {len(found)} {kind}: {', '.join(found[:5])}")
    if len(held) != len(expected):
        demo.story.wrong.append(f"the reckoning: {org} holds {len(held)} {object_name}, not {len(expected)}")
    return row
