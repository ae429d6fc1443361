"""What `up` prints: one short line per step with the seconds since the start."""

from __future__ import annotations

import contextlib
import sys
import threading
import time


class Console:
    """Progress on standard output. Safe to use from several threads."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self.quiet_children = False

    def step(self, message: str) -> None:
        """One step done or begun."""
        self.line(f"{time.monotonic() - self._start:7.1f} s  {message}")

    def line(self, message: str = "") -> None:
        """A line as it is."""
        # Whoever read our output may be gone; stopping in order must not depend on that.
        with self._lock, contextlib.suppress(OSError):
            print(message, flush=True)

    def error(self, message: str) -> None:
        """A problem, on standard error."""
        with self._lock, contextlib.suppress(OSError):
            print(message, file=sys.stderr, flush=True)

    def child(self, name: str, text: str) -> None:
        """An important line of a child process."""
        if not self.quiet_children:
            self.line(f"           {name} | {text[:400]}")
