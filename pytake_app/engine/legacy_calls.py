"""Older shapes of outside calls and splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytake_app.engine.legacy_base import Converted, Json, as_text, rename, slug, target_of


def _pairs(value: Any) -> Any:
    """``{"X-Key": "abc"}`` as a list of names and values."""
    if not isinstance(value, Mapping):
        return value
    return [{"name": str(name), "value": as_text(text)} for name, text in value.items()]


def read_call(config: Json) -> Converted:
    """``{"url", "method": "post", "headers": {…}, "body": {…}, "response_mapping": {variable: path}}``."""
    config = dict(config)
    result = Converted(config, exits=["success"], must_lead=["success"])
    if isinstance(config.get("method"), str):
        config["method"] = config["method"].strip().upper()
    for older, name in (("params", "query"), ("query_params", "query"), ("queryParams", "query")):
        if older in config and name not in config:
            config[name] = config.pop(older)
    for name in ("headers", "query", "form"):
        if name in config:
            config[name] = _pairs(config[name])
    body = config.get("body")
    if isinstance(body, Mapping | list):
        config["body"] = json.dumps(body, ensure_ascii=False)
    if config.get("body") and "body_type" not in config:
        config["body_type"] = "json" if config["body"].lstrip()[:1] in ("{", "[") else "raw"
    for older in ("response_mapping", "responseMapping", "save"):
        mapping = config.pop(older, None)
        if isinstance(mapping, Mapping) and "mapping" not in config:
            config["mapping"] = [{"name": str(name), "path": _path(as_text(path))} for name, path in mapping.items()]
    rename(config, "response_variable", "output", "save_to")
    for older, name in (("timeout", "timeout_seconds"), ("timeoutSeconds", "timeout_seconds")):
        if isinstance(config.get(older), int | float) and name not in config:
            config[name] = config.pop(older)
    for name, port in (("on_success", "success"), ("success", "success"), ("on_error", "error"), ("error", "error")):
        target = target_of(config.get(name))
        if target:
            result.branches[port] = target
            config.pop(name)
    return result


def _path(text: str) -> str:
    return text if text.startswith("$") else f"$.{text}" if text else "$"


def read_split(config: Json) -> Converted:
    """Branches with their targets: ``{"branches": [{"name": "A", "percentage": 30, "next": "x"}]}``."""
    config = dict(config)
    raw = config.get("branches")
    result = Converted(config)
    taken: set[str] = set()
    branches: list[Json] = []
    for item in raw if isinstance(raw, list) else []:
        if not isinstance(item, Mapping):
            continue
        label = as_text(item.get("label", item.get("name") or item.get("id")))  # one that was left empty stays so
        key = as_text(item.get("id"))
        if key:
            taken.add(key)
        else:
            key = slug(label, taken)
        branch: Json = {"id": key, "label": label}
        weight = next((item[name] for name in ("weight", "percentage", "percent") if name in item), None)
        if weight is not None:
            branch["weight"] = weight
        branches.append(branch)
        target = target_of(item)
        if target:
            result.branches[f"branch:{key}"] = target
        result.exits.append(f"branch:{key}")
        result.must_lead.append(f"branch:{key}")
    if isinstance(raw, list):
        config["branches"] = branches
    return result
