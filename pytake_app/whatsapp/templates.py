"""WhatsApp message templates: kept as Meta last told them. Functions run in the caller's transaction, never commit.

Reading needs `viewer`, changing `org_admin`. Calls to Meta are made between transactions, by the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.whatsapp import repository
from pytake_app.whatsapp.models import ChannelAccount, MessageTemplate
from pytake_app.whatsapp.template_parts import parts_of
from pytake_app.whatsapp.template_schemas import TemplateView

SYNCED_AT = "templates_synced_at"
"""Member of an account's settings: when the templates of its business account were last asked for."""
SYNC_DUE = "templates_sync_due"
SYNC_CODE = "templates_sync_code"
SYNC_FAILURES = "templates_sync_failures"
"""Further members: when they are due by themselves (absent: now), what the last sync said, failures in a row."""
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """The templates flows can send. `complete`: all there are; else some business account was never asked."""

    templates: list[TemplateView]
    complete: bool


def list_templates(
    session: Session, principal: Principal, *, status: str | None = None, language: str | None = None
) -> list[TemplateView]:
    """Every template that is known, by name and language."""
    principal.require(Role.VIEWER)
    statement = scoped(session, MessageTemplate).order_by(col(MessageTemplate.name), col(MessageTemplate.language))
    if status is not None:
        statement = statement.where(MessageTemplate.status == status.upper())
    if language is not None:
        statement = statement.where(MessageTemplate.language == language)
    return [view(row) for row in session.exec(statement.order_by(col(MessageTemplate.id)))]


def get_template(session: Session, principal: Principal, template_id: UUID) -> TemplateView:
    """One template.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return view(_find(session, template_id))


def named(session: Session, business_account_id: str, name: str, language: str) -> TemplateView:
    """A template by its name.

    Raises:
        NotFoundError: none here.
    """
    statement = scoped(session, MessageTemplate).where(
        MessageTemplate.business_account_id == business_account_id,
        MessageTemplate.name == name,
        MessageTemplate.language == language,
    )
    row: MessageTemplate | None = session.exec(statement).one_or_none()
    if row is None:
        raise NotFoundError("There is no such template.", code="template_not_found")
    return view(row)


def template_book(session: Session, connected: Sequence[ChannelAccount] | None = None) -> TemplateBook:
    """What flows can send: the templates of real numbers, or while there is none, of the sandbox.

    Parameters:
        connected: the organization's accounts, where the caller has read them.
    """
    every = repository.accounts(session, "whatsapp") if connected is None else connected
    accounts = [account for account in every if account.business_account_id and account.channel == "whatsapp"]
    real = [account for account in accounts if not account.sandbox]
    used = real or accounts
    owners = {account.business_account_id for account in used}
    statement = scoped(session, MessageTemplate).order_by(col(MessageTemplate.name), col(MessageTemplate.language))
    found: dict[tuple[str, str], TemplateView] = {}
    for row in session.exec(statement):
        key = (row.name, row.language)
        # With several business accounts, what one of them has approved can be sent.
        if row.business_account_id in owners and (key not in found or row.status == "APPROVED"):
            found[key] = view(row)
    complete = bool(used) and all(account.settings.get(SYNCED_AT) for account in used)
    return TemplateBook(list(found.values()), complete)


def accounts_to_sync(session: Session, principal: Principal) -> list[ChannelAccount]:
    """One account of each business account, to ask Meta with.

    Raises:
        ConflictError: code `no_business_account`: no number names its business account.
    """
    principal.needs(Permission.TEMPLATES_MANAGE)
    chosen: dict[str, ChannelAccount] = {}
    for account in repository.accounts(session, "whatsapp"):
        if account.business_account_id:
            chosen.setdefault(account.business_account_id, account)
    if not chosen:
        raise ConflictError("No connected number names its business account.", code="no_business_account")
    return list(chosen.values())


def account_to_submit(session: Session, principal: Principal, account_id: UUID | None) -> ChannelAccount:
    """The account to create a template with: the named one, else the first with a business account, real ones first.

    Raises:
        NotFoundError: no such account.
        ConflictError: code `no_business_account`.
    """
    principal.needs(Permission.TEMPLATES_MANAGE)
    accounts = accounts_to_sync(session, principal)
    if account_id is None:
        return accounts[0]
    account = repository.account(session, account_id)
    if account is None:
        raise NotFoundError("There is no such channel account.")
    if not account.business_account_id:
        raise ConflictError("This number names no business account.", code="no_business_account")
    return account


def store(
    session: Session,
    business_account_id: str,
    templates: Iterable[Mapping[str, Any]],
    *,
    whole: bool,
    clock: Clock = _CLOCK,
) -> tuple[int, int]:
    """Keep templates as Meta tells them.

    Parameters:
        whole: these are all of the business account; those that are missing are forgotten, and its accounts count as
            asked.

    Returns: how many were kept, how many forgotten.
    """
    now = clock.now()
    told = {
        (name, language): raw
        for raw in templates
        if (name := _word(raw, "name")) and (language := _word(raw, "language"))
    }
    _make(session, business_account_id, told.keys() - _known(session, business_account_id).keys(), now)
    known = _known(session, business_account_id, lock=True)
    for key, raw in told.items():
        row = known[key]
        _take(row, raw)
        row.updated_at = now
        session.add(row)
    gone = [row for key, row in known.items() if whole and key not in told]
    for row in gone:
        session.delete(row)
    if whole:
        for account in repository.accounts(session, "whatsapp"):
            if account.business_account_id == business_account_id:
                account.settings = {**account.settings, SYNCED_AT: now.isoformat(), SYNC_CODE: "", SYNC_FAILURES: 0}
                session.add(account)
    session.flush()
    return len(told), len(gone)


def _known(session: Session, business_account_id: str, *, lock: bool = False) -> dict[tuple[str, str], MessageTemplate]:
    statement = scoped(session, MessageTemplate).where(MessageTemplate.business_account_id == business_account_id)
    if lock:
        statement = statement.order_by(col(MessageTemplate.id)).with_for_update()
    return {(row.name, row.language): row for row in session.exec(statement)}


def _make(session: Session, business_account_id: str, keys: Iterable[tuple[str, str]], now: datetime) -> None:
    """Rows for these names and languages; another sync, or a webhook, may be making them at the same moment."""
    rows = [
        MessageTemplate(
            id=new_id(),
            organization_id=organization_of(session),
            business_account_id=business_account_id,
            name=name,
            language=language,
            created_at=now,
            updated_at=now,
        ).model_dump()
        for name, language in sorted(keys)
    ]
    if rows:
        session.execute(insert(MessageTemplate).on_conflict_do_nothing(), rows)


def sync_again(settings: Mapping[str, Any]) -> dict[str, Any]:
    """An account's settings with its templates due now: its token or its business account has changed."""
    return {name: value for name, value in settings.items() if name not in (SYNC_DUE, SYNC_FAILURES)}


