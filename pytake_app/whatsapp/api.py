"""Endpoints of channel accounts. `/whatsapp/numbers` and `/channel-accounts` are the same accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio.from_thread
from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.core.tenancy import Permission
from pytake_app.whatsapp import service
from pytake_app.whatsapp.schemas import AccountChange, AccountCheck, AccountView, ChannelView, NewAccount

router = APIRouter()


@router.get("/channels", tags=["channels"])
def channels(_who: CurrentPrincipal) -> Page[ChannelView]:
    """Kinds of channels and what each can show."""
    return Page[ChannelView](items=service.list_channels())


def _list(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    channel: Annotated[Literal["whatsapp"] | None, Query()] = None,
) -> Page[AccountView]:
    """The organization's accounts."""
    return Page[AccountView](items=service.list_accounts(session, who, services.settings, channel=channel))


def _create(
    body: NewAccount, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> AccountView:
    """Connect a WhatsApp number. Secrets are encrypted and never shown again."""
    return once.run(201, lambda: service.connect_account(session, who, services.settings, body, clock=services.clock))


def _get(account_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> AccountView:
    """One account."""
    return service.get_account(session, who, services.settings, account_id)


def _change(
    account_id: UUID, body: AccountChange, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> AccountView:
    """Change an account; absent members stay, an empty secret is removed."""
    return service.change_account(session, who, services.settings, account_id, body, clock=services.clock)


def _delete(account_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """Disconnect an account: its secrets are forgotten, its conversations stay."""
    service.disconnect_account(session, who, account_id, clock=services.clock)
    return Response(status_code=204)


def _test(account_id: UUID, who: CurrentPrincipal, services: ServicesDep) -> AccountCheck:
    """Ask the platform about the account, and keep what it said."""
    who.needs(Permission.CHANNELS_MANAGE)
    with services.database.tenant(who.organization_id) as session:
        runtime = service.runtime_of(session, who, services.settings, services.secrets, account_id)
    # Between the transactions: nobody waits for Meta with a connection in hand.
    check = anyio.from_thread.run(service.check_account, runtime.credentials)
    with services.database.tenant(who.organization_id) as session:
        service.record_check(session, who, account_id, check, clock=services.clock)
    return check


def _add(collection: str, tag: str, name: str) -> None:
    item = collection + "/{account_id}"
    routes: list[tuple[str, str, Callable[..., Any], int, str]] = [
        ("GET", collection, _list, 200, "list"),
        ("POST", collection, _create, 201, "create"),
        ("GET", item, _get, 200, "get"),
        ("PATCH", item, _change, 200, "change"),
        ("DELETE", item, _delete, 204, "delete"),
        ("POST", item + "/test", _test, 200, "test"),
    ]
    for method, path, endpoint, status, verb in routes:
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status,
            tags=[tag],
            operation_id=f"{verb}_{name}",
            response_class=Response if status == 204 else JSONResponse,
        )


_add("/whatsapp/numbers", "whatsapp", "whatsapp_number")
_add("/channel-accounts", "channels", "channel_account")
