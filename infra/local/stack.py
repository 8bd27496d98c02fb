"""The local stack: AWS (MiniStack), the CRM sandbox, rtr-sync deployed to them, and the house that plays your own system.

    stack.py up       start what is not running, deploy what has changed, write target/local/env.sh
    stack.py down     end everything it started
    stack.py status   what runs where
    stack.py env      env.sh, for eval
    stack.py logs     what the functions printed; -f follows
    stack.py run -- COMMAND…    up, COMMAND with the environment set, down, whatever happens
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import aws
import deploy
import processes
from settings import DEFAULT_PORTS, REGION, ROOT, STAGE, Failure, Settings, binaries, load, load_running, say, tool

# In this order they start; they end in the other.
AWS, SANDBOX, HOUSE = "ministack", "sandbox", "house"

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(settings: Settings) -> dict:
    if not processes.running(settings, AWS):
        # Nothing of an earlier run is left over: not a function, nor the memory of what was deployed.
        down(settings)
        (settings.home / "deployed").unlink(missing_ok=True)
        settings.remember_ports()
        _start_aws(settings)
    _start_sandbox(settings)
    changed = deploy.deploy(settings)
    values = deploy.write_environment(settings)
    _start_house(settings, values)
    if changed:
        # The local AWS lets the first minute of a schedule pass: until then this run does what the schedule's would.
        aws.start_function(settings.aws, values["SWEEP_FUNCTION_NAME"])
    say("Deployed." if changed else "Nothing to deploy: template and functions are as they were.")
    return values


def down(settings: Settings) -> bool:
    ended = [processes.stop(settings, name) for name in (HOUSE, SANDBOX, AWS)]
    settings.env_file.unlink(missing_ok=True)
    settings.ports_file.unlink(missing_ok=True)
    return any(ended)


def _start_aws(settings: Settings) -> None:
    processes.require_free(settings.aws, "the local AWS")
    scratch = settings.home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    # A clean environment, because the functions inherit all of it.
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.home),
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.aws.number),
        # In queue URLs, which the functions are given.
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        # The functions' calls go through the sandbox's counter, so that tests and benchmarks can count them.
        "AWS_ENDPOINT_URL": settings.counter.url,
        # It would listen for MQTT on 8883, where a second stack could not.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "S3_DATA_DIR": str(scratch / "s3"),
        "STATE_DIR": str(scratch / "state"),
        "PYTHONUNBUFFERED": "1",
    }
    processes.start(settings, AWS, [tool("ministack")], environment)
    processes.wait_for(settings, AWS, f"{settings.aws.url}/_ministack/health")


def _start_sandbox(settings: Settings) -> None:
    binary = binaries() / "rtr-sandbox"
    if not binary.exists():
        raise Failure(f"{binary.relative_to(ROOT)} is missing: run `make build`")
    if processes.running(settings, SANDBOX):
        if processes.started_after(settings, SANDBOX, binary):
            return
        say("The sandbox was built anew: it starts again, empty.")
        processes.stop(settings, SANDBOX)
    processes.require_free(settings.sandbox, "the CRM sandbox")
    processes.require_free(settings.counter, "the AWS request counter")
    command = [str(binary), "--host", "127.0.0.1", "--port", str(settings.sandbox.number)]
    command += ["--aws-counter", str(settings.counter.number), "--aws-upstream", settings.aws.url]
    processes.start(settings, SANDBOX, command, {"PATH": os.environ["PATH"], "RUST_LOG": "info"})
    processes.wait_for(settings, SANDBOX, settings.sandbox.url)
    processes.wait_for(settings, SANDBOX, f"{settings.counter.url}/_counter")  # a path that it does not count


def _start_house(settings: Settings, values: dict) -> None:
    """It hands in to the stack's queue until it is told otherwise (PUT $HOUSE_URL/settings), and believes no delivery before
    it is told a secret there or by HOUSE_SECRETS."""
    sources = sorted((ROOT / "infra" / "house").glob("*.py"))
    if processes.running(settings, HOUSE):
        if all(processes.started_after(settings, HOUSE, source) for source in sources):
            return
        say("The house was changed: it starts again, empty.")
        processes.stop(settings, HOUSE)
    processes.require_free(settings.house, "the house")
    told = {name: value for name, value in os.environ.items() if name.startswith("HOUSE_")}
    environment = {"PATH": os.environ["PATH"], "HOUSE_QUEUE_URL": values["CHANGES_QUEUE_URL"], **told}
    command = [sys.executable, str(ROOT / "infra" / "house" / "house.py"), "--port", str(settings.house.number)]
    processes.start(settings, HOUSE, command, environment)
    processes.wait_for(settings, HOUSE, f"{settings.house.url}/health")


def guide(settings: Settings) -> str:
    return f"""
The local stack is running.

  AWS          {settings.aws.url}
  CRM sandbox  {settings.sandbox.url}
  the house    {settings.house.url}, which plays your own system (infra/house)
  logs         make logs, {settings.logs.relative_to(ROOT)}/

