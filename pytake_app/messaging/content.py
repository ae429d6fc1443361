"""From what a flow says to what an adapter takes: the engine's content JSON as the channels' content JSON. Pure."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]

_EMPTY: tuple[object, ...] = (None, "", [], {})


def channel_content(content: JsonObject) -> JsonObject:
    """The channels' form of `content`; what is in that form already comes back unchanged in meaning."""
    convert = _CONVERTERS.get(str(content.get("type")))
    lean = {key: value for key, value in content.items() if value not in _EMPTY or key in ("body", "emoji")}
    return convert(lean) if convert else lean


_FILE = ("url", "media_id", "filename")


def _header(header: JsonObject | None) -> JsonObject | None:
    if not header:
        return None
    kind = header.get("type", "text")
    if kind == "text":
        return {"type": "text", "text": header["text"]} if header.get("text") else None
    return {"type": kind, **{key: header[key] for key in _FILE if header.get(key)}}


def _with_header(content: JsonObject) -> JsonObject:
    header = _header(content.pop("header", None))
    if header:
        content["header"] = header
    return content


def _buttons(content: JsonObject) -> JsonObject:
    return _with_header(content)


def _list(content: JsonObject) -> JsonObject:
    sections = [
        {
            **({"title": section["title"]} if section.get("title") else {}),
            "rows": [{key: value for key, value in row.items() if value not in _EMPTY} for row in section["rows"]],
        }
        for section in content.get("sections", [])
    ]
    return {**_with_header(content), "sections": sections}


_PARTS = frozenset({"header", "header_name", "body", "named_body", "buttons"})


def _template(content: JsonObject) -> JsonObject:
    if "components" in content:
        return content
    components: list[JsonObject] = []
    header = _header(content.get("header"))
    if header and header["type"] == "text":
        name = {"name": content["header_name"]} if content.get("header_name") else {}
        components.append({"type": "header", "parameters": [{"type": "text", **name, "value": header["text"]}]})
    elif header:
        media = {key: header[key] for key in _FILE if key in header}
        components.append({"type": "header", "parameters": [{"type": header["type"], "media": media}]})
    body = [{"type": "text", "value": value} for value in content.get("body", [])]
    body += [{"type": "text", "name": name, "value": value} for name, value in content.get("named_body", {}).items()]
    if body:
        components.append({"type": "body", "parameters": body})
    kinds = {"quick_reply": "payload", "url": "text", "copy_code": "coupon_code"}
    components.extend(
        {
            "type": "button",
            "sub_type": button["kind"],
            "index": button["index"],
            "parameters": [{"type": kinds[button["kind"]], "value": button["value"]}],
        }
        for button in content.get("buttons", [])
    )
    # What isn't known stays in, for the channels' own model to refuse by name.
    rest = {key: value for key, value in content.items() if key not in _PARTS}
    return {**rest, "components": components}


def _reaction(content: JsonObject) -> JsonObject:
    message_id = content.get("message_external_id") or content.get("message_id")
    return {"type": "reaction", "message_external_id": message_id, "emoji": content.get("emoji", "")}


def _contact_card(card: JsonObject) -> JsonObject:
    if "name" in card:
        return card
    name = {"formatted_name": card["formatted_name"]}
    if card.get("first_name"):
        name["first_name"] = card["first_name"]
    result: JsonObject = {"name": name}
    if card.get("phones"):
        result["phones"] = [{k: v for k, v in phone.items() if v is not None} for phone in card["phones"]]
    if card.get("emails"):
        result["emails"] = [email if isinstance(email, dict) else {"email": email} for email in card["emails"]]
    if card.get("organization"):
        result["org"] = {"company": card["organization"]}
    return result


def _contacts(content: JsonObject) -> JsonObject:
    return {"type": "contacts", "contacts": [_contact_card(card) for card in content.get("contacts", [])]}


_CONVERTERS = {
    "buttons": _buttons,
    "list": _list,
    "cta_url": _with_header,
    "template": _template,
    "reaction": _reaction,
    "contacts": _contacts,
}


def readable(content: JsonObject) -> str:
    """One line of text for lists and search."""
    match content.get("type"):
        case "media":
            return str(content.get("caption") or content.get("filename") or "")
        case "template":
            values = [str(v) for v in content.get("body", [])] + [
                str(v) for v in content.get("named_body", {}).values()
            ]
            return ": ".join(part for part in (str(content.get("name", "")), ", ".join(values)) if part)
        case "location":
            place = ", ".join(str(content[key]) for key in ("name", "address") if content.get(key))
            return place or f"{content.get('latitude')}, {content.get('longitude')}"
        case "contacts":
            return ", ".join(str(card.get("formatted_name", "")) for card in content.get("contacts", []))
        case "reaction":
            return str(content.get("emoji", ""))
        case _:
            return str(content.get("body", ""))
