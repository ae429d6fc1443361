"""Emoji and their names in the three languages, as a JavaScript module for the picker (`public/pt_emoji_data.js`)."""

import json
from functools import lru_cache

import emoji

_FULLY_QUALIFIED = emoji.STATUS["fully_qualified"]
_TONES = ("\U0001f3fb", "\U0001f3fc", "\U0001f3fd", "\U0001f3fe", "\U0001f3ff")
MAX_VERSION = 14
"""Newer signs are boxes on many phones."""
_FIRST = (
    (0x1F600, 0x1F64F), (0x1F910, 0x1F92F), (0x1F970, 0x1F97A), (0x2764, 0x2764), (0x1F493, 0x1F49F),
    (0x1F44B, 0x1F450), (0x1F4AA, 0x1F4AF), (0x1F380, 0x1F393), (0x1F300, 0x1F37F), (0x1F400, 0x1F440),
)  # fmt: skip
"""Blocks that people use most (faces, hearts, hands, parties, food…) before the others."""


def _name(raw: str) -> str:
    return raw.strip(":").replace("_", " ").replace("-", " ")


def _order(sign: str) -> tuple[int, int]:
    code = ord(sign[0])
    place = next((n for n, (low, high) in enumerate(_FIRST) if low <= code <= high), len(_FIRST))
    return place, code


@lru_cache(maxsize=1)
def emoji_javascript() -> str:
    """`export const EMOJI = [[sign, en, pt, es], …]` the most used first, without skin tones and flags of regions."""
    for language in ("pt", "es"):
        emoji.config.load_language(language)
    rows = [
        [sign, _name(str(data["en"])), _name(str(data.get("pt", data["en"]))), _name(str(data.get("es", data["en"])))]
        for sign, data in sorted(emoji.EMOJI_DATA.items(), key=lambda entry: _order(entry[0]))
        if data["status"] == _FULLY_QUALIFIED
        and float(data["E"]) <= MAX_VERSION
        and not any(tone in sign for tone in _TONES)
    ]
    return f"export const EMOJI = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n"
