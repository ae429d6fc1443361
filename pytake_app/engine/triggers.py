"""Which flow answers a message: keyword and template triggers, opt-out words. Pure matching.

Order of product rules: the host asks opt-out first, then a waiting session (with its interrupt
words), template replies, keywords, auto-replies, universal flows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pytake_app.engine.answers import compile_re2
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.limits import DEFAULT_OPT_OUT_WORDS, MAX_INPUT_CHARS, MAX_KEYWORD_CHARS
from pytake_app.engine.nodes.entries import EventConfig, ScheduleConfig, WebhookConfig, event_subject
from pytake_app.engine.nodes.triggers import KeywordConfig, TemplateReplyConfig
from pytake_app.engine.session import InboundInput
from pytake_app.engine.textmatch import fold, fold_answer, is_word_boundary

MatchType = Literal["exact", "contains", "starts_with", "regex"]
_SPECIFICITY = {"exact": 0, "starts_with": 1, "contains": 2, "regex": 3}


class TriggerSpec(BaseModel):
    """A trigger of a flow, as indexed by the host when a version goes live.

    ``kind``: how it is triggered. For keywords: ``words`` (or patterns) with ``match_type`` and ``priority``
    (higher wins). For templates: ``template_name`` and the button ids/payloads that lead here. For schedules:
    ``cron`` in ``timezone`` (empty: the organization's) for the contacts with ``tag`` (empty: all), on
    ``account`` (empty: the default one). For events: ``event``, what it must be ``about`` (a tag, a field, a name;
    empty: anything), and whether it may start while a person answers."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    kind: Literal["universal", "keyword", "template", "webhook", "schedule", "event", "start"]
    words: list[str] = Field(default_factory=list)
    match_type: MatchType = "exact"
    priority: int = 0
    template_name: str = ""
    buttons: list[str] = Field(default_factory=list)
    cron: str = ""
    timezone: str = ""
    tag: str = ""
    account: str = ""
    event: str = ""
    about: str = ""
    with_person: bool = False


class TriggerCandidate(BaseModel):
    """A trigger with the flow it belongs to."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    spec: TriggerSpec


class TriggerMatch(BaseModel):
    """The winner: flow, trigger node, and what matched (for the automation log)."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    node_id: str
    kind: Literal["universal", "keyword", "template"]
    word: str = ""
    match_type: MatchType | None = None
    length: int = 0


def _specs(node_id: str, node_type: str, config: dict[str, JsonValue]) -> TriggerSpec | None:
    if node_type == "start":
        return TriggerSpec(node_id=node_id, kind="start")
    if node_type == "trigger_universal":
        return TriggerSpec(node_id=node_id, kind="universal")
    try:
        if node_type == "trigger_keyword":
            keyword = KeywordConfig.model_validate(config)
            return TriggerSpec(
                node_id=node_id,
                kind="keyword",
                words=[w for w in keyword.words if w.strip()],
                match_type=keyword.match_type,
                priority=keyword.priority,
            )
        if node_type == "trigger_webhook":
            webhook = WebhookConfig.model_validate(config)
            return TriggerSpec(node_id=node_id, kind="webhook", account=webhook.channel_account)
        if node_type == "trigger_schedule":
            return _schedule(node_id, ScheduleConfig.model_validate(config))
        if node_type == "trigger_event":
            event = EventConfig.model_validate(config)
            return TriggerSpec(
                node_id=node_id,
                kind="event",
                event=event.event,
                about=event_subject(event),
                with_person=event.with_person or event.event == "conversation_assigned",
            )
        template = TemplateReplyConfig.model_validate(config)
        buttons = [text for b in template.buttons for text in (b.id, b.title) if text]
        return TriggerSpec(node_id=node_id, kind="template", template_name=template.template, buttons=buttons)
    except ValidationError:
        return None


def _schedule(node_id: str, config: ScheduleConfig) -> TriggerSpec | None:
    tag = config.tag.strip() if config.audience == "tag" else ""
    if config.audience == "tag" and not tag:
        return None
    return TriggerSpec(
        node_id=node_id, kind="schedule", cron=config.cron, timezone=config.timezone, tag=tag,
        account=config.channel_account,
    )  # fmt: skip


def flow_triggers(document: FlowDocument) -> list[TriggerSpec]:
    """The triggers of a document, in its order; nodes with an invalid config are left out."""
    found = (
        _specs(node.id, node.type, node.config)
        for node in document.nodes
        if node.type == "start" or node.type.startswith("trigger_")
    )
    return [spec for spec in found if spec is not None]


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """An RE2 pattern over folded text (no accents, lower case), or None when it is invalid."""
    if not pattern.strip():
        return None
    bare = "".join(c for c in unicodedata.normalize("NFKD", pattern) if not unicodedata.combining(c))
    return compile_re2(bare)


def _match_length(text: str, word: str, match_type: MatchType) -> int:
    """Length of what ``word`` matches in the folded ``text``; 0 when it doesn't."""
    if match_type == "regex":
        pattern = compile_pattern(word)
        found = pattern.search(text) if pattern is not None else None
        return found.end() - found.start() if found is not None else 0
    wanted = fold_answer(word)
    if not wanted:
        return 0
    if match_type == "exact":
        return len(wanted) if fold_answer(text) == wanted else 0
    if match_type == "starts_with":
        start = text.lstrip(" .,;:!?¡¿…'\"([{*_~-")
        return len(wanted) if start.startswith(wanted) and is_word_boundary(start, 0, len(wanted)) else 0
    at = text.find(wanted)
    while at >= 0:
        if is_word_boundary(text, at, at + len(wanted)):
            return len(wanted)
        at = text.find(wanted, at + 1)
    return 0


def match_triggers(text: str, candidates: Iterable[TriggerCandidate]) -> TriggerMatch | None:
    """The keyword trigger that wins for ``text``: highest priority, then longest match, then exact
    before starts-with before contains before regex, then flow id and node id (so the answer never
    depends on the candidates' order). Accents, case and surrounding punctuation don't count; contains
    and starts-with match whole words. None when no keyword matches."""
    folded = fold(text[:MAX_INPUT_CHARS])
    if not folded:
        return None
    best: tuple[int, int, int, str, str] | None = None
    winner: TriggerMatch | None = None
    for candidate in candidates:
        spec = candidate.spec
        if spec.kind != "keyword":
            continue
        for word in spec.words:
            length = _match_length(folded, word, spec.match_type)
            if not length:
                continue
            rank = (-spec.priority, -length, _SPECIFICITY[spec.match_type], candidate.flow_id, spec.node_id)
            if best is None or rank < best:
                best = rank
                winner = TriggerMatch(
                    flow_id=candidate.flow_id,
                    node_id=spec.node_id,
                    kind="keyword",
                    word=word,
                    match_type=spec.match_type,
                    length=length,
                )
    return winner


def match_template_reply(
    message: InboundInput, template_name: str | None, candidates: Iterable[TriggerCandidate]
) -> TriggerMatch | None:
    """The template trigger for a reply. ``template_name`` is the template of the message replied to,
    as the host found it by the reply context; None when unknown, then only a pressed button decides
    (typed text never does). A trigger that names the pressed button wins over one that doesn't."""
    pressed = fold_answer(message.selection_id) if message.selection_id else ""
    best: tuple[int, str, str] | None = None
    winner: TriggerMatch | None = None
    for candidate in candidates:
        spec = candidate.spec
        if spec.kind != "template":
            continue
        named = bool(pressed) and pressed in {fold_answer(b) for b in spec.buttons}
        same = template_name is not None and spec.template_name == template_name
        if not same and not (template_name is None and named):
            continue
        rank = (0 if named else 1, candidate.flow_id, spec.node_id)
        if best is None or rank < best:
            best = rank
            word = message.selection_id or "" if named else ""
            winner = TriggerMatch(flow_id=candidate.flow_id, node_id=spec.node_id, kind="template", word=word)
    return winner


def match_event(event: str, value: str, candidates: Iterable[TriggerCandidate]) -> TriggerCandidate | None:
    """The first event trigger for ``event``; ``value`` is what it is about (the tag that was added, the field that
    changed, the custom event's name). One that names what it is about wins over one that takes anything."""
    wanted = fold(value)
    anything: TriggerCandidate | None = None
    for candidate in candidates:
        spec = candidate.spec
        if spec.kind != "event" or spec.event != event:
            continue
        if spec.about and fold(spec.about) == wanted:
            return candidate
        if not spec.about and anything is None:
            anything = candidate
    return anything


def match_universal(candidates: Iterable[TriggerCandidate]) -> TriggerMatch | None:
    """The first universal trigger, by flow id and node id."""
    found = sorted((c.flow_id, c.spec.node_id) for c in candidates if c.spec.kind == "universal")
    return TriggerMatch(flow_id=found[0][0], node_id=found[0][1], kind="universal") if found else None


def is_opt_out(text: str, words: Collection[str] = DEFAULT_OPT_OUT_WORDS) -> bool:
    """True when the whole message is one of the opt-out words (accents, case, punctuation aside)."""
    return matches_interrupt(text, words) is not None


def matches_interrupt(text: str, words: Collection[str]) -> str | None:
    """The interrupt word that is the whole message, or None."""
    if not words or not text or len(text) > MAX_KEYWORD_CHARS:
        return None
    answer = fold_answer(text)
    return next((w for w in words if answer and fold_answer(w) == answer), None)
