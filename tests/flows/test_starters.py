"""Every starter, in every language: reads, verifies, renders within WhatsApp's limits, can be talked to."""

import re

import pytest

from pytake_app.core.tenancy import Role
from pytake_app.engine.analysis.paths import paths
from pytake_app.engine.document import parse_document
from pytake_app.engine.translation import node_in, texts_of
from pytake_app.engine.verify import verify
from pytake_app.flows import service
from pytake_app.flows.preview_schemas import PreviewRequest
from pytake_app.flows.starters import BY_KEY, LOCALES, STARTERS, Starter, known_locale, list_starters, naming, samples
from pytake_app.flows.starters.drawing import Line
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
def test_in_all_languages_at_once(starter: Starter, locale: str) -> None:
    """With its translations there is still nothing to complain of, and each language reads as the starter in it."""
    document = starter.document(locale, translations=True)
    assert parse_document(document.model_dump(mode="json")) == document
    assert [(f.code, f.node_id, f.language) for f in verify(document) if f.severity != "info"] == []
    for other in LOCALES:
        written = {n.id: [p.text for p in texts_of(n.type, n.config)] for n in starter.drawn(other, locale).nodes}
        read = {n.id: [p.text for p in texts_of(n.type, node_in(document, n, other).config)] for n in document.nodes}
        assert read == written


@each
def test_every_option_is_taken_by_the_engine(starter: Starter, locale: str) -> None:
    coverage = paths(starter.document(locale), limit=60).coverage
    assert (coverage.nodes_driven, coverage.missing_nodes) == (coverage.nodes, [])
    assert (coverage.ports_driven, coverage.missing_ports) == (coverage.ports, [])


@each
def test_the_sample_conversation_and_what_to_adapt(starter: Starter, locale: str) -> None:
    [view] = [view for view in list_starters(locale) if view.key == starter.key]
    nodes = {node["id"] for node in view.document["nodes"]}
    assert {step.node_id for step in view.adapt} | {need.node_id for need in view.needs} <= nodes
    assert len(view.adapt) >= 2
    assert all(step.text for step in view.adapt)
    played = samples.play(starter, locale, starter.script)
    assert [turn.ignored for turn in played.turns if turn.ignored] == []
    assert [e for turn in played.turns for e in turn.events if e.type == "error_raised"] == []
    assert played.session is not None
    assert played.session.status in {"completed", "handed_off", "waiting"}
    assert sum(bubble.mine for bubble in view.conversation) >= 2
    assert all(bubble.text for bubble in view.conversation)


@pytest.mark.parametrize(
    ("language", "hello"), [("pt_BR", "Vamos agendar"), ("en", "Let's book"), ("es", "¡Agendemos")]
)
def test_one_flow_answers_in_the_contacts_language(language: str, hello: str) -> None:
    """Keywords of all languages start it; what it says is in the contact's."""
    document = BY_KEY["appointment"].document("pt_BR", translations=True)
    for word in ("quero agendar", "I want to book", "quiero reservar"):
        request = PreviewRequest.model_validate(
            {"inputs": [{"type": "text", "text": word}], "contact": {"language": language}}
        )
        phone = samples.phone(document, "appointment", "pt_BR", request)
        phone.play()
        [said] = [e.content.body for e in phone.turns[-1].events if e.type == "message_out"]
        assert said.startswith(hello)


def test_a_mark_decides_what_the_survey_says() -> None:
    survey = BY_KEY["csat"]
    for mark, outcome in (("5", "satisfecho"), ("4", "satisfecho"), ("3", "insatisfecho"), ("1", "insatisfecho")):
        lines = (Line(option=mark),) if mark in "45" else (Line(option=mark), Line(("Demorou", "Slow", "Lento")))
        session = samples.play(survey, "es", lines).session
        assert session is not None
        assert (session.outcome, session.status) == (outcome, "completed")


@each
def test_names_are_of_the_organizations_language(starter: Starter, locale: str) -> None:
    drawn, named = (str([n.config for n in starter.document(x).nodes]) for x in ("en", locale))
    for scope, table in (("session", naming.VARIABLES), ("contact", naming.CONTACT_FIELDS)):
        same = {"email", "total", "item", "first_name", "name", "phone"}  # alike everywhere, or a contact's own field
        used = set(re.findall(rf"{scope}\.([a-z_]+)", drawn)) - same
        assert used <= set(table["pt_BR"])
        if locale != "en":
            assert {table[locale][one] for one in used} <= set(re.findall(rf"{scope}\.([a-z_]+)", named))
    # A translated flow speaks of its own variables, in whatever language.
    texts = str(starter.document(locale, translations=True).translations)
    assert set(re.findall(r"session\.([a-z_]+)", texts)) <= set(re.findall(r"session\.([a-z_]+)", named))


def test_the_basket_adds_up() -> None:
    lines = (
        Line(("Quero pedir", "Order food", "Quiero pedir")), Line(option="margherita"), Line(("2", "2", "2")),
        Line(option="add"), Line(option="juice"), Line(("3", "3", "3")), Line(option="order"),
        Line(option="delivery"), Line(("Rua das Flores, 100",) * 3), Line(option="pix"),
    )  # fmt: skip
    for locale, total in (("pt_BR", "R$ 135,50"), ("en", "R$135.50"), ("es", "135,50 R$")):
        phone = samples.play(BY_KEY["restaurant"], locale, lines)
        said = [e.content.body for e in phone.turns[-1].events if e.type == "message_out"]
        assert total.replace(" ", "") in said[0].replace("\xa0", "").replace(" ", "")


@each
def test_cards_keep_their_distance(starter: Starter, locale: str) -> None:
    """Links run from left to right, except where a conversation comes back to an earlier question."""
    nodes = {n.id: n for n in starter.document(locale).nodes}
    edges = starter.document(locale).edges
    back = [e for e in edges if nodes[e.target].position.x <= nodes[e.source].position.x]
    assert len(back) <= 1 + len(edges) // 8, [(e.source, e.target) for e in back]


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
    assert len(gallery) >= 12
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
    with tenant.session() as session:
        third = service.create_from_starter(
            session, tenant.admin, starter="faq", locale="pt_BR", translations=True, clock=tenant.clock
        )
        assert third.draft is not None
        assert sorted(third.draft.document["translations"]) == ["en", "es"]
