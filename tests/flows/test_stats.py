"""Figures of flows against sessions counted by hand, before and after they are rolled up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.errors import InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.flows import service, stats_rollup
from pytake_app.flows.models import FlowSession, SessionStep
from pytake_app.flows.schemas import FlowView
from pytake_app.flows.stats import _LIVE
from pytake_app.flows.stats_schemas import FlowStats, NodeStats
from pytake_app.messaging.sql import hot
from pytake_app.whatsapp.models import ChannelAccount
from tests.support.tenants import Tenant, make_tenant

Path = Sequence[tuple[str, str | None, float]]
TYPES = {"k": "trigger_keyword", "ask": "question", "menu": "msg_buttons", "ok": "msg_text", "people": "action_transfer_to_queue", "call": "jump"}  # fmt: skip  # noqa: E501


def document() -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "k", "type": "trigger_keyword", "config": {"words": ["oi"]}},
            {"id": "ask", "type": "question", "config": {"question": "CPF?", "variable": "cpf", "validation": "cpf"}},
            {"id": "ok", "type": "msg_text", "config": {"body": "Pronto"}},
            {"id": "people", "type": "action_transfer_to_queue", "config": {"queue": "Vendas"}},
        ],
        "edges": [
            {"id": "1", "source": "k", "port": "next", "target": "ask"},
            {"id": "2", "source": "ask", "port": "answered", "target": "ok"},
            {"id": "3", "source": "ask", "port": "timeout", "target": "people"},
        ],
    }


def live_flow(tenant: Tenant, name: str = "Fluxo") -> FlowView:
    with tenant.session() as session:
        flow = service.create_flow(session, tenant.admin, name=name, document=document(), clock=tenant.clock)
        service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    return flow


def run(
    tenant: Tenant,
    flow_id: UUID,
    steps: Path,
    status: str = "completed",
    *,
    version: int = 1,
    account: UUID | None = None,
    at: datetime | None = None,
    outcome: str | None = None,
    flows: Sequence[UUID] = (),
) -> UUID:
    """A session as the pipeline leaves it: (node, exit, seconds after the start) of each logged step."""
    began = at or tenant.clock.now() - timedelta(hours=1)
    person = tenant.contact(phone=f"55119{uuid4().int % 10**8:08d}")
    running = status in ("active", "waiting", "handed_off")
    row = FlowSession(
        id=new_id(), organization_id=tenant.organization_id, flow_id=flow_id, version=version, contact_id=person.id,
        conversation_id=new_id(), channel_account_id=account or tenant.account.id, status=status, outcome=outcome,
        current_node=steps[-1][0] if steps else None, started_at=began, updated_at=began,
        ended_at=None if running else began + timedelta(minutes=5),
    )  # fmt: skip
    logged = [
        SessionStep(
            organization_id=tenant.organization_id, session_id=row.id, flow_id=flows[number] if flows else flow_id,
            flow_version=version, sequence=number + 1, node_id=node, node_type=TYPES[node], port=port,
            created_at=began + timedelta(seconds=after),
        )
        for number, (node, port, after) in enumerate(steps)
    ]  # fmt: skip
    with tenant.session() as session:
        session.add(row)
        session.add_all(logged)
    return row.id


def stats(tenant: Tenant, flow: FlowView, **values: Any) -> FlowStats:
    with tenant.session() as session:
        return service.flow_stats(session, tenant.viewer, flow.id, clock=tenant.clock, **values)


def roll_up(tenant: Tenant) -> int:
    with hot(tenant.db) as connection:
        return stats_rollup.count_ended(connection, tenant.clock.now())


def node(figures: FlowStats, node_id: str) -> NodeStats:
    return next(item for item in figures.nodes if item.node_id == node_id)


ANSWERED: Path = [("k", "next", 0), ("ask", None, 0), ("ask", "answered", 30), ("ok", "next", 30)]
AGAIN: Path = [("k", "next", 0), ("ask", None, 0), ("ask", None, 10), ("ask", "answered", 90), ("ok", "next", 90)]
GONE: Path = [("k", "next", 0), ("ask", None, 0), ("ask", None, 20), ("ask", None, 620)]
TO_PEOPLE: Path = [("k", "next", 0), ("ask", None, 0), ("ask", "timeout", 600), ("people", None, 600)]
STANDING: Path = [("k", "next", 0), ("ask", None, 0)]


def test_figures_are_those_counted_by_hand(tenant: Tenant) -> None:
    flow = live_flow(tenant)
    for _ in range(3):
        run(tenant, flow.id, ANSWERED, outcome="sold")
    run(tenant, flow.id, AGAIN)
    run(tenant, flow.id, GONE, "expired")
    run(tenant, flow.id, TO_PEOPLE, "handed_off")
    run(tenant, flow.id, [*TO_PEOPLE, ("people", "transferred", 700)])
    run(tenant, flow.id, STANDING, "waiting")
    run(tenant, flow.id, [], "failed", outcome="no_entry")
    run(tenant, flow.id, ANSWERED, at=tenant.clock.now() - timedelta(days=40))

    before = stats(tenant, flow)
    assert (before.started, before.in_progress, before.completed, before.handed_off, before.dropped) == (9, 1, 4, 2, 2)
    assert before.by_status == {"completed": 5, "expired": 1, "handed_off": 1, "waiting": 1, "failed": 1}
    assert before.by_outcome == {"sold": 3, "no_entry": 1}
    assert before.completion_rate == round(6 / 8, 4)
    ask = node(before, "ask")
    assert (ask.visits, ask.reached, ask.here_now, ask.dropped, ask.retries) == (8, 8, 1, 1, 2)
    assert (ask.ports, ask.drop_share, ask.drop_reasons) == ({"answered": 4, "timeout": 2}, 0.125, {"expired": 1})
    # Six left it: after 30, 30, 30, 90, 600 and 600 seconds; the middle lies between the third and the fourth.
    assert ask.median_seconds is not None
    assert 28 <= ask.median_seconds <= 34
    assert (node(before, "k").entered, node(before, "ok").finished, node(before, "people").handed_off) == (8, 4, 1)
    assert {(e.source, e.port): (e.count, e.share) for e in before.edges} == {
        ("k", "next"): (8, 1.0), ("ask", "answered"): (4, 0.5), ("ask", "timeout"): (2, 0.25),
    }  # fmt: skip

    assert roll_up(tenant) == 8, "all but the ones in progress"
    assert roll_up(tenant) == 0, "once each"
    assert stats(tenant, flow) == before
    assert stats(tenant, flow, days=60).started == 10


def test_versions_channels_and_the_sandbox(tenant: Tenant) -> None:
    flow = live_flow(tenant)
    with tenant.session() as session:
        sandbox = ChannelAccount(
            organization_id=tenant.organization_id, name="Teste", external_id=uuid4().hex[:15], sandbox=True
        )
        session.add(sandbox)
        session.flush()
        sandbox_id = sandbox.id
        service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    run(tenant, flow.id, ANSWERED)
    run(tenant, flow.id, GONE, "expired", version=2)
    run(tenant, flow.id, ANSWERED, account=sandbox_id)
    for _ in range(2):
        everything = stats(tenant, flow)
        assert (everything.started, everything.channel, everything.versions) == (2, "real", [2, 1])
        assert [(choice.name, choice.sandbox) for choice in everything.channels] == [
            ("WhatsApp", False), ("Teste", True),
        ]  # fmt: skip
        assert [stats(tenant, flow, version=number).started for number in (1, 2)] == [1, 1]
        counts = [stats(tenant, flow, channel=c).started for c in ("all", "whatsapp", str(sandbox_id))]
        assert counts == [3, 2, 1]
        roll_up(tenant)
    with pytest.raises(InvalidError) as unknown:
        stats(tenant, flow, channel=str(uuid4()))
    assert unknown.value.code == "unknown_channel"
    with pytest.raises(NotFoundError):
        stats(tenant, flow, version=9)


def test_called_flows_have_their_own_figures(tenant: Tenant) -> None:
    outer, inner = live_flow(tenant, "Fora"), live_flow(tenant, "Dentro")
    # Fora calls Dentro, which asks and comes back; the calling block is left by `next`.
    steps: Path = [("k", "next", 0), ("call", None, 0), ("ask", None, 0), ("ask", "answered", 8), ("ok", "next", 8)]
    run(tenant, outer.id, steps, flows=[outer.id, outer.id, inner.id, inner.id, outer.id])
    for _ in range(2):
        outside, inside = stats(tenant, outer), stats(tenant, inner)
        assert (outside.started, outside.completed, node(outside, "call").ports) == (1, 1, {"next": 1})
        assert (inside.started, inside.completed, node(inside, "ask").entered) == (1, 1, 1)
        assert node(inside, "ask").dropped == 0
        roll_up(tenant)


def test_an_exit_that_leads_nowhere_loses_people(tenant: Tenant) -> None:
    flow = live_flow(tenant)
    run(tenant, flow.id, [("k", "next", 0), ("menu", None, 0), ("menu", "other", 9)])
    figures = stats(tenant, flow)
    assert node(figures, "menu").drop_reasons == {"dead_end:other": 1}
    assert (figures.completed, figures.dropped) == (0, 1)


def test_short_figures_for_lists(tenant: Tenant, clean_db: Database, frozen_clock: FrozenClock) -> None:
    busy, idle = live_flow(tenant, "Cheio"), live_flow(tenant, "Vazio")
    other = make_tenant(clean_db, frozen_clock, name="Outra")
    for days, path, status in ((0, ANSWERED, "completed"), (1, GONE, "expired"), (1, ANSWERED, "completed"), (20, ANSWERED, "completed")):  # fmt: skip  # noqa: E501
        run(tenant, busy.id, path, status, at=tenant.clock.now() - timedelta(days=days, minutes=5))
    run(tenant, busy.id, STANDING, "waiting", at=tenant.clock.now() - timedelta(minutes=2))
    for _ in range(2):
        with tenant.session() as session:
            found = service.flow_figures(session, [busy.id, idle.id], clock=tenant.clock)
            page = service.list_flows(session, tenant.viewer, figures=True, clock=tenant.clock)
        mine = found[busy.id]
        assert (mine.sessions, mine.completed, mine.completion_rate) == (4, 2, round(2 / 3, 4))
        assert ([day.started for day in mine.days[-3:]], len(mine.days)) == ([0, 2, 2], 14)
        assert (found[idle.id].sessions, found[idle.id].completion_rate) == (0, None)
        assert {item.id: item.figures for item in page.items} == found
        with other.session() as session:
            assert service.flow_figures(session, [busy.id], clock=tenant.clock)[busy.id].sessions == 0
        roll_up(tenant)


@pytest.fixture
def owner(_owner_engine: Engine) -> Engine:
    """Who may have statistics gathered."""
    return _owner_engine


def test_after_a_burst_only_the_steps_of_what_is_not_counted_are_read(tenant: Tenant, owner: Engine) -> None:
    """The statistics still say that thousands of sessions are not counted: the plan must not read every step for it."""
    flow = live_flow(tenant)
    first = run(tenant, flow.id, ANSWERED)
    values = {"first": first, "many": 4_000}
    with owner.begin() as connection:
        for table, row in (("flow_sessions", "id"), ("session_steps", "session_id")):
            connection.execute(
                text(
                    f"INSERT INTO {table} SELECT (jsonb_populate_record(x, jsonb_build_object('{row}', "
                    "md5(n::text)::uuid))).* "
                    f"FROM {table} x, generate_series(1, :many) n WHERE x.{row} = :first"
                ),
                values,
            )
    with owner.connect() as connection:
        analyze = connection.execution_options(isolation_level="AUTOCOMMIT")
        analyze.execute(text("ANALYZE flow_sessions, session_steps"))
        analyze.execute(text("UPDATE flow_sessions SET counted = true WHERE id <> :first"), values)
    parameters = {
        "flow": flow.id, "organization": tenant.organization_id, "since": tenant.clock.now() - timedelta(days=30),
        "until": tenant.clock.now(), "accounts": [tenant.account.id],
    }  # fmt: skip
    with tenant.session() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {_LIVE}", parameters).scalar_one()
    reads = [node for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name", "").startswith("session_steps")]
    assert reads
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in reads) == len(ANSWERED)
    assert all("Seq" not in node["Node Type"] or node["Actual Loops"] == 0 or not node["Actual Rows"] for node in reads)
    assert stats(tenant, flow).started == 1


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(found for child in plan.get("Plans", []) for found in _nodes(child))]
