"""Variables: read before written on some path (with the path), called flows, unused, kinds that clash."""

from __future__ import annotations

import pytest

from tests.engine.flows import ask, check, coded, end, env_with, found, jump, menu, one, put, split, start, text
from tests.engine.helpers import document

READ = "Olá {{ x }}"
WAYS = [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "say"), ("say", "next", "end")]


def test_a_branch_that_skips_the_question_is_shown() -> None:
    findings = found([start(), split(), ask("q", "x"), text("say", READ), end()], [*WAYS, ("q", "answered", "say")])
    finding = one(findings, "undefined_on_path")
    assert (finding.severity, finding.node_id, finding.pointer) == ("warning", "say", "/body")
    assert finding.path == ["s", "split", "say"]
    assert finding.params == {"name": "x", "path": "s → split → say"}


def test_written_on_every_branch_is_fine() -> None:
    edges = [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "p"), ("q", "answered", "say"),
             ("p", "next", "say"), ("say", "next", "end")]  # fmt: skip
    nodes = [start(), split(), ask("q", "x"), put("p", "x"), text("say", READ), end()]
    assert not coded(found(nodes, edges), "undefined_on_path")


def test_only_the_port_that_writes_counts() -> None:
    nodes = [start(), ask("q", "x"), text("say", READ), end()]
    edges = [("s", "next", "q"), ("q", "answered", "say"), ("say", "next", "end")]
    assert not coded(found(nodes, edges), "undefined_on_path")
    late = found(nodes, [*edges, ("q", "timeout", "say")])
    assert one(late, "undefined_on_path").path == ["s", "q", "say"]


def test_a_loop_whose_first_round_has_nothing_yet() -> None:
    nodes = [start(), text("say", READ), ask("q", "x"), menu("m"), end()]
    edges = [("s", "next", "say"), ("say", "next", "q"), ("q", "answered", "m"), ("m", "option:a", "say"),
             ("m", "option:b", "end")]  # fmt: skip
    assert one(found(nodes, edges), "undefined_on_path").path == ["s", "say"]
    behind = [("s", "next", "q"), ("q", "answered", "say"), ("say", "next", "m"), ("m", "option:a", "q"),
              ("m", "option:b", "say")]  # fmt: skip
    assert not coded(found(nodes, behind), "undefined_on_path")


@pytest.mark.parametrize("turned", [False, True])
def test_a_circle_with_two_ways_in(turned: bool) -> None:
    """What the other trigger doesn't write is unset in the whole circle, however the nodes are ordered."""
    keyword = {"id": "k", "type": "trigger_keyword", "config": {"keywords": ["oi"]}}
    nodes = [start(), ask("q", "x"), menu("a"), text("say", READ), menu("b"), end()]
    edges = [("s", "next", "q"), ("q", "answered", "a"), ("a", "option:a", "b"), ("a", "option:b", "say"),
             ("say", "next", "end"), ("b", "option:a", "a"), ("b", "option:b", "end"), ("k", "next", "b")]  # fmt: skip
    both = [keyword, *nodes] if turned else [*nodes, keyword]
    assert one(found(both, edges), "undefined_on_path").path == ["k", "b", "a", "say"]
    assert not coded(found(nodes, edges[:-1]), "undefined_on_path")


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ("{{ x }}", True),
        ("{{ session.x }}", True),
        ("{{ x | upcase }}", True),
        ("{{ x | default: 'amigo' }}", False),
        ("{{ session.x | default: contact.name }}", False),
        ("{% if x %}Olá {{ x }}{% endif %}", False),
        ("{{ x | default: 'a' }} {{ x }}", True),
        ("{{ contact.x }}", False),
    ],
)
def test_an_expression_may_do_without(body: str, warned: bool) -> None:
    findings = found([start(), split(), ask("q", "x"), text("say", body), end()], [*WAYS, ("q", "answered", "say")])
    assert bool(coded(findings, "undefined_on_path")) is warned


@pytest.mark.parametrize(
    ("operator", "port", "warned"),
    [("not_empty", "true", False), ("not_empty", "false", True), ("empty", "false", False), ("equals", "true", False)],
)
def test_a_condition_proves_that_there_is_a_value(operator: str, port: str, warned: bool) -> None:
    other = "false" if port == "true" else "true"
    nodes = [start(), split(), ask("q", "x"), check("c", "{{ x }}", operator), text("say", READ), end()]
    edges = [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "c"), ("q", "answered", "c"),
             ("c", port, "say"), ("c", other, "end"), ("say", "next", "end")]  # fmt: skip
    told = [f for f in coded(found(nodes, edges), "undefined_on_path") if f.node_id == "say"]
    assert bool(told) is warned


