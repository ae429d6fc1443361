"""From draft to live and back; the list; import and export."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from pytake_app.core.errors import ConflictError, InvalidError
from pytake_app.engine.session import Session as EngineSession
from pytake_app.engine.session import Wait
from pytake_app.flows import service
from pytake_app.flows.execution_catalog import FlowCatalog
from pytake_app.flows.listing import Filters
from pytake_app.flows.models import FlowSession
from pytake_app.flows.schemas import FlowView
from pytake_app.messaging.models import InboundEvent
from pytake_app.messaging.sql import hot
from tests.support.tenants import Tenant, counted_statements


def document(text: str = "Oi", **extra: Any) -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "k", "type": "trigger_keyword", "config": {"words": ["oi"]}},
            {"id": "hi", "type": "msg_text", "config": {"body": text}},
        ],
        "edges": [{"id": "e", "source": "k", "port": "next", "target": "hi"}],
        **extra,
    }


def make(tenant: Tenant, name: str = "Fluxo", raw: Any = None) -> FlowView:
    with tenant.session() as session:
        return service.create_flow(session, tenant.admin, name=name, document=raw or document(), clock=tenant.clock)


def publish(tenant: Tenant, flow: FlowView, **values: Any) -> Any:
    with tenant.session() as session:
        return service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock, **values)


def running(tenant: Tenant, flow_id: UUID, version: int, node: str, phone: str = "5511987654321") -> FlowSession:
    """A contact who stands on `node`."""
    conversation = tenant.conversation(tenant.contact(phone=phone))
    now = tenant.clock.now()
    wait = Wait(id="w1", kind="message", node_id=node, since=now)
    state = EngineSession(
        id="s", root_flow_id=str(flow_id), root_version=version, flow_id=str(flow_id), flow_version=version,
        status="waiting", current_node=node, wait=wait, started_at=now, variables={"name": "Ana"},
    )  # fmt: skip
    row = FlowSession(
        organization_id=tenant.organization_id, flow_id=flow_id, version=version, contact_id=conversation.contact_id,
        conversation_id=conversation.id, channel_account_id=tenant.account.id, status="waiting", current_node=node,
        state=state.model_dump(mode="json"), started_at=now,
    )  # fmt: skip
    with tenant.session() as session:
        session.add(row)
    return row


def test_publishing_freezes_the_draft(tenant: Tenant) -> None:
    flow = make(tenant)
    first = publish(tenant, flow, expected_revision=flow.draft_revision, note="primeira")
    assert first.version == 1
    assert [(t.kind, t.words) for t in first.triggers] == [("keyword", ["oi"])]
    with tenant.session() as session:
        service.apply_operations(
            session,
            tenant.admin,
            flow.id,
            [{"op": "update_config", "id": "hi", "patch": {"body": "Novo"}}],
            clock=tenant.clock,
        )
        now = service.get_flow(session, tenant.admin, flow.id)
        frozen = service.get_version(session, tenant.viewer, flow.id, 1)
    assert (now.status, now.live_version, now.draft_changes) == ("active", 1, 1)
    assert frozen.document["nodes"][1]["config"]["body"] == "Oi"
    assert frozen.live
    assert frozen.note == "primeira"
    assert {"flow_published"} <= set(tenant.heard.events(f"org:{tenant.organization_id}:flows"))
    with tenant.session() as session:  # everything undone: the draft is the live version again
        assert service.undo(session, tenant.admin, flow.id, clock=tenant.clock).changes == 0


def test_errors_block_publishing_and_name_their_nodes(tenant: Tenant) -> None:
    flow = make(tenant, raw=document(text=""))
    with pytest.raises(InvalidError) as refused:
        publish(tenant, flow)
    assert refused.value.code == "flow_has_errors"
    assert {(e.node_id, e.pointer.startswith("/nodes/1")) for e in refused.value.errors} == {("hi", True)}
    with tenant.session() as session:
        again = service.get_flow(session, tenant.admin, flow.id)
        assert service.list_versions(session, tenant.admin, flow.id) == []
        assert service.verify_flow(session, tenant.viewer, flow.id).errors >= 1
    assert (again.status, again.live_version) == ("draft", None)


def test_publishing_what_one_has_not_seen(tenant: Tenant) -> None:
    flow = make(tenant)
    with pytest.raises(ConflictError) as stale:
        publish(tenant, flow, expected_revision=flow.draft_revision - 1)
    assert stale.value.code == "stale_revision"


def test_impact_on_sessions_in_progress(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    running(tenant, flow.id, 1, "hi")
    running(tenant, flow.id, 1, "k", phone="5511900000001")
    with tenant.session() as session:
        service.apply_operations(
            session,
            tenant.admin,
            flow.id,
            [
                {"op": "add_node", "node": {"id": "new", "type": "msg_text", "config": {"body": "Oi"}}},
                {"op": "connect", "source": "k", "port": "next", "target": "new"},
                {"op": "delete_nodes", "ids": ["hi"]},
            ],
            clock=tenant.clock,
        )
    result = publish(tenant, flow)
    assert result.running_sessions == 2
    assert [(p.node_id, p.sessions) for p in result.parked] == [("hi", 1)]
    with tenant.session() as session:
        versions = service.list_versions(session, tenant.viewer, flow.id)
    assert [(v.version, v.live, v.running_sessions) for v in versions] == [(2, True, 0), (1, False, 2)]


def test_rollback_publishes_an_older_version_again(tenant: Tenant) -> None:
    flow = make(tenant)
    first = publish(tenant, flow)
    with tenant.session() as session:
        service.apply_operations(
            session,
            tenant.admin,
            flow.id,
            [{"op": "update_config", "id": "k", "patch": {"words": ["tchau"]}}],
            clock=tenant.clock,
        )
    publish(tenant, flow)
    with tenant.session() as session:
        back = service.rollback_flow(session, tenant.admin, flow.id, version=1, clock=tenant.clock)
        now = service.get_flow(session, tenant.admin, flow.id)
    assert (back.version, back.checksum) == (3, first.checksum)
    assert now.triggers[0].words == ["oi"]
    assert now.draft.document["nodes"][0]["config"]["words"] == ["tchau"]
    assert now.draft_changes == 1


def test_of_several_flows_for_any_message_the_newest_answers(tenant: Tenant) -> None:
    with tenant.session() as session:
        service.seed_organization(session, tenant.organization_id, "pt_BR", clock=tenant.clock)
    tenant.clock.advance(timedelta(minutes=1))
    with tenant.session() as session:
        mine = service.create_from_starter(
            session, tenant.admin, starter="main_menu", name="Meu menu", clock=tenant.clock
        )
    assert [other.name for other in publish(tenant, mine).overtaken] == ["Boas-vindas e menu"]
    assert answers(tenant) == mine.id
    tenant.clock.advance(timedelta(minutes=1))
    with tenant.session() as session:
        old = service.get_flow(session, tenant.admin, "main_menu").id
    assert publish(tenant, mine).overtaken
    with tenant.session() as session:  # publishing an active flow again doesn't overtake
        assert service.publish_flow(session, tenant.admin, old, clock=tenant.clock).overtaken == []
    assert answers(tenant) == mine.id
    with tenant.session() as session:
        service.deactivate_flow(session, tenant.admin, old, clock=tenant.clock)
        service.activate_flow(session, tenant.admin, old, clock=tenant.clock)
    assert answers(tenant) == old


def answers(tenant: Tenant) -> UUID:
    """The flow that the pipeline would start for a message that nothing else answers."""
    with hot(tenant.db) as connection:
        return UUID(
            FlowCatalog().ask_live(connection, [tenant.organization_id])()[tenant.organization_id].universal[0].flow_id
        )


def test_activation(tenant: Tenant) -> None:
    flow = make(tenant)
    with pytest.raises(ConflictError) as early, tenant.session() as session:
        service.activate_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    assert early.value.code == "not_published"
    publish(tenant, flow)
    with tenant.session() as session:
        assert service.deactivate_flow(session, tenant.admin, flow.slug, clock=tenant.clock).status == "inactive"
        assert service.activate_flow(session, tenant.admin, str(flow.id), clock=tenant.clock).status == "active"


def test_deleting_a_flow_that_is_in_use(tenant: Tenant) -> None:
    flow = make(tenant, "Menu")
    publish(tenant, flow)
    talking = running(tenant, flow.id, 1, "hi")
    with pytest.raises(ConflictError) as busy, tenant.session() as session:
        service.delete_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    assert busy.value.code == "sessions_running"
    with tenant.session() as session:
        assert service.delete_flow(session, tenant.admin, flow.id, interrupt_sessions=True, clock=tenant.clock) == 1
    with tenant.session() as session:
        assert service.list_flows(session, tenant.viewer).items == []
        commands = session.exec(select(InboundEvent).where(col(InboundEvent.kind) == "command")).all()
    assert [c.payload["session_id"] for c in commands] == [str(talking.id)]
    assert make(tenant, "Menu").slug == "menu"


def test_slugs_are_unique_and_readable(tenant: Tenant) -> None:
    names = ["Boas-vindas & Menu", "boas vindas menu", "日本", str(UUID(int=5))]
    assert [make(tenant, n).slug for n in names] == [
        "boas_vindas_menu", "boas_vindas_menu_2", "flow", "flow_00000000_0000_0000_0000_000000000005",
    ]  # fmt: skip


def test_the_list_costs_two_statements_whatever_its_length(tenant: Tenant) -> None:
    for number in range(7):
        flow = make(tenant, f"Fluxo {number}")
    publish(tenant, flow)
    running(tenant, flow.id, 1, "hi")
    with tenant.session() as session:
        session.connection()
        with counted_statements(session) as statements:
            page = service.list_flows(session, tenant.viewer, limit=5, clock=tenant.clock)
        assert len(statements) == 2  # the page, and the names of who changed them
        assert "draft_document" not in statements[0].split("jsonb_array_length")[0]
        rest = service.list_flows(session, tenant.viewer, limit=5, cursor=page.next_cursor, clock=tenant.clock)
        found = service.list_flows(session, tenant.viewer, where=Filters(q="FLÚXO 3"), clock=tenant.clock).items
    assert len({f.id for f in [*page.items, *rest.items]}) == 7
    assert rest.next_cursor is None
    live = next(f for f in [*page.items, *rest.items] if f.id == flow.id)
    assert (live.running_sessions, live.sessions_week, live.node_count) == (1, 1, 2)
    assert [f.name for f in found] == ["Fluxo 3"]


def test_export_imports_again(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    with tenant.session() as session:
        exported = service.export_flow(session, tenant.viewer, flow.id, version=1, clock=tenant.clock)
        again = service.import_flow(
            session, tenant.admin, document=exported.model_dump(mode="json"), clock=tenant.clock
        )
        copy = service.duplicate_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    assert again.draft.document == flow.draft.document
    assert (again.slug, again.name) == ("fluxo_2", "Fluxo")
    assert copy.draft.document["nodes"] == flow.draft.document["nodes"]
    assert copy.live_version is None


def test_older_shape_imports(tenant: Tenant) -> None:
    nodes = [
        {"id": "welcome", "type": "message", "config": {"content": "Bem-vindo ao PyTake!"}, "next": "menu"},
        {"id": "menu", "type": "buttons", "config": {"message": "Como posso ajudar?", "buttons": [
            {"id": "support", "text": "Suporte"}, {"id": "sales", "text": "Vendas"}]}},
    ]  # fmt: skip
    with tenant.session() as session:
        flow = service.create_flow(
            session, tenant.admin, name="Antigo", document={"nodes": nodes}, pointer="", clock=tenant.clock
        )
    types = {n["id"]: n["type"] for n in flow.draft.document["nodes"]}
    assert types["welcome"] == "msg_text"
    assert types["menu"] == "msg_buttons"
    assert ("welcome", "menu") in {(e["source"], e["target"]) for e in flow.draft.document["edges"]}


def test_stats(tenant: Tenant) -> None:
    flow = make(tenant)
    publish(tenant, flow)
    running(tenant, flow.id, 1, "hi")
    with tenant.session() as session:
        stats = service.flow_stats(session, tenant.viewer, flow.id, clock=tenant.clock)
    assert (stats.started, stats.by_status, stats.completion_rate) == (1, {"waiting": 1}, None)


def test_the_verifier_knows_the_other_flows(tenant: Tenant) -> None:
    """Words that another active flow answers, and what a called flow sets."""
    child = make(tenant, "Filho", {
        "nodes": [{"id": "s", "type": "start"}, {"id": "v", "type": "set_variable", "config": {
            "assignments": [{"target": "session", "name": "cor", "value": "azul"}]}}, {"id": "e", "type": "end"}],
        "edges": [{"id": "1", "source": "s", "port": "next", "target": "v"},
                  {"id": "2", "source": "v", "port": "next", "target": "e"}],
    })  # fmt: skip
    publish(tenant, child)
    publish(tenant, make(tenant, "Primeiro"))
    second = make(tenant, "Segundo", {
        "nodes": [{"id": "k", "type": "trigger_keyword", "config": {"words": ["OI"]}},
                  {"id": "j", "type": "jump", "config": {"flow": child.slug, "mode": "call"}},
                  {"id": "m", "type": "msg_text", "config": {"body": "Sua cor: {{ cor }}"}}],
        "edges": [{"id": "1", "source": "k", "port": "next", "target": "j"},
                  {"id": "2", "source": "j", "port": "next", "target": "m"}],
    })  # fmt: skip
    with tenant.session() as session:
        found = service.verify_flow(session, tenant.viewer, second.id).findings
    clashes = [finding for finding in found if finding.node_id == "k"]
    assert any("Primeiro" in map(str, finding.params.values()) for finding in clashes), found
    assert {finding.code for finding in found if finding.node_id == "m"} <= {"dead_end"}, found
