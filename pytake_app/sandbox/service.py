"""The sandbox number: a channel account whose other end is the phone on our own page.

Both directions are the Cloud API's own: what the person does becomes a signed webhook, what we send arrives at a Graph
stand-in. Functions run in the caller's transaction and never commit.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.channels.base import JsonObject
from pytake_app.channels.whatsapp import simulator
from pytake_app.channels.whatsapp.limits import SERVICE_WINDOW_HOURS
from pytake_app.channels.whatsapp.sandbox_templates import sandbox_templates
from pytake_app.channels.whatsapp.simulator import Person, Simulator, new_wamid
from pytake_app.config import Settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.errors import FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of
from pytake_app.sandbox import repository
from pytake_app.sandbox.models import SandboxMessage
from pytake_app.sandbox.schemas import Persona, PhoneMessage, PhoneMessageView, SandboxAccountView
from pytake_app.whatsapp import service as whatsapp
from pytake_app.whatsapp.service import AccountRuntime

PERSON_NAME = "Maria Teste"
MAX_MESSAGES = 200
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A webhook that is ready to be delivered, and the message it is about."""

    account: AccountRuntime
    body: JsonObject
    message: SandboxMessage


def create_account(session: Session, organization_id: UUID, *, settings: Settings, clock: Clock = _CLOCK) -> UUID:
    """Give an organization its sandbox number, with credentials of its own.

    Parameters:
        session: of `Database.tenant(organization_id)`.

    Returns: the channel account's id.
    """
    business_account_id = "98" + _digits(14)
    account_id = whatsapp.add_account(
        session,
        organization_id,
        settings=settings,
        clock=clock,
        name="Sandbox",
        # 16 digits like Meta's ids; none of Meta's was seen to begin with 99.
        external_id="99" + _digits(14),
        business_account_id=business_account_id,
        phone="5511" + "4" + _digits(7),
        credentials={
            "access_token": "sandbox-" + random.token_urlsafe(32),
            "app_secret": random.token_hex(32),
            "verify_token": random.token_urlsafe(24),
        },
        sandbox=True,
        extra={"persona": _new_persona(PERSON_NAME).model_dump()},
    )
    # What a first sync would bring, so that there are templates to pick from at once.
    whatsapp.store_templates(session, business_account_id, sandbox_templates(), whole=True, clock=clock)
    return account_id


def sandbox_accounts(
    session: Session, principal: Principal, settings: Settings, secrets: SecretBox
) -> list[SandboxAccountView]:
    """The organization's sandbox numbers."""
    return [
        SandboxAccountView(
            id=account.id,
            name=account.name,
            organization_name=principal.organization_name,
            business_phone=account.phone,
            phone_number=persona_of(account).phone,
            person_name=persona_of(account).name,
        )
        for account in whatsapp.sandbox_runtimes(session, principal, settings, secrets)
    ]


def sandbox_account(
    session: Session, principal: Principal, settings: Settings, secrets: SecretBox, account_id: UUID | None
) -> AccountRuntime:
    """One sandbox number of the caller's organization; its first when no id is given.

    Raises:
        NotFoundError: there is none, or the account is a real number.
    """
    for account in whatsapp.sandbox_runtimes(session, principal, settings, secrets):
        if account_id in (None, account.id):
            return account
    raise NotFoundError("There is no such sandbox number.")


def persona_of(account: AccountRuntime) -> Persona:
    """The person at the other end."""
    stored = account.own_settings.get("persona") or {}
    return Persona(phone=str(stored.get("phone") or "5511900000000"), name=str(stored.get("name") or PERSON_NAME))


def reset(session: Session, principal: Principal, account: AccountRuntime, name: str | None) -> Persona:
    """Put a new person with a new number at the other end: a contact we have never heard of."""
    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.FLOWS_EDIT)
    persona = _new_persona(name or persona_of(account).name)
    whatsapp.set_own_settings(session, account.id, {"persona": persona.model_dump()})
    _poke(session, account.id, persona.phone)
    return persona


def phone_messages(
    session: Session, principal: Principal, account: AccountRuntime, *, phone: str, after: UUID | None, limit: int
) -> list[PhoneMessageView]:
    """What the phone shows, oldest first."""
    principal.require(Role.VIEWER)
    rows = repository.messages(session, account.id, phone or persona_of(account).phone, after, limit)
    return [PhoneMessageView.model_validate(row) for row in rows]


