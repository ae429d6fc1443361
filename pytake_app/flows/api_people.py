"""Endpoints of the people in a flow. Included by `flows.api`."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import Field

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.flows import people
from pytake_app.flows.schemas import Request

router = APIRouter()


class Leave(Request):
    """The tab that closes, as it named itself."""

    tab: str = Field(min_length=1, max_length=16)


@router.post("/flows/{flow_id}/leave", status_code=204)
def leave(flow_id: str, body: Leave, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """A closing editor says that nobody looks at the flow in it any more; its avatar goes at once."""
    people.leave(session, who, flow_id, body.tab, presence=services.presence, live=services.live)
    return Response(status_code=204)
