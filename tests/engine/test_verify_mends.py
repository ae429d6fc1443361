"""One-click mends: applying one removes its finding, and undoing it restores the document."""

from __future__ import annotations

from typing import Any

import pytest

from pytake_app.engine.analysis.mends import MENDS
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Finding, TemplateFacts, VerifyEnv
from pytake_app.engine.operations import Batch, apply, parse_operation
from pytake_app.engine.verify import verify
from tests.engine.flows import ask, check, delay, end, menu, put, split, start, template, text, window
from tests.engine.helpers import document

OPTION = {"id": "a", "title": "Sim"}
READING = [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "say"), ("q", "answered", "say"),
           ("say", "next", "end")]  # fmt: skip
CASES: dict[str, tuple[list[Any], list[tuple[str, str, str]]]] = {
    "unconnected_port": ([start(), menu("m")], [("s", "next", "m"), ("m", "option:a", "m")]),
    "dead_end": ([start(), text("a"), text("b"), end()], [("s", "next", "a"), ("a", "next", "b")]),
    "unknown_port": ([start(), text("a"), end()], [("s", "next", "a"), ("a", "next", "end"), ("a", "gone", "end")]),
    "edge_to_trigger": ([start(), text("a"), end()], [("s", "next", "a"), ("a", "next", "s")]),
    "edge_to_note": ([start(), text("a"), {"id": "n", "type": "note"}], [("s", "next", "a"), ("a", "next", "n")]),
    "unreachable": ([start(), end(), text("x")], [("s", "next", "end"), ("x", "next", "end")]),
    "second_entry": ([start(), start("s2"), end()], [("s", "next", "end"), ("s2", "next", "end")]),
    "no_trigger": ([text("a"), end()], [("a", "next", "end")]),
    "loop_without_wait": (
        [start(), check("a", "{{ contact.name }}"), text("b"), text("c")],
        [("s", "next", "a"), ("a", "true", "b"), ("a", "false", "c"), ("b", "next", "a"), ("c", "next", "b")],
    ),
    "duplicate_option_title": (
        [start(), menu("m", buttons=[OPTION, {"id": "b", "title": "SIM"}]), end()],
        [("s", "next", "m"), ("m", "option:a", "end"), ("m", "option:b", "end")],
    ),
    "duplicate_case": (
        [start(), {"id": "w", "type": "switch", "config": {"value": "{{ contact.name }}", "cases": [
            {"id": "a", "value": "x"}, {"id": "b", "value": "X"}]}}, end()],
        [("s", "next", "w"), ("w", "case:a", "end"), ("w", "case:b", "end"), ("w", "default", "end")],
    ),
    "duplicate_word": (
        [{"id": "k", "type": "trigger_keyword", "config": {"words": ["oi", "OI"]}}, end()], [("k", "next", "end")],
    ),
    "keyword_twice": (
        [{"id": "k", "type": "trigger_keyword", "config": {"words": ["oi"]}},
         {"id": "l", "type": "trigger_keyword", "config": {"words": ["tchau", "oi"]}}, end()],
        [("k", "next", "end"), ("l", "next", "end")],
    ),
    "undefined_on_path": ([start(), split(), ask("q", "x"), text("say", "{{ x }}"), end()], READING),
    "unused_variable": ([start(), put("p", "a", "b"), text("say", "{{ b }}"), end()],
                        [("s", "next", "p"), ("p", "next", "say"), ("say", "next", "end")]),
    "window_may_close": ([start(), delay("d", 30), text("say"), end()],
                         [("s", "next", "d"), ("d", "next", "say"), ("say", "next", "end")]),
    "window_unbounded": ([start(), delay("d", 1), text("say"), end()],
                         [("s", "next", "d"), ("d", "next", "say"), ("say", "next", "d")]),
    "window_closed": ([start(), window(), text("say"), end()],
                      [("s", "next", "w"), ("w", "open", "end"), ("w", "closed", "say"), ("say", "next", "end")]),
    "template_language": ([start(), template("t"), end()], [("s", "next", "t"), ("t", "next", "end")]),
}  # fmt: skip
ENV = VerifyEnv(template_facts=(TemplateFacts(name="ola", language="en"),))


def same(a: Finding, b: Finding) -> bool:
    """The same problem at the same place (a title's number of use may differ)."""
    return (a.code, a.node_id, a.port, a.pointer) == (b.code, b.node_id, b.port, b.pointer)


def mend(flow: FlowDocument, finding: Finding) -> FlowDocument:
    """The document after the mend; checks that undoing it restores the one before."""
    stored = flow.model_dump(mode="json")
    batch = Batch(ops=[parse_operation(op) for op in finding.operations])
    after, inverse = apply(stored, batch)
    assert apply(after, parse_operation(inverse.model_dump(mode="json")))[0] == stored
    return FlowDocument.model_validate(after)


@pytest.mark.parametrize("code", CASES)
def test_a_mend_removes_its_finding(code: str) -> None:
    flow = document(*CASES[code])
    env = ENV if code == "template_language" else VerifyEnv()
    before = verify(flow, env)
    finding = next(f for f in before if f.code == code and f.operations)
    after = verify(mend(flow, finding), env)
    assert not [f for f in after if same(f, finding)], [f.code for f in after]
    fresh = {f.code for f in after if f.severity == "error"} - {f.code for f in before}
    # A template that is put in has still to be chosen.
    assert fresh <= ({"missing_value"} if code.startswith("window") else set())


def test_every_mend_is_tried_here() -> None:
    tried = {f.mend for code, case in CASES.items() for f in verify(document(*case), ENV) if f.code == code}
    assert tried == MENDS


def test_a_hand_made_document_with_edges_twice() -> None:
    from pytake_app.engine.document import Edge, Node

    flow = FlowDocument(
        nodes=[Node(id="s", type="trigger_universal"), Node(id="e", type="end"), Node(id="f", type="end")],
        edges=[
            Edge(id="1", source="s", port="next", target="e"),
            Edge(id="2", source="s", port="next", target="f"),
            Edge(id="3", source="e", port="next", target="gone"),
            Edge(id="4", source="lost", port="next", target="e"),
        ],
    )
    for code in ("duplicate_edge", "edge_to_nothing", "edge_from_nothing"):
        finding = next(f for f in verify(flow) if f.code == code)
        after, _ = apply(flow.model_dump(mode="json"), Batch(ops=[parse_operation(op) for op in finding.operations]))
        flow = FlowDocument.model_validate(after)
        assert code not in {f.code for f in verify(flow)}
    assert [e.target for e in flow.edges] == ["e"]


def test_ends_are_shared_and_ids_are_new() -> None:
    bare = document([start(), text("end")], [("s", "next", "end")])
    finding = next(f for f in verify(bare) if f.code == "dead_end")
    assert [op["op"] for op in finding.operations] == ["add_node", "connect"]
    assert finding.operations[0]["node"]["id"] == "end_2"
    shared = document([start(), text("a"), end(), split()], [("s", "next", "split"), ("split", "branch:a", "a"),
                                                             ("split", "branch:b", "end")])  # fmt: skip
    finding = next(f for f in verify(shared) if f.code == "dead_end")
    assert finding.operations == [{"op": "connect", "source": "a", "port": "next", "target": "end"}]


def test_no_operations_no_mend() -> None:
    for case in CASES.values():
        for finding in verify(document(*case), ENV):
            assert (finding.mend is None) == (not finding.operations)
