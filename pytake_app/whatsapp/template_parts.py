"""What a template's components say: texts, buttons, how many values they take. Meta's form, read leniently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


class TemplateHeader(BaseModel):
    """`format`: TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION… `text` for the first. `variable_names`: as they stand in it."""

    format: str
    text: str = ""
    variables: int = 0
    variable_names: list[str] = []


class TemplateButton(BaseModel):
    """`type`: QUICK_REPLY, URL, PHONE_NUMBER, COPY_CODE, OTP… `variables`: of a URL with a variable end."""

    type: str
    text: str = ""
    url: str = ""
    phone_number: str = ""
    variables: int = 0


class TemplateParts(BaseModel):
    """A template's parts. `variables`: values that the body takes; `variable_names`: as they stand in it."""

    header: TemplateHeader | None = None
    body: str = ""
    footer: str = ""
    buttons: list[TemplateButton] = []
    variables: int = 0
    variable_names: list[str] = []


def variables_of(text: str) -> list[str]:
    """The distinct placeholders of a text, numbered ones by number."""
    names = list(dict.fromkeys(_VARIABLE.findall(text)))
    if names and all(name.isdigit() for name in names):
        # Meta numbers without gaps; a gap would still need a value.
        return [str(number) for number in range(1, min(max(map(int, names)), 200) + 1)]
    return names


def parts_of(components: Iterable[Mapping[str, Any]]) -> TemplateParts:
    """Read components; what isn't understood is left out."""
    parts = TemplateParts()
    for component in components:
        kind = str(component.get("type", "")).upper()
        text = _text(component, "text")
        if kind == "HEADER":
            form = _text(component, "format").upper() or "TEXT"
            names = variables_of(text)
            parts.header = TemplateHeader(format=form, text=text, variables=len(names), variable_names=names)
        elif kind == "BODY":
            parts.body, parts.variable_names = text, variables_of(text)
            parts.variables = len(parts.variable_names)
        elif kind == "FOOTER":
            parts.footer = text
        elif kind == "BUTTONS":
            parts.buttons = _buttons(component.get("buttons"))
    return parts


def _buttons(raw: object) -> list[TemplateButton]:
    found = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else ()
    return [
        TemplateButton(
            type=_text(button, "type").upper(),
            text=_text(button, "text"),
            url=_text(button, "url"),
            phone_number=_text(button, "phone_number"),
            variables=len(variables_of(_text(button, "url"))),
        )
        for button in found
        if isinstance(button, Mapping)
    ]


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    return value if isinstance(value, str) else ""
