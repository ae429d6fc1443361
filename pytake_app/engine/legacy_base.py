"""What the readers of older shapes share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass
class Converted:
    """A canonical config, the branches that were in it (port → target), and whether a plain ``next``
    stands for every exit that has no branch of its own."""

    config: Json
    branches: dict[str, str] = field(default_factory=dict)
    exits: list[str] = field(default_factory=list)
    """Ports that follow the older ``next``."""
    must_lead: list[str] = field(default_factory=list)
    """Ports that need a target even when the older shape gave none."""


def slug(text: str, taken: set[str]) -> str:
    """An id made of a text, unlike those already taken."""
    base = _SLUG.sub("_", text.lower()).strip("_")[:40] or "item"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    taken.add(key)
    return key


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        for key in ("body", "text", "message", "content"):
            if isinstance(value.get(key), str):
                return str(value[key])
        return ""
    if value is None or isinstance(value, list):
        return ""
    return str(value)


def first_of(config: Json, *names: str) -> Any:
    for name in names:
        if config.get(name) not in (None, ""):
            return config[name]
    return None


def rename(config: Json, canonical: str, *older: str, convert: Callable[[Any], Any] = as_text) -> None:
    """Give an older key its canonical name, in place."""
    if canonical in config:
        return
    found = first_of(config, *older)
    if found is not None:
        config[canonical] = convert(found)
    for name in older:
        config.pop(name, None)


def flatten(config: Json) -> Json:
    """``{"content": {"header": …, "body": …}}`` → its fields at the top."""
    content = config.get("content")
    if isinstance(content, Mapping):
        config = {**{k: v for k, v in config.items() if k != "content"}, **content}
    interactive = config.get("interactive")
    if isinstance(interactive, Mapping):
        config = {**{k: v for k, v in config.items() if k != "interactive"}, **interactive}
    action = config.get("action")
    if isinstance(action, Mapping):
        config = {**{k: v for k, v in config.items() if k != "action"}, **action}
    return config


def target_of(item: Any) -> str | None:
    if isinstance(item, str):
        return item or None
    if isinstance(item, Mapping):
        for name in ("next", "target", "goto", "next_node", "nextNode"):
            if isinstance(item.get(name), str) and item[name]:
                return str(item[name])
    return None


def option_of(item: Any, taken: set[str]) -> tuple[Json, str | None]:
    """One button or row, and its branch."""
    if isinstance(item, str):
        return {"id": slug(item, taken), "title": item}, None
    if not isinstance(item, Mapping):
        return {"id": slug("option", taken), "title": ""}, None
    reply = item.get("reply")
    if isinstance(reply, Mapping):
        item = {**item, **reply}
    title = as_text(item.get("title") or item.get("text") or item.get("label"))
    key = as_text(item.get("id") or item.get("payload") or item.get("value"))
    if key:
        taken.add(key)
    else:
        key = slug(title, taken)
    option: Json = {"id": key, "title": title}
    if item.get("description"):
        option["description"] = as_text(item["description"])
    return option, target_of({k: v for k, v in item.items() if k not in ("id", "title", "text")})


def read_header(config: Json) -> None:
    """Older headers and footers as canonical fields, in place."""
    header = config.get("header")
    if isinstance(header, Mapping):
        kind = as_text(header.get("type")) or "text"
        config["header_type"] = kind
        config["header"] = as_text(header.get("text"))
        medium = header.get(kind)
        link = medium.get("link") or medium.get("url") if isinstance(medium, Mapping) else header.get("url")
        if link:
            config["header_url"] = as_text(link)
    elif isinstance(header, str) and header.strip() and "header_type" not in config:
        config["header_type"] = "text"
    footer = config.get("footer")
    if isinstance(footer, Mapping):
        config["footer"] = as_text(footer)


def read_minutes(config: Json) -> None:
    """Older timeouts as ``timeout_minutes``, in place."""
    if "timeout_minutes" in config:
        return
    for name, factor in (
        ("timeoutMinutes", 1),
        ("timeout", 1),
        ("timeout_seconds", 1 / 60),
        ("timeoutSeconds", 1 / 60),
    ):
        value = config.pop(name, None)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            config["timeout_minutes"] = value * factor
            return
