"""Triggers from outside a conversation: an HTTP call, a schedule, an event."""

from __future__ import annotations

from typing import Final, Literal, get_args

from pydantic import JsonValue

from pytake_app.engine.jsonpath import compile_path, select
from pytake_app.engine.limits import MAX_VARIABLE_BYTES
from pytake_app.engine.nodes.base import PORT_NEXT, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.facts import EntryWindow, Refers, Writes
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.outside import MappingRow, check_mapping
from pytake_app.engine.schedule import valid_cron
from pytake_app.engine.scope import NAMESPACES, timezone
from pytake_app.engine.templating import TemplateCompiler, printed
from pytake_app.engine.visit import Visit, value_size

EventName = Literal[
    "contact_created", "tag_added", "tag_removed", "field_changed", "conversation_opened", "conversation_assigned",
    "conversation_closed", "campaign_replied", "custom_event",
]  # fmt: skip
EVENTS: Final[tuple[EventName, ...]] = get_args(EventName)


def _next(_config: Config) -> list[Port]:
    return [PORT_NEXT.model_copy(update={"required": True})]


def _prepare(_config: Config, _texts: TemplateCompiler) -> None:
    return None


def _run(_visit: Visit, _prepared: None) -> Go:
    return Go("next", "triggered")


class WebhookConfig(Config):
    """An HTTP call to the secret address starts the flow for the contact whose phone is found at ``phone_path``
    (JSONPath). ``variable`` gets the whole payload (if it is small enough), ``mapping`` parts of it. ``rotation``: a
    higher number gives another address, and the old one stops working."""

    phone_path: str = setting("$.phone", widget="jsonpath", required=True, max=300)
    name_path: str = setting("$.name", widget="jsonpath", max=300)
    mapping: list[MappingRow] = setting(factory=list, widget="assignments", max=30)
    variable: str = setting("payload", widget="variable", pattern=VARIABLE_NAME, advanced=True)
    channel_account: str = setting("", widget="channel", advanced=True)
    rotation: int = setting(0, widget="rotation", ge=0, le=1_000_000)


def webhook_phone(config: WebhookConfig, payload: JsonValue) -> tuple[str, str]:
    """(phone, name) of the contact that a payload speaks of; empty when it isn't there."""
    phone = select(config.phone_path, payload)[1]
    name = select(config.name_path, payload)[1] if config.name_path else None
    first = phone[0] if isinstance(phone, list) and phone else phone
    return printed(first).strip()[:40], printed(name).strip()[:200] if isinstance(name, str) else ""


def webhook_variables(config: WebhookConfig, payload: JsonValue) -> dict[str, JsonValue]:
    """The session variables that a payload gives. What is too large for one is left out."""
    found: dict[str, JsonValue] = {}
    if config.variable and value_size(payload) <= MAX_VARIABLE_BYTES:
        found[config.variable] = payload
    for row in config.mapping:
        if not row.name or row.name in NAMESPACES:
            continue
        hit, value = select(row.path, payload)
        if hit and value_size(value) <= MAX_VARIABLE_BYTES:
            found[row.name] = value
        elif row.default:
            found[row.name] = row.default
    return found


def _check_webhook(config: WebhookConfig) -> list[ConfigIssue]:
    issues = check_mapping(config.mapping)
    for name in ("phone_path", "name_path"):
        path: str = getattr(config, name)
        if path.strip() and compile_path(path) is None:
            issues.append(ConfigIssue("invalid_path", f"/{name}", params={"path": path[:80]}))
    return issues


def _webhook_writes(config: WebhookConfig) -> list[Writes]:
    writes = [
        Writes(row.name, "any", None, f"/mapping/{i}", certain=bool(row.default))
        for i, row in enumerate(config.mapping)
        if row.name
    ]
    if config.variable:
        writes.append(Writes(config.variable, "object", None, "/variable", certain=False))
    return writes


