"""Endpoints of contacts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.contacts import service
from pytake_app.contacts.schemas import (
    Consent,
    ContactCreate,
    ContactDetail,
    ContactFilter,
    ContactStats,
    ContactUpdate,
    ContactView,
    MergeRequest,
)
from pytake_app.conversations import service as conversations
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page

router = APIRouter(prefix="/contacts", tags=["contacts"])

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]
Words = Annotated[str, Query(max_length=200)]


@router.get("")
def list_contacts(
    who: CurrentPrincipal,
    session: TenantSession,
    q: Words = "",
    tag: Annotated[str | None, Query(max_length=60)] = None,
    consent: Consent | None = None,
    blocked: bool | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ContactView]:
    """Contacts, newest first."""
    where = ContactFilter(q=q, tag=tag, consent=consent, blocked=blocked)
    return service.list_contacts(session, who, where, limit=limit, cursor=cursor)


@router.get("/search")
def search_contacts(
    who: CurrentPrincipal, session: TenantSession, q: Words, limit: Limit = 20, cursor: Cursor = None
) -> Page[ContactView]:
    """Contacts whose name, phone or e-mail contains `q`, accents and case aside."""
    return service.list_contacts(session, who, ContactFilter(q=q), limit=limit, cursor=cursor)


@router.post("", status_code=201, response_model=ContactDetail)
def create_contact(
    body: ContactCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new contact. 409 `phone_taken` when somebody has the phone already."""
    return once.run(201, lambda: service.create_contact(session, who, body, clock=services.clock))


@router.get("/{contact_id}")
def get_contact(contact_id: UUID, who: CurrentPrincipal, session: TenantSession) -> ContactDetail:
    """One contact with its identities."""
    return service.get_contact(session, who, contact_id)


@router.patch("/{contact_id}")
def update_contact(
    contact_id: UUID, body: ContactUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ContactDetail:
    """Change a contact; absent members stay, `fields` is merged, null deletes."""
    return service.update_contact(session, who, contact_id, body, clock=services.clock)


@router.delete("/{contact_id}", status_code=204)
def delete_contact(contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """Delete a contact that has no conversation."""
    service.delete_contact(session, who, contact_id, clock=services.clock)
    return Response(status_code=204)


@router.post("/{contact_id}/opt-in")
def opt_in(contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ContactDetail:
    """The contact wants to be written to."""
    return service.set_consent(session, who, contact_id, "opted_in", clock=services.clock)


@router.post("/{contact_id}/opt-out")
def opt_out(contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ContactDetail:
    """The contact does not want to be written to."""
    return service.set_consent(session, who, contact_id, "opted_out", clock=services.clock)


@router.post("/{contact_id}/block")
def block(contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ContactDetail:
    """Nothing is sent to the contact and no automation answers it."""
    return service.set_blocked(session, who, contact_id, True, clock=services.clock)


@router.post("/{contact_id}/unblock")
def unblock(contact_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ContactDetail:
    """Undo `block`."""
    return service.set_blocked(session, who, contact_id, False, clock=services.clock)


@router.post("/{contact_id}/merge", responses=refusals(403, 404, 409, 422, 429))
def merge(
    contact_id: UUID, body: MergeRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ContactDetail:
    """Another contact (`contact_id` of the body) is the same person: its identities, conversations, messages, tags and
    fields become this one's, and it is gone. Can't be undone: `confirm` must be true (422 `confirm_needed`)."""
    return service.merge_contacts(session, who, contact_id, body, clock=services.clock)


@router.post("/{contact_id}/tags/{tag}")
def add_tag(
    contact_id: UUID, tag: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ContactDetail:
    """Tag a contact."""
    return service.tag_contact(session, who, contact_id, tag, clock=services.clock)


@router.delete("/{contact_id}/tags/{tag}")
def remove_tag(
    contact_id: UUID, tag: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ContactDetail:
    """Take a tag off."""
    return service.tag_contact(session, who, contact_id, tag, remove=True, clock=services.clock)


@router.get("/{contact_id}/stats")
def contact_stats(contact_id: UUID, who: CurrentPrincipal, session: TenantSession) -> ContactStats:
    """How much was said with a contact."""
    service.get_contact(session, who, contact_id)
    return conversations.contact_stats(session, who, contact_id)
