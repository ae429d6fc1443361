"""The reference of node types, written from the models. ``docs/nodes.md`` is its output::

python -m pytake_app.engine.reference > docs/nodes.md
"""

from __future__ import annotations

import json
import sys

from pytake_app.engine.inspector import FieldSpec, inspector_schema
from pytake_app.engine.nodes import CATALOGUED, NODE_TYPES
from pytake_app.engine.nodes.base import NodeType


def nodes_markdown() -> str:
    """The whole reference as Markdown."""
    lines = [
        "# Node types",
        "",
        "Written from the models by `python -m pytake_app.engine.reference > docs/nodes.md`; don't edit by hand.",
        "How documents, ports and sessions work is in [flow-documents.md](flow-documents.md).",
        "",
        "Fields marked **x** are expressions (Liquid). A *limit* counts characters, or items of a list.",
        "Ports marked * must be connected before a flow can be published.",
        "",
    ]
    group = ""
    for node_type in NODE_TYPES.values():
        if node_type.group != group:
            group = node_type.group
            lines += [f"## {group.capitalize()}", ""]
        lines += _node(node_type)
    if not CATALOGUED:
        return "\n".join(lines) + "\n"
    lines += ["## Not runnable yet", ""]
    names = ", ".join(f"`{t}`" for t in sorted(CATALOGUED))
    lines.append(f"Kept in documents and shown, but refused by the verifier: {names}.")
    return "\n".join(lines) + "\n"


def _node(node_type: NodeType) -> list[str]:
    lines = [f"### `{node_type.type}`", ""]
    if node_type.aliases:
        lines += ["Older names: " + ", ".join(f"`{a}`" for a in node_type.aliases) + ".", ""]
    doc = " ".join((node_type.config_model.__doc__ or "").split())
    lines += [doc, ""]
    ports = node_type.ports(node_type.config_model.model_validate(node_type.default_config))
    shown = ", ".join(f"`{p.id}`{'*' if p.required else ''}" for p in ports) or "none"
    lines += [f"Ports (of the default configuration): {shown}.", ""]
    fields = inspector_schema(node_type.type)
    if fields:
        lines += ["| field | kind | default | limit |", "| --- | --- | --- | --- |"]
        lines += _rows(node_type, fields, "")
        lines.append("")
    return lines


def _rows(node_type: NodeType, fields: list[FieldSpec], prefix: str) -> list[str]:
    rows: list[str] = []
    for field in fields:
        mark = (" required" if field.required else "") + (" **x**" if field.variables else "")
        kind = " \\| ".join(o.value for o in field.options) if field.options else field.widget
        default = "" if field.default in (None, "", [], {}) else f"`{json.dumps(field.default, ensure_ascii=False)}`"
        limit = str(field.max) if field.max is not None else ""
        if field.minimum is not None or field.maximum is not None:
            limit = f"{_plain(field.minimum)}…{_plain(field.maximum)}"
        rows.append(f"| `{prefix}{field.name}`{mark} | {kind} | {default} | {limit} |")
        rows += _rows(node_type, field.fields, f"{prefix}{field.name}[].")
    return rows


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if number < 1e6 else str(int(number))


if __name__ == "__main__":
    sys.stdout.write(nodes_markdown())
