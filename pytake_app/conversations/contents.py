"""From what a person wants to send to the channels' content, checked before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session, col

from pytake_app.channels.capabilities import Capabilities, capabilities_of, degrade
from pytake_app.channels.content import OutboundContent, parse_content
from pytake_app.channels.errors import RenderError
from pytake_app.conversations import repository
from pytake_app.conversations.message_schemas import (
    ContactsBody,
    InteractiveBody,
    LinkBody,
    LocationBody,
    MediaBody,
    MessageBody,
    ReactionBody,
    TemplateBody,
    TextBody,
)
from pytake_app.conversations.models import Conversation
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import scoped
from pytake_app.messaging.content import channel_content, readable
from pytake_app.messaging.library import TYPES
from pytake_app.messaging.models import MediaAsset
from pytake_app.messaging.platforms import PLATFORMS, recipient_of

JsonObject = dict[str, Any]

VOICE_TYPE = "audio/ogg"
"""Voice notes are Ogg with Opus (Cloud API, Media: "OGG, opus codecs only")."""


@dataclass(frozen=True, slots=True)
class Sendable:
    """What is sent: the channels' content, how it reads in a list, and the file of it as messages show theirs."""

    content: JsonObject
    text: str
    media: JsonObject | None = field(default=None)


def sendable(session: Session, conversation: Conversation, body: MessageBody, recipient: str) -> Sendable:
    """The content, as the channel would take it.

    Raises:
        InvalidError: `kind_not_supported`: the channel doesn't know this kind; `media_unknown`, `voice_type`; otherwise
            the errors name the member and the channel's limit.
    """
    media: JsonObject | None = None
    if isinstance(body, MediaBody):
        content, media = _media(session, body)
    else:
        content = _content(session, conversation, body)
    try:
        parsed = parse_content(content)
    except ValidationError as error:
        found = [
            FieldError("/message/" + "/".join(str(part) for part in one["loc"][1:]), one["msg"], one["type"])
            for one in error.errors()
        ]
        raise InvalidError("The message can't be sent like this.", errors=found) from error
    shown = _refuse_unknown(conversation, parsed)
    _refuse_unrenderable(conversation, shown, recipient)
    # What the channel can't show goes as what it can (a list as numbered lines).
    kept = content if shown == parsed else shown.model_dump(mode="json", exclude_none=True)
    return Sendable(kept, _readable(body, content), media)


def _refuse_unknown(conversation: Conversation, content: OutboundContent) -> OutboundContent:
    row = capabilities_of(conversation.channel) or Capabilities()
    try:
        instead = degrade(content, row)
    except RenderError as error:
        raise _unsupported(conversation.channel) from error
    if not instead:
        raise _unsupported(conversation.channel)
    return instead[0]


def _unsupported(channel: str) -> InvalidError:
    return InvalidError(
        f"A message of this kind can't be sent on {channel}.",
        errors=[FieldError("/message/type", "not known to the channel", "kind_not_supported")],
        code="kind_not_supported",
    )


def _refuse_unrenderable(conversation: Conversation, content: OutboundContent, recipient: str) -> None:
    platform = PLATFORMS.get(conversation.channel)
    if platform is None:
        return
    try:
        platform.render(content, recipient_of(recipient), reply_to=None, callback_data=None)
    except RenderError as error:
        pointer = "/message/" + error.field.replace("[", "/").replace("]", "").replace(".", "/")
        params: dict[str, str | int] = {"field": error.field, "limit": error.limit or 0, "actual": error.actual or 0}
        found = FieldError(pointer, str(error), error.code, key=error.i18n_key, params=params)
        raise InvalidError("The channel would refuse this message.", errors=[found], code="not_renderable") from error


