"""Nodes that steer the run: delay, jump, end, and the canvas note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytake_app.engine.limits import MAX_DELAY_MINUTES, MAX_VARIABLE_NAME
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    PORT_NEXT,
    Config,
    ConfigIssue,
    Enter,
    Go,
    NodeType,
    Outcome,
    Port,
    Return,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import NO_PAUSE, Enters, Pause, Refers, Writes
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.messages import send_ports
from pytake_app.engine.session import FlowRef, Resume
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit

MINUTES = {"seconds": 1 / 60, "minutes": 1.0, "hours": 60.0, "days": 1440.0}


class DelayConfig(Config):
    """Waits a time, durably: from seconds to a year."""

    amount: float = setting(5, widget="number", required=True, gt=0, le=MAX_DELAY_MINUTES)
    unit: Literal["seconds", "minutes", "hours", "days"] = setting(
        "minutes", widget="select", options=("seconds", "minutes", "hours", "days")
    )


def _prepare_delay(config: DelayConfig, _texts: TemplateCompiler) -> float:
    return min(config.amount * MINUTES[config.unit], MAX_DELAY_MINUTES)


def _run_delay(visit: Visit, minutes: float) -> Outcome:
    return WaitFor("delay", visit.minutes_from_now(minutes), 0, "waits for the time to pass")


def _resume_delay(_visit: Visit, _minutes: float, _resume: Resume) -> Outcome:
    return Go("next", "the delay is over")


def _only_next(_config: Config) -> list[Port]:
    return [PORT_NEXT.model_copy(update={"required": True})]


def _check_delay(config: DelayConfig) -> list[ConfigIssue]:
    if config.amount * MINUTES[config.unit] > MAX_DELAY_MINUTES:
        return [ConfigIssue("delay_too_long", "/amount", params={"max": MAX_DELAY_MINUTES // 1440})]
    return []


class JumpInput(Config):
    """The entered flow's variable ``target`` gets ``value``."""

    target: str = setting("", required=True, pattern=VARIABLE_NAME, max=MAX_VARIABLE_NAME)
    value: str = setting("", variables=True)


class JumpOutput(Config):
    """This flow's variable ``name`` gets the called flow's ``source``."""

    name: str = setting("", widget="variable", required=True, pattern=VARIABLE_NAME, max=MAX_VARIABLE_NAME)
    source: str = setting("", required=True, pattern=VARIABLE_NAME, max=MAX_VARIABLE_NAME)


class JumpConfig(Config):
    """To another flow: ``go`` for good, or ``call`` and come back to ``next``. ``flow`` is its id or
    slug; the live version is entered. ``scope`` ``own``: the entered flow has no variables but ``inputs``, and
    of a called one only ``outputs`` come back."""

    flow: str = setting("", widget="flow", required=True)
    mode: Literal["go", "call"] = setting("go", widget="select", options=("go", "call"))
    scope: Literal["shared", "own"] = setting("shared", widget="select", options=("shared", "own"), advanced=True)
    inputs: list[JumpInput] = setting(factory=list, widget="keyvalue", max=30, advanced=True)
    outputs: list[JumpOutput] = setting(
        factory=list, widget="assignments", max=30, show_if={"mode": ["call"], "scope": ["own"]}, advanced=True
    )


@dataclass(frozen=True, slots=True)
class _Jump:
    config: JumpConfig
    inputs: list[tuple[str, Template]]
    outputs: dict[str, str]


def _prepare_jump(config: JumpConfig, texts: TemplateCompiler) -> _Jump:
    outputs = {o.name: o.source for o in config.outputs if o.name and o.source}
    return _Jump(config, [(i.target, texts(i.value)) for i in config.inputs if i.target], outputs)


def _run_jump(visit: Visit, prepared: _Jump) -> Outcome:
    config = prepared.config
    if not config.flow:
        visit.error("invalid_config", "no flow is chosen")
        return Go("error", "no flow is chosen")
    inputs = {name: visit.value(value) for name, value in prepared.inputs}
    if visit.failed and visit.has("error"):
        return Go("error", "a value could not be read")
    own = config.scope == "own"
    return Enter(
        FlowRef(config.flow), config.mode == "call", f"to flow {config.flow}", inputs, own,
        prepared.outputs if own else None,
    )  # fmt: skip


