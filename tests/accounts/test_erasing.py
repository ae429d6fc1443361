"""An organization that was deleted leaves nothing behind, in whatever tables there are; its neighbours keep all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlmodel import select

from pytake_app.accounts import erasing, upkeep
from pytake_app.accounts.models import Organization, UsageWarning
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.sql import hot
from pytake_app.notifications.models import Notification
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_tenancy import populate

# No rows of an organization: what belongs to the whole installation.
OF_THE_INSTALLATION = {"alembic_version", "plans", "search_progress", "organizations"}


@pytest.fixture
def owner(_owner_engine: Engine) -> Iterator[Engine]:
    """Sees every row there is."""
    return _owner_engine


def rows_of(owner: Engine, organization_id: UUID) -> dict[str, int]:
    """How many rows of each table name the organization anywhere, whatever the column is called."""
    with owner.connect() as connection:
        tables = connection.execute(
            text(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
                "AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            )
        ).scalars()
        found = {}
        for table in tables:
            count = connection.execute(
                text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :id'),  # from the catalogue
                {"id": f"%{organization_id}%"},
            ).scalar_one()
            if count:
                found[table] = int(count)
        return found


def delete(services: Services, caller: Caller, after: timedelta) -> None:
    with services.database.administration() as session:
        organization = session.get_one(Organization, caller.organization_id)
        organization.status, organization.delete_after = "deleting", services.clock.now() + after
        session.add(organization)


def test_every_table_belongs_to_organizations_or_to_the_installation(owner: Engine, services: Services) -> None:
    with owner.connect() as connection:
        every = set(
            connection.execute(
                text(
                    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
                    "AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
                )
            ).scalars()
        )
    with services.database.tenant(UUID(int=0)) as session:
        erased = erasing.tenant_tables(session)
    assert len(erased) == len(set(erased))
    # The audit log has its own way: nobody may delete its rows one by one.
    assert every - set(erased) == OF_THE_INSTALLATION | {"audit_log"}
    order = {table: n for n, table in enumerate(erased)}
    assert order["messages"] is not None
    assert order["contact_identities"] < order["contacts"]
    assert order["refresh_tokens"] < order["auth_sessions"] < order["users"]


def test_nothing_is_left_and_neighbours_keep_everything(
    register: NewCaller, services: Services, owner: Engine, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    gone, stays = register(), register()
    for caller in (gone, stays):
        populate(services, caller)
        folder = tmp_path / "media" / str(caller.organization_id) / "ab"
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    delete(services, gone, timedelta(days=1))
    before, kept = rows_of(owner, gone.organization_id), rows_of(owner, stays.organization_id)
    assert len(before) >= 40, before
    assert erasing.erase_due(services.database, tmp_path, frozen_clock.now(), pause=0).organizations == 0
    assert rows_of(owner, gone.organization_id) == before
    frozen_clock.advance(timedelta(days=1))
    erased = erasing.erase_due(services.database, tmp_path, frozen_clock.now(), pause=0)
    assert erased.organizations == 1
    assert rows_of(owner, gone.organization_id) == {}
    assert not (tmp_path / "media" / str(gone.organization_id)).exists()
    assert rows_of(owner, stays.organization_id) == kept
    assert (tmp_path / "media" / str(stays.organization_id) / "ab" / "file").exists()
    # The address is free again.
    again = register(email=gone.email)
    assert again.organization_id != gone.organization_id
    assert erasing.erase_due(services.database, tmp_path, frozen_clock.now(), pause=0).organizations == 0


def test_an_interrupted_erasure_goes_on(
    caller: Caller, services: Services, owner: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(services, caller)
    delete(services, caller, timedelta())
    emptied = 0
    whole = erasing._empty

    def dies(*arguments: object) -> int:
        nonlocal emptied
        emptied += 1
        if emptied == 20:
            raise KeyboardInterrupt
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(erasing, "BATCH", 1)
    monkeypatch.setattr(erasing, "_empty", dies)
    with pytest.raises(KeyboardInterrupt):
        erasing.erase_due(services.database, tmp_path, services.clock.now(), pause=0)
    assert rows_of(owner, caller.organization_id)
    erasing.erase_due(services.database, tmp_path, services.clock.now(), pause=0)
    assert rows_of(owner, caller.organization_id) == {}


def test_a_restored_organization_is_left_alone(
    caller: Caller, services: Services, owner: Engine, tmp_path: Path
) -> None:
    delete(services, caller, timedelta())
    with services.database.administration() as session:
        session.get_one(Organization, caller.organization_id).status = "active"
    assert erasing.erase_due(services.database, tmp_path, services.clock.now(), pause=0).organizations == 0


# -- the rest of the scheduler's upkeep ------------------------------------------------------------------------------


def told(services: Services, caller: Caller) -> list[str]:
    with services.database.tenant(caller.organization_id) as session:
        return [row.title for row in session.exec(select(Notification).order_by(Notification.id)) if row.kind == "plan"]


def test_a_trial_is_announced_and_ends(register: NewCaller, services: Services, frozen_clock: FrozenClock) -> None:
    caller = register(locale="en")
    assert upkeep.follow_trials(services.database, services.clock) == 0
    assert told(services, caller) == []
    frozen_clock.advance(timedelta(days=11, hours=1))
    for _ in range(2):
        assert upkeep.follow_trials(services.database, services.clock) == 0
    assert told(services, caller) == ["Your trial ends in 3 days"]
    frozen_clock.advance(timedelta(days=3))
    assert upkeep.follow_trials(services.database, services.clock) == 1
    assert upkeep.follow_trials(services.database, services.clock) == 0
    assert told(services, caller)[1:] == ["Your trial is over"]
    with services.database.administration() as session:
        row = session.get_one(Organization, caller.organization_id)
        assert (row.plan, row.trial_ends_at) == ("free", None)


def test_counters_are_added_up_and_administrators_told(
    register: NewCaller, services: Services, frozen_clock: FrozenClock
) -> None:
    caller, other = register(locale="en"), register(locale="en")
    for each in (caller, other):
        for n in range(8):
            assert each.post("/api/v1/contacts", json={"name": str(n)}).status_code == 201
    with services.database.administration() as session:
        session.get_one(Organization, caller.organization_id).limits = {"contacts": 10}
    with hot(services.database) as connection:
        assert upkeep.add_up(connection, frozen_clock.now()) == 2
        assert upkeep.add_up(connection, frozen_clock.now()) == 0
        amounts = connection.execute("SELECT amount FROM usage_counts").fetchall()
    assert amounts == [(8,), (8,)]
    assert upkeep.tell_near(services.database, services.clock) == 1
    assert upkeep.tell_near(services.database, services.clock) == 0
    assert (told(services, caller), told(services, other)) == (["80% of your limit of contacts is used"], [])
    with services.database.tenant(caller.organization_id) as session:
        assert [row.percent for row in session.exec(select(UsageWarning))] == [80]
