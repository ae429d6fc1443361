"""An organization to work in, and the API as its administrator."""

from dataclasses import dataclass

import pytest
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.whatsapp.models import ChannelAccount
from tests.api.fixtures import Caller, app, caller, client, live_client, register, services
from tests.support.tenants import Tenant, make_tenant

__all__ = ["app", "caller", "client", "live_client", "register", "services"]


@pytest.fixture
def tenant(clean_db: Database, redis_client: object, frozen_clock: FrozenClock) -> Tenant:
    """An organization with people and a number; tables and Redis are empty otherwise."""
    return make_tenant(clean_db, frozen_clock)


@dataclass
class Desk:
    """The API's caller, and their organization's rows."""

    caller: Caller
    rows: Tenant


@pytest.fixture
def desk(caller: Caller, services: Services, tenant: Tenant) -> Desk:
    """An administrator at the API, with the organization's first channel account to make rows on."""
    with services.database.tenant(caller.organization_id) as session:
        account = session.exec(select(ChannelAccount)).first()
        if account is None:
            account = ChannelAccount(organization_id=caller.organization_id, name="WhatsApp", external_id="1" * 15)
            session.add(account)
    rows = Tenant(
        db=services.database,
        clock=services.clock,
        organization_id=caller.organization_id,
        admin=tenant.admin,
        agent=tenant.agent,
        viewer=tenant.viewer,
        account=account,
        heard=tenant.heard,
    )
    return Desk(caller, rows)
