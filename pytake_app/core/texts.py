"""Texts of the catalogues for what is kept on the server (notifications, mostly), in the reader's language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_LOCALES = Path(__file__).resolve().parents[1] / "locales"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
DEFAULT_LOCALE = "pt_BR"


@lru_cache(maxsize=64)
def _area(locale: str, area: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((_LOCALES / locale / f"{area}.json").read_text(encoding="utf-8"))
    return found


def text(locale: str, key: str, **params: object) -> str:
    """A sentence of `locales/<locale>/<area>.json`, the area being the key's first word.

    Parameters:
        locale: one of ours (`pt_BR`, `en`, `es`); another one gets Portuguese.
        params: what its placeholders stand for.

    Raises:
        KeyError: no such key.
    """
    folder = locale if (_LOCALES / locale).is_dir() and locale else DEFAULT_LOCALE
    message = _area(folder, key.split(".", 1)[0])[key]
    if isinstance(message, dict):
        message = message.get("one", message["other"]) if params.get("count") == 1 else message["other"]
    return _PLACEHOLDER.sub(lambda found: str(params.get(found[1], found[0])), str(message))


def known_text(locale: str, key: str, params: Mapping[str, object]) -> str | None:
    """As `text`, or None when there is no such key."""
    folder = locale if (_LOCALES / locale).is_dir() and locale else DEFAULT_LOCALE
    return text(locale, key, **params) if key in _area(folder, key.split(".", 1)[0]) else None
