"""Time comes from an injected clock; tests freeze it and never sleep."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from pytake_app.config import Settings


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)


class ShiftedClock:
    """The machine's clock, put forward or back while the process runs. For kill tests.

    Parameters:
        path: a file with seconds to add, read each time; missing or empty is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The present moment, shifted."""
        try:
            shift = float(self._path.read_text() or 0)
        except FileNotFoundError:
            shift = 0.0
        return datetime.now(UTC) + timedelta(seconds=shift)


def process_clock(settings: Settings) -> Clock:
    """The clock of a process: the machine's. Only with ENVIRONMENT=test may a file shift it."""
    if settings.environment == "test" and settings.clock_shift_file is not None:
        return ShiftedClock(settings.clock_shift_file)
    return SystemClock()


class JumpWatch:
    """Notices that the clock was put forward or back, by a clock that nobody sets.

    A machine that slept counts as put forward: the monotonic clock stands still meanwhile (Linux, clock_gettime(2)).

    Parameters:
        clock: the one that may jump.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._now()

    def _now(self) -> float:
        return self._clock.now().timestamp() - time.monotonic()

    def jump(self) -> float:
        """Seconds that the clock moved by itself since the last call: above 0 forward, below 0 back; below a second 0,
        as a clock that is disciplined creeps."""
        before, now = self._offset, self._now()
        moved = now - before
        if abs(moved) < 1.0:
            # Creeping is followed only by later calls' comparison with the same point: it never adds up unnoticed.
            return 0.0
        self._offset = now
        return moved


class FrozenClock:
    """A clock that stands still until moved."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._at

    def advance(self, delta: timedelta) -> None:
        """Move forward (or back) by `delta`."""
        self._at += delta
