"""What the translators of RapidPro's nodes share: the flow, a chain of nodes, translations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.excellent import Expressions
from pytake_app.flows.importers.notes import Note, remark
from pytake_app.flows.importers.sketch import Sketch

_SHORT = {"por": "pt", "eng": "en", "spa": "es", "fra": "fr", "deu": "de", "ita": "it", "ara": "ar", "rus": "ru",
          "swa": "sw", "zho": "zh", "hin": "hi", "ukr": "uk", "nld": "nl", "pol": "pl", "tur": "tr"}  # fmt: skip
LOCALES = {"por": "pt_BR", "pt": "pt_BR", "eng": "en", "en": "en", "spa": "es", "es": "es"}
_FULL = {"por": ("pt_BR", "pt_PT"), "eng": ("en_US", "en_GB"), "spa": ("es_ES", "es_MX")}
MAX_LANGUAGES = 30


@dataclass(slots=True)
class Chain:
    """Nodes one after the other that stand for one thing of the file."""

    sketch: Sketch
    ref: str
    open: list[tuple[str, str]] = field(default_factory=list)
    begun: bool = False

    def add(self, node: str, *ports: str) -> None:
        """The next node; `ports` are the exits that go on."""
        if not self.begun:
            self.sketch.place(self.ref, node)
            self.begun = True
        for source, port in self.open:
            self.sketch.join(source, port, node)
        self.open = [(node, port) for port in ports]

    def lead(self, ref: str | None) -> None:
        """Go on to something else of the file."""
        if not self.begun:
            self.sketch.forward(self.ref, ref)
            self.begun = True
        for source, port in self.open:
            self.sketch.link(source, port, ref)
        self.open = []


@dataclass(slots=True)
class Definition:
    """One flow of the file. `categories`: results whose category is read somewhere in it."""

    raw: Mapping[str, Any]
    sketch: Sketch
    language: str
    expressions: Expressions
    categories: frozenset[str]
    localization: Mapping[str, Any]
    lost: list[str] = field(default_factory=list)

    def text(self, value: object, *, limit: int = plain.MAX_TEXT) -> str:
        """A text with our expressions; what has none is remembered in `lost`."""
        made, lost = self.expressions.template(value, limit=limit)
        self.lost += lost
        return made

    def taken_notes(self) -> list[Note]:
        """What was lost since the last call, as notes of the report."""
        lost, self.lost = list(dict.fromkeys(self.lost)), []
        return [remark("no_counterpart", what=", ".join(lost[:5]))] if lost else []

    def said(self, action: Mapping[str, Any], key: str) -> str:
        """A localized text: the base language's, others chosen by the contact's language."""
        base = self.text(action.get(key))
        other: list[tuple[str, str]] = []
        for language, translated in self.translations(action.get("uuid"), key):
            if translated:
                made = self.text(translated[0])
                if made.strip() and made != base:
                    other.append((language, made))
        if not other:
            return base
        whens = "".join(f"{{% when {_codes(language)} %}}{made}" for language, made in other)
        whole = f"{{% case contact.language %}}{whens}{{% else %}}{base}{{% endcase %}}"
        if len(whole) > plain.MAX_TEXT:
            self.lost.append("the translations of a long text")
            return base
        return whole

    def translations(self, uuid: object, key: str) -> list[tuple[str, list[str]]]:
        """Texts of a thing in the other languages."""
        wanted = plain.text(uuid, 100)
        found: list[tuple[str, list[str]]] = []
        for language, things in list(self.localization.items())[:MAX_LANGUAGES]:
            texts = plain.texts(plain.mapping(plain.mapping(things).get(wanted)).get(key))
            if wanted and texts and isinstance(language, str):
                found.append((plain.text(language, 10), texts))
        return found


def _codes(language: str) -> str:
    codes = [language, *([_SHORT[language]] if language in _SHORT else []), *_FULL.get(language, ())]
    return ", ".join(plain.quoted(code) for code in codes)
