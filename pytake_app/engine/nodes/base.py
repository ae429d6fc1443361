"""What a node type is: one config model, its ports, one run function (and one for the resume)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.events import EndStatus, WaitKind
from pytake_app.engine.nodes.facts import (
    Enters,
    EntryWindow,
    Pause,
    Proves,
    Refers,
    Sends,
    Writes,
    no_facts,
    nothing,
    usual_pause,
    usual_writes,
)

if TYPE_CHECKING:
    from pytake_app.engine.requests import AiRequest, HttpRequest
    from pytake_app.engine.session import FlowRef, Resume
    from pytake_app.engine.templating import TemplateCompiler
    from pytake_app.engine.visit import Visit

Group = Literal["trigger", "message", "input", "logic", "action", "ai", "canvas"]
Widget = Literal[
    "text",
    "textarea",
    "number",
    "select",
    "switch",
    "buttons",
    "sections",
    "conditions",
    "cases",
    "assignments",
    "branches",
    "intents",
    "media",
    "template",
    "duration",
    "flow",
    "queue",
    "tags",
    "words",
    "keyvalue",
    "weekhours",
    "color",
    "variable",
    "cron",
    "timezone",
    "time",
    "dates",
    "tag",
    "field",
    "agent",
    "audience",
    "channel",
    "emoji",
    "json",
    "jsonpath",
    "rotation",
    "record",
    "calendar",
]


class Config(BaseModel):
    """Base of all config models. Unknown fields are kept out of the typed model but stay in the
    document, so an import loses nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def setting(
    default: Any = None,
    *,
    widget: Widget = "text",
    required: bool = False,
    variables: bool = False,
    max: int | None = None,  # noqa: A002 - the word of the form's metadata
    options: tuple[str, ...] = (),
    show_if: dict[str, list[JsonValue]] | None = None,
    advanced: bool = False,
    translate: Literal["no", "text", "may"] = "no",
    secrets: bool = False,
    beside: str | None = None,
    factory: Callable[[], Any] | None = None,
    **constraints: Any,
) -> Any:
    """A config field with what the inspector and the verifier need to know of it.

    ``required``: the verifier refuses an empty value. ``variables``: the text is a template. ``max``:
    characters (or items) the channel takes; checked by the verifier, not by the model, so that a draft
    over the limit can still be kept and tried. ``translate``: contacts read it, so every language of the flow
    wants its own (``text``), or may have its own (``may``: links, names of templates). ``secrets``: the text may
    name the organization's secrets. ``beside``: the field whose control edits this one too.
    """
    extra: dict[str, Any] = {
        "widget": widget,
        "required": required,
        "variables": variables,
        "max": max,
        "options": list(options),
        "show_if": show_if or {},
        "advanced": advanced,
        "translate": translate,
        "secrets": secrets,
        "beside": beside,
    }
    if factory is not None:
        return Field(default_factory=factory, json_schema_extra=extra, **constraints)
    return Field(default=default, json_schema_extra=extra, **constraints)


class Port(BaseModel):
    """A named exit. ``label`` is the author's own text (a button's title), else ``label_key`` is an
    i18n key. ``required``: publishing is refused while nothing is connected to it."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str | None = None
    label_key: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """Leave through ``port``. A port with no edge ends the path (and returns to a calling flow)."""

    port: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Stop here until a resume. ``timeout_at`` None with ``kind`` message: the flow's expiry. ``request``: what the
    host is to perform meanwhile (kind request)."""

    kind: WaitKind
    timeout_at: datetime | None = None
    attempts: int = 0
    why: str = ""
    request: HttpRequest | AiRequest | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """End the session here."""

    status: EndStatus = "completed"
    outcome: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """End the current flow: back to the flow that called it, else the session completes."""

    outcome: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Enter:
    """Enter another flow; with ``call`` come back to this node's ``next`` port afterwards. ``inputs`` are set
    before; with ``isolated`` they are all that the entered flow has, and ``outputs`` (caller's name → called
    flow's name) are all that comes back."""

    ref: FlowRef
    call: bool = False
    why: str = ""
    inputs: dict[str, JsonValue] | None = None
    isolated: bool = False
    outputs: dict[str, str] | None = None


