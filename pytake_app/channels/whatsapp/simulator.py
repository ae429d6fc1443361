"""Plays Meta and a person's phone: builds the Cloud API's own webhooks, signs and delivers them.

Used by the sandbox phone and by tests; what it makes goes through the same parser, signature check and
pipeline as what Meta sends. ``validate_send`` judges what we send, as Graph would.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import httpx
import orjson

from pytake_app.channels.base import JsonObject
from pytake_app.channels.whatsapp.client import default_transport
from pytake_app.channels.whatsapp.graph_rules import validate_send
from pytake_app.channels.whatsapp.signature import sign

__all__ = [
    "Account",
    "Delivered",
    "Person",
    "Simulator",
    "decoded",
    "deliver",
    "delivery_client",
    "graph_answer",
    "graph_refusal",
    "merged",
    "new_wamid",
    "try_deliver",
    "validate_send",
    "with_username",
]

MediaKind = Literal["image", "audio", "voice", "video", "document", "sticker"]
StatusWord = Literal["sent", "delivered", "read", "failed"]

_MIME = {
    "image": "image/jpeg",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "video": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
}
_TITLES = {131026: "Message undeliverable", 131047: "Re-engagement message", 131049: "Meta chose not to deliver"}


@dataclass(slots=True, frozen=True)
class Account:
    """The business side: a number of a WhatsApp business account."""

    phone_number_id: str
    business_account_id: str = "100000000000000"
    display_phone_number: str = "551140000000"


@dataclass(slots=True, frozen=True)
class Person:
    """The phone's owner. ``wa_id`` may be ``None`` for people known by BSUID only."""

    wa_id: str | None = None
    name: str = ""
    bsuid: str | None = None
    username: str | None = None


@dataclass(slots=True, frozen=True)
class Delivered:
    """The answer of the webhook that was called."""

    status_code: int
    body: bytes


def new_wamid(wa_id: str | None = None) -> str:
    """A message id of WhatsApp's form: ``wamid.`` and base64."""
    seed = f"{wa_id or ''}:{secrets.token_hex(12)}".encode()
    return "wamid." + base64.b64encode(b"\x1d\x0b" + hashlib.sha256(seed).digest()[:24]).decode()


