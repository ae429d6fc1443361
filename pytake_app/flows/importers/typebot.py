"""Typebot exports, format versions 3 to 6.1 (described from the published schemas of baptisteArno/typebot.io).

A Typebot is made of groups of blocks; edges lead from a block, an item of a block or an event to a group, or to a block
in it. A block becomes one node or several, put where its group stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, remark
from pytake_app.flows.importers.report import Imported, ImportedFlow, ImportReport, outcome_of, unreadable
from pytake_app.flows.importers.sketch import Sketch
from pytake_app.flows.importers.typebot_inputs import INPUTS
from pytake_app.flows.importers.typebot_logic import LOGIC, LOOSE_INTEGRATIONS
from pytake_app.flows.importers.typebot_state import Block, Bot
from pytake_app.flows.importers.typebot_text import Variables, bubble, template

KNOWN_VERSIONS = ("3", "4", "5", "6", "6.1")
MAX_GROUPS = 1_000
_MEDIA = {"image": "image", "video": "video", "audio": "audio"}


def recognise(raw: object) -> bool:
    """Is this one Typebot, or a list of them?"""
    if isinstance(raw, list):
        return bool(raw) and all(isinstance(item, Mapping) and _one(item) for item in raw)
    body = plain.mapping(raw)
    return _one(body) or _one(plain.mapping(body.get("typebot"))) or recognise_list(body.get("typebots"))


def recognise_list(raw: object) -> bool:
    """A list under `typebots`."""
    return isinstance(raw, list) and bool(raw) and recognise(raw)


def _one(body: Mapping[str, Any]) -> bool:
    groups = body.get("groups")
    if not isinstance(groups, list) or "nodes" in body:
        return False
    if "blocks" in body and "edges" not in body:
        return False
    return "edges" in body or any("blocks" in group for group in plain.items(groups))


def read(raw: object) -> Imported:
    """Translate an export.

    Raises:
        UnreadableFile: it is broken beyond use, or too large.
    """
    body = plain.mapping(raw)
    if isinstance(raw, list):
        bots = plain.items(raw)
    elif isinstance(body.get("typebots"), list):
        bots = plain.items(body["typebots"])
    else:
        bots = [body if _one(body) else plain.mapping(body.get("typebot"))]
    if len(bots) > 100:
        raise unreadable("the file holds more than 100 flows", code="too_many_flows")
    report = ImportReport(kind="typebot", version=plain.text(bots[0].get("version"), 20) if bots else NOTHING)
    return Imported(flows=[_bot(bot, report) for bot in bots], report=report)


def _bot(raw: Mapping[str, Any], report: ImportReport) -> ImportedFlow:
    groups = plain.items(raw.get("groups"))
    if len(groups) > MAX_GROUPS:
        raise unreadable(f"a flow with more than {MAX_GROUPS} groups can't be imported", code="too_many_nodes")
    bot_id = plain.text(raw.get("id"), 200)
    version = plain.text(raw.get("version"), 20) or "3"
    sketch = Sketch(plain.text(raw.get("name"), 200) or "Typebot", report)
    bot = Bot(sketch, Variables(raw.get("variables")), _edges(raw.get("edges")), bot_id, version)
    if version not in KNOWN_VERSIONS:
        note = remark("newer_format", version=version, known=", ".join(KNOWN_VERSIONS))
        sketch.tell("approximated", bot_id, "file", note=note)
    began = _events(raw, bot)
    for group in groups:
        began = _group(bot, group) or began
    if not began:
        _begin_at_first(bot, groups)
    return ImportedFlow(source_id=bot_id, document=sketch.document(), references=sketch.references)


def _edges(raw: object) -> dict[str, str]:
    """What each edge leads to, by its id, and by where it leaves from when blocks don't name their edges."""
    targets: dict[str, str] = {}
    for edge in plain.items(raw):
        to = plain.mapping(edge.get("to"))
        block, group = plain.text(to.get("blockId"), 200), plain.text(to.get("groupId"), 200)
        ref = f"b:{block}" if block else f"g:{group}"
        if edge_id := plain.text(edge.get("id"), 200):
            targets[edge_id] = ref
        source = plain.mapping(edge.get("from"))
        parts = [plain.text(source.get(key), 200) for key in ("eventId", "blockId", "itemId", "pathId")]
        if any(parts):
            targets.setdefault("from:" + "/".join(parts), ref)
    return targets


def _events(raw: Mapping[str, Any], bot: Bot) -> bool:
    """Start and command events become triggers; answers whether the flow has a beginning."""
    began = False
    for event in plain.items(raw.get("events")):
        kind, event_id = plain.text(event.get("type"), 60), plain.text(event.get("id"), 200)
        place = plain.mapping(event.get("graphCoordinates"))
        bot.sketch.cluster(plain.coordinate(place.get("x")), plain.coordinate(place.get("y")))
        target = bot.leaving(event, event=event_id)
        if kind == "start":
            began = True
            _start(bot, raw, event_id, target)
        elif kind == "command":
            word = plain.text(plain.mapping(event.get("options")).get("command"), 60).strip()
            if not word:
                bot.sketch.tell("left_out", event_id, "command", note=remark("command_unnamed"))
                continue
            config: dict[str, JsonValue] = {"words": [word], "match_type": "exact", "priority": 0}
            node = bot.sketch.node("trigger_keyword", config, hint=event_id, title=word)
            bot.sketch.link(node, "next", target)
            note = remark("command_keyword")
            bot.sketch.tell("approximated", event_id, "command", node_id=node, note=note, title=word)
        else:
            note = remark("no_listening")
            bot.sketch.tell("left_out", event_id, kind or "event", note=note)
    return began