class ScheduleConfig(Config):
    """Starts at the moments of a cron expression, once for every contact of the audience: all of them, or those with a
    tag. Contacts who opted out, are blocked, or are in a conversation are left out."""

    cron: str = setting("0 9 * * 1-5", widget="cron", required=True, max=100)
    timezone: str = setting("", widget="timezone", advanced=True)
    audience: Literal["all", "tag"] = setting("tag", widget="select", options=("tag", "all"))
    tag: str = setting("", widget="tag", required=True, max=60, show_if={"audience": ["tag"]})
    channel_account: str = setting("", widget="channel", advanced=True)


def _check_schedule(config: ScheduleConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    if config.cron.strip() and not valid_cron(config.cron):
        issues.append(ConfigIssue("invalid_cron", "/cron", params={"cron": config.cron[:80]}))
    if config.timezone and str(timezone(config.timezone)) != config.timezone:
        issues.append(ConfigIssue("invalid_timezone", "/timezone", params={"timezone": config.timezone[:60]}))
    return issues


def _schedule_refers(config: ScheduleConfig) -> list[Refers]:
    return [Refers("tag", (config.tag,), "/tag", "info")] if config.audience == "tag" and config.tag else []


class EventConfig(Config):
    """Starts when something happens to a contact: it was created, got or lost a tag, a field of it changed, its
    conversation was opened, given to a person or closed, it answered a campaign, a flow sent a custom event.
    It never interrupts another flow. While a person answers it starts only if ``with_person`` is on (or when the event
    is just that a person was given the conversation), and the person keeps the conversation. What such a flow does
    itself starts no further one."""

    event: EventName = setting("contact_created", widget="select", options=EVENTS)
    tag: str = setting("", widget="tag", max=60, show_if={"event": ["tag_added", "tag_removed"]})
    field: str = setting("", widget="field", max=60, show_if={"event": ["field_changed"]})
    name: str = setting("", required=True, max=100, show_if={"event": ["custom_event"]})
    with_person: bool = setting(False, widget="switch", advanced=True)


def event_subject(config: EventConfig) -> str:
    """What the event must be about: a tag, a field, a custom event's name; empty when anything will do."""
    if config.event in ("tag_added", "tag_removed"):
        return config.tag.strip()
    return {"field_changed": config.field, "custom_event": config.name}.get(config.event, "").strip()


def _event_refers(config: EventConfig) -> list[Refers]:
    about = event_subject(config)
    if config.event in ("tag_added", "tag_removed") and about:
        return [Refers("tag", (about,), "/tag", "info")]
    return []


def _event_writes(config: EventConfig) -> list[Writes]:
    writes = [Writes("event", "text"), Writes("event_value", "text")]
    return [*writes, Writes("event_data", "object")] if config.event == "custom_event" else writes


def _event_window(config: EventConfig) -> EntryWindow:
    if config.event == "conversation_assigned":
        return "unknown"
    return "open" if config.event == "campaign_replied" else "closed"


TRIGGER_WEBHOOK = NodeType(
    type="trigger_webhook", group="trigger", icon="webhook", config_model=WebhookConfig, ports=_next,
    prepare=_prepare, run=_run, check=_check_webhook, writes=_webhook_writes, entry_window="closed",
    summary_field="phone_path", default_config={"phone_path": "$.phone", "name_path": "$.name", "mapping": []},
)  # fmt: skip
TRIGGER_SCHEDULE = NodeType(
    type="trigger_schedule", group="trigger", icon="calendar-days", config_model=ScheduleConfig, ports=_next,
    prepare=_prepare, run=_run, check=_check_schedule, refers=_schedule_refers, entry_window="closed",
    summary_field="cron", default_config={"cron": "0 9 * * 1-5", "audience": "tag", "tag": ""},
)  # fmt: skip
TRIGGER_EVENT = NodeType(
    type="trigger_event", group="trigger", icon="zap", config_model=EventConfig, ports=_next, prepare=_prepare,
    run=_run, refers=_event_refers, writes=_event_writes, opens=_event_window, summary_field="event",
    default_config={"event": "contact_created", "tag": "", "field": "", "name": ""},
)  # fmt: skip
