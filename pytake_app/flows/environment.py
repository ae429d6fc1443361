"""What the verifier and the engine may know of the organization around a flow.

Few statements, however much there is: names of everything in one, then accounts, templates, prices. What doesn't change
within a request (all but flows) is kept with its transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.accounts.models import Organization
from pytake_app.channels.capabilities import capabilities_of
from pytake_app.config import get_settings
from pytake_app.contacts import service as contacts
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import ChannelFacts, KeywordOwner, OtherFlow, Prices, TemplateFacts
from pytake_app.engine.limits import DEFAULT_OPT_OUT_WORDS
from pytake_app.engine.nodes.entries import EVENTS
from pytake_app.engine.triggers import TriggerSpec
from pytake_app.engine.verify import VerifyEnv
from pytake_app.flows import repository
from pytake_app.outgoing import service as outgoing
from pytake_app.queues import service as queues
from pytake_app.whatsapp import service as whatsapp
from pytake_app.whatsapp.service import TemplateBook, TemplateButton

_WORLD: Final = "verifier_world"
_SHOWN: Final = {
    "whatsapp": "WhatsApp", "instagram": "Instagram", "messenger": "Messenger", "telegram": "Telegram",
    "webchat": "Webchat", "sms": "SMS", "email": "E-mail", "discord": "Discord", "slack": "Slack", "rcs": "RCS",
    "teams": "Teams", "linkedin": "LinkedIn",
}  # fmt: skip
_CATEGORIES: Final = {"UTILITY": "utility", "AUTHENTICATION": "authentication"}
_STARTS: Final = frozenset({"trigger_universal", "trigger_keyword", "trigger_template", "trigger_webhook",
                            "trigger_schedule", "trigger_event"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """The organization without its flows. `names`: ids and names by kind."""

    names: dict[str, frozenset[str]]
    default_queue: tuple[str, str] | None
    templates: tuple[TemplateFacts, ...] | None
    channels: tuple[ChannelFacts, ...]
    prices: Prices
    opt_out_words: tuple[str, ...]


def verify_env(session: Session, flow_id: UUID | None, document: FlowDocument | None = None) -> VerifyEnv:
    """The organization as the verifier sees it.

    Parameters:
        document: what will be verified, if it is at hand: what it can't need isn't read.
    """
    world = _world(session)
    live = repository.live_names(session)
    known = world.names
    return VerifyEnv(
        channel="whatsapp",
        flow_id=str(flow_id) if flow_id is not None else None,
        flows=frozenset(str(row[0]) for row in live) | frozenset(row[1] for row in live),
        keywords=(*_keywords(session, flow_id), *auto_reply_keywords(session)),
        load_flow=_loader(session),
        queues=known["queue"],
        default_queue=world.default_queue,
        agents=known["agent"],
        departments=known["department"],
        tags=known["tag"],
        fields=known["field"],
        secrets=known["secret"],
        calendars=known["calendar"],
        events=frozenset(EVENTS),
        template_facts=world.templates,
        channels=world.channels,
        prices=world.prices,
        opt_out_words=world.opt_out_words,
        cold_start=flow_id is not None and _cold(document) and repository.started_from_outside(session, flow_id),
    )


def _cold(document: FlowDocument | None) -> bool:
    """Whether nothing but a `start` can begin the flow."""
    return document is not None and not any(node.type in _STARTS for node in document.nodes)


def auto_reply_keywords(_session: Session) -> tuple[KeywordOwner, ...]:
    """Words that auto-reply rules answer: none, as this version has no such rules."""
    return ()


def _world(session: Session) -> World:
    known: World | None = session.info.get(_WORLD)
    if known is None:
        known = session.info[_WORLD] = _read(session)
    return known


def forget_world(session: Session) -> None:
    """What the transaction remembers is outdated: it has itself changed the organization."""
    session.info.pop(_WORLD, None)


def _read(session: Session) -> World:
    selects = [
        *accounts.reference_names(session),
        *contacts.reference_names(session),
        *outgoing.reference_names(session),
        *queues.reference_names(session),
    ]
    names: dict[str, set[str]] = {
        kind: set() for kind in ("agent", "department", "tag", "field", "secret", "queue", "calendar")
    }
    default_queue: tuple[str, str] | None = None
    for kind, row_id, name, more in session.execute(sa.union_all(*selects)):
        if kind == "field":
            names[kind].add(row_id)
            continue
        # People are named by id or e-mail: two may have the same name.
        names[kind] |= {row_id, more if kind == "agent" else name}
        if kind == "calendar" and more:
            names[kind].add(more)
        elif kind == "queue" and more:
            default_queue = (row_id, name)
    connected = whatsapp.channel_accounts(session)
    organization = accounts.organization_of_session(session)
    words = organization.settings.get("opt_out_words")
    return World(
        names={kind: frozenset(found) for kind, found in names.items()},
        default_queue=default_queue,
        templates=_facts(whatsapp.template_book(session, connected)),
        channels=_channels([account.channel for account in connected]),
        prices=_prices(session, organization, connected),
        opt_out_words=tuple(map(str, words)) if isinstance(words, list) else DEFAULT_OPT_OUT_WORDS,
    )


def _facts(book: TemplateBook) -> tuple[TemplateFacts, ...] | None:
    """None while some number's templates were never fetched: then nothing can be said of a name."""
    if not book.complete:
        return None
    return tuple(
        TemplateFacts.model_validate(
            {
                "name": template.name,
                "language": template.language,
                "status": template.status,
                "category": _CATEGORIES.get(template.category, "marketing"),
                "variables": template.variables if template.body else None,
                "placeholders": _named(template.variable_names),
                "header_placeholder": next(iter(_named(template.header.variable_names)), "") if template.header else "",
                "buttons": tuple(map(_button, template.buttons)) if template.body else None,
            }
        )
        for template in book.templates
    )


