"""What was sent, and so what the CRM should hold: the newest version of each record, whatever order things came in."""

from collections import Counter

OBJECTS = {"company": "companies", "contact": "contacts", "deal": "deals"}
KEY = "rtr_record_id"


def expected_properties(record_type: str, data: dict) -> dict:
    """What the default mappings (config/mappings/hubspot) make of a record, for the fields that the demo compares."""
    if record_type == "contact":
        return {
            "email": data["email"].lower(),
            "firstname": data["first_name"],
            "lastname": data["last_name"],
            "jobtitle": data["job_title"],
        }
    if record_type == "company":
        return {"name": data["name"], "domain": data["domain"], "numberofemployees": str(data["employees"])}
    return {"dealname": data["name"], "amount": data["amount"]}


class Ledger:
    def __init__(self):
        self.newest = {}
        self.events = Counter()

    def note(self, events: list) -> None:
        for one in events:
            key = (one["org_id"], one["record_type"], one["record_id"])
            self.events[key[:2]] += 1
            known = self.newest.get(key)
            if known is None or known["version"] < one["version"]:
                self.newest[key] = one

    def live(self, org: str, record_type: str) -> dict:
        """The newest event of each record that should be in the CRM, by record id."""
        return {
            key[2]: one
            for key, one in self.newest.items()
            if key[:2] == (org, record_type) and one["operation"] != "deleted"
        }

    def distinct(self, org: str, record_type: str) -> int:
        return sum(1 for key in self.newest if key[:2] == (org, record_type))


def audit(expected: dict, held: list, record_type: str) -> dict:
    """How what the CRM holds differs from what it should: record ids by kind of difference."""
    by_id = Counter(record["properties"].get(KEY, "") for record in held)
    differences = {"missing": sorted(set(expected) - set(by_id)), "duplicate": [], "stray": [], "stale": []}
    for record_id, times in sorted(by_id.items()):
        if record_id not in expected:
            differences["stray"].append(record_id or "(a record without key)")
        elif times > 1:
            differences["duplicate"].append(record_id)
    for record in held:
        record_id = record["properties"].get(KEY, "")
        if record_id in expected:
            wanted = expected_properties(record_type, expected[record_id]["data"])
            if any(record["properties"].get(name) != value for name, value in wanted.items()):
                differences["stale"].append(record_id)
    return differences
