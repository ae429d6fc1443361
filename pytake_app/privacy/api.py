"""Endpoints of privacy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.contacts import service as contacts
from pytake_app.contacts.schemas import ConsentChange
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.privacy import service
from pytake_app.privacy.schemas import (
    LEAST_DAYS,
    MOST_DAYS,
    ErasureRequest,
    ErasureView,
    PrivacySettings,
    PrivacySettingsUpdate,
    RetentionPreview,
)

router = APIRouter(tags=["privacy"])

Days = Annotated[int | None, Query(ge=LEAST_DAYS, le=MOST_DAYS)]


@router.get("/privacy")
def get_privacy(who: CurrentPrincipal, session: TenantSession) -> PrivacySettings:
    """How the organization treats people's data."""
    return service.get_settings(session, who)


@router.patch("/privacy")
def update_privacy(body: PrivacySettingsUpdate, who: CurrentPrincipal, session: TenantSession) -> PrivacySettings:
    """Change it; absent members stay, null times keep for ever."""
    return service.update_settings(session, who, body)


@router.get("/privacy/preview")
def preview_retention(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    keep_messages_days: Days = None,
    keep_contacts_days: Days = None,
) -> RetentionPreview:
    """What these times would delete with the next round."""
    times = PrivacySettings(keep_messages_days=keep_messages_days, keep_contacts_days=keep_contacts_days)
    return service.preview(session, who, times, clock=services.clock)


@router.get("/privacy/erasures")
def list_erasures(
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[ErasureView]:
    """That contacts were forgotten, newest first."""
    return service.list_erasures(session, who, limit=limit, cursor=cursor)


@router.get("/contacts/{contact_id}/consent")
def consent_history(contact_id: UUID, who: CurrentPrincipal, session: TenantSession) -> list[ConsentChange]:
    """Every change of a contact's consent, newest first."""
    return contacts.consent_history(session, who, contact_id)


@router.get(
    "/contacts/{contact_id}/export",
    response_class=StreamingResponse,
    responses={**refusals(403, 404, 429), 200: {"content": {"application/zip": {}}, "description": "a ZIP file"}},
)
def export_contact(
    contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> StreamingResponse:
    """All that is known of a contact: a ZIP file of `contact.json` and the files that were exchanged."""
    with tempfile.NamedTemporaryFile(prefix="pytake-contact-", suffix=".zip", delete=False) as made:
        target = Path(made.name)
    try:
        service.export_contact(
            session, who, contact_id, target, data_dir=services.settings.data_dir, clock=services.clock
        )
        made_file = target.open("rb")
    finally:
        # Open it lives on. Removed after the answer it would be gone before a server that sends files itself
        # (ASGI's pathsend) has opened it.
        target.unlink(missing_ok=True)
    size = os.fstat(made_file.fileno()).st_size
    return StreamingResponse(
        _pieces(made_file),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="contact-{contact_id}.zip"',
            "Content-Length": str(size),
        },
    )


def _pieces(made_file: BinaryIO) -> Iterator[bytes]:
    with made_file:
        while piece := made_file.read(1 << 18):
            yield piece


@router.post("/contacts/{contact_id}/erase", responses=refusals(403, 404, 422, 429))
def erase_contact(
    contact_id: UUID, body: ErasureRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ErasureView:
    """Forget a contact: profile, messages, files, answers to flows, notes. Can't be undone: `confirm` must be true."""
    return service.erase_contact(session, who, contact_id, body, clock=services.clock)


@router.delete("/contacts/{contact_id}/personal-data", responses=refusals(403, 404, 422, 429))
def erase_personal_data(
    contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ErasureView:
    """Forget a contact, as `POST /contacts/{contact_id}/erase` with `confirm` does. Can't be undone."""
    return service.erase_contact(session, who, contact_id, ErasureRequest(confirm=True), clock=services.clock)
