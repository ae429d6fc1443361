"""Messages that don't wait for an answer: text, media, location, link button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytake_app.engine.content import ContentHeader, CtaUrlContent, LocationContent, MediaContent, TextContent
from pytake_app.engine.limits import WA_BUTTONS_BODY, WA_CAPTION, WA_CTA_TITLE, WA_FOOTER, WA_HEADER, WA_TEXT_BODY
from pytake_app.engine.nodes.base import PORT_ERROR, PORT_NEXT, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.facts import Sends
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit

HeaderKind = Literal["none", "text", "image", "video", "document"]
HEADER_KINDS = ("none", "text", "image", "video", "document")
MEDIA_HEADER: list[str] = ["image", "video", "document"]


class TextConfig(Config):
    """A text message. ``typing_seconds``: show *typing…* so long before it."""

    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_TEXT_BODY, translate="text")
    preview_url: bool = setting(False, widget="switch", advanced=True)
    typing_seconds: float = setting(0, widget="number", ge=0, le=25, advanced=True)


class MediaConfig(Config):
    """One file, uploaded (``media_id``) or by link (``url``)."""

    kind: Literal["image", "video", "audio", "document", "sticker"] = setting(
        "image", widget="select", options=("image", "video", "audio", "document", "sticker")
    )
    media_id: str | None = setting(None, widget="media")
    url: str = setting("", variables=True, max=2000, translate="may", beside="media_id")
    caption: str = setting(
        "",
        widget="textarea",
        variables=True,
        max=WA_CAPTION,
        show_if={"kind": ["image", "video", "document"]},
        translate="text",
    )
    filename: str = setting("", variables=True, max=240, show_if={"kind": ["document"]}, translate="may")


class LocationConfig(Config):
    """A place on the map; coordinates in decimal degrees, as texts so that variables can be used."""

    latitude: str = setting("", required=True, variables=True)
    longitude: str = setting("", required=True, variables=True)
    name: str = setting("", variables=True, max=1000, translate="may")
    address: str = setting("", variables=True, max=1000, translate="may")


class CtaUrlConfig(Config):
    """A text with one button that opens a link."""

    header: str = setting("", variables=True, max=WA_HEADER, advanced=True, translate="text")
    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_BUTTONS_BODY, translate="text")
    footer: str = setting("", variables=True, max=WA_FOOTER, advanced=True, translate="text")
    display_text: str = setting("", required=True, variables=True, max=WA_CTA_TITLE, translate="text")
    url: str = setting("", required=True, variables=True, max=2000, translate="may")


def send_ports(_config: Config) -> list[Port]:
    """Ports of a message that doesn't wait."""
    return [PORT_NEXT, PORT_ERROR]


def after_send(visit: Visit) -> Go:
    """Leave a message node: a text that failed leaves through ``error`` if that is wired."""
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    return Go("next", "sent")


def skipped(visit: Visit) -> Go:
    """Leave a message node that has nothing to send."""
    visit.error("empty_message", "nothing to send after rendering")
    if visit.has("error"):
        return Go("error", "nothing to send")
    return Go("next", "nothing to send")


@dataclass(frozen=True, slots=True)
class _Text:
    body: Template
    preview_url: bool
    typing_ms: int


def _prepare_text(config: TextConfig, texts: TemplateCompiler) -> _Text:
    return _Text(texts(config.body), config.preview_url, int(config.typing_seconds * 1000))


def _run_text(visit: Visit, prepared: _Text) -> Go:
    body = visit.clipped(prepared.body, WA_TEXT_BODY)
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not body.strip():
        return skipped(visit)
    visit.send(TextContent(body=body, preview_url=prepared.preview_url, typing_ms=prepared.typing_ms))
    return Go("next", "sent")


@dataclass(frozen=True, slots=True)
class _Media:
    config: MediaConfig
    url: Template
    caption: Template
    filename: Template


def _prepare_media(config: MediaConfig, texts: TemplateCompiler) -> _Media:
    return _Media(config, texts(config.url), texts(config.caption), texts(config.filename))


def _run_media(visit: Visit, prepared: _Media) -> Go:
    config = prepared.config
    url = visit.text(prepared.url).strip()
    captioned = config.kind in ("image", "video", "document")
    caption = visit.clipped(prepared.caption, WA_CAPTION) if captioned else ""
    filename = visit.text(prepared.filename).strip() if config.kind == "document" else ""
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not config.media_id and not url.startswith(("https://", "http://")):
        return skipped(visit)
    visit.send(
        MediaContent(
            kind=config.kind,
            url=None if config.media_id else url,
            media_id=config.media_id or None,
            caption=caption,
            filename=filename or None,
        )
    )
    return Go("next", "sent")


