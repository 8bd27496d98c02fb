"""Where a local stack lives: its name, its ports, its folder. Everything else is derived from these."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV_BIN = ROOT / ".venv" / "bin"

REGION = "us-east-1"
STACK = "rtr-local"
STAGE = "local"

# The local AWS takes any; without them the SDKs refuse to call.
CREDENTIALS = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}

# Short, so that a test that kills a function sees its message again soon. The template's rules hold all the same:
# visibility is at least 6 x timeout, and at least 60 s (the life of a request at a CRM) more than it.
FUNCTION_TIMEOUT_S = 10
VISIBILITY_S = 75

# Two stacks can run side by side: the one people play with, and the one `make test` brings up for itself.
DEFAULT_PORTS = {
    "local": {"RTR_PORT": 4566, "RTR_SANDBOX_PORT": 4600, "RTR_COUNTER_PORT": 4601, "RTR_HOUSE_PORT": 4602},
    "test": {
        "RTR_TEST_PORT": 4576,
        "RTR_TEST_SANDBOX_PORT": 4610,
        "RTR_TEST_COUNTER_PORT": 4611,
        "RTR_TEST_HOUSE_PORT": 4612,
    },
}


class Failure(Exception):
    """Something that the user can act on; shown without a traceback."""


@dataclass(frozen=True)
class Port:
    number: int
    variable: str
    chosen: bool  # by the user, through the variable

    @property
    def url(self) -> str:
        # Not localhost: that may mean ::1, and S3 clients turn it into bucket.localhost.
        return f"http://127.0.0.1:{self.number}"


@dataclass(frozen=True)
class Settings:
    name: str
    aws: Port
    sandbox: Port
    counter: Port
    house: Port

    @property
    def home(self) -> Path:
        return ROOT / "target" / self.name

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def env_file(self) -> Path:
        return self.home / "env.sh"

    @property
    def ports_file(self) -> Path:
        """The ports of the stack that runs, so that no later command needs the variables again."""
        return self.home / "ports.json"

    def remember_ports(self) -> None:
        self.ports_file.write_text(json.dumps({port.variable: port.number for port in self.ports}))

    @property
    def ports(self) -> tuple:
        return (self.aws, self.sandbox, self.counter, self.house)


def load(name: str) -> Settings:
    return Settings(name, *(_port(variable, default) for variable, default in DEFAULT_PORTS[name].items()))


def load_running(name: str) -> Settings:
    """With the ports of the stack that runs, if one does."""
    settings = load(name)
    try:
        known = json.loads(settings.ports_file.read_text())
        return Settings(name, *(replace(port, number=int(known[port.variable])) for port in settings.ports))
    except (OSError, ValueError, KeyError, TypeError):
        return settings


def _port(variable: str, default: int) -> Port:
    text = os.environ.get(variable, "")
    if not text:
        return Port(default, variable, chosen=False)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Failure(f"{variable}={text} is not a port")
    return Port(int(text), variable, chosen=True)


@lru_cache(maxsize=None)
def binaries() -> Path:
    """The folder of the debug build, which is the tests' own: nothing is compiled twice."""
    target = os.environ.get("CARGO_BUILD_TARGET", "")
    if not target:
        cargo = shutil.which("rustc")
        if cargo is None:
            raise Failure("rustc is not on the PATH: install Rust from https://rustup.rs")
        about = subprocess.run([cargo, "-vV"], check=True, capture_output=True, text=True).stdout
        target = next(line.split()[1] for line in about.splitlines() if line.startswith("host:"))
    return ROOT / "target" / target / "debug"


def tool(name: str) -> str:
    path = VENV_BIN / name
    if not path.exists():
        raise Failure(f"{path.relative_to(ROOT)} is missing: run `make setup`")
    return str(path)


def say(text: str) -> None:
    # Progress goes to stderr, so that what a command answers can be piped.
    print(text, file=sys.stderr, flush=True)
