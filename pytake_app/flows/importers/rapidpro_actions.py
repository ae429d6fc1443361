"""RapidPro's actions as nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import Note, joined, remark
from pytake_app.flows.importers.rapidpro_state import Chain, Definition
from pytake_app.flows.importers.report import Outcome, outcome_of
from pytake_app.flows.importers.requests import http_request

Action = Mapping[str, Any]
_KINDS = {"image": "image", "video": "video", "audio": "audio", "application": "document", "document": "document",
          "text": "document"}  # fmt: skip
_CAPTIONED = ("image", "video", "document")
_LEFT_OUT = {
    "add_contact_urn": remark("no_urns"),
    "add_input_labels": remark("no_labels"),
    "call_classifier": remark("use_classifier"),
    "call_resthook": remark("use_api_or_event"),
    "call_llm": remark("use_prompt"),
    "play_audio": remark("voice_recording"),
    "say_msg": remark("voice_sentence"),
    "request_optin": remark("optin_by_question"),
    "send_broadcast": remark("use_campaign"),
    "send_email": remark("no_email"),
    "set_contact_channel": remark("stays_on_channel"),
    "set_contact_timezone": remark("no_timezone"),
    "start_session": remark("no_other_sessions"),
    "transfer_airtime": remark("no_airtime"),
}


def act(flow: Definition, chain: Chain, action: Action) -> None:
    """Translate one action to nodes at the chain's end, with its lines of the report."""
    kind = plain.text(action.get("type"), 60)
    handler = _ACTIONS.get(kind)
    if handler is None:
        why = _LEFT_OUT.get(kind, remark("unknown_action"))
        flow.sketch.tell("left_out", plain.text(action.get("uuid"), 100), kind or "action", note=why)
        return
    flow.taken_notes()
    node, notes = handler(flow, chain, action)
    notes = [*notes, *flow.taken_notes()]
    note = joined(notes)
    outcome: Outcome = "left_out" if node is None else outcome_of(note)
    flow.sketch.tell(outcome, plain.text(action.get("uuid"), 100), kind, node_id=node, note=note)


Made = tuple[str | None, list[Note]]


def _hint(action: Action, kind: str) -> str:
    return plain.text(action.get("uuid"), 80) or kind


def _send(flow: Definition, chain: Chain, action: Action) -> Made:
    if "template" in action or "templating" in action:
        made = _send_template(flow, chain, action)
        if made is not None:
            return made
    body = flow.said(action, "text")
    notes = []
    replies = plain.texts(action.get("quick_replies"))
    if replies:
        notes.append(remark("replies_left_out"))
    sent = attachments(flow, chain, action, body)
    if body.strip() and sent is None:
        node = flow.sketch.node("msg_text", {"body": body}, hint=_hint(action, "message"))
        chain.add(node, "next")
        return node, notes
    return sent, notes if sent else [remark("message_empty")]


def _send_template(flow: Definition, chain: Chain, action: Action) -> Made | None:
    template = plain.mapping(action.get("template") or plain.mapping(action.get("templating")).get("template"))
    name = plain.identifier(plain.text(template.get("name"), 200))
    variables = action.get("template_variables") or plain.mapping(action.get("templating")).get("variables")
    if not plain.text(template.get("name")).strip():
        return None
    body: list[JsonValue] = [flow.text(value, limit=1_000) for value in plain.texts(variables)[:30]]
    language = {"por": "pt_BR", "eng": "en", "spa": "es"}.get(flow.language, "pt_BR")
    config: dict[str, JsonValue] = {"name": name, "language": language, "body": body, "buttons": []}
    node = flow.sketch.node("msg_template", config, hint=_hint(action, "template"))
    chain.add(node, "next")
    return node, [remark("template_by_name")]


def attachments(flow: Definition, chain: Chain, action: Action, caption: str = "") -> str | None:
    """Send a message's files; the first takes the caption. Answers the first node if it said the caption."""
    first: str | None = None
    for attachment in plain.texts(action.get("attachments"))[:10]:
        content_type, colon, address = attachment.partition(":")
        kind = _KINDS.get(content_type.split("/")[0].strip().lower())
        if not colon or kind is None:
            flow.lost.append("an attachment of an unknown kind")
            continue
        url = flow.text(address, limit=2_000)
        takes = first is None and kind in _CAPTIONED and len(caption) <= 1_024
        if first is None and not takes and caption.strip():
            said = flow.sketch.node("msg_text", {"body": caption}, hint=_hint(action, "message"))
            chain.add(said, "next")
            first = said
        config: dict[str, JsonValue] = {"kind": kind, "url": url, "caption": caption if takes else ""}
        node = flow.sketch.node("msg_media", config, hint=f"{_hint(action, 'media')}-file")
        chain.add(node, "next")
        first = first or node
    return first


def assign(flow: Definition, chain: Chain, name: str, value: str, hint: str) -> str:
    """A `set_variable` with one assignment."""
    config: dict[str, JsonValue] = {"assignments": [{"target": "session", "name": name, "value": value}]}
    node = flow.sketch.node("set_variable", config, hint=hint)
    chain.add(node, "next")
    return node


def _result(flow: Definition, chain: Chain, action: Action) -> Made:
    name = plain.text(action.get("name"), 200)
    if not name.strip():
        return None, [remark("result_unnamed")]
    variable = plain.identifier(name)
    node = assign(flow, chain, variable, flow.text(action.get("value")), _hint(action, "result"))
    if variable in flow.categories:
        assign(flow, chain, f"{variable}_category", flow.text(action.get("category"), limit=200), f"{node}-category")
    return node, []


