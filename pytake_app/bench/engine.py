"""``bench engine``: sprints and node visits a second in memory, for a 30-node flow with templating and
the step log, on one core."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.runner import compile_flow, resume, start
from pytake_app.engine.session import (
    ContactView,
    InboundInput,
    MessageResume,
    OrgView,
    RunContext,
    Session,
    Trigger,
)

ANSWERS = ("Ana Lima", "2", "ana@example.com", "Eletrônicos", "10")


def flow_of(nodes: int) -> FlowDocument:
    """A shop's flow: texts with expressions, questions, menus, conditions, switches and assignments,
    in rounds of ten nodes."""
    made: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    edges: list[dict[str, str]] = []

    def add(node_type: str, config: dict[str, Any], *ports: str) -> None:
        made.append({"id": f"n{len(made)}", "type": node_type, "config": config})
        following = f"n{len(made)}"
        edges.extend({"source": f"n{len(made) - 1}", "port": port, "target": following} for port in ports)

    edges.append({"source": "start", "port": "next", "target": "n1"})
    options = [{"id": "support", "title": "Suporte"}, {"id": "sales", "title": "Vendas"}]
    assignment = {"target": "session", "name": "total", "value": "{{ quantity | times: 2 }}"}
    row = {"value": "{{ contact.name }}", "operator": "not_empty"}
    while len(made) < nodes - 1:
        add("msg_text", {"body": "Olá {{ contact.first_name }}, aqui é da {{ org.name }}!"}, "next")
        add("question", {"body": "Seu nome?", "variable": "name", "kind": "text", "minimum": 2}, "answered")
        add("msg_text", {"body": "Prazer, {{ name }}. Vamos lá."}, "next")
        add("msg_buttons", {"body": "Como posso ajudar, {{ name }}?", "buttons": options},
            "option:support", "option:sales", "other")  # fmt: skip
        cases = [{"id": "a", "value": "support"}, {"id": "b", "value": "sales"}]
        add("switch", {"value": "{{ selected_option }}", "cases": cases}, "case:a", "case:b", "default")
        add("set_variable", {"assignments": [{**assignment, "value": "{{ contact.lead_score }}"}]}, "next")
        add("condition", {"match": "all", "rows": [row]}, "true", "false")
        add("msg_text", {"body": "Pedido de {{ name }}, total {{ total }}."}, "next")
        add("question", {"body": "Quantos, {{ name }}?", "variable": "quantity", "kind": "text"}, "answered")
        add("set_variable", {"assignments": [assignment]}, "next")
    del made[nodes - 1 :]
    made.append({"id": f"n{len(made)}", "type": "end", "config": {"outcome": "done"}})
    ids = {node["id"] for node in made}
    kept = [edge for edge in edges if edge["source"] in ids and edge["target"] in ids]
    return parse_document({"spec_version": "1.0", "name": "bench", "nodes": made, "edges": kept})


def measure(seconds: float, nodes: int) -> dict[str, float | int]:
    """Run whole conversations for ``seconds``; sessions are serialised between sprints, as the host does. By the clock,
    and by the core's own time, which says more when others use the machine too."""
    flow = compile_flow(flow_of(nodes), "bench", 1)
    ids = count()
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def context() -> RunContext:
        return RunContext(
            now=now,
            new_id=lambda: f"id-{next(ids)}",
            contact=ContactView(id="c", name="Ana Lima", phone="+5561994013828"),
            org=OrgView(id="o", name="PyTake"),
            timer_ns=time.perf_counter_ns,
        )

    sprints = visits = runs = largest = 0
    engine_ns = 0
    began, spent = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        runs += 1
        mark = time.perf_counter_ns()
        sprint = start(flow, Trigger(kind="api"), context())
        engine_ns += time.perf_counter_ns() - mark
        turn = 0
        while True:
            sprints += 1
            visits += len(sprint.steps)
            stored = sprint.session.model_dump_json()
            largest = max(largest, len(stored))
            if sprint.session.wait is None:
                break
            session = Session.model_validate_json(stored)
            message = MessageResume(message=InboundInput(text=ANSWERS[turn % len(ANSWERS)]))
            turn += 1
            mark = time.perf_counter_ns()
            sprint = resume(session, flow, message, context())
            engine_ns += time.perf_counter_ns() - mark
    elapsed, cpu = time.perf_counter() - began, time.process_time() - spent
    return {
        "nodes": len(flow.nodes),
        "runs": runs,
        "sprints_per_s": round(sprints / elapsed),
        "visits_per_s": round(visits / elapsed),
        "visits_per_cpu_s": round(visits / cpu),
        "engine_only_visits_per_s": round(visits / (engine_ns / 1e9)),
        "session_bytes_max": largest,
    }


def run(argv: list[str]) -> None:
    """Print one JSON line with the figures. ``--seconds`` (3), ``--nodes`` (30)."""
    parser = argparse.ArgumentParser(prog="bench engine")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--nodes", type=int, default=30)
    options = parser.parse_args(argv)
    print(json.dumps({"bench": "engine", **measure(options.seconds, options.nodes)}))
