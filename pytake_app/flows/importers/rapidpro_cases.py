"""Tests of RapidPro's switch routers as rows of a condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pytake_app.engine.textmatch import fold
from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, Note, remark

Row = dict[str, str]
_EDGE_BEFORE, _EDGE_AFTER = r"(?i)(^|[^\pL\pN])(", r")([^\pL\pN]|$)"
_MAX_PATTERN = 450
_NUMBERS = {
    "has_number_lt": "less", "has_number_lte": "less_or_equal", "has_number_eq": "equals",
    "has_number_gte": "greater_or_equal", "has_number_gt": "greater",
}  # fmt: skip
_DATES = {"has_date_lt": "less", "has_date_eq": "equals", "has_date_gt": "greater"}
_FORMS = {
    "has_number": r"\d", "has_email": r"[^@\s]+@[^@\s]+\.[^@\s]+", "has_phone": r"(\d[\s().-]?){8,15}",
    "has_date": r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?", "has_time": r"\d{1,2}:\d{2}|\d{1,2}\s*(?i:am|pm)",
}  # fmt: skip
_NEAR = frozenset({"has_email", "has_phone", "has_date", "has_time", *_NUMBERS, "has_number_between", *_DATES})


@dataclass(frozen=True, slots=True)
class Test:
    """Rows that hold together, or any of which does; `note` when it is only nearly the same."""

    rows: list[Row]
    any: bool = False
    note: Note = NOTHING


def test_of(kind: str, value: str, arguments: Sequence[Sequence[str]]) -> Test | None:
    """The test as rows; `arguments` are translated lists, the base language's first. None: it has no counterpart."""
    base = list(arguments[0]) if arguments else []
    firsts = [words[0] for words in arguments if words]
    note = remark("nearly_same", test=kind) if kind in _NEAR else NOTHING
    if kind == "has_text":
        return Test([_row(value, "not_empty")])
    if kind in _FORMS:
        return Test([_row(value, "matches", _FORMS[kind])], note=note)
    if kind == "has_value":
        return Test([_row(value, "not_empty")])
    if kind == "has_group":
        name = base[1] if len(base) > 1 else base[0] if base else ""
        return Test([_row(value, "contains", name)]) if name else None
    if not base:
        return None
    if kind in ("has_only_phrase", "has_only_text", "has_category"):
        wanted = base if kind == "has_category" else firsts
        return Test([_row(value, "equals", word) for word in wanted if word], any=True)
    if kind in ("has_phrase", "has_any_word"):
        words = firsts if kind == "has_phrase" else [word for text in firsts for word in text.split()]
        return _any_word(value, [word for word in words if word])
    if kind == "has_all_words":
        words = base[0].split()
        return Test([_words(value, [word]) for word in words[:20]]) if words else None
    if kind == "has_beginning":
        return Test([_row(value, "starts_with", word) for word in firsts if word], any=True)
    if kind == "has_pattern":
        return Test([_row(value, "matches", f"(?i){word}" if "{{" not in word else word) for word in firsts], any=True)
    if kind in _NUMBERS:
        return Test([_row(value, _NUMBERS[kind], base[0])], note=remark("whole_number", test=kind))
    if kind == "has_number_between" and len(base) > 1:
        rows = [_row(value, "greater_or_equal", base[0]), _row(value, "less_or_equal", base[1])]
        return Test(rows, note=remark("whole_number", test=kind))
    if kind in _DATES:
        return Test([_row(value, _DATES[kind], base[0])], note=remark("dates_as_texts", test=kind))
    return None


def _row(value: str, operator: str, wanted: str = "") -> Row:
    return {"value": value, "operator": operator, "compare_to": wanted}


def _words(value: str, words: Sequence[str]) -> Row:
    if any("{{" in word for word in words):
        return _row(value, "contains", words[0])
    pattern = "|".join(re.escape(word).replace("\\ ", r"\s+") for word in words)
    return _row(value, "matches", plain.literal(f"{_EDGE_BEFORE}{pattern}{_EDGE_AFTER}"))


def _any_word(value: str, words: Sequence[str]) -> Test | None:
    """As few patterns as their length allows."""
    rows: list[Row] = []
    group: list[str] = []
    for word in words:
        longer = sum(len(re.escape(w)) + 1 for w in (*group, word)) > _MAX_PATTERN
        if group and (longer or "{{" in word or "{{" in group[0]):
            rows.append(_words(value, group))
            group = []
        group.append(word)
    if group:
        rows.append(_words(value, group))
    return Test(rows[:20], any=True) if rows else None


def chosen(kind: str, arguments: Sequence[Sequence[str]], answer: str) -> bool | None:
    """Would this test hold for a fixed answer? None when that can't be said beforehand."""
    if "{{" in answer or "{%" in answer or any("{{" in word for words in arguments for word in words):
        return None
    said = re.findall(r"\w+", fold(answer))
    firsts = [re.findall(r"\w+", fold(words[0])) for words in arguments if words]
    if kind == "has_text":
        return bool(answer.strip())
    if kind in ("has_only_phrase", "has_only_text"):
        return any(said == words for words in firsts)
    if kind == "has_phrase":
        return any(bool(words) and _within(words, said) for words in firsts)
    if kind == "has_any_word":
        return any(word in said for words in firsts for word in words)
    if kind == "has_all_words":
        return any(bool(words) and all(word in said for word in words) for words in firsts)
    if kind == "has_beginning":
        return any(said[: len(words)] == words for words in firsts if words)
    return None


def _within(words: list[str], said: list[str]) -> bool:
    return any(said[at : at + len(words)] == words for at in range(len(said) - len(words) + 1))
