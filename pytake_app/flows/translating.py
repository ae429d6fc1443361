"""Texts of a flow in other languages as a table: to look at, and as CSV to hand to a translator and take back."""

from __future__ import annotations

import csv
import io
import re
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine.document import LOCALE_PATTERN, MAX_LANGUAGES, FlowDocument, Translation
from pytake_app.engine.operations import SetTranslations
from pytake_app.engine.translation import reading_order, state_of, texts_of
from pytake_app.flows import editing, repository
from pytake_app.flows.translation_schemas import (
    SkippedRow,
    TextRow,
    TextView,
    TranslationsImport,
    TranslationsImported,
    TranslationsView,
)

FIXED_COLUMNS = ("node_id", "pointer", "block")
MAX_REPORTED = 200
_BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet takes such a cell for a formula; an apostrophe before it says that it is text (OWASP, CSV injection).
# One that expects semicolons or tabs cuts our cells at them, and at line breaks: what follows one is guarded as well.
# A text that has the apostrophe itself gets a second one, so that reading takes away what writing put there.
_CELL = r"(^|[;\t\r\n])( *)"
_FORMULA = re.compile(_CELL + r"(?='*[=+\-@\t\r＝＋－＠])")
_GUARDED = re.compile(_CELL + r"'(?='*[=+\-@\t\r＝＋－＠])")


def table(session: Session, principal: Principal, ref: UUID | str) -> TranslationsView:
    """Every text of the draft with its translations."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    document = FlowDocument.model_validate(flow.draft_document)
    return TranslationsView(
        revision=flow.draft_revision,
        locale=document.settings.locale,
        languages=sorted(document.translations),
        rows=rows_of(document),
    )


def rows_of(document: FlowDocument) -> list[TextRow]:
    """The texts in the order a conversation meets them."""
    rows: list[TextRow] = []
    for node in reading_order(document):
        given = {locale: nodes.get(node.id, {}) for locale, nodes in document.translations.items()}
        for place in texts_of(node.type, node.config):
            views = {
                locale: TextView(
                    text=texts[place.pointer].text if place.pointer in texts else "", state=state_of(place, texts)
                )
                for locale, texts in given.items()
            }
            rows.append(
                TextRow(
                    node_id=node.id,
                    node_type=node.type,
                    title=node.title,
                    pointer=place.pointer,
                    source=place.text,
                    maximum=place.maximum,
                    wanted=place.wanted,
                    translations=views,
                )
            )
    return rows


def to_csv(view: TranslationsView) -> str:
    """The table as CSV (RFC 4180, with a byte order mark: spreadsheets then read it as UTF-8)."""
    out = io.StringIO()
    writer = csv.writer(out)
    languages = [locale for locale in view.languages if locale != view.locale]
    writer.writerow([*FIXED_COLUMNS, view.locale, *languages])
    for row in view.rows:
        texts = [row.source, *(row.translations[locale].text for locale in languages)]
        writer.writerow(map(guarded, [row.node_id, row.pointer, row.title, *texts]))
    return _BYTE_ORDER_MARK + out.getvalue()


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1\2'", text)


def unguarded(text: str) -> str:
    """The text of a cell that `guarded` made; any other one as it is."""
    return _GUARDED.sub(r"\1\2", text)


def take_in(
    session: Session, principal: Principal, ref: UUID | str, request: TranslationsImport, *, clock: Clock
) -> TranslationsImported:
    """Take translations from a CSV table, one undo step. Empty cells change nothing.

    Raises:
        InvalidError: code `invalid_table`: no table with `node_id`, `pointer` and a language.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref)
    document = FlowDocument.model_validate(flow.draft_document)
    operations, notices = operations_of(document, request.csv)
    changed = sum(len(texts) for operation in operations for texts in operation.texts.values())
    raw = [operation.model_dump(mode="json") for operation in operations]
    edit = None
    if raw and not request.dry_run:
        edit = editing.apply_operations(session, principal, ref, raw, expected_revision=None, clock=clock)
    return TranslationsImported(changed=changed, operations=raw, notices=notices[:MAX_REPORTED], edit=edit)


def operations_of(document: FlowDocument, text: str) -> tuple[list[SetTranslations], list[SkippedRow]]:
    """What a table changes: one operation a language, and the rows that need a look.

    Raises:
        InvalidError: see `take_in`.
    """
    head, rows = _read(text)
    own = document.settings.locale
    languages = [name for name in head if name not in FIXED_COLUMNS and name != own]
    if not {"node_id", "pointer"} <= set(head) or not languages:
        raise _refused("The first row must name node_id, pointer and at least one further language.", "first_row")
    wrong = next((name for name in languages if not re.fullmatch(LOCALE_PATTERN, name)), None)
    if wrong is not None:
        raise _refused(f"“{wrong[:20]}” is no language; write it like en or pt_BR.", "no_language")
    if len(set(languages) | set(document.translations)) > MAX_LANGUAGES or len(set(head)) < len(head):
        raise _refused(f"A flow has at most {MAX_LANGUAGES} further languages, each once.", "languages")
    places = {
        (node.id, place.pointer): place.text for node in document.nodes for place in texts_of(node.type, node.config)
    }
    made: dict[str, dict[str, dict[str, Translation | None]]] = {locale: {} for locale in languages}
    notices: list[SkippedRow] = []
    for number, cells in enumerate(rows, start=2):
        row = {name: unguarded(cell) for name, cell in zip(head, cells, strict=False)}
        node_id, pointer = row.get("node_id", ""), row.get("pointer", "")
        if not any(row.values()):
            continue
        source = places.get((node_id, pointer))
        if source is None:
            notices.append(SkippedRow(row=number, reason="unknown_text", node_id=node_id[:100], pointer=pointer[:200]))
            continue
        made_from = row.get(own) or source
        outdated = _same(made_from) != _same(source)
        taken = False
        for locale in languages:
            new = row.get(locale, "").replace("\r\n", "\n")
            old = document.translations.get(locale, {}).get(node_id, {}).get(pointer)
            if not new.strip() or (old is not None and old.text == new and old.source == source):
                continue
            translation = Translation(text=new, source=made_from if outdated else source)
            made[locale].setdefault(node_id, {})[pointer] = translation
            taken = True
        if outdated and taken:
            notices.append(SkippedRow(row=number, reason="changed_source", node_id=node_id, pointer=pointer))
    return [SetTranslations(locale=locale, texts=texts) for locale, texts in made.items() if texts], notices


def _same(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _read(text: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows; commas, semicolons or tabs between the cells, as spreadsheets of different countries write."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(200_000)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _refused("This is not a table that can be read.", "unreadable") from error
    if not rows:
        raise _refused("The table is empty.", "empty")
    return [name.strip() for name in rows[0]], rows[1:]


def _refused(message: str, why: str) -> InvalidError:
    """`why`: the code of the reason, for a sentence in the reader's language."""
    return InvalidError(message, errors=[FieldError("/csv", message, why)], code="invalid_table")