class Simulator:
    """Webhook bodies for one account and one person. Every method returns the JSON body of a delivery.

    Ids are new unless given; ``at`` is the time on the message (aware).
    """

    def __init__(self, account: Account, person: Person) -> None:
        self.account = account
        self.person = person

    def text(
        self, body: str, *, at: datetime, message_id: str | None = None, reply_to: str | None = None
    ) -> JsonObject:
        """A text."""
        return self._message({"type": "text", "text": {"body": body}}, at, message_id, reply_to)

    def button_reply(
        self, button_id: str, title: str, *, at: datetime, reply_to: str | None = None, message_id: str | None = None
    ) -> JsonObject:
        """A reply button was pressed."""
        chosen = {"type": "button_reply", "button_reply": {"id": button_id, "title": title}}
        return self._message({"type": "interactive", "interactive": chosen}, at, message_id, reply_to)

    def list_reply(
        self,
        row_id: str,
        title: str,
        *,
        at: datetime,
        description: str | None = None,
        reply_to: str | None = None,
        message_id: str | None = None,
    ) -> JsonObject:
        """A row of a list was chosen."""
        row = {"id": row_id, "title": title, **({"description": description} if description else {})}
        chosen = {"type": "list_reply", "list_reply": row}
        return self._message({"type": "interactive", "interactive": chosen}, at, message_id, reply_to)

    def template_button(
        self, payload: str, text: str, *, at: datetime, reply_to: str | None = None, message_id: str | None = None
    ) -> JsonObject:
        """A template's quick reply was pressed."""
        return self._message({"type": "button", "button": {"payload": payload, "text": text}}, at, message_id, reply_to)

    def form_reply(
        self, answers: JsonObject, *, at: datetime, reply_to: str | None = None, message_id: str | None = None
    ) -> JsonObject:
        """A WhatsApp Flows form was submitted."""
        reply = {"name": "flow", "body": "Sent", "response_json": orjson.dumps(answers).decode()}
        chosen = {"type": "nfm_reply", "nfm_reply": reply}
        return self._message({"type": "interactive", "interactive": chosen}, at, message_id, reply_to)

    def media(
        self,
        kind: MediaKind,
        media_id: str,
        *,
        at: datetime,
        mime_type: str | None = None,
        sha256: str | None = None,
        caption: str | None = None,
        filename: str | None = None,
        message_id: str | None = None,
        reply_to: str | None = None,
    ) -> JsonObject:
        """An image, audio, voice message, video, document or sticker with a media id of the Graph stand-in."""
        content: JsonObject = {
            "id": media_id,
            "mime_type": mime_type or _MIME[kind],
            "sha256": sha256 or hashlib.sha256(media_id.encode()).hexdigest(),
        }
        if caption and kind in {"image", "video", "document"}:
            content["caption"] = caption
        if filename and kind == "document":
            content["filename"] = filename
        if kind in {"audio", "voice"}:
            content["voice"] = kind == "voice"
        if kind == "sticker":
            content["animated"] = False
        wire = "audio" if kind == "voice" else kind
        return self._message({"type": wire, wire: content}, at, message_id, reply_to)

    def location(
        self,
        latitude: float,
        longitude: float,
        *,
        at: datetime,
        name: str | None = None,
        address: str | None = None,
        message_id: str | None = None,
        reply_to: str | None = None,
    ) -> JsonObject:
        """A place."""
        place: JsonObject = {"latitude": latitude, "longitude": longitude}
        place.update({key: value for key, value in (("name", name), ("address", address)) if value})
        return self._message({"type": "location", "location": place}, at, message_id, reply_to)

    def contacts(self, cards: Sequence[tuple[str, str]], *, at: datetime, message_id: str | None = None) -> JsonObject:
        """Contact cards, each a name and a phone."""
        shared = [
            {"name": {"formatted_name": name, "first_name": name}, "phones": [{"phone": phone, "type": "CELL"}]}
            for name, phone in cards
        ]
        return self._message({"type": "contacts", "contacts": shared}, at, message_id, None)

    def reaction(self, emoji: str, target: str, *, at: datetime, message_id: str | None = None) -> JsonObject:
        """An emoji on ``target``; an empty one takes it back."""
        reaction = {"message_id": target, **({"emoji": emoji} if emoji else {})}
        return self._message({"type": "reaction", "reaction": reaction}, at, message_id, None)

    def edit(self, target: str, body: str, *, at: datetime, message_id: str | None = None) -> JsonObject:
        """The text of ``target`` was changed."""
        edit = {"original_message_id": target, "message": {"type": "text", "text": {"body": body}}}
        return self._message({"type": "edit", "edit": edit}, at, message_id, None)

    def revoke(self, target: str, *, at: datetime, message_id: str | None = None) -> JsonObject:
        """``target`` was deleted for everyone."""
        return self._message({"type": "revoke", "revoke": {"original_message_id": target}}, at, message_id, None)

    def unsupported(self, *, at: datetime, message_id: str | None = None) -> JsonObject:
        """Something the Cloud API doesn't pass on."""
        error = {
            "code": 131051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        }
        return self._message({"type": "unsupported", "errors": [error]}, at, message_id, None)

    def number_changed(self, new_wa_id: str, *, at: datetime, message_id: str | None = None) -> JsonObject:
        """The person moved to another number."""
        old = self.person.wa_id or ""
        system = {
            "body": f"User {self.person.name} changed from {old} to {new_wa_id}",
            "wa_id": new_wa_id,
            "type": "user_changed_number",
        }
        return self._message({"type": "system", "system": system}, at, message_id, None)

    def status(
        self,
        message_id: str,
        word: StatusWord,
        *,
        at: datetime,
        callback_data: str | None = None,
        error_code: int = 131026,
    ) -> JsonObject:
        """What became of a message of ours; ``error_code`` is for *failed*."""
        status: JsonObject = {"id": message_id, "status": word, "timestamp": _stamp(at)}
        if self.person.wa_id:
            status["recipient_id"] = self.person.wa_id
        if self.person.bsuid:
            status["recipient_user_id"] = self.person.bsuid
        if callback_data is not None:
            status["biz_opaque_callback_data"] = callback_data
        if word == "failed":
            title = _TITLES.get(error_code, "Something went wrong")
            status["errors"] = [
                {"code": error_code, "title": title, "message": title, "error_data": {"details": title}}
            ]
        else:
            status["pricing"] = {
                "billable": False,
                "pricing_model": "PMP",
                "category": "service",
                "type": "free_customer_service",
            }
        return self.envelope({"statuses": [status]})

    def statuses(self, message_id: str, *, at: datetime, callback_data: str | None = None) -> list[JsonObject]:
        """sent, delivered and read, one delivery each."""
        words: tuple[StatusWord, ...] = ("sent", "delivered", "read")
        return [self.status(message_id, word, at=at, callback_data=callback_data) for word in words]

    def envelope(self, value: JsonObject, *, field: str = "messages") -> JsonObject:
        """Any value as a whole delivery for this account."""
        metadata = {
            "display_phone_number": self.account.display_phone_number,
            "phone_number_id": self.account.phone_number_id,
        }
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": self.account.business_account_id, "changes": [{"value": whole, "field": field}]}],
        }

    def with_person(self, person: Person) -> Simulator:
        """The same account with another person."""
        return Simulator(self.account, person)

    def _message(self, content: JsonObject, at: datetime, message_id: str | None, reply_to: str | None) -> JsonObject:
        person = self.person
        message: JsonObject = {"id": message_id or new_wamid(person.wa_id), "timestamp": _stamp(at), **content}
        contact: JsonObject = {"profile": {"name": person.name}} if person.name else {"profile": {}}
        if person.username:
            contact["profile"]["username"] = person.username
        if person.wa_id:
            message["from"] = contact["wa_id"] = person.wa_id
        if person.bsuid:
            message["from_user_id"] = contact["user_id"] = person.bsuid
        if reply_to:
            message["context"] = {"from": self.account.display_phone_number, "id": reply_to}
        if content["type"] == "system":
            return self.envelope({"messages": [message]})
        return self.envelope({"contacts": [contact], "messages": [message]})


