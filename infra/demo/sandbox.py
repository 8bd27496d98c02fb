"""The CRM sandbox: its control API, and what is read out of its journal.

Every figure of the demo is taken from here, none from rtr-sync's own tables.
"""

import json
import urllib.error
import urllib.parse
import urllib.request

from failure import Failure

PROVIDER = "hubspot"
WRITES = ("create", "update", "upsert", "archive")


class Sandbox:
    def __init__(self, url: str, provider: str = PROVIDER):
        self.url = url
        self.provider = provider

    def reset(self, account: str) -> None:
        self._call("POST", "reset", {"provider": self.provider, "account": account})

    def issue_token(self, account: str, **wanted) -> dict:
        return self._call("POST", "tokens", {"provider": self.provider, "account": account, **wanted})

    def expire_tokens(self, account: str) -> int:
        answer = self._call("POST", "tokens", {"provider": self.provider, "account": account, "action": "expire"})
        return answer["expired"]

    def limit(self, account: str, limits: list) -> None:
        self._call("PUT", "limits", {"provider": self.provider, "account": account, "limits": limits})

    def fault(self, account: str, **fault) -> None:
        self._call("PUT", "faults", [{"provider": self.provider, "account": account, **fault}])

    def clear_faults(self, account: str) -> None:
        query = urllib.parse.urlencode({"provider": self.provider, "account": account})
        self._call("DELETE", f"faults?{query}")

    def rule(self, account: str, object_name: str, name: str, **rule) -> None:
        body = {"provider": self.provider, "account": account, "object": object_name, "name": name, **rule}
        self._call("PUT", "properties", body)

    def edit(self, account: str, object_name: str, external_id: str, values: dict) -> None:
        """What a person does on the sandbox's page."""
        body = {"account": account, "object": object_name, "id": external_id, "values": values}
        self._call("POST", "edit", {"provider": self.provider, **body})

    def push_to(self, account: str, url: str, secret: str) -> None:
        body = {"provider": self.provider, "account": account, "url": url, "secret": secret}
        self._call("PUT", "webhooks", body)

    def push_nowhere(self, account: str) -> None:
        query = urllib.parse.urlencode({"provider": self.provider, "account": account})
        self._call("DELETE", f"webhooks?{query}")

    def records(self, account: str, object_name: str, archived: bool = False) -> list:
        query = {"provider": self.provider, "account": account, "object": object_name}
        if archived:
            query["archived"] = "true"
        return self._call("GET", f"records?{urllib.parse.urlencode(query)}")

    def mark(self) -> int:
        """A place in the journal, to ask for what came after it."""
        return self._call("GET", "state")["last_seq"]

    def requests(self, since: int, account: str, bodies: bool = False) -> list:
        query = {"since": since, "provider": self.provider, "account": account}
        if bodies:
            query["bodies"] = "true"
        return self._call("GET", f"requests?{urllib.parse.urlencode(query)}")

    def _call(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"the CRM sandbox refused {method} {path}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise Failure(f"the CRM sandbox does not answer at {self.url}: {error}") from None


def written_object(request: dict):
    """The object whose records a request writes (`contacts`), or none: a question, an association, a setting."""
    parts = request["path"].split("?")[0].strip("/").split("/")
    # crm/v3/objects/contacts/batch/upsert, crm/objects/2026-03/contacts/batch/upsert, crm/v3/objects/contacts/123
    if parts[0] != "crm" or "objects" not in parts[:3] or "associations" in parts or len(parts) < 4:
        return None
    if parts[-1] == "search" or parts[-2:] == ["batch", "read"] or request["method"] == "GET":
        return None
    return parts[3]


def writes(requests: list, object_name: str = "") -> list:
    """The requests that changed records."""
    done = [one for one in requests if 200 <= one["status"] < 300 and written_object(one)]
    return [one for one in done if not object_name or written_object(one) == object_name]


def items(requests: list) -> int:
    return sum(one["items"] for one in requests)


def with_status(requests: list, status: int) -> list:
    return [one for one in requests if one["status"] == status]


def refreshes(requests: list) -> list:
    return [one for one in requests if one["path"].startswith("/oauth/") and one["method"] == "POST"]


def inputs(requests: list) -> list:
    """The inputs of batch calls, in the order they were sent; the requests must have been asked for with bodies."""
    found = []
    for request in requests:
        body = request.get("body")
        if isinstance(body, dict):
            found += body.get("inputs", [])
    return found
