"""The table of a flow's texts: what it shows, as CSV out and in, by the API."""

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytake_app.core.errors import ForbiddenError, InvalidError
from pytake_app.flows import service, translating
from pytake_app.flows.starters import BY_KEY
from pytake_app.flows.translation_schemas import TranslationsImport
from pytake_app.ui.i18n import load_catalogue
from tests.support.tenants import Tenant


@pytest.fixture
def faq(tenant: Tenant) -> str:
    with tenant.session() as session:
        flow = service.create_from_starter(
            session, tenant.admin, starter="faq", locale="pt_BR", translations=True, clock=tenant.clock
        )
    return str(flow.id)


def edit(tenant: Tenant, ref: str, *operations: dict[str, Any]) -> None:
    with tenant.session() as session:
        service.apply_operations(session, tenant.admin, ref, operations, clock=tenant.clock)


def take_in(tenant: Tenant, ref: str, text: str, *, dry_run: bool = False) -> Any:
    with tenant.session() as session:
        request = TranslationsImport(csv=text, dry_run=dry_run)
        return translating.take_in(session, tenant.admin, ref, request, clock=tenant.clock)


def table(tenant: Tenant, ref: str) -> Any:
    with tenant.session() as session:
        return translating.table(session, tenant.viewer, ref)


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_rows_follow_the_conversation(tenant: Tenant, faq: str) -> None:
    view = table(tenant, faq)
    assert (view.locale, view.languages) == ("pt_BR", ["en", "es"])
    assert view.rows[0].pointer == "/body"
    assert view.rows[0].translations["en"].text == "What's your question about? 💬"
    order = list(dict.fromkeys(row.node_id for row in view.rows))
    assert order.index("topics") < order.index("hours") < order.index("helped") < order.index("bye")
    assert {text.state for row in view.rows for text in row.translations.values()} == {"done"}
    edit(tenant, faq, {"op": "update_config", "id": "bye", "patch": {"body": "Até mais!"}})
    [bye] = [row for row in table(tenant, faq).rows if row.node_id == "bye"]
    assert bye.translations["es"].state == "outdated"


def test_a_table_goes_out_and_comes_back_unchanged(tenant: Tenant, faq: str) -> None:
    edit(tenant, faq, {"op": "update_config", "id": "bye", "patch": {"body": '=1+1, "ok"\nlinha'}})
    text = translating.to_csv(table(tenant, faq))
    [bye] = [row for row in cells(text) if row["node_id"] == "bye"]
    assert bye["pt_BR"] == '\'=1+1, "ok"\nlinha'  # no spreadsheet runs it
    back = take_in(tenant, faq, text)
    # The one whose original had changed is confirmed by coming back beside the new original.
    assert {(o["locale"], n) for o in back.operations for n in o["texts"]} == {("en", "bye"), ("es", "bye")}
    assert back.notices == []
    assert take_in(tenant, faq, translating.to_csv(table(tenant, faq))).changed == 0


