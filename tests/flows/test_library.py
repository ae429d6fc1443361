"""The flow list on the server: folders, tags, search, order, archive, delete and undo, many at once, saved views."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from pytake_app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.flows import library, service
from pytake_app.flows.library_schemas import BulkRequest, ListFilters
from pytake_app.flows.listing import Filters
from pytake_app.flows.models import Flow, FlowFolder, FlowListView
from pytake_app.flows.schemas import FlowView
from tests.support.tenants import Tenant, make_tenant

Json = dict[str, Any]


def document(body: str = "Oi") -> Json:
    return {
        "nodes": [
            {"id": "t", "type": "trigger_universal"},
            {"id": "m", "type": "msg_text", "config": {"body": body}},
            {"id": "f", "type": "end"},
        ],
        "edges": [
            {"id": "a", "source": "t", "port": "next", "target": "m"},
            {"id": "b", "source": "m", "port": "next", "target": "f"},
        ],
    }


@pytest.fixture
def make(tenant: Tenant) -> Callable[..., FlowView]:
    def new(name: str, body: str = "Oi") -> FlowView:
        with tenant.session() as session:
            return service.create_flow(session, tenant.admin, name=name, document=document(body), clock=tenant.clock)

    return new


def names(tenant: Tenant, **where: Any) -> list[str]:
    order = {key: where.pop(key) for key in ("order", "descending") if key in where}
    with tenant.session() as session:
        page = service.list_flows(session, tenant.viewer, where=Filters(**where), clock=tenant.clock, **order)
    return [flow.name for flow in page.items]


def folder(tenant: Tenant, name: str, parent_id: UUID | None = None) -> UUID:
    with tenant.session() as session:
        return library.create_folder(session, tenant.admin, name=name, parent_id=parent_id, clock=tenant.clock).id


def change(tenant: Tenant, flow: FlowView, **changes: Any) -> None:
    with tenant.session() as session:
        library.update_flow(session, tenant.admin, flow.id, changes, clock=tenant.clock)


def bulk(tenant: Tenant, action: str, *ids: UUID, **more: Any) -> Any:
    with tenant.session() as session:
        request = BulkRequest.model_validate({"ids": list(ids), "action": action, **more})
        return library.bulk(session, tenant.admin, request, clock=tenant.clock)


def test_a_folder_shows_what_is_in_it_and_in_the_folders_inside(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    shop, winter = make("Loja"), make("Inverno")
    make("Solto")
    outer = folder(tenant, "Vendas")
    inner = folder(tenant, "Campanhas", outer)
    change(tenant, shop, folder_id=outer)
    change(tenant, winter, folder_id=inner)
    assert sorted(names(tenant, folder=outer)) == ["Inverno", "Loja"]
    assert names(tenant, folder=inner) == ["Inverno"]
    assert names(tenant, folder="none") == ["Solto"]
    with tenant.session() as session:
        counts = library.overview(session, tenant.viewer, clock=tenant.clock)
    assert {(f.name, f.flows) for f in counts.folders} == {("Vendas", 1), ("Campanhas", 1)}
    assert (counts.unfiled, counts.statuses) == (1, {"draft": 3})
    with tenant.session() as session:  # what was inside moves up
        library.delete_folder(session, tenant.admin, outer)
    with tenant.session() as session:
        assert [(f.name, f.parent_id) for f in session.exec(select(FlowFolder))] == [("Campanhas", None)]
    assert sorted(names(tenant, folder="none")) == ["Loja", "Solto"]


def test_folders_keep_a_tree(tenant: Tenant) -> None:
    outer = folder(tenant, "Vendas")
    inner = folder(tenant, "Campanhas", outer)
    with tenant.session() as session, pytest.raises(ConflictError) as twice:
        library.create_folder(session, tenant.admin, name="VÊNDAS ", parent_id=None, clock=tenant.clock)
    assert twice.value.code == "folder_exists"
    with tenant.session() as session, pytest.raises(ConflictError) as itself:
        library.update_folder(session, tenant.admin, outer, name=None, move=True, parent_id=inner)
    assert itself.value.code == "folder_inside_itself"
    deepest = inner
    for level in range(3, library.MAX_DEPTH + 1):
        deepest = folder(tenant, f"Nível {level}", deepest)
    with tenant.session() as session, pytest.raises(ConflictError) as deep:
        library.create_folder(session, tenant.admin, name="Fundo", parent_id=deepest, clock=tenant.clock)
    assert deep.value.code == "too_deep"
    with tenant.session() as session, pytest.raises(ForbiddenError):
        library.create_folder(session, tenant.agent, name="Minha", parent_id=None, clock=tenant.clock)


def test_texts_tags_and_names_are_found_without_accents(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    flow = make("Pedidos", "Qual é o número da sua ENCOMENDA?")
    make("Boas-vindas")
    change(tenant, flow, tags=[" Natal  2026 ", "natal 2026", "VIP"])
    assert names(tenant, q="número encomenda") == ["Pedidos"]
    assert names(tenant, q="NATAL") == ["Pedidos"]
    assert names(tenant, q="boas") == ["Boas-vindas"]
    assert names(tenant, tag="VIP") == ["Pedidos"]
    assert names(tenant, q="inverno") == []
    with tenant.session() as session:
        edit = {"op": "update_config", "id": "m", "patch": {"body": "Agora fala de Inverno"}}
        service.apply_operations(session, tenant.admin, flow.id, [edit], clock=tenant.clock)
        assert service.get_flow(session, tenant.viewer, flow.id).tags == ["Natal 2026", "VIP"]
    assert names(tenant, q="inverno") == ["Pedidos"]
    with pytest.raises(InvalidError):
        change(tenant, flow, tags=["x" * 41])


def test_every_order_is_paged_without_gaps_or_repetitions(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    for name in ("banana", "Álamo", "Ábaco", "cedro", "Banana"):
        make(name)
        tenant.clock.advance(timedelta(minutes=1))
    assert names(tenant, order="name", descending=False) == ["Ábaco", "Álamo", "banana", "Banana", "cedro"]
    for order in ("name", "updated", "created"):
        for descending in (False, True):
            seen: list[str] = []
            cursor = None
            while True:
                with tenant.session() as session:
                    page = service.list_flows(
                        session,
                        tenant.viewer,
                        order=order,
                        descending=descending,
                        limit=2,
                        cursor=cursor,  # type: ignore[arg-type]
                    )
                seen += [flow.name for flow in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == names(tenant, order=order, descending=descending)
            assert len(set(seen)) == 5
    with tenant.session() as session:
        page = service.list_flows(session, tenant.viewer, order="name", limit=2)
        with pytest.raises(InvalidError):
            service.list_flows(session, tenant.viewer, order="updated", cursor=page.next_cursor)


def test_archived_flows_stop_and_come_back(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    flow = make("Antigo")
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock)
        library.archive(session, tenant.admin, flow.id, clock=tenant.clock)
    assert (names(tenant), names(tenant, archived=True)) == ([], ["Antigo"])
    with tenant.session() as session:
        counts = library.overview(session, tenant.viewer, clock=tenant.clock)
        assert (counts.statuses, counts.archived_statuses, counts.archived) == ({}, {"inactive": 1}, 1)
        assert service.get_flow(session, tenant.viewer, flow.id).status == "inactive"
        library.unarchive(session, tenant.admin, flow.id, activate=True, clock=tenant.clock)
        assert service.get_flow(session, tenant.viewer, flow.id).status == "active"
    assert (names(tenant), names(tenant, archived=True)) == (["Antigo"], [])


def test_a_deleted_flow_is_brought_back_as_it_was(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    flow = make("Trocas")
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock)
        service.delete_flow(session, tenant.admin, flow.id, clock=tenant.clock)
    make("Trocas")  # takes the slug meanwhile
    with tenant.session() as session:
        library.restore(session, tenant.admin, flow.id, activate=True, clock=tenant.clock)
        back = service.get_flow(session, tenant.viewer, flow.id)
    assert (back.status, back.live_version, back.slug) == ("active", 1, "trocas_2")
    with tenant.session() as session, pytest.raises(NotFoundError):
        library.restore(session, tenant.admin, flow.id, activate=False, clock=tenant.clock)


def test_one_action_on_many_does_what_it_can(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    published, plain = make("Publicado"), make("Rascunho")
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, published.id, clock=tenant.clock)
    nobody = UUID(int=7)
    result = bulk(tenant, "deactivate", published.id, plain.id, nobody)
    assert result.done == [published.id]
    assert {(item.id, item.code) for item in result.failed} == {(plain.id, "not_published"), (nobody, "flow_not_found")}
    place = folder(tenant, "Loja")
    assert len(bulk(tenant, "move", published.id, plain.id, folder_id=place).done) == 2
    assert len(bulk(tenant, "tag", published.id, plain.id, tag="Natal").done) == 2
    assert sorted(names(tenant, folder=place, tag="Natal")) == ["Publicado", "Rascunho"]
    assert bulk(tenant, "untag", plain.id, tag="NATAL").done == [plain.id]
    assert names(tenant, tag="Natal") == ["Publicado"]
    assert len(bulk(tenant, "delete", published.id, plain.id).done) == 2
    assert names(tenant) == []
    assert len(bulk(tenant, "restore", published.id, plain.id).done) == 2
    assert sorted(names(tenant)) == ["Publicado", "Rascunho"]


def test_many_flows_leave_as_one_archive_that_comes_in_again(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    flows = [make("Um", "primeiro"), make("Dois", "segundo")]
    with tenant.session() as session:
        content = library.export_archive(session, tenant.viewer, [f.id for f in flows], clock=tenant.clock)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        exported = {name: json.loads(files.read(name)) for name in files.namelist()}
    assert set(exported) == {"um.json", "dois.json"}
    with tenant.session() as session:
        back = service.import_flow(session, tenant.admin, document=exported["dois.json"], clock=tenant.clock)
    assert back.draft.document["nodes"][1]["config"]["body"] == "segundo"


def test_views_are_ones_own(tenant: Tenant) -> None:
    filters = ListFilters(q="natal", status="active", sort="name")
    with tenant.session() as session:
        first = library.save_view(session, tenant.viewer, name="Natal", filters=ListFilters(), clock=tenant.clock)
        again = library.save_view(session, tenant.viewer, name=" NATAL", filters=filters, clock=tenant.clock)
        assert again.id == first.id
        assert [view.filters for view in library.list_views(session, tenant.viewer)] == [filters]
        assert library.list_views(session, tenant.admin) == []
        with pytest.raises(NotFoundError):
            library.delete_view(session, tenant.admin, first.id)
        library.delete_view(session, tenant.viewer, first.id)
        assert library.list_views(session, tenant.viewer) == []


def test_the_database_itself_keeps_organizations_apart(tenant: Tenant, make: Callable[..., FlowView]) -> None:
    mine = folder(tenant, "Minha")
    flow = make("Meu")
    with tenant.session() as session:
        library.save_view(session, tenant.admin, name="Tudo", filters=ListFilters(), clock=tenant.clock)
    other = make_tenant(tenant.db, tenant.clock)
    with other.session() as session:
        for model in (FlowFolder, FlowListView, Flow):
            assert [row.organization_id for row in session.exec(select(model))] in ([], [other.organization_id])
        with pytest.raises(NotFoundError):
            library.create_folder(session, other.admin, name="x", parent_id=mine, clock=other.clock)
        with pytest.raises(NotFoundError):
            library.restore(session, other.admin, flow.id, activate=False, clock=other.clock)