def _start(bot: Bot, raw: Mapping[str, Any], source_id: str, target: str | None) -> None:
    """WhatsApp's own start condition becomes a trigger; other bots begin when they are started or jumped to."""
    whatsapp = plain.mapping(plain.mapping(raw.get("settings")).get("whatsApp"))
    words: list[JsonValue] = []
    matches: set[str] = set()
    for row in plain.items(plain.mapping(whatsapp.get("startCondition")).get("comparisons"))[:50]:
        word = plain.text(row.get("value"), 60).strip()
        if word:
            words.append(word)
            matches.add(plain.text(row.get("comparisonOperator"), 60))
    how: dict[str, str] = {"Contains": "contains", "Starts with": "starts_with", "Matches regex": "regex"}
    node_type, note = "start", NOTHING
    config: dict[str, JsonValue] = {}
    if words:
        match_type = how.get(next(iter(matches)), "exact") if len(matches) == 1 else "contains"
        node_type, config = "trigger_keyword", {"words": words, "match_type": match_type, "priority": 0}
    elif whatsapp.get("isEnabled") is True:
        node_type = "trigger_universal"
    else:
        note = remark("start_added")
    node = bot.sketch.node(node_type, config, hint=source_id or "start", title="Start")
    bot.sketch.link(node, "next", target)
    bot.sketch.tell(outcome_of(note), source_id, "start", node_id=node, note=note, title="Start")


def _begin_at_first(bot: Bot, groups: list[Mapping[str, Any]]) -> None:
    bot.sketch.cluster(-340.0, 0.0)
    node = bot.sketch.node("start", {}, hint="start", title="Start")
    first = next((plain.text(group.get("id"), 200) for group in groups if plain.items(group.get("blocks"))), None)
    bot.sketch.link(node, "next", f"g:{first}" if first is not None else None)
    bot.sketch.tell("approximated", "start", "start", node_id=node, note=remark("no_start"))


def _group(bot: Bot, group: Mapping[str, Any]) -> bool:
    """One group's blocks; answers whether an older file's start block was among them."""
    group_id, title = plain.text(group.get("id"), 200), plain.text(group.get("title"), 200)
    place = plain.mapping(group.get("graphCoordinates"))
    bot.sketch.cluster(plain.coordinate(place.get("x")), plain.coordinate(place.get("y")))
    raw = plain.items(group.get("blocks"))
    blocks = [
        Block(plain.text(item.get("id"), 200) or f"{group_id}.{index}", plain.text(item.get("type"), 60), item, title)
        for index, item in enumerate(raw)
    ]
    bot.sketch.forward(f"g:{group_id}", f"b:{blocks[0].id}" if blocks else None)
    began = False
    said: tuple[Block, str, bool] | None = None
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        block.following = bot.leaving(block.raw, block=block.id) or (f"b:{following.id}" if following else None)
        if block.type == "start":
            began = True
            _start(bot, {}, block.id, block.following)
        elif block.type == "text" and following is not None and following.type in INPUTS:
            body, whole = bubble(block.raw.get("content"), bot.variables)
            said = (block, body, whole)
            bot.sketch.forward(f"b:{block.id}", f"b:{following.id}")
        elif block.type in INPUTS:
            _input(bot, block, said)
            said = None
        else:
            _block(bot, block)
    return began


def _input(bot: Bot, block: Block, said: tuple[Block, str, bool] | None) -> None:
    if said is not None:
        block.body = said[1]
    INPUTS[block.type](bot, block)
    if said is not None:
        node = bot.sketch.resolve(f"b:{block.id}")
        note = NOTHING if said[2] else remark("code_in_text")
        bot.tell(said[0], "translated" if said[2] else "approximated", node, note)


def _block(bot: Bot, block: Block) -> None:
    if block.type == "text":
        body, whole = bubble(block.raw.get("content"), bot.variables)
        if not body.strip():
            bot.leave_out(block, remark("text_empty"))
            return
        node = bot.add(block, "msg_text", {"body": body})
        bot.sketch.link(node, "next", block.following)
        bot.done(block, node, NOTHING if whole else remark("code_in_text"))
    elif block.type in _MEDIA or block.type == "embed":
        _media(bot, block)
    elif block.type in LOGIC:
        LOGIC[block.type](bot, block)
    else:
        LOOSE_INTEGRATIONS(bot, block)


def _media(bot: Bot, block: Block) -> None:
    content = plain.mapping(block.raw.get("content"))
    url, whole = template(content.get("url"), bot.variables, limit=2_000)
    if not url.strip():
        bot.leave_out(block, remark("no_address"))
        return
    hosted = block.type == "video" and content.get("type") not in (None, "url")
    if block.type == "embed" or hosted:
        node = bot.add(block, "msg_text", {"body": url, "preview_url": True})
        note = remark("sent_as_link")
    else:
        node = bot.add(block, "msg_media", {"kind": _MEDIA[block.type], "url": url, "caption": ""})
        note = remark("picture_link") if content.get("clickLink") else NOTHING
    bot.sketch.link(node, "next", block.following)
    bot.done(block, node, note if whole else remark("code_in_address"))
