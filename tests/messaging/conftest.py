"""A pipeline to work with."""

from collections.abc import Iterator

import pytest
import redis

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from tests.support.pipeline import Pipeline


@pytest.fixture
def services(
    settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock
) -> Iterator[Services]:
    """Services on empty tables and an empty Redis, with a clock that stands still."""
    made = Services(settings, clock=frozen_clock)
    yield made
    made.close()


@pytest.fixture
def pipeline(services: Services) -> Pipeline:
    """One organization with a number."""
    return Pipeline.make(services)
