"""Texts, variables and values of a Typebot export as WhatsApp texts and Liquid expressions."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, Note, remark

_VARIABLE = re.compile(r"\{\{([^{}]{1,200})\}\}")
_TAG = re.compile(r"<[^<>]{0,500}>")
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>|</li>", re.IGNORECASE)
_NUMBER = r"-?\d{1,12}(?:\.\d{1,6})?"
_OPERAND = rf"(?:\{{\{{[^{{}}]{{1,200}}\}}\}}|{_NUMBER})"
_SUM = re.compile(rf"\s*({_OPERAND})((?:\s*[-+*/%]\s*{_OPERAND}){{1,10}})\s*")
_TERM = re.compile(rf"\s*([-+*/%])\s*({_OPERAND})")
_STRING = re.compile(r"\s*(?:'([^'\\]*)'|\"([^\"\\]*)\"|`([^`\\$]*)`)\s*;?\s*")
_CODE = re.compile(r"=>|;|\breturn\b|\bfunction\b|\bnew\b|\bconst\b|\blet\b|\w\s*\(|\.\w+|\[|\?|&&|\|\|")
_FILTERS = {"+": "plus", "-": "minus", "*": "times", "/": "divided_by", "%": "modulo"}
_MAX_DEPTH = 20
_BLOCKS = frozenset({"p", "h1", "h2", "h3", "blockquote", "li", "lic"})


class Variables:
    """Names of the file's variables as our variable names, by id and by name."""

    def __init__(self, raw: object) -> None:
        self._by_id: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        self._taken: set[str] = set()
        for item in plain.items(raw)[:500]:
            name = plain.text(item.get("name"), 200)
            if name:
                self._by_id[plain.text(item.get("id"), 200)] = self.named(name)

    def named(self, name: str) -> str:
        """The variable called `name` in the file; two names never become one variable."""
        name = name.strip()
        found = self._by_name.get(name)
        if found is None:
            made = base = plain.identifier(name)
            count = 1
            while made in self._taken:
                count += 1
                made = f"{base}_{count}"
            self._taken.add(made)
            found = self._by_name[name] = made
        return found

    def by_id(self, variable_id: object) -> str:
        """The variable of this id, "" for none."""
        return self._by_id.get(plain.text(variable_id, 200), "")


def template(value: object, variables: Variables, *, limit: int = plain.MAX_TEXT) -> tuple[str, bool]:
    """A text with our expressions, and whether all of it could be translated (inline code can't)."""
    source = plain.text(value, limit)
    out: list[str] = []
    at, whole = 0, True
    for match in _VARIABLE.finditer(source):
        out.append(plain.literal(source[at : match.start()]))
        name = match.group(1).strip()
        if name.startswith("="):
            whole = False
        elif name:
            out.append(f"{{{{ {variables.named(name)} }}}}")
        at = match.end()
    out.append(plain.literal(source[at:]))
    return "".join(out)[: plain.MAX_TEXT], whole


def bubble(content: object, variables: Variables) -> tuple[str, bool]:
    """The text of a text bubble with WhatsApp's marks for bold, italic and struck text."""
    body = plain.mapping(content)
    rich = body.get("richText")
    if isinstance(rich, list) and rich:
        lines = [_block(element, 0) for element in rich]
        return template("\n".join(lines).strip(), variables)
    simple = plain.text(body.get("plainText"))
    if not simple:
        marked = _BREAK.sub("\n", plain.text(body.get("html")))
        simple = html.unescape(_TAG.sub("", marked))
    return template(simple.strip(), variables)


def _block(element: object, depth: int) -> str:
    node = plain.mapping(element)
    if depth > _MAX_DEPTH:
        return ""
    kind = node.get("type")
    children = node.get("children")
    if kind in ("ul", "ol") and isinstance(children, list):
        rows = [_block(child, depth + 1) for child in children]
        return "\n".join(f"{index}. {row}" if kind == "ol" else f"- {row}" for index, row in enumerate(rows, 1))
    return _inline(node, depth)


def _inline(node: Mapping[str, Any], depth: int) -> str:
    if depth > _MAX_DEPTH:
        return ""
    if isinstance(node.get("text"), str):
        return _marked(plain.text(node["text"]), node)
    children = plain.items(node.get("children"))
    parts: list[str] = []
    for child in children:
        inner = _inline(child, depth + 1)
        if parts and child.get("type") in _BLOCKS:
            parts.append("\n")
        parts.append(inner)
    joined = "".join(parts)
    if node.get("type") == "a":
        url = plain.text(node.get("url"), 2_000)
        return joined if not url or joined.strip() == url else f"{joined} ({url})" if joined.strip() else url
    return joined


def _marked(value: str, node: Mapping[str, Any]) -> str:
    core = value.strip()
    if not core:
        return value
    for key, mark in (("bold", "*"), ("italic", "_"), ("strikethrough", "~")):
        if node.get(key) is True:
            core = f"{mark}{core}{mark}"
    start = len(value) - len(value.lstrip())
    end = len(value.rstrip())
    return value[:start] + core + value[end:]


def value(raw: object, variables: Variables, *, code: bool) -> tuple[str, Note]:
    """The value that a "set variable" block writes, and a note when it isn't the same as there.

    `code`: the file's Typebot evaluates it as JavaScript; sums of variables and numbers, and plain texts, can be said
    without it.
    """
    source = plain.text(raw).strip()
    total = _SUM.fullmatch(source)
    if total is not None and _one_rank(total.group(2)):
        parts = [f"{_operand(total.group(1), variables)}"]
        parts += [f"{_FILTERS[sign]}: {_operand(term, variables)}" for sign, term in _TERM.findall(total.group(2))]
        return "{{ " + " | ".join(parts) + " }}", NOTHING
    string = _STRING.fullmatch(source) if code else None
    if string is not None:
        source = next(part for part in string.groups() if part is not None)
    elif code and (total is not None or _CODE.search(_VARIABLE.sub("", source))):
        return "", remark("no_javascript_value")
    made, whole = template(source, variables)
    return made, NOTHING if whole else remark("code_in_value")


def _one_rank(terms: str) -> bool:
    """Filters apply from left to right: only sums of one rank of operators mean the same then."""
    signs = {sign for sign, _term in _TERM.findall(terms)}
    return signs <= {"+", "-"} or (signs <= {"*", "/", "%"})


def _operand(term: str, variables: Variables) -> str:
    match = _VARIABLE.fullmatch(term)
    if match is None:
        return term
    name = match.group(1).strip().lstrip("=").strip()
    return variables.named(name) if name else "0"


def pattern(raw: str) -> str:
    """A JavaScript regular expression, `/…/i` or bare, as RE2 takes it."""
    match = re.fullmatch(r"/(.*)/([a-z]{0,8})", raw.strip(), re.DOTALL)
    if match is None:
        return raw.strip()
    flags = "".join(flag for flag in "ims" if flag in match.group(2))
    return f"(?{flags}){match.group(1)}" if flags else match.group(1)
