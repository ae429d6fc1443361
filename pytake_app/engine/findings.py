"""What the verifier answers, and what it is told of the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytake_app.engine.document import FlowDocument
from pytake_app.engine.limits import DEFAULT_OPT_OUT_WORDS

Severity = Literal["error", "warning", "info"]


class Creates(BaseModel):
    """Something of the organization that a mend makes, by the name the flow gives it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["tag", "field", "queue", "department"]
    name: str


class Finding(BaseModel):
    """One thing found. The sentence is the i18n text ``verify.<code>`` with ``params``.

    ``pointer`` is a JSON pointer into the node's config (``/buttons/0/title``) when one field is
    meant. ``path``: ids of the nodes of an example path, first to last. ``mend``: code of a one-click
    mend (its text is ``verify.mend.<mend>``), where one exists; ``operations`` are the edits that do it,
    as :func:`~pytake_app.engine.operations.parse_operation` reads them, one undo step together.
    ``creates``: instead of edits, something of the organization is to be made.
    ``language``: the locale of the translation that is meant; None: the flow's own texts."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    node_id: str | None = None
    port: str | None = None
    pointer: str | None = None
    language: str | None = None
    params: dict[str, str | int] = Field(default_factory=dict)
    path: list[str] = Field(default_factory=list)
    mend: str | None = None
    operations: list[dict[str, Any]] = Field(default_factory=list)
    creates: Creates | None = None


@dataclass(frozen=True, slots=True)
class OtherFlow:
    """Another flow's live version. ``flow_id`` is its identity, whatever name it was asked by."""

    flow_id: str
    document: FlowDocument
    name: str = ""


class ChannelFacts(BaseModel):
    """What an attached channel shows natively; the host copies it from the channel's adapter, whose
    words these are. Lengths count in ``units``; None: no limit known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    channel: str
    name: str = ""
    text: bool = True
    image: bool = False
    video: bool = False
    audio: bool = False
    location: bool = False
    contacts: bool = False
    buttons: Literal["no", "yes", "quick_replies"] = "no"
    templates: bool = False
    typing: bool = False
    document: bool = False
    sticker: bool = False
    lists: bool = False
    reactions: bool = False
    forms: bool = False
    cta_url: bool = False
    location_request: bool = False
    service_window_hours: int | None = None
    max_buttons: int = 0
    max_text: int | None = None
    max_button_title: int | None = None
    units: Literal["code_points", "utf16", "bytes"] = "code_points"


class TemplateFacts(BaseModel):
    """A template as Meta knows it. ``variables``: of its body. ``category`` decides its price.

    ``placeholders``: the names of the body's variables, empty where they are numbered; ``header_placeholder`` the same
    of the header. ``buttons``: the kinds of all buttons in order (``link``: a URL with a variable end); None: unknown.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    language: str
    status: str = "APPROVED"
    category: Literal["marketing", "utility", "authentication"] = "marketing"
    variables: int | None = None
    placeholders: tuple[str, ...] = ()
    header_placeholder: str = ""
    buttons: tuple[Literal["reply", "link", "other"], ...] | None = None


class KeywordOwner(BaseModel):
    """Keywords that something else answers: another flow or an auto-reply rule, by its name."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["flow", "auto_reply"] = "flow"
    name: str
    words: tuple[str, ...] = ()
    match_type: Literal["exact", "contains", "starts_with", "regex"] = "exact"
    priority: int = 0


class Prices(BaseModel):
    """Price of one message by category, in millionths of ``currency``. ``free_utility_in_window``: a
    utility template costs nothing while the service window is open (Meta's rule since July 2025)."""

    model_config = ConfigDict(frozen=True)

    currency: str = "USD"
    service: int = 0
    marketing: int = 0
    utility: int = 0
    authentication: int = 0
    free_utility_in_window: bool = True


class VerifyEnv(BaseModel):
    """What the host knows of the world; None means unknown, so nothing is claimed about it.

    ``flows``: ids and slugs of flows with a live version. ``templates``: ``name`` and
    ``name:language`` of usable templates; ``template_facts`` knows more of all of them. ``queues``,
    ``agents``, ``departments``, ``tags``, ``fields``, ``secrets``, ``calendars``, ``events``: ids and
    names. ``load_flow``: another flow by id or slug, None when it is not live. ``channels``: those that
    are attached. ``default_queue``: (id, name) of the queue that takes what names none. ``keywords``: what
    else answers words. ``opt_out_words``: those that end all messages. ``prices``: to say what a path costs.
    ``cold_start``: the flow's ``start`` is entered for contacts who have not just written (campaign,
    schedule, API)."""

    model_config = ConfigDict(frozen=True)

    channel: str = "whatsapp"
    flow_id: str | None = None
    flows: frozenset[str] | None = None
    templates: frozenset[str] | None = None
    queues: frozenset[str] | None = None
    default_queue: tuple[str, str] | None = None
    agents: frozenset[str] | None = None
    departments: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    secrets: frozenset[str] | None = None
    calendars: frozenset[str] | None = None
    events: frozenset[str] | None = None
    template_facts: tuple[TemplateFacts, ...] | None = None
    channels: tuple[ChannelFacts, ...] = ()
    keywords: tuple[KeywordOwner, ...] = ()
    opt_out_words: tuple[str, ...] = DEFAULT_OPT_OUT_WORDS
    prices: Prices | None = None
    cold_start: bool = False
    load_flow: Callable[[str], OtherFlow | None] | None = Field(default=None, exclude=True, repr=False)
