"""The local stack under the demo: infra/local/stack.py, started if it is not up, and ended again if we started it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from failure import Failure

ROOT = Path(__file__).resolve().parents[2]
STACK = [sys.executable, str(ROOT / "infra" / "local" / "stack.py")]
HOME = ROOT / "target" / "demo"
# Whatever the locale; a log is not worth an exception.
TEXT = {"encoding": "utf-8", "errors": "replace"}


class LocalStack:
    def __init__(self):
        self.was_up = _quiet("status").returncode == 0
        self.touched = False

    def up(self, tell) -> dict:
        """The environment to work in. `tell` gets what is being done."""
        self.touched = True
        said = []
        process = subprocess.Popen([*STACK, "up"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **TEXT)
        try:
            for line in process.stderr:
                said.append(line.rstrip())
                # What takes time ends so; the rest is advice for those who started the stack by hand.
                if line.rstrip().endswith("…"):
                    tell(line.strip())
            process.wait()
        except BaseException:
            # It ends what it has begun, as long as it is given the time; Ctrl-C has reached it too.
            process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            raise Failure("the local stack did not start:\n" + "\n".join(said))
        return read_environment(_quiet("env").stdout)

    def down(self) -> None:
        """Keeps what the functions printed, and ends everything."""
        HOME.mkdir(parents=True, exist_ok=True)
        (HOME / "functions.log").write_text(_quiet("logs").stdout, encoding="utf-8")
        _quiet("down")


def function_logs() -> list:
    """What the functions have printed so far, line by line."""
    return _quiet("logs").stdout.splitlines()


def read_environment(text: str) -> dict:
    """The environment that sourcing env.sh would give."""
    environment = dict(os.environ)
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            name, _, value = words[1].partition("=")
            environment[name] = re.sub(r"\$PATH\b", lambda _: os.environ.get("PATH", ""), value)
        elif words[:1] == ["unset"]:
            for name in words[1:]:
                environment.pop(name, None)
    return environment


def _quiet(command: str) -> subprocess.CompletedProcess:
    return subprocess.run([*STACK, command], stdin=subprocess.DEVNULL, capture_output=True, **TEXT)
