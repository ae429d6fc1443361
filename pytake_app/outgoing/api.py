"""Endpoints of the organization's secrets."""

from __future__ import annotations

from fastapi import APIRouter, Response

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.outgoing import service
from pytake_app.outgoing.schemas import NewSecret, SecretView

router = APIRouter(prefix="/secrets", tags=["secrets"])


@router.get("")
def list_secrets(who: CurrentPrincipal, session: TenantSession) -> Page[SecretView]:
    """The organization's secrets, without their values."""
    return Page[SecretView](items=service.list_secrets(session, who))


@router.post("", status_code=201)
def put_secret(body: NewSecret, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> SecretView:
    """Keep a secret, or give an existing one a new value. It is never shown again."""
    return service.put_secret(session, who, services.secrets, body, clock=services.clock)


@router.delete("/{name}", status_code=204, response_class=Response)
def delete_secret(name: str, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Forget a secret."""
    service.delete_secret(session, who, name)
    return Response(status_code=204)
