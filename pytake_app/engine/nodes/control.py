"""Nodes that steer the run: delay, jump, end, and the canvas note."""

from __future__ import annotations

from typing import Literal

from pytake_app.engine.limits import MAX_DELAY_MINUTES
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
from pytake_app.engine.nodes.facts import NO_PAUSE, Enters, Pause, Refers
from pytake_app.engine.nodes.messages import send_ports
from pytake_app.engine.session import FlowRef, Resume
from pytake_app.engine.templating import TemplateCompiler
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


class JumpConfig(Config):
    """To another flow: ``go`` for good, or ``call`` and come back to ``next``. ``flow`` is its id or
    slug; the live version is entered."""

    flow: str = setting("", widget="flow", required=True)
    mode: Literal["go", "call"] = setting("go", widget="select", options=("go", "call"))


def _prepare_jump(config: JumpConfig, _texts: TemplateCompiler) -> JumpConfig:
    return config


def _run_jump(visit: Visit, prepared: JumpConfig) -> Outcome:
    if not prepared.flow:
        visit.error("invalid_config", "no flow is chosen")
        return Go("error", "no flow is chosen")
    return Enter(FlowRef(prepared.flow), prepared.mode == "call", f"to flow {prepared.flow}")


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


def _prepare_note(_config: NoteConfig, _texts: TemplateCompiler) -> None:
    return None


def _run_note(_visit: Visit, _prepared: None) -> Outcome:
    return Go("next", "a note does nothing")


def _delay_pause(config: DelayConfig, port: str, _wired: frozenset[str]) -> Pause:
    return Pause("time", config.amount * MINUTES[config.unit]) if port == "next" else NO_PAUSE


def _jump_enters(config: JumpConfig, _wired: frozenset[str]) -> list[Enters]:
    return [Enters(config.flow, config.mode == "call")] if config.flow else []


def _jump_refers(config: JumpConfig) -> list[Refers]:
    return [Refers("flow", (config.flow,), "/flow", "error")]


DELAY = NodeType(
    type="delay", group="logic", icon="timer", config_model=DelayConfig, ports=_only_next, prepare=_prepare_delay,
    run=_run_delay, resume=_resume_delay, waits=always, check=_check_delay, pause=_delay_pause,
    default_config={"amount": 5, "unit": "minutes"},
)  # fmt: skip
JUMP = NodeType(
    type="jump", group="logic", icon="corner-down-right", aliases=("goto", "flow"), config_model=JumpConfig,
    ports=_jump_ports, prepare=_prepare_jump, run=_run_jump, enters=_jump_enters, refers=_jump_refers,
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
