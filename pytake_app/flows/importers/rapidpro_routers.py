"""RapidPro's waits and routers: questions, menus, conditions, splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import Note, joined, remark
from pytake_app.flows.importers.rapidpro_actions import attachments
from pytake_app.flows.importers.rapidpro_cases import chosen, test_of
from pytake_app.flows.importers.rapidpro_state import Chain, Definition
from pytake_app.flows.importers.report import outcome_of
from pytake_app.flows.importers.sketch import SAYS_NOTHING, Choice

MAX_CASES = 200
_KINDS = {"has_number": "number", "has_email": "email", "has_phone": "phone", "has_date": "date", "has_time": "time",
          "has_text": "text"}  # fmt: skip
_OUTCOMES = ("webhook", "child", "resthook", "_new_ticket", "ticket", "locals", "legacy_extra")


@dataclass(slots=True)
class Case:
    """A case with its arguments in all languages, the base language's first."""

    id: str
    type: str
    arguments: list[list[str]]
    category: str


@dataclass(slots=True)
class Router:
    """A node's router. `asked`: the message that asks what it waits for."""

    node_id: str
    raw: Mapping[str, Any]
    asked: Mapping[str, Any] | None = None
    exits: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether it waits for a message."""
        return bool(plain.mapping(self.raw.get("wait")))

    @property
    def result(self) -> str:
        """The variable that keeps its result, "" for none."""
        name = plain.text(self.raw.get("result_name"), 200)
        return plain.identifier(name) if name.strip() else ""


def read_router(node_id: str, raw: Mapping[str, Any]) -> Router:
    """A router with its categories."""
    router = Router(node_id, raw)
    for category in plain.items(raw.get("categories"))[:MAX_CASES]:
        uuid = plain.text(category.get("uuid"), 100)
        router.exits[uuid] = plain.text(category.get("exit_uuid"), 100)
        router.names[uuid] = plain.text(category.get("name"), 60)
    return router


def route(flow: Definition, chain: Chain, router: Router, acted: str) -> None:
    """Translate the router at the chain's end. `acted`: the kind of the node's last action."""
    flow.taken_notes()
    kind = plain.text(router.raw.get("type"), 30)
    if kind == "random":
        notes = _random(flow, chain, router)
    elif router.waits:
        notes = _wait(flow, chain, router)
    elif acted in ("call_webhook", "enter_flow", "open_ticket") and _is_outcome(router):
        notes = _outcome(flow, chain, router, acted)
    else:
        notes = []
        _switch(flow, chain, router, notes)
    notes += flow.taken_notes()
    node = flow.sketch.resolve(chain.ref)
    label = f"{kind or 'switch'} router"
    note = joined(notes)
    flow.sketch.tell(outcome_of(note), router.node_id, label, node_id=node, note=note)


def _is_outcome(router: Router) -> bool:
    operand = plain.text(router.raw.get("operand"), 200)
    return any(word in operand for word in _OUTCOMES) or "results" in operand


def _cases(flow: Definition, router: Router) -> list[Case]:
    cases: list[Case] = []
    for raw in plain.items(router.raw.get("cases"))[:MAX_CASES]:
        lists = [plain.texts(raw.get("arguments"))]
        lists += [words for _language, words in flow.translations(raw.get("uuid"), "arguments")]
        translated = [[flow.text(word, limit=400) for word in words[:10]] for words in lists]
        uuid = plain.text(raw.get("uuid"), 80)
        cases.append(Case(uuid, plain.text(raw.get("type"), 60), translated, plain.text(raw.get("category_uuid"), 100)))
    return cases


def _to_category(flow: Definition, router: Router, uuid: str) -> str | None:
    """What a category leads to, by way of a variable that keeps its name if something reads it."""
    exit_id = router.exits.get(uuid)
    target = f"x:{exit_id}" if exit_id else None
    if router.result not in flow.categories or not router.names.get(uuid):
        return target
    ref = f"c:{router.node_id}:{uuid}"
    if flow.sketch.resolve(ref) is None:
        name = f"{router.result}_category"
        row: JsonValue = {"target": "session", "name": name, "value": plain.literal(router.names[uuid])}
        node = flow.sketch.node("set_variable", {"assignments": [row]}, hint=f"{router.node_id}-category")
        flow.sketch.place(ref, node)
        flow.sketch.link(node, "next", target)
    return ref


def _default(flow: Definition, router: Router) -> str | None:
    default = plain.text(router.raw.get("default_category_uuid"), 100)
    if default not in router.exits and router.exits:
        default = next(reversed(router.exits))
    return _to_category(flow, router, default)


def _random(flow: Definition, chain: Chain, router: Router) -> list[Note]:
    uuids = list(router.exits)[:10]
    if not uuids:
        chain.lead(None)
        return [remark("no_categories")]
    share = round(100 / len(uuids), 4)
    branches: list[JsonValue] = [
        {"id": f"b{number}", "label": router.names[uuid] or f"{number}", "weight": share}
        for number, uuid in enumerate(uuids, 1)
    ]
    node = flow.sketch.node("random_split", {"branches": branches, "sticky": False}, hint=f"{router.node_id}-split")
    chain.add(node)
    for number, uuid in enumerate(uuids, 1):
        flow.sketch.link(node, f"branch:b{number}", _to_category(flow, router, uuid))
    return [remark("ten_branches")] if len(router.exits) > 10 else []


def _outcome(flow: Definition, chain: Chain, router: Router, acted: str) -> list[Note]:
    """A router that asks how the node's action went: the action's own exits say it."""
    cases = plain.items(router.raw.get("cases"))
    good = next((plain.text(case.get("category_uuid"), 100) for case in cases), "")
    success = _to_category(flow, router, good) if good in router.exits else _default(flow, router)
    failure = _default(flow, router)
    notes = []
    if acted == "enter_flow":
        if len(router.exits) > 1:
            notes.append(remark("called_comes_back"))
        chain.lead(success)
        return notes
    if not chain.open:
        chain.lead(failure)
    for node, port in chain.open:
        flow.sketch.link(node, port, failure if port == "error" else success)
    chain.open = []
    return notes


# -- waits ----------------------------------------------------------------------------------------------------------


def _wait(flow: Definition, chain: Chain, router: Router) -> list[Note]:
    wait = plain.mapping(router.raw.get("wait"))
    notes: list[Note] = []
    if wait.get("type") not in (None, "msg"):
        notes.append(remark("waits_for_message"))
    limit = plain.mapping(wait.get("timeout"))
    seconds = plain.number(limit.get("seconds"))
    minutes = min(max(seconds / 60, 1 / 60), 43_200.0) if seconds and seconds > 0 else None
    late = _to_category(flow, router, plain.text(limit.get("category_uuid"), 100)) if minutes else None
    cases = _cases(flow, router)
    asked = router.asked
    body = flow.said(asked, "text") if asked is not None else ""
    if asked is not None:
        attachments(flow, chain, asked)
    replies = [text.strip() for text in plain.texts(plain.mapping(asked).get("quick_replies")) if text.strip()]
    if replies:
        if any(words for _l, words in flow.translations(plain.mapping(asked).get("uuid"), "quick_replies")):
            notes.append(remark("base_replies"))
        _menu(flow, chain, router, cases, (body or SAYS_NOTHING, replies[:50], minutes, late), notes)
        return notes
    kind, extra = _question_kind(cases)
    if body.strip():
        config: dict[str, JsonValue] = {
            "body": body, "variable": router.result or "last_answer", "kind": kind, "max_attempts": 1, **extra,
        }  # fmt: skip
        if minutes:
            config["timeout_minutes"] = minutes
        node = flow.sketch.node("question", config, hint=f"{router.node_id}-question")
        chain.add(node, "answered", "invalid")
        flow.sketch.link(node, "timeout", late)
        if len({case.category for case in cases}) == 1 and len(cases) == 1 and cases[0].type in (*_KINDS, _BETWEEN):
            flow.sketch.link(node, "answered", _to_category(flow, router, cases[0].category))
            chain.open = [(node, "invalid")]
            chain.lead(_default(flow, router))
            return notes
    else:
        config = {"variable": router.result}
        if minutes:
            config["timeout_minutes"] = minutes
        node = flow.sketch.node("wait_for_reply", config, hint=f"{router.node_id}-wait")
        chain.add(node, "replied")
        flow.sketch.link(node, "timeout", late)
    _switch(flow, chain, router, notes, cases)
    return notes


_BETWEEN = "has_number_between"


def _question_kind(cases: list[Case]) -> tuple[str, dict[str, JsonValue]]:
    """The kind of answer that the only case asks for."""
    if len(cases) != 1:
        return "text", {}
    case = cases[0]
    if case.type == _BETWEEN and case.arguments and len(case.arguments[0]) > 1:
        low, high = (plain.number(argument) for argument in case.arguments[0][:2])
        if low is not None and high is not None:
            return "number", {"minimum": low, "maximum": high}
    return _KINDS.get(case.type, "text"), {}


def _menu(
    flow: Definition,
    chain: Chain,
    router: Router,
    cases: list[Case],
    shown: tuple[str, list[str], float | None, str | None],
    notes: list[Note],
) -> None:
    """A message with quick replies and the wait behind it: a menu whose options lead where their texts would."""
    body, replies, minutes, late = shown
    titles = {reply: flow.text(reply, limit=200) for reply in dict.fromkeys(replies)}
    choices = [Choice(f"r{number}", title) for number, title in enumerate(titles.values(), 1)]
    menu = flow.sketch.menu(
        body, choices, hint=f"{router.node_id}-menu", variable=router.result, timeout_minutes=minutes
    )
    if menu.note:
        notes.append(menu.note)
    chain.add(menu.first)
    undecided: list[tuple[str, str]] = []
    for choice in choices:
        verdicts = [(chosen(case.type, case.arguments, choice.title), case) for case in cases]
        first = next(((verdict, case) for verdict, case in verdicts if verdict is not False), None)
        node, port = menu.ports[choice.id]
        if first is None:
            flow.sketch.link(node, port, _default(flow, router))
        elif first[0]:
            flow.sketch.link(node, port, _to_category(flow, router, first[1].category))
        else:
            undecided.append((node, port))
    for node in menu.nodes:
        flow.sketch.link(node, "timeout", late)
    chain.open = [*undecided, *((node, "other") for node in menu.nodes)]
    _switch(flow, chain, router, notes, cases)


# -- switches -------------------------------------------------------------------------------------------------------


def _switch(flow: Definition, chain: Chain, router: Router, notes: list[Note], cases: list[Case] | None = None) -> None:
    """One condition after the other, the default at the end."""
    cases = _cases(flow, router) if cases is None else cases
    operand = plain.text(router.raw.get("operand"), 500) or "@input.text"
    value = flow.text(operand)
    if all(case.type in ("has_only_phrase", "has_only_text") and len(case.arguments) == 1 for case in cases) and cases:
        _exact(flow, chain, router, cases, value)
        return
    for case in cases:
        test = test_of(case.type, value, case.arguments)
        if test is None:
            notes.append(remark("test_never_holds", test=case.type))
            continue
        if test.note:
            notes.append(test.note)
        rows: list[JsonValue] = [dict(row) for row in test.rows]
        config: dict[str, JsonValue] = {"match": "any" if test.any else "all", "rows": rows}
        title = router.names.get(case.category, "")
        node = flow.sketch.node("condition", config, hint=case.id or f"{router.node_id}-case", title=title)
        chain.add(node, "false")
        flow.sketch.link(node, "true", _to_category(flow, router, case.category))
    chain.lead(_default(flow, router))


def _exact(flow: Definition, chain: Chain, router: Router, cases: list[Case], value: str) -> None:
    """Whole texts only: one switch."""
    rows: list[JsonValue] = []
    for number, case in enumerate(cases[:50], 1):
        wanted = case.arguments[0][0] if case.arguments and case.arguments[0] else ""
        rows.append({"id": f"c{number}", "value": wanted, "label": router.names.get(case.category, "")})
    node = flow.sketch.node("switch", {"value": value, "cases": rows}, hint=f"{router.node_id}-switch")
    chain.add(node, "default")
    for number, case in enumerate(cases[:50], 1):
        flow.sketch.link(node, f"case:c{number}", _to_category(flow, router, case.category))
    chain.lead(_default(flow, router))
