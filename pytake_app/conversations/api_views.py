"""Endpoints of search, saved views and canned responses."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.conversations import canned, saved_views, searching
from pytake_app.conversations.canned import CannedCreate, CannedUpdate, CannedView
from pytake_app.conversations.desk_schemas import InboxViewCreate, InboxViewUpdate, InboxViewView, SearchHit
from pytake_app.core.pagination import Page

router = APIRouter(tags=["conversations"], responses=refusals(403, 404, 409, 422, 429))


@router.get("/conversations/search")
def search(
    who: CurrentPrincipal,
    session: TenantSession,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[SearchHit]:
    """Find conversations by name, phone (in any format), e-mail and by what was said, accents and case aside.

    The words found stand between `[[` and `]]` in `snippet`; jump to `message_id` with
    `GET /conversations/{id}/messages?around=`. What was said is found some seconds after it was said.
    """
    return searching.search(session, who, q, limit=limit, cursor=cursor)


@router.get("/inbox-views")
def list_views(who: CurrentPrincipal, session: TenantSession) -> Page[InboxViewView]:
    """Saved views of the inbox: the caller's own and the shared ones."""
    return Page(items=saved_views.list_views(session, who))


@router.post("/inbox-views", status_code=201)
def create_view(
    body: InboxViewCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> InboxViewView:
    """Keep a choice of filters under a name; use it as `GET /conversations?view=`. Sharing needs `org_admin`."""
    return saved_views.create(session, who, body, clock=services.clock)


@router.patch("/inbox-views/{inbox_view_id}")
def update_view(
    inbox_view_id: UUID, body: InboxViewUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> InboxViewView:
    """Change a view."""
    return saved_views.update(session, who, inbox_view_id, body, clock=services.clock)


@router.delete("/inbox-views/{inbox_view_id}", status_code=204, response_class=Response)
def delete_view(inbox_view_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Forget a view."""
    saved_views.delete(session, who, inbox_view_id)
    return Response(status_code=204)


@router.get("/canned-responses")
def list_responses(
    who: CurrentPrincipal,
    session: TenantSession,
    q: Annotated[str, Query(max_length=100, description="of the shortcut (first), the title or the text")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Page[CannedView]:
    """Saved replies that the caller may use, the most used first."""
    return Page(items=canned.list_responses(session, who, q=q, limit=limit))


@router.post("/canned-responses", status_code=201)
def create_response(
    body: CannedCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> CannedView:
    """A new saved reply. 409 `shortcut_taken`."""
    return canned.create(session, who, body, clock=services.clock)


@router.patch("/canned-responses/{response_id}")
def update_response(
    response_id: UUID, body: CannedUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> CannedView:
    """Change a saved reply (the whole of it)."""
    return canned.update(session, who, response_id, body, clock=services.clock)


@router.delete("/canned-responses/{response_id}", status_code=204, response_class=Response)
def delete_response(response_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a saved reply away."""
    canned.delete(session, who, response_id)
    return Response(status_code=204)


@router.post("/canned-responses/{response_id}/used")
def use_response(response_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> CannedView:
    """Count a use: the most used come first."""
    return canned.used(session, who, response_id, clock=services.clock)
