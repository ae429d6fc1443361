"""Which option of a menu an answer means: pressed, typed in words, or typed as a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pytake_app.engine.textmatch import fold, fold_answer

_NUMBER = re.compile(
    r"^(?:[ao] |la |el |the )?(?:(?:opcao|opcion|option|numero|number|n|no)(?:\s*#\s*|\s+|(?=\d)))?"
    r"#?(\w{1,8})\s*[.)ºª°-]?$"
)
_ORDINAL = re.compile(r"^(?:[ao] |la |el |the )?(\w{5,8}) (?:opcao|opcion|option)$")
_COUNTS: Final = {
    word: number
    for number, words in enumerate(
        ("um uma uno una one", "dois duas dos two", "tres three", "quatro cuatro four", "cinco five", "seis six",
         "sete siete seven", "oito ocho eight", "nove nueve nine", "dez diez ten"), 1)
    for word in words.split()
}  # fmt: skip
_ORDINALS: Final = {
    "primeira": 1, "primera": 1, "first": 1, "segunda": 2, "second": 2, "terceira": 3, "tercera": 3, "third": 3,
}  # fmt: skip
_BEFORE = re.compile(
    r"^(?:eu )?(?:quero|queria|gostaria de|prefiro|pode ser|vou de|quiero|quisiera|me gustaria|i want|i would like) "
)
_AFTER = re.compile(r" (?:por favor|pfv|porfa|please|obrigad[oa]|gracias|thanks|thank you)$")


@dataclass(frozen=True, slots=True)
class OptionIndex:
    """The options of one menu, ready to be matched. ``order`` are the option ids as shown."""

    order: tuple[str, ...]
    titles: dict[str, str]
    by_id: dict[str, str]
    by_text: dict[str, str]


def index_options(options: list[tuple[str, str]]) -> OptionIndex:
    """Build the index of (id, title) pairs; one without a title isn't shown, so it can't be meant."""
    options = [(key, title) for key, title in options if title.strip()]
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
    option's: the contact meant that other question. Free text counts when it is a title, an id, the first words of
    one title only (``2`` is ``2 pessoas`` before it is the second option) or the option's number (unless all titles
    begin with numbers of their own); accents, case, emoji, punctuation and words of courtesy aside.
    """
    if selection_id:
        key = index.by_id.get(fold(selection_id)) or index.by_text.get(fold_answer(selection_id))
        if key is not None:
            return key, "pressed"
        return None, "the pressed option belongs to an older message"
    answer = fold_answer(text)
    if not answer:
        return None, "no text"
    key = index.by_text.get(answer)
    if key is not None:
        return key, "typed the option"
    bare = _without_symbols(text)
    key = index.by_text.get(bare)
    if key is not None:
        return key, "typed the option"
    courteous = _BEFORE.sub("", _AFTER.sub("", bare))
    key = index.by_text.get(courteous) if courteous != bare else None
    if key is not None:
        return key, "typed the option"
    key = _beginning_with(index, courteous)
    if key is not None:
        return key, "typed the beginning of the option"
    number = _number(answer)
    if number is None:
        return None, "the answer is none of the options"
    if all(_without_symbols(title)[:1].isdigit() for title in index.titles.values()):
        # 2, 4 and 6 people: whoever types 3 doesn't mean the third.
        return _beginning_with(index, str(number)), "typed the number that the option begins with"
    if 1 <= number <= len(index.order):
        return index.order[number - 1], "typed the option's number"
    return None, "the answer is none of the options"


def _beginning_with(index: OptionIndex, answer: str) -> str | None:
    """The only option whose title begins with these words."""
    if not answer:
        return None
    found = {key for key, title in index.titles.items() if _without_symbols(title).startswith(f"{answer} ")}
    return found.pop() if len(found) == 1 else None


def _number(answer: str) -> int | None:
    """``2``, ``opção 2``, ``dois``, ``a segunda opção``."""
    match = _NUMBER.match(answer)
    if match is not None:
        word = match[1]
        return int(word) if word.isdigit() and len(word) <= 2 else _COUNTS.get(word)
    match = _ORDINAL.match(answer)
    return _ORDINALS.get(match[1]) if match is not None else None


@lru_cache(maxsize=4096)
def _without_symbols(text: str) -> str:
    """Words and digits only: drops emoji and ornaments around a title."""
    return fold_answer("".join(c if c.isalnum() or c.isspace() else " " for c in fold(text)))
