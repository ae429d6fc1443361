"""One-click mends: applying one removes its finding, and undoing it restores the document."""

from __future__ import annotations

from typing import Any

import pytest

from pytake_app.engine.analysis.mends import CREATING, MENDS
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Finding, OtherFlow, TemplateFacts, VerifyEnv
from pytake_app.engine.operations import Batch, apply, parse_operation
from pytake_app.engine.verify import verify
from tests.engine.flows import ask, check, delay, end, jump, menu, put, split, start, template, text, window
from tests.engine.helpers import document


def hand_over(name: str) -> dict[str, Any]:
    config = {"queue_name": name, "wait_timeout_minutes": 5}
    return {"id": "h", "type": "action_transfer_to_queue", "config": config}


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
    "undefined_in_flow": (
        [start(), split(), ask("q", "x"), jump("j", "sub", "call"), end()],
        [("s", "next", "split"), ("split", "branch:a", "q"), ("split", "branch:b", "j"), ("q", "answered", "j"),
         ("j", "next", "end")],
    ),
    "mutual_jump": ([start(), text("a"), jump("j", "own", "go")], [("s", "next", "a"), ("a", "next", "j")]),
    "too_many_messages": ([start(), *[text(f"n{i}") for i in range(95)], end()],
                          [("s", "next", "n0"), *[(f"n{i}", "next", f"n{i + 1}") for i in range(94)],
                           ("n94", "next", "end")]),
    "too_many_steps": ([start(), *[put(f"n{i}", "x") for i in range(150)], text("say", "{{ x }}"), end()],
                       [("s", "next", "n0"), *[(f"n{i}", "next", f"n{i + 1}") for i in range(149)],
                        ("n149", "next", "say"), ("say", "next", "end")]),
    "missing_queue": ([start(), hand_over("Vendass"), end()], [("s", "next", "h"), ("h", "timeout", "end")]),
    "no_queue": ([start(), hand_over(""), end()], [("s", "next", "h"), ("h", "timeout", "end")]),
    "missing_template": ([start(), template("t", "olaa"), end()], [("s", "next", "t"), ("t", "next", "end")]),
    "template_variables": ([start(), template("t", "um", body=["a", "b"]), end()],
                           [("s", "next", "t"), ("t", "next", "end")]),
    "template_parts": ([start(), template("t", "partes", body=["a", "b"], url_suffix="x", header_type="text",
                                          header="h", buttons=[{"id": "sim", "title": "Sim"}]), end()],
                       [("s", "next", "t"), ("t", "next", "end")]),
    "template_language": ([start(), template("t"), end()], [("s", "next", "t"), ("t", "next", "end")]),
}  # fmt: skip
SUB = document([{"id": "s", "type": "start"}, text("say", "{{ x }}"), end()],
               [("s", "next", "say"), ("say", "next", "end")])  # fmt: skip
OWN = document(*CASES["mutual_jump"])
ENV = VerifyEnv(
    flow_id="own",
    flows=frozenset({"own", "sub"}),
    load_flow=lambda ref: OtherFlow(ref, {"sub": SUB, "own": OWN}[ref]) if ref in ("sub", "own") else None,
    queues=frozenset({"0190a000-0000-7000-8000-000000000000", "Vendas"}),
    default_queue=("0190a000-0000-7000-8000-000000000000", "Vendas"),
    template_facts=(
        TemplateFacts(name="ola", language="en"),
        TemplateFacts(name="olaa_", language="pt_BR"),
        TemplateFacts(name="um", language="pt_BR", variables=1),
        TemplateFacts(
            name="partes",
            language="pt_BR",
            variables=2,
            placeholders=("nome", "pedido"),
            header_placeholder="loja",
            buttons=("other", "link", "reply"),
        ),
    ),
)
WORLDLY = {"template_language", "undefined_in_flow", "mutual_jump", "missing_queue", "no_queue", "missing_template",
           "template_variables", "template_parts"}  # fmt: skip


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
    env = ENV if code in WORLDLY else VerifyEnv()
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


