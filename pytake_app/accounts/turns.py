"""Whose password is hashed next. Hashing is slow on purpose, so whoever guesses in bulk must not be in everybody's way.

Two lanes with slots of their own: people that are known (a browser that signed in to this account before, somebody
signed in, a link of ours) never wait for strangers. Among strangers the one whose address has tried least goes first,
few wait, and who would wait in vain is told at once.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from pytake_app.core.errors import UnavailableError
from pytake_app.core.ratelimit import network_of

REMEMBERED: Final = 300.0
"""Seconds after its last try that an address's tries count."""
SOURCES_KEPT: Final = 10_000
"""Addresses whose tries are remembered at once."""
RETRY_AFTER: Final = 5.0


@dataclass(eq=False, slots=True)
class _Waiting:
    """Somebody in line. `rank`: how often their source has tried before, then who came first; the lowest goes first."""

    rank: tuple[int, int]
    called: threading.Event = field(default_factory=threading.Event)
    granted: bool = False


class Lane:
    """A few slots, and a short line before them.

    Parameters:
        slots: turns at a time.
        line: how many may wait. They hold a thread of the web server each, of which there are forty.
        patience: seconds that one waits.
        clock: seconds that only grow.
    """

    def __init__(
        self, slots: int, *, line: int = 12, patience: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._limit, self._patience, self._clock = slots, line, patience, clock
        self._lock = threading.Lock()
        self._tickets = itertools.count()
        self._line: list[_Waiting] = []
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    @contextmanager
    def turn(self, address: str = "") -> Iterator[None]:
        """Do the work inside when it is this address's turn.

        Parameters:
            address: empty for work that is no try, e.g. hashing a new password.

        Raises:
            UnavailableError: code `too_busy`: the line is full of others that come first, or it took too long.
        """
        waiting = self._enter(network_of(address))
        if waiting is not None:
            self._await(waiting)
        try:
            yield
        finally:
            self._pass_on()

    def right(self, address: str) -> None:
        """What the address tried was right: it doesn't count as a try. Others that it made still do."""
        source = network_of(address)
        with self._lock:
            count, last = self._tries.pop(source, (0, 0.0))
            if count > 1:
                self._tries[source] = (count - 1, last)

    def _try(self, source: str) -> int:
        """Count one more; how many there were before. Those that found no place count too."""
        if not source:
            return 0
        count, last = self._tries.pop(source, (0, 0.0))
        now = self._clock()
        before = count if now - last < REMEMBERED else 0
        self._tries[source] = (before + 1, now)
        if len(self._tries) > SOURCES_KEPT:
            self._tries.popitem(last=False)
        return before

    def _enter(self, source: str) -> _Waiting | None:
        """Take a slot (None) or a place in line, if need be that of the last one there."""
        with self._lock:
            waiting = _Waiting((self._try(source), next(self._tickets)))
            if self._free:
                self._free -= 1
                return None
            if len(self._line) >= self._limit:
                last = max(self._line, key=lambda one: one.rank, default=waiting)
                if last.rank <= waiting.rank:
                    raise _busy()
                self._line.remove(last)
                last.called.set()
            self._line.append(waiting)
            return waiting

    def _await(self, waiting: _Waiting) -> None:
        waiting.called.wait(self._patience)
        with self._lock:
            if waiting.granted:
                return
            if waiting in self._line:
                self._line.remove(waiting)
        raise _busy()

    def _pass_on(self) -> None:
        with self._lock:
            if not self._line:
                self._free += 1
                return
            following = min(self._line, key=lambda one: one.rank)
            self._line.remove(following)
            following.granted = True
            following.called.set()


def _busy() -> UnavailableError:
    return UnavailableError(
        "Too many people are signing in; try again in a few seconds.", code="too_busy", retry_after=RETRY_AFTER
    )


_PROCESSORS = len(os.sched_getaffinity(0))
STRANGERS: Final = Lane(min(4, max(1, _PROCESSORS // 2)))
"""Half of the processors at most: the rest is for everybody else."""
KNOWN: Final = Lane(min(4, max(2, _PROCESSORS // 2)), line=20)
