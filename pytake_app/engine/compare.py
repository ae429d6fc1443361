"""Comparisons of the condition and switch nodes: forgiving about case, accents and number forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final, Literal

from pydantic import JsonValue

from pytake_app.engine.answers import compile_re2, parse_number
from pytake_app.engine.naturaldate import parse_date
from pytake_app.engine.templating import printed
from pytake_app.engine.textmatch import fold

Operator = Literal[
    "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "greater", "greater_or_equal",
    "less", "less_or_equal", "empty", "not_empty", "in", "not_in", "matches",
]  # fmt: skip
OPERATORS: Final[tuple[str, ...]] = (
    "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "greater", "greater_or_equal",
    "less", "less_or_equal", "empty", "not_empty", "in", "not_in", "matches",
)  # fmt: skip
WHOLE_DATE: Final = re.compile(r"^\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{4}\s*$")
_ANY_DAY: Final = date(2024, 1, 1)
UNARY: Final = frozenset({"empty", "not_empty"})


def _text(value: JsonValue) -> str:
    return fold(printed(value))


def _number(value: JsonValue, locale: str) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    return parse_number(value, locale) if isinstance(value, str) else None


def _is_empty(value: JsonValue) -> bool:
    return (
        value is None
        or (isinstance(value, list | dict) and not value)
        or (isinstance(value, str) and not value.strip())
    )


def _equals(left: JsonValue, right: JsonValue, locale: str) -> bool:
    if _text(left) == _text(right):
        return True
    day = _day(left, locale)
    if day is not None and day == _day(right, locale):
        return True
    if isinstance(left, str) and isinstance(right, str) and not _numeric(left, right):
        return False
    first, second = _number(left, locale), _number(right, locale)
    return first is not None and first == second


def _numeric(left: str, right: str) -> bool:
    """Compare as numbers only what looks like one: not ``007``, a phone or a document number."""
    return all(t.strip() and not t.strip().startswith(("0", "+")) and len(t) < 16 for t in (left, right))


def _contains(left: JsonValue, right: JsonValue, _locale: str) -> bool:
    if isinstance(left, list):
        wanted = _text(right)
        return any(_text(item) == wanted for item in left)
    wanted = _text(right)
    return bool(wanted) and wanted in _text(left)


def _in(left: JsonValue, right: JsonValue, locale: str) -> bool:
    items: list[JsonValue] = right if isinstance(right, list) else list(printed(right).replace(";", ",").split(","))
    return any(_equals(left, item.strip() if isinstance(item, str) else item, locale) for item in items)


def _order(left: JsonValue, right: JsonValue, locale: str) -> int | None:
    """-1, 0, 1, or None when the two can't be ordered: as numbers, else as dates, else as texts."""
    if _is_empty(left) or _is_empty(right):
        return None
    dates = _day(left, locale), _day(right, locale)
    if dates[0] is not None and dates[1] is not None:
        return (dates[0] > dates[1]) - (dates[0] < dates[1])
    first, second = _number(left, locale), _number(right, locale)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    if first is not None or second is not None:
        return None
    a, b = _text(left), _text(right)
    return (a > b) - (a < b)


def _day(value: JsonValue, locale: str) -> str | None:
    """An ISO date (or moment) as it is, a whole date such as ``25/12/2026`` as one; None for anything else."""
    if not isinstance(value, str) or len(value) < 8:
        return None
    if value[4:5] != "-":
        day = parse_date(value, _ANY_DAY, locale) if WHOLE_DATE.match(value) else None
        return day.isoformat() if day is not None else None
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return None
    return value


def _matches(left: JsonValue, right: JsonValue, _locale: str) -> bool:
    pattern = compile_re2(printed(right))
    return pattern is not None and pattern.search(printed(left)) is not None


Test = Callable[[JsonValue, JsonValue, str], bool]


def _ordered(test: Callable[[int], bool]) -> Test:
    def compare(left: JsonValue, right: JsonValue, locale: str) -> bool:
        order = _order(left, right, locale)
        return order is not None and test(order)

    return compare


_TESTS: Final[dict[str, Test]] = {
    "equals": _equals,
    "not_equals": lambda a, b, locale: not _equals(a, b, locale),
    "contains": _contains,
    "not_contains": lambda a, b, locale: not _contains(a, b, locale),
    "starts_with": lambda a, b, _: _text(a).startswith(_text(b)) and not _is_empty(b),
    "ends_with": lambda a, b, _: _text(a).endswith(_text(b)) and not _is_empty(b),
    "greater": _ordered(lambda order: order > 0),
    "greater_or_equal": _ordered(lambda order: order >= 0),
    "less": _ordered(lambda order: order < 0),
    "less_or_equal": _ordered(lambda order: order <= 0),
    "empty": lambda a, _b, _l: _is_empty(a),
    "not_empty": lambda a, _b, _l: not _is_empty(a),
    "in": _in,
    "not_in": lambda a, b, locale: not _in(a, b, locale),
    "matches": _matches,
}


def compare(left: JsonValue, operator: str, right: JsonValue, locale: str = "pt_BR") -> bool:
    """Does ``left operator right`` hold? Numbers and dates in texts are read in the language ``locale``. Unorderable
    values are never greater or less."""
    return _TESTS[operator](left, right, locale)
