"""Drafts: operations, revisions, undo and redo, two editors at once, bad documents."""

from typing import Any
from uuid import UUID

import pytest

from pytake_app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.flows import service
from pytake_app.flows.schemas import EditResult, FlowView, NodeCreate, NodeUpdate, VerifyRequest, VerifyResult
from tests.support.tenants import Tenant, make_tenant

DOCUMENT: dict[str, Any] = {
    "nodes": [
        {"id": "t", "type": "trigger_universal"},
        {"id": "hi", "type": "msg_text", "config": {"body": "Oi"}},
    ],
    "edges": [{"id": "e", "source": "t", "port": "next", "target": "hi"}],
}


@pytest.fixture
def flow(tenant: Tenant) -> FlowView:
    with tenant.session() as session:
        return service.create_flow(session, tenant.admin, name="Olá", document=DOCUMENT, clock=tenant.clock)


def edit(
    tenant: Tenant, flow: FlowView, *operations: dict[str, Any], who: Any = None, revision: int | None = None
) -> EditResult:
    with tenant.session() as session:
        return service.apply_operations(
            session, who or tenant.admin, flow.id, list(operations), expected_revision=revision, clock=tenant.clock
        )


def body(tenant: Tenant, flow: FlowView, node_id: str = "hi") -> Any:
    with tenant.session() as session:
        return service.get_node(session, tenant.admin, flow.id, node_id).config.get("body")


def say(text: str) -> dict[str, Any]:
    return {"op": "update_config", "id": "hi", "patch": {"body": text}}


def test_an_edit_counts_the_revision_up_and_pokes_the_others(tenant: Tenant, flow: FlowView) -> None:
    result = edit(tenant, flow, say("Bom dia"), {"op": "set_title", "id": "hi", "title": "Saudação"})
    assert result.revision == flow.draft_revision + 1
    assert [e.seq for e in result.edits] == [result.revision]
    assert len(result.edits[0].operations) == 2
    assert (result.can_undo, result.can_redo) == (True, False)
    assert body(tenant, flow) == "Bom dia"
    poke = [p for topic, p in tenant.heard.pokes if topic == f"flow:{flow.id}" and p["event"] == "flow_edited"]
    assert [p["seq"] for p in poke] == [result.revision]
    with tenant.session() as session:
        assert service.edits_since(session, tenant.viewer, flow.id, flow.draft_revision) == result.edits
        assert service.edits_since(session, tenant.viewer, flow.id, result.revision) == []


def test_undo_and_redo_walk_back_and_forth(tenant: Tenant, flow: FlowView) -> None:
    for text in ("um", "dois", "três"):
        edit(tenant, flow, say(text))

    def step(kind: str) -> Any:
        with tenant.session() as session:
            return getattr(service, kind)(session, tenant.admin, flow.id, clock=tenant.clock)

    seen = [(step(kind), body(tenant, flow))[1] for kind in ("undo", "undo", "redo", "undo", "undo")]
    assert seen == ["dois", "um", "dois", "um", "Oi"]
    with pytest.raises(ConflictError) as nothing:
        step("undo")
    assert nothing.value.code == "nothing_to_undo"
    assert [(step("redo"), body(tenant, flow))[1] for _ in range(3)] == ["um", "dois", "três"]
    with pytest.raises(ConflictError) as nothing:
        step("redo")
    assert nothing.value.code == "nothing_to_redo"
    step("undo")
    edit(tenant, flow, {"op": "set_title", "id": "hi", "title": "x"})
    with pytest.raises(ConflictError):  # something was edited since
        step("redo")


def test_undoing_a_deletion_brings_edges_back(tenant: Tenant, flow: FlowView) -> None:
    edit(tenant, flow, {"op": "delete_nodes", "ids": ["hi"]})
    with tenant.session() as session:
        result = service.undo(session, tenant.admin, flow.id, clock=tenant.clock)
        document = service.get_flow(session, tenant.admin, flow.id).draft.document
    assert [edge["target"] for edge in document["edges"]] == ["hi"]
    assert result.edits[0].kind == "undo"


def test_two_editors_on_different_things_both_win(tenant: Tenant, flow: FlowView) -> None:
    edit(tenant, flow, say("Bom dia"))
    colleague = make_colleague(tenant)
    result = edit(
        tenant, flow, {"op": "set_title", "id": "hi", "title": "B"}, who=colleague, revision=flow.draft_revision
    )
    assert [e.actor_id for e in result.edits] == [tenant.admin.user_id, colleague.user_id]
    with tenant.session() as session:
        node = service.get_node(session, tenant.admin, flow.id, "hi")
    assert (node.title, node.config["body"]) == ("B", "Bom dia")


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        (say("A"), say("B")),
        ({"op": "delete_nodes", "ids": ["hi"]}, say("B")),
        ({"op": "set_title", "id": "hi", "title": "A"}, {"op": "delete_nodes", "ids": ["hi"]}),
        (
            {"op": "disconnect", "source": "t", "port": "next"},
            {"op": "connect", "source": "t", "port": "next", "target": "hi"},
        ),
        (say("A"), {"op": "replace_document", "document": DOCUMENT}),
    ],
    ids=["same field", "gone node", "changed node", "same port", "everything"],
)
def test_two_editors_on_the_same_thing(tenant: Tenant, flow: FlowView, theirs: Any, mine: Any) -> None:
    edit(tenant, flow, theirs)
    before = tenant.heard.pokes[:]
    with pytest.raises(ConflictError) as clash:
        edit(tenant, flow, mine, who=make_colleague(tenant), revision=flow.draft_revision)
    assert clash.value.code == "stale_revision"
    assert tenant.heard.pokes == before


