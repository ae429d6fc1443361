"""RapidPro exports and goflow definitions of spec 13 and 14 (described from nyaruka/goflow's documentation).

A flow is made of nodes: actions, then maybe a router that sends the contact through one of the node's exits. Each
action and router becomes a node or several, put where their node stands.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from pytake_app.engine.document import DEFAULT_MAX_NODES
from pytake_app.flows.importers import plain
from pytake_app.flows.importers.excellent import Expressions
from pytake_app.flows.importers.notes import NOTHING, remark
from pytake_app.flows.importers.rapidpro_actions import act
from pytake_app.flows.importers.rapidpro_routers import Router, read_router, route
from pytake_app.flows.importers.rapidpro_state import LOCALES, Chain, Definition
from pytake_app.flows.importers.report import Imported, ImportedFlow, ImportReport, outcome_of, unreadable
from pytake_app.flows.importers.sketch import Sketch

MAX_FLOWS = 100
SPREAD = 1.5
"""Their nodes stand closer together than ours are wide."""
_CATEGORY = re.compile(r"results\.(\w{1,100})\.category")
_MATCHES = {"F": "starts_with", "O": "exact"}
_COLORS = ("yellow", "blue", "green", "pink", "gray")


def recognise(raw: object) -> bool:
    """Is this an export, one definition, or a list of definitions?"""
    if isinstance(raw, list):
        return bool(raw) and all(_definition(plain.mapping(item)) for item in raw)
    body = plain.mapping(raw)
    flows = body.get("flows")
    if isinstance(flows, list):
        return bool(flows) and any(_definition(plain.mapping(item)) or _older(plain.mapping(item)) for item in flows)
    return _definition(body) or _older(body)


def _definition(body: Mapping[str, Any]) -> bool:
    nodes = plain.items(body.get("nodes"))
    return bool(nodes) and "uuid" in nodes[0] and "exits" in nodes[0] and "type" not in nodes[0]


def _older(body: Mapping[str, Any]) -> bool:
    return isinstance(body.get("action_sets"), list) and isinstance(body.get("rule_sets"), list)


def read(raw: object) -> Imported:
    """Translate an export.

    Raises:
        UnreadableFile: of an older format, or too large.
    """
    body = plain.mapping(raw)
    found = plain.items(raw if isinstance(raw, list) else body.get("flows") if "flows" in body else [body])
    if any(_older(item) for item in found):
        message = (
            "this is a RapidPro file of an older format (before version 13); export it again from a newer RapidPro"
        )
        raise unreadable(message, code="older_format")
    flows = [item for item in found if _definition(item)]
    if len(flows) > MAX_FLOWS:
        raise unreadable(f"the file holds more than {MAX_FLOWS} flows", code="too_many_flows")
    if not flows:
        raise unreadable("the file holds no flow with nodes")
    version = plain.text(flows[0].get("spec_version"), 20) or plain.text(body.get("version"), 20)
    report = ImportReport(kind="rapidpro", version=version)
    triggers = plain.items(body.get("triggers"))[:1_000]
    return Imported(flows=[_flow(item, triggers, report) for item in flows], report=report)


def _flow(raw: Mapping[str, Any], triggers: list[Mapping[str, Any]], report: ImportReport) -> ImportedFlow:
    sketch = Sketch(plain.text(raw.get("name"), 200) or "RapidPro", report)
    uuid, language = plain.text(raw.get("uuid"), 100), plain.text(raw.get("language"), 10)
    expiry = plain.number(raw.get("expire_after_minutes"))
    if expiry and expiry >= 1:
        sketch.settings["expiry_minutes"] = int(min(expiry, 43_200))
    sketch.settings["locale"] = LOCALES.get(language, "pt_BR")
    if language and language not in LOCALES:
        sketch.tell("approximated", uuid, "language", note=remark("language_as_brazil", language=language))
    flow = Definition(
        raw=raw,
        sketch=sketch,
        language=language,
        expressions=Expressions(),
        categories=frozenset(plain.identifier(name) for name in _CATEGORY.findall(_written(raw))),
        localization=plain.mapping(raw.get("localization")),
    )
    if raw.get("type") == "voice":
        sketch.tell("left_out", uuid, "voice flow", note=remark("voice_call"))
    nodes = plain.items(raw.get("nodes"))
    if len(nodes) > DEFAULT_MAX_NODES:
        raise unreadable(f"a flow has at most {DEFAULT_MAX_NODES} nodes, this one {len(nodes)}", code="too_many_nodes")
    routers = _routers(nodes)
    spoken = _asked_elsewhere(nodes, routers)
    _begin(flow, uuid, triggers, nodes)
    places = plain.mapping(plain.mapping(raw.get("_ui")).get("nodes"))
    for node in nodes:
        _node(flow, node, routers, spoken, places)
    _stickies(flow)
    return ImportedFlow(source_id=uuid, document=sketch.document(), references=sketch.references)


def _written(raw: Mapping[str, Any]) -> str:
    try:
        return json.dumps(raw.get("nodes"), default=str) + json.dumps(raw.get("localization"), default=str)
    except (ValueError, RecursionError) as error:
        raise unreadable("the flow is nested too deeply", code="not_json") from error


def _routers(nodes: list[Mapping[str, Any]]) -> dict[str, Router]:
    routers: dict[str, Router] = {}
    for node in nodes:
        uuid, router = plain.text(node.get("uuid"), 100), plain.mapping(node.get("router"))
        if router:
            routers[uuid] = read_router(uuid, router)
    return routers


def _asked_elsewhere(nodes: list[Mapping[str, Any]], routers: dict[str, Router]) -> set[int]:
    """A message right before a wait is that wait's question; answers those actions, by `id()`."""
    incoming = Counter(
        plain.text(leaving.get("destination_uuid"), 100) for node in nodes for leaving in plain.items(node.get("exits"))
    )
    by_id = {plain.text(node.get("uuid"), 100): node for node in nodes}
    spoken: set[int] = set()
    for node in nodes:
        actions = plain.items(node.get("actions"))
        last = actions[-1] if actions else {}
        if last.get("type") != "send_msg" or last.get("template") or last.get("templating"):
            continue
        own = routers.get(plain.text(node.get("uuid"), 100))
        exits = plain.items(node.get("exits"))
        waiting = own
        if own is None and len(exits) == 1:
            target = plain.text(exits[0].get("destination_uuid"), 100)
            waiting = routers.get(target)
            alone = incoming[target] == 1 or bool(plain.texts(last.get("quick_replies")))
            if plain.items(by_id.get(target, {}).get("actions")) or not alone:
                continue
        if waiting is not None and waiting.waits and waiting.asked is None and waiting.raw.get("type") != "random":
            waiting.asked = last
            spoken.add(id(last))
    return spoken