def _take(row: MessageTemplate, raw: Mapping[str, Any]) -> None:
    row.external_id = _word(raw, "id") or row.external_id
    row.category = _word(raw, "category").upper() or row.category
    row.status = _word(raw, "status").upper() or row.status
    row.parameter_format = _word(raw, "parameter_format").upper() or row.parameter_format
    reason = _word(raw, "rejected_reason")
    row.reason = "" if reason in ("", "NONE") else reason
    quality = raw.get("quality_score")
    row.quality = _word(quality, "score") if isinstance(quality, Mapping) else row.quality
    components = raw.get("components")
    if isinstance(components, list):
        row.components = [part for part in components if isinstance(part, dict)]


def forget(session: Session, principal: Principal, template_id: UUID) -> None:
    """Drop a template's row, once Meta has deleted it."""
    principal.needs(Permission.TEMPLATES_MANAGE)
    session.delete(_find(session, template_id))
    session.flush()


def template_of(session: Session, principal: Principal, template_id: UUID) -> tuple[TemplateView, ChannelAccount]:
    """A template and an account of its business account, to speak to Meta about it.

    Raises:
        NotFoundError: no such template.
        ConflictError: code `no_business_account`: its number is disconnected.
    """
    principal.needs(Permission.TEMPLATES_MANAGE)
    row = _find(session, template_id)
    for account in repository.accounts(session, "whatsapp"):
        if account.business_account_id == row.business_account_id:
            return view(row), account
    raise ConflictError("The template's number is not connected any more.", code="no_business_account")


def _find(session: Session, template_id: UUID) -> MessageTemplate:
    statement = scoped(session, MessageTemplate).where(MessageTemplate.id == template_id)
    row: MessageTemplate | None = session.exec(statement).one_or_none()
    if row is None:
        raise NotFoundError("There is no such template.", code="template_not_found")
    return row


def view(row: MessageTemplate) -> TemplateView:
    """A template as people and editors see it."""
    parts = parts_of(row.components)
    return TemplateView(
        id=row.id,
        business_account_id=row.business_account_id,
        external_id=row.external_id,
        name=row.name,
        language=row.language,
        category=row.category,
        status=row.status,
        reason=row.reason,
        quality=row.quality,
        parameter_format=row.parameter_format,
        created_at=row.created_at,
        updated_at=row.updated_at,
        **parts.model_dump(),
    )


def _word(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


__all__ = [
    "TemplateBook", "account_to_submit", "accounts_to_sync", "forget", "get_template", "list_templates", "named",
    "store", "template_book", "template_of", "view",
]  # fmt: skip
