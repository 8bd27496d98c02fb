"""What the demo says: scenes, figures and their ticks. Colour and pauses at a terminal only."""

import os
import shutil
import sys
import textwrap
import time

INDENT = "   "


class Story:
    def __init__(self, fast: bool, out=None):
        self.out = out or sys.stdout
        at_terminal = self.out.isatty()
        self.coloured = at_terminal and "NO_COLOR" not in os.environ
        self.live = at_terminal
        self.pause_s = 0.0 if fast or not at_terminal else 0.3
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 100)
        self.wrong = []
        self._scene = "start"
        self._number = 0

    def title(self, text: str) -> None:
        self._line(self._paint("1", text))

    def scene(self, heading: str, what: str) -> None:
        self._number += 1
        self._scene = heading
        self._line("")
        self._line(self._paint("1;36", f"{self._number:>2} {heading}"))
        for line in textwrap.wrap(what, self.width - len(INDENT)):
            self._line(INDENT + line)
        time.sleep(self.pause_s)

    def command(self, words: str) -> None:
        self._line(INDENT + self._paint("2", f"$ {words}"))

    def note(self, text: str) -> None:
        self._line(INDENT + text)

    def check(self, right: bool, text: str, otherwise: str = "") -> bool:
        """A figure that is as it should be, or goes on the list of those that are not."""
        if right:
            self._line(INDENT + self._paint("32", "✓") + f" {text}")
        else:
            self.fail(otherwise or text)
        return right

    def fail(self, text: str) -> None:
        self.wrong.append(f"{self._scene}: {text}")
        self._line(INDENT + self._paint("31", "✗") + f" {text}")

    def progress(self, text: str) -> None:
        """One line that the next one replaces; nothing where output is kept."""
        if self.live:
            self._write(f"\r\x1b[2K{INDENT}{self._paint('2', text[: self.width - len(INDENT)])}")

    def progress_over(self) -> None:
        if self.live:
            self._write("\r\x1b[2K")

    def plain(self, text: str) -> None:
        self._line(text)

    def good(self, text: str) -> None:
        self._line(self._paint("1;32", text))

    def bad(self, text: str) -> None:
        self._line(self._paint("1;31", text))

    def _line(self, text: str) -> None:
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        # A terminal that cannot show a tick must not end the demo.
        encoding = getattr(self.out, "encoding", None) or "utf-8"
        self.out.write(text.encode(encoding, "replace").decode(encoding))
        self.out.flush()

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text
