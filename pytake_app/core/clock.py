"""Time comes from an injected clock; tests freeze it and never sleep."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


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
