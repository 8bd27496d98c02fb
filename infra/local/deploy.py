"""Deploys the real template with the debug build, and writes env.sh from what came out.

`sam build` is left out: it has a target layout of its own and would compile everything again. The copy of the template
that is deployed differs in where the code lies, and in nothing else.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import aws
from settings import CREDENTIALS, FUNCTION_TIMEOUT_S, REGION, ROOT, STACK, STAGE, VENV_BIN, VISIBILITY_S
from settings import Failure, Settings, binaries, say, tool

CODE_URI = re.compile(r"^(\s+CodeUri: )functions/([a-z]+)$", re.MULTILINE)

PARAMETERS = {
    "Stage": STAGE,
    "Architecture": "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64",
    "FunctionTimeout": str(FUNCTION_TIMEOUT_S),
    "QueueVisibility": str(VISIBILITY_S),
}


def deploy(settings: Settings) -> bool:
    """True if anything had to be deployed."""
    template, functions = _stage(settings)
    wanted = _fingerprint([template, *functions])
    stamp = settings.home / "deployed"
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    stamp.unlink(missing_ok=True)
    _sam_deploy(settings, template)
    _tell_address(settings)
    stamp.write_text(wanted)
    return True


def write_environment(settings: Settings) -> dict:
    """env.sh, for anyone's scripts to source; also returned."""
    outputs = {_upper_case(key): value for key, value in aws.stack_outputs(settings.aws).items()}
    values = {
        "AWS_ENDPOINT_URL": settings.aws.url,
        **CREDENTIALS,
        "RTR_STACK": STACK,
        "RTR_STAGE": STAGE,
        **{key: _reachable(settings, value) for key, value in outputs.items()},
        "SANDBOX_URL": settings.sandbox.url,
        "AWS_COUNTER_URL": settings.counter.url,
        "HOUSE_URL": settings.house.url,
        "FUNCTION_TIMEOUT_S": str(FUNCTION_TIMEOUT_S),
        "VISIBILITY_S": str(VISIBILITY_S),
        "STACK_LOGS": str(settings.logs),
    }
    lines = ["# Written by infra/local/stack.py; source it. AWS calls made with it are not counted by AWS_COUNTER_URL,"]
    lines += ["# which sees those of the functions alone."]
    lines += [f"export {key}={shlex.quote(value)}" for key, value in values.items()]
    # Profiles and session tokens of the person's real account must not leak into the local one.
    lines += ["unset AWS_PROFILE AWS_SESSION_TOKEN"]
    lines += [f'export PATH={shlex.quote(str(binaries()))}:"$PATH"']
    partial = settings.env_file.with_suffix(".partial")
    partial.write_text("\n".join(lines) + "\n")
    partial.replace(settings.env_file)
    return values


def environment(values: dict) -> dict:
    """The same as sourcing env.sh."""
    kept = {key: value for key, value in os.environ.items() if key not in ("AWS_PROFILE", "AWS_SESSION_TOKEN")}
    return {**kept, **values, "PATH": f"{binaries()}:{os.environ['PATH']}"}


def _stage(settings: Settings):
    """Puts each function's binary in a folder of its own, and the template that points there beside them."""
    bootstraps = []

    def place(found):
        name = found.group(2)
        built = binaries() / name
        if not built.exists():
            raise Failure(f"{built.relative_to(ROOT)} is missing: run `make build`")
        bootstrap = settings.home / "functions" / name / "bootstrap"
        _copy_stripped(built, bootstrap)
        bootstraps.append(bootstrap)
        return f"{found.group(1)}functions/{name}"

    text = CODE_URI.sub(place, (ROOT / "template.yaml").read_text())
    if not bootstraps:
        raise Failure("template.yaml has no function with `CodeUri: functions/<name>`")
    template = settings.home / "template.yaml"
    template.write_text(text)
    return template, bootstraps


def _copy_stripped(built: Path, bootstrap: Path) -> None:
    """A debug binary is mostly symbols, and zipping them is what takes time in a deploy."""
    if bootstrap.exists() and bootstrap.stat().st_mtime_ns > built.stat().st_mtime_ns:
        return
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    partial = bootstrap.with_suffix(".partial")
    shutil.copy(built, partial)
    strip = shutil.which("strip")
    if strip:
        subprocess.run([strip, str(partial)], check=True)
    os.utime(partial)
    # Renamed into place: a bootstrap that is being executed cannot be written to.
    partial.replace(bootstrap)


def _sam_deploy(settings: Settings, template: Path) -> None:
    say("Deploying template.yaml …")
    command = [tool("sam"), "deploy", "--template-file", str(template), "--stack-name", STACK]
    command += ["--resolve-s3", "--capabilities", "CAPABILITY_NAMED_IAM", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset", "--region", REGION, "--parameter-overrides"]
    command += [f"{key}={value}" for key, value in PARAMETERS.items()]
    log = settings.logs / "deploy.log"
    with open(log, "wb") as output:
        done = subprocess.run(
            command,
            cwd=settings.home,  # away from samconfig.toml, which is for real deployments
            env={
                **CREDENTIALS,
                "PATH": f"{VENV_BIN}:{os.environ['PATH']}",
                "HOME": str(settings.home),
                "AWS_ENDPOINT_URL": settings.aws.url,
                "AWS_EC2_METADATA_DISABLED": "true",
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        shown = "\n".join("  " + line for line in log.read_text(errors="replace").splitlines()[-40:])
        raise Failure(f"sam deploy failed ({log.relative_to(ROOT)}):\n{shown}")


def _tell_address(settings: Settings) -> None:
    """A CRM signs the address that it was given: here that is another one than AWS would have made."""
    outputs = aws.stack_outputs(settings.aws)
    url = _reachable(settings, outputs["WebhookUrl"])
    aws.set_variable(settings.aws, outputs["WebhookFunctionName"], "RTR_WEBHOOK_URL", url)


def _reachable(settings: Settings, value: str) -> str:
    """Outputs name AWS's hosts; here everything is at one address."""
    api = re.fullmatch(r"https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(/.*)", value)
    if api:
        return f"{settings.aws.url}/_aws/execute-api/{api.group(1)}/$default{api.group(2)}"
    return re.sub(r"^https?://(sqs\.[a-z0-9-]+\.amazonaws\.com|localhost(:\d+)?)(?=/)", settings.aws.url, value)


def _upper_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _fingerprint(files: list) -> str:
    digest = hashlib.sha256(repr(sorted(PARAMETERS.items())).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()
