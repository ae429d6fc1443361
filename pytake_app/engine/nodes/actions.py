"""Nodes that act: variables, contact, tags, hand-off to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, JsonValue

from pytake_app.engine.answers import parse_number
from pytake_app.engine.content import TextContent
from pytake_app.engine.events import FallbackAction, Handoff
from pytake_app.engine.limits import MAX_VARIABLE_NAME, WA_TEXT_BODY
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    PORT_NEXT,
    PORT_TIMEOUT,
    Config,
    ConfigIssue,
    Enter,
    Finish,
    Go,
    NodeType,
    Outcome,
    Port,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import NO_PAUSE, Enters, Pause, Refers, Sends, ValueKind, Writes
from pytake_app.engine.scope import NAMESPACES
from pytake_app.engine.session import FlowRef, HandoffResume, Resume
from pytake_app.engine.templating import Template, TemplateCompiler, printed
from pytake_app.engine.visit import Visit

CONTACT_FIELDS = ("name", "email", "language", "lifecycle_stage", "lead_score", "opted_in")
FIXED_FIELDS = frozenset({"id", "phone", "tags", "first_name", "fields"})
"""What expressions read of a contact under these names isn't set by flows."""
_WORDS = frozenset({"name", "email", "language", "lifecycle_stage"})
_STANDARD = FIXED_FIELDS | set(CONTACT_FIELDS)
_MAX_WORDS = 200
"""Characters kept of a contact's name, address, language or stage."""


def _ports(_config: Config) -> list[Port]:
    return [PORT_NEXT, PORT_ERROR]


def _leave(visit: Visit, why: str) -> Go:
    if visit.failed and visit.has("error"):
        return Go("error", "a value could not be set")
    return Go("next", why)


class Assignment(Config):
    """``name`` gets ``value``; a single expression keeps its kind (number, list…)."""

    target: Literal["session", "contact"] = setting("session", widget="select", options=("session", "contact"))
    name: str = setting("", widget="variable", required=True, max=MAX_VARIABLE_NAME)
    value: str = setting("", variables=True)


class SetVariableConfig(Config):
    """Sets session variables or fields of the contact, in order."""

    assignments: list[Assignment] = setting(factory=list, widget="assignments", required=True, max=30)


@dataclass(frozen=True, slots=True)
class _Assign:
    contact: bool
    name: str
    value: Template


def _prepare_set(config: SetVariableConfig, texts: TemplateCompiler) -> list[_Assign]:
    return [
        _Assign(a.target == "contact", a.name.strip(), texts(a.value)) for a in config.assignments if a.name.strip()
    ]


def _run_set(visit: Visit, prepared: list[_Assign]) -> Go:
    for assign in prepared:
        value = visit.value(assign.value)
        if assign.contact:
            _set_contact(visit, assign.name, value)
        else:
            visit.set_variable(assign.name, value)
    return _leave(visit, "set")


def _set_contact(visit: Visit, name: str, value: JsonValue) -> None:
    """Set a field of the contact; of the standard ones only what they can hold."""
    if name == "lead_score":
        value = _score(visit, value)
        if value is None:
            return
    elif name == "opted_in":
        value = printed(value).strip().lower() in ("true", "1", "yes", "sim", "si", "sí")
    elif name in _WORDS and value is not None:
        value = printed(value).strip()[:_MAX_WORDS]
    visit.set_contact(name, value)


