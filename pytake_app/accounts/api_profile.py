"""Endpoints of one's own account, and of people's pictures."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Response, UploadFile

from pytake_app.accounts import profile
from pytake_app.accounts.schemas import MeUpdate, UserView
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession

router = APIRouter(tags=["auth"])


@router.patch("/auth/me")
def update_me(body: MeUpdate, who: CurrentPrincipal, session: TenantSession) -> UserView:
    """Change the caller's own name, language or time zone; what is absent stays."""
    return profile.update_me(session, who, body)


@router.put("/auth/me/avatar")
def put_avatar(
    who: CurrentPrincipal, session: TenantSession, services: ServicesDep, file: Annotated[UploadFile, File()]
) -> UserView:
    """A picture of the caller (JPEG, PNG, WebP or GIF, up to 8 MB): 422 `image_unreadable`, 413 `image_too_large`."""
    return profile.set_avatar(session, who, file.file, clock=services.clock)


@router.delete("/auth/me/avatar")
def delete_avatar(who: CurrentPrincipal, session: TenantSession) -> UserView:
    """Take the caller's picture away."""
    return profile.remove_avatar(session, who)


@router.get(
    "/users/{user_id}/avatar", tags=["users"], response_class=Response, responses={200: {"content": {"image/webp": {}}}}
)
def avatar(user_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Somebody's picture, square, 256 pixels."""
    headers = {"Cache-Control": "private, max-age=86400"}  # its address changes with it
    return Response(profile.avatar_of(session, who, user_id), media_type="image/webp", headers=headers)