@pytest.mark.parametrize(
    ("node", "code", "kind", "name"),
    [
        ({"type": "tag_contact", "config": {"add": ["novo"]}}, "missing_tag", "tag", "novo"),
        ({"type": "update_contact", "config": {"fields": [{"field": "cidade", "value": "x"}]}},
         "missing_field", "field", "cidade"),
        ({"type": "action_transfer_to_queue", "config": {"queue_name": "Jurídico"}}, "missing_queue", "queue",
         "Jurídico"),
        ({"type": "notify", "config": {"audience": "department", "target": "RH", "title": "x"}}, "missing_department",
         "department", "RH"),
    ],
)  # fmt: skip
def test_what_is_missing_can_be_made(node: dict[str, Any], code: str, kind: str, name: str) -> None:
    nobody: frozenset[str] = frozenset()
    env = VerifyEnv(tags=nobody, fields=nobody, queues=nobody, departments=nobody)
    flow = document([start(), {"id": "n", **node}], [("s", "next", "n")])
    finding = next(f for f in verify(flow, env) if f.code == code)
    assert finding.mend == f"create_{kind}"
    assert finding.mend in CREATING
    assert finding.creates is not None
    assert (finding.creates.kind, finding.creates.name) == (kind, name)
    known = env.model_copy(update={f"{kind}s": frozenset({name})})
    assert code not in {f.code for f in verify(flow, known)}


def test_names_of_queues_are_compared_as_people_write_them() -> None:
    flow = document([start(), hand_over("juridico")], [("s", "next", "h")])
    assert "missing_queue" not in {f.code for f in verify(flow, VerifyEnv(queues=frozenset({"Jurídico"})))}


def test_an_id_that_is_gone_is_not_made_anew() -> None:
    gone = {"id": "h", "type": "action_transfer_to_queue",
            "config": {"queue_id": "0190a000-0000-7000-8000-000000000009"}}  # fmt: skip
    flow = document([start(), gone], [("s", "next", "h")])
    finding = next(f for f in verify(flow, VerifyEnv(queues=frozenset({"Vendas"}))) if f.code == "missing_queue")
    assert (finding.mend, finding.creates) == (None, None)


def test_the_organizations_hours_must_be_set() -> None:
    hours = {"id": "h", "type": "business_hours", "config": {"calendar": "organization"}}
    flow = document([start(), hours, end()], [("s", "next", "h"), ("h", "open", "end"), ("h", "closed", "end")])
    assert "no_business_hours" not in {f.code for f in verify(flow)}
    assert "no_business_hours" in {f.code for f in verify(flow, VerifyEnv(calendars=frozenset({"x"})))}
    assert "no_business_hours" not in {f.code for f in verify(flow, VerifyEnv(calendars=frozenset({"default"})))}


def test_a_calendar_that_is_named_must_be_there() -> None:
    named = {"id": "h", "type": "business_hours", "config": {"calendar": "named", "calendar_name": "Plantao"}}
    flow = document([start(), named, end()], [("s", "next", "h"), ("h", "open", "end"), ("h", "closed", "end")])
    assert "missing_calendar" not in {f.code for f in verify(flow, VerifyEnv(calendars=frozenset({"Plantão"})))}
    env = VerifyEnv(calendars=frozenset({"default", "Plantão 24h"}))
    gone = next(f for f in verify(flow, env) if f.code == "missing_calendar")
    assert (gone.severity, gone.pointer, gone.mend) == ("error", "/calendar_id", "use_closest")
    patch = {"calendar_id": "", "calendar_name": "Plantão 24h"}
    assert gone.operations == [{"op": "update_config", "id": "h", "patch": patch}]
    empty = {"id": "h", "type": "business_hours", "config": {"calendar": "named"}}
    flow = document([start(), empty, end()], [("s", "next", "h"), ("h", "open", "end"), ("h", "closed", "end")])
    assert ("missing_value", "/calendar_id") in {(f.code, f.pointer) for f in verify(flow, env)}
