"""Endpoints of API keys: for people only."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from pytake_app.accounts import keys
from pytake_app.accounts.keys import KeyCreate, KeyCreated, KeyUpdate, KeyView
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import Page

router = APIRouter(prefix="/api-keys", tags=["API keys"])


@router.get("")
def list_keys(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Page[KeyView]:
    """The organization's keys."""
    return Page[KeyView](items=keys.list_keys(session, who, clock=services.clock))


@router.post("", status_code=201)
def create_key(body: KeyCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> KeyCreated:
    """A new key; it is told this once. Takes no `Idempotency-Key`: kept answers would keep the key."""
    return keys.create_key(session, who, body, clock=services.clock)


@router.patch("/{key_id}")
def rename_key(
    key_id: UUID, body: KeyUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> KeyView:
    """Call it something else."""
    return keys.rename_key(session, who, key_id, body, clock=services.clock)


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """End it: from now on it is refused."""
    keys.revoke_key(session, who, key_id, clock=services.clock)
    return Response(status_code=204)
