"""A circuit breaker for each account: while the platform doesn't answer, its messages wait without using up attempts.

Closed → open after `FAILURES` calls on end that came to nothing → after a pause one call as a probe → closed, or open
again for longer (Nygard, "Release It!", 2nd edition, chapter 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from pytake_app.messaging.backoff import jittered

FAILURES: Final = 10
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0

State = Literal["closed", "open", "probing"]


@dataclass(slots=True)
class Breaker:
    """One account's breaker, in one sender.

    Parameters:
        clock: monotonic seconds.
    """

    clock: Callable[[], float]
    failures: int = 0
    openings: int = 0
    until: float = field(default=0.0)
    probing: bool = False

    @property
    def state(self) -> State:
        """What it does with the next message."""
        if self.probing:
            return "probing"
        return "open" if self.until > 0 else "closed"

    def room(self, wanted: int) -> int:
        """How many of `wanted` calls may be made now; a probe must be reported by `succeeded` or `failed`."""
        if self.until <= 0:
            return wanted
        if self.probing or self.clock() < self.until:
            return 0
        self.probing = True
        return min(wanted, 1)

    @property
    def pause(self) -> float:
        """Seconds until a call may be made."""
        return max(0.0, self.until - self.clock()) if self.until > 0 else 0.0

    def succeeded(self) -> bool:
        """The platform answered (a refusal is an answer too). True when that closed it."""
        was_open = self.until > 0
        self.failures = self.openings = 0
        self.until, self.probing = 0.0, False
        return was_open

    def failed(self) -> bool:
        """A call came to nothing: no connection, no answer, 5xx. True when that opened it."""
        self.failures += 1
        if not self.probing and (self.until > 0 or self.failures < FAILURES):
            # Calls that were under way when it opened say nothing new.
            return False
        wait = jittered(self.openings, base=FIRST_PAUSE, cap=LONGEST_PAUSE)
        self.openings += 1
        self.probing = False
        self.until = self.clock() + max(wait, FIRST_PAUSE / 2)
        return True

    def unsettled(self) -> None:
        """The probe was not made after all."""
        self.probing = False
