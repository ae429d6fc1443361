"""How the messages of a preview look on a channel: its own degradation and its own renderer."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from pytake_app.channels.base import Recipient
from pytake_app.channels.capabilities import MATRIX, Capabilities, ChannelKind, degradations, degrade
from pytake_app.channels.content import OutboundContent, parse_content
from pytake_app.channels.errors import RenderError
from pytake_app.channels.registry import PLATFORMS
from pytake_app.engine.events import Event, MessageOut
from pytake_app.flows.preview_schemas import ShownMessage

_SOMEBODY = Recipient(external_id="5511987654321")


def shown(events: Sequence[Event], channel: ChannelKind, *, first: int = 0) -> list[ShownMessage]:
    """The messages among `events` that the channel shows in another way, or not at all; `first`: index of the first."""
    capabilities = MATRIX[channel]
    found: list[ShownMessage] = []
    for index, event in enumerate(events, first):
        if isinstance(event, MessageOut):
            seen = _message(event, capabilities, channel)
            if seen is not None:
                found.append(seen.model_copy(update={"event": index}))
    return found


def _message(event: MessageOut, capabilities: Capabilities, channel: ChannelKind) -> ShownMessage | None:
    try:
        content = parse_content(event.content.model_dump(mode="json"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "content"
        return ShownMessage(event=0, problem=f"{field}: invalid", problem_code="invalid")
    changes = degradations(content, capabilities)
    try:
        contents = degrade(content, capabilities)
        _render(contents, channel)
    except RenderError as error:
        return ShownMessage(event=0, changes=changes, problem=f"{error.field}: {error.code}", problem_code=error.code)
    if contents == [content]:
        return None
    return ShownMessage(event=0, contents=[one.model_dump(mode="json") for one in contents], changes=changes)


def _render(contents: Sequence[OutboundContent], channel: ChannelKind) -> None:
    """Ask the channel's adapter, where there is one, whether it would send this."""
    adapter = PLATFORMS.get(channel)
    for content in contents if adapter is not None else ():
        # A reaction answers a real message; here there is none to name.
        if adapter is not None and content.type != "reaction":
            adapter.render(content, _SOMEBODY)


def window_hours(channel: ChannelKind) -> int | None:
    """How long free-form messages may follow the contact's last one; None: always."""
    return MATRIX[channel].service_window_hours
