"""Whose password is hashed next. Hashing is slow on purpose, so whoever guesses in bulk must not be in everybody's way.

Two lanes with slots of their own: people that are known (a browser that signed in to this account before, somebody
signed in, a link of ours) never wait for strangers. Among strangers the one whose address has tried least goes first,
few wait, and who would wait in vain is told at once. While only those wait who have tried before, a slot rests as long
as it worked: that half of a processor is for people who sign in rightly, and newcomers find the slot free.
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
        newcomers: how many more may wait who have never tried: when guesses begin to come, all are newcomers.
        patience: seconds that one waits.
        rests: whether a slot rests before the turn of somebody who has tried before.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        slots: int,
        *,
        line: int = 12,
        newcomers: int = 0,
        patience: float = 10.0,
        rests: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._limit, self._patience, self._clock = slots, line, patience, clock
        self._newcomers, self._rests, self._resting = newcomers, rests, 0
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
        began = self._clock()
        try:
            yield
        finally:
            self._pass_on(self._clock() - began)

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
            is_new = waiting.rank[0] == 0
            if self._free > (0 if is_new else self._resting):
                self._free -= 1
                return None
            if len(self._line) >= self._limit + (self._newcomers if is_new else 0):
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

    def _pass_on(self, worked: float) -> None:
        with self._lock:
            following = min(self._line, key=lambda one: one.rank, default=None)
            if following is None or (self._rests and following.rank[0] > 0):
                self._free += 1
                if following is not None:
                    self._resting += 1
                    timer = threading.Timer(worked, self._rested)
                    timer.daemon = True
                    timer.start()
                return
            self._grant(following)

    def _rested(self) -> None:
        """The slot goes on, unless a newcomer has it by now."""
        with self._lock:
            self._resting -= 1
            if self._free and self._line:
                self._free -= 1
                self._grant(min(self._line, key=lambda one: one.rank))

    def _grant(self, following: _Waiting) -> None:
        self._line.remove(following)
        following.granted = True
        following.called.set()


def _busy() -> UnavailableError:
    return UnavailableError(
        "Too many people are signing in; try again in a few seconds.", code="too_busy", retry_after=RETRY_AFTER
    )


_PROCESSORS = len(os.sched_getaffinity(0))
STRANGERS: Final = Lane(min(4, max(1, _PROCESSORS // 2)), newcomers=12, rests=True)
"""Half of the processors at most: the rest is for everybody else."""
KNOWN: Final = Lane(min(4, max(2, _PROCESSORS // 2)), line=20)
