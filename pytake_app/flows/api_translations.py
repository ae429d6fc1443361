"""Endpoints of a flow's texts in other languages. Included by `flows.api`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.flows import translating
from pytake_app.flows.translation_schemas import TranslationsImport, TranslationsImported, TranslationsView

router = APIRouter(tags=["flows"])


@router.get("/flows/{flow_id}/translations")
def translations(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> TranslationsView:
    """Every text of the draft with its translations and their state."""
    return translating.table(session, who, flow_id)


@router.get(
    "/flows/{flow_id}/translations.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}}
)
def translations_csv(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Response:
    """The same as a table for translators: a row a text, a column a language."""
    text = translating.to_csv(translating.table(session, who, flow_id))
    headers = {"Content-Disposition": 'attachment; filename="translations.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/flows/{flow_id}/translations/import")
def import_translations(
    flow_id: str, body: TranslationsImport, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> TranslationsImported:
    """Take a table back in, one undo step; empty cells change nothing. 422 `invalid_table` when it can't be read."""
    return translating.take_in(session, who, flow_id, body, clock=services.clock)
