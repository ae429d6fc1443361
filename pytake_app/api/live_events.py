"""From pokes to events: what each client hears, the same over the WebSocket and by polling.

A poke only names what changed; it is read again under the caller's tenant before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pytake_app.conversations import service as conversations
from pytake_app.conversations.schemas import ConversationDetail, MessageView
from pytake_app.core.db import Database
from pytake_app.core.errors import NotFoundError
from pytake_app.core.masking import masking
from pytake_app.core.tenancy import Permission, Principal

JsonObject = dict[str, Any]

EVENTS = frozenset({"message_received", "message_sent", "message_status_updated", "conversation_updated"})
"""Of conversations: read again before they are told."""
TYPING = frozenset({"typing_start", "typing_stop"})
PERSONAL = frozenset({"notification", "draft_updated"})
"""Told to the one person that they name."""
HEARD = EVENTS | TYPING | PERSONAL | {"presence_changed", "queue_updated", "agent_status_updated"}
"""Every event a client can hear: of a poke with another name nobody does."""
ANSWERS = frozenset({"connected", "subscribed", "resumed", "reconnected", "pong", "ping", "error"})
"""What a socket says of itself, besides events."""
COMMANDS = frozenset({"ping", "pong", "resume", "subscribe", "unsubscribe"}) | TYPING
"""What a client may send after the sign-in, which is `auth`."""
SUBJECTS = frozenset({"conversations", "queues", "notifications", "desk"})
"""Topics `org:<id>:<subject>` that people hear of."""
_OF_CONVERSATIONS = (Permission.CONVERSATIONS_SEE_ALL, Permission.CONVERSATIONS_HANDLE)
_CHUNK = 200
_OURS = frozenset({"topic", "event", "event_id"})


def is_for(poke: JsonObject, principal: Principal) -> bool:
    """Whether the caller is to hear of it, as far as the poke tells."""
    event = str(poke.get("event", ""))
    if event in PERSONAL:
        # A key speaks for nobody: what is for the person who made it is not for the program.
        return principal.api_key_id is None and str(poke.get("user_id", "")) == str(principal.user_id)
    if event in TYPING:
        return str(poke.get("user_id", "")) != str(principal.user_id)
    return event in HEARD


def may_listen(principal: Principal) -> None:
    """Refuse a key without a scope of conversations.

    Raises:
        ForbiddenError: code `permission_missing`.
    """
    if principal.api_key_id is not None:
        principal.needs(*_OF_CONVERSATIONS)


def listens(principal: Principal) -> bool:
    """Whether the caller may hear events, or still may."""
    return principal.api_key_id is None or not principal.permissions.isdisjoint(_OF_CONVERSATIONS)


def resolve(
    database: Database, organization_id: UUID, principal: Principal, pokes: Sequence[JsonObject]
) -> list[list[JsonObject]]:
    """The events of each poke, in order; one transaction and a fixed number of look-ups for all of them.

    What is named several times is read once: earlier events then tell already how it ended up.
    """
    wanted: dict[UUID, None] = {}
    threads: dict[UUID, None] = {}
    for poke in pokes:
        if poke.get("event") in EVENTS:
            ids = message_ids(poke)
            wanted.update(dict.fromkeys(ids))
            if not ids and (thread := _uuid(poke.get("conversation_id"))) is not None:
                threads[thread] = None
    messages: dict[UUID, MessageView] = {}
    details: dict[UUID, ConversationDetail] = {}
    if wanted or threads:
        with database.tenant(organization_id) as session:
            all_ids = list(wanted)
            for at in range(0, len(all_ids), _CHUNK):
                for message in conversations.messages_by_id(session, principal, all_ids[at : at + _CHUNK]):
                    messages[message.id] = message
            for thread in threads:
                try:
                    details[thread] = conversations.get_conversation(session, principal, thread)
                except NotFoundError:
                    continue  # another tenant's, or gone: nobody hears of it
    with masking(principal.masks_phones):
        return [_events(poke, messages, details) for poke in pokes]


def all_seeing(principal: Principal, *, masked: bool = False) -> Principal:
    """For reading what is then told only to those who see it.

    Parameters:
        masked: for listeners who see only the end of phones.
    """
    everything = principal.permissions | {Permission.CONVERSATIONS_SEE_ALL}
    return replace(principal, permissions=everything, masks_phones=masked)


def hidden_from(
    database: Database, organization_id: UUID, principals: Sequence[Principal], pokes: Sequence[JsonObject]
) -> dict[UUID, set[str]]:
    """Who must not hear of which conversations: user → ids, for those who don't see every conversation."""
    bounded = {who.user_id: who for who in principals if not who.has(Permission.CONVERSATIONS_SEE_ALL)}
    named = {found for poke in pokes if (found := _uuid(poke.get("conversation_id"))) is not None}
    if not bounded or not named:
        return {}
    with database.tenant(organization_id) as session:
        return {
            user_id: {str(one) for one in named - conversations.seen_among(session, who, named)}
            for user_id, who in bounded.items()
        }


def message_ids(poke: JsonObject) -> list[UUID]:
    """The messages a poke names."""
    given = [*(poke.get("message_ids") or ()), *([poke["message_id"]] if poke.get("message_id") else [])]
    return [found for value in given if (found := _uuid(value)) is not None]


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _events(
    poke: JsonObject, messages: dict[UUID, MessageView], details: dict[UUID, ConversationDetail]
) -> list[JsonObject]:
    event = str(poke.get("event", ""))
    mark: JsonObject = {"event_id": poke["event_id"]} if poke.get("event_id") else {}
    if event not in EVENTS:
        return [{"type": event, **{key: value for key, value in poke.items() if key not in _OURS}, **mark}]
    ids = message_ids(poke)
    if ids:
        return [
            {
                "type": event,
                "conversation_id": str(message.conversation_id),
                "message": message.model_dump(mode="json"),
                **mark,
            }
            for one in ids
            if (message := messages.get(one)) is not None
        ]
    thread = _uuid(poke.get("conversation_id"))
    detail = details.get(thread) if thread is not None else None
    if detail is None:
        return []
    return [{"type": event, "conversation_id": str(thread), "conversation": detail.model_dump(mode="json"), **mark}]
