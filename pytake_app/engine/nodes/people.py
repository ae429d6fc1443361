"""Nodes that tell people or other systems: events, notifications, assignment, closing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import JsonValue

from pytake_app.engine.events import AgentAssigned, ConversationClosed, EventEmitted, NotificationAsked
from pytake_app.engine.limits import MAX_VARIABLE_BYTES
from pytake_app.engine.nodes.base import PORT_ERROR, PORT_NEXT, Config, ConfigIssue, Go, NodeType, Port, setting
from pytake_app.engine.nodes.facts import Refers
from pytake_app.engine.nodes.outside import PairRow
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit, clip, value_size

EVENT_NAME: Final = r"^$|^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
MAX_TITLE: Final = 120
MAX_BODY: Final = 1_000
_EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+$")
_ID: Final = re.compile(r"^[0-9a-fA-F-]{36}$")


def _ports(_config: Config) -> list[Port]:
    return [PORT_NEXT, PORT_ERROR]


def _leave(visit: Visit, why: str) -> Go:
    if visit.failed and visit.has("error"):
        return Go("error", "a value could not be read")
    return Go("next", why)


class SendEventConfig(Config):
    """Emits an event for the organization's webhook endpoints: ``name`` (words with dots) and values."""

    name: str = setting("", required=True, max=60, pattern=EVENT_NAME)
    values: list[PairRow] = setting(factory=list, widget="keyvalue", max=30)


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    values: list[tuple[str, Template]]


def _prepare_event(config: SendEventConfig, texts: TemplateCompiler) -> _Event:
    return _Event(config.name, [(v.name.strip(), texts(v.value)) for v in config.values if v.name.strip()])


def _run_event(visit: Visit, prepared: _Event) -> Go:
    if not prepared.name:
        visit.error("invalid_config", "the event has no name")
        return Go("error", "the event has no name")
    payload: dict[str, JsonValue] = {name: visit.value(value) for name, value in prepared.values}
    if value_size(payload) > 4 * MAX_VARIABLE_BYTES:
        visit.error("variable_limit", "the event's values are too large")
        return Go("error", "the event's values are too large")
    visit.emit(EventEmitted(node_id=visit.node.id, name=prepared.name, payload=payload))
    return _leave(visit, "emitted")


class NotifyConfig(Config):
    """Notifies people in the app: everyone, who answers the conversation, one user, or a department."""

    audience: Literal["everyone", "assignee", "user", "department"] = setting(
        "everyone", widget="select", options=("everyone", "assignee", "user", "department")
    )
    target: str = setting("", widget="audience", required=True, max=254, show_if={"audience": ["user", "department"]})
    title: str = setting("", required=True, variables=True, max=MAX_TITLE)
    body: str = setting("", widget="textarea", variables=True, max=MAX_BODY)
    level: Literal["info", "warning", "urgent"] = setting(
        "info", widget="select", options=("info", "warning", "urgent"), advanced=True
    )


@dataclass(frozen=True, slots=True)
class _Notice:
    config: NotifyConfig
    title: Template
    body: Template


def _prepare_notify(config: NotifyConfig, texts: TemplateCompiler) -> _Notice:
    return _Notice(config, texts(config.title), texts(config.body))


def _run_notify(visit: Visit, prepared: _Notice) -> Go:
    config = prepared.config
    title, body = clip(visit.text(prepared.title).strip(), MAX_TITLE), clip(visit.text(prepared.body), MAX_BODY)
    if not title:
        visit.error("empty_message", "the notification has no title")
        return Go("error" if visit.has("error") else "next", "nothing to say")
    visit.emit(
        NotificationAsked(
            node_id=visit.node.id, audience=config.audience, target=config.target.strip(), title=title, body=body,
            level=config.level,
        )
    )  # fmt: skip
    return _leave(visit, "notified")


def _notify_refers(config: NotifyConfig) -> list[Refers]:
    if config.audience == "user" and config.target:
        return [Refers("agent", (config.target,), "/target")]
    if config.audience == "department" and config.target:
        return [Refers("department", (config.target,), "/target")]
    return []


class AssignConfig(Config):
    """Gives the conversation to a person, named by id or e-mail; automation then stays silent once this flow ends."""

    user: str = setting("", widget="agent", required=True, variables=True, max=254)


def _prepare_assign(config: AssignConfig, texts: TemplateCompiler) -> Template:
    return texts(config.user)


def _run_assign(visit: Visit, user: Template) -> Go:
    name = visit.text(user).strip()
    if not (_EMAIL.match(name) or _ID.match(name)):
        visit.error("invalid_value", "the person is named by id or e-mail address")
        return Go("error" if visit.has("error") else "next", "nobody is named")
    visit.emit(AgentAssigned(node_id=visit.node.id, user=name))
    return _leave(visit, "assigned")


def _assign_refers(config: AssignConfig) -> list[Refers]:
    return [Refers("agent", (config.user,), "/user")] if config.user and "{" not in config.user else []


def _check_assign(config: AssignConfig) -> list[ConfigIssue]:
    user = config.user.strip()
    if user and "{{" not in user and not (_EMAIL.match(user) or _ID.match(user)):
        return [ConfigIssue("invalid_person", "/user", params={"name": user[:80]})]
    return []


class CloseConfig(Config):
    """Closes the conversation; ``reason`` is kept in its log. A new message of the contact opens a new one."""

    reason: str = setting("", variables=True, max=200)


def _prepare_close(config: CloseConfig, texts: TemplateCompiler) -> Template:
    return texts(config.reason)


def _run_close(visit: Visit, reason: Template) -> Go:
    visit.emit(ConversationClosed(node_id=visit.node.id, reason=clip(visit.text(reason).strip(), 200)))
    return _leave(visit, "closed")


SEND_EVENT = NodeType(
    type="send_event", group="action", icon="radio", config_model=SendEventConfig, ports=_ports,
    prepare=_prepare_event, run=_run_event, summary_field="name", default_config={"name": "", "values": []},
)  # fmt: skip
NOTIFY = NodeType(
    type="notify", group="action", icon="bell", aliases=("notification",), config_model=NotifyConfig, ports=_ports,
    prepare=_prepare_notify, run=_run_notify, refers=_notify_refers, summary_field="title",
    default_config={"audience": "everyone", "title": "", "body": ""},
)  # fmt: skip
ASSIGN_AGENT = NodeType(
    type="assign_agent", group="action", icon="user-check", config_model=AssignConfig, ports=_ports,
    prepare=_prepare_assign, run=_run_assign, check=_check_assign, refers=_assign_refers, summary_field="user",
    default_config={"user": ""},
)  # fmt: skip
CLOSE_CONVERSATION = NodeType(
    type="close_conversation", group="action", icon="archive", config_model=CloseConfig, ports=_ports,
    prepare=_prepare_close, run=_run_close, summary_field="reason", default_config={"reason": ""},
)  # fmt: skip
