"""``bench verifier``: time of one verification of flows of growing size, with loops, expressions and findings."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from pytake_app.engine.document import FlowDocument, parse_document
from pytake_app.engine.findings import Prices, VerifyEnv
from pytake_app.engine.verify import verify


def flow_of(nodes: int, loops: int) -> FlowDocument:
    """A flow of questions, menus, texts with expressions, conditions, assignments and delays, ``loops`` of
    whose menus lead back."""
    made: list[dict[str, Any]] = [{"id": "t", "type": "trigger_universal"}]
    edges: list[dict[str, str]] = [{"source": "t", "port": "next", "target": "n0"}]
    options = [{"id": "on", "title": "Seguir"}, {"id": "back", "title": "Voltar"}]
    menus = max(1, (nodes - 2) // 6)
    every = max(1, menus // max(1, loops))
    for i in range(nodes - 2):
        node_id, after, kind = f"n{i}", f"n{i + 1}", i % 6
        following = {"next": after}
        if kind == 0:
            question = {"body": "Seu nome, {{ contact.first_name }}?", "variable": f"v{i}"}
            made.append(_node(node_id, "question", question))
            following = {"answered": after}
        elif kind == 1:
            back = f"n{max(0, i - 12)}" if (i // 6) % every == 0 else after
            made.append(_node(node_id, "msg_buttons", {"body": "Como seguimos?", "buttons": options}))
            following = {"option:on": after, "option:back": back}
        elif kind == 2:
            text = f"Olá {{{{ v{i - 2} | upcase }}}}, são {{{{ total | default: 0 | money }}}}"
            made.append(_node(node_id, "msg_text", {"body": text}))
        elif kind == 3:
            row = {"value": f"{{{{ v{i - 3} }}}}", "operator": "contains", "compare_to": "a"}
            made.append(_node(node_id, "condition", {"rows": [row]}))
            following = {"true": after, "false": f"n{min(nodes - 2, i + 2)}"}
        elif kind == 4:
            assignment = {"target": "session", "name": "total", "value": "{{ total | plus: 1 }}"}
            made.append(_node(node_id, "set_variable", {"assignments": [assignment]}))
        else:
            made.append(_node(node_id, "delay", {"amount": 5, "unit": "hours"}))
        edges += [{"source": node_id, "port": port, "target": target} for port, target in following.items()]
    made.append(_node(f"n{nodes - 2}", "end", {"outcome": "done"}))
    document = {"spec_version": "1.0", "name": "bench", "nodes": made, "edges": edges}
    return parse_document(document, max_nodes=nodes + 10, max_bytes=50_000_000)


def _node(node_id: str, node_type: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"id": node_id, "type": node_type, "config": config}


def measure(nodes: int, loops: int, repeats: int) -> dict[str, float | int]:
    """The best of ``repeats`` verifications, in milliseconds by the clock and of one core."""
    document = flow_of(nodes, loops)
    env = VerifyEnv(prices=Prices(marketing=300_000))
    best = cpu = float("inf")
    found = 0
    for _ in range(repeats):
        began, spent = time.perf_counter(), time.process_time()
        found = len(verify(document, env))
        best, cpu = min(best, time.perf_counter() - began), min(cpu, time.process_time() - spent)
    return {
        "nodes": len(document.nodes),
        "loops": loops,
        "findings": found,
        "ms": round(best * 1000, 2),
        "cpu_ms": round(cpu * 1000, 2),
    }


def run(argv: list[str]) -> None:
    """Print a JSON line a size. ``--nodes`` (300 1000 3000), ``--loops`` (20, per 300 nodes), ``--repeats`` (5)."""
    parser = argparse.ArgumentParser(prog="bench verifier")
    parser.add_argument("--nodes", type=int, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--loops", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    for nodes in options.nodes:
        loops = max(1, round(options.loops * nodes / 300))
        print(json.dumps({"bench": "verifier", **measure(nodes, loops, options.repeats)}))
