"""Where analyses put what they find."""

from __future__ import annotations

from typing import Any

from pytake_app.engine.analysis.graph import FlowGraph
from pytake_app.engine.findings import Finding, Severity

MAX_PATH = 60
"""Nodes kept of an example path."""


class Report:
    """The findings of one verification, in the order they were found."""

    def __init__(self, findings: list[Finding] | None = None) -> None:
        self.findings: list[Finding] = [] if findings is None else findings

    def add(self, code: str, severity: Severity, node_id: str | None = None, **more: Any) -> None:
        """Note a finding."""
        self.findings.append(Finding(code=code, severity=severity, node_id=node_id, **more))


def shown(graph: FlowGraph, path: list[str]) -> str:
    """A path in words, its middle left out when it is long."""
    if len(path) <= 6:
        return " → ".join(graph.nodes[n].label[:40] for n in path)
    first, last = shown(graph, path[:3]), shown(graph, path[-2:])
    return f"{first} → … → {last}"


def shortened(path: list[str]) -> list[str]:
    """The path with its middle left out when it is very long."""
    return path if len(path) <= MAX_PATH else [*path[: MAX_PATH // 2], *path[-MAX_PATH // 2 :]]