def test_my_own_edits_in_flight_do_not_clash(tenant: Tenant, flow: FlowView) -> None:
    edit(tenant, flow, say("A"), revision=flow.draft_revision)
    assert edit(tenant, flow, say("B"), revision=flow.draft_revision).revision == flow.draft_revision + 2
    assert body(tenant, flow) == "B"


def make_colleague(tenant: Tenant) -> Any:
    from dataclasses import replace

    return replace(tenant.admin, user_id=UUID(int=7))


@pytest.mark.parametrize(
    ("operation", "node"),
    [
        ({"op": "update_config", "id": "nobody", "patch": {}}, "nobody"),
        ({"op": "connect", "source": "t", "port": "next", "target": "nobody"}, "nobody"),
        ({"op": "fly"}, None),
        ({"op": "add_node", "node": {"id": "hi", "type": "msg_text"}}, "hi"),
    ],
)
def test_all_or_nothing(tenant: Tenant, flow: FlowView, operation: dict[str, Any], node: str | None) -> None:
    with pytest.raises(InvalidError) as bad:
        edit(tenant, flow, say("lost"), operation)
    assert bad.value.code == "invalid_operation"
    assert [(e.pointer, e.node_id) for e in bad.value.errors] == [("/operations/1", node)]
    assert body(tenant, flow) == "Oi"


def test_saving_the_whole_draft_needs_the_newest_revision(tenant: Tenant, flow: FlowView) -> None:
    document = {**DOCUMENT, "nodes": [*DOCUMENT["nodes"], {"id": "end", "type": "end"}]}
    with tenant.session() as session:
        saved = service.save_draft(
            session, tenant.admin, flow.id, expected_revision=flow.draft_revision, document=document, clock=tenant.clock
        )
    assert saved.revision == flow.draft_revision + 1
    with pytest.raises(ConflictError) as stale, tenant.session() as session:
        service.save_draft(
            session, tenant.admin, flow.id, expected_revision=flow.draft_revision, document=DOCUMENT, clock=tenant.clock
        )
    assert stale.value.code == "stale_revision"
    with tenant.session() as session:
        service.undo(session, tenant.admin, flow.id, clock=tenant.clock)
        assert len(service.get_flow(session, tenant.admin, flow.id).draft.document["nodes"]) == 2


@pytest.mark.parametrize(
    ("document", "node", "pointer"),
    [
        ({"nodes": [{"id": "a", "type": "teleport"}]}, "a", "/document/nodes/0/type"),
        (
            {"nodes": [{"id": "a", "type": "start"}], "edges": [{"id": "e", "source": "a", "target": "ghost"}]},
            "a",
            None,
        ),
        ({"nodes": [{"id": "a", "type": "start"}, {"id": "a", "type": "end"}]}, "a", None),
        ({"nodes": [{"id": f"n{i}", "type": "end"} for i in range(5000)]}, None, None),
        ({"nodes": [{"id": "a", "type": "msg_text", "config": {"body": "x" * 10_000_000}}]}, None, None),
        ({"nodes": "many"}, None, None),
        (42, None, None),
        ({"nodes": [[[[]]]]}, None, None),
    ],
    ids=["unknown type", "dangling edge", "duplicate id", "5,000 nodes", "10 MB", "no list", "no object", "no node"],
)
def test_bad_documents_are_named_and_lose_nothing(
    tenant: Tenant, flow: FlowView, document: Any, node: str | None, pointer: str | None
) -> None:
    with pytest.raises(InvalidError) as bad, tenant.session() as session:
        service.save_draft(
            session, tenant.admin, flow.id, expected_revision=flow.draft_revision, document=document, clock=tenant.clock
        )
    assert bad.value.code == "invalid_document"
    assert bad.value.errors
    assert all(e.pointer.startswith("/document") for e in bad.value.errors)
    if node is not None:
        assert node in {e.node_id for e in bad.value.errors}
    if pointer is not None:
        assert pointer in {e.pointer for e in bad.value.errors}
    with tenant.session() as session:
        again = service.get_flow(session, tenant.admin, flow.id)
    assert (again.draft_revision, again.draft.document) == (flow.draft_revision, flow.draft.document)


