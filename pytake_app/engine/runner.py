"""Start and resume sessions: one loop from a trigger or a resume to the next wait or the end."""

from __future__ import annotations

from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.session import Resume, RunContext, Session, Sprint, Trigger

__all__ = ["CompiledFlow", "compile_flow", "resume", "start"]


def start(flow: CompiledFlow, trigger: Trigger, ctx: RunContext) -> Sprint:
    """Begin a session of ``flow``. Never raises for anything a flow author or a contact can do:
    errors are events, a flow without a usable entry gives a failed session."""
    raise NotImplementedError


def resume(session: Session, flow: CompiledFlow, event: Resume, ctx: RunContext) -> Sprint:
    """Wake ``session``. ``flow`` is the version it stands in (``session.flow_id``); when it is
    another one, the right one is asked of ``ctx.load_flow``. ``session`` itself isn't changed. A stale
    resume (older ``wait_id``, ended session) gives ``Sprint.ignored``."""
    raise NotImplementedError
