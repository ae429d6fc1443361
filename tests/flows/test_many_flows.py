"""The list of flows with two thousand of them: a fixed number of statements, quick, and ordered by figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text

from pytake_app.core.db import Database
from pytake_app.flows import library, service
from pytake_app.flows.listing import Filters
from tests.support.tenants import Tenant

MANY = 2_000
_FLOWS = text(
    """
    INSERT INTO flows
    SELECT (jsonb_populate_record(f, jsonb_build_object(
        'id', md5('flow' || n)::uuid, 'slug', 'flow-' || n, 'name', 'Fluxo ' || n,
        'tags', CASE WHEN n % 10 = 0 THEN '["vip"]'::jsonb ELSE '[]'::jsonb END,
        'folder_id', CASE WHEN n % 4 = 0 THEN CAST(:folder AS text) END,
        'search_text', CASE WHEN n % 50 = 0 THEN 'segunda via do boleto' ELSE repeat('oi, tudo bem? ', 40) END,
        'updated_at', now() - n * interval '1 minute'))).*
    FROM flows f, generate_series(1, :many) n WHERE f.id = :of
    """
)
# Flow n has n % 7 sessions an hour that ended well, and one that didn't, in ten hours of the last days.
_FIGURES = text(
    """
    INSERT INTO flow_figures (organization_id, flow_id, measure, hour, version, channel_account_id, node_id, key, value)
    SELECT :organization, md5('flow' || n)::uuid, measure, date_trunc('hour', CAST(:now AS timestamptz))
           - h * interval '7 hours', 1, :account, CASE measure WHEN 'session' THEN '' ELSE 'm' END, key,
           CASE key WHEN 'completed' THEN n % 7 ELSE 1 END
    FROM generate_series(1, :many) n, generate_series(1, 10) h,
         (VALUES ('session', 'completed'), ('session', 'expired'), ('visit', ''), ('reach', '')) kinds (measure, key)
    WHERE n % 7 > 0
    """
)


@pytest.fixture
def crowded(tenant: Tenant, clean_db: Database, _owner_engine: Engine) -> UUID:
    """Two thousand flows with figures; the folder that holds a quarter of them."""
    document = {"nodes": [{"id": f"n{i}", "type": "msg_text", "config": {"body": "Oi, tudo bem?"}} for i in range(40)]}
    with tenant.session() as session:
        flow = service.create_flow(session, tenant.admin, name="Fluxo 0", document=document, clock=tenant.clock)
        folder = library.create_folder(session, tenant.admin, name="Vendas", parent_id=None, clock=tenant.clock)
    with _owner_engine.begin() as connection:
        connection.execute(_FLOWS, {"folder": str(folder.id), "many": MANY - 1, "of": flow.id})
        values = {"organization": tenant.organization_id, "account": tenant.account.id, "now": tenant.clock.now()}
        connection.execute(_FIGURES, {**values, "many": MANY - 1})
    with _owner_engine.connect() as connection:  # what autovacuum does a minute after such a change
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE flows, flow_figures"))
    return folder.id


@contextmanager
def statements(session: Any) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []
    connection = session.connection()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


def test_a_page_of_many_costs_a_few_statements(tenant: Tenant, crowded: UUID) -> None:
    asked: dict[str, dict[str, Any]] = {
        "first page": {},
        "search": {"where": Filters(q="bolêto segunda")},
        "folder": {"where": Filters(folder=crowded)},
        "tag": {"where": Filters(tag="vip")},
        "by name": {"order": "name", "descending": False},
        "by sessions": {"order": "sessions"},
        "by completion": {"order": "completion"},
    }
    for name, what in asked.items():
        took = []
        for _ in range(2):
            with tenant.session() as session, statements(session) as seen:
                began = time.perf_counter()
                page = service.list_flows(session, tenant.viewer, figures=True, clock=tenant.clock, **what)
                took.append((time.perf_counter() - began) * 1000)
        print(f"{name}: {took[0]:.0f}, {took[1]:.0f} ms, {len(seen)} statements, {len(page.items)} flows")
        assert len(page.items) >= 39
        assert len(seen) <= 8
        assert min(took) < 500  # a scan for each row would take seconds
    with tenant.session() as session, statements(session) as seen:
        began = time.perf_counter()
        overview = library.overview(session, tenant.viewer, clock=tenant.clock)
        print(f"beside: {(time.perf_counter() - began) * 1000:.0f} ms, {len(seen)} statements")
    assert sum(overview.statuses.values()) == MANY
    assert len(seen) <= 8


def test_figures_order_the_list_page_by_page(tenant: Tenant, crowded: UUID) -> None:
    for order, value in (
        ("sessions", lambda flow: flow.figures.sessions),
        ("completion", lambda flow: -1 if flow.figures.completion_rate is None else flow.figures.completion_rate),
    ):
        for descending in (True, False):
            seen: list[Any] = []
            cursor = None
            for _ in range(3):
                with tenant.session() as session:
                    page = service.list_flows(
                        session,
                        tenant.viewer,
                        order=order,  # type: ignore[arg-type]
                        descending=descending,
                        limit=150,
                        cursor=cursor,
                        figures=True,
                        clock=tenant.clock,
                    )
                seen += page.items
                cursor = page.next_cursor
            assert len({flow.id for flow in seen}) == 450
            values = [value(flow) for flow in seen]
            assert values == sorted(values, reverse=descending)
            assert (values[0] > values[-1]) is descending or values[0] == values[-1]