def test_operations_can_not_grow_a_flow_without_end(tenant: Tenant, flow: FlowView) -> None:
    many = {"op": "add_nodes", "nodes": [{"id": f"n{i}", "type": "end"} for i in range(2000)]}
    with pytest.raises(InvalidError) as bad:
        edit(tenant, flow, many)
    assert bad.value.code == "invalid_operation"
    huge = [
        {"op": "add_node", "node": {"id": f"n{i}", "type": "msg_text", "config": {"body": "x" * 700_000}}}
        for i in range(3)
    ]
    with pytest.raises(InvalidError) as bad:
        edit(tenant, flow, *huge)
    assert bad.value.code == "invalid_document"
    with tenant.session() as session:
        assert service.get_flow(session, tenant.admin, flow.id).draft_revision == flow.draft_revision


def test_nodes_by_themselves(tenant: Tenant, flow: FlowView) -> None:
    with tenant.session() as session:
        made = service.add_node(
            session,
            tenant.admin,
            flow.id,
            NodeCreate(type="end", title="Fim", position={"x": 9, "y": 8}),
            clock=tenant.clock,
        )
        service.update_node(
            session,
            tenant.admin,
            flow.id,
            made.id,
            NodeUpdate(config={"outcome": "ok"}, position={"x": 1}),
            clock=tenant.clock,
        )
        changed = service.get_node(session, tenant.viewer, flow.id, made.id)
        assert (changed.title, changed.config, changed.position) == ("Fim", {"outcome": "ok"}, {"x": 1, "y": 8})
        assert service.get_node(session, tenant.viewer, flow.id, "t").edges == {"next": "hi"}
        service.delete_node(session, tenant.admin, flow.id, made.id, clock=tenant.clock)
        with pytest.raises(NotFoundError):
            service.get_node(session, tenant.viewer, flow.id, made.id)


def test_only_administrators_edit_and_only_their_own(tenant: Tenant, flow: FlowView) -> None:
    for who in (tenant.viewer, tenant.agent):
        with pytest.raises(ForbiddenError):
            edit(tenant, flow, say("no"), who=who)
    stranger = make_tenant(tenant.db, tenant.clock, name="Outra")
    with pytest.raises(NotFoundError), stranger.session() as session:
        service.get_flow(session, stranger.admin, flow.id)


@pytest.mark.parametrize(
    "operation",
    [
        say("a\x00b"),
        say("\ud800"),
        {"op": "update_config", "id": "hi", "patch": {"n": float("inf")}},
        {"op": "move_nodes", "positions": {"hi": {"x": float("nan"), "y": 0}}},
        {
            "op": "replace_document",
            "document": {**DOCUMENT, "nodes": [{"id": "a", "type": "end", "config": {"n": float("inf")}}]},
        },
    ],
    ids=["nul", "surrogate", "infinite", "not a number", "in a document"],
)
def test_values_that_can_not_be_kept(tenant: Tenant, flow: FlowView, operation: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        edit(tenant, flow, operation)
    edit(tenant, flow, say("written: \\u0000"))
    assert body(tenant, flow) == "written: \\u0000"


def test_the_journal_forgets_and_says_so(tenant: Tenant, flow: FlowView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytake_app.flows.editing.JOURNAL_LENGTH", 5)
    for number in range(50):
        edit(tenant, flow, say(str(number)))
    with tenant.session() as session:
        now = service.get_flow(session, tenant.admin, flow.id).draft_revision
        assert service.edits_since(session, tenant.viewer, flow.id, flow.draft_revision) is None
        recent = service.edits_since(session, tenant.viewer, flow.id, now - 1)
    assert recent is not None
    assert [e.seq for e in recent] == [now]
    with pytest.raises(ConflictError) as stale:
        edit(tenant, flow, say("late"), who=make_colleague(tenant), revision=flow.draft_revision)
    assert stale.value.code == "stale_revision"
    edit(tenant, flow, say("mine"))  # without a revision: on top of whatever is there


def test_findings_can_be_asked_of_edits_that_were_not_sent(tenant: Tenant, flow: FlowView) -> None:
    def ask(who: Any, *operations: dict[str, Any], revision: int = flow.draft_revision) -> VerifyResult:
        ahead = VerifyRequest(operations=list(operations), expected_revision=revision)
        with tenant.session() as session:
            return service.verify_flow(session, who, flow.id, ahead)

    with tenant.session() as session:
        before = service.verify_flow(session, tenant.viewer, flow.id)
    assert ask(tenant.viewer) == before
    typed = ask(tenant.admin, say("Oi {{ contact.first_name"))
    assert typed.errors == before.errors + 1
    assert typed.revision == flow.draft_revision
    assert body(tenant, flow) == "Oi"
    with tenant.session() as session:
        assert service.verify_flow(session, tenant.viewer, flow.id) == before

    with pytest.raises(ForbiddenError):
        ask(tenant.viewer, say("Oi!"))
    with pytest.raises(ConflictError, match="load it again"):
        ask(tenant.admin, say("Oi!"), revision=flow.draft_revision - 1)
    with pytest.raises(InvalidError):
        ask(tenant.admin, {"op": "update_config", "id": "nowhere", "patch": {"body": "Oi"}})
    with pytest.raises(InvalidError):
        ask(tenant.admin, say("Oi\0"))
