"""Which automation answers an inbound message. First match wins; every answer says why, for the automation log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from pytake_app.engine.session import InboundInput
from pytake_app.engine.triggers import (
    TriggerMatch,
    is_opt_out,
    match_template_reply,
    match_triggers,
)
from pytake_app.flows.execution_catalog import AccountView, OrgFlows

Action = Literal["nothing", "opt_out", "resume", "queue", "start"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why: `kind` is the automation log's word."""

    action: Action
    kind: str
    flow_id: UUID | None = None
    trigger: Literal["universal", "keyword", "template"] = "universal"
    node_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """How things stand for the contact when the message is looked at.

    `session_waits_for`: the running session's wait (message, delay), None without a running session.
    `template_of`: the name of the template that the message quoted, asked only when it matters.
    `outdated_choice`: why the choice made in the message no longer counts, asked only when one was made.
    """

    handling: str
    blocked: bool
    session_waits_for: str | None
    template_of: Callable[[], str | None]
    outdated_choice: Callable[[], str | None] = lambda: None


def decide(message: InboundInput, situation: Situation, account: AccountView, flows: OrgFlows) -> Decision:
    """The product's order: opt-out words, a person, a waiting session, template reply, keyword, universal, nothing."""
    if message.type in ("text", "button", "interactive") and is_opt_out(message.text, account.opt_out_words):
        return Decision("opt_out", "opted_out")
    if situation.blocked:
        return Decision("nothing", "contact_blocked")
    if situation.handling != "bot":
        return Decision("nothing", "with_person", detail={"handling": situation.handling})
    if message.selection_id and message.context_external_id:
        # The second tap on a button, or one on a question of long ago, is no answer to what is asked now.
        outdated = situation.outdated_choice()
        if outdated is not None:
            return Decision("nothing", outdated, detail={"selection_id": message.selection_id})
    if situation.session_waits_for == "message":
        return Decision("resume", "session_resumed")
    if situation.session_waits_for == "request":
        # The call takes seconds: the message is the answer to what the session asks next.
        return Decision("queue", "session_queued")
    if situation.session_waits_for is not None:
        return Decision("nothing", "session_busy", detail={"waits_for": situation.session_waits_for})
    return _trigger(message, situation, account, flows)


def _trigger(message: InboundInput, situation: Situation, account: AccountView, flows: OrgFlows) -> Decision:
    if flows.templates and (message.context_external_id or message.selection_id):
        name = situation.template_of() if message.context_external_id else None
        match = match_template_reply(message, name, flows.templates)
        if match is not None:
            return _start(match, "template_reply", {"template": name} if name else {})
    if flows.keywords and message.text:
        match = match_triggers(message.text, flows.keywords)
        if match is not None:
            return _start(match, "keyword", {"word": match.word, "match": match.match_type})
    default = account.default_flow_id
    if default is not None and default in flows.live:
        node = next((c.spec.node_id for c in flows.universal if c.flow_id == str(default)), None)
        return Decision("start", "default_flow", default, "universal", node)
    if flows.universal:
        candidate = flows.universal[0]
        return Decision("start", "universal", UUID(candidate.flow_id), "universal", candidate.spec.node_id)
    return Decision("nothing", "no_flow")


def _start(match: TriggerMatch, kind: str, detail: dict[str, Any]) -> Decision:
    return Decision("start", kind, UUID(match.flow_id), match.kind, match.node_id, detail)