def say(
    session: Session, principal: Principal, account: AccountRuntime, request: PhoneMessage, media: Any, clock: Clock
) -> Outgoing:
    """The person does something: keep it, and make the webhook that tells of it.

    Parameters:
        media: the stored file when the request names one.

    Raises:
        InvalidError: what this type of message needs is missing.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.FLOWS_EDIT)
    persona = persona_of(account)
    phone = request.phone or persona.phone
    name = request.name or (persona.name if phone == persona.phone else PERSON_NAME)
    now = clock.now()
    body = _webhook(_simulator(account, phone, name), request, media, now)
    message: JsonObject = body["entry"][0]["changes"][0]["value"]["messages"][0]
    row = repository.add(
        session,
        SandboxMessage(
            id=new_id(),
            organization_id=organization_of(session),
            channel_account_id=account.id,
            phone=phone,
            direction="from_phone",
            external_id=message["id"],
            body=message,
            status="sending",
            created_at=now,
        ),
    )
    _poke(session, account.id, phone)
    return Outgoing(account, body, row)


def settle(session: Session, message: SandboxMessage, *, taken: bool) -> None:
    """Note whether the webhook was taken."""
    if repository.advance(session, message.id, "sent" if taken else "failed", ("sending",)):
        _poke(session, message.channel_account_id, message.phone)


def read_by_person(
    session: Session, principal: Principal, account: AccountRuntime, phone: str, clock: Clock
) -> list[Outgoing]:
    """The person looks at the chat: the webhooks that tell of each message read."""
    principal.require(Role.VIEWER)
    phone = phone or persona_of(account).phone
    rows = repository.take_unread(session, account.id, phone)
    if rows:
        _poke(session, account.id, phone)
    return [Outgoing(account, status_body(account, row, "read", clock.now()), row) for row in rows]


# -- the Graph API's side ----------------------------------------------------------------------------------------------


def take_send(
    session: Session, account: AccountRuntime, body: JsonObject, clock: Clock
) -> tuple[JsonObject, SandboxMessage]:
    """A message that was sent to the phone: keep it and answer as Graph does.

    Parameters:
        body: has passed the simulator's judge.
    """
    address = str(body.get("to") or body.get("recipient") or "")
    phone = "".join(filter(str.isdigit, address)) if body.get("to") else address
    wamid = new_wamid(phone)
    row = repository.add(
        session,
        SandboxMessage(
            id=new_id(),
            organization_id=organization_of(session),
            channel_account_id=account.id,
            phone=phone,
            direction="to_phone",
            external_id=wamid,
            body=body,
            status="accepted",
            created_at=clock.now(),
        ),
    )
    _poke(session, account.id, phone)
    return simulator.graph_answer(body, message_id=wamid, wa_id=phone), row


def take_mark_read(session: Session, account: AccountRuntime, body: JsonObject) -> bool:
    """The business has read the person's message, and may be typing. False when there is no such message."""
    row = repository.by_external_id(session, account.id, str(body.get("message_id", "")))
    if row is None or row.direction != "from_phone":
        return False
    row.status = "read"
    session.add(row)
    _poke(session, account.id, row.phone, typing=bool(body.get("typing_indicator")))
    return True


def outside_window(session: Session, account: AccountRuntime, message: SandboxMessage, now: datetime) -> bool:
    """Whether Meta would refuse to deliver it: free-form, and the person didn't write in the last 24 hours."""
    if message.body.get("type") == "template":
        return False
    last = repository.last_from_phone(session, account.id, message.phone)
    return last is None or now - last.created_at > timedelta(hours=SERVICE_WINDOW_HOURS)


def advance(session: Session, message: SandboxMessage, status: str) -> bool:
    """Move a message towards the phone; False when it was further already."""
    before = {"sent": ("accepted",), "delivered": ("accepted", "sent"), "failed": ("accepted",)}[status]
    moved = repository.advance(session, message.id, status, before)
    if moved:
        _poke(session, message.channel_account_id, message.phone)
    return moved


def status_body(account: AccountRuntime, message: SandboxMessage, word: Any, now: datetime) -> JsonObject:
    """The webhook that tells of a message's status; *failed* is Meta's answer outside the service window."""
    return _simulator(account, message.phone, "").status(
        message.external_id,
        word,
        at=now,
        callback_data=message.body.get("biz_opaque_callback_data"),
        error_code=131047,
    )


# -- inside ------------------------------------------------------------------------------------------------------------


def erase_contact(session: Session, known: Sequence[tuple[UUID, Collection[str]]]) -> int:
    """Delete what phones of the sandbox said and heard as this contact; answers how much."""
    return sum(repository.delete_messages(session, account, phones) for account, phones in known)


