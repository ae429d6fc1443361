"""Whoever dies between a commit and its poke: the scheduler tells what the log of events doesn't know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.conversations import desk as desk_service
from pytake_app.conversations import handling, queueing, service
from pytake_app.conversations.desk_schemas import TagsRequest
from pytake_app.conversations.models import AutomationLog
from pytake_app.core import live
from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import at_time, new_id
from pytake_app.messaging.scheduler import Scheduler
from tests.conversations.conftest import Desk


class _Dead:
    """A process that ends between its commit and its pokes."""

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Nobody hears of it."""


@pytest.fixture
def now(frozen_clock: FrozenClock) -> datetime:
    """The log's entries carry Redis's own time."""
    frozen_clock.advance(datetime.now(UTC) - frozen_clock.now())
    return frozen_clock.now()


def told(services: Services, desk: Desk, since: str) -> list[dict[str, Any]]:
    return services.live.events_since(desk.rows.organization_id, since, 100).pokes


@pytest.mark.parametrize("together", [1, 2, 500])
def test_what_was_never_told_is_told_once(
    desk: Desk,
    services: Services,
    frozen_clock: FrozenClock,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    together: int,
) -> None:
    monkeypatch.setattr(live, "_HEARD_TOGETHER", together)
    organization_id = desk.rows.organization_id
    thread, quiet = desk.rows.conversation(), desk.rows.conversation(desk.rows.contact(phone="5511900000001"))
    begin = services.live.last_event(organization_id)
    later = now + timedelta(seconds=1)
    lost = desk.rows.message(thread, "perdida", id=at_time(new_id(), later, 1))
    known = desk.rows.message(thread, "contada", id=at_time(new_id(), later, 2))
    hidden = {"id": at_time(new_id(), later, 3), "content": {"hidden": True}}
    desk.rows.message(thread, "correção", **hidden)
    payload = {"event": "message_received", "conversation_id": str(thread.id), "message_ids": [str(known.id)]}
    services.live.publish(f"org:{organization_id}:conversations", payload)
    with desk.rows.session() as session:
        handling.record(session, quiet, "assigned", by=desk.rows.agent.user_id, clock=frozen_clock)
        (line,) = session.new
        line.id = at_time(new_id(), later, 4)  # type: ignore[attr-defined]
    scheduler = Scheduler(services)
    frozen_clock.advance(timedelta(seconds=3))
    scheduler.tell_again()
    assert len(told(services, desk, begin)) == 1, "whoever wrote it may still tell"
    frozen_clock.advance(timedelta(seconds=10))
    scheduler.tell_again()
    again = told(services, desk, begin)[1:]
    assert [(poke["event"], poke.get("message_ids")) for poke in again] == [
        ("message_received", [str(lost.id)]), ("conversation_updated", None),
    ]  # fmt: skip
    assert again[1]["conversation_id"] == str(quiet.id)
    frozen_clock.advance(timedelta(seconds=10))
    scheduler.tell_again()
    Scheduler(services).tell_again()  # another that has just begun
    assert len([poke for poke in told(services, desk, begin) if poke.get("message_ids")]) == 2


def test_what_leaves_no_message_behind_is_told_again_too(
    desk: Desk, services: Services, frozen_clock: FrozenClock, now: datetime
) -> None:
    """Priority, tags, and what a queue does by itself: whoever did it died before telling."""
    begin = services.live.last_event(desk.rows.organization_id)
    threads = [desk.rows.conversation(desk.rows.contact(phone=f"551190000001{n}")) for n in range(3)]
    with desk.rows.session() as session:
        session.info["live"] = _Dead()
        service.set_priority(session, desk.rows.agent, threads[0].id, "urgent", clock=frozen_clock)
        desk_service.set_tags(session, desk.rows.agent, threads[1].id, TagsRequest(add=["vip"]), clock=frozen_clock)
        row = queueing.hold(session, threads[2].id)
        queueing.line_up(session, row, queue_id=None, queue_name="", priority=3, by=None, clock=frozen_clock)
    assert told(services, desk, begin) == []
    scheduler = Scheduler(services)
    frozen_clock.advance(timedelta(seconds=10))
    scheduler.tell_again()
    again = told(services, desk, begin)
    assert {(poke["event"], poke["conversation_id"]) for poke in again} == {
        ("conversation_updated", str(thread.id)) for thread in threads
    }
    with desk.rows.session() as session:
        lines = {line.kind: line for line in session.exec(select(AutomationLog))}
    assert lines["priority_changed"].detail == {"before": "medium", "after": "urgent"}
    assert lines["tagged"].detail == {"added": ["vip"], "removed": []}


def test_without_a_log_nobody_is_told(desk: Desk, services: Services, frozen_clock: FrozenClock, now: datetime) -> None:
    services.redis.flushdb()
    desk.rows.message(desk.rows.conversation(), id=at_time(new_id(), now, 1))
    frozen_clock.advance(timedelta(seconds=20))
    scheduler = Scheduler(services)
    scheduler.tell_again()
    assert services.redis.keys("pytake:events:*") == []
    # A log that begins later says nothing of what came before it.
    begin = services.live.last_event(desk.rows.organization_id)
    Scheduler(services).tell_again()
    assert told(services, desk, begin) == []
