"""The analyses against brute force on generated flows: no false finding and none missed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytake_app.engine.analysis.cost import cost
from pytake_app.engine.analysis.paths import paths
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import ChannelFacts, KeywordOwner, OtherFlow, Prices, TemplateFacts, VerifyEnv
from pytake_app.engine.operations import Batch, apply, parse_operation
from pytake_app.engine.verify import verify
from tests.engine.flows import OPTIONS
from tests.engine.helpers import document
from tests.engine.test_properties import documents

SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PORTS: dict[str, list[str]] = {
    "start": ["next"],
    "say": ["next"],
    "ask": ["answered", "timeout"],
    "menu": ["option:a", "option:b", "timeout"],
    "put": ["next"],
    "split": ["branch:a", "branch:b"],
    "hour": ["next"],
    "day": ["next"],
    "window": ["open", "closed"],
    "template": ["next"],
}
VARIABLES = ("x", "y")
LIMIT = 1440.0


def node(kind: str, name: str, index: int) -> dict[str, Any]:
    branches = [{"id": b, "label": b, "weight": 1} for b in "ab"]
    shapes: dict[str, tuple[str, dict[str, Any]]] = {
        "start": ("trigger_universal", {}),
        "say": ("msg_text", {"body": f"oi {{{{ {name} }}}}"}),
        "ask": ("question", {"body": "?", "variable": name, "timeout_minutes": 600}),
        "menu": ("msg_buttons", {"body": "?", "buttons": OPTIONS, "timeout_minutes": 300}),
        "put": ("set_variable", {"assignments": [{"name": name, "value": "1"}]}),
        "split": ("random_split", {"branches": branches}),
        "hour": ("delay", {"amount": 10, "unit": "hours"}),
        "day": ("delay", {"amount": 1, "unit": "days"}),
        "window": ("logic_window_check", {}),
        "template": ("msg_template", {"name": "t", "language": "pt_BR"}),
    }
    node_type, config = shapes[kind]
    return {"id": f"{kind}-{name}-{index}", "type": node_type, "config": config}


@st.composite
def small_flows(draw: st.DrawFn) -> FlowDocument:
    """Up to seven nodes of kinds that matter here, wired at random."""
    kinds = draw(st.lists(st.sampled_from(sorted(set(PORTS) - {"start"})), min_size=1, max_size=7))
    nodes = [node("start", "-", 0)]
    nodes += [node(kind, draw(st.sampled_from(VARIABLES)), i) for i, kind in enumerate(kinds, 1)]
    edges = []
    for made in nodes:
        for port in PORTS[made["id"].split("-", 1)[0]]:
            target = draw(st.integers(0 if made is not nodes[0] else 1, len(nodes) - 1))
            edges += [(made["id"], port, nodes[target]["id"])] if target else []
    return document(nodes, edges)


def edges_of(flow: FlowDocument) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for edge in flow.edges:
        found.setdefault(edge.source, []).append((edge.port, edge.target))
    return found


def undefined_by_search(flow: FlowDocument) -> set[tuple[str, str]]:
    """(node, variable) read with the variable unset on some walk: all states (node, set variables)."""
    edges = edges_of(flow)
    kinds = {n.id: n.id.split("-") for n in flow.nodes}
    seen = {(flow.nodes[0].id, frozenset[str]())}
    stack = list(seen)
    bad: set[tuple[str, str]] = set()
    while stack:
        node_id, have = stack.pop()
        kind, name, _ = kinds[node_id] if kinds[node_id][0] != "start" else ("start", "", "")
        if kind == "say" and name not in have:
            bad.add((node_id, name))
        for port, target in edges.get(node_id, ()):
            writes = (kind == "put") or (kind == "ask" and port == "answered")
            state = (target, have | {name} if writes else have)
            if state not in seen:
                seen.add(state)
                stack.append(state)
    return bad


def late_by_search(flow: FlowDocument) -> dict[str, float]:
    """Node → largest age of the window at a free-form message over all walks; ages over two days are alike."""
    edges = edges_of(flow)
    seen = {(flow.nodes[0].id, 0.0)}
    stack = list(seen)
    worst: dict[str, float] = {}
    while stack:
        node_id, age = stack.pop()
        kind = node_id.split("-", 1)[0]
        if kind in ("say", "ask", "menu"):
            worst[node_id] = max(worst.get(node_id, 0.0), age)
        for port, target in edges.get(node_id, ()):
            after = age
            if port == "answered" or port.startswith("option:"):
                after = 0.0
            elif port == "timeout":
                after = age + (600 if kind == "ask" else 300)
            elif kind in ("hour", "day"):
                after = age + (600 if kind == "hour" else 1440)
            elif port == "closed":
                after = 10 * LIMIT
            elif port == "open" and age >= LIMIT:
                after = LIMIT - 1 / 60
            state = (target, min(after, 10 * LIMIT))
            if state not in seen:
                seen.add(state)
                stack.append(state)
    return worst


@SETTINGS
@given(small_flows())
def test_undefined_variables_are_exact(flow: FlowDocument) -> None:
    written = {n.id.split("-")[1] for n in flow.nodes if n.id.startswith(("ask", "put"))}
    truth = {(n, v) for n, v in undefined_by_search(flow) if v in written}
    findings = [f for f in verify(flow) if f.code == "undefined_on_path"]
    assert {(f.node_id, f.params["name"]) for f in findings} == truth
    edges = edges_of(flow)
    for finding in findings:
        assert finding.path[0] == flow.nodes[0].id
        assert finding.path[-1] == finding.node_id
        for before, after in pairwise(finding.path):
            kind, name = before.split("-")[:2]
            ports = [p for p, t in edges[before] if t == after]
            if name == finding.params["name"]:
                assert kind != "put"
                assert kind != "ask" or "timeout" in ports


@SETTINGS
@given(small_flows())
def test_window_findings_are_exact(flow: FlowDocument) -> None:
    worst = late_by_search(flow)
    truth = {n for n, age in worst.items() if age >= LIMIT}
    findings = [f for f in verify(flow) if f.code.startswith("window_")]
    assert {f.node_id for f in findings} == truth
    edges = edges_of(flow)
    for finding in findings:
        assert finding.path[-1] == finding.node_id
        for before, after in pairwise(finding.path):
            assert after in [t for _, t in edges[before]]
        if finding.code == "window_may_close":
            assert abs(int(finding.params["hours"]) * 60 - worst[str(finding.node_id)]) <= 30


@SETTINGS
@given(small_flows())
def test_window_closed_for_certain_is_exact(flow: FlowDocument) -> None:
    """No walk comes to the node without a closed check right before it."""
    edges = edges_of(flow)
    seen = {(flow.nodes[0].id, False)}
    stack = list(seen)
    while stack:
        node_id, closed = stack.pop()
        kind = node_id.split("-", 1)[0]
        for port, target in edges.get(node_id, ()):
            after = port == "closed" or (closed and kind in ("say", "put", "split", "template"))
            if (target, after) not in seen:
                seen.add((target, after))
                stack.append((target, after))
    certain = {n for n, closed in seen if closed and (n, False) not in seen}
    truth = {n for n in certain if n.startswith(("say", "ask", "menu"))}
    assert {f.node_id for f in verify(flow) if f.code == "window_closed"} == truth


def whole_env(flow: FlowDocument) -> VerifyEnv:
    """An environment in which every analysis has something to say."""
    sms = ChannelFacts(channel="sms", max_text=3, max_button_title=1, units="utf16")
    nothing: frozenset[str] = frozenset()
    return VerifyEnv(
        flow_id="own", flows=nothing, queues=nothing, agents=nothing, departments=nothing, tags=nothing, fields=nothing,
        secrets=nothing, calendars=nothing, events=nothing, channels=(sms,), prices=Prices(marketing=1),
        template_facts=(TemplateFacts(name="t", language="en"),), keywords=(KeywordOwner(name="x", words=("oi",)),),
        load_flow=lambda ref: OtherFlow("other" if ref == "f" else ref, flow),
    )  # fmt: skip


@settings(SETTINGS, max_examples=100)
@given(documents(), documents(broken=True), st.booleans())
def test_nothing_raises_whatever_is_known_of_the_world(flow: FlowDocument, other: FlowDocument, broken: bool) -> None:
    document_ = other if broken else flow
    env = whole_env(flow)
    first = verify(document_, env)
    assert [f.model_dump() for f in verify(document_, env)] == [f.model_dump() for f in first]
    report = cost(document_, Prices(marketing=3, service=1), env=env)
    whole = report.overall
    for least, most in ((whole.least_messages, whole.most_messages), (whole.least_price, whole.most_price)):
        assert least >= 0
        assert most is None or most >= least


@settings(SETTINGS, max_examples=100)
@given(documents())
def test_mends_remove_their_finding_and_can_be_undone(flow: FlowDocument) -> None:
    stored = flow.model_dump(mode="json")
    tried: set[str] = set()
    for finding in verify(flow):
        if not finding.operations or finding.code in tried:
            continue
        tried.add(finding.code)
        batch = Batch(ops=[parse_operation(op) for op in finding.operations])
        after, inverse = apply(stored, batch)
        assert apply(after, inverse)[0] == stored
        left = verify(FlowDocument.model_validate(after))
        place = (finding.code, finding.node_id, finding.port, finding.pointer, finding.params.get("name"))
        assert place not in {(f.code, f.node_id, f.port, f.pointer, f.params.get("name")) for f in left}, finding


@settings(SETTINGS, max_examples=60)
@given(documents())
def test_paths_of_any_flow(flow: FlowDocument) -> None:
    report = paths(flow, 30, budget=20)
    assert len(report.paths) <= 30
    ids = [tuple(p.steps) for p in report.paths]
    assert len(set(ids)) == len(ids)
    for path in report.paths:
        visited = [s.node_id for s in path.steps]
        assert len(set(visited)) == len(visited), "no node twice"
