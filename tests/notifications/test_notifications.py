"""A person's notifications: only their own, newest first, page by page, read once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from pytake_app.core.errors import InvalidError, NotFoundError
from pytake_app.notifications import service
from pytake_app.notifications.models import Notification
from pytake_app.notifications.schemas import NotificationPage
from tests.support.tenants import Tenant


def put(tenant: Tenant, user_id: UUID | None, *titles: str) -> list[UUID]:
    with tenant.session() as session:
        rows = [
            Notification(
                organization_id=tenant.organization_id, user_id=user_id, title=title, created_at=tenant.clock.now()
            )
            for title in titles
        ]
        for row in rows:
            session.add(row)
            session.flush()
        return [row.id for row in rows]


def seen(tenant: Tenant, who: Any, **more: Any) -> NotificationPage:
    with tenant.session() as session:
        return service.list_notifications(session, who, **{"cursor": None, "limit": 30, **more})


def test_ones_own_newest_first_page_by_page(tenant: Tenant) -> None:
    put(tenant, tenant.admin.user_id, "a", "b", "c")
    put(tenant, tenant.viewer.user_id, "not yours")
    put(tenant, None, "nobody's")
    first = seen(tenant, tenant.admin, limit=2)
    assert ([item.title for item in first.items], first.unread) == (["c", "b"], 3)
    second = seen(tenant, tenant.admin, limit=2, cursor=first.next_cursor)
    assert ([item.title for item in second.items], second.next_cursor) == (["a"], None)


def test_reading_one_and_all_tells_the_persons_tabs(tenant: Tenant) -> None:
    first, _second, _third = put(tenant, tenant.admin.user_id, "a", "b", "c")
    with tenant.session() as session:
        read = service.mark_read(session, tenant.admin, first, clock=tenant.clock)
        assert read.read_at == tenant.clock.now()
        topic, payload = session.info["pokes"][0]
        assert topic == f"org:{tenant.organization_id}:notifications"
        assert payload == {"event": "notification", "user_id": str(tenant.admin.user_id)}
    assert [item.title for item in seen(tenant, tenant.admin, unread=True).items] == ["c", "b"]
    with tenant.session() as session:
        done = service.mark_all_read(session, tenant.admin, clock=tenant.clock)
    assert (done.marked, done.unread) == (2, 0)
    assert seen(tenant, tenant.admin).unread == 0
    with tenant.session() as session:
        assert service.mark_all_read(session, tenant.admin, clock=tenant.clock).marked == 0
        assert session.info.get("pokes", []) == []


def test_nobody_reads_anothers(tenant: Tenant) -> None:
    [theirs] = put(tenant, tenant.viewer.user_id, "x")
    with tenant.session() as session, pytest.raises(NotFoundError):
        service.mark_read(session, tenant.admin, theirs, clock=tenant.clock)
    assert seen(tenant, tenant.viewer).unread == 1


@pytest.mark.parametrize("cursor", ["junk", "WyJhIl0", "W10"])
def test_a_strange_cursor_is_refused(tenant: Tenant, cursor: str) -> None:
    with pytest.raises(InvalidError):
        seen(tenant, tenant.admin, cursor=cursor)
