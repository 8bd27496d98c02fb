"""Starts, finds and ends the stack's processes.

Each is started as the leader of a process group of its own, so that ending the group also ends what it started
(MiniStack runs the functions as children). A pid file holds the pid and a token of that very process; without the token a
pid that the system gave to somebody else in the meantime would be killed.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from settings import Failure, Port, Settings, say

# In the environment of everything that a stack starts: tells its functions from other people's processes even when the
# leader of their group is gone.
MARK = "RTR_STACK_HOME"


@contextlib.contextmanager
def alone(settings: Settings):
    """One command at a time changes a stack; another one waits for its turn."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with open(settings.home / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another command that uses this stack …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(settings: Settings, name: str, command: list, environment: dict) -> int:
    settings.logs.mkdir(parents=True, exist_ok=True)
    with open(settings.logs / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            command,
            env={**environment, MARK: str(settings.home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=settings.home,
            start_new_session=True,
        )
    _pid_file(settings, name).write_text(json.dumps({"pid": process.pid, "token": _token(process.pid)}))
    return process.pid


def running(settings: Settings, name: str) -> bool:
    known = _read(settings, name)
    return known is not None and known["token"] is not None and _token(known["pid"]) == known["token"]


def started_after(settings: Settings, name: str, binary: Path) -> bool:
    return _pid_file(settings, name).stat().st_mtime >= binary.stat().st_mtime


def stop(settings: Settings, name: str) -> bool:
    """Ends the process and all it started. True if there was anything to end."""
    known = _read(settings, name)
    if known is None:
        return False
    pid = known["pid"]
    # A group keeps its number as long as it has a member, so a leftover function is found under its dead leader's pid.
    ours = running(settings, name) or _group_is_marked(settings, pid)
    if ours:
        end_group(pid)
    _pid_file(settings, name).unlink(missing_ok=True)
    return ours


def wait_for(settings: Settings, name: str, url: str, seconds: float = 20) -> None:
    """Until the process answers on its port with anything at all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not running(settings, name):
            raise Failure(f"{name} ended at once. Its log:\n{tail(settings, name)}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise Failure(f"{name} does not answer at {url} after {seconds:.0f} s. Its log:\n{tail(settings, name)}")


def require_free(port: Port, what: str) -> None:
    if not is_free(port):
        raise Failure(
            f"Port {port.number} for {what} is in use by another program. Stop that, or choose another port: "
            f"{port.variable}={port.number + 100} make …"
        )


def is_free(port: Port) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port.number))
            return True
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(settings: Settings, name: str, lines: int = 20) -> str:
    path = settings.logs / f"{name}.log"
    if not path.exists():
        return "(no log)"
    return "\n".join("  " + line for line in path.read_text(errors="replace").splitlines()[-lines:]) or "(empty)"


def end_group(group: int) -> None:
    """Asks the group to end, and makes it. What a process group is: see the top."""
    for how, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        try:
            os.killpg(group, how)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            _reap(group)
            if not _group_lives(group):
                return
            time.sleep(0.02)
    say(f"process group {group} does not end")


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass  # started by an earlier command, so init reaps it


def _group_lives(group: int) -> bool:
    if _proc() is None:
        try:
            os.killpg(group, 0)
            return True
        except (ProcessLookupError, PermissionError):
            return False
    # A zombie that nobody has reaped yet is no life.
    return any(stat[0] != "Z" for _, stat in _members(group))


def _group_is_marked(settings: Settings, group: int) -> bool:
    wanted = f"{MARK}={settings.home}".encode()
    for pid, _ in _members(group):
        try:
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def _members(group: int) -> list:
    """(pid, the fields of its stat after the name) of a group's processes; empty where there is no /proc."""
    found = []
    for entry in _proc() or []:
        stat = _stat(int(entry))
        if stat is not None and int(stat[2]) == group:
            found.append((int(entry), stat))
    return found


def _proc():
    try:
        return [entry for entry in os.listdir("/proc") if entry.isdigit()]
    except FileNotFoundError:
        return None


def _stat(pid: int):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, so the fields are counted from its end.
    return text.rpartition(")")[2].split()


def _token(pid: int):
    """When the process started: with the pid that names one process for as long as the machine is up."""
    if _proc() is not None:
        stat = _stat(pid)
        return None if stat is None or stat[0] == "Z" else stat[19]
    answer = subprocess.run(["ps", "-p", str(pid), "-o", "lstart="], capture_output=True, text=True)
    return answer.stdout.strip() or None


def _read(settings: Settings, name: str):
    try:
        known = json.loads(_pid_file(settings, name).read_text())
        return {"pid": int(known["pid"]), "token": known["token"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _pid_file(settings: Settings, name: str) -> Path:
    return settings.home / f"{name}.pid"
