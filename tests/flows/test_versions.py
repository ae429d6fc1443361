"""Versions beside each other, publications for later, and runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, InvalidError, NotFoundError
from pytake_app.flows import comparing, publications, runs, service
from pytake_app.flows.impact_schemas import ImpactChoice
from pytake_app.flows.schemas import FlowView
from pytake_app.flows.versions_schemas import PublicationView
from pytake_app.messaging.sql import hot
from pytake_app.notifications.models import Notification
from tests.flows.test_publishing import make, publish, running
from tests.flows.test_stats import ANSWERED, GONE, STANDING, run
from tests.support.tenants import Tenant, make_tenant


def edit(tenant: Tenant, flow: FlowView, *operations: dict[str, Any]) -> None:
    with tenant.session() as session:
        service.apply_operations(session, tenant.admin, flow.id, list(operations), clock=tenant.clock)


def say(text: str) -> dict[str, Any]:
    return {"op": "update_config", "id": "hi", "patch": {"body": text}}


MOVE = {"op": "move_nodes", "positions": {"hi": {"x": 320, "y": 0}}}


def test_two_versions_and_the_draft_beside_each_other(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow, note="um")
    edit(tenant, flow, say("Dois"))
    publish(tenant, flow)
    edit(tenant, flow, MOVE)
    with tenant.session() as session:
        draft = comparing.compare(session, tenant.viewer, flow.id, base="live", target="draft", whole=False)
        past = comparing.compare(session, tenant.viewer, flow.id, base="2", target="1", whole=True)
        versions = service.list_versions(session, tenant.viewer, flow.id)
        with pytest.raises(NotFoundError):
            comparing.compare(session, tenant.viewer, flow.id, base="9", target="1", whole=False)
    assert (draft.layout_only, draft.change.size.moved, draft.base, draft.target) == (True, 1, 2, None)
    (node,) = past.change.nodes
    assert [(field.path, field.before, field.after) for field in node.fields] == [(["body"], "Dois", "Oi")]
    assert past.before is not None
    assert [(v.published_by_name, v.change and (v.change.added, v.change.changed)) for v in versions] == [
        ("org_admin of Loja", (0, 1)), ("org_admin of Loja", (2, 0)),
    ]  # fmt: skip


def test_the_list_counts_what_differs_as_the_editor_does(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)

    def counted() -> tuple[int, int]:
        with tenant.session() as session:
            change = comparing.compare(session, tenant.viewer, flow.id, base="live", target="draft", whole=False).change
            return service.get_flow(session, tenant.admin, flow.id).draft_changes, change.size.things

    edit(tenant, flow, say("Um"))
    edit(tenant, flow, say("Dois"))  # twice the same block is one change
    assert counted() == (1, 1)
    new = {"id": "fim", "type": "end", "position": {"x": 640, "y": 0}}
    link = {"op": "connect", "source": "hi", "port": "next", "target": "fim"}
    edit(tenant, flow, {"op": "add_node", "node": new}, link)
    edit(tenant, flow, {"op": "set_name", "name": "Outro"})
    assert counted() == (3, 3)  # a link to a new block counts with it
    for _ in range(3):
        with tenant.session() as session:
            service.undo(session, tenant.admin, flow.id, clock=tenant.clock)
    edit(tenant, flow, say("Oi"), MOVE)
    assert counted() == (1, 0)  # only elsewhere: a draft that differs all the same
    edit(tenant, flow, {"op": "move_nodes", "positions": {"hi": flow.draft.document["nodes"][1]["position"]}})
    assert counted() == (0, 0)


def test_the_second_of_two_tabs_is_told_and_loses_nothing(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow, expected_live=0)
    edit(tenant, flow, say("Novo"))
    publish(tenant, flow, expected_live=1)
    with pytest.raises(ConflictError) as second:
        publish(tenant, flow, expected_live=1)
    assert second.value.code == "published_meanwhile"
    with pytest.raises(ConflictError), tenant.session() as session:
        service.rollback_flow(session, tenant.admin, flow.id, version=1, expected_live=1, clock=tenant.clock)
    with tenant.session() as session:
        assert len(service.list_versions(session, tenant.viewer, flow.id)) == 2


# -- publications for later ------------------------------------------------------------------------------------------


def schedule(tenant: Tenant, flow: FlowView, *, minutes: float = 60, choice: ImpactChoice | None = None) -> UUID:
    with tenant.session() as session:
        return publications.schedule(
            session, tenant.admin, flow.id, publish_at=tenant.clock.now() + timedelta(minutes=minutes), note="Natal",
            expected_revision=None, choice=choice or ImpactChoice(), clock=tenant.clock,
        ).id  # fmt: skip


def listed(tenant: Tenant, flow: FlowView) -> list[PublicationView]:
    with tenant.session() as session:
        return publications.list_publications(session, tenant.viewer, flow.id)


def carry_out_due(tenant: Tenant) -> list[bool]:
    with hot(tenant.db) as connection:
        found = publications.due(connection, tenant.clock.now())
    return [publications.carry_out(tenant.db, org, key, clock=tenant.clock) for org, key in found]


def test_what_was_kept_goes_live_at_its_time(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    waiting = running(tenant, flow.id, 1, "hi")
    edit(tenant, flow, say("Feliz Natal"))
    key = schedule(tenant, flow, choice=ImpactChoice(default="end"))
    edit(tenant, flow, say("Para depois"))
    assert [(p.state, p.draft_moved_on, p.overtaken_by) for p in listed(tenant, flow)] == [("pending", True, None)]
    assert carry_out_due(tenant) == []
    tenant.clock.advance(timedelta(minutes=61))
    assert carry_out_due(tenant) == [True]
    assert publications.carry_out(tenant.db, tenant.organization_id, key, clock=tenant.clock) is False, "once"
    with tenant.session() as session:
        live = service.get_version(session, tenant.viewer, flow.id, 2)
        now = service.get_flow(session, tenant.admin, flow.id)
        session.add(waiting)
        session.refresh(waiting)
        assert waiting.status == "interrupted"
    assert (live.document["nodes"][1]["config"]["body"], live.note, live.live) == ("Feliz Natal", "Natal", True)
    assert (now.draft.document["nodes"][1]["config"]["body"], now.draft_changes > 0) == ("Para depois", True)
    assert [(p.state, p.version) for p in listed(tenant, flow)] == [("done", 2)]


def test_what_is_wrong_then_is_told_and_not_published(tenant: Tenant) -> None:
    child = make(tenant, "Filho", {"nodes": [{"id": "s", "type": "start"}, {"id": "e", "type": "end"}],
                                   "edges": [{"id": "1", "source": "s", "port": "next", "target": "e"}]})  # fmt: skip
    publish(tenant, child)
    flow = make(tenant)
    edit(tenant, flow, {"op": "add_node", "node": {"id": "j", "type": "jump", "config": {"flow": child.slug}}},
         {"op": "connect", "source": "hi", "port": "next", "target": "j"})  # fmt: skip
    schedule(tenant, flow)
    with tenant.session() as session:
        service.delete_flow(session, tenant.admin, child.id, clock=tenant.clock)
    tenant.clock.advance(timedelta(hours=2))
    assert carry_out_due(tenant) == [False]
    (failed,) = listed(tenant, flow)
    assert failed.problem is not None
    assert (failed.state, failed.problem.code, len(failed.problem.findings)) == ("failed", "flow_has_errors", 1)
    with tenant.session() as session:
        told = session.exec(select(Notification)).one()
        assert service.get_flow(session, tenant.admin, flow.id).live_version is None
    assert (told.user_id, told.level) == (tenant.admin.user_id, "urgent")
    assert "Fluxo" in told.title
    assert carry_out_due(tenant) == [], "it isn't tried again"


def test_taking_back_and_refusals(tenant: Tenant, clean_db: Database) -> None:
    flow = make(tenant)
    key = schedule(tenant, flow)
    tenant.clock.advance(timedelta(seconds=1))
    publish(tenant, flow)
    assert listed(tenant, flow)[0].overtaken_by == 1
    other = make_tenant(clean_db, tenant.clock, name="Outra")
    with pytest.raises(NotFoundError), other.session() as session:
        publications.cancel(session, other.admin, flow.id, key, clock=other.clock)
    with tenant.session() as session:
        assert publications.cancel(session, tenant.admin, flow.id, key, clock=tenant.clock).state == "canceled"
    with pytest.raises(ConflictError) as over, tenant.session() as session:
        publications.cancel(session, tenant.admin, flow.id, key, clock=tenant.clock)
    assert over.value.code == "publication_over"
    with pytest.raises(InvalidError) as past:
        schedule(tenant, flow, minutes=-1)
    assert past.value.code == "not_in_future"
    edit(tenant, flow, say(""))
    with pytest.raises(InvalidError) as wrong:
        schedule(tenant, flow)
    assert wrong.value.code == "flow_has_errors"


# -- runs ------------------------------------------------------------------------------------------------------------


def page(tenant: Tenant, flow: FlowView, principal: Any = None, **values: Any) -> Any:
    asked = {
        "node_id": None,
        "dropped": False,
        "days": 30,
        "version": None,
        "channel": None,
        "limit": 50,
        "cursor": None,
    }
    with tenant.session() as session:
        return runs.list_runs(
            session, principal or tenant.viewer, flow.id, **{**asked, **values}, clock=tenant.clock
        )  # fmt: skip


def test_runs_of_a_flow_and_of_a_node(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    ids = [run(tenant, flow.id, path, status, at=tenant.clock.now() - timedelta(minutes=30 - number))
           for number, (path, status) in enumerate([(ANSWERED, "completed"), (GONE, "expired"), (STANDING, "waiting")])]  # fmt: skip  # noqa: E501
    everything = page(tenant, flow)
    assert [(item.id, item.end) for item in everything.items] == [
        (ids[2], "in_progress"), (ids[1], "dropped"), (ids[0], "completed"),
    ]  # fmt: skip
    first = page(tenant, flow, node_id="ask", limit=2)
    rest = page(tenant, flow, node_id="ask", limit=2, cursor=first.next_cursor)
    assert {item.id for item in [*first.items, *rest.items]} == set(ids)
    assert (len(first.items), rest.next_cursor) == (2, None)
    assert [item.id for item in page(tenant, flow, node_id="ask", dropped=True).items] == [ids[1]]
    assert [item.id for item in page(tenant, flow, node_id="ok").items] == [ids[0]]
    assert all(item.contact_phone.startswith("•••• ") for item in everything.items)
    assert page(tenant, flow, tenant.agent).items[0].contact_phone.startswith("55")


def test_one_run_with_its_messages(tenant: Tenant, clean_db: Database) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    key = run(tenant, flow.id, ANSWERED, at=tenant.clock.now())
    with tenant.session() as session:
        found = service.list_flows(session, tenant.viewer).items
        assert found
        detail = runs.get_run(session, tenant.viewer, key)
    assert [step.node_id for step in detail.session.steps] == ["k", "ask", "ask", "ok"]
    assert (detail.flow_versions, set(detail.flow_ids), detail.messages) == ([1, 1, 1, 1], {flow.id}, [])
    other = make_tenant(clean_db, tenant.clock, name="Outra")
    with pytest.raises(NotFoundError), other.session() as session:
        runs.get_run(session, other.viewer, key)
    with pytest.raises(NotFoundError), tenant.session() as session:
        runs.get_run(session, tenant.viewer, uuid4())
