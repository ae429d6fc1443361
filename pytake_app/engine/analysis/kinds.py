"""Kinds of values: numbers compared with texts, and the like, which never hold."""

from __future__ import annotations

import re
from typing import Any, Final

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.reading import variable_of
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.answers import parse_number
from pytake_app.engine.compare import WHOLE_DATE
from pytake_app.engine.nodes.base import Config
from pytake_app.engine.nodes.facts import ValueKind

_ALONE: Final = re.compile(r"^\s*\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\s*\}\}\s*$")
_ORDERED: Final = frozenset({"greater", "greater_or_equal", "less", "less_or_equal"})
_EQUAL: Final = frozenset({"equals", "not_equals"})
_DAY: Final = re.compile(r"^\d{4}-\d{2}-\d{2}")
_CLOCK: Final = re.compile(r"^\d{1,2}:\d{2}")


def kinds_of(graph: FlowGraph) -> dict[str, set[ValueKind]]:
    """Every kind of value that a node of the flow writes to a variable."""
    kinds: dict[str, set[ValueKind]] = {}
    for node in graph.nodes.values():
        for write in node.writes:
            kinds.setdefault(write.name, set()).add(write.kind)
    return kinds


def literal_kind(text: str) -> ValueKind:
    """The kind a fixed text is compared as."""
    plain = text.strip()
    if _DAY.match(plain) or WHOLE_DATE.match(plain):
        return "date"
    if _CLOCK.match(plain):
        return "time"
    return "number" if parse_number(plain) is not None else "text"


def clash(kind: ValueKind, operator: str, other: ValueKind) -> bool:
    """Can a comparison of these kinds never hold (or, negated, always)?"""
    if "any" in (kind, other) or kind == other:
        return False
    pair = {kind, other}
    if operator in _ORDERED:
        # A text may hold a number; what is surely a number can't be ordered with words or days.
        return "number" in pair and kind != "text"
    return operator in _EQUAL and kind == "number"


def check_kinds(graph: FlowGraph, report: Report) -> None:
    """Findings about comparisons of conditions (``rows``) and switches (``cases``)."""
    kinds = kinds_of(graph)
    for node in graph.nodes.values():
        config = node.config
        if config is None or node.id not in graph.live:
            continue
        for index, row in enumerate(getattr(config, "rows", ())):
            if isinstance(row, Config) and hasattr(row, "operator"):
                pointer = f"/rows/{index}"
                _compare(
                    node,
                    getattr(row, "value", ""),
                    row.operator,
                    getattr(row, "compare_to", ""),
                    pointer,
                    kinds,
                    report,
                )
        for index, case in enumerate(getattr(config, "cases", ())):
            value = getattr(config, "value", "")
            if isinstance(case, Config) and isinstance(value, str):
                operator = getattr(case, "operator", "equals")
                _compare(node, value, operator, getattr(case, "value", ""), f"/cases/{index}", kinds, report)


def _compare(
    node: FlowNode,
    value: str,
    operator: str,
    other: Any,
    pointer: str,
    kinds: dict[str, set[ValueKind]],
    report: Report,
) -> None:
    found = _ALONE.match(value)
    name = variable_of(tuple(found[1].split("."))) if found is not None else None
    if name is None or not isinstance(other, str) or not other.strip():
        return
    mine = kinds.get(name, {"any"})
    second = _ALONE.match(other)
    if second is not None:
        other_name = variable_of(tuple(second[1].split(".")))
        theirs = kinds.get(other_name or "", {"any"})
    elif "{{" in other or "{%" in other:
        return
    else:
        theirs = {literal_kind(other)}
    if all(clash(a, operator, b) for a in mine for b in theirs):
        params: dict[str, str | int] = {"name": name[:64], "value": other.strip()[:60]}
        report.add("type_clash", "warning", node.id, pointer=f"{pointer}/value", params=params)
