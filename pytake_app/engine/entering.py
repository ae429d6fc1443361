"""Where a flow begins: its entry for a trigger, and the global keywords that end a session or begin a flow anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.limits import MAX_KEYWORD_CHARS
from pytake_app.engine.session import FlowRef, InboundInput, RunContext, Session, TriggerKind
from pytake_app.engine.triggers import matches_interrupt

_ENTRY_ORDER: Final[dict[TriggerKind, tuple[str, ...]]] = {
    "webhook": ("webhook", "start"),
    "schedule": ("schedule", "start"),
    "event": ("event", "start"),
    "universal": ("universal", "start"),
    "keyword": ("keyword", "universal", "start"),
    "template": ("template", "universal", "start"),
    "api": ("start", "universal", "keyword", "template", "webhook", "schedule", "event"),
    "jump": ("start", "universal", "keyword", "template"),
    "test": ("universal", "start", "keyword", "template", "webhook", "schedule", "event"),
}


def entry_of(flow: CompiledFlow, kind: TriggerKind) -> str | None:
    """The node at which a trigger of this kind begins the flow; None when it has no such entry."""
    for name in _ENTRY_ORDER[kind]:
        ids = flow.entries.get(name)
        if ids:
            return ids[0]
    return None


@dataclass(frozen=True, slots=True)
class GlobalWord:
    """A global keyword: of which flow (``depth`` callers up from where the session stands), and what it does."""

    word: str
    flow: CompiledFlow
    depth: int
    entry: str | None = None

    @property
    def ends(self) -> bool:
        """It ends the session; else the flow begins anew at ``entry``."""
        return self.entry is None


def global_word(session: Session, standing: CompiledFlow, text: str, ctx: RunContext) -> GlobalWord | None:
    """The global keyword that is the whole message: of the flow the session stands in, else of a flow that called
    it, the nearest first."""
    if not text or len(text) > MAX_KEYWORD_CHARS:
        return None
    for depth in range(len(session.stack) + 1):
        frame = session.stack[-depth] if depth else None
        flow = ctx.load_flow(FlowRef(frame.flow_id, frame.flow_version)) if frame is not None else standing
        if flow is None:
            continue
        word = matches_interrupt(text, flow.settings.interrupt_keywords)
        if word is not None:
            return GlobalWord(word, flow, depth)
        word = matches_interrupt(text, flow.settings.restart_keywords)
        entry = entry_of(flow, "jump") if word is not None else None
        if word is not None and entry is not None:
            return GlobalWord(word, flow, depth, entry)
    return None


def breaks_off(session: Session, flow: CompiledFlow, message: InboundInput, ctx: RunContext) -> bool:
    """Is the message a global keyword that ends or begins anew a session in a delay, which hears nothing else?
    ``flow`` is the version that the session stands in."""
    waits = session.wait is not None and session.wait.kind == "delay"
    return waits and global_word(session, flow, message.text, ctx) is not None
