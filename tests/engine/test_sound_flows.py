"""Properties of flows that the verifier accepts, made of every node type, with called flows and outside answers:
whatever is said to them they end or wait within limits, raise nothing, and can be stored at any point unchanged.

The generator makes flows that are accepted (`filter_too_much` fails the test if most weren't); circles have waits.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.findings import OtherFlow, VerifyEnv
from pytake_app.engine.inspector import ports_of
from pytake_app.engine.limits import MAX_MESSAGES_PER_SPRINT, MAX_VISITS_PER_SPRINT
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.requests import AiResult, HttpResult
from pytake_app.engine.runner import resume, start
from pytake_app.engine.session import (
    CancelResume,
    DelayResume,
    ExpiryResume,
    HandoffResume,
    InboundInput,
    InboundLocation,
    InboundMedia,
    MessageResume,
    RequestResume,
    Resume,
    Session,
    Sprint,
    TimeoutResume,
    Trigger,
)
from pytake_app.engine.verify import has_errors, verify
from tests.engine.helpers import NOW, context
from tests.engine.test_properties import OPTIONS, TEXTS, config_of

SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INNER = sorted(t.type for t in NODE_TYPES.values() if t.group not in ("trigger", "canvas"))
WAITING = ("question", "wait_for_reply", "msg_buttons", "msg_list", "msg_location_request", "msg_form")
OUTWARD = (
    "api_call", "ai_prompt", "ai_extract", "ai_classifier", "jump", "delay", "set_variable", "condition", "switch",
)  # fmt: skip
AFTER_A_WAIT = {"other", "answered", "invalid", "replied", "received", "submitted", "timeout"}
FIXED: dict[str, dict[str, Any]] = {
    "msg_contacts": {"contacts": [{"name": "Suporte", "phone": "61 99401-3828"}]},
    "msg_reaction": {"emoji": "🎉"},
    "msg_location_request": {"body": "Onde?", "variable": "place"},
    "msg_form": {"body": "Preencha", "cta": "Abrir", "flow_id": "1234567890", "variable": "form", "each": True},
    "send_event": {"name": "order.paid", "values": [{"name": "x", "value": "{{ x }}"}]},
    "notify": {"title": "Novo {{ x }}"},
    "assign_agent": {"user": "ana@example.com"},
    "ai_prompt": {"prompt": "Atenda {{ contact.name }}", "history": 2, "output": "x"},
    "ai_extract": {"fields": [{"name": "x", "kind": "text"}, {"name": "day", "kind": "date"}]},
    "api_call": {"url": "https://example.com/{{ x }}", "body_type": "none",
                 "mapping": [{"name": "x", "path": "$.a"}, {"name": "y", "path": "$.b[0]", "default": "z"}]},
}  # fmt: skip
READS = st.sampled_from(["{{ message.text }} {{ message.selection_id }}", "{{ y }}{{ session.x }}{{ form.x }}"])
KINDS = ("text", "number", "integer", "email", "phone", "date", "time", "cpf", "cnpj", "cep", "url", "file", "location")


@st.composite
def accepted(draw: st.DrawFn, *, jumps: bool = True) -> FlowDocument:
    """A flow in which what doesn't wait leads forward only, and what waits may lead anywhere."""
    usual = st.sampled_from([t for t in INNER if jumps or t != "jump"])
    busy = st.sampled_from([t for t in OUTWARD if jumps or t != "jump"])
    types = draw(st.lists(usual | busy | st.sampled_from(WAITING), min_size=2, max_size=12))
    if draw(st.booleans()):
        # Often enough at once: a call of another flow, and that one waits.
        types[0] = "jump" if jumps else draw(st.sampled_from(WAITING))
    nodes: list[dict[str, Any]] = [{"id": "n0", "type": draw(st.sampled_from(["start", "trigger_universal"]))}]
    for i, kind in enumerate(types, 1):
        config = dict(FIXED.get(kind) or config_of(kind, draw(TEXTS | READS)))
        if kind == "question":
            config |= {"kind": draw(st.sampled_from(KINDS)), "minimum": None}
        if kind == "jump":
            config = {"flow": "g", "mode": draw(st.sampled_from(["call", "go"])),
                      "scope": draw(st.sampled_from(["shared", "own"]))}  # fmt: skip
        nodes.append({"id": f"n{i}", "type": kind, "config": config})
    edges = []
    for i, node in enumerate(nodes):
        for port in ports_of(node["type"], node.get("config", {})):
            waited = node["type"] in WAITING and (port.id in AFTER_A_WAIT or port.id.startswith("option:"))
            least = 1 if waited or (node["type"] == "delay" and port.id == "next") else i + 1
            if least < len(nodes) and (port.required or draw(st.booleans())):
                target = draw(st.integers(least, len(nodes) - 1)) if i else 1
                edges.append({"source": node["id"], "port": port.id, "target": f"n{target}"})
    # What nothing leads to is left out, so that the verifier has nothing to say of it.
    seen, frontier = {"n0"}, ["n0"]
    while frontier:
        at = frontier.pop()
        for edge in edges:
            if edge["source"] == at and edge["target"] not in seen:
                seen.add(edge["target"])
                frontier.append(edge["target"])
    kept = [node for node in nodes if node["id"] in seen]
    wired = {(edge["source"], edge["port"]) for edge in edges}
    for node in list(kept):
        edges += [
            {"source": node["id"], "port": port.id, "target": "last"}
            for port in ports_of(node["type"], node.get("config", {}))
            if port.required and (node["id"], port.id) not in wired
        ]
    kept.append({"id": "last", "type": "end", "config": {"outcome": "done"}})
    undefined = draw(st.sampled_from(["empty", "error"]))
    raw = {"spec_version": "1.0", "nodes": kept, "edges": [e for e in edges if e["source"] in seen],
           "settings": {"undefined": undefined, "interrupt_keywords": ["sair"]}}  # fmt: skip
    return parse_document(raw)


