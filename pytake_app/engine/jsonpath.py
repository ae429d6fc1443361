"""JSONPath (RFC 9535) over answers of other systems, bounded so that no path can hang a worker."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Any, Final

import jsonpath
from pydantic import JsonValue

MAX_PATH_CHARS: Final = 300
MAX_MATCHES: Final = 200

_ENVIRONMENT = jsonpath.JSONPathEnvironment(strict=True)
# Patterns would be run by a backtracking engine.
for _name in ("match", "search"):
    _ENVIRONMENT.function_extensions.pop(_name, None)


@lru_cache(maxsize=1024)
def compile_path(path: str) -> Any:
    """A compiled path, or None when it is invalid or refused.

    Refused is what takes more than linear time: a second ``..``, one inside a filter, nested filters. A path may be
    written without its leading ``$``.
    """
    text = path.strip()
    if not text or len(text) > MAX_PATH_CHARS:
        return None
    if not text.startswith("$"):
        text = f"$.{text}" if not text.startswith(("[", ".")) else f"${text}"
    question = text.find("?")
    if text.count("..") > 1 or text.count("?") > 2 or (question >= 0 and ".." in text[question:]):
        return None
    try:
        return _ENVIRONMENT.compile(text)
    except (jsonpath.JSONPathError, ValueError, RecursionError):
        return None


def select(path: str, data: Any) -> tuple[bool, JsonValue]:
    """Whether ``path`` finds something in ``data``, and what: the value of a path that names one place, else the
    list of the first ``MAX_MATCHES`` values."""
    compiled = compile_path(path)
    if compiled is None:
        return False, None
    try:
        found: list[JsonValue] = [match.obj for match in islice(compiled.finditer(data), MAX_MATCHES)]
    except (jsonpath.JSONPathError, RecursionError, TypeError, ValueError):
        return False, None
    if not found:
        return False, None
    return (True, found[0]) if compiled.singular_query() else (True, found)
