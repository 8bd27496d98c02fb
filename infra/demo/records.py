"""The internal system's records: made up, and the same ones in every run."""

FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Margaret", "Tim", "Dennis")
LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Hamilton", "Lee", "Ritchie")
FIRM = ("Analytical Engines", "Compilers", "Enigma", "Shortest Path", "Abstractions", "Literate", "Pipes")
JOBS = ("Engineer", "Head of Sales", "Buyer", "Founder", "Architect")
STAGES = ("lead", "qualified", "customer")
INDUSTRIES = ("software", "retail", "banking", "internet")
DEAL_STAGES = ("new", "qualified", "demo", "contract", "won")

COMPANIES = 40
CONTACTS = 150
DEALS = 20


def company(number: int) -> dict:
    name = f"{FIRM[number % len(FIRM)]} {number}"
    return {
        "name": name,
        "domain": f"{name.lower().replace(' ', '-')}.example",
        "industry": INDUSTRIES[number % len(INDUSTRIES)],
        "employees": 10 * number,
        "address": {"street": f"{number} Main Street", "city": "London", "country": "GB"},
    }


def contact(number: int) -> dict:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    return {
        "email": f"{first}.{last}.{number}@{company(1 + number % COMPANIES)['domain']}",
        "first_name": first,
        "last_name": last,
        "phone": f"+44 20 7946 {number:04d}",
        "job_title": JOBS[number % len(JOBS)],
        "stage": STAGES[number % len(STAGES)],
        "company_id": company_id(1 + number % COMPANIES),
    }


def deal(number: int) -> dict:
    return {
        "name": f"Licences {number}",
        "amount": f"{number * 1250}.50",
        "currency": "EUR",
        "stage": DEAL_STAGES[number % len(DEAL_STAGES)],
        "close_date": f"2026-12-{1 + number % 28:02d}",
        "company_id": company_id(1 + number % COMPANIES),
        "contact_id": contact_id(number),
    }


def company_id(number: int) -> str:
    return f"firm-{number:03d}"


def contact_id(number: int) -> str:
    return f"c-{1000 + number}"


def deal_id(number: int) -> str:
    return f"d-{number:03d}"


def event(org: str, record_type: str, record_id: str, version: int, data=None, operation: str = "upsert") -> dict:
    body = {"org_id": org, "record_type": record_type, "record_id": record_id, "version": version}
    body["operation"] = operation
    if data is not None:
        body["data"] = data
    return body


def everything(org: str) -> list:
    """All records of an org at version 1, those that others refer to first."""
    companies = [event(org, "company", company_id(n), 1, company(n)) for n in range(1, COMPANIES + 1)]
    contacts = [event(org, "contact", contact_id(n), 1, contact(n)) for n in range(1, CONTACTS + 1)]
    deals = [event(org, "deal", deal_id(n), 1, deal(n)) for n in range(1, DEALS + 1)]
    return companies + contacts + deals
