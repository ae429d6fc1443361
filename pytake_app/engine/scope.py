"""What expressions can read: session variables, ``session``, ``contact``, ``message``, ``flow``,
``org``, ``now`` and ``today``. Values are plain JSON and dates: nothing of Python is reachable."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import JsonValue

from pytake_app.engine.session import LastInput, RunContext, Session

MISSING: Final = object()
NAMESPACES: Final = frozenset({"session", "contact", "message", "flow", "org", "now", "today", "secret"})
"""``secret`` is always empty here: secrets are put in by the host, into requests only."""
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "user_message": ("message", "text"),
    "user_input": ("message", "text"),
    "last_message": ("message", "text"),
    "selected_option": ("message", "last_selection"),
    "selection": ("message", "last_selection"),
    "name": ("contact", "name"),
    "phone": ("contact", "phone"),
    "email": ("contact", "email"),
}
"""Names of older exports; a session variable of the same name comes first."""


def timezone(name: str) -> tzinfo:
    """The IANA zone ``name``, or UTC when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


class Scope(Mapping[str, Any]):
    """Names of one sprint. ``reads`` collects what the current visit read."""

    __slots__ = ("_cache", "contact_changes", "ctx", "flow", "locale", "reads", "session", "variables")

    def __init__(self, ctx: RunContext, session: Session, flow: tuple[str, str, int], locale: str) -> None:
        self.ctx = ctx
        self.session = session
        self.variables: dict[str, JsonValue] = session.variables
        self.flow = flow
        self.locale = locale
        self.reads: dict[str, Any] = {}
        self.contact_changes: dict[str, JsonValue] = {}
        self._cache: dict[str, Any] = {}

    def enter_flow(self, flow: tuple[str, str, int], locale: str) -> None:
        """The session now stands in another flow (id, name, version)."""
        self.flow = flow
        self.locale = locale
        self._cache.pop("flow", None)

    def replace_variables(self, variables: dict[str, JsonValue]) -> None:
        """Other session variables from now on (a flow with variables of its own)."""
        self.session.variables = self.variables = variables
        self._cache.pop("session", None)

    def forget(self, namespace: str) -> None:
        """Build this namespace anew at the next read."""
        self._cache.pop(namespace, None)

    def _namespace(self, name: str) -> Any:
        cached = self._cache.get(name)
        if cached is not None:
            return cached
        value: Any
        if name == "session":
            started = self.session.started_at
            value = ChainMap(self.variables, {"id": self.session.id, "started_at": started})
        elif name == "contact":
            value = self._contact()
        elif name == "message":
            value = message_values(self.session.last_input, self.session.last_selection)
        elif name == "flow":
            value = dict(zip(("id", "name", "version"), self.flow, strict=True))
        elif name == "org":
            org = self.ctx.org
            value = {"id": org.id, "name": org.name, "timezone": org.timezone, "locale": org.locale}
        elif name == "secret":
            value = {}
        elif name == "now":
            value = self.ctx.now.astimezone(timezone(self.ctx.org.timezone))
        else:
            now: datetime = self._namespace("now")
            value = now.date()
        self._cache[name] = value
        return value

    def _contact(self) -> dict[str, Any]:
        view = self.ctx.contact
        name = view.name
        values: dict[str, Any] = dict(view.fields)
        values.update(
            fields=view.fields,
            id=view.id,
            name=name,
            phone=view.phone,
            email=view.email,
            language=view.language,
            lifecycle_stage=view.lifecycle_stage,
            lead_score=view.lead_score,
            tags=view.tags,
        )
        if self.contact_changes:
            values["fields"] = {**view.fields, **self.contact_changes}
            values.update(self.contact_changes)
            name = str(values.get("name") or "")
        values["first_name"] = name.split(maxsplit=1)[0] if name.strip() else ""
        return values

    def __getitem__(self, name: str) -> Any:
        if name in NAMESPACES:
            return self._namespace(name)
        value = self.variables.get(name, MISSING)
        if value is not MISSING:
            return value
        alias = ALIASES.get(name)
        if alias is None:
            raise KeyError(name)
        return self._namespace(alias[0])[alias[1]]

    def __iter__(self) -> Iterator[str]:
        yield from NAMESPACES
        yield from self.variables

    def __len__(self) -> int:
        return len(NAMESPACES) + len(self.variables)

    def lookup(self, path: tuple[str, ...]) -> Any:
        """The value at a dotted path, or MISSING. Recorded as a read."""
        name = path[0]
        value: Any
        if name in NAMESPACES:
            value = self._namespace(name)
        else:
            value = self.variables.get(name, MISSING)
            if value is MISSING:
                alias = ALIASES.get(name)
                if alias is not None:
                    value = self._namespace(alias[0])[alias[1]]
        for key in path[1:]:
            value = _item(value, key)
        self.reads[path[0] if len(path) == 1 else ".".join(path)] = None if value is MISSING else value
        return value


def _item(value: Any, key: str) -> Any:
    # The exact types first: asking whether something is a Mapping costs more than the look-up itself.
    if type(value) is dict or isinstance(value, Mapping):
        found = value.get(key, MISSING)
        if found is MISSING and key == "size":
            return len(value)
        return found
    if key == "size" and isinstance(value, str | list):
        return len(value)
    if isinstance(value, list) and value:
        if key == "first":
            return value[0]
        if key == "last":
            return value[-1]
    return MISSING


def message_values(message: LastInput | None, last_selection: str | None) -> dict[str, Any]:
    """The ``message`` namespace: the last inbound message, and the last option ever chosen (which stays
    when other answers follow, as older flows expect of ``selected_option``)."""
    if message is None:
        message = LastInput()
    return {
        "type": message.type,
        "text": message.text,
        "selection_id": message.selection_id or "",
        "last_selection": message.selection_id or last_selection or "",
        "media": {"url": message.media_url or "", "id": message.media_id or ""},
        "location": {"latitude": message.latitude, "longitude": message.longitude},
    }
