"""Texts of outside requests: expressions rendered, secrets named."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from pydantic import JsonValue

from pytake_app.engine.nodes.facts import Refers
from pytake_app.engine.requests import Encoding, Part
from pytake_app.engine.templating import Template, TemplateCompiler, printed
from pytake_app.engine.visit import Visit

_SECRET: Final = re.compile(r"\{\{-?\s*secret\.([A-Za-z_][A-Za-z0-9_]{0,63})\s*-?\}\}")

Piece = Template | str
"""A template, or the name of a secret."""


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text with expressions and secrets, ready to be rendered."""

    pieces: list[tuple[bool, Piece]]
    """(is a secret, piece)."""

    @property
    def blank(self) -> bool:
        """Nothing was written."""
        return not self.pieces

    def parts(self, visit: Visit, encode: Encoding = "plain") -> list[Part]:
        """Rendered. Only what the author wrote can name a secret: what expressions give is plain text."""
        parts: list[Part] = []
        for is_secret, piece in self.pieces:
            if is_secret and isinstance(piece, str):
                parts.append(Part(secret=piece, encode=encode))
            elif isinstance(piece, Template):
                text = _escaped(visit.text(piece), encode)
                if text:
                    parts.append(Part(text=text))
        return parts


def _escaped(text: str, encode: Encoding) -> str:
    if encode == "json":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return quote_plus(text) if encode == "form" else text


def compile_secret_text(source: str, texts: TemplateCompiler) -> SecretText:
    """Split a text at its secrets and compile the rest."""
    pieces: list[tuple[bool, Piece]] = []
    at = 0
    for match in _SECRET.finditer(source):
        if match.start() > at:
            pieces.append((False, texts(source[at : match.start()])))
        pieces.append((True, match[1]))
        at = match.end()
    if at < len(source):
        pieces.append((False, texts(source[at:])))
    return SecretText(pieces)


def secret_names(source: str) -> list[str]:
    """Names of the secrets that a text uses."""
    return _SECRET.findall(source)


def secret_refers(fields: list[tuple[str, str]]) -> list[Refers]:
    """What (pointer, text) pairs name, for the verifier."""
    return [Refers("secret", (name,), pointer, "error") for pointer, text in fields for name in secret_names(text)]


@dataclass(frozen=True, slots=True)
class JsonTemplate:
    """A JSON text whose strings have expressions. ``tree`` None: the text isn't JSON before it is rendered."""

    tree: Any
    whole: SecretText


def compile_json(source: str, texts: TemplateCompiler) -> JsonTemplate:
    """Compile a body. In one that is JSON as it stands, what expressions give can't break out of its string; a string
    that is one single expression becomes the expression's value (number, list…)."""
    try:
        tree = _compiled(json.loads(source), texts)
    except (ValueError, RecursionError):
        tree = None
    return JsonTemplate(tree, compile_secret_text(source, texts))


def _compiled(node: Any, texts: TemplateCompiler) -> Any:
    if isinstance(node, dict):
        return {key: _compiled(value, texts) for key, value in node.items()}
    if isinstance(node, list):
        return [_compiled(value, texts) for value in node]
    if isinstance(node, str) and "{" in node:
        return compile_secret_text(node, texts)
    return json.dumps(node, ensure_ascii=False)


def json_parts(template: JsonTemplate, visit: Visit) -> list[Part]:
    """The rendered body."""
    if template.tree is None:
        return template.whole.parts(visit)
    parts: list[Part] = []
    _write(template.tree, visit, parts)
    return joined(parts)


def _write(node: Any, visit: Visit, out: list[Part]) -> None:
    if isinstance(node, dict):
        out.append(Part(text="{"))
        for number, (key, value) in enumerate(node.items()):
            out.append(Part(text=(", " if number else "") + json.dumps(key, ensure_ascii=False) + ": "))
            _write(value, visit, out)
        out.append(Part(text="}"))
    elif isinstance(node, list):
        out.append(Part(text="["))
        for number, value in enumerate(node):
            if number:
                out.append(Part(text=", "))
            _write(value, visit, out)
        out.append(Part(text="]"))
    elif isinstance(node, SecretText):
        single = node.pieces[0][1] if len(node.pieces) == 1 else None
        if isinstance(single, Template) and single.native:
            out.append(Part(text=json.dumps(_plain(visit.value(single)), ensure_ascii=False)))
            return
        out.append(Part(text='"'))
        out += node.parts(visit, "json")
        out.append(Part(text='"'))
    else:
        out.append(Part(text=node))


def _plain(value: Any) -> JsonValue:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else printed(value)


def joined(parts: list[Part]) -> list[Part]:
    """The same text with neighbouring plain pieces put together."""
    out: list[Part] = []
    for part in parts:
        if part.secret is None and out and out[-1].secret is None:
            out[-1] = Part(text=out[-1].text + part.text)
        else:
            out.append(part)
    return out
