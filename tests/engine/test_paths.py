"""Paths: all of them, each with a conversation that takes the real engine along it, and the coverage."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from pytake_app.bench.editor import sample_document
from pytake_app.bench.engine import flow_of
from pytake_app.engine.analysis.conversation import PathStep
from pytake_app.engine.analysis.inputs import resume_of
from pytake_app.engine.analysis.paths import FlowPath, paths
from pytake_app.engine.answers import ANSWER_KINDS
from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.runner import resume, start
from pytake_app.engine.session import ContactView, InboundInput, OrgView, RunContext, Step, Trigger
from tests.engine.flows import OPTIONS, ask, check, delay, end, menu, put, split, template, text
from tests.engine.flows import start as universal
from tests.engine.helpers import counted, document


def replay(flow: FlowDocument, path: FlowPath) -> list[Step]:
    """Play a path's conversation, from what it says alone (the window and other flows aside)."""
    talk = path.conversation
    assert talk is not None, path
    contact = ContactView(**talk.contact)  # type: ignore[arg-type]
    compiled = compile_flow(flow, "this", 1)
    now = talk.now
    ids = counted("test-0")

    def context() -> RunContext:
        return RunContext(now=now, new_id=ids, contact=contact, org=OrgView(id="org"),
                          window_expires_at=now + timedelta(hours=1))  # fmt: skip

    message = InboundInput(text=talk.text, selection_id=talk.selection_id)
    trigger = Trigger(kind="universal", node_id=talk.trigger, message=message, params=talk.parameters)
    sprint = start(compiled, trigger, context())
    steps = list(sprint.steps)
    for given in talk.inputs:
        wait = sprint.session.wait
        assert wait is not None
        now += timedelta(minutes=given.after_minutes)
        sprint = resume(sprint.session, compiled, resume_of(given, wait), context())
        steps += sprint.steps
    return steps


def taken(steps: list[Step]) -> list[PathStep]:
    """Visits without the stops at waits that went on later."""
    found = []
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.port is not None or following is None or following.node_id != step.node_id:
            found.append(PathStep(node_id=step.node_id, port=step.port))
    return found


def all_driven(nodes: list[dict[str, Any]], edges: list[tuple[str, str, str]], **more: Any) -> list[FlowPath]:
    """The paths; each was taken by the engine in a replay."""
    flow = document(nodes, edges, **more)
    report = paths(flow)
    for path in report.paths:
        assert path.conversation is not None, (path.steps, path.reason)
        steps = taken(replay(flow, path))
        assert steps[: len(path.steps)] == path.steps
    assert report.coverage.ports_driven == report.coverage.ports
    assert report.coverage.nodes_driven == report.coverage.nodes
    return report.paths


def test_a_menu_with_every_way_out() -> None:
    nodes = [universal(), menu("m", max_attempts=2), text("a"), text("o"), end()]
    edges = [("s", "next", "m"), ("m", "option:a", "a"), ("m", "option:b", "m"), ("m", "other", "o"),
             ("m", "timeout", "end"), ("a", "next", "end"), ("o", "next", "m")]  # fmt: skip
    found = all_driven(nodes, edges)
    assert sorted(p.ends for p in found) == ["end", "end", "loop", "loop"]


@pytest.mark.parametrize("kind", [k for k in ANSWER_KINDS if k != "regex"])
def test_questions_of_every_kind(kind: str) -> None:
    nodes = [universal(), ask("q", "x", kind=kind), end(), text("bad")]
    edges = [("s", "next", "q"), ("q", "answered", "end"), ("q", "invalid", "bad"), ("bad", "next", "end")]
    found = all_driven(nodes, edges)
    assert [p.steps[1].port for p in found] == ["answered", "invalid"]
    assert found[1].conversation is not None
    assert len(found[1].conversation.inputs) == 3


