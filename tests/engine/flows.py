"""Short hand for the flows of the verifier's tests."""

from __future__ import annotations

from typing import Any

from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Finding, OtherFlow, VerifyEnv
from pytake_app.engine.verify import verify
from tests.engine.helpers import document

Nodes = list[dict[str, Any]]
Edges = list[tuple[str, str, str]]
OPTIONS = [{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]


def start(node_id: str = "s") -> dict[str, Any]:
    return {"id": node_id, "type": "trigger_universal"}


def end(node_id: str = "end") -> dict[str, Any]:
    return {"id": node_id, "type": "end"}


def text(node_id: str, body: str = "oi") -> dict[str, Any]:
    return {"id": node_id, "type": "msg_text", "config": {"body": body}}


def ask(node_id: str, variable: str, **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "question", "config": {"body": "?", "variable": variable, **more}}


def menu(node_id: str, **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "msg_buttons", "config": {"body": "?", "buttons": OPTIONS, **more}}


def put(node_id: str, *names: str, value: str = "1") -> dict[str, Any]:
    assignments = [{"target": "session", "name": name, "value": value} for name in names]
    return {"id": node_id, "type": "set_variable", "config": {"assignments": assignments}}


def check(node_id: str, value: str, operator: str = "equals", compare_to: str = "x", **more: Any) -> dict[str, Any]:
    rows = [{"value": value, "operator": operator, "compare_to": compare_to}]
    return {"id": node_id, "type": "condition", "config": {"rows": rows, **more}}


def delay(node_id: str, amount: float, unit: str = "hours") -> dict[str, Any]:
    return {"id": node_id, "type": "delay", "config": {"amount": amount, "unit": unit}}


def window(node_id: str = "w") -> dict[str, Any]:
    return {"id": node_id, "type": "logic_window_check"}


def template(node_id: str = "t", name: str = "ola", **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": "msg_template", "config": {"name": name, "language": "pt_BR", **more}}


def jump(node_id: str, flow: str, mode: str = "go") -> dict[str, Any]:
    return {"id": node_id, "type": "jump", "config": {"flow": flow, "mode": mode}}


def split(node_id: str = "split") -> dict[str, Any]:
    branches = [{"id": "a", "label": "A", "weight": 1}, {"id": "b", "label": "B", "weight": 1}]
    return {"id": node_id, "type": "random_split", "config": {"branches": branches}}


def found(nodes: Nodes, edges: Edges, env: VerifyEnv | None = None, **more: Any) -> list[Finding]:
    return verify(document(nodes, edges, **more), env)


def coded(findings: list[Finding], code: str) -> list[Finding]:
    return [f for f in findings if f.code == code]


def one(findings: list[Finding], code: str) -> Finding:
    matching = coded(findings, code)
    assert len(matching) == 1, [(f.code, f.node_id, f.params) for f in findings]
    return matching[0]


def env_with(flows: dict[str, FlowDocument], own: str = "own", **more: Any) -> VerifyEnv:
    """An environment whose other flows are these, by id; ``slug-<id>`` names them too."""

    def load(ref: str) -> OtherFlow | None:
        key = ref.removeprefix("slug-")
        return OtherFlow(key, flows[key], key) if key in flows else None

    return VerifyEnv(flow_id=own, load_flow=load, **more)
