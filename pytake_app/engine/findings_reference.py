"""The reference of the verifier's findings, written from its source and the catalogues. ``docs/verifier.md`` ends with
its output::

python -m pytake_app.engine.findings_reference
"""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytake_app.engine.analysis.mends import USUAL

ENGINE: Final = Path(__file__).resolve().parent
TEXTS: Final = ENGINE.parent / "locales" / "en" / "verify.json"
DOCUMENT: Final = ENGINE.parents[1] / "docs" / "verifier.md"
BEGIN: Final = "<!-- from here on written by `python -m pytake_app.engine.findings_reference`; don't edit by hand -->"
GROUPS: Final = {
    "structure": "Structure", "assignment": "Data", "kinds": "Data", "window": "Service window",
    "channelfit": "Channels", "references": "References", "cost": "Cost", "wording": "Wording",
}  # fmt: skip
ORDER: Final = ("Structure", "Data", "Service window", "References", "Channels", "Cost", "Wording", "Blocks")
_SEVERITIES: Final = ("error", "warning", "info")
# Codes of values that pydantic refuses, and of those that are computed where they are reported.
_COMPUTED: Final = {
    "too_many_steps": ("Structure", "insert_pause"), "too_many_messages": ("Structure", "insert_pause"),
    "out_of_range": ("Blocks", ""), "invalid_choice": ("Blocks", ""), "invalid_value": ("Blocks", ""),
    "missing_value": ("Blocks", ""),
}  # fmt: skip
_OFFERED: Final = {
    "missing_calendar": ("use_closest",),
    "missing_queue": ("use_closest", "create_queue"), "missing_department": ("use_closest", "create_department"),
    "missing_tag": ("create_tag",), "missing_field": ("use_closest", "create_field"),
    "missing_template": ("use_closest",), "no_queue": ("use_default_queue",),
    "template_language": ("use_language",), "template_variables": ("fit_variables",),
    "template_parts": ("fit_template",),
    "undefined_on_path": ("set_first",), "unused_variable": ("drop_variable",),
    "window_closed": ("template_first",), "window_may_close": ("check_window",), "window_unbounded": ("check_window",),
}  # fmt: skip
"""Mends of findings whose mend isn't said where they are reported."""
_GRADED: Final = {
    "missing_flow": {"error"}, "missing_template": {"error", "warning"}, "missing_tag": {"info"},
}  # fmt: skip
"""Severities that the block's own declaration of what it refers to decides."""


@dataclass(slots=True)
class Code:
    """A code with what the source says of it."""

    group: str = "Blocks"
    severities: set[str] = field(default_factory=set)
    mends: set[str] = field(default_factory=set)


def finding_codes() -> dict[str, Code]:
    """Every code that the engine's source can report."""
    found: dict[str, Code] = {}
    for path in sorted(ENGINE.rglob("*.py")):
        group = GROUPS.get(path.stem, "Blocks")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                _call(node, group, found)
    for code, (group, mend) in _COMPUTED.items():
        entry = found.setdefault(code, Code(group, {"error"}))
        entry.mends |= {mend} - {""}
    for code, severities in _GRADED.items():
        found[code].severities = set(severities)
    for code, mends in _OFFERED.items():
        found[code].mends |= set(mends)
    for code, mend in USUAL.items():
        found[code].mends.add(mend)
    return found


def _call(node: ast.Call, group: str, found: dict[str, Code]) -> None:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    words = {k.arg: k.value for k in node.keywords}
    if name == "Finding":
        first, severity = words.get("code"), words.get("severity")
    elif name in ("ConfigIssue", "add") and node.args:
        first = node.args[0]
        place = 1 if name == "add" else 2
        severity = words.get("severity") or (node.args[place] if len(node.args) > place else None)
    else:
        return
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return
    code = found.setdefault(first.value, Code(group))
    if isinstance(severity, ast.Constant) and severity.value in _SEVERITIES:
        code.severities.add(str(severity.value))
    elif severity is None and name == "ConfigIssue":
        code.severities |= {"error"}
    elif severity is not None:
        # It depends on what is known of the channels, or on what the block says of its reference.
        code.severities |= {"error", "warning"} if group in ("Channels", "Structure") else {"warning"}
    mend = words.get("mend")
    if mend is not None:
        # Also of a conditional one: `"add_start" if … else None`.
        code.mends |= {
            one.value for one in ast.walk(mend) if isinstance(one, ast.Constant) and isinstance(one.value, str)
        }


def findings_markdown() -> str:
    """The tables of all findings as Markdown."""
    texts: dict[str, object] = json.loads(TEXTS.read_text(encoding="utf-8"))
    found = finding_codes()
    lines: list[str] = []
    for group in ORDER:
        rows = sorted(code for code, entry in found.items() if entry.group == group)
        if not rows:
            continue
        lines += [f"### {group}", "", "| code | severity | says | mend |", "| --- | --- | --- | --- |"]
        lines += [_row(code, found[code], texts) for code in rows]
        lines.append("")
    return "\n".join(lines)


def _row(code: str, entry: Code, texts: dict[str, object]) -> str:
    sentence = texts[f"verify.{code}"]
    if isinstance(sentence, dict):
        sentence = sentence["other"]
    severities = ", ".join(s for s in _SEVERITIES if s in entry.severities)
    mends = "; ".join(f"{texts[f'verify.mend.{mend}']} (`{mend}`)" for mend in sorted(entry.mends))
    return f"| `{code}` | {severities} | {str(sentence).replace('|', chr(92) + '|')} | {mends} |"


def written(document: str) -> str:
    """A document with its tables written anew."""
    head = document.partition(BEGIN)[0]
    return f"{head}{BEGIN}\n\n{findings_markdown()}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT.name}: {len(finding_codes())} codes\n")
