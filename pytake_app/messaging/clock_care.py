"""What a scheduler does about a clock that is set while it runs: what it believes, what it leaves for later."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from pytake_app.core.clock import JumpWatch
from pytake_app.core.services import Services
from pytake_app.flows import requests
from pytake_app.messaging.sql import hot

log = structlog.get_logger(__name__)

PUT_BACK_AGAIN = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds after the clock was put back at which rows are brought back to now: a transaction that read the earlier time
may commit a good while later."""
DELETES_REST = 3600.0
"""Seconds for which nothing is deleted for its age once the clock was put forward: it may be wrong."""
_FAR_FORWARD = 60.0


class ClockCare:
    """Of one scheduler, in its thread.

    Parameters:
        services: the process's services.
        put_right: brings what was written by a later time back to now.
        was_set: told after each jump.
    """

    def __init__(self, services: Services, put_right: Callable[[], None], was_set: Callable[[], None]) -> None:
        self._services = services
        self._put_right = put_right
        self._was_set = was_set
        self._watch = JumpWatch(services.clock)
        self._ages_believed_from = 0.0
        self._deletes_from = 0.0
        self._put_back_at: list[float] = []
        self._forward = timedelta()

    def begin(self) -> None:
        """The scheduler starts: nobody knows what was done to the clock before."""
        self._put_back_soon()
        self.doubt_ages()

    def doubt_ages(self) -> None:
        """Statuses may not have been heard for a while, or the clock says nothing of it: an unsure send gets its whole
        grace from now on, by a clock that nobody sets."""
        self._ages_believed_from = time.monotonic() + self._services.settings.outbox_unsure_grace_seconds

    def ages_believed(self) -> bool:
        """Whether a whole grace has passed in which statuses could be heard."""
        return time.monotonic() >= self._ages_believed_from

    def now(self) -> datetime:
        """The time, for who acts on ages: whatever happened to the clock until then has been seen to.

        Raises:
            UnavailableError: the database is away.
        """
        while True:
            now = self._services.clock.now()
            if not self.follow():
                return now

    def deleting_now(self) -> datetime | None:
        """The time, for who deletes what is old by it; None while it was put forward lately and may be wrong.

        Raises:
            UnavailableError: the database is away.
        """
        now = self.now()
        return now if time.monotonic() >= self._deletes_from else None

    def follow(self) -> bool:
        """See to what happened to the clock.

        Returns:
            whether it was set since the last call.

        Raises:
            UnavailableError: the database is away; what is left is done at the next call.
        """
        moved = self._watch.jump()
        if moved:
            log.warning("clock_was_set", seconds=round(moved))
            self.doubt_ages()
            self._was_set()
        if moved < 0:
            self._put_back_soon()
        elif moved > 0:
            self._forward += timedelta(seconds=moved)
            if moved > _FAR_FORWARD:
                self._deletes_from = time.monotonic() + DELETES_REST
        if self._forward:
            with hot(self._services.database) as connection:
                requests.put_forward(connection, self._services.clock.now(), self._forward)
            self._forward = timedelta()
        if self._put_back_at and self._put_back_at[0] <= time.monotonic():
            self._put_right()
            self._put_back_at.pop(0)
        return bool(moved)

    def _put_back_soon(self) -> None:
        # Leases by the later time are cut (`requests.put_back`); none need be moved on any more.
        self._forward = timedelta()
        self._put_back_at = [time.monotonic() + seconds for seconds in PUT_BACK_AGAIN]