def _named(placeholders: list[str]) -> tuple[str, ...]:
    """Placeholders that have names; numbered ones take their values in order."""
    return tuple(name for name in placeholders if not name.isdigit())


def _button(button: TemplateButton) -> Literal["reply", "link", "other"]:
    if button.type == "QUICK_REPLY":
        return "reply"
    return "link" if button.variables else "other"


def _channels(kinds: list[str]) -> tuple[ChannelFacts, ...]:
    facts: list[ChannelFacts] = []
    for kind in dict.fromkeys(kinds):
        capabilities = capabilities_of(kind)
        if capabilities is not None:
            shown: dict[str, Any] = {"channel": kind, "name": _SHOWN.get(kind, kind), **asdict(capabilities)}
            facts.append(ChannelFacts.model_validate(shown))
    return tuple(facts)


def _prices(session: Session, organization: Organization, connected: list[Any]) -> Prices:
    found = whatsapp.organization_prices(session, organization, get_settings(), connected)
    return Prices(
        currency=found.currency,
        service=found.service,
        marketing=found.marketing,
        utility=found.utility,
        authentication=found.authentication,
    )


def _loader(session: Session) -> Callable[[str], OtherFlow | None]:
    """Live versions of other flows, read when a jump leads there."""

    def load(ref: str) -> OtherFlow | None:
        found = repository.find_live(session, ref, None)
        if found is None:
            return None
        document = FlowDocument.model_validate(found.document)
        return OtherFlow(flow_id=str(found.flow_id), document=document, name=document.name)

    return load


def _keywords(session: Session, flow_id: UUID | None) -> tuple[KeywordOwner, ...]:
    owners: list[KeywordOwner] = []
    for other in repository.keyword_flows(session):
        if other.id == flow_id:
            continue
        for raw in other.triggers:
            trigger = TriggerSpec.model_validate(raw)
            if trigger.kind == "keyword" and trigger.words:
                owners.append(
                    KeywordOwner(
                        name=other.name,
                        words=tuple(trigger.words),
                        match_type=trigger.match_type,
                        priority=trigger.priority,
                    )
                )
    return tuple(owners)