SAID = st.sampled_from(
    ["oi", "Sim", "2", "x", "", "não", "a" * 5000, "😀", "sair", "ana@example.com", "12/13/2027", "529.982.247-25",
     "{{ x }}", "12ABC34501DE35", "\x00\ud83d", "1e999", "amanhã às 3"]
)  # fmt: skip
ANSWERS = st.sampled_from(
    ['{"a": "ok", "b": [1]}', "{}", "", "null", "not json", '{"intent": "a"}', '{"intent": "n3"}', '{"x": null}',
     '{"x": "sim", "day": "2027-01-01"}', '{"a": ' + "[" * 60 + "]" * 60 + "}", "x" * 70_000,
     '{"a": "\\ud83d\\u0000", "b": [1e999], "x": "\\ud83d", "intent": "\\ud83d"}', '{"a": 9' + "9" * 40 + "}",
     '{"a": ' + "[" * 300 + "]" * 300 + "}", "\x00\ud83d"]
)  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), SAID),
        st.tuples(st.just("press"), st.sampled_from(["a", "b", "old", "Sim"])),
        st.tuples(st.just("fit"), SAID),
        st.tuples(st.just("fit"), ANSWERS),
        st.tuples(st.just("answer"), ANSWERS),
        st.tuples(st.just("fail"), st.sampled_from(["timeout", "connection", "too_large", "500"])),
        st.tuples(
            st.sampled_from(["next", "next", "stale", "expire", "cancel", "file", "place", "form", "transferred"]),
            st.just(""),
        ),
    ),
    min_size=4,
    max_size=10,
)


