"""Which option of a menu an answer means: pressed, typed in words, or typed as a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytake_app.engine.textmatch import fold, fold_answer

_NUMBER = re.compile(r"^(?:opcao|opcion|option|numero|number|n|no)?\s*#?\s*(\d{1,2})\s*[.)ºª°-]?$")


@dataclass(frozen=True, slots=True)
class OptionIndex:
    """The options of one menu, ready to be matched. ``order`` are the option ids as shown."""

    order: tuple[str, ...]
    titles: dict[str, str]
    by_id: dict[str, str]
    by_text: dict[str, str]


def index_options(options: list[tuple[str, str]]) -> OptionIndex:
    """Build the index of (id, title) pairs."""
    by_text: dict[str, str] = {}
    for key, _title in reversed(options):
        by_text[fold_answer(key)] = key
    for key, title in reversed(options):
        by_text[fold_answer(title)] = key
        bare = _without_symbols(title)
        if bare:
            by_text.setdefault(bare, key)
    return OptionIndex(
        order=tuple(k for k, _ in options),
        titles=dict(reversed(options)),
        by_id={fold(k): k for k, _ in reversed(options)},
        by_text=by_text,
    )


def choose(index: OptionIndex, text: str, selection_id: str | None) -> tuple[str | None, str]:
    """The chosen option id and why; ``(None, why)`` when none is meant.

    A pressed button or row counts by its id; a payload equal to a title (template quick replies)
    too. One of another, older message chooses nothing here, even when its title is the same as an
    option's: the contact meant that other question. Free text counts when it is a title, an id or
    the option's number, accents, case, emoji and punctuation aside.
    """
    if selection_id:
        key = index.by_id.get(fold(selection_id)) or index.by_text.get(fold_answer(selection_id))
        if key is not None:
            return key, "pressed"
        return None, "the pressed option belongs to an older message"
    answer = fold_answer(text)
    if not answer:
        return None, "no text"
    key = index.by_text.get(answer) or index.by_text.get(_without_symbols(text))
    if key is not None:
        return key, "typed the option"
    number = _NUMBER.match(answer)
    if number and 1 <= int(number.group(1)) <= len(index.order):
        return index.order[int(number.group(1)) - 1], "typed the option's number"
    return None, "the answer is none of the options"


def _without_symbols(text: str) -> str:
    """Words and digits only: drops emoji and ornaments around a title."""
    return fold_answer("".join(c if c.isalnum() or c.isspace() else " " for c in fold(text)))
