"""The guided demo: two orgs, their CRMs, and everything that goes wrong in between.

    demo.py [--keep] [--fast]

Exits with 1 when a figure is not what it should be. `make demo` builds first; KEEP=1 stands for --keep.
"""

import argparse
import os
import secrets
import shutil
import signal
import string
import sys
import time

import scenes
from back import House
from books import add_up
from failure import Failure
from ledger import Ledger
from local import HOME, ROOT, LocalStack
from report import final_table
from rtr import Rtr
from sandbox import Sandbox
from story import Story
from vault import Vault

ORGS = ("acme", "globex")
# Connected to two CRMs, in a scene of its own.
BOTH = "initech"
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Demo:
    """What the scenes share."""

    def __init__(self, story: Story, environment: dict, suffix: str):
        self.story = story
        self.environment = environment
        self.sandbox = Sandbox(environment["SANDBOX_URL"])
        self.vault = Vault(environment)
        self.rtr = Rtr(environment, story)
        self.ledger = Ledger()
        self.acme, self.globex = (org + suffix for org in ORGS)
        self.initech = BOTH + suffix
        self.salesforce = Sandbox(environment["SANDBOX_URL"], "salesforce")
        # What initech's CRMs sign with what they push.
        self.webhook_secret = secrets.token_hex(16)
        self.began_at = self.sandbox.mark()
        self.began_ms = int(time.time() * 1_000)
        self.house = House(environment["HOUSE_URL"])
        self._house_before = self.house.handed_in()
        self._files = 0
        self._progress_from = self.began_at

    @property
    def orgs(self) -> tuple:
        return (self.acme, self.globex)

    def secret_name(self, org: str, connection: str = "hubspot") -> str:
        return f"rtr/{self.environment['RTR_STAGE']}/{org}/{connection}"

    def configuration(self):
        """The default mappings, and the demo's orgs with the sandbox's address filled in."""
        folder = HOME / "config"
        shutil.copytree(ROOT / "config" / "mappings", folder / "mappings")
        (folder / "orgs").mkdir()
        for template, org in zip((*ORGS, BOTH), (*self.orgs, self.initech)):
            text = (ROOT / "infra" / "demo" / "config" / "orgs" / f"{template}.yaml").read_text(encoding="utf-8")
            known = {"ORG": org, "SANDBOX_URL": self.sandbox.url, "HOUSE_URL": self.environment["HOUSE_URL"]}
            filled = string.Template(text).safe_substitute(known, INBOUND_SECRET=self.secret_name(org, "inbound"))
            (folder / "orgs" / f"{org}.yaml").write_text(filled, encoding="utf-8")
        return folder.relative_to(ROOT)

    def publish(self, name: str, events: list, force: bool = False) -> None:
        self._files += 1
        path = HOME / "events" / f"{self._files:02d}-{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(scenes.json_lines(events), encoding="utf-8")
        self._progress_from = self.sandbox.mark()
        self.rtr.run("publish", str(path.relative_to(ROOT)), *(["--force"] if force else []))
        self.ledger.note(events)

    def sent(self) -> int:
        """Events that rtr-sync was given: by this demo, and by the house."""
        return sum(self.ledger.events.values()) + self.house.handed_in() - self._house_before

    def settle(self) -> None:
        """Until nothing is queued, in flight or waiting for a CRM."""
        self.rtr.run("wait", "--idle", "--timeout", "60s", show="rtr wait --idle", while_waiting=self._progress)

    def _progress(self) -> None:
        if self.story.live:
            asked = sum(len(self.sandbox.requests(self._progress_from, org)) for org in self.orgs)
            self.story.progress(f"{asked} calls at the CRM so far …")

    def leave_tidy(self) -> None:
        """For a stack that goes on running: no fault or limit of the demo's is left behind."""
        self.salesforce.clear_faults(self.initech)
        for account in (self.sandbox, self.salesforce):
            account.push_nowhere(self.initech)
        for org in self.orgs:
            self.sandbox.clear_faults(org)
            self.sandbox.limit(org, [])


def run(story: Story, keep: bool) -> int:
    began = time.monotonic()
    story.title("rtr-sync, the guided demo")
    stack = LocalStack()
    leave_up = keep or stack.was_up
    demo = None
    try:
        story.scene(
            "The stage",
            "MiniStack stands in for AWS and the CRM sandbox for HubSpot, both on this machine's loopback. The real "
            "template.yaml is deployed, and the real binaries run as its Lambda functions.",
        )
        environment = stack.up(story.progress)
        story.progress_over()
        shutil.rmtree(HOME, ignore_errors=True)
        # In a stack that has run before, orgs of other names have CRM accounts and records of their own.
        demo = Demo(story, environment, suffix=f"-{int(time.time()) % 1_000_000}" if stack.was_up else "")
        story.check(True, f"up in {time.monotonic() - began:.0f} s{' (it was up already)' if stack.was_up else ''}")
        story.note(f"Watch the CRM live: {demo.sandbox.url}/")
        for scene in scenes.ALL:
            scene(demo)
        final_table(demo)
        add_up(demo)
    except Failure as failure:
        story.progress_over()
        story.fail(str(failure))
    finally:
        _be_deaf()
        if leave_up and demo:
            _quietly(demo.leave_tidy)
        if stack.touched and not leave_up:
            stack.down()
    return _end(story, demo, leave_up, time.monotonic() - began)


def _be_deaf() -> None:
    """A second Ctrl-C must not cut the cleaning up short; what is started from now on inherits this."""
    for name in INTERRUPTIONS:
        signal.signal(name, signal.SIG_IGN)


def _quietly(work) -> None:
    try:
        work()
    except Failure:
        pass  # the sandbox is gone, and what was set with it


def _end(story: Story, demo, leave_up: bool, seconds: float) -> int:
    story.plain("")
    if story.wrong:
        story.bad(f"Not as it should be ({seconds:.0f} s):")
        for one in story.wrong:
            story.plain(f"  ✗ {one}")
        logs = "make logs" if leave_up else (HOME / "functions.log").relative_to(ROOT)
        story.plain(f"What the functions printed: {logs}")
    else:
        story.good(f"Every figure is as it should be ({seconds:.0f} s).")
    if leave_up and demo:
        story.plain(f"Still running: {demo.sandbox.url}/ · make stop ends it. To go on by hand:")
        story.plain(f"  source target/local/env.sh && rtr record {demo.acme} contact c-1001")
    elif not story.wrong:
        story.plain("All of it has ended. To look around afterwards: make demo KEEP=1")
    return 1 if story.wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    parser.add_argument("--fast", action="store_true", help="no pauses for reading, as with CI=true")
    return parser.parse_args()


def _wanted(variable: str) -> bool:
    return os.environ.get(variable, "").lower() not in ("", "0", "false", "no")


def main() -> int:
    def interrupted(number, _frame):
        _be_deaf()
        raise SystemExit(128 + number)

    chosen = _arguments()
    for name in INTERRUPTIONS:
        signal.signal(name, interrupted)
    story = Story(fast=chosen.fast or _wanted("CI"))
    try:
        return run(story, keep=chosen.keep or _wanted("KEEP"))
    except SystemExit as ended:
        story.progress_over()
        story.plain("\nInterrupted; what the demo had started has ended.")
        return int(ended.code)


if __name__ == "__main__":
    sys.exit(main())