def merged(*deliveries: JsonObject) -> JsonObject:
    """Several deliveries as one batch, entry after entry."""
    entries = [entry for delivery in deliveries for entry in delivery["entry"]]
    return {"object": "whatsapp_business_account", "entry": entries}


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


async def deliver(url: str, body: JsonObject, app_secret: str, *, client: httpx.AsyncClient | None = None) -> Delivered:
    """POST a delivery to a webhook, signed as Meta signs. Raises ``httpx.HTTPError`` when it can't be reached."""
    data = orjson.dumps(body)
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(data, app_secret)}
    if client is not None:
        response = await client.post(url, content=data, headers=headers)
        return Delivered(response.status_code, response.content)
    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as own:
        response = await own.post(url, content=data, headers=headers)
    return Delivered(response.status_code, response.content)


def graph_answer(body: JsonObject, *, message_id: str | None = None, wa_id: str | None = None) -> JsonObject:
    """What Graph answers to a send it takes (``{"success": true}`` to a mark-as-read)."""
    if "status" in body:
        return {"success": True}
    address = body.get("to") or body.get("recipient") or ""
    contact: JsonObject = {"input": address}
    if body.get("to"):
        contact["wa_id"] = wa_id or "".join(filter(str.isdigit, str(address))) or address
    if body.get("recipient"):
        contact["user_id"] = body["recipient"]
    message = {"id": message_id or new_wamid(str(address))}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def graph_refusal(
    complaints: Sequence[str], *, code: int = 131009, title: str = "Parameter value is not valid"
) -> JsonObject:
    """What Graph answers (with HTTP 400) to a send it refuses."""
    return {
        "error": {
            "message": f"(#{code}) {title}",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": "; ".join(complaints)},
            "fbtrace_id": secrets.token_urlsafe(12),
        }
    }


def with_username(person: Person, username: str) -> Person:
    """The person after choosing a username: the phone number is hidden from then on."""
    return replace(person, username=username, wa_id=None)


def decoded(body: bytes) -> Any:
    """JSON of a request the stand-in received; ``None`` when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def delivery_client() -> httpx.AsyncClient:
    """A client for :func:`deliver` that keeps its connections; made and closed inside one event loop."""
    return httpx.AsyncClient(timeout=10.0, trust_env=False, transport=default_transport())


async def try_deliver(url: str, body: JsonObject, app_secret: str, *, client: httpx.AsyncClient | None = None) -> int:
    """As :func:`deliver`, answering the HTTP status, or 0 when the webhook can't be reached."""
    try:
        return (await deliver(url, body, app_secret, client=client)).status_code
    except httpx.HTTPError:
        return 0
