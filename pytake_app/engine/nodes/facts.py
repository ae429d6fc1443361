"""What a node type tells the verifier about its nodes: how they pause, what they write, send and name.

A type declares these as functions of its config on :class:`~pytake_app.engine.nodes.base.NodeType`; the
defaults here fit most types, so the analyses need no list of types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

PauseKind = Literal["none", "reply", "time", "person", "outside"]
ValueKind = Literal["any", "text", "number", "date", "time", "boolean", "list", "object"]
SendKind = Literal[
    "text", "media", "buttons", "list", "cta_url", "location", "contacts", "reaction", "location_request",
    "template", "form",
]  # fmt: skip
SendMoment = Literal["visit", "reply", "timeout"]
RefKind = Literal[
    "flow", "template", "queue", "agent", "department", "tag", "field", "secret", "calendar", "event"
]  # fmt: skip
EntryWindow = Literal["open", "unknown", "closed"]

REPLY_PORTS: Final = frozenset({"other", "answered", "invalid", "replied", "received", "submitted"})
"""Ports that are only left when the contact has just written."""


@dataclass(frozen=True, slots=True)
class Pause:
    """What lies between the visit of a node and its leaving by one port.

    ``none``: nothing. ``reply``: the contact wrote. ``time``: ``minutes`` pass without an answer (None:
    the flow's expiry). ``person``: people deal with it, at most ``minutes`` (None: no bound).
    ``outside``: an answer of another system, seconds."""

    kind: PauseKind
    minutes: float | None = None


NO_PAUSE: Final = Pause("none")
REPLY: Final = Pause("reply")
OUTSIDE: Final = Pause("outside")


@dataclass(frozen=True, slots=True)
class Writes:
    """A session variable that a node writes. ``ports``: only when it is left by these (None: by any).
    ``pointer``: the part of the config that says so; writes count in this order. ``certain`` False: it
    may stay unwritten."""

    name: str
    kind: ValueKind = "any"
    ports: frozenset[str] | None = None
    pointer: str = ""
    certain: bool = True
    literal: str | None = None
    """The text that is written when it never varies."""


@dataclass(frozen=True, slots=True)
class Proves:
    """Leaving by ``port`` proves that a variable holds something."""

    name: str
    port: str


@dataclass(frozen=True, slots=True)
class Sends:
    """Messages a node sends. ``at``: on the visit, after a reply that was not understood (repeats), or
    when its time is over unanswered. ``least``/``most``: how many messages. ``pointer``: the config field
    with the text. ``media``: kind of file. ``options``: number of buttons or rows. ``template``: its
    name."""

    kind: SendKind
    at: SendMoment = "visit"
    least: int = 1
    most: int = 1
    pointer: str = "/body"
    media: str = ""
    by_link: bool = True
    options: int = 0
    typing: bool = False
    template: str = ""
    minutes: float | None = None
    """At ``timeout``: how long it waited before."""


@dataclass(frozen=True, slots=True)
class Enters:
    """Another flow that a node enters: ``call`` comes back to ``next``. ``pause`` comes before."""

    flow: str
    call: bool = False
    pointer: str = "/flow"
    pause: Pause = NO_PAUSE


@dataclass(frozen=True, slots=True)
class Refers:
    """Something of the organization that a node names, by id or by name. ``names`` are alternatives.
    All from ``language`` on speaks of templates: ``variables`` of the body and their names (``placeholders``), the
    name of the ``header``'s, and the places of ``replies`` and of the variable ``link`` among all buttons."""

    kind: RefKind
    names: tuple[str, ...]
    pointer: str
    severity: Literal["error", "warning", "info"] = "warning"
    language: str = ""
    variables: int | None = None
    placeholders: tuple[str, ...] = ()
    header: str = ""
    replies: tuple[int, ...] = ()
    link: int | None = None


def usual_pause(config: Any, port: str, *, waits: bool) -> Pause:
    """The pause of most node types: ports of answers follow a reply, ``timeout`` the config's
    ``timeout_minutes`` (else the flow's expiry); other ports of a type that waits an outside answer."""
    if port == "timeout":
        return Pause("time", getattr(config, "timeout_minutes", None))
    if not waits:
        return NO_PAUSE
    if port in REPLY_PORTS or port.startswith("option:"):
        return REPLY
    return NO_PAUSE if port == "error" else OUTSIDE


def usual_writes(config: Any) -> list[Writes]:
    """The variable named by the config's ``variable`` or ``output``, whatever port it is left by."""
    names = {name: getattr(config, name, None) for name in ("variable", "output")}
    return [Writes(v, pointer=f"/{name}") for name, v in names.items() if isinstance(v, str) and v]


def option_ports(keys: list[str]) -> frozenset[str]:
    """The ports of options with these ids."""
    return frozenset(f"option:{key}" for key in keys)


def no_facts(_config: object) -> list[Any]:
    """Nothing to declare."""
    return []


def nothing(_config: object, _wired: frozenset[str]) -> list[Any]:
    """``sends`` or ``enters`` of a type that does neither."""
    return []


__all__ = [
    "NO_PAUSE",
    "OUTSIDE",
    "REPLY",
    "REPLY_PORTS",
    "Enters",
    "EntryWindow",
    "Pause",
    "PauseKind",
    "Proves",
    "RefKind",
    "Refers",
    "SendKind",
    "SendMoment",
    "Sends",
    "ValueKind",
    "Writes",
    "no_facts",
    "nothing",
    "option_ports",
    "usual_pause",
    "usual_writes",
]  # fmt: skip