def _jump_writes(config: JumpConfig) -> list[Writes]:
    if config.mode == "call" and config.scope == "own":
        return [Writes(o.name, "any", frozenset({"next"}), f"/outputs/{i}", certain=False)
                for i, o in enumerate(config.outputs) if o.name]  # fmt: skip
    return [Writes(x.target, "any", None, f"/inputs/{i}") for i, x in enumerate(config.inputs) if x.target]


def _jump_ports(config: JumpConfig) -> list[Port]:
    return send_ports(config) if config.mode == "call" else [PORT_ERROR]


class EndConfig(Config):
    """Ends the flow. ``outcome`` labels the session for analytics. A called flow returns."""

    outcome: str = setting("", max=60)


def _prepare_end(config: EndConfig, _texts: TemplateCompiler) -> str | None:
    return config.outcome.strip()[:60] or None


def _run_end(_visit: Visit, outcome: str | None) -> Outcome:
    return Return(outcome, "the end")


def _no_ports(_config: Config) -> list[Port]:
    return []


class NoteConfig(Config):
    """A comment for people on the canvas; never run."""

    text: str = setting("", widget="textarea", max=2000)
    color: Literal["yellow", "blue", "green", "pink", "gray"] = setting(
        "yellow", widget="color", options=("yellow", "blue", "green", "pink", "gray")
    )


def _prepare_note(_config: Config, _texts: TemplateCompiler) -> None:
    return None


def _run_note(_visit: Visit, _prepared: None) -> Outcome:
    return Go("next", "a note does nothing")


def _delay_pause(config: DelayConfig, port: str, _wired: frozenset[str]) -> Pause:
    return Pause("time", config.amount * MINUTES[config.unit]) if port == "next" else NO_PAUSE


def _jump_enters(config: JumpConfig, _wired: frozenset[str]) -> list[Enters]:
    return [Enters(config.flow, config.mode == "call")] if config.flow else []


def _jump_refers(config: JumpConfig) -> list[Refers]:
    return [Refers("flow", (config.flow,), "/flow", "error")]


class GroupConfig(Config):
    """A frame around blocks on the canvas, with a title; never run. Sizes in canvas units."""

    text: str = setting("", max=200)
    color: Literal["yellow", "blue", "green", "pink", "gray"] = setting(
        "gray", widget="color", options=("yellow", "blue", "green", "pink", "gray")
    )
    width: float = setting(640, widget="number", ge=80, le=20_000, advanced=True)
    height: float = setting(420, widget="number", ge=60, le=20_000, advanced=True)


DELAY = NodeType(
    type="delay", group="logic", icon="timer", config_model=DelayConfig, ports=_only_next, prepare=_prepare_delay,
    run=_run_delay, resume=_resume_delay, waits=always, check=_check_delay, pause=_delay_pause,
    default_config={"amount": 5, "unit": "minutes"},
)  # fmt: skip
JUMP = NodeType(
    type="jump", group="logic", icon="corner-down-right", aliases=("goto", "flow"), config_model=JumpConfig,
    ports=_jump_ports, prepare=_prepare_jump, run=_run_jump, enters=_jump_enters, refers=_jump_refers,
    writes=_jump_writes,
    summary_field="flow",
    default_config={"flow": "", "mode": "go"},
)  # fmt: skip
END = NodeType(
    type="end", group="logic", icon="circle-stop", config_model=EndConfig, ports=_no_ports, prepare=_prepare_end,
    run=_run_end, summary_field="outcome", default_config={"outcome": ""},
)  # fmt: skip
NOTE = NodeType(
    type="note", group="canvas", icon="sticky-note", config_model=NoteConfig, ports=_no_ports,
    prepare=_prepare_note, run=_run_note, summary_field="text", default_config={"text": "", "color": "yellow"},
)  # fmt: skip
GROUP = NodeType(
    type="group", group="canvas", icon="frame", aliases=("frame",), config_model=GroupConfig, ports=_no_ports,
    prepare=_prepare_note, run=_run_note, summary_field="text", default_config={"text": "", "color": "gray"},
)  # fmt: skip