def _check_set(config: SetVariableConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    for i, assign in enumerate(config.assignments):
        name = assign.name.strip()
        if assign.target == "session" and name and (not name.isidentifier() or not name.isascii()):
            issues.append(ConfigIssue("invalid_variable_name", f"/assignments/{i}/name", params={"name": name[:64]}))
        elif (assign.target == "session" and name in NAMESPACES) or (
            assign.target == "contact" and name in FIXED_FIELDS
        ):
            issues.append(ConfigIssue("reserved_variable_name", f"/assignments/{i}/name", params={"name": name}))
    return issues


class TagConfig(Config):
    """Adds and takes off tags, by name."""

    add: list[str] = setting(factory=list, widget="tags", variables=True, max=20)
    remove: list[str] = setting(factory=list, widget="tags", variables=True, max=20)


@dataclass(frozen=True, slots=True)
class _Tags:
    add: list[Template]
    remove: list[Template]


def _prepare_tags(config: TagConfig, texts: TemplateCompiler) -> _Tags:
    return _Tags([texts(t) for t in config.add], [texts(t) for t in config.remove])


def _run_tags(visit: Visit, prepared: _Tags) -> Go:
    for templates, removed in ((prepared.add, False), (prepared.remove, True)):
        for template in templates:
            tag = visit.text(template).strip()[:60]
            if tag:
                visit.tag_contact(tag, removed=removed)
    return _leave(visit, "tagged")


def _check_tags(config: TagConfig) -> list[ConfigIssue]:
    return [] if any(t.strip() for t in (*config.add, *config.remove)) else [ConfigIssue("missing_value", "/add")]


class ContactField(Config):
    """A field of the contact: one of the standard ones or a custom field's key."""

    field: str = setting("", widget="field", required=True, max=MAX_VARIABLE_NAME)
    value: str = setting("", variables=True)


class UpdateContactConfig(Config):
    """Sets fields of the contact. ``lead_score`` takes a number, or ``+5``/``-5`` to change it."""

    fields: list[ContactField] = setting(factory=list, widget="assignments", required=True, max=30)


def _prepare_update(config: UpdateContactConfig, texts: TemplateCompiler) -> list[_Assign]:
    return [_Assign(True, f.field.strip(), texts(f.value)) for f in config.fields if f.field.strip()]


def _check_update(config: UpdateContactConfig) -> list[ConfigIssue]:
    return [
        ConfigIssue("reserved_variable_name", f"/fields/{i}/field", params={"name": field.field.strip()})
        for i, field in enumerate(config.fields)
        if field.field.strip() in FIXED_FIELDS
    ]


def _run_update(visit: Visit, prepared: list[_Assign]) -> Go:
    for assign in prepared:
        _set_contact(visit, assign.name, visit.value(assign.value))
    return _leave(visit, "updated")


def _score(visit: Visit, value: JsonValue) -> int | None:
    text = printed(value).strip()
    try:
        number = round(float(text.replace(",", ".")))
    except (ValueError, OverflowError):
        visit.failed = True
        visit.error("invalid_value", "lead_score is no number")
        return None
    changes = visit.scope.contact_changes.get("lead_score", visit.ctx.contact.lead_score)
    base = changes if isinstance(changes, int) and text.startswith(("+", "-")) else 0
    return max(-1_000_000, min(1_000_000, base + number))


class TransferConfig(Config):
    """Hands the conversation to people: queue, priority (0 normal, 1 high, 2 urgent), what the
    contact is told, and what happens when nobody takes it within ``wait_timeout_minutes``."""

    queue_id: str = setting("", widget="queue")
    queue_name: str = setting("", beside="queue_id", max=120)
    priority: Literal[0, 1, 2] = setting(0, widget="select", options=("0", "1", "2"))
    message: str = setting("", widget="textarea", variables=True, max=WA_TEXT_BODY, translate="text")
    wait_timeout_minutes: int | None = setting(None, widget="duration", gt=0, le=43_200)
    fallback_action: FallbackAction = setting(
        "abandon", widget="select", options=("abandon", "flow", "message", "queue"), advanced=True
    )
    fallback_flow: str = setting("", widget="flow", show_if={"fallback_action": ["flow"]}, advanced=True)
    fallback_message: str = setting(
        "",
        widget="textarea",
        variables=True,
        max=WA_TEXT_BODY,
        show_if={"fallback_action": ["message"]},
        advanced=True,
        translate="text",
    )
    fallback_queue_id: str = setting("", widget="queue", show_if={"fallback_action": ["queue"]}, advanced=True)
    metadata: dict[str, JsonValue] = Field(
        default_factory=dict, json_schema_extra={"widget": "record", "advanced": True}
    )


@dataclass(frozen=True, slots=True)
class _Transfer:
    config: TransferConfig
    message: Template
    fallback_message: Template
    metadata: dict[str, Template | JsonValue]


def _prepare_transfer(config: TransferConfig, texts: TemplateCompiler) -> _Transfer:
    metadata: dict[str, Template | JsonValue] = {
        k: texts(v) if isinstance(v, str) else v for k, v in config.metadata.items()
    }
    return _Transfer(config, texts(config.message), texts(config.fallback_message), metadata)


def _handoff(visit: Visit, prepared: _Transfer, queue_id: str, message: str) -> None:
    config = prepared.config
    metadata: dict[str, JsonValue] = {
        k: visit.value(v) if isinstance(v, Template) else v for k, v in prepared.metadata.items()
    }
    visit.events.append(
        Handoff(
            node_id=visit.node.id,
            queue_id=queue_id or None,
            queue_name=config.queue_name or None if queue_id == config.queue_id else None,
            priority=config.priority,
            message=message,
            wait_timeout_minutes=config.wait_timeout_minutes,
            fallback_action=config.fallback_action,
            metadata=metadata,
        )
    )


def _run_transfer(visit: Visit, prepared: _Transfer) -> Outcome:
    config = prepared.config
    message = visit.clipped(prepared.message, WA_TEXT_BODY)
    if message.strip():
        visit.send(TextContent(body=message))
    _handoff(visit, prepared, config.queue_id, message)
    minutes = config.wait_timeout_minutes
    listens = any(visit.has(port) for port in ("transferred", "timeout", "closed"))
    if listens or minutes:  # the time is over for `abandon` too: the host takes the contact out of the line
        return WaitFor("handoff", visit.minutes_from_now(minutes) if minutes else None, 0, "waits for a person")
    return Finish("handed_off", None, "given to people")


def _resume_transfer(visit: Visit, prepared: _Transfer, resume: Resume) -> Outcome:
    result = resume.result if isinstance(resume, HandoffResume) else "timeout"
    if visit.has(result):
        return Go(result, f"the hand-off ended: {result}")
    if result == "transferred" and visit.has("closed"):
        return WaitFor("handoff", visit.wait.timeout_at if visit.wait else None, 0, "a person took it")
    if result != "timeout":
        return Finish("handed_off", None, f"the hand-off ended: {result}")
    return _fallback(visit, prepared)


def _fallback(visit: Visit, prepared: _Transfer) -> Outcome:
    """Nobody came in time, and the timeout port isn't wired."""
    config = prepared.config
    if config.fallback_action == "flow" and config.fallback_flow:
        return Enter(FlowRef(config.fallback_flow), False, "nobody came in time: fallback flow")
    if config.fallback_action == "message":
        text = visit.clipped(prepared.fallback_message, WA_TEXT_BODY)
        if text.strip():
            visit.send(TextContent(body=text))
        return Finish("completed", "abandoned", "nobody came in time: fallback message")
    if config.fallback_action == "queue" and config.fallback_queue_id:
        _handoff(visit, prepared, config.fallback_queue_id, "")
        return Finish("handed_off", None, "nobody came in time: other queue")
    return Finish("completed", "abandoned", "nobody came in time")


def _transfer_ports(_config: TransferConfig) -> list[Port]:
    return [
        Port(id="transferred", label_key="port.transferred"),
        PORT_TIMEOUT,
        Port(id="closed", label_key="port.closed_conversation"),
        PORT_ERROR,
    ]


def _check_transfer(config: TransferConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    for action, field in (("flow", "fallback_flow"), ("message", "fallback_message"), ("queue", "fallback_queue_id")):
        if config.fallback_action == action and not getattr(config, field).strip():
            issues.append(ConfigIssue("missing_value", f"/{field}"))
    if config.fallback_action != "abandon" and not config.wait_timeout_minutes:
        issues.append(ConfigIssue("fallback_without_timeout", "/wait_timeout_minutes", "warning"))
    return issues


def _value_kind(text: str) -> ValueKind:
    """The kind of an assigned text, as far as it can be told without running."""
    if "{{" in text or "{%" in text:
        return "any"
    return "number" if parse_number(text) is not None else "text"


def _set_writes(config: SetVariableConfig) -> list[Writes]:
    return [
        Writes(a.name.strip(), _value_kind(a.value), None, f"/assignments/{i}", literal=_literal(a.value))
        for i, a in enumerate(config.assignments)
        if a.target == "session" and a.name.strip()
    ]


def _literal(text: str) -> str | None:
    return None if "{{" in text or "{%" in text else text


def _set_refers(config: SetVariableConfig) -> list[Refers]:
    named = [(i, a.name.strip()) for i, a in enumerate(config.assignments) if a.target == "contact"]
    return [Refers("field", (n,), f"/assignments/{i}/name") for i, n in named if n and n not in _STANDARD]


def _tag_refers(config: TagConfig) -> list[Refers]:
    return [
        Refers("tag", (tag.strip(),), f"/{name}/{i}", "info")
        for name, tags in (("add", config.add), ("remove", config.remove))
        for i, tag in enumerate(tags)
        if tag.strip() and "{" not in tag
    ]


def _update_refers(config: UpdateContactConfig) -> list[Refers]:
    named = [(i, f.field.strip()) for i, f in enumerate(config.fields)]
    return [Refers("field", (n,), f"/fields/{i}/field") for i, n in named if n and n not in _STANDARD]


def _transfer_pause(config: TransferConfig, port: str, _wired: frozenset[str]) -> Pause:
    if port == "error":
        return NO_PAUSE
    return Pause("person", None if port == "closed" else config.wait_timeout_minutes)


def _transfer_sends(config: TransferConfig, wired: frozenset[str]) -> list[Sends]:
    sends = [Sends("text", pointer="/message")] if config.message.strip() else []
    falls_back = config.fallback_action == "message" and config.wait_timeout_minutes and "timeout" not in wired
    if falls_back and config.fallback_message.strip():
        minutes = config.wait_timeout_minutes
        sends.append(Sends("text", "timeout", 0, 1, "/fallback_message", minutes=minutes))
    return sends


def _transfer_enters(config: TransferConfig, wired: frozenset[str]) -> list[Enters]:
    minutes = config.wait_timeout_minutes
    if config.fallback_action != "flow" or not config.fallback_flow or not minutes or "timeout" in wired:
        return []
    return [Enters(config.fallback_flow, False, "/fallback_flow", Pause("person", minutes))]


def _transfer_refers(config: TransferConfig) -> list[Refers]:
    refers: list[Refers] = []
    if config.queue_id or config.queue_name:
        refers.append(Refers("queue", tuple(q for q in (config.queue_name, config.queue_id) if q), "/queue_id"))
    if config.fallback_action == "queue" and config.fallback_queue_id:
        refers.append(Refers("queue", (config.fallback_queue_id,), "/fallback_queue_id"))
    if config.fallback_action == "flow" and config.fallback_flow:
        refers.append(Refers("flow", (config.fallback_flow,), "/fallback_flow", "error"))
    return refers


SET_VARIABLE = NodeType(
    type="set_variable", group="action", icon="variable", aliases=("action",), config_model=SetVariableConfig,
    ports=_ports, prepare=_prepare_set, run=_run_set, check=_check_set, writes=_set_writes,
    refers=_set_refers,
    default_config={"assignments": [{"target": "session", "name": "", "value": ""}]},
)  # fmt: skip
TAG_CONTACT = NodeType(
    type="tag_contact", group="action", icon="tag", config_model=TagConfig, ports=_ports, prepare=_prepare_tags,
    run=_run_tags, check=_check_tags, refers=_tag_refers, summary_field="add", default_config={"add": [], "remove": []},
)  # fmt: skip
UPDATE_CONTACT = NodeType(
    type="update_contact", group="action", icon="user-pen", config_model=UpdateContactConfig, ports=_ports,
    prepare=_prepare_update, run=_run_update, check=_check_update, refers=_update_refers,
    default_config={"fields": [{"field": "name", "value": ""}]},
)  # fmt: skip
TRANSFER = NodeType(
    type="action_transfer_to_queue", group="action", icon="headset", aliases=("handoff", "transfer_to_queue"),
    config_model=TransferConfig, ports=_transfer_ports, prepare=_prepare_transfer, run=_run_transfer,
    resume=_resume_transfer, waits=always, check=_check_transfer, pause=_transfer_pause, sends=_transfer_sends,
    enters=_transfer_enters, refers=_transfer_refers, summary_field="queue_name",
    default_config={"queue_id": "", "queue_name": "", "priority": 0, "message": ""},
)  # fmt: skip