def test_taking_in_is_one_step_and_says_what_it_left_out(tenant: Tenant, faq: str) -> None:
    source = BY_KEY["faq"].document("pt_BR").node("bye")
    assert source is not None
    text = (
        "node_id;pointer;pt_BR;fr;en\n"
        f'bye;/body;"{source.config["body"]}";"Super ! Écrivez-nous.";\n'
        "hours;/body;Outro texto;Nous ouvrons à 9 h.;\n"
        "gone;/body;x;y;z\n"
        ";;;;\n"
    )
    dry = take_in(tenant, faq, text, dry_run=True)
    assert (dry.changed, dry.edit) == (2, None)
    assert "fr" not in table(tenant, faq).languages
    done = take_in(tenant, faq, text)
    assert [(n.row, n.reason) for n in done.notices] == [(3, "changed_source"), (4, "unknown_text")]
    rows = {row.node_id: row for row in table(tenant, faq).rows if row.pointer == "/body"}
    assert rows["bye"].translations["fr"].text == "Super ! Écrivez-nous."
    assert rows["bye"].translations["en"].state == "done"  # an empty cell changes nothing
    assert rows["hours"].translations["fr"].state == "outdated"
    with tenant.session() as session:
        service.undo(session, tenant.admin, faq, clock=tenant.clock)
    assert "fr" not in table(tenant, faq).languages


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "node_id,pointer\na,b\n",
        "node_id,pointer,Inglês\na,b,c\n",
        "node_id,pointer,en,en\n",
        '"open',
        "\x00",
    ],
)
def test_what_is_no_table_is_told(tenant: Tenant, faq: str, text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        take_in(tenant, faq, text)
    assert refused.value.code == "invalid_table"
    why = refused.value.errors[0].code  # the editor says it in the reader's language
    assert f"translations.refused_{why}" in load_catalogue("es")


def test_viewers_read_and_do_not_write(tenant: Tenant, faq: str) -> None:
    request = TranslationsImport(csv="node_id,pointer,en\n")
    with tenant.session() as session, pytest.raises(ForbiddenError):
        translating.take_in(session, tenant.viewer, faq, request, clock=tenant.clock)


def test_two_people_translate_at_once(tenant: Tenant, faq: str) -> None:
    """Different texts are no conflict; removing a language somebody writes into is."""
    with tenant.session() as session:
        seen = service.get_flow(session, tenant.admin, faq, clock=tenant.clock).draft
    assert seen is not None
    put = {"op": "set_translations", "locale": "it"}
    edit(tenant, faq, {**put, "texts": {"bye": {"/body": {"text": "Ciao", "source": ""}}}})
    with tenant.session() as session:
        service.apply_operations(
            session,
            tenant.admin,
            faq,
            [{**put, "texts": {"hours": {"/body": {"text": "Alle nove", "source": ""}}}}],
            expected_revision=seen.revision,
            clock=tenant.clock,
        )
    rows = {row.node_id: row for row in table(tenant, faq).rows if row.pointer == "/body"}
    assert (rows["bye"].translations["it"].text, rows["hours"].translations["it"].text) == ("Ciao", "Alle nove")


def test_the_language_leaves_and_enters_with_the_flow(tenant: Tenant, faq: str) -> None:
    with tenant.session() as session:
        file = service.export_flow(session, tenant.viewer, faq, clock=tenant.clock)
        copy = service.import_flow(session, tenant.admin, document=file.document, name="Cópia", clock=tenant.clock)
    assert sorted(table(tenant, str(copy.id)).languages) == ["en", "es"]


@given(st.text(alphabet="=+-@';,\t\r\n \"a", max_size=12))
def test_no_cell_begins_a_formula_however_a_spreadsheet_cuts_it(text: str) -> None:
    safe = translating.guarded(text)
    for cell in re.split(r"[;\t\r\n]", safe):
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@")), safe
    assert not safe.startswith(("\t", "\r"))
    assert translating.unguarded(safe) == text


def test_formulas_behind_separators_come_back_as_they_were(tenant: Tenant, faq: str) -> None:
    body = "Oi;=HYPERLINK(A1)\n- um\n'@dois; '+3"
    edit(tenant, faq, {"op": "update_config", "id": "bye", "patch": {"body": body}})
    edit(tenant, faq, {"op": "set_title", "id": "bye", "title": "=cmd|' /C calc'!A0"})
    text = translating.to_csv(table(tenant, faq))
    [bye] = [row for row in cells(text) if row["node_id"] == "bye" and row["pointer"] == "/body"]
    assert bye["pt_BR"] == "Oi;'=HYPERLINK(A1)\n'- um\n''@dois; ''+3"
    assert bye["block"].startswith("'=cmd")
    changed = text.replace("node_id,pointer,block,pt_BR,en,es", "node_id,pointer,block,en,pt_BR,es")
    assert changed != text
    take_in(tenant, faq, changed)
    rows = {row.node_id: row for row in table(tenant, faq).rows if row.pointer == "/body"}
    assert rows["bye"].translations["en"].text == body
