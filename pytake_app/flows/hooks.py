"""Secret addresses of webhook triggers, and what a call of one does.

An address is made from the flow's id, the block's id and a key derived from the installation's: nothing is stored, a
copied flow has other addresses, and raising the block's `rotation` gives a new one. While an older key still counts
(PREVIOUS_SECRET_KEYS) so do the addresses made from it.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from pydantic import JsonValue, ValidationError
from sqlmodel import Session, col, select

from pytake_app.config import Settings
from pytake_app.contacts import service as contacts
from pytake_app.contacts.models import Contact
from pytake_app.contacts.schemas import ContactCreate
from pytake_app.contacts.service import normalize_phone
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import derived_keys
from pytake_app.core.db import Database
from pytake_app.core.errors import FieldError, InvalidError, NotFoundError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.nodes.entries import WebhookConfig, webhook_phone, webhook_variables
from pytake_app.flows import repository
from pytake_app.flows.models import Flow, FlowVersion
from pytake_app.flows.schemas import HookView
from pytake_app.messaging.commands import Command, submit_command

_MAC_BYTES = 18
_PURPOSE = "hook addresses v1"
_SYSTEM = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Hook:
    """A live webhook trigger."""

    organization_id: UUID
    flow_id: UUID
    node_id: str
    config: WebhookConfig


def token_of(key: bytes, flow_id: UUID, node_id: str, rotation: int) -> str:
    """The secret end of a trigger's address."""
    message = f"hook:{flow_id}:{node_id}:{rotation}".encode()
    mac = hmac.new(key, message, sha256).digest()[:_MAC_BYTES]
    return base64.urlsafe_b64encode(flow_id.bytes + mac).rstrip(b"=").decode()


def _hooks(document: object) -> list[tuple[str, WebhookConfig]]:
    found: list[tuple[str, WebhookConfig]] = []
    for node in FlowDocument.model_validate(document).nodes:
        if node.type == "trigger_webhook":
            try:
                found.append((node.id, WebhookConfig.model_validate(node.config)))
            except ValidationError:
                continue
    return found


def find(database: Database, settings: Settings, token: str) -> Hook:
    """The live trigger that a token belongs to.

    Raises:
        NotFoundError: none: wrong, rotated, or its flow isn't live. Which of it is not told.
    """
    missing = NotFoundError("There is nothing at this address.", code="hook_not_found")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        flow_id = UUID(bytes=raw[:16])
    except ValueError:
        raise missing from None
    keys = derived_keys(settings, _PURPOSE)
    with database.system() as session:
        statement = (
            select(Flow.organization_id, FlowVersion.document)
            .join(FlowVersion, (col(FlowVersion.flow_id) == Flow.id) & (col(FlowVersion.version) == Flow.live_version))
            .where(Flow.id == flow_id, Flow.status == "active", col(Flow.deleted_at).is_(None))
        )
        row = session.exec(statement).first()
    if row is None:
        raise missing
    for node_id, config in _hooks(row[1]):
        for key in keys:
            if hmac.compare_digest(token_of(key, flow_id, node_id, config.rotation), token):
                return Hook(row[0], flow_id, node_id, config)
    raise missing


def call(session: Session, hook: Hook, payload: JsonValue, *, clock: Clock) -> UUID:
    """Start the flow for the contact that the payload speaks of; an unknown phone becomes a contact.

    Raises:
        InvalidError: code `no_phone`: the payload names nobody.
        ConflictError: `no_channel_account`, `contact_blocked`, `contact_opted_out`.
    """
    text, name = webhook_phone(hook.config, payload)
    phone = normalize_phone(text) if text else None
    if phone is None:
        errors = [FieldError("/" + hook.config.phone_path, "no phone number is found here", "missing")]
        raise InvalidError("The payload names no phone number.", code="no_phone", errors=errors)
    principal = Principal(_SYSTEM, hook.organization_id, Role.ORG_ADMIN, _SYSTEM)
    known, new = contacts.by_phone(session, phone), False
    if known is None:
        request = ContactCreate(phone=phone, name=name)
        known, new = contacts.create_contact(session, principal, request, clock=clock, tell=False).id, True
    contact: Contact = contacts.lock(session, known)
    contacts.refuse_unreachable(contact)
    address = contacts.reach(session, contact, clock=clock, account=hook.config.channel_account)
    command = Command(
        action="start", flow_id=hook.flow_id, trigger="webhook", node_id=hook.node_id, polite=True,
        params=webhook_variables(hook.config, payload), reason="webhook",
    )  # fmt: skip
    command_id = submit_command(
        session,
        organization_id=hook.organization_id,
        channel_account_id=address.channel_account_id,
        contact_key=address.key,
        command=command,
        clock=clock,
    )
    if new:
        # After the flow that was called: it comes first.
        contacts.tell_created(session, contact.id, clock=clock)
    return command_id


def list_hooks(session: Session, principal: Principal, settings: Settings, ref: UUID | str) -> list[HookView]:
    """The addresses of a flow's draft; they answer once the flow is live.

    Raises:
        NotFoundError: no such flow.
        ForbiddenError: `permission_missing`: an address starts the flow, so whoever may neither start nor edit flows
            doesn't learn it.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.FLOWS_EDIT)
    flow, key = repository.find(session, ref), derived_keys(settings, _PURPOSE)[0]
    return [
        HookView(node_id=node_id, path=f"/hooks/{token_of(key, flow.id, node_id, config.rotation)}")
        for node_id, config in _hooks(flow.draft_document)
    ]
