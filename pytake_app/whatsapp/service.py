"""Channel accounts: connecting, changing, checking. Functions run in the caller's transaction and never commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from pytake_app.accounts.email_links import require_confirmed
from pytake_app.accounts.limits import Resource, require_room
from pytake_app.accounts.models import Organization
from pytake_app.channels.base import AccountCredentials
from pytake_app.channels.capabilities import MATRIX
from pytake_app.channels.errors import SendError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.config import Settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.whatsapp import repository
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.prices import PriceList, country_of, price_list
from pytake_app.whatsapp.runtime import (
    AccountReader,
    AccountRuntime,
    first_contacts_limit,
    loopback_url,
    make_runtime,
    read_credentials,
    write_credentials,
)
from pytake_app.whatsapp.schemas import AccountChange, AccountCheck, AccountView, ChannelView, NewAccount
from pytake_app.whatsapp.template_parts import TemplateButton
from pytake_app.whatsapp.templates import SYNC_CODE, SYNCED_AT, TemplateBook, sync_again, template_book
from pytake_app.whatsapp.templates import store as store_templates

__all__ = [
    "AccountReader",
    "AccountRuntime",
    "TemplateBook",
    "TemplateButton",
    "account_view",
    "add_account",
    "change_account",
    "channel_accounts",
    "check_account",
    "connect_account",
    "disconnect_account",
    "get_account",
    "list_accounts",
    "list_channels",
    "loopback_url",
    "organization_prices",
    "record_check",
    "runtime_of",
    "sandbox_runtimes",
    "set_own_settings",
    "store_templates",
    "template_book",
]

MAX_ACCOUNTS = 50
AVAILABLE = frozenset({"whatsapp"})
_SECRETS = ("access_token", "app_secret", "verify_token")
_CLOCK = SystemClock()


def list_channels() -> list[ChannelView]:
    """Every kind of channel with its capabilities."""
    return [
        ChannelView(kind=kind, available=kind in AVAILABLE, capabilities=asdict(capabilities))
        for kind, capabilities in MATRIX.items()
    ]


def list_accounts(
    session: Session, principal: Principal, settings: Settings, *, channel: str | None = None
) -> list[AccountView]:
    """The organization's channel accounts."""
    principal.require(Role.VIEWER)
    return [account_view(account, settings) for account in repository.accounts(session, channel)]


def channel_accounts(session: Session) -> list[ChannelAccount]:
    """The organization's connected accounts, real ones first; for the verifier and pickers."""
    return repository.accounts(session, None)


def organization_prices(
    session: Session,
    organization: Organization,
    settings: Settings,
    connected: Sequence[ChannelAccount] | None = None,
) -> PriceList:
    """What a message costs the organization.

    Parameters:
        connected: its accounts, where the caller has read them.
    """
    every = repository.accounts(session, "whatsapp") if connected is None else connected
    phones = [row.phone for row in every if row.phone and not row.sandbox]
    own = organization.settings
    country = country_of(own.get("country") or "", phones, organization.locale)
    return price_list(settings, country, organization.currency, own.get("prices") or {})


def get_account(session: Session, principal: Principal, settings: Settings, account_id: UUID) -> AccountView:
    """One account.

    Raises:
        NotFoundError: there is none with this id.
    """
    principal.require(Role.VIEWER)
    return account_view(_found(repository.account(session, account_id)), settings)


def connect_account(
    session: Session, principal: Principal, settings: Settings, request: NewAccount, *, clock: Clock = _CLOCK
) -> AccountView:
    """Connect a WhatsApp number.

    Raises:
        ForbiddenError: the caller is no administrator; their address isn't confirmed (`email_unconfirmed`).
        ConflictError: the number is connected already (`number_connected`), or too many are (`too_many_numbers`).
        LimitError: the plan has no room for another number.
    """
    principal.needs(Permission.CHANNELS_MANAGE)
    require_confirmed(principal, settings)
    if repository.count(session) >= MAX_ACCOUNTS:
        raise ConflictError(f"At most {MAX_ACCOUNTS} numbers can be connected.", code="too_many_numbers")
    require_room(session, Resource.NUMBERS, clock=clock)
    account_id = add_account(
        session,
        principal.organization_id,
        settings=settings,
        name=request.name,
        external_id=request.phone_number_id,
        business_account_id=request.business_account_id,
        phone=_digits(request.phone),
        credentials={name: getattr(request, name) for name in _SECRETS},
        clock=clock,
    )
    account = _found(repository.account(session, account_id))
    account.default_flow_id = _own_flow(session, principal, request.default_flow_id)
    _apply_settings(account, request.api_version, request.messages_per_second)
    return account_view(account, settings)


