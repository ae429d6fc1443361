"""Reads a Cloud API request of the corpus back into content, so that rendering it must give the same request."""

from typing import Any

from pytake_app.channels.base import Recipient
from pytake_app.channels.content import OutboundContent, parse_content

Json = dict[str, Any]

NOT_IN_CATALOGUE = {
    "carousel", "catalog_message", "product", "product_list", "order_details", "order_status", "address_message",
    "request_contact_info",
}  # fmt: skip


def recipient(body: Json) -> Recipient:
    if body.get("recipient_type") == "group":
        return Recipient(group_id=body["to"])
    return Recipient(external_id=body.get("to"), bsuid=body.get("recipient"))


def content(body: Json) -> OutboundContent:
    kind = body["type"]
    value = body[kind]
    match kind:
        case "text":
            return parse_content({"type": "text", **value})
        case "image" | "video" | "audio" | "document" | "sticker":
            return parse_content({"type": "media", "kind": kind, **_file(value)})
        case "location":
            place = {**value, "latitude": float(value["latitude"]), "longitude": float(value["longitude"])}
            return parse_content({"type": "location", **place})
        case "contacts":
            return parse_content({"type": "contacts", "contacts": value})
        case "reaction":
            return parse_content(
                {"type": "reaction", "message_external_id": value["message_id"], "emoji": value.get("emoji", "")}
            )
        case "interactive":
            return parse_content(_interactive(value))
        case "template":
            language = value["language"]
            return parse_content(
                {
                    "type": "template",
                    "name": value["name"],
                    "language": language["code"],
                    "components": [_component(item) for item in value.get("components", [])],
                }
            )
        case _:
            raise AssertionError(f"no content for {kind}")


def _file(value: Json) -> Json:
    renamed = {"link": "url", "id": "media_id"}
    return {renamed.get(name, name): item for name, item in value.items()}


def _header(value: Json) -> Json:
    kind = value["type"]
    return {"type": kind, "text": value["text"]} if kind == "text" else {"type": kind, **_file(value[kind])}


def _interactive(value: Json) -> Json:
    frame: Json = {"body": value["body"]["text"]}
    if "header" in value:
        frame["header"] = _header(value["header"])
    if "footer" in value:
        frame["footer"] = value["footer"]["text"]
    action = value["action"]
    match value["type"]:
        case "button":
            return {"type": "buttons", **frame, "buttons": [button["reply"] for button in action["buttons"]]}
        case "list":
            return {"type": "list", **frame, "button": action["button"], "sections": action["sections"]}
        case "cta_url":
            return {"type": "cta_url", **frame, **action["parameters"]}
        case "location_request_message":
            return {"type": "location_request", **frame}
        case "flow":
            given = action["parameters"]
            payload = given.get("flow_action_payload", {})
            form = {
                "cta": given["flow_cta"],
                "flow_id": given.get("flow_id"),
                "flow_name": given.get("flow_name"),
                "flow_token": given.get("flow_token"),
                "mode": given.get("mode"),
                "action": given.get("flow_action"),
                "screen": payload.get("screen"),
                "data": payload.get("data"),
            }
            return {"type": "form", **frame, **form}
        case other:
            raise AssertionError(f"no content for interactive {other}")


def _component(value: Json) -> Json:
    component: Json = {"type": value["type"]}
    if "sub_type" in value:
        component["sub_type"] = value["sub_type"]
    if "index" in value:
        component["index"] = int(value["index"])
    if "cards" in value:
        component["cards"] = [
            {"index": card["card_index"], "components": [_component(item) for item in card["components"]]}
            for card in value["cards"]
        ]
    component["parameters"] = [_parameter(item) for item in value.get("parameters", [])]
    return component


def _parameter(value: Json) -> Json:
    kind = value["type"]
    parameter: Json = {"type": kind}
    if "parameter_name" in value:
        parameter["name"] = value["parameter_name"]
    if kind in {"image", "video", "document"}:
        parameter["media"] = _file(value[kind])
    elif kind == "currency":
        parameter["currency"] = value[kind]
    elif kind in {"action", "date_time", "ttl_minutes", "tap_target_configuration"}:
        parameter["data"] = value[kind]
    else:
        parameter["value"] = value[kind]
    return parameter