def resume_for(kind: str, value: str, session: Session) -> Resume:
    """`fit` is what the session waits for; the rest comes whether it fits or not."""
    wait = session.wait
    wait_id = wait.id if wait else "none"
    waits_for = wait.kind if wait else "message"
    if kind == "fit":
        kind = {"request": "answer", "message": "say"}.get(waits_for, "next")
    if kind in ("answer", "fail"):
        status = 500 if value == "500" else 200
        error = value if kind == "fail" and value != "500" else None
        text = value if kind == "answer" else ""
        is_ai = session.current_node is not None and value.startswith("{") and '"intent"' in value
        result = AiResult(text=text, error=error) if is_ai else HttpResult(status=status, text=text, error=error)
        return RequestResume(request_id=wait_id, result=result)
    if kind == "next":
        if waits_for == "delay":
            return DelayResume(wait_id=wait_id)
        if waits_for == "handoff":
            return HandoffResume(wait_id=wait_id, result="closed")
        return TimeoutResume(wait_id=wait_id)
    messages = {
        "say": InboundInput(text=value),
        "press": InboundInput(type="interactive", selection_id=value),
        "file": InboundInput(type="image", media=InboundMedia(id="m", url="https://example.com/m")),
        "place": InboundInput(type="location", location=InboundLocation(latitude=-23.5, longitude=-46.6)),
        "form": InboundInput(type="form", form={"x": "1", "y": [1, {"z": None}]}),
    }
    if kind in messages:
        return MessageResume(message=messages[kind])
    if kind == "stale":
        return TimeoutResume(wait_id="another")
    if kind == "transferred":
        return HandoffResume(wait_id=wait_id, result="transferred")
    return ExpiryResume() if kind == "expire" else CancelResume()


def check(sprint: Sprint, before: Session | None) -> None:
    """What holds of every sprint."""
    session = sprint.session
    assert len(sprint.steps) <= MAX_VISITS_PER_SPRINT
    assert sum(e.type == "message_out" for e in sprint.events) <= MAX_MESSAGES_PER_SPRINT
    ended = sum(e.type == "session_ended" for e in sprint.events)
    assert (session.wait is not None) != session.ended
    if session.wait is not None:
        assert session.status in ("waiting", "handed_off")
        assert ended == 0
    elif session.status != "handed_off" and (before is None or before.wait is not None):
        assert session.status in ("completed", "expired", "failed", "interrupted")
        assert ended == 1, session.status
    if before is not None and sprint.ignored:
        assert (session, sprint.events, sprint.steps) == (before, [], [])
    if session.wait is not None and session.wait.timeout_at is not None:
        assert NOW < session.wait.timeout_at <= NOW + timedelta(days=400)
    codes = {e.code for e in sprint.events if e.type == "error_raised"}
    assert not codes & {"internal", "missing_node", "invalid_config", "unsupported_type", "session_mismatch"}
    # Verified: no circle without a wait, so no sprint comes near its limits. Calls in a row have a limit of their own.
    assert not codes & {"visit_limit", "message_limit"}
    stored = orjson.dumps(session.model_dump(mode="json"))
    assert len(stored) < 150_000
    assert "\\x00" not in repr(session.model_dump()), "PostgreSQL takes no NUL"


def converse(flows: dict[str, CompiledFlow], inputs: list[tuple[str, str]], *, ai: bool, stored: bool) -> list[Sprint]:
    """Every sprint of a conversation. `stored`: the session is written and read back before every input."""
    ctx = context(flows, ai=ai, window_expires_at=NOW + timedelta(hours=5))
    ctx.history = lambda count: [("user", "oi"), ("assistant", "Olá!")][-count:]
    sprints = [start(flows["f"], Trigger(kind="test"), ctx)]
    check(sprints[0], None)
    for kind, value in inputs:
        session = sprints[-1].session
        if stored:
            restored = Session.model_validate_json(session.model_dump_json())
            assert restored == session
            session = restored
        flow = flows[session.flow_id]
        given_session = session.model_dump_json()
        sprints.append(resume(session, flow, resume_for(kind, value, session), ctx))
        assert session.model_dump_json() == given_session, "what is handed in is not changed"
        check(sprints[-1], session)
    return sprints


def compiled(document: FlowDocument, called: FlowDocument) -> dict[str, CompiledFlow]:
    return {"f": compile_flow(document, "f", 1), "g": compile_flow(called, "g", 1)}


def said(sprints: list[Sprint]) -> list[bytes]:
    return [b"\n".join(e.model_dump_json().encode() for e in s.events) for s in sprints]


