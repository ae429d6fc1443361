"""Where analyses put what they find."""

from __future__ import annotations

from collections.abc import Iterable
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


def shown(graph: FlowGraph, path: Iterable[str]) -> str:
    """A path in words, its middle left out when it is long."""
    names = [graph.nodes[n].label[:40] for n in path if n in graph.nodes]
    if len(names) > 6:
        names = [*names[:3], "…", *names[-2:]]
    return " → ".join(names)


def shortened(path: list[str]) -> list[str]:
    """The path with its middle left out when it is very long."""
    return path if len(path) <= MAX_PATH else [*path[: MAX_PATH // 2], *path[-MAX_PATH // 2 :]]
