"""Nodes that wait for an answer: question and wait_for_reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pytake_app.engine.answers import (
    ANSWER_KINDS,
    NO_AREA_CODE,
    AnswerKind,
    Rules,
    check_answer,
    compile_re2,
    region_of,
    sample_phone,
)
from pytake_app.engine.content import TextContent
from pytake_app.engine.limits import EXPIRY_RANGE_MINUTES, WA_TEXT_BODY
from pytake_app.engine.nodes.base import (
    PORT_ERROR,
    PORT_TIMEOUT,
    Config,
    ConfigIssue,
    Finish,
    Go,
    NodeType,
    Outcome,
    Port,
    WaitFor,
    always,
    setting,
)
from pytake_app.engine.nodes.facts import Sends, ValueKind, Writes
from pytake_app.engine.nodes.menus import VARIABLE_NAME
from pytake_app.engine.nodes.messages import skipped
from pytake_app.engine.scope import timezone
from pytake_app.engine.session import LastInput, Resume
from pytake_app.engine.templating import Template, TemplateCompiler
from pytake_app.engine.visit import Visit

LENGTH_KINDS: list[Any] = ["text", "number", "integer"]
_VALUES: dict[str, ValueKind] = {
    "number": "number", "integer": "number", "date": "date", "time": "time", "location": "object",
}  # fmt: skip


class QuestionConfig(Config):
    """Asks, validates and stores. ``minimum``/``maximum``: length of a text, value of a number."""

    body: str = setting("", widget="textarea", required=True, variables=True, max=WA_TEXT_BODY, translate="text")
    variable: str = setting("", widget="variable", required=True, pattern=VARIABLE_NAME)
    kind: AnswerKind = setting("text", widget="select", options=ANSWER_KINDS)
    minimum: float | None = setting(None, widget="number", show_if={"kind": LENGTH_KINDS})
    maximum: float | None = setting(None, widget="number", show_if={"kind": LENGTH_KINDS})
    pattern: str = setting("", max=500, show_if={"kind": ["regex"]})
    retry_message: str = setting("", widget="textarea", variables=True, max=WA_TEXT_BODY, translate="text")
    max_attempts: int = setting(3, widget="number", ge=1, le=10)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1], advanced=True)


@dataclass(frozen=True, slots=True)
class _Question:
    config: QuestionConfig
    body: Template
    retry: Template


def _prepare_question(config: QuestionConfig, texts: TemplateCompiler) -> _Question:
    return _Question(config, texts(config.body), texts(config.retry_message))


def _wait(visit: Visit, minutes: float | None, attempts: int, why: str) -> WaitFor:
    return WaitFor("message", visit.minutes_from_now(minutes) if minutes else None, attempts, why)


_WHOLE_NUMBER: Final = {
    "pt_BR": "Faltou o DDD. Escreva o número completo, por exemplo {sample}.",
    "en": "The area code is missing. Please write the whole number, for example {sample}.",
    "es": "Falta el código de área. Escribe el número completo, por ejemplo {sample}.",
}
"""What a contact hears who leaves the area code out: none can be guessed, and asking the same again helps nobody."""


def _ask(visit: Visit, text: Template) -> bool:
    body = visit.clipped(text, WA_TEXT_BODY)
    if not body.strip():
        return False
    visit.send(TextContent(body=body))
    return True


def _run_question(visit: Visit, prepared: _Question) -> Outcome:
    body = visit.clipped(prepared.body, WA_TEXT_BODY)
    if visit.failed and visit.has("error"):
        return Go("error", "a text could not be rendered")
    if not body.strip():
        return skipped_question(visit)
    visit.send(TextContent(body=body))
    return _wait(visit, prepared.config.timeout_minutes, 0, "waits for an answer")


def skipped_question(visit: Visit) -> Go:
    """A question with nothing to ask leaves through ``error``."""
    skipped(visit)
    return Go("error", "nothing to ask")


def _resume_question(visit: Visit, prepared: _Question, _resume: Resume) -> Outcome:
    config = prepared.config
    region = region_of(visit.ctx.contact.phone) if config.kind == "phone" else "BR"
    rules = Rules(config.kind, config.minimum, config.maximum, config.pattern, visit.scope.locale, region)
    given = visit.session.last_input or LastInput()
    local = visit.now.astimezone(timezone(visit.ctx.org.timezone))
    answer = check_answer(rules, given, local)
    if answer.ok:
        if config.variable:
            visit.set_variable(config.variable, answer.value)
        return Go("answered", answer.why)
    attempts = (visit.wait.attempts if visit.wait else 0) + 1
    if attempts >= config.max_attempts:
        why = f"{answer.why}; no attempts left"
        return Go("invalid", why) if visit.has("invalid") else Finish("completed", "invalid_answer", why)
    # The author's own retry text, else what is missing where that can be said, else the question once more.
    if not (prepared.retry.source and _ask(visit, prepared.retry)):
        if answer.why == NO_AREA_CODE:
            said = _WHOLE_NUMBER.get(visit.scope.locale, _WHOLE_NUMBER["en"])
            visit.send(TextContent(body=said.format(sample=sample_phone(region))))
        else:
            _ask(visit, prepared.body)
    return _wait(visit, config.timeout_minutes, attempts, answer.why)


def _question_ports(_config: QuestionConfig) -> list[Port]:
    return [
        Port(id="answered", label_key="port.answered", required=True),
        Port(id="invalid", label_key="port.invalid"),
        PORT_TIMEOUT,
        PORT_ERROR,
    ]


def _check_question(config: QuestionConfig) -> list[ConfigIssue]:
    issues: list[ConfigIssue] = []
    if config.kind == "regex" and not config.pattern:
        issues.append(ConfigIssue("missing_value", "/pattern"))
    elif config.kind == "regex" and compile_re2(config.pattern) is None:
        issues.append(ConfigIssue("invalid_pattern", "/pattern", params={"pattern": config.pattern[:80]}))
    low, high = config.minimum, config.maximum
    if config.kind in LENGTH_KINDS and low is not None and high is not None and low > high:
        issues.append(ConfigIssue("minimum_above_maximum", "/minimum"))
    return issues


class WaitConfig(Config):
    """Waits for whatever the contact says next."""

    variable: str = setting("", widget="variable", pattern=VARIABLE_NAME)
    timeout_minutes: float | None = setting(None, widget="duration", gt=0, le=EXPIRY_RANGE_MINUTES[1])


def _prepare_wait(config: WaitConfig, _texts: TemplateCompiler) -> WaitConfig:
    return config


def _run_wait(visit: Visit, prepared: WaitConfig) -> Outcome:
    return _wait(visit, prepared.timeout_minutes, 0, "waits for any reply")


def _resume_wait(visit: Visit, prepared: WaitConfig, _resume: Resume) -> Outcome:
    if prepared.variable:
        last = visit.session.last_input or LastInput()
        visit.set_variable(prepared.variable, last.text or last.media_url or last.media_id or "")
    return Go("replied", "the contact replied")


def _wait_ports(_config: WaitConfig) -> list[Port]:
    return [Port(id="replied", label_key="port.replied", required=True), PORT_TIMEOUT]


def _question_writes(config: QuestionConfig) -> list[Writes]:
    if not config.variable:
        return []
    kind: ValueKind = _VALUES.get(config.kind, "text")
    return [Writes(config.variable, kind, frozenset({"answered"}), "/variable")]


def _question_sends(config: QuestionConfig, _wired: frozenset[str]) -> list[Sends]:
    sends = [Sends("text")]
    if config.max_attempts > 1:
        pointer = "/retry_message" if config.retry_message else "/body"
        sends.append(Sends("text", "reply", 0, config.max_attempts - 1, pointer))
    return sends


def _wait_writes(config: WaitConfig) -> list[Writes]:
    return [Writes(config.variable, "text", frozenset({"replied"}), "/variable")] if config.variable else []


QUESTION = NodeType(
    type="question", group="input", icon="circle-help", aliases=("input",), config_model=QuestionConfig,
    ports=_question_ports, prepare=_prepare_question, run=_run_question, resume=_resume_question, waits=always,
    check=_check_question, writes=_question_writes, sends=_question_sends, summary_field="body",
    default_config={"body": "", "variable": "answer", "kind": "text", "max_attempts": 3, "retry_message": ""},
)  # fmt: skip
WAIT_FOR_REPLY = NodeType(
    type="wait_for_reply", group="input", icon="hourglass", aliases=("wait",), config_model=WaitConfig,
    ports=_wait_ports, prepare=_prepare_wait, run=_run_wait, resume=_resume_wait, waits=always, writes=_wait_writes,
    summary_field="variable", default_config={"variable": ""},
)  # fmt: skip
