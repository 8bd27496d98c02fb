"""Runs `rtr`, the operators' command: the demo does what a person would do."""

import json
import shutil
import subprocess
import time

from failure import Failure
from local import ROOT, TEXT

# A command that hangs must not hang the demo.
PATIENCE_S = 90
LOOK_S = 0.25


class Rtr:
    def __init__(self, environment: dict, story):
        self.environment = environment
        self.story = story
        self.binary = shutil.which("rtr", path=environment["PATH"])
        if self.binary is None:
            raise Failure("rtr is not built: run `make build`")

    def run(self, *words: str, show: str = "", while_waiting=None, allowed=(0,)) -> str:
        """Its answer. `show`: how the command is shown, when not as it is; `-` shows nothing."""
        if show != "-":
            self.story.command(show or "rtr " + " ".join(words))
        process = subprocess.Popen(
            [self.binary, *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **TEXT,
        )
        try:
            out, said = _wait(process, while_waiting)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            self.story.progress_over()
        if process.returncode not in allowed:
            raise Failure(f"`rtr {' '.join(words)}` ended with {process.returncode}:\n{(said or out).strip()}")
        return out

    def json(self, *words: str, **how):
        out = self.run(*words, "--json", **how)
        try:
            return json.loads(out)
        except ValueError:
            raise Failure(f"`rtr {' '.join(words)} --json` gave no JSON:\n{out[:500]}") from None


def _wait(process, while_waiting) -> tuple:
    began = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() - began > PATIENCE_S:
                raise Failure(f"{process.args[0]} {' '.join(process.args[1:])} took over {PATIENCE_S} s") from None
            if while_waiting:
                while_waiting()
