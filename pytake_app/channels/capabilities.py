"""What each channel can show (product's matrix, as data) and how content degrades where it can't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pytake_app.channels.content import (
    ButtonsContent,
    ContactsContent,
    CtaUrlContent,
    FormContent,
    ListContent,
    LocationContent,
    LocationRequestContent,
    MediaContent,
    OutboundContent,
    ReactionContent,
    TemplateContent,
    TextContent,
)
from pytake_app.channels.errors import RenderError

LengthUnits = Literal["code_points", "utf16", "bytes"]
ButtonSupport = Literal["no", "yes", "quick_replies"]
StatusSupport = Literal["no", "sent_only", "full"]
ChannelKind = Literal[
    "whatsapp",
    "instagram",
    "messenger",
    "telegram",
    "webchat",
    "sms",
    "email",
    "discord",
    "slack",
    "rcs",
    "teams",
    "linkedin",
]

CHANNEL_KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)


@dataclass(slots=True, frozen=True)
class Capabilities:
    """What a channel shows natively.

    The first nine rows are the product's matrix. ``document``, ``sticker``, ``lists``, ``reactions``, ``forms``,
    ``cta_url`` and ``location_request`` are those parts of the catalogue which only some platforms know.
    ``service_window_hours`` is how long free-form messages may follow a contact's message (``None``: always).
    ``max_text`` is the longest text of one message in ``units``, ``max_button_title`` that of a button in characters
    (``None``: the platform names none), as the platforms' references of sending say. ``max_rows``: rows of a list.
    """

    text: bool = True
    image: bool = False
    video: bool = False
    audio: bool = False
    location: bool = False
    contacts: bool = False
    buttons: ButtonSupport = "no"
    templates: bool = False
    delivery_status: StatusSupport = "no"
    typing: bool = False
    document: bool = False
    sticker: bool = False
    lists: bool = False
    reactions: bool = False
    forms: bool = False
    cta_url: bool = False
    location_request: bool = False
    service_window_hours: int | None = None
    max_buttons: int = 0
    max_rows: int = 0
    max_text: int | None = None
    max_button_title: int | None = None
    units: LengthUnits = "code_points"

    def shows_media(self, kind: str) -> bool:
        """Whether media of ``kind`` (image, video, audio, document, sticker) is native."""
        return bool({"image": self.image, "video": self.video, "audio": self.audio, "document": self.document,
                     "sticker": self.sticker}.get(kind, False))  # fmt: skip


MATRIX: Mapping[ChannelKind, Capabilities] = {
    "whatsapp": Capabilities(
        image=True, video=True, audio=True, location=True, contacts=True, buttons="yes", templates=True,
        delivery_status="full", typing=True, document=True, sticker=True, lists=True, reactions=True, forms=True,
        cta_url=True, location_request=True, service_window_hours=24, max_buttons=3,
        max_rows=10, max_text=4096, max_button_title=20,
    ),
    "instagram": Capabilities(
        image=True, video=True, audio=True, buttons="quick_replies", typing=True, reactions=True,
        service_window_hours=24, max_buttons=13,
        max_text=1000, max_button_title=20, units="bytes",
    ),
    "messenger": Capabilities(
        image=True, video=True, audio=True, location=True, contacts=True, buttons="yes", templates=True,
        delivery_status="full", typing=True, document=True, service_window_hours=24, max_buttons=3,
        max_text=2000, max_button_title=20,
    ),
    "telegram": Capabilities(
        image=True, video=True, audio=True, location=True, contacts=True, buttons="yes",
        delivery_status="sent_only", typing=True, document=True, sticker=True, reactions=True, cta_url=True,
        location_request=True, max_buttons=100,
        max_text=4096, units="utf16",
    ),
    "webchat": Capabilities(
        image=True, video=True, audio=True, location=True, buttons="yes", templates=True, delivery_status="full",
        typing=True, document=True, lists=True, cta_url=True, max_buttons=10,
        max_rows=10,
    ),
    "sms": Capabilities(templates=True, delivery_status="full", max_text=1600),
    "email": Capabilities(image=True, video=True, templates=True, delivery_status="full", document=True),
    "discord": Capabilities(
        image=True, video=True, audio=True, buttons="yes", templates=True, delivery_status="sent_only",
        typing=True, document=True, reactions=True, cta_url=True, max_buttons=25,
        max_text=2000, max_button_title=80,
    ),
    "slack": Capabilities(
        image=True, video=True, buttons="yes", templates=True, delivery_status="sent_only", document=True,
        reactions=True, cta_url=True, max_buttons=25,
        max_text=40_000, max_button_title=75,
    ),
    "rcs": Capabilities(
        image=True, video=True, audio=True, location=True, buttons="yes", templates=True, delivery_status="full",
        typing=True, document=True, cta_url=True, location_request=True, max_buttons=11,
        max_text=3072, max_button_title=25,
    ),
    "teams": Capabilities(
        image=True, video=True, buttons="yes", templates=True, delivery_status="sent_only", typing=True,
        cta_url=True, max_buttons=6,
        max_text=28_672, units="bytes",
    ),
    "linkedin": Capabilities(image=True, video=True, delivery_status="sent_only"),
}  # fmt: skip
"""Product's capability matrix, one row a channel."""