@pytest.mark.parametrize(
    ("kind", "operator", "compare_to"),
    [
        ("number", "greater", "18"),
        ("number", "less_or_equal", "0"),
        ("text", "equals", "sim"),
        ("text", "contains", "urgente"),
        ("text", "in", "azul, verde"),
        ("date", "greater", "2027-01-01"),
        ("text", "not_equals", "não"),
    ],
)
def test_answers_that_decide_a_condition(kind: str, operator: str, compare_to: str) -> None:
    nodes = [universal(), ask("q", "x", kind=kind), put("p", "z"), check("c", "{{ x }}", operator, compare_to),
             text("yes"), end()]  # fmt: skip
    edges = [("s", "next", "q"), ("q", "answered", "p"), ("p", "next", "c"), ("c", "true", "yes"),
             ("c", "false", "end"), ("yes", "next", "end")]  # fmt: skip
    assert len(all_driven(nodes, edges)) == 2


def test_contact_parameters_splits_hours_delays_and_people() -> None:
    hours = {"id": "h", "type": "business_hours", "config": {"periods": [
        {"days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "18:00"}]}}  # fmt: skip
    queue = {"id": "people", "type": "action_transfer_to_queue",
             "config": {"queue_name": "F", "wait_timeout_minutes": 5}}  # fmt: skip
    nodes = [universal(), check("c", "{{ contact.city }}", "equals", "Natal"),
             check("p", "{{ plan }}", "equals", "pro"), split(), delay("d", 2, "days"), hours, queue,
             end()]  # fmt: skip
    edges = [("s", "next", "c"), ("c", "true", "p"), ("c", "false", "end"), ("p", "true", "split"),
             ("p", "false", "end"), ("split", "branch:a", "d"), ("split", "branch:b", "h"), ("d", "next", "h"),
             ("h", "open", "people"), ("h", "closed", "end"), ("people", "transferred", "end"),
             ("people", "timeout", "end"), ("people", "closed", "end")]  # fmt: skip
    flow = document(nodes, edges)
    report = paths(flow)
    assert [p.reason for p in report.paths if p.conversation is None] == []
    assert report.coverage.ports_driven == report.coverage.ports == 13
    assert len(report.paths) == 10


def test_switches_and_intents() -> None:
    switch = {"id": "w", "type": "switch", "config": {"value": "{{ x }}", "cases": [
        {"id": "a", "value": "azul"}, {"id": "b", "value": "7"}]}}  # fmt: skip
    intents = {"id": "i", "type": "ai_classifier", "config": {"provider": "local", "intents": [
        {"id": "order", "label": "Pedido", "examples": ["onde está meu pedido"]},
        {"id": "bill", "label": "Boleto", "examples": ["segunda via do boleto"]}]}}  # fmt: skip
    nodes = [universal(), ask("q", "x"), switch, {"id": "r", "type": "wait_for_reply"}, intents, end()]
    edges = [("s", "next", "q"), ("q", "answered", "w"), ("w", "case:a", "r"), ("w", "case:b", "end"),
             ("w", "default", "end"), ("r", "replied", "i"), ("i", "intent:order", "end"),
             ("i", "intent:bill", "end"), ("i", "other", "end")]  # fmt: skip
    assert len(all_driven(nodes, edges)) == 5


def test_cases_with_operators_are_driven_each_by_a_value_that_only_it_takes() -> None:
    cases = [
        {"id": "big", "operator": "greater", "value": "100"},
        {"id": "list", "operator": "in", "value": "5, 7"},
        {"id": "none", "operator": "less", "value": "0"},
    ]
    switch = {"id": "w", "type": "switch", "config": {"value": "{{ x }}", "cases": cases}}
    nodes = [universal(), ask("q", "x", kind="number"), switch, *(text(t) for t in ("a", "b", "c", "d"))]
    edges = [("s", "next", "q"), ("q", "answered", "w"), ("w", "case:big", "a"), ("w", "case:list", "b"),
             ("w", "case:none", "c"), ("w", "default", "d")]  # fmt: skip
    assert len(all_driven(nodes, edges)) == 4


def test_what_contradicts_itself_is_said() -> None:
    nodes = [universal(), check("c", "{{ contact.name }}", "equals", "A"),
             check("d", "{{ contact.name }}", "equals", "B"), end()]  # fmt: skip
    edges = [("s", "next", "c"), ("c", "true", "d"), ("c", "false", "end"), ("d", "true", "end"), ("d", "false", "end")]
    report = paths(document(nodes, edges))
    hopeless = [p for p in report.paths if p.conversation is None]
    assert [[s.port for s in p.steps] for p in hopeless] == [["next", "true", "true", None]]
    assert hopeless[0].reason in ("not_found", "budget")
    assert report.coverage.ports_covered == report.coverage.ports > report.coverage.ports_driven


def test_a_limit_covers_every_port_first() -> None:
    nodes = [universal(), *(menu(f"m{i}") for i in range(8)), end()]
    edges = [("s", "next", "m0")]
    for i in range(8):
        after = f"m{i + 1}" if i < 7 else "end"
        edges += [(f"m{i}", f"option:{o['id']}", after) for o in OPTIONS]
    report = paths(document(nodes, edges), 20)
    assert report.truncated
    assert len(report.paths) == 20
    assert report.coverage.ports_driven == report.coverage.ports == 17
    everything = paths(document(nodes, edges), 300, drive=False)
    assert (len(everything.paths), everything.truncated) == (256, False)


def test_templates_that_wait_for_a_button() -> None:
    nodes = [universal(), template("t", buttons=[{"id": "a", "title": "Sim"}]), text("a"), end()]
    edges = [("s", "next", "t"), ("t", "option:a", "a"), ("t", "next", "end"), ("a", "next", "end")]
    assert len(all_driven(nodes, edges)) == 2


def test_a_flow_without_entry_or_with_nothing_in_it() -> None:
    assert paths(FlowDocument()).paths == []
    assert paths(document([text("a")])).paths == []
    alone = paths(document([universal()]))
    assert [(p.ends, [s.port for s in p.steps]) for p in alone.paths] == [("open", ["next"])]


def test_many_paths_of_a_large_flow_are_driven_in_a_moment() -> None:
    document = flow_of(300)
    began = time.process_time()
    report = paths(document, 40)
    spent = time.process_time() - began
    assert (len(report.paths), len(report.paths[0].steps)) == (40, 300)
    assert report.paths[0].conversation is not None
    assert spent < 6  # seconds of one core; about 1.6 when nothing else runs


@pytest.mark.parametrize(
    ("large", "talks", "missed"), [(flow_of(40), 40, 0), (flow_of(150), 40, 0), (sample_document(300), 15, 60)]
)
def test_a_flow_of_too_many_paths_shows_those_that_are_really_gone(
    large: FlowDocument, talks: int, missed: int
) -> None:
    """Most listed paths of these contradict themselves: they press one button and go on as if it were the other; and
    the editor's sample asks whether an answer is there that always is (sixty exits that nobody can take)."""
    report = paths(large, 40)
    assert report.truncated
    driven = [path for path in report.paths if path.conversation is not None]
    assert len(driven) >= talks
    assert report.coverage.ports_driven >= report.coverage.ports - missed
    assert report.coverage.ports_covered == report.coverage.ports
    assert len({tuple(path.steps) for path in report.paths}) == len(report.paths) == 40
    for path in driven[:8]:
        assert taken(replay(large, path))[: len(path.steps)] == path.steps


def test_exploring_is_bounded_and_always_says_the_same() -> None:
    document = flow_of(100)
    one = paths(document, 40, drive=False)
    assert one == paths(document, 40, drive=False)
    assert [path.conversation for path in paths(document, 40, drive=False, explore=False).paths] == [None] * 40