def _node(
    flow: Definition,
    node: Mapping[str, Any],
    routers: dict[str, Router],
    spoken: set[int],
    places: Mapping[str, Any],
) -> None:
    uuid = plain.text(node.get("uuid"), 100)
    place = plain.mapping(plain.mapping(places.get(uuid)).get("position"))
    flow.sketch.cluster(plain.coordinate(place.get("left")) * SPREAD, plain.coordinate(place.get("top")))
    chain = Chain(flow.sketch, f"n:{uuid}")
    exits = plain.items(node.get("exits"))
    for leaving in exits:
        target = plain.text(leaving.get("destination_uuid"), 100)
        flow.sketch.forward(f"x:{plain.text(leaving.get('uuid'), 100)}", f"n:{target}" if target else None)
    acted = ""
    for action in plain.items(node.get("actions")):
        acted = plain.text(action.get("type"), 60)
        if id(action) in spoken:
            note = NOTHING if action.get("text") else remark("no_own_text")
            flow.sketch.tell(outcome_of(note), plain.text(action.get("uuid"), 100), acted, note=note)
        else:
            act(flow, chain, action)
    router = routers.get(uuid)
    if router is not None:
        route(flow, chain, router, acted)
    else:
        chain.lead(f"x:{plain.text(exits[0].get('uuid'), 100)}" if exits else None)


def _begin(flow: Definition, uuid: str, triggers: list[Mapping[str, Any]], nodes: list[Mapping[str, Any]]) -> None:
    """The file's triggers of this flow, else a start."""
    first = f"n:{plain.text(nodes[0].get('uuid'), 100)}"
    flow.sketch.cluster(-400.0, 0.0)
    began = False
    for trigger in triggers:
        if plain.text(plain.mapping(trigger.get("flow")).get("uuid"), 100) != uuid or not uuid:
            continue
        kind = plain.text(trigger.get("trigger_type"), 5)
        words = plain.texts(trigger.get("keywords")) or plain.texts([trigger.get("keyword")])
        config: dict[str, JsonValue] = {}
        if kind == "K" and any(word.strip() for word in words):
            listed: list[JsonValue] = [word.strip()[:60] for word in words if word.strip()]
            match = _MATCHES.get(plain.text(trigger.get("match_type"), 5), "starts_with")
            config = {"words": listed[:50], "match_type": match, "priority": 0}
            node = flow.sketch.node("trigger_keyword", config, hint="trigger")
        elif kind == "C":
            node = flow.sketch.node("trigger_universal", {}, hint="trigger")
        else:
            flow.sketch.tell("left_out", uuid, f"trigger {kind}", note=remark("trigger_by_hand"))
            continue
        flow.sketch.link(node, "next", first)
        flow.sketch.tell("translated", uuid, f"trigger {kind}", node_id=node)
        began = True
    if not began:
        node = flow.sketch.node("start", {}, hint="start")
        flow.sketch.link(node, "next", first)


def _stickies(flow: Definition) -> None:
    for uuid, raw in list(plain.mapping(plain.mapping(flow.raw.get("_ui")).get("stickies")).items())[:200]:
        sticky = plain.mapping(raw)
        place = plain.mapping(sticky.get("position"))
        flow.sketch.cluster(plain.coordinate(place.get("left")) * SPREAD, plain.coordinate(place.get("top")))
        color = plain.text(sticky.get("color"), 10)
        written = "\n".join(t for t in (plain.text(sticky.get("title")), plain.text(sticky.get("body"))) if t.strip())
        config: dict[str, JsonValue] = {"text": written[:2_000], "color": color if color in _COLORS else "yellow"}
        flow.sketch.node("note", config, hint=plain.text(uuid, 80) or "note")