def _local(flow: Definition, chain: Chain, action: Action) -> Made:
    name = plain.identifier(plain.text(action.get("local") or action.get("name"), 200))
    value = flow.text(action.get("value"))
    if action.get("operation") in ("increment", "decrement"):
        sign = "plus" if action["operation"] == "increment" else "minus"
        value = f"{{{{ {name} | default: 0 | {sign}: {int(plain.number(action.get('value')) or 1)} }}}}"
    return assign(flow, chain, name, value, _hint(action, "local")), []


def _update(flow: Definition, chain: Chain, action: Action, field: str, value: str) -> Made:
    config: dict[str, JsonValue] = {"fields": [{"field": field, "value": value}]}
    node = flow.sketch.node("update_contact", config, hint=_hint(action, "contact"))
    chain.add(node, "next")
    return node, []


def _field(flow: Definition, chain: Chain, action: Action) -> Made:
    field = plain.mapping(action.get("field"))
    key = plain.identifier(plain.text(field.get("key") or field.get("name"), 60))
    return _update(flow, chain, action, key, flow.text(action.get("value")))


def _name(flow: Definition, chain: Chain, action: Action) -> Made:
    return _update(flow, chain, action, "name", flow.text(action.get("name"), limit=1_000))


def _language(flow: Definition, chain: Chain, action: Action) -> Made:
    return _update(flow, chain, action, "language", flow.text(action.get("language"), limit=20))


def _status(flow: Definition, chain: Chain, action: Action) -> Made:
    status = plain.text(action.get("status"), 20)
    if status != "stopped":
        return None, [remark("no_such_status", status=status or "?")]
    node, _notes = _update(flow, chain, action, "opted_in", "false")
    return node, [remark("consent_withdrawn")]


def _groups(flow: Definition, chain: Chain, action: Action) -> Made:
    add = action.get("type") == "add_contact_groups"
    notes = [remark("groups_are_tags")]
    names: list[JsonValue] = []
    for group in plain.items(action.get("groups"))[:20]:
        name = flow.text(group.get("name") or group.get("name_match"), limit=60).strip()
        if name:
            names.append(name)
    if action.get("all_groups") is True:
        return None, [remark("not_all_tags")]
    if not names:
        return None, [remark("no_group")]
    config: dict[str, JsonValue] = {"add": names if add else [], "remove": [] if add else names}
    node = flow.sketch.node("tag_contact", config, hint=_hint(action, "tags"))
    chain.add(node, "next")
    return node, notes


def _enter(flow: Definition, chain: Chain, action: Action) -> Made:
    target = plain.mapping(action.get("flow"))
    uuid = plain.text(target.get("uuid"), 100) or plain.text(target.get("name"), 100)
    if not uuid:
        return None, [remark("no_flow_named")]
    terminal = action.get("terminal") is True
    config: dict[str, JsonValue] = {"flow": uuid, "mode": "go" if terminal else "call"}
    node = flow.sketch.node("jump", config, hint=_hint(action, "jump"), title=plain.text(target.get("name"), 200))
    flow.sketch.references[node] = uuid
    chain.add(node, *(() if terminal else ("next",)))
    return node, []


def _webhook(flow: Definition, chain: Chain, action: Action) -> Made:
    url = flow.text(action.get("url"), limit=2_000)
    if not url.strip():
        return None, [remark("no_request_address")]
    headers = [
        (plain.text(name, 100), flow.text(value, limit=2_000))
        for name, value in list(plain.mapping(action.get("headers")).items())[:30]
        if isinstance(name, str)
    ]
    config = http_request(
        method=plain.text(action.get("method"), 10).upper() or "GET",
        url=url,
        headers=headers,
        body=flow.text(action.get("body")) if action.get("method") != "GET" else "",
        response_variable="webhook",
    )
    result = plain.text(action.get("result_name"), 100)
    if result.strip():
        config["status_variable"] = plain.identifier(result)
    node = flow.sketch.node("api_call", config, hint=_hint(action, "call"))
    chain.add(node, "success", "error")
    return node, []


def _ticket(flow: Definition, chain: Chain, action: Action) -> Made:
    topic = plain.mapping(action.get("topic"))
    note = flow.text(action.get("note") or action.get("body"), limit=1_000)
    config: dict[str, JsonValue] = {
        "queue_id": "",
        "queue_name": plain.text(topic.get("name") or action.get("subject"), 120),
        "priority": 0,
        "message": "",
        "metadata": {"note": note} if note else {},
    }
    node = flow.sketch.node("action_transfer_to_queue", config, hint=_hint(action, "handoff"))
    chain.add(node, "transferred")
    return node, [remark("handover_transferred")]


_ACTIONS: dict[str, Callable[[Definition, Chain, Action], Made]] = {
    "send_msg": _send,
    "set_run_result": _result,
    "set_run_local": _local,
    "set_contact_field": _field,
    "set_contact_name": _name,
    "set_contact_language": _language,
    "set_contact_status": _status,
    "add_contact_groups": _groups,
    "remove_contact_groups": _groups,
    "enter_flow": _enter,
    "call_webhook": _webhook,
    "open_ticket": _ticket,
}
