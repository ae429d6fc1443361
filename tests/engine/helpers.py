"""Small makers for engine tests: contexts with a fixed moment and counted ids, and conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.runner import resume, start
from pytake_app.engine.session import (
    ContactView,
    FlowRef,
    InboundInput,
    MessageResume,
    OrgView,
    Resume,
    RunContext,
    Session,
    Sprint,
    Trigger,
)

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # a Saturday, noon in São Paulo


def counted(prefix: str = "id") -> Callable[[], str]:
    """Ids id-1, id-2, …"""
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers)}"


def context(flows: dict[str, CompiledFlow] | None = None, **changes: Any) -> RunContext:
    """A context at NOW with a contact named Ana Lima."""
    known = flows or {}

    def load(ref: FlowRef) -> CompiledFlow | None:
        return known.get(ref.flow)

    values: dict[str, Any] = {
        "now": NOW,
        "new_id": counted(),
        "contact": ContactView(
            id="contact-1", name="Ana Lima", phone="+5561994013828", email="ana@example.com", fields={"city": "Natal"}
        ),
        "org": OrgView(id="org-1", name="Loja"),
        "load_flow": load,
    }
    values.update(changes)
    return RunContext(**values)


def document(nodes: list[dict[str, Any]], edges: list[tuple[str, str, str]] = [], **more: Any) -> FlowDocument:  # noqa: B006
    """A document of the current shape; edges as (source, port, target)."""
    return parse_document(
        {
            "spec_version": "1.0",
            "name": "test",
            "nodes": nodes,
            "edges": [{"source": s, "port": p, "target": t} for s, p, t in edges],
            **more,
        }
    )


def compiled(nodes: list[dict[str, Any]], edges: list[tuple[str, str, str]] = [], **more: Any) -> CompiledFlow:  # noqa: B006
    """The same, compiled as flow ``f`` version 1."""
    return compile_flow(document(nodes, edges, **more), "f", 1)


class Talk:
    """A conversation with a flow; the session is serialised between every two inputs."""

    def __init__(self, flow: CompiledFlow, ctx: RunContext | None = None, trigger: Trigger | None = None) -> None:
        self.flow = flow
        self.ctx = ctx or context()
        self.last: Sprint = start(flow, trigger or Trigger(kind="test"), self.ctx)
        self.sprints = [self.last]

    @property
    def session(self) -> Session:
        return self.last.session

    def give(self, event: Resume) -> Sprint:
        session = Session.model_validate_json(self.last.session.model_dump_json())
        assert session == self.last.session
        self.last = resume(session, self.flow, event, self.ctx)
        self.sprints.append(self.last)
        return self.last

    def say(self, text: str = "", **more: Any) -> Sprint:
        return self.give(MessageResume(message=InboundInput(text=text, **more)))

    def ports(self) -> list[str | None]:
        return [step.port for step in self.last.steps]

    def bodies(self) -> list[str]:
        return [getattr(e.content, "body", "") for e in self.last.events if e.type == "message_out"]

    def codes(self) -> list[str]:
        return [e.code for e in self.last.events if e.type == "error_raised"]