def change_account(
    session: Session,
    principal: Principal,
    settings: Settings,
    account_id: UUID,
    change: AccountChange,
    *,
    clock: Clock = _CLOCK,
) -> AccountView:
    """Change what the request names.

    Raises:
        NotFoundError: there is none with this id.
        ConflictError: the sandbox's own credentials can't be changed (`sandbox_fixed`).
    """
    principal.needs(Permission.CHANNELS_MANAGE)
    account = _found(repository.account(session, account_id, lock=True))
    given = change.model_dump(exclude_unset=True)
    if account.sandbox and set(given) - {"name", "default_flow_id", "messages_per_second"}:
        raise ConflictError("The sandbox number's credentials are its own.", code="sandbox_fixed")
    if given.get("name") is not None:
        account.name = given["name"]
    if given.get("business_account_id") is not None:
        account.business_account_id = given["business_account_id"]
        account.settings = sync_again(account.settings)
    if given.get("phone") is not None:
        account.phone = _digits(given["phone"])
    if "default_flow_id" in given:
        account.default_flow_id = _own_flow(session, principal, given["default_flow_id"])
    secrets = {name: given[name] for name in _SECRETS if given.get(name) is not None}
    if secrets:
        box = SecretBox.from_settings(settings)
        account.credentials = write_credentials(box, {**read_credentials(box, account.credentials), **secrets})
        account.settings = sync_again(account.settings)
        _works_again(account)
    if "reengagement_template" in given:
        account.settings = {**account.settings, "reengagement_template": given["reengagement_template"]}
    if given.get("status") is not None:
        account.status, account.status_detail = given["status"], ""
    _apply_settings(account, given.get("api_version"), given.get("messages_per_second"))
    account.updated_at = clock.now()
    session.add(account)
    session.flush()
    return account_view(account, settings)


def disconnect_account(session: Session, principal: Principal, account_id: UUID, *, clock: Clock = _CLOCK) -> None:
    """Forget an account's secrets and free its number; its conversations stay.

    Raises:
        NotFoundError: there is none with this id.
        ConflictError: the sandbox stays (`sandbox_fixed`).
    """
    principal.needs(Permission.CHANNELS_MANAGE)
    account = _found(repository.account(session, account_id, lock=True))
    if account.sandbox:
        raise ConflictError("The sandbox number can't be disconnected.", code="sandbox_fixed")
    account.status, account.status_detail = "disabled", ""
    account.credentials = ""
    account.external_id = f"{account.external_id}#{account.id}"
    account.updated_at = clock.now()
    session.add(account)


