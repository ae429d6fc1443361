"""Publications for later, attacked: authors sent away, rows that break, two schedulers, a person meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from pytake_app.core.errors import ConflictError
from pytake_app.flows import service
from pytake_app.flows.models import FlowPublication
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.notifications.models import Notification
from tests.flows.test_publishing import make, publish
from tests.flows.test_versions import carry_out_due, listed, schedule
from tests.support.tenants import Tenant


@pytest.mark.parametrize("change", [{"role": "agent"}, {"is_active": False}])
def test_who_may_no_longer_publish_does_not_publish_later(tenant: Tenant, change: dict[str, Any]) -> None:
    """Somebody sent away must not go on publishing; the administrators who are left hear of it."""
    flow = make(tenant)
    schedule(tenant, flow)
    with tenant.db.auth() as session:
        author = session.get_one(User, tenant.admin.user_id)
        other = User(
            organization_id=tenant.organization_id, email="bia@example.com", password_hash="x", full_name="Bia",
            role="org_admin",
        )  # fmt: skip
        session.add(other)
        for name, value in change.items():
            setattr(author, name, value)
        session.flush()
        other_id = other.id
    tenant.clock.advance(timedelta(hours=2))
    assert carry_out_due(tenant) == [False]
    (failed,) = listed(tenant, flow)
    assert failed.problem is not None
    assert (failed.state, failed.problem.code) == ("failed", "author_gone")
    with tenant.session() as session:
        assert service.get_flow(session, tenant.admin, flow.id).live_version is None
        assert [told.user_id for told in session.exec(select(Notification))] == [other_id]


def test_one_that_breaks_does_not_stop_the_others(tenant: Tenant, services: Services) -> None:
    broken, flow = make(tenant, "Quebrado"), make(tenant)
    key = schedule(tenant, broken, minutes=1)
    schedule(tenant, flow, minutes=2)
    with tenant.session() as session:
        row = session.get_one(FlowPublication, key)
        row.document = {"nodes": "none"}  # what no release wrote, or one that was taken back
    tenant.clock.advance(timedelta(hours=2))
    Scheduler(services).publish_due()
    (failed,) = listed(tenant, broken)
    assert failed.problem is not None
    assert (failed.state, failed.problem.code) == ("failed", "internal")
    assert [(p.state, p.version) for p in listed(tenant, flow)] == [("done", 1)]


def test_two_schedulers_publish_once(tenant: Tenant, services: Services) -> None:
    flow = make(tenant)
    schedule(tenant, flow)
    tenant.clock.advance(timedelta(hours=2))
    with ThreadPoolExecutor(4) as pool:
        for work in [pool.submit(Scheduler(services).publish_due) for _ in range(4)]:
            work.result(timeout=20)
    assert [(p.state, p.version) for p in listed(tenant, flow)] == [("done", 1)]
    with tenant.session() as session:
        assert len(service.list_versions(session, tenant.viewer, flow.id)) == 1


def test_publishing_by_hand_while_the_publication_fires(tenant: Tenant, services: Services) -> None:
    """Both go live, one after the other, and whoever looked at the version before is told."""
    flow = make(tenant)
    schedule(tenant, flow)
    tenant.clock.advance(timedelta(hours=2))

    def by_hand() -> str:
        try:
            publish(tenant, flow, expected_live=0)
        except ConflictError as error:
            return error.code
        return "published"

    with ThreadPoolExecutor(2) as pool:
        fired, hand = pool.submit(Scheduler(services).publish_due), pool.submit(by_hand)
        assert hand.result(timeout=20) in ("published", "published_meanwhile")
        fired.result(timeout=20)
    (done,) = listed(tenant, flow)
    assert done.state == "done"
    with tenant.session() as session:
        numbers = [version.version for version in service.list_versions(session, tenant.viewer, flow.id)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == len(numbers) in (1, 2)