def _simulator(account: AccountRuntime, phone: str, name: str) -> Simulator:
    business = simulator.Account(
        phone_number_id=account.external_id,
        business_account_id=account.business_account_id,
        display_phone_number=account.phone,
    )
    return Simulator(business, Person(wa_id=phone, name=name))


def _webhook(person: Simulator, request: PhoneMessage, media: Any, at: datetime) -> JsonObject:
    reply_to = request.context_id
    match request.type:
        case "text":
            return person.text(_needed(request.text, "text"), at=at, reply_to=reply_to)
        case "button_reply":
            chosen = _needed(request.selection_id, "selection_id")
            return person.button_reply(chosen, request.text or chosen, at=at, reply_to=reply_to)
        case "list_reply":
            chosen = _needed(request.selection_id, "selection_id")
            return person.list_reply(chosen, request.text or chosen, at=at, reply_to=reply_to)
        case "template_button":
            chosen = _needed(request.selection_id, "selection_id")
            return person.template_button(chosen, request.text or chosen, at=at, reply_to=reply_to)
        case "location":
            if request.latitude is None or request.longitude is None:
                raise _missing("latitude")
            name = request.text or None
            return person.location(request.latitude, request.longitude, at=at, name=name, reply_to=reply_to)
        case "contacts":
            return person.contacts([(_needed(request.text, "text"), "+55 11 98765-4321")], at=at)
        case "reaction":
            return person.reaction(request.text, _needed(reply_to, "context_id"), at=at)
        case kind:
            if media is None:
                raise _missing("media_id")
            return person.media(
                kind,
                media.id,
                at=at,
                mime_type=media.mime_type,
                sha256=media.sha256,
                caption=request.text or None,
                filename=request.filename or media.filename or None,
                reply_to=reply_to,
            )


def _needed(value: str | None, name: str) -> str:
    if not value:
        raise _missing(name)
    return value


def _missing(name: str) -> InvalidError:
    return InvalidError("This type of message needs more.", errors=[FieldError(f"/{name}", "required", "missing")])


def _poke(session: Session, account_id: UUID, phone: str, *, typing: bool = False) -> None:
    """Tell open phones. The organization's topic carries no number: it goes to every page that shows a phone."""
    payload: dict[str, Any] = {"account_id": str(account_id), **({"typing": True} if typing else {})}
    poke(session, f"sandbox:{account_id}:{phone}", payload)
    poke(session, f"org:{organization_of(session)}:sandbox", payload)


def _new_persona(name: str) -> Persona:
    return Persona(phone="55119" + str(6 + random.randbelow(4)) + _digits(7), name=name)


def _digits(count: int) -> str:
    return "".join(str(random.randbelow(10)) for _ in range(count))


def simulated(
    session: Session, principal: Principal, settings: Settings, secrets: SecretBox, request: Any
) -> PhoneMessage:
    """What a contact would do on the sandbox phone.

    Parameters:
        request: `SimulateInteractive`: `contact_id` is a contact's id or a phone number.

    Raises:
        NotFoundError: no such contact.
        InvalidError: neither text nor selection, or a contact without a phone.
    """
    from pytake_app.contacts import service as contacts

    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.FLOWS_EDIT)
    account = sandbox_account(session, principal, settings, secrets, None)
    try:
        phone = contacts.get_contact(session, principal, UUID(request.contact_id)).phone
    except ValueError:
        phone = contacts.normalize_phone(request.contact_id)
    if not phone:
        raise InvalidError("The contact has no phone.", errors=[FieldError("/contact_id", "no phone", "no_phone")])
    if not request.selection_id:
        return PhoneMessage(phone=phone, type="text", text=_needed(request.text, "text"))
    offered = _offer(repository.messages(session, account.id, phone, None, MAX_MESSAGES), request.selection_id)
    kind, title, context_id = offered or ("button_reply", request.selection_id, None)
    return PhoneMessage.model_validate(
        {
            "phone": phone,
            "type": kind,
            "text": request.text or title,
            "selection_id": request.selection_id,
            "context_id": context_id,
        }
    )


def _offer(messages: list[SandboxMessage], selection_id: str) -> tuple[str, str, str] | None:
    """The newest message that offered this choice: the kind of reply, the choice's title, the message's id."""
    for message in reversed(messages):
        action = (message.body.get("interactive") or {}).get("action") or {}
        for button in action.get("buttons") or []:
            reply = button.get("reply") or {}
            if reply.get("id") == selection_id:
                return "button_reply", str(reply.get("title", "")), message.external_id
        for section in action.get("sections") or []:
            for row in section.get("rows") or []:
                if row.get("id") == selection_id:
                    return "list_reply", str(row.get("title", "")), message.external_id
    return None
