"""Flow localisation: which texts of a node have languages, where they stand, and a node in another language.

A text is named by a pointer into its node's config, as JSON pointers are written, but an item of a list that has an
``id`` goes by this id (``/buttons/support/title``), so that neither renaming nor sorting buttons loses a translation.
The browser's ``editor_texts.js`` has the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from pytake_app.engine.document import FlowDocument, Node, NodeTexts
from pytake_app.engine.nodes.base import Config

State = Literal["done", "missing", "outdated"]

_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_OUTPUT: Final = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    translate: str
    maximum: int | None
    default: Any
    nested: type[Config] | None
    show_if: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class TextPlace:
    """A text of a node that contacts read. ``maximum``: characters the channel takes. ``wanted``: every language of the
    flow should have its own."""

    pointer: str
    text: str
    maximum: int | None
    wanted: bool


@lru_cache(maxsize=256)
def _fields(model: type[Config]) -> tuple[_Field, ...]:
    found: list[_Field] = []
    for name, info in model.model_fields.items():
        meta = info.json_schema_extra
        plain: dict[str, Any] = dict(meta) if isinstance(meta, dict) else {}
        nested = next((a for a in get_args(info.annotation) if isinstance(a, type) and issubclass(a, Config)), None)
        if nested is not None and not _fields(nested):
            nested = None
        translate = plain.get("translate", "no")
        if translate != "no" or nested is not None:
            default = info.get_default(call_default_factory=True)
            found.append(_Field(name, translate, plain.get("max"), default, nested, plain.get("show_if") or {}))
    return tuple(found)


def _model(node_type: str) -> type[Config] | None:
    from pytake_app.engine.nodes import NODE_TYPES, canonical_type

    known = NODE_TYPES.get(canonical_type(node_type))
    return known.config_model if known is not None else None


def key_of(items: list[Any], index: int) -> str:
    """How a pointer names an item of a list: by its id where that is the only one, else by its place."""
    item = items[index]
    given = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(given, str) or not given:
        return str(index)
    alone = sum(1 for other in items if isinstance(other, Mapping) and other.get("id") == given) == 1
    return given.replace("~", "~0").replace("/", "~1") if alone else str(index)


def texts_of(node_type: str, config: Mapping[str, Any]) -> list[TextPlace]:
    """The texts of a config in its stored form, in the order of the form. A half-filled config is fine."""
    model = _model(node_type)
    return list(_places(model, config, "")) if model is not None else []


def _places(model: type[Config], config: Mapping[str, Any], base: str) -> Iterator[TextPlace]:
    for field in _fields(model):
        if any(_value(model, config, name) not in allowed for name, allowed in field.show_if.items()):
            continue
        value = config.get(field.name, field.default)
        pointer = f"{base}/{field.name}"
        if field.nested is not None and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from _places(field.nested, item, f"{pointer}/{key_of(value, index)}")
        elif field.translate != "no" and isinstance(value, str) and value.strip():
            wanted = field.translate == "text" and has_words(value)
            yield TextPlace(pointer, value, field.maximum, wanted)


def _value(model: type[Config], config: Mapping[str, Any], name: str) -> Any:
    info = model.model_fields.get(name)
    return config.get(name, info.get_default(call_default_factory=True) if info is not None else None)


def has_words(text: str) -> bool:
    """Is there anything to translate, besides expressions, numbers and emoji?"""
    return any(char.isalpha() for char in _EXPRESSION.sub("", text))


def placeholders(text: str) -> set[str]:
    """The variables that a text shows."""
    return set(_OUTPUT.findall(text))


def state_of(place: TextPlace, translations: NodeTexts) -> State:
    """What there is of a text in a language."""
    given = translations.get(place.pointer)
    if given is None or not given.text.strip():
        return "missing"
    return "outdated" if given.source and given.source != place.text else "done"


def translated(node_type: str, config: Mapping[str, Any], translations: NodeTexts) -> dict[str, Any]:
    """The config with the translated texts in place; what has no translation stays. The given one isn't changed."""
    model = _model(node_type)
    texts = {pointer: given.text for pointer, given in translations.items() if given.text.strip()}
    return _put(model, config, "", texts) if model is not None and texts else dict(config)


def _put(model: type[Config], config: Mapping[str, Any], base: str, texts: Mapping[str, str]) -> dict[str, Any]:
    result = dict(config)
    for field in _fields(model):
        value = config.get(field.name, field.default)
        pointer = f"{base}/{field.name}"
        if field.nested is not None and isinstance(value, list):
            nested = field.nested
            result[field.name] = [
                _put(nested, item, f"{pointer}/{key_of(value, index)}", texts) if isinstance(item, Mapping) else item
                for index, item in enumerate(value)
            ]
        elif field.translate != "no" and pointer in texts and isinstance(value, str) and value.strip():
            result[field.name] = texts[pointer]
    return result


def best_locale(wanted: str, own: str, offered: Iterable[str]) -> str | None:
    """The language for a contact of language ``wanted`` (``pt-BR``, ``es_MX``, ``en``…): the very locale, then one of
    the same language, the flow's own first. None: the flow's own texts."""
    plain = wanted.strip().replace("-", "_").lower()
    if not plain:
        return None
    known = sorted(set(offered) - {own})
    base = plain.partition("_")[0]
    for locale in known:
        if locale.lower() == plain:
            return locale
    if own.partition("_")[0].lower() == base:
        return None
    return next((locale for locale in known if locale.partition("_")[0].lower() == base), None)


def node_in(document: FlowDocument, node: Node, locale: str) -> Node:
    """The node as contacts of a language meet it."""
    given = document.translations.get(locale, {}).get(node.id)
    if not given:
        return node
    return node.model_copy(update={"config": translated(node.type, node.config, given)})


def reading_order(document: FlowDocument) -> list[Node]:
    """The nodes as a conversation meets them: from the entries along the edges, exits in the order of the card;
    what nothing leads to comes last."""
    from pytake_app.engine.inspector import ports_of

    nodes = {node.id: node for node in reversed(document.nodes)}
    leads: dict[str, dict[str, str]] = {}
    for edge in document.edges:
        leads.setdefault(edge.source, {}).setdefault(edge.port, edge.target)
    entries = [n.id for n in document.nodes if n.type == "start" or n.type.startswith("trigger_")]
    seen: dict[str, None] = {}
    queue = list(reversed([*entries, *(n.id for n in document.nodes if n.id not in set(entries))]))
    while queue:
        node_id = queue.pop()
        node = nodes.get(node_id)
        if node is None or node_id in seen:
            continue
        seen[node_id] = None
        wired = leads.get(node_id, {})
        order = [port.id for port in ports_of(node.type, node.config)] if wired else []
        targets = [wired[port] for port in order if port in wired]
        queue += reversed([*targets, *(t for port, t in wired.items() if port not in order)])
    return [nodes[node_id] for node_id in seen]
