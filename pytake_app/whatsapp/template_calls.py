"""Templates at Meta: asking, submitting, deleting. No transaction is open while Meta is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from pytake_app.channels.base import AccountCredentials, JsonObject
from pytake_app.channels.errors import SendError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError, UnavailableError
from pytake_app.whatsapp import templates
from pytake_app.whatsapp.runtime import AccountRuntime
from pytake_app.whatsapp.template_schemas import AccountSync, SyncResult, TemplateCreate, TemplateView


@dataclass(slots=True)
class Fetched:
    """What Meta answered for a business account. `failure`: it could not be asked."""

    business_account_id: str
    templates: list[JsonObject] = field(default_factory=list)
    failure: SendError | None = None


async def fetch_all(accounts: Sequence[AccountRuntime]) -> list[Fetched]:
    """The templates of each account's business account; one that fails doesn't stop the others."""
    found: list[Fetched] = []
    async with WhatsAppClient() as client:
        for account in accounts:
            fetched = Fetched(account.business_account_id)
            try:
                fetched.templates = await client.templates(account.credentials)
            except SendError as error:
                fetched.failure = error
            found.append(fetched)
    return found


def keep(session: Session, found: Sequence[Fetched], *, clock: Clock) -> SyncResult:
    """Keep what was fetched.

    Raises:
        UnavailableError: code `sync_failed`: no business account could be asked.
    """
    accounts: list[AccountSync] = []
    for fetched in found:
        told = AccountSync(business_account_id=fetched.business_account_id)
        if fetched.failure is not None:
            told.code, told.message = str(fetched.failure.kind), fetched.failure.message or ""
        else:
            told.templates, told.removed = templates.store(
                session, fetched.business_account_id, fetched.templates, whole=True, clock=clock
            )
        accounts.append(told)
    if accounts and all(account.code for account in accounts):
        raise UnavailableError(
            f"Meta did not answer with the templates: {accounts[0].message or accounts[0].code}.", code="sync_failed"
        )
    return SyncResult(
        templates=sum(account.templates for account in accounts),
        removed=sum(account.removed for account in accounts),
        accounts=accounts,
    )


async def submit(account: AccountCredentials, request: TemplateCreate) -> JsonObject:
    """Submit a template; what to keep of it.

    Raises:
        InvalidError: code `template_refused`: Meta doesn't take it.
        UnavailableError: Meta can't be asked now.
    """
    body = request.model_dump(exclude={"account_id"})
    async with WhatsAppClient() as client:
        try:
            answer = await client.create_template(account, body)
        except SendError as error:
            raise _refused(error) from error
    status = answer.get("status")
    category = answer.get("category")
    return {
        **body,
        "id": str(answer.get("id") or ""),
        "status": status if isinstance(status, str) else "PENDING",
        "category": category if isinstance(category, str) else request.category,
    }


async def delete(account: AccountCredentials, template: TemplateView) -> None:
    """Delete one language of a template.

    Raises:
        InvalidError: code `template_refused`.
        UnavailableError: Meta can't be asked now.
    """
    async with WhatsAppClient() as client:
        try:
            await client.delete_template(account, template.name, template.external_id)
        except SendError as error:
            raise _refused(error) from error


def _refused(error: SendError) -> InvalidError | UnavailableError:
    words = error.message or str(error.kind)
    if str(error.kind) in ("retryable", "rate", "pair_rate", "unsure"):
        return UnavailableError(f"Meta can't be asked now: {words}", code="platform_unavailable", retry_after=30)
    return InvalidError(
        f"Meta did not take this: {words}",
        errors=[FieldError("", words, "template_refused")],
        code="template_refused",
    )
