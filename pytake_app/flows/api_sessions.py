"""Endpoints of flow sessions. Starting and answering commit a command first and then wait for its effect."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.core.tenancy import Principal
from pytake_app.flows import replay
from pytake_app.flows import sessions_service as service
from pytake_app.flows.replay_schemas import SessionReplay
from pytake_app.flows.session_schemas import (
    FlowSessionView,
    SessionProcess,
    SessionStart,
    SessionStats,
    SessionSummary,
)

router = APIRouter(prefix="/flows", tags=["flow sessions"])

WAIT_SECONDS = 5.0


class Accepted(BaseModel):
    """Durable, not carried out yet: look at the contact's sessions a little later."""

    status: str = "queued"
    command_id: UUID
    contact_id: UUID


_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": Accepted, "description": "queued: workers are busy or away"}
}


def _outcome(
    services: ServicesDep, who: Principal, submitted: service.Submitted, response: Response, session_id: UUID | None
) -> FlowSessionView | Accepted:
    """Wait for the pipeline, then show the session; 202 when it takes longer."""
    done = service.await_command(services.database, who.organization_id, submitted.command_id, timeout=WAIT_SECONDS)
    if done:
        with services.database.tenant(who.organization_id) as session:
            found = (
                service.get_session(session, who, session_id)
                if session_id is not None
                else service.latest_of_contact(session, who, submitted.contact_id, submitted.channel_account_id)
            )
        if found is not None:
            return found
    response.status_code = 202
    return Accepted(command_id=submitted.command_id, contact_id=submitted.contact_id)


@router.post("/start", responses=_ACCEPTED)
def start(
    body: SessionStart, who: CurrentPrincipal, services: ServicesDep, response: Response
) -> FlowSessionView | Accepted:
    """Start a flow for a contact (id or phone; an unknown phone becomes a contact) and answer its session."""
    with services.database.tenant(who.organization_id) as session:
        submitted = service.begin_start(
            session,
            who,
            flow=body.flow_id,
            contact=body.contact_id,
            trigger_data=body.trigger_data,
            clock=services.clock,
        )
    return _outcome(services, who, submitted, response, None)


@router.post("/process", responses=_ACCEPTED)
def process(
    body: SessionProcess, who: CurrentPrincipal, services: ServicesDep, response: Response
) -> FlowSessionView | Accepted:
    """Answer a waiting session as if the contact had written, and answer how it stands then."""
    with services.database.tenant(who.organization_id) as session:
        submitted = service.begin_process(
            session,
            who,
            body.session_id,
            user_input=body.user_input,
            selection_id=body.selection_id,
            clock=services.clock,
        )
    return _outcome(services, who, submitted, response, body.session_id)


@router.get("/sessions/active")
def active_sessions(
    who: CurrentPrincipal,
    session: TenantSession,
    flow_id: Annotated[str | None, Query(max_length=200)] = None,
    contact_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[SessionSummary]:
    """Sessions in progress, newest first."""
    return service.list_active(session, who, flow=flow_id, contact_id=contact_id, limit=limit, cursor=cursor)


@router.get("/sessions/stats")
def session_stats(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> SessionStats:
    """Counts over all sessions."""
    return service.session_stats(session, who, clock=services.clock)


@router.get("/sessions/{session_id}")
def get_session(session_id: UUID, who: CurrentPrincipal, session: TenantSession) -> FlowSessionView:
    """A session with variables and step log."""
    return service.get_session(session, who, session_id)


@router.post("/sessions/{session_id}/cancel")
def cancel_session(
    session_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> FlowSessionView:
    """End a session at once: `interrupted`."""
    return service.cancel(session, who, session_id, clock=services.clock)


@router.post("/sessions/{session_id}/replay")
def replay_session(session_id: UUID, who: CurrentPrincipal, session: TenantSession) -> SessionReplay:
    """Play the session again in memory: the same version, inputs, clock and ids must give the same events."""
    return replay.replay_session(session, who, session_id)
