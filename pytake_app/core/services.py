"""What every role of the process is handed: settings, database, Redis, live pokes, clock, ids, secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import redis

from pytake_app.config import Settings, get_settings
from pytake_app.core.clock import Clock, SystemClock, process_clock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.db import Database
from pytake_app.core.ids import NewId, new_id
from pytake_app.core.live import Live, connect
from pytake_app.core.presence import Presence


@dataclass(eq=False)
class Services:
    """The shell's outside world, made once a process and passed on.

    Parameters:
        settings: the process's settings.
        clock, new_id: injected, so that tests can stand still.
    """

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    new_id: NewId = new_id

    @cached_property
    def database(self) -> Database:
        """Connection pools, one per role."""
        return Database(self.settings)

    @cached_property
    def redis(self) -> redis.Redis:
        """A synchronous client, safe between threads."""
        return connect(self.settings)

    @cached_property
    def live(self) -> Live:
        """The publisher of live pokes."""
        return Live(self.settings)

    @cached_property
    def presence(self) -> Presence:
        """Who is at what."""
        return Presence(self.settings)

    @cached_property
    def secrets(self) -> SecretBox:
        """Decrypts channel credentials."""
        return SecretBox.from_settings(self.settings)

    def close(self) -> None:
        """Give every connection back."""
        if "database" in self.__dict__:
            self.database.dispose()
        if "redis" in self.__dict__:
            self.redis.close()


@lru_cache(maxsize=1)
def process_services() -> Services:
    """The process-wide services, made on first use."""
    settings = get_settings()
    return Services(settings, clock=process_clock(settings))
