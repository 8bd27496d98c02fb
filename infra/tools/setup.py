"""Makes sure of the tools that the Makefile's targets need, at known versions, inside the project only.

    setup.py python    .venv with what requirements.txt names
    setup.py nextest   cargo-nextest (a good enough one on the PATH is used)
    setup.py deny      cargo-deny, likewise

The standard library only, and Python 3.9 is enough for this file: it runs before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"

# MiniStack and SAM need 3.10. Where there is only 3.9, uv (itself from PyPI) brings a newer one into .tools.
NEEDED = (3, 10)
UV = "uv==0.13.9"
UV_PYTHON = "3.12"

# What is installed, and the oldest that will do when there already is one.
CARGO_TOOLS = {
    "nextest": ("cargo-nextest", "0.9.143", (0, 9, 100)),
    "deny": ("cargo-deny", "0.20.2", (0, 18, 0)),
}


def python() -> None:
    interpreter = newest_python()
    shutil.rmtree(VENV, ignore_errors=True)
    if interpreter is None:
        venv_from_uv()
    else:
        require_ensurepip(interpreter)
        run([interpreter, "-m", "venv", str(VENV)])
    print("Installing the Python tools into .venv (a minute) …", flush=True)
    run(
        [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["-r", str(ROOT / "requirements.txt"), "-c", str(ROOT / "requirements.lock")]
    )


def newest_python():
    """The python3 that runs this if it is new enough, else a newer one on the PATH."""
    if sys.version_info >= NEEDED:
        # Not .venv's own, in case that is what runs this: it is about to be replaced.
        return getattr(sys, "_base_executable", sys.executable)
    for minor in range(14, NEEDED[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # A version manager's stand-in is there for versions that it does not give.
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None


def venv_from_uv() -> None:
    print(f"Python {sys.version.split()[0]} is too old for MiniStack: uv brings {UV_PYTHON} …", flush=True)
    require_ensurepip(sys.executable)
    home = TOOLS / "uv"
    run([sys.executable, "-m", "venv", str(home)])
    run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    os.environ["UV_PYTHON_INSTALL_DIR"] = str(TOOLS / "python")
    run(
        [str(home / "bin" / "uv"), "venv", "--seed", "--python", UV_PYTHON, str(VENV)],
        hint="Or install Python 3.10 or newer yourself; python3.10 … python3.14 on the PATH are found.",
    )


def require_ensurepip(interpreter: str) -> None:
    if subprocess.run([interpreter, "-c", "import ensurepip, venv"], capture_output=True).returncode != 0:
        sys.exit(
            f"{interpreter} cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv\n"
            "Another Python 3 will do as well: make PYTHON3=/path/to/python3 …"
        )


def cargo_tool(name: str) -> None:
    package, version, oldest = CARGO_TOOLS[name]
    if version_of(package, name) >= oldest:
        return
    print(f"Building {package} {version} into .tools (once, some minutes) …", flush=True)
    # For this machine, whatever target the project is built for.
    environment = {key: value for key, value in os.environ.items() if key != "CARGO_BUILD_TARGET"}
    command = ["cargo", "install", "--locked", "--root", str(TOOLS), package, "--version", version]
    run(command, environment)


def version_of(package: str, name: str) -> tuple:
    found = shutil.which(package, path=f"{TOOLS / 'bin'}:{os.environ['PATH']}")
    if found is None:
        return ()
    answer = subprocess.run([found, name, "--version"], capture_output=True, text=True).stdout
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(int(number) for number in numbers.groups()) if numbers else ()


def run(command: list, environment=None, hint: str = "") -> None:
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if code != 0:
        sys.exit("\n".join(filter(None, [f"failed ({code}): {' '.join(command)}", hint])))


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "python":
        python()
    elif what in CARGO_TOOLS:
        cargo_tool(what)
    else:
        sys.exit(__doc__)
