"""Checks of single nodes: values, lengths, expressions, ports. Driven by the config models' metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from pydantic import ValidationError

from pytake_app.engine.analysis.reading import variables_of
from pytake_app.engine.findings import Finding
from pytake_app.engine.nodes.base import Config, NodeType, Port
from pytake_app.engine.templating import Template, TemplateCompiler

_PYDANTIC_CODES = {
    "missing": "missing_value",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "invalid_choice",
}


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """What to check of one field of a config model."""

    name: str
    required: bool
    maximum: int | None
    variables: bool
    prose: bool
    """A text that contacts read."""
    nested: type[Config] | None
    show_if: Mapping[str, list[Any]]
    secrets: bool = False
    """It may name secrets."""


def item_model(annotation: Any) -> type[Config] | None:
    """The config model of a ``list[Model]`` field, if it is one."""
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, Config):
            return argument
    return None


@lru_cache(maxsize=256)
def plan(model: type[Config]) -> tuple[FieldPlan, ...]:
    """The checks of a model, made once."""
    plans: list[FieldPlan] = []
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        meta: dict[str, Any] = dict(extra) if isinstance(extra, dict) else {}
        plans.append(
            FieldPlan(
                name=name,
                required=bool(meta.get("required")),
                maximum=meta.get("max"),
                variables=bool(meta.get("variables")),
                prose=bool(meta.get("variables")) and meta.get("widget") == "textarea",
                nested=item_model(info.annotation),
                show_if=meta.get("show_if") or {},
                secrets=bool(meta.get("secrets")),
            )
        )
    return tuple(plans)


@dataclass(slots=True)
class NodeCheck:
    """What is known of a node after its check. ``config`` is None when it is invalid."""

    config: Config | None
    ports: list[Port]
    reads: dict[str, str]
    """Session variables its expressions read → pointer of the first that does."""
    needs: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """(variable, pointer) of each expression that can't do without."""
    contact: dict[str, str] = dataclasses.field(default_factory=dict)
    """Fields of the contact its expressions read → pointer of the first that does."""


def check_node(
    node_id: str, node_type: NodeType, raw: Mapping[str, Any], texts: TemplateCompiler, out: list[Finding]
) -> NodeCheck:
    """Check one node's config; findings go to ``out``."""
    try:
        config = node_type.config_model.model_validate(raw)
    except ValidationError as error:
        out.extend(
            Finding(
                code=_PYDANTIC_CODES.get(detail["type"], "invalid_value"),
                severity="error",
                node_id=node_id,
                pointer="".join(f"/{p}" for p in detail["loc"]),
                params={"detail": str(detail["msg"])[:120]},
            )
            for detail in error.errors(include_url=False, include_input=False)
        )
        return NodeCheck(None, [], {})
    check = NodeCheck(config, node_type.ports(config), {})
    _walk(node_id, config, "", texts, out, check)
    for name, pointer in node_type.reads(config):
        check.reads.setdefault(name, pointer)
        check.needs.append((name, pointer))
    if node_type.check is not None:
        out.extend(
            Finding(
                code=issue.code,
                severity=issue.severity,
                node_id=node_id,
                port=issue.port,
                pointer=issue.pointer or None,
                params=issue.params,
            )
            for issue in node_type.check(config)
        )
    return check


def _walk(
    node_id: str, config: Config, base: str, texts: TemplateCompiler, out: list[Finding], check: NodeCheck
) -> None:
    for field in plan(type(config)):
        value = getattr(config, field.name)
        pointer = f"{base}/{field.name}"
        hidden = any(getattr(config, name, None) not in allowed for name, allowed in field.show_if.items())
        if hidden:
            continue
        if field.required and (value is None or value == [] or (isinstance(value, str) and not value.strip())):
            out.append(Finding(code="missing_value", severity="error", node_id=node_id, pointer=pointer))
        if isinstance(value, str):
            _text(node_id, value, pointer, field, texts, out, check)
        elif isinstance(value, list):
            if field.maximum is not None and len(value) > field.maximum:
                params: dict[str, str | int] = {"count": len(value), "max": field.maximum}
                out.append(Finding(code="too_many", severity="error", node_id=node_id, pointer=pointer, params=params))
            for index, item in enumerate(value):
                if isinstance(item, Config):
                    _walk(node_id, item, f"{pointer}/{index}", texts, out, check)
                elif isinstance(item, str) and field.variables:
                    _template(node_id, texts(item), f"{pointer}/{index}", field, out, check)


def _text(
    node_id: str,
    value: str,
    pointer: str,
    field: FieldPlan,
    texts: TemplateCompiler,
    out: list[Finding],
    check: NodeCheck,
) -> None:
    fixed = value
    if field.variables:
        template = texts(value)
        _template(node_id, template, pointer, field, out, check)
        if template.parts is not None:
            fixed = "".join(p for p in template.parts if isinstance(p, str))
        elif not template.is_literal:
            return
    if field.maximum is None or len(fixed) <= field.maximum:
        return
    params: dict[str, str | int] = {"length": len(fixed), "max": field.maximum}
    out.append(Finding(code="too_long", severity="error", node_id=node_id, pointer=pointer, params=params))


def _template(
    node_id: str, template: Template, pointer: str, field: FieldPlan, out: list[Finding], check: NodeCheck
) -> None:
    if template.problem is not None:
        params: dict[str, str | int] = {"detail": template.problem[1][:120]}
        out.append(
            Finding(code="invalid_expression", severity="error", node_id=node_id, pointer=pointer, params=params)
        )
        return
    if template.is_literal:
        return
    for path in sorted(template.paths()):
        if path[0] == "contact" and len(path) > 1:
            check.contact.setdefault(path[1], pointer)
        elif path[0] == "secret" and not field.secrets:
            out.append(Finding(code="secret_not_allowed", severity="error", node_id=node_id, pointer=pointer))
    for name, optional in variables_of(template).items():
        check.reads.setdefault(name, pointer)
        if not optional:
            check.needs.append((name, pointer))
