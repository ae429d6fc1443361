"""Golden cases: one file a node type in ``cases/``, run with the session serialised between inputs.

A case has a document, inputs and what each sprint must do, event by event. After a wanted change of
behaviour rewrite the expectations with ``PYTAKE_UPDATE_CASES=1`` and read the difference."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.document import parse_document
from pytake_app.engine.events import Event
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.requests import AiResult, HttpResult
from pytake_app.engine.session import (
    CancelResume,
    DelayResume,
    ExpiryResume,
    HandoffResume,
    InboundInput,
    InboundLocation,
    InboundMedia,
    MessageResume,
    OrgView,
    RequestResume,
    Resume,
    Sprint,
    TimeoutResume,
    Trigger,
)
from pytake_app.engine.verify import has_errors, verify
from tests.engine.helpers import NOW, Talk, context

CASES = Path(__file__).parent / "cases"
EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


def load() -> list[Any]:
    return [
        pytest.param(path, index, id=f"{path.stem}-{case['name']}")
        for path in sorted(CASES.glob("*.json"))
        for index, case in enumerate(json.loads(path.read_text())["cases"])
    ]


def test_every_registered_type_has_cases() -> None:
    files = {path.stem for path in CASES.glob("*.json")}
    assert files == set(NODE_TYPES)
    for path in CASES.glob("*.json"):
        for case in json.loads(path.read_text())["cases"]:
            types = {n.type for n in parse_document(case["document"]).nodes}
            assert path.stem in types, f"{path.stem}: case {case['name']} does not use the type"


def resume_of(given: dict[str, Any], talk: Talk) -> Resume:
    """One input of a case."""
    wait = talk.session.wait
    wait_id = wait.id if wait else "none"
    kind = next(iter(given))
    value = given[kind]
    if kind == "say":
        return MessageResume(message=InboundInput(text=value))
    if kind == "press":
        return MessageResume(message=InboundInput(type="interactive", text=given.get("text", ""), selection_id=value))
    if kind == "media":
        return MessageResume(message=InboundInput(type="image", media=InboundMedia(**value)))
    if kind == "location":
        return MessageResume(message=InboundInput(type="location", location=InboundLocation(**value)))
    if kind == "form":
        return MessageResume(message=InboundInput(type="form", text="form", form=value))
    if kind == "http":
        return RequestResume(request_id=given.get("of", wait_id), result=HttpResult(**value))
    if kind == "ai":
        return RequestResume(request_id=wait_id, result=AiResult(**value))
    if kind == "timeout":
        return TimeoutResume(wait_id=wait_id if value is True else value)
    if kind == "delay":
        return DelayResume(wait_id=wait_id)
    if kind == "handoff":
        return HandoffResume(wait_id=wait_id, result=value)
    return ExpiryResume() if kind == "expire" else CancelResume(reason=value)


def told(sprint: Sprint) -> dict[str, Any]:
    """A sprint as a case writes it down."""
    return {
        "path": [[s.node_id, s.port] for s in sprint.steps],
        "status": sprint.session.status,
        "events": EVENTS.dump_python(sprint.events, mode="json", exclude_defaults=False, exclude_none=True),
        **({"ignored": True} if sprint.ignored else {}),
    }


def play(case: dict[str, Any]) -> list[dict[str, Any]]:
    flows = {name: compile_flow(parse_document(raw), name, 1) for name, raw in case.get("flows", {}).items()}
    flow = compile_flow(parse_document(case["document"]), "f", 1)
    flows["f"] = flow
    settings = case.get("context", {})
    now = datetime.fromisoformat(settings["now"]) if "now" in settings else NOW
    window = now + timedelta(hours=settings["window_hours"]) if "window_hours" in settings else None
    ctx = context(flows, now=now, window_expires_at=window, ai=settings.get("ai", False))
    if "hours" in settings:
        ctx.org = OrgView(id="org-1", name="Loja", hours=settings["hours"], calendars=settings.get("calendars", []))
    ctx.history = lambda count: [("user", "oi"), ("assistant", "Olá!")][-count:]
    raw = case.get("trigger", {"kind": "test"})
    talk = Talk(flow, ctx, Trigger.model_validate(raw))
    for given in case.get("inputs", []):
        session = talk.session
        known = flows.get(session.flow_id)
        talk.flow = known or flow
        talk.give(resume_of(given, talk))
    return [told(s) for s in talk.sprints]


@pytest.mark.parametrize(("path", "index"), load())
def test_case(path: Path, index: int) -> None:
    whole = json.loads(path.read_text())
    case = whole["cases"][index]
    got = play(case)
    if os.environ.get("PYTAKE_UPDATE_CASES"):
        case["expected"] = got
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    assert got == case["expected"]
    assert play(case) == got, "the same inputs give the same events"
    findings = verify(parse_document(case["document"]))
    assert has_errors(findings) == case.get("refused", False), findings
