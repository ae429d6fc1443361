"""Endpoints of webhook triggers: the public address, and the list of a flow's addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, JsonValue

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.flows import hooks
from pytake_app.flows.schemas import HookView

router = APIRouter(tags=["flows"])
public = APIRouter(tags=["flows"])


class HookAnswer(BaseModel):
    """The call was taken; `id` is the command that starts the flow."""

    accepted: bool = True
    id: str


@router.get("/flows/{flow_id}/hooks")
def list_hooks(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Page[HookView]:
    """The secret addresses of a flow's webhook triggers."""
    return Page[HookView](items=hooks.list_hooks(session, who, services.settings, flow_id))


@public.post("/hooks/{token}", status_code=202)
def call_hook(token: str, payload: Annotated[JsonValue, Body()], services: ServicesDep) -> HookAnswer:
    """Start a flow from another system. The address is the credential; the body is any JSON."""
    hook = hooks.find(services.database, services.settings, token)
    with services.database.tenant(hook.organization_id) as session:
        command_id = hooks.call(session, hook, payload, clock=services.clock)
    return HookAnswer(id=str(command_id))
