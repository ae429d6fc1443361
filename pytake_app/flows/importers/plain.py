"""Looking into somebody else's JSON without ever failing: every function answers a usable value for any input."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pytake_app.engine.limits import MAX_VARIABLE_NAME
from pytake_app.engine.scope import NAMESPACES

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LITERAL_BRACE = re.compile(r"\{(?=[{%])")
_KEYWORDS = frozenset({"true", "false", "nil", "null", "none", "empty", "blank", "and", "or", "not", "in", "contains"})
MAX_TEXT = 9_000
"""Characters kept of a text; the engine's templates take 10,000."""


def text(value: object, limit: int = MAX_TEXT) -> str:
    """A text that can be stored: no NUL, no halves of surrogate pairs; "" for anything but texts and numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) > 10**30:
        return ""
    return _UNSTORABLE.sub("", str(value))[:limit]


def mapping(value: object) -> Mapping[str, Any]:
    """An object with text keys; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The texts of a list."""
    return [text(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: object) -> float | None:
    """A finite number, also from its text."""
    if isinstance(value, bool):
        return None
    try:
        result = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) and abs(result) < 1e15 else None


def coordinate(value: object) -> float:
    """A place on a canvas, within reason."""
    found = number(value)
    return max(-1e6, min(1e6, found)) if found is not None else 0.0


def literal(value: str) -> str:
    """A text in which nothing is an expression."""
    return _LITERAL_BRACE.sub('{{ "{" }}', value)


def identifier(name: str) -> str:
    """A variable's name made of any name: `Nome do cliente` → `nome_do_cliente`; never empty, never a reserved word."""
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: MAX_VARIABLE_NAME - 8]
    if not made:
        return "value"
    if made[0].isdigit():
        made = f"v_{made}"
    return f"{made}_value" if made in NAMESPACES or made in _KEYWORDS else made


def quoted(value: str) -> str:
    """A text as a Liquid string."""
    safe = value.replace("{{", "").replace("{%", "").replace("}}", "").replace("%}", "")
    if '"' not in safe:
        return f'"{safe}"'
    return "'" + safe.replace("'", "’") + "'"
