"""Typebot's logic blocks and integrations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from pytake_app.engine.jsonpath import compile_path
from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, Note, joined, remark
from pytake_app.flows.importers.requests import http_request
from pytake_app.flows.importers.typebot_state import Block, Bot
from pytake_app.flows.importers.typebot_text import pattern, template, value

_OPERATORS = {
    "Equal to": "equals", "Not equal": "not_equals", "Contains": "contains", "Does not contain": "not_contains",
    "Greater than": "greater", "Greater or equal to": "greater_or_equal", "Less than": "less",
    "Less or equal to": "less_or_equal", "Is set": "not_empty", "Is empty": "empty", "Starts with": "starts_with",
    "Ends with": "ends_with", "Matches regex": "matches", "Does not match regex": "matches",
}  # fmt: skip
_VALUES = {
    "Empty": "",
    "Now": "{{ now }}",
    "Today": "{{ today }}",
    "Phone number": "{{ contact.phone }}",
    "Contact name": "{{ contact.name }}",
    "Environment name": "whatsapp",
}
_PART_OF_DAY = (
    '{% assign hour = now | date: "%-H" | plus: 0 %}{% if hour < 6 %}night{% elsif hour < 12 %}morning'
    "{% elsif hour < 18 %}afternoon{% else %}evening{% endif %}"
)
_NEAR_VALUES = {
    "User ID": ("{{ contact.id }}", remark("contact_id")),
    "Result ID": ("{{ session.id }}", remark("session_id")),
    "Random ID": ("{{ session.id }}", remark("session_id_random")),
    "Moment of the day": (
        _PART_OF_DAY,
        remark("part_of_day"),
    ),
}


def _set_variable(bot: Bot, block: Block) -> None:
    options = block.options
    name = bot.variables.by_id(options.get("variableId"))
    if not name:
        bot.leave_out(block, remark("no_variable"))
        return
    kind = plain.text(options.get("type"), 60) or "Custom"
    note = NOTHING
    if kind == "Custom":
        # Before version 6 every value was evaluated as JavaScript, a text that isn't any was taken as it stands.
        code = options.get("isCode") is True if bot.version.startswith("6") else True
        made, note = value(options.get("expressionToEvaluate"), bot.variables, code=code)
    elif kind in _VALUES:
        made = _VALUES[kind]
    elif kind in _NEAR_VALUES:
        made, note = _NEAR_VALUES[kind]
    elif kind == "Append value(s)":
        item, _whole = template(options.get("item"), bot.variables, limit=2_000)
        made, note = f"{{% if {name} %}}{{{{ {name} }}}}, {{% endif %}}{item}", remark("text_for_list")
    else:
        bot.leave_out(block, remark("unknown_value", value=kind))
        return
    node = bot.add(block, "set_variable", {"assignments": [{"target": "session", "name": name, "value": made}]})
    bot.sketch.link(node, "next", block.following)
    bot.done(block, node, note)


def _rows(bot: Bot, content: Mapping[str, Any], notes: list[Note]) -> tuple[list[JsonValue], bool]:
    """Rows of a condition, and whether its answer is to be turned round."""
    comparisons = plain.items(content.get("comparisons"))[:20]
    rows: list[JsonValue] = []
    turned = False
    for comparison in comparisons:
        theirs = plain.text(comparison.get("comparisonOperator"), 60) or "Equal to"
        operator = _OPERATORS.get(theirs)
        name = bot.variables.by_id(comparison.get("variableId"))
        if operator is None or not name:
            notes.append(remark("comparison_left_out"))
            continue
        raw = plain.text(comparison.get("value"), 1_000)
        wanted = plain.literal(pattern(raw)) if operator == "matches" else template(raw, bot.variables)[0]
        if theirs == "Does not match regex":
            if len(comparisons) == 1:
                turned = True
            else:
                operator = "not_contains"
                notes.append(remark("not_matching"))
        rows.append({"value": f"{{{{ {name} }}}}", "operator": operator, "compare_to": wanted})
    return rows, turned


def _condition(bot: Bot, block: Block) -> None:
    notes: list[Note] = []
    previous: tuple[str, str] | None = None
    first: str | None = None
    for item in plain.items(block.raw.get("items"))[:100]:
        content = plain.mapping(item.get("content"))
        rows, turned = _rows(bot, content, notes)
        match = "any" if content.get("logicalOperator") == "OR" else "all"
        if not rows:
            notes.append(remark("branch_left_out"))
            continue
        node = bot.add(block, "condition", {"match": match, "rows": rows})
        first = first or node
        yes, no = ("false", "true") if turned else ("true", "false")
        bot.sketch.link(node, yes, bot.leaving(item, block=block.id, item=plain.text(item.get("id"), 200)))
        if previous is not None:
            bot.sketch.join(*previous, node)
        previous = (node, no)
    if first is None or previous is None:
        bot.leave_out(block, remark("compares_nothing"))
        return
    bot.sketch.link(*previous, block.following)
    bot.done(block, first, joined(notes))


def _redirect(bot: Bot, block: Block) -> None:
    url, _whole = template(block.options.get("url"), bot.variables, limit=2_000)
    if not url.strip():
        bot.leave_out(block, remark("no_address"))
        return
    node = bot.add(block, "msg_text", {"body": url, "preview_url": True})
    bot.sketch.link(node, "next", block.following)
    bot.done(block, node, remark("redirect_as_link"))


def _link(bot: Bot, block: Block) -> None:
    wanted = plain.text(block.options.get("typebotId"), 200)
    if not wanted:
        bot.leave_out(block, remark("no_flow_chosen"))
        return
    group = plain.text(block.options.get("groupId"), 200)
    if wanted in ("current", bot.id) and group:
        bot.sketch.forward(f"b:{block.id}", f"g:{group}")
        bot.tell(block, "translated", None)
        return
    target = bot.id if wanted == "current" else wanted
    node = bot.add(block, "jump", {"flow": target, "mode": "call" if block.following else "go"})
    bot.sketch.references[node] = target
    bot.sketch.link(node, "next", block.following)
    bot.done(block, node, remark("linked_from_start") if group else NOTHING)


def _wait(bot: Bot, block: Block) -> None:
    seconds = plain.number(block.options.get("secondsToWaitFor"))
    note = NOTHING
    if seconds is None:
        seconds, note = 1.0, remark("wait_of_variable")
    if seconds <= 0:
        bot.leave_out(block, remark("waits_nothing"))
        return
    node = bot.add(block, "delay", {"amount": min(seconds, 31_536_000.0), "unit": "seconds"})
    bot.sketch.link(node, "next", block.following)
    bot.done(block, node, note)


def _ab_test(bot: Bot, block: Block) -> None:
    percent = plain.number(block.options.get("aPercent"))
    share = 50.0 if percent is None else max(0.0, min(100.0, percent))
    branches: list[JsonValue] = [
        {"id": "a", "label": "A", "weight": share},
        {"id": "b", "label": "B", "weight": 100.0 - share},
    ]
    node = bot.add(block, "random_split", {"branches": branches, "sticky": False})
    for index, item in enumerate(plain.items(block.raw.get("items"))[:2]):
        path = plain.text(item.get("path"), 1).lower() or "ab"[index]
        target = bot.leaving(item, block=block.id, item=plain.text(item.get("id"), 200)) or block.following
        bot.sketch.link(node, f"branch:{path}", target)
    for path in "ab":
        bot.sketch.link(node, f"branch:{path}", block.following)
    bot.done(block, node)


def _jump(bot: Bot, block: Block) -> None:
    group, target = plain.text(block.options.get("groupId"), 200), plain.text(block.options.get("blockId"), 200)
    if not group and not target:
        bot.leave_out(block, remark("leads_nowhere"))
        return
    bot.sketch.forward(f"b:{block.id}", f"b:{target}" if target else f"g:{group}")
    bot.tell(block, "translated", None)


def _return(bot: Bot, block: Block) -> None:
    node = bot.add(block, "end", {"outcome": ""})
    bot.done(block, node, remark("return_ends"))


def _request(bot: Bot, block: Block) -> None:
    options = block.options
    webhook = plain.mapping(options.get("webhook"))
    if not plain.text(webhook.get("url")).strip():
        bot.leave_out(block, remark("request_no_address"))
        return
    notes: list[Note] = []

    def written(raw: object) -> str:
        made, whole = template(raw, bot.variables)
        if not whole:
            notes.append(remark("code_in_request"))
        return made

    mapping = []
    for row in plain.items(options.get("responseVariableMapping"))[:50]:
        name = bot.variables.by_id(row.get("variableId"))
        path = _json_path(plain.text(row.get("bodyPath"), 200).strip())
        if name and path is None:
            notes.append(remark("computed_answer"))
        elif name and path is not None:
            mapping.append((name, path))
    config = http_request(
        method=plain.text(webhook.get("method"), 10).upper() or "POST",
        url=written(webhook.get("url")),
        headers=[(plain.text(h.get("key"), 100), written(h.get("value"))) for h in plain.items(webhook.get("headers"))],
        query=[
            (plain.text(q.get("key"), 100), written(q.get("value"))) for q in plain.items(webhook.get("queryParams"))
        ],
        body=written(webhook.get("body")) if webhook.get("body") else "",
        timeout_seconds=plain.number(options.get("timeout")),
        mapping=mapping,
    )
    node = bot.add(block, "api_call", config)
    bot.sketch.link(node, "success", block.following)
    bot.sketch.link(node, "error", block.following)
    if block.type != "Webhook":
        notes.append(remark("plain_request"))
    bot.done(block, node, joined(notes))


def _json_path(theirs: str) -> str | None:
    """`data.items[0].id` as JSONPath; None for what is a computation. `data` is the answer's body."""
    rest = theirs[4:] if theirs == "data" or theirs.startswith(("data.", "data[")) else f".{theirs}" if theirs else ""
    path = f"${rest}"
    return path if compile_path(path) is not None else None


def _chatwoot(bot: Bot, block: Block) -> None:
    node = bot.add(block, "action_transfer_to_queue", {"queue_id": "", "queue_name": "", "priority": 0, "message": ""})
    bot.done(block, node, remark("handover_queue"))


def _left_out(why: Note) -> Callable[[Bot, Block], None]:
    def leave(bot: Bot, block: Block) -> None:
        bot.leave_out(block, why)

    return leave


def _integration(bot: Bot, block: Block) -> None:
    """Anything else is an integration of Typebot's own."""
    bot.leave_out(block, remark("unknown_integration"))


LOGIC: dict[str, Callable[[Bot, Block], None]] = {
    "Set variable": _set_variable,
    "Condition": _condition,
    "Redirect": _redirect,
    "Code": _left_out(remark("no_javascript")),
    "Typebot link": _link,
    "Wait": _wait,
    "AB test": _ab_test,
    "webhook": _left_out(remark("no_call_inside")),
    "Jump": _jump,
    "Return": _return,
    "Webhook": _request,
    "Zapier": _request,
    "Make.com": _request,
    "Pabbly": _request,
    "Chatwoot": _chatwoot,
}
LOOSE_INTEGRATIONS = _integration
