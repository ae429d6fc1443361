"""An organization to work in."""

import pytest

from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from tests.support.tenants import Tenant, make_tenant


@pytest.fixture
def tenant(clean_db: Database, redis_client: object, frozen_clock: FrozenClock) -> Tenant:
    """An organization with people and a number; tables and Redis are empty otherwise."""
    return make_tenant(clean_db, frozen_clock)
