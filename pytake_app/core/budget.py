"""How much of a processor one request may use."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytake_app.core.errors import InvalidError


class SpentError(InvalidError):
    """The work took more than its budget and was broken off."""

    code, title = "run_too_long", "Takes too long"


class Budget:
    """Processor seconds of the thread that made it: a busy machine doesn't shorten anybody's work.

    Parameters:
        seconds: what may be used.
        used: seconds of this thread's work so far.
    """

    def __init__(self, seconds: float, used: Callable[[], float] = time.thread_time) -> None:
        self._seconds = seconds
        self._used = used
        self._until = used() + seconds

    def check(self) -> None:
        """Go on, or stop.

        Raises:
            SpentError: code `run_too_long`.
        """
        if self._used() > self._until:
            raise SpentError(f"This takes more than {self._seconds:g} seconds of computing; it was broken off.")