def _content(session: Session, conversation: Conversation, body: MessageBody) -> JsonObject:
    if isinstance(body, InteractiveBody | LinkBody | TemplateBody) and body.header is not None:
        _refuse_unknown_file(session, body.header.media_id)
    match body:
        case TextBody():
            return {"type": "text", "body": body.text, "preview_url": body.preview_url}
        case TemplateBody():
            content = body.model_dump(mode="json", exclude_none=True)
            return channel_content(content) if body.header or body.named_body or body.buttons else {
                "type": "template", "name": body.name, "language": body.language, "body": body.body
            }  # fmt: skip
        case InteractiveBody():
            given = body.model_dump(mode="json", exclude_none=True, exclude={"type", "buttons", "button", "sections"})
            if body.buttons:
                return channel_content({**given, "type": "buttons", "buttons": [b.model_dump() for b in body.buttons]})
            sections = [section.model_dump(exclude_none=True) for section in body.sections]
            return channel_content({**given, "type": "list", "button": body.button, "sections": sections})
        case LinkBody():
            return channel_content(body.model_dump(mode="json", exclude_none=True))
        case LocationBody():
            return body.model_dump(mode="json", exclude_none=True)
        case ContactsBody():
            return {
                "type": "contacts",
                "contacts": [c.model_dump(mode="json", exclude_none=True) for c in body.contacts],
            }
        case ReactionBody():
            target = external_id_of(session, conversation, body.message_id, "/message/message_id")
            return {"type": "reaction", "message_external_id": target, "emoji": body.emoji}
        case _:
            raise AssertionError("media are made elsewhere")


def _refuse_unknown_file(session: Session, media_id: str | None) -> None:
    """A header's file is one of ours by its UUID, or the platform's own by another id."""
    try:
        ours = UUID(media_id or "")
    except ValueError:
        return
    _file(session, ours, "/message/header/media_id")


def _file(session: Session, media_id: UUID, pointer: str) -> MediaAsset:
    asset: MediaAsset | None = session.exec(scoped(session, MediaAsset).where(col(MediaAsset.id) == media_id)).first()
    if asset is None or not asset.path:
        error = FieldError(pointer, "no such file", "unknown")
        raise InvalidError("There is no such file; upload it first.", errors=[error], code="media_unknown")
    return asset


def _media(session: Session, body: MediaBody) -> tuple[JsonObject, JsonObject]:
    asset = _file(session, body.media_id, "/message/media_id")
    kind = "document" if body.as_document else TYPES.get(asset.mime_type, "document")
    if body.voice and asset.mime_type != VOICE_TYPE:
        error = FieldError("/message/voice", "not Ogg with Opus", "voice_type")
        raise InvalidError("A voice note must be Ogg with Opus.", errors=[error], code="voice_type")
    name = body.filename or asset.filename
    content: JsonObject = {"type": "media", "kind": kind, "media_id": str(asset.id)}
    if body.caption and kind not in ("audio", "sticker"):
        content["caption"] = body.caption
    if kind == "document" and name:
        content["filename"] = name
    if body.voice:
        content["voice"] = True
    view = {
        "id": str(asset.id),
        "mime_type": asset.mime_type,
        "filename": name,
        "sha256": asset.sha256,
        "url": f"/api/v1/media/{asset.id}",
        "voice": body.voice,
    }
    return content, view


def external_id_of(session: Session, conversation: Conversation, message_id: UUID, pointer: str) -> str:
    """The platform's id of a message of this conversation, to quote it or react to it.

    Raises:
        InvalidError: it is none of this conversation, or has not been sent yet.
    """
    found = repository.messages_by_id(session, [message_id])
    if not found or found[0].conversation_id != conversation.id:
        error = FieldError(pointer, "not a message of this conversation", "unknown")
        raise InvalidError("The quoted message is not in this conversation.", errors=[error])
    if found[0].external_id is None:
        error = FieldError(pointer, "not sent yet", "not_sent")
        raise InvalidError("The message has not reached the platform yet.", errors=[error], code="not_sent_yet")
    return found[0].external_id


def _readable(body: MessageBody, content: JsonObject) -> str:
    match body:
        case TextBody():
            return body.text
        case TemplateBody():
            values = [*body.body, *body.named_body.values()]
            return body.name if not values else f"{body.name}: {', '.join(values)}"
        case InteractiveBody():
            return body.body
        case ContactsBody():
            return ", ".join(card.name.formatted_name for card in body.contacts)
        case _:
            return readable(content)
