"""Ready-made flows: what a new organization begins with, and the gallery to start from."""

from __future__ import annotations

import itertools
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.flows import catalog, documents, publishing, repository
from pytake_app.flows.schemas import FlowView, StarterStep, StarterView
from pytake_app.flows.starters import (
    appointment,
    csat,
    delivery_notice,
    event_signup,
    faq,
    job_application,
    lead_capture,
    main_menu,
    order_status,
    orders,
    payment_reminder,
    restaurant,
    samples,
    smart_support,
)
from pytake_app.flows.starters.drawing import LOCALES, Starter, known_locale, said

__all__ = ["BY_KEY", "LOCALES", "STARTERS", "Starter", "create_from_starter", "known_locale", "list_starters", "seed"]


STARTERS: tuple[Starter, ...] = (
    main_menu.STARTER,
    smart_support.STARTER,
    faq.STARTER,
    order_status.STARTER,
    orders.STARTER,
    csat.STARTER,
    appointment.STARTER,
    lead_capture.STARTER,
    restaurant.STARTER,
    event_signup.STARTER,
    delivery_notice.STARTER,
    payment_reminder.STARTER,
    job_application.STARTER,
)
SEEDED = ("main_menu", "smart_support")
BY_KEY = {starter.key: starter for starter in STARTERS}


def list_starters(locale: str) -> list[StarterView]:
    """The gallery in a language; an unknown locale gets Portuguese."""
    return list(_views(known_locale(locale)))


@lru_cache(maxsize=len(LOCALES))
def _views(locale: str) -> tuple[StarterView, ...]:
    return tuple(_view(starter, locale) for starter in STARTERS)


def _view(starter: Starter, locale: str) -> StarterView:
    document = starter.document(locale)
    return StarterView(
        key=starter.key,
        name=starter.name(locale),
        description=starter.description(locale),
        icon=starter.icon,
        category=starter.category,
        locale=locale,
        node_count=len(document.nodes),
        adapt=[StarterStep(node_id=step.node_id, text=said(step.what, locale)) for step in starter.adapt],
        needs=samples.needs(document),
        conversation=list(samples.conversation(starter, locale)),
        document=documents.stored(document),
    )


def _free_name(session: Session, name: str) -> str:
    """The name, with a number when a flow is called so already."""
    taken = {other for _id, _slug, other, _live in repository.choices(session)}
    numbers = itertools.count(2)
    free = name
    while free in taken:
        free = f"{name} {next(numbers)}"
    return free


def create_from_starter(
    session: Session,
    principal: Principal,
    *,
    starter: str,
    name: str | None,
    locale: str,
    translations: bool = False,
    clock: Clock,
) -> FlowView:
    """A new flow from a starter; with `translations` its contacts may read it in our other languages too.

    Raises:
        InvalidError: no such starter.
    """
    principal.needs(Permission.FLOWS_EDIT)
    found = BY_KEY.get(starter)
    if found is None:
        raise InvalidError("There is no such starter.", errors=[FieldError("/starter", "unknown starter", "unknown")])
    document = found.document(locale, translations=translations)
    require_room(session, Resource.FLOWS, clock=clock)
    flow = catalog.insert(
        session,
        name=name or _free_name(session, found.name(locale)),
        document=document,
        by=principal.user_id,
        clock=clock,
        slug=starter,
    )
    return catalog.get_flow(session, principal, flow.id, clock=clock)


def seed(session: Session, organization_id: UUID, locale: str, *, clock: Clock) -> list[UUID]:
    """Give a new organization its first flows, published and active.

    Raises:
        InvalidError: a starter doesn't pass the verifier: a programming error that a test catches.
    """
    if session.info.get("organization_id") != organization_id:
        raise ValueError("the transaction belongs to another organization")
    made = []
    for key in SEEDED:
        starter = BY_KEY[key]
        flow = catalog.insert(
            session, name=starter.name(locale), document=starter.document(locale), by=None, clock=clock, slug=key
        )
        publishing.make_live(session, flow, flow.draft_document, note="", by=None, clock=clock)
        flow.draft_changes = 0
        made.append(flow.id)
    session.flush()
    return made
