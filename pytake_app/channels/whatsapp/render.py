"""Content to Cloud API requests (``POST /{phone-number-id}/messages``), within Meta's documented limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, cast

from pytake_app.channels.base import JsonObject, OutboundRequest, Recipient
from pytake_app.channels.content import (
    ButtonsContent,
    ContactsContent,
    CtaUrlContent,
    FormContent,
    Header,
    ListContent,
    LocationContent,
    LocationRequestContent,
    MediaContent,
    MediaRef,
    OutboundContent,
    ReactionContent,
    TemplateComponent,
    TemplateContent,
    TemplateParameter,
    TextContent,
)
from pytake_app.channels.errors import RenderError
from pytake_app.channels.whatsapp import limits

_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_DATA_PARAMETERS = frozenset({"action", "date_time", "ttl_minutes", "tap_target_configuration", "product",
                              "limited_time_offer"})  # fmt: skip


def render(
    content: OutboundContent,
    to: Recipient,
    *,
    reply_to: str | None = None,
    callback_data: str | None = None,
) -> OutboundRequest:
    """The request that sends ``content``.

    ``reply_to`` is the wamid to quote, ``callback_data`` comes back in every status of the message.
    Raises :class:`RenderError` naming the member and the limit.
    """
    body: JsonObject = {"messaging_product": "whatsapp", **_recipient(to)}
    if reply_to and not isinstance(content, ReactionContent):
        body["context"] = {"message_id": reply_to}
    if callback_data is not None:
        body["biz_opaque_callback_data"] = _limited("callback_data", callback_data, limits.CALLBACK_DATA)
    body.update(_content(content))
    return OutboundRequest(path="messages", body=body)


def render_mark_read(external_id: str, *, typing: bool = False) -> OutboundRequest:
    """The request that marks a message read and, if asked, shows the typing sign (25 s at most)."""
    if not external_id:
        raise RenderError("message_id", "required")
    body: JsonObject = {"messaging_product": "whatsapp", "status": "read", "message_id": external_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return OutboundRequest(path="messages", body=body)


def _recipient(to: Recipient) -> JsonObject:
    if to.group_id:
        return {"recipient_type": "group", "to": to.group_id}
    if to.external_id:
        return {"recipient_type": "individual", "to": to.external_id}
    if to.bsuid:
        # People without a visible phone number are addressed by their business-scoped user id.
        return {"recipient_type": "individual", "recipient": to.bsuid}
    raise RenderError("to", "required")


def _content(content: OutboundContent) -> JsonObject:
    match content:
        case TextContent():
            body = _limited("body", content.body, limits.TEXT_BODY)
            return {"type": "text", "text": {"body": body, "preview_url": content.preview_url}}
        case MediaContent():
            return {"type": content.kind, content.kind: _media(content)}
        case ButtonsContent():
            return _interactive(_buttons(content))
        case ListContent():
            return _interactive(_list(content))
        case CtaUrlContent():
            return _interactive(_cta_url(content))
        case LocationRequestContent():
            return _interactive(
                {
                    "type": "location_request_message",
                    "body": {"text": _limited("body", content.body, limits.LOCATION_REQUEST_BODY)},
                    "action": {"name": "send_location"},
                }
            )
        case FormContent():
            return _interactive(_form(content))
        case LocationContent():
            return {"type": "location", "location": _location(content)}
        case ContactsContent():
            return {"type": "contacts", "contacts": _contacts(content)}
        case ReactionContent():
            target = _limited("message_external_id", content.message_external_id, limits.TEMPLATE_NAME)
            return {"type": "reaction", "reaction": {"message_id": target, "emoji": content.emoji}}
        case TemplateContent():
            return {"type": "template", "template": _template(content)}


def _interactive(interactive: JsonObject) -> JsonObject:
    return {"type": "interactive", "interactive": interactive}


def _limited(field: str, value: str | None, limit: int) -> str:
    """``value``, which must be there, not blank, and within ``limit`` characters."""
    if value is None or not value.strip():
        raise RenderError(field, "required")
    if len(value) > limit:
        raise RenderError(field, "too_long", limit=limit, actual=len(value))
    return value


def _link(field: str, value: str, limit: int = limits.CTA_URL) -> str:
    if len(value) > limit:
        raise RenderError(field, "too_long", limit=limit, actual=len(value))
    if _LINK.fullmatch(value) is None:
        raise RenderError(field, "invalid", detail="an http or https address is needed")
    return value


def _counted(field: str, items: Sequence[Any], limit: int) -> None:
    if not items:
        raise RenderError(field, "required")
    if len(items) > limit:
        raise RenderError(field, "too_many", limit=limit, actual=len(items))


def _unique(field: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise RenderError(field, "duplicate")


def _media(content: MediaContent) -> JsonObject:
    media: JsonObject = {"id": content.media_id} if content.media_id else {"link": _link("url", content.url or "")}
    if content.caption:
        if content.kind in {"audio", "sticker"}:
            raise RenderError("caption", "unsupported", detail=f"{content.kind} has no caption")
        media["caption"] = _limited("caption", content.caption, limits.CAPTION)
    if content.filename and content.kind == "document":
        media["filename"] = content.filename
    if content.voice and content.kind == "audio":
        media["voice"] = True
    return media


def _reference(field: str, media: MediaRef, *, filename: bool) -> JsonObject:
    result: JsonObject = {"id": media.media_id} if media.media_id else {"link": _link(f"{field}.url", media.url or "")}
    if filename and media.filename:
        result["filename"] = media.filename
    return result


def _framed(
    kind: str, header: Header | None, body: str, footer: str | None, body_limit: int, *, text_header_only: bool = False
) -> JsonObject:
    """Header, body and footer of an interactive message."""
    framed: JsonObject = {"type": kind}
    if header is not None:
        reference = header.media
        if reference is None:
            framed["header"] = {"type": "text", "text": _limited("header.text", header.text, limits.HEADER_TEXT)}
        elif text_header_only:
            raise RenderError("header", "unsupported", detail="only a text header is shown here")
        else:
            media = _reference("header", reference, filename=header.type == "document")
            framed["header"] = {"type": header.type, header.type: media}
    framed["body"] = {"text": _limited("body", body, body_limit)}
    if footer:
        framed["footer"] = {"text": _limited("footer", footer, limits.FOOTER)}
    return framed


def _buttons(content: ButtonsContent) -> JsonObject:
    _counted("buttons", content.buttons, limits.BUTTONS_COUNT)
    _unique("buttons.id", [button.id for button in content.buttons])
    _unique("buttons.title", [button.title for button in content.buttons])
    framed = _framed("button", content.header, content.body, content.footer, limits.BUTTONS_BODY)
    framed["action"] = {
        "buttons": [
            {
                "type": "reply",
                "reply": {
                    "id": _limited(f"buttons[{index}].id", button.id, limits.BUTTON_ID),
                    "title": _limited(f"buttons[{index}].title", button.title, limits.BUTTON_TITLE),
                },
            }
            for index, button in enumerate(content.buttons)
        ]
    }
    return framed


def _list(content: ListContent) -> JsonObject:
    _counted("sections", content.sections, limits.LIST_SECTIONS)
    rows = [row for section in content.sections for row in section.rows]
    _counted("rows", rows, limits.LIST_ROWS)
    _unique("rows.id", [row.id for row in rows])
    framed = _framed("list", content.header, content.body, content.footer, limits.LIST_BODY, text_header_only=True)
    sections = []
    for number, section in enumerate(content.sections):
        path = f"sections[{number}]"
        _counted(f"{path}.rows", section.rows, limits.LIST_ROWS)
        rendered: JsonObject = {}
        if section.title or len(content.sections) > 1:
            rendered["title"] = _limited(f"{path}.title", section.title, limits.SECTION_TITLE)
        rendered["rows"] = []
        for index, row in enumerate(section.rows):
            at = f"{path}.rows[{index}]"
            item = {
                "id": _limited(f"{at}.id", row.id, limits.ROW_ID),
                "title": _limited(f"{at}.title", row.title, limits.ROW_TITLE),
            }
            if row.description:
                item["description"] = _limited(f"{at}.description", row.description, limits.ROW_DESCRIPTION)
            rendered["rows"].append(item)
        sections.append(rendered)
    framed["action"] = {"button": _limited("button", content.button, limits.LIST_BUTTON), "sections": sections}
    return framed


def _cta_url(content: CtaUrlContent) -> JsonObject:
    framed = _framed("cta_url", content.header, content.body, content.footer, limits.CTA_BODY)
    framed["action"] = {
        "name": "cta_url",
        "parameters": {
            "display_text": _limited("display_text", content.display_text, limits.CTA_TITLE),
            "url": _link("url", content.url),
        },
    }
    return framed


def _form(content: FormContent) -> JsonObject:
    framed = _framed("flow", content.header, content.body, content.footer, limits.FORM_BODY)
    parameters: JsonObject = {"flow_message_version": "3"}
    if content.flow_id:
        parameters["flow_id"] = content.flow_id
    else:
        parameters["flow_name"] = content.flow_name
    parameters["flow_cta"] = _limited("cta", content.cta, limits.FORM_CTA)
    if content.flow_token:
        parameters["flow_token"] = content.flow_token
    if content.mode:
        parameters["mode"] = content.mode
    if content.action:
        parameters["flow_action"] = content.action
    if content.screen:
        if content.action == "data_exchange":
            raise RenderError("screen", "unsupported", detail="with data_exchange the endpoint chooses the screen")
        payload: JsonObject = {"screen": content.screen}
        if content.data:
            payload["data"] = content.data
        parameters.setdefault("flow_action", "navigate")
        parameters["flow_action_payload"] = payload
    framed["action"] = {"name": "flow", "parameters": parameters}
    return framed


def _location(content: LocationContent) -> JsonObject:
    place: JsonObject = {"latitude": content.latitude, "longitude": content.longitude}
    if content.name:
        place["name"] = content.name
    if content.address:
        place["address"] = content.address
    return place


def _contacts(content: ContactsContent) -> list[JsonObject]:
    if not content.contacts:
        raise RenderError("contacts", "required")
    cards = []
    for index, card in enumerate(content.contacts):
        _limited(f"contacts[{index}].name.formatted_name", card.name.formatted_name, limits.CAPTION)
        rendered = card.model_dump(exclude_none=True, exclude_defaults=True)
        rendered["name"] = card.name.model_dump(exclude_none=True)
        if len(rendered["name"]) == 1:
            # Meta wants one more member of the name beside formatted_name.
            rendered["name"]["first_name"] = card.name.formatted_name
        cards.append(rendered)
    return cards


def _template(content: TemplateContent) -> JsonObject:
    template: JsonObject = {
        "name": _limited("name", content.name, limits.TEMPLATE_NAME),
        "language": {"code": _limited("language", content.language, limits.TEMPLATE_LANGUAGE)},
    }
    components = [*_plain_components(content), *content.components]
    if components:
        template["components"] = _components("components", components)
    return template


def _plain_components(content: TemplateContent) -> list[TemplateComponent]:
    """The header, body and buttons of a template as components."""
    result = []
    header = content.header
    if header is not None:
        media = header.media
        if media is None:
            value = TemplateParameter(type="text", name=content.header_name or None, value=header.text)
        else:
            kind = cast("Literal['image', 'video', 'document']", header.type)
            value = TemplateParameter(type=kind, media=media)
        result.append(TemplateComponent(type="header", parameters=[value]))
    if content.body and content.named_body:
        raise RenderError("named_body", "invalid", detail="a template is either positional or named")
    values = [TemplateParameter(value=item) for item in content.body]
    values += [TemplateParameter(name=name, value=item) for name, item in content.named_body.items()]
    if values:
        result.append(TemplateComponent(type="body", parameters=values))
    for button in content.buttons:
        parameter = TemplateParameter(type=_BUTTON_PARAMETERS[button.kind], value=button.value)
        result.append(
            TemplateComponent(type="button", sub_type=button.kind, index=button.index, parameters=[parameter])
        )
    return result


_BUTTON_PARAMETERS: dict[str, Literal["payload", "text", "coupon_code"]] = {
    "quick_reply": "payload",
    "url": "text",
    "copy_code": "coupon_code",
}


def _components(path: str, components: list[TemplateComponent]) -> list[JsonObject]:
    rendered = []
    _counted_buttons(path, components)
    for index, component in enumerate(components):
        at = f"{path}[{index}]"
        item: JsonObject = {"type": component.type}
        if component.type == "button":
            item["sub_type"] = _limited(f"{at}.sub_type", component.sub_type, limits.TEMPLATE_NAME)
            if component.index is not None:
                item["index"] = component.index
        if component.type == "header" and len(component.parameters) > limits.TEMPLATE_HEADER_VARIABLES:
            raise RenderError(
                f"{at}.parameters",
                "too_many",
                limit=limits.TEMPLATE_HEADER_VARIABLES,
                actual=len(component.parameters),
            )
        if component.type == "carousel":
            _counted(f"{at}.cards", component.cards, limits.CAROUSEL_CARDS_MAX)
            if len(component.cards) < limits.CAROUSEL_CARDS_MIN:
                raise RenderError(f"{at}.cards", "too_few", limit=limits.CAROUSEL_CARDS_MIN, actual=1)
            item["cards"] = [
                {
                    "card_index": card.index,
                    "components": _components(f"{at}.cards[{number}].components", card.components),
                }
                for number, card in enumerate(component.cards)
            ]
        else:
            item["parameters"] = [
                _parameter(f"{at}.parameters[{number}]", parameter)
                for number, parameter in enumerate(component.parameters)
            ]
        rendered.append(item)
    return rendered


def _counted_buttons(path: str, components: list[TemplateComponent]) -> None:
    buttons = sum(component.type == "button" for component in components)
    if buttons > limits.TEMPLATE_BUTTONS:
        raise RenderError(path, "too_many", limit=limits.TEMPLATE_BUTTONS, actual=buttons, detail="buttons")


def _parameter(path: str, parameter: TemplateParameter) -> JsonObject:
    kind = parameter.type
    result: JsonObject = {"type": kind}
    if parameter.name:
        result["parameter_name"] = parameter.name
    if kind == "currency":
        if parameter.currency is None:
            raise RenderError(f"{path}.currency", "required")
        result["currency"] = parameter.currency.model_dump()
    elif kind in {"image", "video", "gif", "document"}:
        if parameter.media is None:
            raise RenderError(f"{path}.media", "required")
        result[kind] = _reference(f"{path}.media", parameter.media, filename=kind == "document")
    elif kind == "location":
        if parameter.location is None:
            raise RenderError(f"{path}.location", "required")
        result["location"] = _location(parameter.location)
    elif kind == "date_time" and parameter.data is None:
        result["date_time"] = {"fallback_value": _limited(f"{path}.value", parameter.value, limits.BUTTONS_BODY)}
    elif kind in _DATA_PARAMETERS:
        if parameter.data is None:
            raise RenderError(f"{path}.data", "required")
        result[kind] = parameter.data
    else:
        limit = limits.COPY_CODE if kind == "coupon_code" else limits.CTA_URL
        result[kind] = _limited(f"{path}.value", parameter.value, limit)
    return result
