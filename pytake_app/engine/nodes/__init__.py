"""The registry of node types: an explicit table in catalogue order."""

from __future__ import annotations

from typing import Final

from pytake_app.engine.nodes.actions import SET_VARIABLE, TAG_CONTACT, TRANSFER, UPDATE_CONTACT
from pytake_app.engine.nodes.ai import AI_CLASSIFIER
from pytake_app.engine.nodes.ai_text import AI_EXTRACT, AI_PROMPT
from pytake_app.engine.nodes.base import PORT_ERROR, PORT_NEXT, Config, Go, NodeType, Outcome, Port
from pytake_app.engine.nodes.control import DELAY, END, GROUP, JUMP, NOTE
from pytake_app.engine.nodes.entries import TRIGGER_EVENT, TRIGGER_SCHEDULE, TRIGGER_WEBHOOK
from pytake_app.engine.nodes.inputs import QUESTION, WAIT_FOR_REPLY
from pytake_app.engine.nodes.logic import BUSINESS_HOURS, CONDITION, LOGIC_WINDOW_CHECK, RANDOM_SPLIT, SWITCH
from pytake_app.engine.nodes.menus import MSG_BUTTONS, MSG_LIST, MSG_TEMPLATE
from pytake_app.engine.nodes.messages import MSG_CTA_URL, MSG_LOCATION, MSG_MEDIA, MSG_TEXT
from pytake_app.engine.nodes.outside import API_CALL
from pytake_app.engine.nodes.people import ASSIGN_AGENT, CLOSE_CONVERSATION, NOTIFY, SEND_EVENT
from pytake_app.engine.nodes.specials import MSG_CONTACTS, MSG_FORM, MSG_LOCATION_REQUEST, MSG_REACTION
from pytake_app.engine.nodes.triggers import START, TRIGGER_KEYWORD, TRIGGER_TEMPLATE, TRIGGER_UNIVERSAL
from pytake_app.engine.templating import TemplateCompiler
from pytake_app.engine.visit import Visit

_ALL: Final = (
    START, TRIGGER_UNIVERSAL, TRIGGER_KEYWORD, TRIGGER_TEMPLATE, TRIGGER_WEBHOOK, TRIGGER_SCHEDULE, TRIGGER_EVENT,
    MSG_TEXT, MSG_MEDIA, MSG_BUTTONS, MSG_LIST, MSG_CTA_URL, MSG_LOCATION, MSG_CONTACTS, MSG_REACTION,
    MSG_LOCATION_REQUEST, MSG_TEMPLATE, MSG_FORM,
    QUESTION, WAIT_FOR_REPLY,
    CONDITION, SWITCH, LOGIC_WINDOW_CHECK, BUSINESS_HOURS, RANDOM_SPLIT, DELAY, JUMP, END,
    SET_VARIABLE, TAG_CONTACT, UPDATE_CONTACT, API_CALL, SEND_EVENT, NOTIFY, TRANSFER, ASSIGN_AGENT,
    CLOSE_CONVERSATION,
    AI_CLASSIFIER, AI_PROMPT, AI_EXTRACT, NOTE, GROUP,
)  # fmt: skip
NODE_TYPES: Final[dict[str, NodeType]] = {t.type: t for t in _ALL}
ALIASES: Final[dict[str, str]] = {alias: t.type for t in _ALL for alias in t.aliases}
CATALOGUED: Final[frozenset[str]] = frozenset()
"""Types of the catalogue that this version keeps in documents but can't run."""


def canonical_type(name: str) -> str:
    """The canonical name of a type or alias; unknown names come back unchanged."""
    return ALIASES.get(name, name)


def is_known(name: str) -> bool:
    """Is it a type of the catalogue, runnable or not?"""
    return name in NODE_TYPES or name in CATALOGUED


def _ports(_config: Config) -> list[Port]:
    return [PORT_NEXT, PORT_ERROR]


def _prepare(_config: Config, _texts: TemplateCompiler) -> None:
    return None


def _run(_visit: Visit, _prepared: None) -> Outcome:
    return Go("error", "this type of node can't run yet")


def unsupported(name: str) -> NodeType:
    """A stand-in for a type that can't run: visiting it is an error event."""
    return NodeType(
        type=name, group="canvas", icon="circle-slash", config_model=Config, ports=_ports, prepare=_prepare, run=_run
    )


__all__ = ["ALIASES", "CATALOGUED", "NODE_TYPES", "canonical_type", "is_known", "unsupported"]