def capabilities_of(channel: str) -> Capabilities | None:
    """What a channel shows; None for one that isn't known."""
    return {str(kind): row for kind, row in MATRIX.items()}.get(channel)


def numbered(options: list[str]) -> str:
    """Options as ``1. …`` lines, in order."""
    return "\n".join(f"{number}. {option}" for number, option in enumerate(options, start=1))


def _joined(*parts: str | None) -> str:
    return "\n\n".join(part for part in parts if part)


def _header_text(content: ButtonsContent | ListContent | CtaUrlContent | FormContent) -> str | None:
    header = content.header
    if header is None:
        return None
    return header.url or header.text or None


def option_ids(content: OutboundContent) -> list[str]:
    """Ids of the options in the order a numbered list shows them: answer ``2`` means the second."""
    match content:
        case ButtonsContent():
            return [button.id for button in content.buttons]
        case ListContent():
            return [row.id for section in content.sections for row in section.rows]
        case _:
            return []


def _buttons_as_text(content: ButtonsContent) -> TextContent:
    options = numbered([button.title for button in content.buttons])
    return TextContent(body=_joined(_header_text(content), content.body, options, content.footer))


def _list_as_text(content: ListContent) -> TextContent:
    lines: list[str] = []
    number = 0
    for section in content.sections:
        if section.title:
            lines.append(section.title)
        for row in section.rows:
            number += 1
            lines.append(f"{number}. {row.title}" + (f" - {row.description}" if row.description else ""))
    return TextContent(body=_joined(_header_text(content), content.body, "\n".join(lines), content.footer))


def _media_as_text(content: MediaContent) -> TextContent:
    if content.url is None:
        raise RenderError("media_id", "unsupported", detail="only a link can stand for media here")
    return TextContent(body=_joined(content.caption, content.url))


def _contacts_as_text(content: ContactsContent) -> TextContent:
    lines = [
        " - ".join([card.name.formatted_name, *(phone.phone for phone in card.phones)]) for card in content.contacts
    ]
    return TextContent(body="\n".join(lines))


def _location_as_text(content: LocationContent) -> TextContent:
    # geo: URIs (RFC 5870) open the phone's own map and need no foreign host.
    return TextContent(body=_joined(content.name, content.address, f"geo:{content.latitude},{content.longitude}"))


def degrade(content: OutboundContent, capabilities: Capabilities) -> list[OutboundContent]:
    """What to send instead of ``content`` on a channel with ``capabilities``, in order.

    Buttons and lists become numbered lists, media become links, cards and places become lines of text, the
    typing sign is dropped, a reaction becomes nothing (empty list). What the channel shows natively comes back
    unchanged. Raises :class:`RenderError` where no substitute exists (forms, templates, media without a link).
    """
    match content:
        case TextContent():
            if content.typing_ms and not capabilities.typing:
                return [content.model_copy(update={"typing_ms": 0})]
            return [content]
        case MediaContent():
            return [content if capabilities.shows_media(content.kind) else _media_as_text(content)]
        case ButtonsContent():
            native = capabilities.buttons != "no" and len(content.buttons) <= capabilities.max_buttons
            return [content if native else _buttons_as_text(content)]
        case ListContent():
            return [content if capabilities.lists else _list_as_text(content)]
        case CtaUrlContent():
            if capabilities.cta_url:
                return [content]
            link = f"{content.display_text}: {content.url}"
            return [TextContent(body=_joined(_header_text(content), content.body, link, content.footer))]
        case LocationContent():
            return [content if capabilities.location else _location_as_text(content)]
        case LocationRequestContent():
            return [content if capabilities.location_request else TextContent(body=content.body)]
        case ContactsContent():
            return [content if capabilities.contacts else _contacts_as_text(content)]
        case ReactionContent():
            return [content] if capabilities.reactions else []
        case FormContent():
            if not capabilities.forms:
                raise RenderError("form", "unsupported")
            return [content]
        case TemplateContent():
            if not capabilities.templates:
                raise RenderError("template", "unsupported")
            return [content]


def degradations(content: OutboundContent, capabilities: Capabilities) -> list[str]:
    """Stable words for what is lost (``buttons_as_numbers``…), for the verifier's warnings; empty when native."""
    found: list[str] = []
    try:
        result = degrade(content, capabilities)
    except RenderError:
        return [f"{content.type}_unsupported"]
    if not result:
        return [f"{content.type}_dropped"]
    if result == [content]:
        return found
    match content:
        case ButtonsContent() | ListContent():
            found.append(f"{content.type}_as_numbers")
        case MediaContent():
            found.append("media_as_link")
        case TextContent():
            found.append("typing_ignored")
        case _:
            found.append(f"{content.type}_as_text")
    return found