PORT_ERROR = Port(id="error", label_key="port.error")
PORT_NEXT = Port(id="next", label_key="port.next")
PORT_OTHER = Port(id="other", label_key="port.other")
PORT_TIMEOUT = Port(id="timeout", label_key="port.timeout")


Outcome = Go | WaitFor | Finish | Return | Enter

Prepared = Any
"""What ``NodeType.prepare`` made of a config: compiled templates, patterns, indexes."""


def never(_config: object, _wired: frozenset[str]) -> bool:
    """``waits`` of a node type that never waits."""
    return False


def always(_config: object, _wired: frozenset[str]) -> bool:
    """``waits`` of a node type that always waits."""
    return True


@dataclass(frozen=True, slots=True)
class NodeType:
    """A node type of the catalogue.

    ``ports(config)`` lists the exits in canvas order. ``prepare`` compiles a config once per flow
    version; ``run`` is a visit, ``resume`` wakes one that waited. ``waits(config, wired)``: does every
    visit stop for something outside, given the wired ports (the verifier's loop check).
    ``default_config`` is what the palette drops.
    """

    config_model: type[Config]
    type: str
    group: Group
    icon: str
    ports: Callable[[Any], list[Port]]
    prepare: Callable[[Any, TemplateCompiler], Prepared]
    run: Callable[[Visit, Prepared], Outcome]
    resume: Callable[[Visit, Prepared, Resume], Outcome] | None = None
    aliases: tuple[str, ...] = ()
    waits: Callable[[Any, frozenset[str]], bool] = never
    default_config: dict[str, JsonValue] = field(default_factory=dict)
    summary_field: str | None = None
    """Config field whose text best stands for the node on the canvas card."""
    check: Callable[[Any], list[ConfigIssue]] | None = None
    """Limits beyond the model's own (channel limits, uniqueness), for the verifier."""
    pause: Callable[[Any, str, frozenset[str]], Pause] | None = None
    """What lies between a visit and leaving by a port, given the wired ports; None: ``usual_pause``."""
    writes: Callable[[Any], list[Writes]] = usual_writes
    """Session variables it writes."""
    reads: Callable[[Any], list[tuple[str, str]]] = no_facts
    """(name, pointer) of variables it reads besides those in its config's expressions."""
    proves: Callable[[Any], list[Proves]] = no_facts
    sends: Callable[[Any, frozenset[str]], list[Sends]] = nothing
    """Messages it sends, given the wired ports."""
    enters: Callable[[Any, frozenset[str]], list[Enters]] = nothing
    """Flows it enters, given the wired ports."""
    refers: Callable[[Any], list[Refers]] = no_facts
    """Things of the organization it names."""
    entry_window: EntryWindow = "open"
    """Of triggers: is the service window open when it fires? ``open``: the contact has just written."""
    opens: Callable[[Any], EntryWindow] | None = None
    """The same where it depends on the config."""
    window: Callable[[str], EntryWindow] | None = None
    """Of a node that looks at the window: what leaving by a port says of it."""

    def window_at_entry(self, config: Any) -> EntryWindow:
        """Is the service window open when this trigger fires?"""
        return self.opens(config) if self.opens is not None and config is not None else self.entry_window

    def pause_of(self, config: Any, port: str, wired: frozenset[str]) -> Pause:
        """What lies between a visit and leaving by ``port``."""
        if self.pause is not None:
            return self.pause(config, port, wired)
        return usual_pause(config, port, waits=self.waits(config, wired))


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """A finding about one config: code of ``verify.<code>``, severity, JSON pointer in config."""

    code: str
    pointer: str = ""
    severity: Literal["error", "warning", "info"] = "error"
    params: dict[str, str | int] = field(default_factory=dict)
    port: str | None = None


__all__ = [
    "Config",
    "ConfigIssue",
    "Enter",
    "Finish",
    "Go",
    "Group",
    "NodeType",
    "Outcome",
    "Port",
    "Prepared",
    "Return",
    "WaitFor",
    "Widget",
]