def _check_media(config: MediaConfig) -> list[ConfigIssue]:
    if not config.media_id and not config.url.strip():
        return [ConfigIssue("missing_media", "/url")]
    if config.url and "{{" not in config.url and not config.url.startswith(("https://", "http://")):
        return [ConfigIssue("invalid_url", "/url", params={"url": config.url[:80]})]
    return []


@dataclass(frozen=True, slots=True)
class _Location:
    latitude: Template
    longitude: Template
    name: Template
    address: Template


def _prepare_location(config: LocationConfig, texts: TemplateCompiler) -> _Location:
    return _Location(texts(config.latitude), texts(config.longitude), texts(config.name), texts(config.address))


def _degrees(text: str, limit: float) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) <= limit else None


def _run_location(visit: Visit, prepared: _Location) -> Go:
    latitude = _degrees(visit.text(prepared.latitude), 90)
    longitude = _degrees(visit.text(prepared.longitude), 180)
    if latitude is None or longitude is None:
        visit.error("invalid_value", "latitude or longitude is no number of degrees")
        return Go("error" if visit.has("error") else "next", "no usable coordinates")
    name, address = visit.text(prepared.name), visit.text(prepared.address)
    visit.send(LocationContent(latitude=latitude, longitude=longitude, name=name, address=address))
    return after_send(visit)


def _check_location(config: LocationConfig) -> list[ConfigIssue]:
    return [
        ConfigIssue("invalid_coordinate", f"/{name}", params={"value": text[:40]})
        for name, text, limit in (("latitude", config.latitude, 90), ("longitude", config.longitude, 180))
        if text.strip() and "{{" not in text and _degrees(text, limit) is None
    ]


@dataclass(frozen=True, slots=True)
class _CtaUrl:
    header: Template
    body: Template
    footer: Template
    display_text: Template
    url: Template


def _prepare_cta(config: CtaUrlConfig, texts: TemplateCompiler) -> _CtaUrl:
    return _CtaUrl(
        texts(config.header), texts(config.body), texts(config.footer), texts(config.display_text), texts(config.url)
    )


def _run_cta(visit: Visit, prepared: _CtaUrl) -> Go:
    body = visit.clipped(prepared.body, WA_BUTTONS_BODY)
    display = visit.clipped(prepared.display_text, WA_CTA_TITLE)
    url = visit.text(prepared.url).strip()
    header, footer = visit.clipped(prepared.header, WA_HEADER), visit.clipped(prepared.footer, WA_FOOTER)
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not body.strip() or not display.strip() or not url.startswith(("https://", "http://")):
        return skipped(visit)
    visit.send(
        CtaUrlContent(
            header=ContentHeader(text=header) if header else None,
            body=body,
            footer=footer,
            display_text=display,
            url=url,
        )
    )
    return Go("next", "sent")


def _check_cta(config: CtaUrlConfig) -> list[ConfigIssue]:
    if config.url and "{{" not in config.url and not config.url.startswith(("https://", "http://")):
        return [ConfigIssue("invalid_url", "/url", params={"url": config.url[:80]})]
    return []


def _sends_text(config: TextConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("text", typing=config.typing_seconds > 0)]


def _sends_media(config: MediaConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("media", pointer="/caption", media=config.kind, by_link=not config.media_id)]


def _sends_location(_config: LocationConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("location", pointer="/name")]


def _sends_cta(_config: CtaUrlConfig, _wired: frozenset[str]) -> list[Sends]:
    return [Sends("cta_url")]


MSG_TEXT = NodeType(
    type="msg_text", group="message", icon="message-square", aliases=("message", "text", "send_message"),
    config_model=TextConfig, ports=send_ports, prepare=_prepare_text, run=_run_text, sends=_sends_text,
    summary_field="body",
    default_config={"body": ""},
)  # fmt: skip
MSG_MEDIA = NodeType(
    type="msg_media", group="message", icon="image", aliases=("media", "image"), config_model=MediaConfig,
    ports=send_ports, prepare=_prepare_media, run=_run_media, check=_check_media, sends=_sends_media,
    summary_field="caption",
    default_config={"kind": "image", "url": "", "caption": ""},
)  # fmt: skip
MSG_LOCATION = NodeType(
    type="msg_location", group="message", icon="map-pin", config_model=LocationConfig, ports=send_ports,
    prepare=_prepare_location, run=_run_location, check=_check_location, sends=_sends_location,
    summary_field="name",
    default_config={"latitude": "", "longitude": "", "name": "", "address": ""},
)  # fmt: skip
MSG_CTA_URL = NodeType(
    type="msg_cta_url", group="message", icon="external-link", config_model=CtaUrlConfig, ports=send_ports,
    prepare=_prepare_cta, run=_run_cta, check=_check_cta, sends=_sends_cta, summary_field="body",
    default_config={"body": "", "display_text": "", "url": ""},
)  # fmt: skip
