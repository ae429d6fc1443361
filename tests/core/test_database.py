"""Transactions, hooks after commit, and live pokes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from pytake_app.accounts.models import Organization
from pytake_app.config import Settings
from pytake_app.core.db import Database, after_commit
from pytake_app.core.errors import UnavailableError
from pytake_app.core.live import Live, poke
from pytake_app.core.tenancy import organization_of
from tests.waiting import wait_until_async


def organization() -> Organization:
    return Organization(name="A", slug=uuid4().hex)


def test_hooks_run_after_the_commit_in_order(clean_db: Database) -> None:
    new = organization()
    seen: list[str] = []

    def look(name: str) -> None:
        with clean_db.tenant(new.id) as other:
            assert other.get(Organization, new.id) is not None
        seen.append(name)

    with clean_db.tenant(new.id) as session:
        session.add(new)
        after_commit(session, lambda: look("first"))
        after_commit(session, lambda: look("second"))
        assert seen == []
    assert seen == ["first", "second"]


def test_hooks_are_dropped_on_rollback(clean_db: Database) -> None:
    new, seen = organization(), []

    def work() -> None:
        with clean_db.tenant(new.id) as session:
            session.add(new)
            session.flush()
            after_commit(session, lambda: seen.append(1))
            raise LookupError

    with pytest.raises(LookupError):
        work()
    with clean_db.tenant(new.id) as session:
        assert session.get(Organization, new.id) is None
    assert seen == []


def test_hooks_are_dropped_when_the_commit_itself_fails(clean_db: Database) -> None:
    first, seen = organization(), []
    with clean_db.tenant(first.id) as session:
        session.add(first)
    second = Organization(name="B", slug=first.slug)

    def work() -> None:
        with clean_db.tenant(second.id) as session:
            session.add(second)
            after_commit(session, lambda: seen.append(1))

    with pytest.raises(IntegrityError):
        work()
    assert seen == []


def test_a_failing_hook_stops_neither_the_others_nor_the_caller(clean_db: Database) -> None:
    new, seen = organization(), []
    with clean_db.tenant(new.id) as session:
        session.add(new)
        after_commit(session, lambda: seen.append(1 / 0))
        after_commit(session, lambda: seen.append(2))
    assert seen == [2]


def test_a_database_that_is_away_is_unavailable(settings: Settings) -> None:
    database = Database(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"}))
    for opened in (database.tenant(uuid4()), database.system(), database.auth(), database.system_connection()):
        with pytest.raises(UnavailableError) as raised, opened as connected:
            connected.execute(text("SELECT 1"))
        assert raised.value.retry_after


def test_errors_hide_what_was_to_be_stored(clean_db: Database) -> None:
    new = organization()
    with pytest.raises(Exception, match="no_such_table") as raised, clean_db.tenant(new.id) as session:
        session.execute(text("INSERT INTO no_such_table VALUES (:phone)"), {"phone": "5511987654321"})
    assert "5511987654321" not in str(raised.value)


def test_a_pooled_connection_forgets_the_tenant(clean_db: Database) -> None:
    new = organization()
    with clean_db.tenant(new.id) as session:
        session.add(new)
        session.flush()
        assert organization_of(session) == new.id
    with clean_db.engine("pytake_app").begin() as connection:
        assert connection.execute(text("SELECT current_setting('app.organization_id', true)")).scalar() in (None, "")
        assert connection.execute(text("SELECT count(*) FROM organizations")).scalar() == 0


def test_scoping_outside_a_tenant_is_a_bug(clean_db: Database) -> None:
    with clean_db.system() as session, pytest.raises(RuntimeError, match="not scoped"):
        organization_of(session)


def test_pokes_leave_once_and_only_after_the_commit(clean_db: Database, settings: Settings) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    class Recorder(Live):
        def publish(self, topic: str, payload: dict[str, Any]) -> None:
            sent.append((topic, payload))

    new = organization()
    with clean_db.tenant(new.id) as session:
        session.info["live"] = Recorder(settings)
        session.add(new)
        for _ in range(3):
            poke(session, "flow:1", {"n": 1})
        poke(session, "flow:1", {"n": 2})
        assert sent == []
    assert sent == [("flow:1", {"n": 1}), ("flow:1", {"n": 2})]

    def roll_back() -> None:
        with clean_db.tenant(new.id) as session:
            session.info["live"] = Recorder(settings)
            poke(session, "flow:1", {"n": 3})
            raise LookupError

    with pytest.raises(LookupError):
        roll_back()
    assert len(sent) == 2


def test_publishing_without_redis_is_no_error(settings: Settings) -> None:
    Live(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})).publish("flow:1", {})


async def test_listeners_hear_pokes_and_of_gaps(settings: Settings, redis_client: redis.Redis) -> None:
    live, heard = Live(settings), []

    async def listen() -> None:
        async for message in live.listen():
            heard.append(message)  # noqa: PERF401  # it never ends

    async def subscribed() -> bool:
        return bool(redis_client.pubsub_numsub("pytake:live")[0][1])

    task = asyncio.create_task(listen())
    try:
        await wait_until_async(subscribed)
        live.publish("flow:1", {"revision": 7})

        async def arrived() -> bool:
            return {"topic": "flow:1", "revision": 7} in heard

        await wait_until_async(arrived)
        redis_client.client_kill_filter(_type="pubsub")

        async def told() -> bool:
            return {"topic": "live:reconnected"} in heard

        await wait_until_async(told)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
