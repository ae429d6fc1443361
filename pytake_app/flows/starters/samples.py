"""What the gallery shows of a starter: a sample conversation played by the real engine, and what the flow needs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pytake_app.engine import session as engine
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.runner import compile_flow
from pytake_app.flows.preview_phone import Phone
from pytake_app.flows.preview_schemas import PreviewRequest, PreviewTurn
from pytake_app.flows.schemas import StarterBubble, StarterNeed
from pytake_app.flows.starters.drawing import Line, Starter, known_locale, said

# A Saturday noon in São Paulo, when the example shops are open.
_MOMENT = "2026-11-21T15:00:00Z"
_NAMES = ("Ana", "Ana", "Ana")


def play(starter: Starter, locale: str, lines: tuple[Line, ...], **more: Any) -> Phone:
    """The starter's conversation with a contact who does `lines`.

    Parameters:
        more: further fields of the preview's request.
    """
    request = PreviewRequest.model_validate(
        {
            "inputs": [_input(line, locale) for line in lines],
            "trigger": starter.trigger,
            "variables": starter.given(locale),
            "responses": {node_id: {"body": body} for node_id, body in starter.answers},
            "contact": {"name": said(_NAMES, locale)},
            "now": _MOMENT,
            **more,
        }
    )
    played = phone(starter.document(locale), starter.key, locale, request)
    played.play()
    return played


def phone(document: FlowDocument, flow_id: str, locale: str, request: PreviewRequest) -> Phone:
    """A phone with a document on it."""
    return Phone(
        document=document,
        flow=compile_flow(document, flow_id, 0),
        script=request,
        load_flow=lambda _ref: None,
        organization=engine.OrgView(id=flow_id, locale=known_locale(locale)),
    )


def _input(line: Line, locale: str) -> dict[str, Any]:
    if line.file:
        return {"type": "media", "media": {"kind": "document", "filename": line.file, "mime_type": "application/pdf"}}
    if line.option:
        return {"type": "selection", "selection_id": line.option}
    return {"type": "text", "text": said(line.text, locale)}


@lru_cache(maxsize=128)
def conversation(starter: Starter, locale: str) -> tuple[StarterBubble, ...]:
    """The sample conversation, as bubbles."""
    titles = _titles(starter.document(locale))
    bubbles: list[StarterBubble] = []
    for turn in play(starter, locale, starter.script).turns:
        bubbles += _bubbles(turn, titles)
    return tuple(bubbles)


def _titles(document: FlowDocument) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in document.nodes:
        known = NODE_TYPES[node.type]
        for port in known.ports(known.config_model.model_validate(node.config)):
            if port.id.startswith("option:") and port.label:
                found.setdefault(port.id.removeprefix("option:"), port.label)
    return found


def _bubbles(turn: PreviewTurn, titles: dict[str, str]) -> list[StarterBubble]:
    bubbles: list[StarterBubble] = []
    said_ = turn.input
    if said_ is not None:
        file = said_.media.filename if said_.media is not None else ""
        text = file or said_.text or titles.get(said_.selection_id or "", "")
        bubbles.append(StarterBubble(mine=False, kind="file" if file else "text", text=text))
    for event in turn.events:
        if event.type != "message_out":
            continue
        content = event.content.model_dump(mode="json")
        options = [button["title"] for button in content.get("buttons") or [] if "title" in button]
        if content["type"] == "list":
            options = [content["button"]]
        elif content["type"] == "cta_url":
            options = [content["display_text"]]
        text = content.get("body") or content.get("caption") or content.get("name") or ""
        if isinstance(text, list):
            text = content["name"]
        kind = content["type"] if content["type"] in ("location", "template") else "text"
        bubbles.append(StarterBubble(mine=True, kind=kind, text=str(text), options=options))
    return bubbles


def needs(document: FlowDocument) -> list[StarterNeed]:
    """What of the world outside the flow it relies on: queues, templates, addresses, secrets, tags."""
    found: dict[tuple[str, str], StarterNeed] = {}
    for node in document.nodes:
        for kind, name in _needed(node.type, node.config):
            if name:
                found.setdefault(
                    (kind, name), StarterNeed.model_validate({"kind": kind, "name": name, "node_id": node.id})
                )
    return list(found.values())


def _needed(node_type: str, config: dict[str, Any]) -> list[tuple[str, str]]:
    if node_type == "action_transfer_to_queue":
        return [("queue", str(config.get("queue_name", "")))]
    if node_type in ("msg_template", "trigger_template"):
        return [("template", str(config.get("name") or config.get("template") or ""))]
    if node_type == "api_call":
        known = NODE_TYPES[node_type]
        model = known.config_model.model_validate(config)
        return [("url", str(config.get("url", ""))), *(("secret", refer.names[0]) for refer in known.refers(model))]
    if node_type == "tag_contact":
        return [("tag", str(tag)) for tag in config.get("add", [])]
    if node_type == "trigger_webhook":
        return [("webhook", ", ".join(row["path"] for row in config.get("mapping", [])))]
    return []