In a shell:    source {settings.env_file.relative_to(ROOT)}
Then:          rtr connection list
One event:     make invoke EVENT=events/….json
To end it:     make stop"""


def status(settings: Settings) -> int:
    lines = ((AWS, settings.aws), (SANDBOX, settings.sandbox), (HOUSE, settings.house))
    for name, port in lines:
        print(f"{name:10} {port.url}  {'running' if processes.running(settings, name) else 'not running'}")
    return 0 if all(processes.running(settings, name) for name, _ in lines) else 1


def logs(settings: Settings, follow: bool) -> int:
    if not processes.running(settings, AWS):
        raise Failure("the local stack is not running: make local")
    since, seen = 0, set()
    while True:
        for line in _function_logs(settings, since):
            if line not in seen:
                seen.add(line)
                print(f"{line[1]:8} {line[2]}", flush=True)
        if not follow:
            return 0
        time.sleep(1)


def _function_logs(settings: Settings, since_ms: int) -> list:
    lines = []
    for name in sorted(path.name for path in (settings.home / "functions").iterdir()):
        group = f"/aws/lambda/rtr-{STAGE}-{name}"
        lines += [(at, name, text) for at, text in aws.log_lines(settings.aws, group, since_ms)]
    return sorted(lines, key=lambda line: line[0])


def keep_function_logs(settings: Settings) -> None:
    """They live in the local AWS's memory: written down before it ends, for whoever looks at what failed."""
    try:
        text = "".join(f"{name:8} {line}\n" for _, name, line in _function_logs(settings, 0))
        (settings.logs / "functions.log").write_text(text)
    except OSError as error:
        say(f"the functions' logs are lost: {error}")


def run(settings: Settings, command: list, times: int) -> int:
    """The command with the environment set, as often as asked, until it fails."""
    settings = _with_free_ports(settings)
    environment = deploy.environment(up(settings))
    try:
        for turn in range(times):
            if times > 1:
                say(f"── run {turn + 1} of {times}")
            code = _run_once(command, environment)
            if code != 0:
                return code
        return 0
    finally:
        keep_function_logs(settings)


def _run_once(command: list, environment: dict) -> int:
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            return process.wait()
        except SystemExit as interrupted:
            # Ctrl-C has reached the command too, since it is in the terminal's group; a `kill` has not. Either way it gets
            # the time to end what it started.
            if interrupted.code != 128 + signal.SIGINT:
                process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _with_free_ports(settings: Settings) -> Settings:
    """Nobody needs to know this stack's ports: one that is taken, and was not asked for, is replaced."""

    def free(port):
        if port.chosen or processes.is_free(port):
            return port
        return replace(port, number=processes.free_port())

    aws_port, sandbox, counter, house = map(free, settings.ports)
    return replace(settings, aws=aws_port, sandbox=sandbox, counter=counter, house=house)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", choices=sorted(DEFAULT_PORTS), default="local")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status", "env"):
        commands.add_parser(name)
    commands.add_parser("logs").add_argument("-f", "--follow", action="store_true")
    runner = commands.add_parser("run")
    runner.add_argument("--repeat", type=int, default=1, metavar="N")
    runner.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser.parse_args()


def act(chosen: argparse.Namespace) -> int:
    if chosen.command == "run":
        return _run_and_end(chosen)
    if chosen.command == "up":
        say(guide(up_and_stay(chosen.name)))
        return 0
    settings = load_running(chosen.name)
    if chosen.command == "down":
        say("Stopped." if down(settings) else "Nothing was running.")
        return 0
    if chosen.command == "status":
        return status(settings)
    if chosen.command == "logs":
        return logs(settings, chosen.follow)
    if not settings.env_file.exists():
        raise Failure("the local stack is not running: make local")
    print(settings.env_file.read_text(), end="")
    return 0


def up_and_stay(name: str) -> Settings:
    """Brings the stack up and leaves it running, or, if that fails or is interrupted, leaves nothing of it."""
    asked, there = load(name), load_running(name)
    was_up = processes.running(there, AWS)
    if not was_up:
        there = asked
    for now, wish in zip(there.ports, asked.ports):
        if wish.chosen and wish.number != now.number:
            raise Failure(f"the local stack runs with {now.variable}={now.number}: `make stop` first")
    try:
        with processes.alone(there):
            up(there)
    except Failure:
        # One that ran before keeps its data, whatever is wrong with what was to be deployed to it.
        if not was_up:
            down(there)
        raise
    except BaseException:
        down(there)
        raise
    return there


def _run_and_end(chosen: argparse.Namespace) -> int:
    settings = load(chosen.name)
    with processes.alone(settings):
        # One that was killed outright may have left its stack behind.
        down(settings)
        try:
            return run(settings, [word for word in chosen.argv if word != "--"], chosen.repeat)
        finally:
            down(settings)


def end_in_order() -> None:
    """Ctrl-C, `kill` and a closed terminal become an exception, so that what was started is ended on the way out."""

    def interrupted(number, _frame):
        # A second Ctrl-C must not cut the cleaning up short.
        for name in ENDINGS:
            signal.signal(name, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for name in ENDINGS:
        signal.signal(name, interrupted)


def main() -> int:
    chosen = arguments()
    if chosen.command in ("up", "run"):
        end_in_order()
    try:
        return act(chosen)
    except Failure as failure:
        say(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
