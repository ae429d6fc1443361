"""Which variables an expression reads, and which of these it can do without."""

from __future__ import annotations

import re
from typing import Final

from pytake_app.engine.scope import ALIASES, NAMESPACES
from pytake_app.engine.templating import Template

_OUTPUT: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TEST: Final = re.compile(r"\{%-?\s*(?:if|elsif|unless|case)\s+(.*?)-?%\}", re.DOTALL)
_FIRST: Final = re.compile(r"\s*-?\s*(?:session\.)?([A-Za-z_]\w*)")
_NAMES: Final = re.compile(r"(?<![\w.'\"])(?:session\.)?([A-Za-z_]\w*)")
_SESSION_OWN: Final = frozenset({"id", "started_at"})


def variable_of(path: tuple[str, ...]) -> str | None:
    """The session variable a path reads, or None when it reads something that is always there."""
    if path[0] == "session" and len(path) > 1 and path[1] not in _SESSION_OWN:
        return path[1]
    return None if path[0] in NAMESPACES or path[0] in ALIASES else path[0]


def variables_of(template: Template) -> dict[str, bool]:
    """Session variables a text reads → can it do without (``default`` filter, tested by ``if``)?"""
    names = {name: False for path in sorted(template.paths()) if (name := variable_of(path)) is not None}
    if template.parts is not None or not names:
        return names
    source = template.source
    tested = {name for test in _TEST.findall(source) for name in _NAMES.findall(test)}
    bare: set[str] = set()
    for output in _OUTPUT.findall(source):
        first = _FIRST.match(output)
        found = set(_NAMES.findall(output))
        if first is not None and re.search(r"\|\s*default\s*:", output):
            found.discard(first[1])
        bare |= found
    return {name: name in tested or (name not in bare and "default" in source) for name in names}
