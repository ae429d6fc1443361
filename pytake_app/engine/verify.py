"""The verifier: proves what it can about a document before it is published."""

from __future__ import annotations

from typing import Final

from pytake_app.engine.analysis.across import Across
from pytake_app.engine.analysis.assignment import check_variables
from pytake_app.engine.analysis.channelfit import check_channels
from pytake_app.engine.analysis.cost import check_cost
from pytake_app.engine.analysis.graph import FlowGraph
from pytake_app.engine.analysis.kinds import check_kinds
from pytake_app.engine.analysis.languages import check_languages
from pytake_app.engine.analysis.mends import USUAL, Mender
from pytake_app.engine.analysis.references import check_references
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.analysis.structure import check_edges, check_loops, check_ports, check_reach, check_types
from pytake_app.engine.analysis.window import check_window
from pytake_app.engine.analysis.wording import check_keywords, check_wording
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Finding, Severity, VerifyEnv

__all__ = ["Finding", "Severity", "VerifyEnv", "has_errors", "reachable", "verify"]

_RANK: Final = {"error": 0, "warning": 1, "info": 2}


def verify(document: FlowDocument, env: VerifyEnv | None = None) -> list[Finding]:
    """All findings, errors first, then in document order. Never raises on a FlowDocument.

    Errors block publishing: what certainly fails. Warnings may fail on some path, which the finding
    shows; hints are worth a look. ``env`` says what is known of the world around the flow."""
    env = env or VerifyEnv()
    report = Report()
    check_edges(document, report)
    graph = FlowGraph(document, report.findings)
    across = Across(env, graph)
    check_types(graph, report)
    check_reach(graph, report)
    check_ports(graph, report)
    check_loops(graph, across, report)
    check_references(graph, env, report)
    check_variables(graph, across, report)
    check_kinds(graph, report)
    check_window(graph, across, env, report)
    check_channels(graph, env, report)
    check_wording(graph, report)
    check_languages(graph, report)
    check_keywords(graph, env, report)
    check_cost(graph, across, env, report)
    return _finished(document, graph, report.findings)


def _finished(document: FlowDocument, graph: FlowGraph, findings: list[Finding]) -> list[Finding]:
    mender = Mender(document, graph)
    mended = [
        mender.attach(f.model_copy(update={"mend": USUAL[f.code]}) if f.code in USUAL else f) if _may(f) else f
        for f in findings
    ]
    order = {node.id: i for i, node in reversed(list(enumerate(document.nodes)))}
    last = len(order)
    return sorted(mended, key=lambda f: (_RANK[f.severity], order.get(f.node_id, last) if f.node_id else -1))


def _may(finding: Finding) -> bool:
    return finding.mend is not None or finding.code in USUAL


def has_errors(findings: list[Finding]) -> bool:
    """True when publishing must be refused."""
    return any(f.severity == "error" for f in findings)


def reachable(document: FlowDocument) -> set[str]:
    """Ids of the nodes that some path from a trigger or ``start`` reaches."""
    return set(FlowGraph(document).live)
