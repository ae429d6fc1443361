"""How texts are compared: accents, case, width and surrounding punctuation don't count."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Zero-width marks, the variation that asks for an emoji, the frame of a keycap (2️⃣), and tones of skin (👍🏽).
_DROPPED = frozenset("\u200b\u200d\ufe0f\u200e\u200f\u20e3") | {chr(code) for code in range(0x1F3FB, 0x1F400)}
_EDGE = " \t\r\n.,;:!?¡¿…'\"“”‘’()[]{}*_~-–—"


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """``text`` without accents and case, runs of white space as one space. Emoji stay."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and c not in _DROPPED)
    return " ".join(bare.casefold().split())


def fold_answer(text: str) -> str:
    """Like :func:`fold`, also without punctuation around the text; never empty for a text that is
    all punctuation."""
    folded = fold(text)
    return folded.strip(_EDGE) or folded


def is_word_boundary(text: str, start: int, end: int) -> bool:
    """True when ``text[start:end]`` isn't the middle of a longer word."""
    before = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    after = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
    return before and after