def test_assignments_count_in_their_order() -> None:
    nodes = [start(), put("p", "y"), text("say", "{{ a }}{{ b }}{{ y }}"), end()]
    nodes[1]["config"]["assignments"] = [
        {"name": "a", "value": "1"}, {"name": "b", "value": "{{ a }}"}, {"name": "c", "value": "{{ y }}"},
        {"name": "y", "value": "2"},
    ]  # fmt: skip
    findings = found(nodes, [("s", "next", "p"), ("p", "next", "say"), ("say", "next", "end")])
    assert [(f.params["name"], f.pointer) for f in coded(findings, "undefined_on_path")] == [
        ("y", "/assignments/2/value")
    ]


def test_a_called_flow_writes_for_its_caller() -> None:
    both = document(
        [start(), split(), ask("q", "x"), put("p", "x"), end()],
        [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "p"), ("q", "answered", "end"),
         ("p", "next", "end")],
    )  # fmt: skip
    some = document(
        [start(), split(), ask("q", "x"), end()],
        [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "end"), ("q", "answered", "end")],
    )
    nodes = [start(), jump("j", "slug-sub", "call"), text("say", READ), end()]
    edges = [("s", "next", "j"), ("j", "next", "say"), ("say", "next", "end")]
    assert not coded(found(nodes, edges, env_with({"sub": both})), "undefined_on_path")
    assert one(found(nodes, edges, env_with({"sub": some})), "undefined_on_path").path == ["s", "j", "say"]
    assert one(found(nodes, edges, env_with({})), "unknown_variable").severity == "info"


def test_a_called_flow_that_needs_a_variable_of_its_caller() -> None:
    sub = document([start(), text("say", READ), end()], [("s", "next", "say"), ("say", "next", "end")])
    nodes = [start(), split(), ask("q", "x"), jump("j", "sub"), end()]
    edges = [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "j"), ("q", "answered", "j")]
    finding = one(found(nodes, edges, env_with({"sub": sub})), "undefined_in_flow")
    assert (finding.node_id, finding.params["flow"], finding.path) == ("j", "sub", ["s", "split", "j"])


def test_recursion_between_flows_comes_to_an_end() -> None:
    one_flow = document([start(), ask("q", "x"), jump("j", "b", "call"), end()],
                        [("s", "next", "q"), ("q", "answered", "j"), ("j", "next", "end")])  # fmt: skip
    other = document([start(), ask("q", "y"), jump("j", "a", "call"), text("say", "{{ x }}{{ y }}"), end()],
                     [("s", "next", "q"), ("q", "answered", "j"), ("j", "next", "say")])  # fmt: skip
    flows = {"a": one_flow, "b": other}
    for own, doc in flows.items():
        from pytake_app.engine.verify import verify

        assert not [f for f in verify(doc, env_with(flows, own)) if f.code == "undefined_on_path"]


def test_unused_variables_are_a_hint() -> None:
    nodes = [start(), ask("q", "x"), put("p", "a", "b"), text("say", "{{ b }}"), end()]
    edges = [("s", "next", "q"), ("q", "answered", "p"), ("p", "next", "say"), ("say", "next", "end")]
    unused = coded(found(nodes, edges), "unused_variable")
    assert [(f.params["name"], f.severity, f.mend) for f in unused] == [
        ("x", "info", None),
        ("a", "info", "drop_variable"),
    ]
    unknown = [start(), ask("q", "x"), jump("j", "elsewhere"), end()]
    assert not coded(found(unknown, [("s", "next", "q"), ("q", "answered", "j")]), "unused_variable")


@pytest.mark.parametrize(
    ("kind", "operator", "compare_to", "clashes"),
    [
        ("number", "greater", "abc", True),
        ("number", "equals", "sim", True),
        ("number", "greater", "10", False),
        ("number", "less", "2026-01-01", True),
        ("date", "greater", "10", True),
        ("date", "greater", "2026-01-01", False),
        ("text", "greater", "10", False),
        ("text", "equals", "10", False),
        ("number", "contains", "abc", False),
        ("number", "equals", "{{ contact.name }}", False),
        ("number", "equals", "{{ d }}", True),
    ],
)
def test_comparisons_that_never_hold(kind: str, operator: str, compare_to: str, clashes: bool) -> None:
    nodes = [start(), ask("d", "d", kind="date"), ask("q", "x", kind=kind), check("c", "{{ x }}", operator, compare_to),
             end()]  # fmt: skip
    edges = [("s", "next", "d"), ("d", "answered", "q"), ("q", "answered", "c"), ("c", "true", "end"),
             ("c", "false", "end")]  # fmt: skip
    told = coded(found(nodes, edges), "type_clash")
    expected = [("c", "/rows/0/value", "warning")] if clashes else []
    assert [(f.node_id, f.pointer, f.severity) for f in told] == expected
