"""What a path asks of values: which comparisons must hold on it, and values that fulfil them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from pydantic import JsonValue

from pytake_app.engine.analysis.graph import FlowNode
from pytake_app.engine.answers import parse_number
from pytake_app.engine.compare import compare
from pytake_app.engine.textmatch import fold

_ALONE: Final = re.compile(r"^\s*\{\{\s*([A-Za-z_][\w.]*)\s*\}\}\s*$")
_INSIDE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)")
NONSENSE: Final = "zq 7391 xw"
"""A text that is no option, no intent and no usual answer."""
MAX_TEXTS: Final = 40
"""Of the texts that a path's nodes speak of."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One comparison that must hold, or must not."""

    operator: str
    value: str
    holds: bool


@dataclass(slots=True)
class Wishes:
    """By name (``x``, ``contact.city``, ``message.text``) what its value must fulfil, and texts that the
    path's nodes speak of (examples of intents, cases)."""

    by_name: dict[str, list[Wish]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def add(self, expression: str, wish: Wish) -> None:
        """Note a wish on what an expression reads."""
        alone = _ALONE.match(expression) or _INSIDE.search(expression)
        if alone is not None and "{{" not in wish.value:
            name = alone[1].removeprefix("session.")
            self.by_name.setdefault(name, []).append(wish)
            if wish.value:
                self.texts.append(wish.value)

    def values(self, name: str) -> list[JsonValue]:
        """Values that fulfil all wishes on a name, best first; none wished: empty."""
        wishes = self.by_name.get(name, [])
        return [v for v in candidates(wishes) if all(_fulfils(v, wish) for wish in wishes)]


def _fulfils(value: JsonValue, wish: Wish) -> bool:
    return compare(value, wish.operator, wish.value) == wish.holds


def candidates(wishes: Iterable[Wish]) -> list[JsonValue]:
    """Values around those that are compared with."""
    found: list[JsonValue] = []
    for wish in wishes:
        literal = wish.value
        number = parse_number(literal)
        found += [literal, f"{literal} x", f"x {literal}"]
        if number is not None:
            found += [number, number + 1, number - 1]
        if wish.operator in ("in", "not_in"):
            found += [part.strip() for part in literal.replace(";", ",").split(",")]
        if re.match(r"\d{4}-\d{2}-\d{2}", literal):
            found += ["1999-01-01", "2099-12-31"]
    found += [NONSENSE, "", 0, 10, 1_000_000, -1_000_000]
    return list(dict.fromkeys(found))


def wishes_of(steps: Iterable[tuple[FlowNode, str | None]]) -> Wishes:
    """Everything the nodes of a path ask for, given the ports they are left by."""
    wishes = Wishes()
    for node, port in steps:
        config = node.config
        if config is None or port is None:
            continue
        rows = [row for row in getattr(config, "rows", ()) if hasattr(row, "operator")]
        if rows and port in ("true", "false"):
            _rows(wishes, rows, every=getattr(config, "match", "all") == "all", holds=port == "true")
        value = getattr(config, "value", "")
        if isinstance(value, str):
            for case in getattr(config, "cases", ()):
                operator = getattr(case, "operator", "equals")
                if port == f"case:{case.id}":
                    wishes.add(value, Wish(operator, case.value, holds=True))
                    break
                wishes.add(value, Wish(operator, case.value, holds=False))
        for intent in getattr(config, "intents", ()):
            if port == f"intent:{intent.id}":
                wishes.texts = [*intent.examples[:5], intent.label, intent.id, *wishes.texts]
    return wishes


class PathWishes:
    """The wishes of every end of a path: what is asked from a step on. Nodes are read once."""

    def __init__(self, steps: Sequence[tuple[FlowNode, str | None]]) -> None:
        self._alone = [_asked(node, port) for node, port in steps]
        self._named: dict[str, list[tuple[int, Wish]]] = {}
        for at, (wishes, _examples) in enumerate(self._alone):
            for name, wished in wishes.by_name.items():
                self._named.setdefault(name, []).extend((at, wish) for wish in wished)
        self._kept: dict[int, Wishes] = {}

    def names(self, at: int) -> frozenset[str]:
        """What one step alone asks of."""
        return frozenset(self._alone[at][0].by_name)

    def after(self, at: int) -> Wishes:
        """What the steps from `at` on ask for; of texts only as many as are ever tried."""
        if at not in self._kept:
            by_name: dict[str, list[Wish]] = {}
            for name, wished in self._named.items():
                first = bisect_left(wished, at, key=itemgetter(0))
                if first < len(wished):
                    by_name[name] = list(dict.fromkeys(wish for _at, wish in wished[first:]))
            texts: list[str] = []
            examples: list[str] = []
            for wishes, spoken in self._alone[at:]:
                texts += wishes.texts[: MAX_TEXTS - len(texts)]
                examples = [*spoken, *examples]
            self._kept[at] = Wishes(by_name, [*examples, *texts])
        return self._kept[at]


def _asked(node: FlowNode, port: str | None) -> tuple[Wishes, list[str]]:
    """What one node asks for, and its intent's examples, which come before what earlier nodes speak of."""
    wishes = wishes_of([(node, port)])
    examples = [
        text
        for intent in getattr(node.config, "intents", ())
        if port == f"intent:{intent.id}"
        for text in (*intent.examples[:5], intent.label, intent.id)
    ]
    wishes.texts = wishes.texts[len(examples) :]
    return wishes, examples


def _rows(wishes: Wishes, rows: list[object], *, every: bool, holds: bool) -> None:
    """All rows when every one must (or must not) hold, else one of them is enough: the first."""
    deciding = rows if every == holds else rows[:1]
    for row in deciding:
        value, operator = getattr(row, "value", ""), getattr(row, "operator", "")
        wishes.add(value, Wish(operator, getattr(row, "compare_to", ""), holds=holds))


def distinct(texts: Iterable[str]) -> list[str]:
    """Texts without those that mean the same as one before."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(fold(text) or text, text)
    return list(found.values())
