"""Every starter, in every language: reads, verifies, renders within WhatsApp's limits, can be talked to."""

import pytest

from pytake_app.core.tenancy import Role
from pytake_app.engine.document import parse_document
from pytake_app.engine.verify import verify
from pytake_app.flows import service
from pytake_app.flows.preview_schemas import PreviewRequest
from pytake_app.flows.starters import LOCALES, STARTERS, Starter, known_locale
from tests.support.tenants import Tenant

each = pytest.mark.parametrize(
    ("starter", "locale"), [(s, x) for s in STARTERS for x in LOCALES], ids=lambda v: getattr(v, "key", v)
)


@each
def test_nothing_to_complain_of(starter: Starter, locale: str) -> None:
    """Not even a warning: what we hand out is the example to follow."""
    document = starter.document(locale)
    again = parse_document(document.model_dump(mode="json"))
    assert again == document
    assert [(f.code, f.node_id, f.port) for f in verify(document) if f.severity != "info"] == []


@each
def test_nodes_do_not_overlap(starter: Starter, locale: str) -> None:
    places = [(n.position.x, n.position.y) for n in starter.document(locale).nodes]
    assert len(set(places)) == len(places)


def test_locales() -> None:
    assert [known_locale(x) for x in ("pt-BR", "pt", "en_US", "es-419", "fr", "")] == [
        "pt_BR",
        "pt_BR",
        "en",
        "es",
        "pt_BR",
        "pt_BR",
    ]


def test_a_new_organization_has_two_flows(tenant: Tenant) -> None:
    with tenant.session() as session:
        service.seed_organization(session, tenant.organization_id, "en", clock=tenant.clock)
        flows = service.list_flows(session, tenant.viewer, clock=tenant.clock).items
    assert {flow.slug: (flow.status, flow.live_version, flow.draft_changes) for flow in flows} == {
        "main_menu": ("active", 1, 0),
        "smart_support": ("active", 1, 0),
    }
    universal = [flow.slug for flow in flows if any(t.kind == "universal" for t in flow.triggers)]
    assert universal == ["main_menu"]
    main = next(flow for flow in flows if flow.slug == "main_menu")
    assert main.name == "Welcome and menu"
    assert {t.kind for t in main.triggers} == {"universal", "keyword"}


def test_smart_support_understands_and_hands_over(tenant: Tenant) -> None:
    script = [
        {"type": "text", "text": "Preciso de ajuda"},
        {"type": "text", "text": "Minha entrega não chegou ainda"},
        {"type": "selection", "selection_id": "no", "text": "Preciso de ajuda"},
    ]
    with tenant.session() as session:
        service.seed_organization(session, tenant.organization_id, "pt_BR", clock=tenant.clock)
        result = service.preview_flow(
            session, tenant.viewer, "smart_support", PreviewRequest.model_validate({"inputs": script})
        )
    ports = {(step.node_id, step.port) for step in result.path}
    assert ("intent", "intent:order") in ports
    assert ("solved", "option:no") in ports
    assert any(e.type == "handoff" and e.queue_name == "Suporte" for e in result.turns[-1].events)
    assert result.session is not None
    assert result.session.status == "handed_off"


def test_starting_from_the_gallery(tenant: Tenant) -> None:
    assert tenant.admin.may(Role.ORG_ADMIN)
    gallery = service.list_starters("es")
    assert len(gallery) >= 4
    assert all(s.name and s.description and s.node_count == len(s.document["nodes"]) for s in gallery)
    with tenant.session() as session:
        first = service.create_from_starter(
            session, tenant.admin, starter="appointment", locale="es", clock=tenant.clock
        )
        second = service.create_from_starter(session, tenant.admin, starter="appointment", clock=tenant.clock)
    assert (first.name, first.slug, second.name, second.slug) == (
        "Agendar una cita",
        "appointment",
        "Agendar horário",
        "appointment_2",
    )
    assert first.status == "draft"