def add_account(
    session: Session,
    organization_id: UUID,
    *,
    settings: Settings,
    name: str,
    external_id: str,
    credentials: dict[str, str],
    business_account_id: str = "",
    phone: str = "",
    sandbox: bool = False,
    extra: dict[str, object] | None = None,
    clock: Clock = _CLOCK,
) -> UUID:
    """Add a channel account with its credentials encrypted; returns its id.

    Parameters:
        session: of `Database.tenant(organization_id)`.
        extra: further members of the account's settings.

    Raises:
        ConflictError: an account with this platform id exists, here or in another organization.
    """
    now = clock.now()
    account = ChannelAccount(
        organization_id=organization_id,
        name=name,
        external_id=external_id,
        business_account_id=business_account_id,
        phone=phone,
        credentials=write_credentials(SecretBox.from_settings(settings), credentials),
        settings=dict(extra or {}),
        sandbox=sandbox,
        created_at=now,
        updated_at=now,
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise ConflictError(
            "This number is connected already.",
            code="number_connected",
            errors=[FieldError("/phone_number_id", "connected already", "number_connected")],
        ) from error
    return account.id


def runtime_of(
    session: Session, principal: Principal, settings: Settings, secrets: SecretBox, account_id: UUID
) -> AccountRuntime:
    """An account of the caller's organization with its credentials decrypted. Never leaves the process.

    Raises:
        NotFoundError: there is none with this id.
    """
    principal.require(Role.AGENT)
    return make_runtime(_found(repository.account(session, account_id)).model_dump(), settings, secrets)


def sandbox_runtimes(
    session: Session, principal: Principal, settings: Settings, secrets: SecretBox
) -> list[AccountRuntime]:
    """The organization's sandbox accounts with their credentials decrypted, for the sandbox only."""
    principal.require(Role.VIEWER)
    rows = repository.accounts(session, None)
    return [make_runtime(row.model_dump(), settings, secrets) for row in rows if row.sandbox]


def set_own_settings(session: Session, account_id: UUID, changes: dict[str, Any]) -> None:
    """Change members of an account's own settings.

    Raises:
        NotFoundError: there is none with this id.
    """
    account = _found(repository.account(session, account_id, lock=True))
    account.settings = {**account.settings, **changes}
    session.add(account)


async def check_account(credentials: AccountCredentials) -> AccountCheck:
    """Ask the platform about the account: proves id and token. Opens no transaction; never raises for its answers."""
    if not credentials.access_token:
        return AccountCheck(ok=False, code="not_configured", message="There is no access token.")
    async with WhatsAppClient() as client:
        try:
            number = await client.verify_number(credentials)
            subscribed = await client.subscribed(credentials) if credentials.business_account_id else None
        except SendError as error:
            return AccountCheck(ok=False, code=str(error.kind), message=error.message or "")
    return AccountCheck(
        ok=True,
        display_phone_number=number.display_phone_number,
        verified_name=number.verified_name,
        quality_rating=number.quality_rating,
        messaging_limit_tier=number.messaging_limit_tier,
        webhook_subscribed=subscribed,
    )


def record_check(
    session: Session, principal: Principal, account_id: UUID, check: AccountCheck, *, clock: Clock = _CLOCK
) -> None:
    """Keep what a check found: when it was, the number as people write it, and whether the account works."""
    principal.needs(Permission.CHANNELS_MANAGE)
    account = _found(repository.account(session, account_id, lock=True))
    if check.ok:
        _works_again(account)
        if check.display_phone_number:
            account.phone = _digits(check.display_phone_number) or account.phone
        if check.messaging_limit_tier:
            account.settings = {**account.settings, "tier": check.messaging_limit_tier}
    elif check.code == "auth":
        account.status, account.status_detail = "error", check.code
    now = clock.now()
    account.settings = {**account.settings, "last_check": {"at": now.isoformat(), "code": check.code}}
    account.updated_at = now
    session.add(account)


def account_view(account: ChannelAccount, settings: Settings) -> AccountView:
    """An account as people may see it."""
    stored = read_credentials(SecretBox.from_settings(settings), account.credentials)
    path = f"/webhook/whatsapp/{account.id}"
    public = settings.public_url.rstrip("/")
    last_check = account.settings.get("last_check") or {}
    return AccountView(
        id=account.id,
        channel=account.channel,
        name=account.name,
        external_id=account.external_id,
        phone_number_id=account.external_id,
        business_account_id=account.business_account_id,
        phone=account.phone,
        sandbox=account.sandbox,
        status=account.status,
        status_detail=account.status_detail,
        has_access_token="access_token" in stored,
        has_app_secret="app_secret" in stored,
        has_verify_token="verify_token" in stored,
        api_version=account.settings.get("api_version") or settings.whatsapp_api_version,
        messages_per_second=float(account.settings.get("messages_per_second") or 80),
        daily_first_contacts=None if account.sandbox else first_contacts_limit(account.settings, settings),
        reengagement_template=account.settings.get("reengagement_template"),
        default_flow_id=account.default_flow_id,
        webhook_path=path,
        webhook_url=public + path if public else "",
        last_check_at=last_check.get("at"),
        last_check_code=last_check.get("code", ""),
        templates_synced_at=account.settings.get(SYNCED_AT),
        templates_sync_code=str(account.settings.get(SYNC_CODE) or ""),
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


def _own_flow(session: Session, principal: Principal, flow_id: UUID | None) -> UUID | None:
    """The flow's id, once it is known to be the organization's: the pipeline runs it without asking again."""
    from pytake_app.flows import service as flows

    if flow_id is None:
        return None
    try:
        return flows.get_flow(session, principal, flow_id).id
    except NotFoundError as error:
        raise InvalidError(
            "There is no such flow.", errors=[FieldError("/default_flow_id", "no such flow", "not_found")]
        ) from error


def _works_again(account: ChannelAccount) -> None:
    # Somebody who paused the number wants silence whatever its token says.
    if account.status != "paused":
        account.status, account.status_detail = "active", ""


def _apply_settings(account: ChannelAccount, api_version: str | None, messages_per_second: float | None) -> None:
    changed = {"api_version": api_version, "messages_per_second": messages_per_second}
    # A new dict: changes inside the old one would go unnoticed.
    account.settings = {**account.settings, **{name: value for name, value in changed.items() if value is not None}}


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone))


def _found(account: ChannelAccount | None) -> ChannelAccount:
    if account is None:
        raise NotFoundError("There is no such channel account.")
    return account
