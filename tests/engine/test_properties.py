"""Properties over generated flows: what verifies runs within limits, whatever is said to it; nothing
raises on any document; reachability agrees with brute force; edits and their inverses cancel out."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.inspector import ports_of
from pytake_app.engine.limits import MAX_MESSAGES_PER_SPRINT, MAX_VISITS_PER_SPRINT
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.operations import OperationError, apply, parse_operation
from pytake_app.engine.session import (
    CancelResume,
    DelayResume,
    ExpiryResume,
    HandoffResume,
    InboundInput,
    MessageResume,
    Resume,
    TimeoutResume,
)
from pytake_app.engine.verify import has_errors, reachable, verify
from tests.engine.helpers import Talk, context

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.sampled_from(
    [
        "oi",
        "Olá {{ contact.name }}",
        "{{ x }}",
        "{{ x | upcase }}",
        "{% for i in (1..9) %}{{ i }}{% endfor %}",
        "{{ nada }}",
        "",
    ]
)
OPTIONS = [{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]


def config_of(node_type: str, text: str) -> dict[str, Any]:
    """A working config of a type around one text."""
    body = text or "texto"
    configs: dict[str, dict[str, Any]] = {
        "trigger_keyword": {"words": ["oi"]},
        "trigger_template": {"template": "t", "buttons": OPTIONS},
        "msg_text": {"body": body},
        "msg_media": {"kind": "image", "url": "https://example.com/a.png", "caption": text},
        "msg_buttons": {"body": body, "buttons": OPTIONS},
        "msg_list": {"body": body, "button": "Ver", "sections": [{"title": "S", "rows": OPTIONS}]},
        "msg_cta_url": {"body": body, "display_text": "Abrir", "url": "https://example.com"},
        "msg_location": {"latitude": "1", "longitude": "2"},
        "msg_template": {"name": "t", "language": "pt_BR", "body": [body], "buttons": OPTIONS},
        "question": {"body": body, "variable": "x", "kind": "text", "minimum": 2, "max_attempts": 2},
        "wait_for_reply": {"variable": "x"},
        "condition": {"rows": [{"value": body, "operator": "contains", "compare_to": "a"}]},
        "switch": {"value": body, "cases": [{"id": "a", "value": "oi"}, {"id": "b", "value": "tchau"}]},
        "business_hours": {"periods": [{"days": [0], "opens": "09:00", "closes": "10:00"}]},
        "random_split": {"branches": [{"id": "a", "label": "A", "weight": 1}, {"id": "b", "label": "B", "weight": 2}]},
        "delay": {"amount": 1, "unit": "minutes"},
        "jump": {"flow": "f", "mode": "call"},
        "set_variable": {"assignments": [{"name": "x", "value": text + "{{ x }}"}]},
        "tag_contact": {"add": ["vip"]},
        "update_contact": {"fields": [{"field": "city", "value": text}]},
        "action_transfer_to_queue": {"queue_name": "Fila", "message": text, "wait_timeout_minutes": 5},
        "ai_classifier": {"intents": [{"id": "a", "label": "A", "examples": ["oi"]}]},
    }
    return configs.get(node_type, {})


@st.composite
def documents(draw: st.DrawFn, *, broken: bool = False) -> FlowDocument:
    """A flow of up to 12 nodes with every port wired at random (or, broken, anything goes)."""
    inner = sorted(t.type for t in NODE_TYPES.values() if t.group not in ("trigger", "canvas"))
    types = draw(st.lists(st.sampled_from(inner), min_size=1, max_size=11))
    nodes: list[dict[str, Any]] = [{"id": "n0", "type": draw(st.sampled_from(["start", "trigger_universal"]))}]
    for i, node_type in enumerate(types, 1):
        config = config_of(node_type, draw(TEXTS))
        if broken and draw(st.booleans()):
            config = draw(st.dictionaries(st.sampled_from([*config, "body", "kind", "buttons"]), junk(), max_size=4))
        nodes.append({"id": f"n{i}", "type": node_type, "config": config})
    edges = []
    for node in nodes:
        for port in ports_of(node["type"], node.get("config", {})):
            if port.required or draw(st.booleans()):
                target = draw(st.integers(1, len(nodes) - 1))
                edges.append({"source": node["id"], "port": port.id, "target": f"n{target}"})
    undefined = draw(st.sampled_from(["empty", "error"]))
    return parse_document({"spec_version": "1.0", "nodes": nodes, "edges": edges, "settings": {"undefined": undefined}})


def junk() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=8) | TEXTS
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=6,
    )


INPUTS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["oi", "Sim", "2", "x", "", "não", "a" * 5000, "😀", "banana"])),
        st.tuples(st.just("press"), st.sampled_from(["a", "b", "old", "Sim"])),
        st.tuples(
            st.sampled_from(["timeout", "delay", "expire", "cancel", "transferred", "closed", "stale"]), st.just("")
        ),
    ),
    max_size=6,
)


def resume_of(kind: str, value: str, wait_id: str) -> Resume:
    if kind == "say":
        return MessageResume(message=InboundInput(text=value))
    if kind == "press":
        return MessageResume(message=InboundInput(type="interactive", selection_id=value))
    if kind == "timeout":
        return TimeoutResume(wait_id=wait_id)
    if kind == "stale":
        return TimeoutResume(wait_id="other")
    if kind == "delay":
        return DelayResume(wait_id=wait_id)
    if kind == "transferred":
        return HandoffResume(wait_id=wait_id, result="transferred")
    if kind == "closed":
        return HandoffResume(wait_id=wait_id, result="closed")
    return ExpiryResume() if kind == "expire" else CancelResume()


def converse(document: FlowDocument, inputs: list[tuple[str, str]]) -> Talk:
    flow = compile_flow(document, "f", 1)
    talk = Talk(flow, context({"f": flow}))
    for kind, value in inputs:
        wait = talk.session.wait
        before = talk.session
        sprint = talk.give(resume_of(kind, value, wait.id if wait else "none"))
        if kind == "stale" or wait is None:
            assert sprint.ignored
            assert sprint.session == before
    for sprint in talk.sprints:
        assert len(sprint.steps) <= MAX_VISITS_PER_SPRINT + 1
        assert sum(e.type == "message_out" for e in sprint.events) <= MAX_MESSAGES_PER_SPRINT
        ended = [e for e in sprint.events if e.type == "session_ended"]
        assert len(ended) <= 1
        assert bool(sprint.session.wait) != sprint.session.ended
        assert len(sprint.session.model_dump_json()) < 80_000
    return talk


@SETTINGS
@given(documents(), INPUTS)
def test_a_verified_flow_runs_within_limits_and_deterministically(
    document: FlowDocument, inputs: list[tuple[str, str]]
) -> None:
    if has_errors(verify(document)):
        return
    talk = converse(document, inputs)
    codes = {e.code for s in talk.sprints for e in s.events if e.type == "error_raised"}
    # A flow may call itself through jump; every other circle has a wait inside, as the verifier proved.
    if not any(n.type == "jump" for n in document.nodes):
        assert not codes & {"loop_limit", "visit_limit"}
    assert not codes & {"internal", "missing_node", "invalid_config", "session_mismatch"}
    again = converse(document, inputs)
    assert [s.events for s in again.sprints] == [s.events for s in talk.sprints]
    assert again.session.model_dump_json() == talk.session.model_dump_json()


@settings(SETTINGS, max_examples=100)
@given(documents(broken=True), INPUTS)
def test_nothing_raises_on_a_broken_flow(document: FlowDocument, inputs: list[tuple[str, str]]) -> None:
    verify(document)
    stored = document.model_dump(mode="json")
    assert parse_document(stored).model_dump(mode="json") == stored, "saving a draft changes nothing in it"
    converse(document, inputs)


def brute_force(document: FlowDocument) -> set[str]:
    """Reachability by repeated relaxation over all edges."""
    seen = {n.id for n in document.nodes if n.type == "start" or n.type.startswith("trigger_")}
    for _ in document.nodes:
        seen |= {e.target for e in document.edges if e.source in seen}
    return seen


@SETTINGS
@given(documents())
def test_unreachable_is_exact(document: FlowDocument) -> None:
    truth = brute_force(document)
    assert reachable(document) == truth
    found = {f.node_id for f in verify(document) if f.code == "unreachable"}
    assert found == {n.id for n in document.nodes} - truth


@SETTINGS
@given(junk(), st.integers(0, 3))
def test_any_json_is_read_or_refused(raw: Any, shape: int) -> None:
    from pytake_app.engine.document import DocumentError

    shaped = [
        raw,
        {"nodes": raw},
        {"nodes": [{"id": "a", "type": "buttons", "config": raw}]},
        {"nodes": [raw], "edges": raw},
    ]
    try:
        document = parse_document(shaped[shape])
    except DocumentError as error:
        problems = error.errors
    else:
        verify(document)
        compile_flow(document, "f", 1)
        return
    assert problems
    assert all(p.message for p in problems)


OLDER = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", "c"]),
        "type": st.sampled_from(
            [
                "message",
                "buttons",
                "interactive_list",
                "input",
                "switch",
                "ai_classifier",
                "handoff",
                "action",
                "condition",
                "delay",
            ]
        ),
    },
    optional={
        "config": st.dictionaries(
            st.sampled_from(
                [
                    "message",
                    "content",
                    "buttons",
                    "cases",
                    "condition",
                    "validation",
                    "variable",
                    "value",
                    "sections",
                    "prompt",
                    "rows",
                    "intents",
                ]
            ),
            junk(),
            max_size=4,
        ),
        "next": st.sampled_from(["a", "b", "c", "nowhere", ""]),
    },
)


@SETTINGS
@given(st.lists(OLDER, min_size=1, max_size=3, unique_by=lambda n: n["id"]), INPUTS)
def test_any_older_shape_reads_runs_and_rereads_the_same(
    nodes: list[dict[str, Any]], inputs: list[tuple[str, str]]
) -> None:
    document = parse_document({"name": "older", "nodes": nodes})
    stored = document.model_dump(mode="json")
    assert parse_document(stored).model_dump(mode="json") == stored
    verify(document)
    converse(document, inputs)


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    node = st.sampled_from([f"n{i}" for i in range(6)])
    port = st.sampled_from(["next", "error", "option:a", "option:b", "true", "answered", "timeout", "nope"])
    config = st.dictionaries(
        st.sampled_from(["body", "x", "buttons"]),
        st.none() | st.text(max_size=4) | st.lists(st.integers(), max_size=2),
        max_size=3,
    )
    return draw(
        st.one_of(
            st.builds(
                lambda i, t: {"op": "add_node", "node": {"id": i, "type": t}},
                st.sampled_from(["n1", "new", "new2"]),
                st.sampled_from(["msg_text", "note", "what"]),
            ),
            st.builds(lambda ids: {"op": "delete_nodes", "ids": ids}, st.lists(node, max_size=3, unique=True)),
            st.builds(
                lambda ids: {"op": "move_nodes", "positions": {i: {"x": 1, "y": 2} for i in ids}},
                st.lists(node, max_size=3),
            ),
            st.builds(lambda i, c: {"op": "update_config", "id": i, "patch": c}, node, config),
            st.builds(lambda i, t: {"op": "set_title", "id": i, "title": t}, node, st.text(max_size=5)),
            st.builds(lambda s, p, t: {"op": "connect", "source": s, "port": p, "target": t}, node, port, node),
            st.builds(lambda s, p: {"op": "disconnect", "source": s, "port": p}, node, port),
            st.builds(lambda m: {"op": "set_settings", "patch": {"expiry_minutes": m}}, st.none() | st.integers(0, 99)),
            st.builds(lambda n: {"op": "set_name", "name": n}, st.text(max_size=5)),
            st.just(
                {
                    "op": "replace_document",
                    "document": {"nodes": [{"id": "z", "type": "message", "config": {"content": "a"}}]},
                }
            ),
        )
    )


@SETTINGS
@given(documents(), st.lists(operations(), max_size=6))
def test_an_inverse_undoes_its_operation(document: FlowDocument, raws: list[dict[str, Any]]) -> None:
    current = document.model_dump(mode="json")
    batch = {"op": "batch", "ops": raws}
    for raw in [*raws, batch]:
        before = FlowDocument.model_validate(current).model_dump(mode="json")
        assert before == current
        try:
            after, inverse = apply(current, parse_operation(raw))
        except OperationError:
            assert current == before, "a refused operation changes nothing"
            continue
        assert current == before, "the given document isn't changed"
        undone, redo = apply(after, parse_operation(inverse.model_dump(mode="json")))
        assert undone == before
        assert apply(undone, redo)[0] == after
        current = after
