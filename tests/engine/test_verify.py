"""The verifier, finding by finding."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytake_app.engine.document import Edge, FlowDocument, Node, parse_document
from pytake_app.engine.findings import Finding, VerifyEnv
from pytake_app.engine.verify import has_errors, verify
from tests.engine.helpers import Talk, compiled, document

START = {"id": "s", "type": "start"}
END = {"id": "end", "type": "end"}
OPTIONS = [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]


def text(node_id: str, body: str = "oi") -> dict[str, Any]:
    return {"id": node_id, "type": "msg_text", "config": {"body": body}}


def found(
    nodes: list[dict[str, Any]], edges: list[tuple[str, str, str]], env: VerifyEnv | None = None
) -> list[Finding]:
    return verify(document(nodes, edges), env)


def one(findings: list[Finding], code: str) -> Finding:
    matching = [f for f in findings if f.code == code]
    assert len(matching) == 1, findings
    return matching[0]


def test_a_sound_flow_has_only_a_hint() -> None:
    findings = found([START, text("a"), END], [("s", "next", "a"), ("a", "next", "end")])
    assert [(f.code, f.severity) for f in findings] == [("only_start", "info")]


def test_no_trigger() -> None:
    assert one(found([text("a"), END], [("a", "next", "end")]), "no_trigger").severity == "error"


def test_unreachable_needs_a_path_not_just_an_edge() -> None:
    nodes = [START, text("a"), text("x"), text("y"), END]
    findings = found(nodes, [("s", "next", "a"), ("a", "next", "end"), ("x", "next", "y"), ("y", "next", "x")])
    assert [f.node_id for f in findings if f.code == "unreachable"] == ["x", "y"]


def test_unconnected_options_are_errors_and_dead_ends_warnings() -> None:
    menu = {"id": "m", "type": "msg_buttons", "config": {"body": "?", "buttons": OPTIONS}}
    findings = found([START, menu, text("a")], [("s", "next", "m"), ("m", "option:a", "a")])
    port = one(findings, "unconnected_port")
    assert (port.severity, port.node_id, port.port, port.params) == ("error", "m", "option:b", {"label": "B"})
    assert (one(findings, "dead_end").node_id, one(findings, "dead_end").severity) == ("a", "warning")


@pytest.mark.parametrize("wait", [None, "question", "wait_for_reply", "delay", "msg_buttons"])
def test_loops_need_a_wait_inside(wait: str | None) -> None:
    configs: dict[str, tuple[dict[str, Any], list[str]]] = {
        "question": ({"body": "?", "variable": "x"}, ["answered"]),
        "wait_for_reply": ({}, ["replied"]),
        "delay": ({"amount": 1, "unit": "seconds"}, ["next"]),
        "msg_buttons": ({"body": "?", "buttons": OPTIONS}, ["option:a", "option:b"]),
    }
    nodes = [START, text("a"), text("b")]
    edges = [("s", "next", "a"), ("a", "next", "b")]
    if wait is None:
        edges.append(("b", "next", "a"))
    else:
        config, ports = configs[wait]
        nodes.append({"id": "w", "type": wait, "config": config})
        edges += [("b", "next", "w"), *(("w", port, "a") for port in ports)]
    loops = [f for f in found(nodes, edges) if f.code == "loop_without_wait"]
    assert [(f.severity, f.params["count"]) for f in loops] == ([("error", 2)] if wait is None else [])


@pytest.mark.parametrize(
    ("count", "node_type", "codes"),
    [
        (98, "set_variable", set()),
        (99, "set_variable", set()),
        (100, "set_variable", {"too_many_steps"}),
        (30, "msg_text", set()),
        (31, "msg_text", {"too_many_messages"}),
    ],
)
def test_a_stretch_without_a_wait_fits_into_one_sprint(count: int, node_type: str, codes: set[str]) -> None:
    config = {"body": "oi", "assignments": [{"name": "x", "value": "1"}]}
    nodes = [START, *({"id": f"n{i}", "type": node_type, "config": config} for i in range(count))]
    edges = [("s", "next", "n0"), *((f"n{i}", "next", f"n{i + 1}") for i in range(count - 1))]
    assert {f.code for f in found(nodes, edges) if f.severity == "error"} == codes
    talk = Talk(compiled(nodes, edges))
    assert talk.session.status == ("failed" if codes else "completed")


def test_the_error_port_of_a_wait_is_no_wait() -> None:
    menu = {"id": "m", "type": "msg_buttons", "config": {"body": "?", "buttons": OPTIONS}}
    edges = [("s", "next", "m"), ("m", "option:a", "m"), ("m", "option:b", "m")]
    assert "loop_without_wait" not in {f.code for f in found([START, menu], edges)}
    assert "loop_without_wait" in {f.code for f in found([START, menu], [*edges, ("m", "error", "m")])}


@pytest.mark.parametrize(
    ("node_type", "config", "code", "pointer"),
    [
        ("msg_text", {}, "missing_value", "/body"),
        ("msg_text", {"body": "x" * 4097}, "too_long", "/body"),
        ("msg_text", {"body": "{{ x "}, "invalid_expression", "/body"),
        ("msg_text", {"body": "{{ x | nada }}"}, "invalid_expression", "/body"),
        ("msg_text", {"body": "a", "typing_seconds": 99}, "out_of_range", "/typing_seconds"),
        ("msg_text", {"body": 5}, "invalid_value", "/body"),
        (
            "msg_buttons",
            {"body": "?", "buttons": [*OPTIONS, {"id": "c", "title": "C"}, {"id": "d", "title": "D"}]},
            "too_many",
            "/buttons",
        ),
        ("msg_buttons", {"body": "?", "buttons": []}, "missing_value", "/buttons"),
        ("msg_buttons", {"body": "x" * 1025, "buttons": OPTIONS}, "too_long", "/body"),
        ("msg_buttons", {"body": "?", "buttons": [{"id": "a", "title": "x" * 21}]}, "too_long", "/buttons/0/title"),
        (
            "msg_buttons",
            {"body": "?", "buttons": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]},
            "duplicate_option_id",
            "/buttons/1/id",
        ),
        (
            "msg_buttons",
            {"body": "?", "buttons": [{"id": "a", "title": "Sim"}, {"id": "b", "title": "SIM"}]},
            "duplicate_option_title",
            "/buttons/1/title",
        ),
        ("msg_buttons", {"body": "?", "buttons": OPTIONS, "variable": "a b"}, "invalid_value", "/variable"),
        (
            "msg_list",
            {
                "body": "?",
                "sections": [{"rows": [{"id": f"r{i}", "title": f"R{i}"} for i in range(6)], "title": t} for t in "ab"],
            },
            "too_many_rows",
            "/sections",
        ),
        (
            "msg_list",
            {"body": "?", "sections": [{"title": "a", "rows": [{"id": "a", "title": "x" * 25}]}]},
            "too_long",
            "/sections/0/rows/0/title",
        ),
        (
            "msg_list",
            {"body": "?", "sections": [{"title": "a", "rows": [{"id": "a", "title": "x", "description": "x" * 73}]}]},
            "too_long",
            "/sections/0/rows/0/description",
        ),
        ("msg_media", {"kind": "image"}, "missing_media", "/url"),
        ("msg_media", {"kind": "hologram", "url": "https://e.com"}, "invalid_choice", "/kind"),
        ("msg_cta_url", {"body": "a", "display_text": "b", "url": "ftp://x"}, "invalid_url", "/url"),
        ("question", {"body": "?", "variable": "x", "kind": "regex", "pattern": "("}, "invalid_pattern", "/pattern"),
        ("question", {"body": "?", "variable": "x", "minimum": 5, "maximum": 2}, "minimum_above_maximum", "/minimum"),
        (
            "set_variable",
            {"assignments": [{"name": "contact", "value": "x"}]},
            "reserved_variable_name",
            "/assignments/0/name",
        ),
        ("trigger_keyword", {"words": ["("], "match_type": "regex"}, "invalid_pattern", "/words/0"),
        ("delay", {"amount": 400, "unit": "days"}, "delay_too_long", "/amount"),
        ("jump", {}, "missing_value", "/flow"),
        ("action_transfer_to_queue", {"priority": 7}, "invalid_choice", "/priority"),
    ],
)
def test_configurations(node_type: str, config: dict[str, Any], code: str, pointer: str) -> None:
    findings = found([START, {"id": "x", "type": node_type, "config": config}, END], [("s", "next", "x")])
    matching = [f for f in findings if (f.code, f.pointer) == (code, pointer)]
    assert [(f.severity, f.node_id) for f in matching] == [("error", "x")], findings


def test_an_emoji_is_one_character() -> None:
    buttons = [{"id": "a", "title": "🎉" * 20}]
    menu = {"id": "m", "type": "msg_buttons", "config": {"body": "?", "buttons": buttons}}
    assert not has_errors(found([START, menu, END], [("s", "next", "m"), ("m", "option:a", "end")]))


def test_structure_of_hand_made_documents() -> None:
    broken = FlowDocument(
        nodes=[
            Node(id="s", type="start"),
            Node(id="a", type="end"),
            Node(id="a", type="end"),
            Node(id="z", type="what"),
        ],
        edges=[
            Edge(id="1", source="s", port="next", target="a"),
            Edge(id="2", source="s", port="next", target="a"),
            Edge(id="3", source="s", port="gone", target="a"),
            Edge(id="4", source="a", port="next", target="nowhere"),
            Edge(id="5", source="nowhere", port="next", target="a"),
        ],
    )
    codes = {f.code for f in verify(broken)}
    assert {
        "duplicate_node_id",
        "duplicate_edge",
        "unknown_port",
        "edge_to_nothing",
        "edge_from_nothing",
        "unknown_type",
    } <= codes


def test_references_are_checked_when_known() -> None:
    nodes = [
        START,
        {"id": "t", "type": "msg_template", "config": {"name": "ola", "language": "pt_BR"}},
        {"id": "h", "type": "action_transfer_to_queue", "config": {"queue_name": "Suporte"}},
        {"id": "j", "type": "jump", "config": {"flow": "sub"}},
    ]
    edges = [("s", "next", "t"), ("t", "next", "h"), ("h", "closed", "j")]
    assert not {"missing_template", "missing_queue", "missing_flow"} & {f.code for f in found(nodes, edges)}
    nothing: frozenset[str] = frozenset()
    findings = found(nodes, edges, VerifyEnv(flows=nothing, templates=nothing, queues=nothing))
    assert one(findings, "missing_template").severity == "error"
    assert one(findings, "missing_flow").severity == "error"
    assert one(findings, "missing_queue").severity == "warning"
    known = VerifyEnv(flows=frozenset({"sub"}), templates=frozenset({"ola:pt_BR"}), queues=frozenset({"Suporte"}))
    assert not {"missing_template", "missing_queue", "missing_flow"} & {f.code for f in found(nodes, edges, known)}


def large(count: int) -> FlowDocument:
    """A flow of menus and texts in one long path with a way back every fifteen nodes."""
    nodes: list[dict[str, Any]] = [{"id": "t", "type": "trigger_universal", "next": "n0"}]
    for i in range(count - 1):
        follow = f"n{i + 1}" if i < count - 2 else "n0"
        if i % 3 == 0:
            back = f"n{max(i - 15, 0)}"
            buttons = [{"id": "a", "title": "Sim", "next": follow}, {"id": "b", "title": "Não", "next": back}]
            nodes.append(
                {"id": f"n{i}", "type": "buttons", "config": {"message": "Olá {{ name }}?", "buttons": buttons}}
            )
        else:
            body = "Oi {{ contact.first_name | upcase }}, são {{ total | money }}"
            nodes.append({"id": f"n{i}", "type": "message", "config": {"content": body}, "next": follow})
    return parse_document({"nodes": nodes}, max_nodes=5_000)


@pytest.mark.perf
def test_growth_is_near_linear() -> None:
    def best(count: int) -> float:
        flow = large(count)
        times = []
        for _ in range(3):
            began = time.process_time()
            assert not has_errors(verify(flow))
            times.append(time.process_time() - began)
        return min(times)

    # Ten times the blocks; quadratic would be a hundred times the work.
    assert best(3_000) / best(300) < 30
