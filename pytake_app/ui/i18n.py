"""Texts of the interface, in three languages, switched in the browser without a reload.

Catalogues are `pytake_app/locales/<lang>/<area>.json`: flat objects whose keys start with the file's area
(`flows.title` in `flows.json`). A value is a text with `{name}` placeholders or, where a number decides the
wording, an object of CLDR plural categories chosen by the parameter `count`:
`{"one": "{count} fluxo", "other": "{count} fluxos"}`. `tests/ui/test_i18n.py` fails when the three languages
differ in keys or placeholders. An unknown key fails at import, so a page can't ship without its texts.

In a page: `t("flows.title")` or `t("flows.count", count=State.total)`; the parameters may be Vars. A key that is
only known in the browser (a code from the server) goes through `t_dynamic(prefix, var)`.
In custom JavaScript: `import { useLang, tr, fmt } from "$/public/pt_i18n.js"`, then
`tr(useLang(), "flows.title", {n: 1})`.
On the server (toasts, mail): `text(locale, key, **params)`.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import reflex as rx
from babel import Locale
from babel.numbers import format_decimal
from reflex.vars import VarData

LOCALES_DIR = Path(__file__).parent.parent / "locales"
LANGUAGES: Final[Mapping[str, str]] = {"pt_BR": "pt-BR", "en": "en", "es": "es"}
"""Catalogue folder → BCP 47 tag, the default language first."""
DEFAULT_LANGUAGE: Final = "pt-BR"
MODULE: Final = "$/public/pt_i18n.js"

Message = str | dict[str, str]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {"nodes": ("node.", "port.")}
"""Areas whose keys don't start with the file's name: the node catalogue's."""
_JS_SOURCE = Path(__file__).parent / "js" / "i18n.js"


class CatalogueError(ValueError):
    """A catalogue file is malformed or a key doesn't belong to its area."""


def load_catalogue(folder: str) -> dict[str, Message]:
    """All messages of one language, merged from its area files.

    Raises:
        CatalogueError: a key lacks its area's prefix, or a value is neither text nor a plural object with `other`.
    """
    merged: dict[str, Message] = {}
    for path in sorted((LOCALES_DIR / folder).glob("*.json")):
        entries = json.loads(path.read_text(encoding="utf-8"))
        for key, value in entries.items():
            if not key.startswith(_PREFIXES.get(path.stem, (path.stem + ".",))):
                raise CatalogueError(f"{path.name}: key {key!r} must start with {path.stem + '.'!r}")
            if not (isinstance(value, str) or (isinstance(value, dict) and "other" in value)):
                raise CatalogueError(f"{path.name}: {key!r} must be a text or a plural object with 'other'")
            merged[key] = value
    return merged


@lru_cache(maxsize=1)
def catalogues() -> dict[str, dict[str, Message]]:
    """Language tag → key → message, read once per process."""
    return {tag: load_catalogue(folder) for folder, tag in LANGUAGES.items()}


def placeholders(message: Message) -> set[str]:
    """The names a message expects."""
    texts = [message] if isinstance(message, str) else list(message.values())
    return {name for item in texts for name in _PLACEHOLDER.findall(item)}


def match_language(wanted: str) -> str:
    """The closest language we have for a tag or an Accept-Language header; the default when none is close."""
    for part in wanted.split(","):
        base = part.split(";")[0].strip().replace("_", "-").lower().split("-")[0]
        for tag in LANGUAGES.values():
            if tag.lower().split("-")[0] == base:
                return tag
    return DEFAULT_LANGUAGE


def text(locale: str, key: str, **params: str | float) -> str:
    """A text for the server's own use, in the closest language to `locale` (a tag such as `pt-BR`).

    Raises:
        KeyError: no such key.
    """
    tag = match_language(locale)
    message = catalogues()[tag][key]
    babel_locale = Locale.parse(tag, sep="-")
    if isinstance(message, dict):
        category = babel_locale.plural_form(params.get("count", 0))
        message = message.get(category, message["other"])

    def fill(found: re.Match[str]) -> str:
        value = params.get(found[1], found[0])
        return value if isinstance(value, str) else format_decimal(value, locale=babel_locale)

    return _PLACEHOLDER.sub(fill, message)


def i18n_javascript() -> str:
    """The browser's module: the three catalogues and the language store. Written at build time by `ui.plugin`."""
    packed = json.dumps(catalogues(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"const CATALOGUES = {packed};\nconst DEFAULT = {json.dumps(DEFAULT_LANGUAGE)};\n" + _JS_SOURCE.read_text(
        encoding="utf-8"
    )


_HOOK = VarData(imports={MODULE: ["useLang", "tr"]}, hooks={"const __lang = useLang();": None})
LANG = rx.Var("__lang", _var_data=_HOOK).to(str)
"""The language in use (a tag), as a Var that changes with it."""


def _call(key_js: str, key_data: VarData | None, params: Mapping[str, object]) -> rx.vars.StringVar:
    packed = rx.Var.create(dict(params)) if params else rx.Var("undefined")
    data = VarData.merge(_HOOK, key_data, packed._get_all_var_data())
    return rx.Var(f"tr(__lang, {key_js}, {packed!s})", _var_data=data).to(str)


def t(key: str, **params: object) -> rx.vars.StringVar:
    """A text that follows the chosen language. Parameters may be Vars; `count` picks the plural.

    Raises:
        KeyError: no catalogue has this key.
    """
    if key not in catalogues()[DEFAULT_LANGUAGE]:
        raise KeyError(f"no text for {key!r} in locales/pt_BR")
    return _call(json.dumps(key), None, params)


def t_dynamic(prefix: str, code: rx.Var | str, fallback: str = "", **params: object) -> rx.vars.StringVar:
    """A text whose key ends in a value known at run time: `t_dynamic("auth.error", State.code)` → `auth.error.<code>`.

    `fallback` is the key used when there is no such text.
    """
    suffix = rx.Var.create(code)
    spare = json.dumps(fallback) if fallback else "undefined"
    return _call(
        f"trKey({json.dumps(prefix + '.')} + {suffix!s}, {spare})",
        VarData.merge(_KEY, suffix._get_all_var_data()),
        params,
    )


_KEY = VarData(imports={MODULE: ["trKey"]})


def set_language(tag: str) -> rx.event.EventSpec:
    """An event that switches the language in the browser (no server round trip) and remembers it."""
    return rx.call_function(
        rx.Var(f"() => setLang({json.dumps(tag)})", _var_data=VarData(imports={MODULE: ["setLang"]}))
    )
