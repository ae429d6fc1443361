"""Typebot's input blocks as questions and menus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import JsonValue

from pytake_app.engine.limits import WA_BUTTON_TITLE
from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import Note, joined, remark
from pytake_app.flows.importers.sketch import SAYS_NOTHING, Choice
from pytake_app.flows.importers.typebot_state import Block, Bot
from pytake_app.flows.importers.typebot_text import template

MAX_CHOICES = 200
_NO_TEXT = remark("no_question_text", text=SAYS_NOTHING)


def _body(block: Block, bot: Bot, notes: list[Note]) -> str:
    """What the question says: the text before it, else its placeholder, else a sign."""
    if block.body.strip():
        return block.body
    placeholder, _whole = template(plain.mapping(block.options.get("labels")).get("placeholder"), bot.variables)
    if placeholder.strip():
        notes.append(remark("no_question_text_placeholder"))
        return placeholder
    notes.append(_NO_TEXT)
    return SAYS_NOTHING


def _ask(bot: Bot, block: Block, kind: str, notes: list[Note], **config: JsonValue) -> None:
    options = block.options
    variable = bot.variables.by_id(options.get("variableId")) or "last_answer"
    body = _body(block, bot, notes)
    retry, _whole = template(options.get("retryMessageContent"), bot.variables)
    asked: dict[str, JsonValue] = {"body": body, "variable": variable, "kind": kind, "max_attempts": 10, **config}
    if retry.strip():
        asked["retry_message"] = retry
    node = bot.add(block, "question", asked)
    bot.sketch.link(node, "answered", block.following)
    bot.done(block, node, joined(notes))


def _text(bot: Bot, block: Block) -> None:
    notes: list[Note] = []
    options = block.options
    for extra in ("audioClip", "attachments"):
        if plain.mapping(options.get(extra)).get("isEnabled") is True:
            notes.append(remark("file_as_address"))
            break
    if block.body.strip():
        _ask(bot, block, "text", notes)
        return
    node = bot.add(block, "wait_for_reply", {"variable": bot.variables.by_id(options.get("variableId"))})
    bot.sketch.link(node, "replied", block.following)
    bot.done(block, node, joined(notes))


def _number(bot: Bot, block: Block) -> None:
    notes: list[Note] = []
    limits: dict[str, JsonValue] = {}
    for theirs, ours in (("min", "minimum"), ("max", "maximum")):
        raw = block.options.get(theirs)
        value = plain.number(raw)
        if value is not None:
            limits[ours] = value
        elif raw not in (None, ""):
            notes.append(remark("limit_not_checked", limit=ours))
    _ask(bot, block, "number", notes, **limits)


def _of_kind(kind: str) -> Callable[[Bot, Block], None]:
    def ask(bot: Bot, block: Block) -> None:
        _ask(bot, block, kind, [])

    return ask


def _date(bot: Bot, block: Block) -> None:
    notes: list[Note] = []
    kind = "date"
    if block.options.get("isRange") is True:
        kind = "text"
        notes.append(remark("date_range"))
    elif block.options.get("hasTime") is True:
        kind = "text"
        notes.append(remark("date_time"))
    elif block.options.get("min") or block.options.get("max"):
        notes.append(remark("date_limits"))
    _ask(bot, block, kind, notes)


def _file(bot: Bot, block: Block) -> None:
    notes = []
    if block.options.get("isMultipleAllowed") is True:
        notes.append(remark("one_file"))
    if block.options.get("isRequired") is False:
        notes.append(remark("file_required"))
    _ask(bot, block, "file", notes)


def _rating(bot: Bot, block: Block) -> None:
    length = plain.number(block.options.get("length")) or 10.0
    start = plain.number(block.options.get("startsAt"))
    _ask(bot, block, "integer", [], minimum=1.0 if start is None else start, maximum=max(1.0, min(length, 100.0)))


def _payment(bot: Bot, block: Block) -> None:
    bot.leave_out(block, remark("payment"))


def _choices(bot: Bot, block: Block) -> None:
    notes: list[Note] = []
    options = block.options
    listed = plain.text(options.get("dynamicVariableId"), 200)
    rows = plain.items(block.raw.get("items"))[:MAX_CHOICES]
    if listed and bot.variables.by_id(listed):
        body = _body(block, bot, notes)
        block.body = f"{body}\n\n{{{{ {bot.variables.by_id(listed)} }}}}"
        _ask(bot, block, "text", [*notes, remark("options_of_variable")])
        return
    found: list[tuple[Choice, dict[str, Any]]] = []
    for index, row in enumerate(rows):
        title = plain.text(row.get("content") or row.get("title"), 200).strip()
        if not title:
            continue
        label, _whole = template(title, bot.variables)
        about, _whole = template(row.get("description"), bot.variables, limit=200)
        key = plain.text(row.get("id"), 80) or f"item-{index + 1}"
        found.append((Choice(key, label, about), dict(row)))
        if plain.mapping(row.get("displayCondition")).get("isEnabled") is True:
            notes.append(remark("options_always_shown"))
        if row.get("pictureSrc"):
            notes.append(remark("option_pictures"))
    if options.get("isMultipleChoice") is True:
        notes.append(remark("one_choice"))
    _menu(bot, block, found, notes)


def _cards(bot: Bot, block: Block) -> None:
    notes = [remark("cards_as_menu")]
    found: list[tuple[Choice, dict[str, Any]]] = []
    for index, card in enumerate(plain.items(block.raw.get("items"))[:MAX_CHOICES]):
        title = plain.text(card.get("title"), 200).strip()
        for number, path in enumerate(plain.items(card.get("paths"))[:MAX_CHOICES]):
            label = plain.text(path.get("text"), 200).strip() or title
            if not label:
                continue
            key = plain.text(path.get("id"), 80) or f"card-{index + 1}-{number + 1}"
            about, _whole = template(title if label != title else card.get("description"), bot.variables, limit=200)
            choice = Choice(key, template(label, bot.variables)[0], about)
            found.append((choice, {**path, "_card": card.get("id")}))
    _menu(bot, block, found[:MAX_CHOICES], notes)


def _menu(bot: Bot, block: Block, found: list[tuple[Choice, dict[str, Any]]], notes: list[Note]) -> None:
    unique: dict[str, tuple[Choice, dict[str, Any]]] = {}
    for choice, row in found:
        unique.setdefault(choice.id, (choice, row))
    if not unique:
        bot.leave_out(block, remark("no_options"))
        return
    body = _body(block, bot, notes)
    choices = [choice for choice, _row in unique.values()]
    if any(len(choice.title) > WA_BUTTON_TITLE for choice in choices) and len(choices) <= 3:
        notes.append(remark("list_for_buttons"))
    variable = bot.variables.by_id(block.options.get("variableId"))
    menu = bot.sketch.menu(body, choices, hint=block.id, title=block.title, variable=variable)
    bot.sketch.place(f"b:{block.id}", menu.first)
    if menu.note:
        notes.append(menu.note)
    for choice, row in unique.values():
        card = plain.text(row.get("_card"), 200)
        item = plain.text(row.get("id"), 200)
        target = bot.leaving(row, block=block.id, item=card or item, path=item if card else "") or block.following
        node, port = menu.ports[choice.id]
        hidden = plain.text(row.get("value"), 500)
        if hidden and variable:
            assign = bot.sketch.node(
                "set_variable",
                {"assignments": [{"target": "session", "name": variable, "value": template(hidden, bot.variables)[0]}]},
                hint=f"{choice.id}-value",
                title=choice.title[:60],
            )
            bot.sketch.join(node, port, assign)
            bot.sketch.link(assign, "next", target)
        else:
            bot.sketch.link(node, port, target)
    bot.done(block, menu.first, joined(notes))


INPUTS: dict[str, Callable[[Bot, Block], None]] = {
    "text input": _text,
    "number input": _number,
    "email input": _of_kind("email"),
    "url input": _of_kind("url"),
    "date input": _date,
    "time input": _of_kind("time"),
    "phone number input": _of_kind("phone"),
    "choice input": _choices,
    "picture choice input": _choices,
    "cards": _cards,
    "payment input": _payment,
    "rating input": _rating,
    "file input": _file,
}
