"""Endpoints of stored files: for who is signed in, and by links that expire."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.api.services import Services
from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Role
from pytake_app.messaging import media, media_links
from pytake_app.messaging.media import OpenedMedia

router = APIRouter(tags=["media"], responses=refusals(403, 404))

# Shown in the browser; everything else is a download, so that nobody's HTML or SVG runs under our origin.
INLINE_TYPES = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "image/gif",
        "audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm",
        "video/mp4", "video/3gpp", "video/webm",
    }
)  # fmt: skip


class FileLink(BaseModel):
    """An address that opens the file without any sign-in until `expires_at`."""

    url: str
    expires_at: datetime


def file_answer(
    opened: OpenedMedia, *, name: str, download: bool, cache: str = "private, max-age=3600"
) -> FileResponse:
    """A stored file as an answer that no browser runs anything of; takes Range requests (players jump).

    Parameters:
        name: what to call a file without a name.
    """
    kind = opened.mime_type.partition(";")[0].strip().lower()
    shown = kind in INLINE_TYPES
    disposition = "inline" if shown and not download else "attachment"
    return FileResponse(
        opened.path,
        media_type=kind if shown else "application/octet-stream",
        headers={
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(opened.filename or name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "Cache-Control": cache,
        },
    )


@router.get("/media/{media_id}", response_class=FileResponse)
def get_media(media_id: UUID, who: CurrentPrincipal, session: TenantSession, download: bool = False) -> FileResponse:
    """A message's file. Pictures, sound and video may be shown; anything else is a download."""
    who.require(Role.VIEWER)
    return file_answer(media.open_media(session, media_id), name=str(media_id), download=download)


@router.get("/media/{media_id}/link")
def link(
    media_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    seconds: Annotated[int, Query(ge=10, le=int(media_links.LONGEST.total_seconds()))] = int(
        media_links.LIFETIME.total_seconds()
    ),
) -> FileLink:
    """An address for what can send neither cookie nor token, e.g. a player. It ends with its time or your sign-in."""
    who.require(Role.VIEWER)
    media.open_media(session, media_id)
    expires_at = datetime.fromtimestamp(int(services.clock.now().timestamp()) + seconds, services.clock.now().tzinfo)
    token = media_links.make_token(services.settings, who, media_id, expires_at)
    base = services.settings.public_url.rstrip("/")
    return FileLink(url=f"{base}/api/v1/media-links/{token}", expires_at=expires_at)


@router.get("/media-links/{token}", response_class=FileResponse)
async def open_link(token: str, services: ServicesDep, download: bool = False) -> FileResponse:
    """The file of a link. 404 `link_expired`, `link_invalid`."""
    return await asyncio.to_thread(_open_link, services, token, download=download)


def _open_link(services: Services, token: str, *, download: bool) -> FileResponse:
    said = media_links.read_token(services.settings, token, services.clock.now())
    if not services.accounts.still_there(said.user_id, said.organization_id, said.session_id):
        raise NotFoundError("This link has expired; ask for a new one.", code="link_expired")
    with services.database.tenant(said.organization_id) as session:
        opened = media.open_media(session, said.media_id)
    answer = file_answer(opened, name=str(said.media_id), download=download, cache="private, no-store")
    # Other programs' pages may show what they were given a link to.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