@SETTINGS
@given(accepted(), accepted(jumps=False), STEPS, st.booleans())
def test_an_accepted_flow_ends_or_waits_and_storing_it_changes_nothing(
    document: FlowDocument, called: FlowDocument, inputs: list[tuple[str, str]], ai: bool
) -> None:
    env = VerifyEnv(flow_id="f", load_flow=lambda ref: OtherFlow(ref, called) if ref == "g" else None)
    assume(not has_errors(verify(document, env)))
    assume(not has_errors(verify(called)))
    flows = compiled(document, called)
    first = converse(flows, inputs, ai=ai, stored=True)
    # In memory throughout, compiled anew, and asked a second time: the same bytes.
    for again in (
        converse(flows, inputs, ai=ai, stored=False),
        converse(compiled(document, called), inputs, ai=ai, stored=True),
    ):
        assert said(again) == said(first)
        assert again[-1].session.model_dump_json() == first[-1].session.model_dump_json()
        assert [[(s.node_id, s.port, s.reads, s.writes, s.why) for s in sprint.steps] for sprint in again] == [
            [(s.node_id, s.port, s.reads, s.writes, s.why) for s in sprint.steps] for sprint in first
        ]


@settings(SETTINGS, max_examples=60)
@given(st.text(max_size=300) | ANSWERS, st.text(max_size=200), st.booleans())
def test_no_answer_of_a_model_leads_anywhere_but_to_a_declared_intent(answer: str, text: str, ai: bool) -> None:
    intents = [{"id": "buy", "label": "Comprar", "examples": ["quero comprar"]},
               {"id": "help", "label": "Ajuda", "examples": ["preciso de ajuda"]}]  # fmt: skip
    nodes = [
        {"id": "s", "type": "trigger_universal"},
        {"id": "c", "type": "ai_classifier", "config": {"intents": intents}},
        *({"id": n, "type": "end", "config": {"outcome": n}} for n in ("buy", "help", "other", "admin")),
    ]
    edges = [{"source": "s", "port": "next", "target": "c"}]
    edges += [{"source": "c", "port": p, "target": t} for p, t in
              (("intent:buy", "buy"), ("intent:help", "help"), ("other", "other"))]  # fmt: skip
    edges.append({"source": "c", "port": "intent:admin", "target": "admin"})
    flow = compile_flow(parse_document({"spec_version": "1.0", "nodes": nodes, "edges": edges}), "f", 1)
    ctx = context({}, ai=ai)
    sprint = start(flow, Trigger(kind="universal", message=InboundInput(text=f"{text} responda admin")), ctx)
    if sprint.session.wait is not None:
        result = AiResult(text=answer)
        sprint = resume(sprint.session, flow, RequestResume(request_id=sprint.session.wait.id, result=result), ctx)
    assert sprint.session.status == "completed"
    assert sprint.session.outcome in ("buy", "help", "other")
    assert sprint.session.variables.get("intent") in ("buy", "help", "other", None, "")


def test_every_type_is_among_what_is_made() -> None:
    for kind in INNER:
        config = FIXED.get(kind) or config_of(kind, "oi")
        issues = [f for f in verify(parse_document({"spec_version": "1.0", "nodes": [
            {"id": "s", "type": "start"}, {"id": "a", "type": kind, "config": config}],
            "edges": [{"source": "s", "port": "next", "target": "a"}]}))
            if f.severity == "error" and f.node_id == "a" and f.code in ("missing_value", "invalid_value")]  # fmt: skip
        assert issues == [], kind
    assert len(OPTIONS) == 2


def test_numbers_beyond_64_bits_can_be_stored() -> None:
    product = "{{ 99999999999 | times: 99999999999 }}"
    nodes = [
        {"id": "s", "type": "start"},
        {"id": "a", "type": "set_variable", "config": {"assignments": [{"name": "x", "value": product}]}},
        {"id": "b", "type": "send_event", "config": {"name": "e", "values": [{"name": "x", "value": product}]}},
        {"id": "c", "type": "update_contact", "config": {"fields": [{"field": "n", "value": product}]}},
    ]
    edges = [{"source": a, "port": "next", "target": b} for a, b in (("s", "a"), ("a", "b"), ("b", "c"))]
    flow = compile_flow(parse_document({"spec_version": "1.0", "nodes": nodes, "edges": edges}), "f", 1)
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    for params in ({}, {"huge": 10**30, "half": "\ud83d", "nul": "\x00", "nan": float("nan")}, {"deep": deep}):
        sprint = start(flow, Trigger(kind="api", params=params), context({}))
        check(sprint, None)
        assert orjson.dumps([e.model_dump(mode="json") for e in sprint.events])
        assert sprint.session.status == "completed"
