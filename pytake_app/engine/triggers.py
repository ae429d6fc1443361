"""Which flow answers a message: keyword and template triggers, opt-out words. Pure matching.

Order of product rules: the host asks opt-out first, then a waiting session (with its interrupt
words), template replies, keywords, auto-replies, universal flows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pytake_app.engine.document import FlowDocument
from pytake_app.engine.session import InboundInput

MatchType = Literal["exact", "contains", "starts_with", "regex"]
DEFAULT_OPT_OUT_WORDS: tuple[str, ...] = ("STOP", "PARAR", "SAIR")


class TriggerSpec(BaseModel):
    """A trigger of a flow, as indexed by the host when a version goes live.

    ``kind``: universal, keyword, template or start. For keywords: ``words`` (or patterns) with
    ``match_type`` and ``priority`` (higher wins). For templates: ``template_name`` and the button
    ids/payloads that lead here."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    kind: Literal["universal", "keyword", "template", "start"]
    words: list[str] = Field(default_factory=list)
    match_type: MatchType = "exact"
    priority: int = 0
    template_name: str = ""
    buttons: list[str] = Field(default_factory=list)


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


def flow_triggers(document: FlowDocument) -> list[TriggerSpec]:
    """The triggers of a document, in its order; nodes with an invalid config are left out."""
    raise NotImplementedError


def match_triggers(text: str, candidates: Iterable[TriggerCandidate]) -> TriggerMatch | None:
    """The keyword trigger that wins for ``text``: highest priority, then longest match, then flow id
    and node id (so the answer never depends on the candidates' order). Accents, case and
    surrounding punctuation don't count. None when no keyword matches."""
    raise NotImplementedError


def match_template_reply(
    message: InboundInput, template_name: str | None, candidates: Iterable[TriggerCandidate]
) -> TriggerMatch | None:
    """The template trigger for a reply. ``template_name`` is the template of the message replied to,
    as the host found it by the reply context; None when unknown, then only button ids decide."""
    raise NotImplementedError


def is_opt_out(text: str, words: Iterable[str] = DEFAULT_OPT_OUT_WORDS) -> bool:
    """True when the whole message is one of the opt-out words (accents, case, punctuation aside)."""
    raise NotImplementedError


def matches_interrupt(text: str, words: Iterable[str]) -> str | None:
    """The interrupt word that is the whole message, or None."""
    raise NotImplementedError
