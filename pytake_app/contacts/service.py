"""Contacts: what other rooms call. Every function runs in the caller's transaction and never commits.

Reading needs `viewer`, changing `agent`, deleting `org_admin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import phonenumbers
from pydantic import JsonValue
from sqlmodel import Session

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.channels.whatsapp.phones import canonical_phone
from pytake_app.contacts import repository, telling
from pytake_app.contacts.addresses import Address, address_of, by_phone, default_account, reach
from pytake_app.contacts.custom_fields import (
    create_field,
    delete_field,
    field_choices,
    get_field,
    list_fields,
    reference_names,
    update_field,
)
from pytake_app.contacts.models import Contact
from pytake_app.contacts.privacy import (
    consent_history,
    export_contact,
    forget,
    known_as,
    say_source,
    silent_since,
)
from pytake_app.contacts.schemas import (
    Consent,
    ContactBrief,
    ContactCreate,
    ContactDetail,
    ContactFilter,
    ContactUpdate,
    ContactView,
    IdentityView,
    MergeRequest,
)
from pytake_app.contacts.tags import (
    create_tag,
    delete_tag,
    ensure_tags,
    list_tags,
    replaced,
    tag_name,
    tag_names,
    update_tag,
)
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of

__all__ = [
    "Address",
    "address_of",
    "briefs",
    "by_phone",
    "consent_history",
    "create_contact",
    "create_field",
    "create_tag",
    "default_account",
    "delete_contact",
    "delete_field",
    "delete_tag",
    "ensure_tags",
    "export_contact",
    "field_choices",
    "forget",
    "get_contact",
    "get_field",
    "known_as",
    "list_contacts",
    "list_fields",
    "list_tags",
    "lock",
    "matching_ids",
    "merge_contacts",
    "normalize_phone",
    "reach",
    "reference_names",
    "refuse_unreachable",
    "replaced",
    "resolve",
    "set_blocked",
    "set_consent",
    "silent_since",
    "tag_contact",
    "tag_names",
    "tell_created",
    "update_contact",
    "update_field",
    "update_tag",
]  # fmt: skip

_CLOCK = SystemClock()
DEFAULT_REGION = "BR"


def normalize_phone(text: str, *, region: str = DEFAULT_REGION) -> str | None:
    """A phone as people write it → digits, E.164 without the plus, Brazil's ninth digit written; None when it is none.

    Digits that already begin with a country code and a possible number are read so (WhatsApp writes them without
    the plus); else the number belongs to `region`.
    """
    digits = "".join(character for character in text if character.isdigit())
    if not digits or canonical_phone(text) is None:
        return None
    tries = [("+" + digits, None)] if text.strip().startswith("+") else [(text, region), ("+" + digits, None)]
    # 12 or more digits can't be a national number of Brazil: it is an international one without its plus.
    if len(digits) >= 12:
        tries.reverse()
    for candidate, of_region in tries:
        try:
            number = phonenumbers.parse(candidate, of_region)
        except phonenumbers.NumberParseException:
            continue
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")
        canonical = canonical_phone(written)
        # Brazil's short mobile numbers are "possible" only once the ninth digit stands in them.
        if canonical is not None and phonenumbers.is_possible_number(phonenumbers.parse("+" + canonical, None)):
            return canonical
    return None


def _phone(text: str | None, *, pointer: str = "/phone") -> str | None:
    if text is None or not text.strip():
        return None
    phone = normalize_phone(text)
    if phone is None:
        raise InvalidError(
            "This is not a phone number.",
            errors=[FieldError(pointer, "not a phone number", "phone")],
            code="invalid_phone",
        )
    return phone


def list_contacts(
    session: Session,
    principal: Principal,
    where: ContactFilter | None = None,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ContactView]:
    """Contacts, newest first."""
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    before = _before(cursor)
    rows = repository.page(session, where or ContactFilter(), limit=limit + 1, before=before)
    return Page(
        items=[_view(row) for row in rows[:limit]],
        next_cursor=encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None,
    )


def _before(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def get_contact(session: Session, principal: Principal, contact_id: UUID) -> ContactDetail:
    """A contact with its identities.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _detail(session, repository.find(session, contact_id))


def create_contact(
    session: Session, principal: Principal, request: ContactCreate, *, clock: Clock = _CLOCK, tell: bool = True
) -> ContactDetail:
    """A new contact.

    Parameters:
        tell: let flows that begin with a new contact begin; else the caller sees to it (`tell_created`), when what it
            is about to do with the contact comes first.

    Raises:
        InvalidError: code `invalid_phone`.
        ConflictError: code `phone_taken`: somebody has this phone already.
        LimitError: the plan has no room for another contact.
    """
    principal.needs(Permission.CONTACTS_EDIT)
    phone = _phone(request.phone)
    _refuse_taken(session, phone, None)
    require_room(session, Resource.CONTACTS, clock=clock)
    now = clock.now()
    contact = Contact(
        id=new_id(),
        organization_id=organization_of(session),
        name=request.name.strip(),
        phone=phone,
        email=request.email,
        locale=request.locale,
        fields=request.fields,
        tags=_tags(request.tags),
        created_at=now,
        updated_at=now,
    )
    session.add(contact)
    session.flush()
    ensure_tags(session, contact.tags, clock=clock)
    if tell:
        tell_created(session, contact.id, by=principal.user_id, clock=clock)
    return _detail(session, contact)


def tell_created(session: Session, contact_id: UUID, *, by: UUID | None = None, clock: Clock = _CLOCK) -> None:
    """Let flows that begin with a new contact begin."""
    telling.created(session, contact_id, by=by, clock=clock)


def update_contact(
    session: Session, principal: Principal, contact_id: UUID, request: ContactUpdate, *, clock: Clock = _CLOCK
) -> ContactDetail:
    """Change a contact.

    Raises:
        InvalidError, ConflictError: as `create_contact`.
    """
    principal.needs(Permission.CONTACTS_EDIT)
    contact = repository.find(session, contact_id, lock=True)
    given = request.model_fields_set
    before = telling.state_of(contact)
    if "phone" in given:
        phone = _phone(request.phone)
        _refuse_taken(session, phone, contact.id)
        contact.phone = phone
    if request.name is not None:
        contact.name = request.name.strip()
    for name in ("email", "locale"):
        if name in given:
            setattr(contact, name, getattr(request, name))
    for name in ("lifecycle", "lead_score"):
        if getattr(request, name) is not None:
            setattr(contact, name, getattr(request, name))
    if request.fields is not None:
        merged: dict[str, Any] = {**contact.fields, **request.fields}
        contact.fields = {key: value for key, value in merged.items() if value is not None}
    if request.tags is not None:
        contact.tags = _tags(request.tags)
        ensure_tags(session, contact.tags, clock=clock)
    return _touched(session, contact, clock, before=before, by=principal)


def _refuse_taken(session: Session, phone: str | None, own: UUID | None) -> None:
    if phone is None:
        return
    other = by_phone(session, phone)
    if other is not None and other != own:
        raise ConflictError("Another contact has this phone.", code="phone_taken")


def _tags(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip()[:60] for tag in tags if tag.strip()))


def tag_contact(
    session: Session, principal: Principal, contact_id: UUID, tag: str, *, remove: bool = False, clock: Clock = _CLOCK
) -> ContactDetail:
    """Add a tag (its name or id), or take it off; doing it twice is the same. An unknown name becomes a tag."""
    principal.needs(Permission.CONTACTS_EDIT)
    contact = repository.find(session, contact_id, lock=True)
    before = telling.state_of(contact)
    tag = tag_name(session, tag.strip())
    kept = [existing for existing in contact.tags if existing != tag]
    contact.tags = kept if remove else _tags([*contact.tags, tag])
    if not remove:
        ensure_tags(session, _tags([tag]), clock=clock)
    return _touched(session, contact, clock, before=before, by=principal)


def set_consent(
    session: Session, principal: Principal, contact_id: UUID, consent: Consent, *, clock: Clock = _CLOCK
) -> ContactDetail:
    """Record that the contact wants, or does not want, to be written to."""
    from pytake_app.queues import service as queues

    principal.needs(Permission.CONTACTS_EDIT)
    contact = repository.find(session, contact_id, lock=True)
    if contact.consent != consent:
        say_source(session, "api" if principal.api_key_id else "person", principal.user_id)
        contact.consent = consent
        contact.consent_at = clock.now()
        if consent == "opted_out":
            queues.contact_left(session, contact.id, "opted_out", by=principal.user_id, clock=clock)
    return _touched(session, contact, clock)


def set_blocked(
    session: Session, principal: Principal, contact_id: UUID, blocked: bool, *, clock: Clock = _CLOCK
) -> ContactDetail:
    """Block: nothing is sent to the contact and no automation answers it."""
    from pytake_app.queues import service as queues

    principal.needs(Permission.CONTACTS_EDIT)
    contact = repository.find(session, contact_id, lock=True)
    if contact.blocked != blocked:
        _record(session, principal, "blocked" if blocked else "unblocked", contact_id, clock=clock)
    contact.blocked = blocked
    if blocked:
        queues.contact_left(session, contact.id, "contact_blocked", by=principal.user_id, clock=clock)
    return _touched(session, contact, clock)


def delete_contact(session: Session, principal: Principal, contact_id: UUID, *, clock: Clock = _CLOCK) -> None:
    """Delete a contact that has no conversation.

    Raises:
        ConflictError: code `contact_in_use`: there are conversations; block it, or erase its personal data.
    """
    from pytake_app.conversations import service as conversations

    principal.needs(Permission.CONTACTS_DELETE)
    contact = repository.find(session, contact_id, lock=True)
    if conversations.count_of_contact(session, contact.id):
        raise ConflictError("The contact has conversations; block it instead.", code="contact_in_use")
    repository.delete_identities(session, contact.id)
    repository.delete_history(session, contact.id)
    session.delete(contact)
    session.flush()
    _record(session, principal, "deleted", contact_id, clock=clock)


def merge_contacts(
    session: Session, principal: Principal, contact_id: UUID, request: MergeRequest, *, clock: Clock = _CLOCK
) -> ContactDetail:
    """Make another contact part of this one; see `merging.merge`."""
    from pytake_app.contacts import merging

    merging.merge(session, principal, contact_id, request, clock=clock)
    return get_contact(session, principal, contact_id)


def briefs(session: Session, ids: Iterable[UUID]) -> dict[UUID, ContactBrief]:
    """What other rooms show of contacts, in one query."""
    return {contact.id: _brief(contact) for contact in repository.many(session, ids).values()}


def matching_ids(session: Session, q: str) -> Any:
    """A sub-select of the ids of contacts that match `q` in name, phone or e-mail, for other rooms' searches."""
    return repository.matching_ids(session, q)


def lock(session: Session, contact_id: UUID) -> Contact:
    """Hold the contact's row until the transaction ends, as the pipeline does: first of all locks.

    Raises:
        NotFoundError: none here.
    """
    return repository.find(session, contact_id, lock=True)


def resolve(session: Session, principal: Principal, ref: str, *, clock: Clock = _CLOCK) -> tuple[Contact, bool]:
    """The contact with this id or phone number, and whether it is a new one: an unknown number becomes a contact, and
    the caller says so (`tell_created`) once it has begun what it wanted with it.

    Raises:
        NotFoundError: no contact has this id.
        InvalidError: neither an id nor a phone number.
    """
    principal.needs(Permission.CONTACTS_EDIT, Permission.CONVERSATIONS_HANDLE)
    try:
        return repository.find(session, UUID(ref)), False
    except ValueError:
        phone = _phone(ref, pointer="/contact_id")
    if phone is None:
        raise InvalidError(
            "A contact is an id or a phone number.", errors=[FieldError("/contact_id", "empty", "missing")]
        )
    known = by_phone(session, phone)
    if known is None:
        made = create_contact(session, principal, ContactCreate(phone=phone), clock=clock, tell=False)
        return repository.find(session, made.id), True
    return repository.find(session, known), False


def refuse_unreachable(contact: Contact) -> None:
    """Refuse to write to people who are blocked or don't want it.

    Raises:
        ConflictError: `contact_blocked`, `contact_opted_out`.
    """
    if contact.blocked:
        raise ConflictError("The contact is blocked.", code="contact_blocked")
    if contact.consent == "opted_out":
        raise ConflictError("The contact does not want to be written to.", code="contact_opted_out")


def _touched(
    session: Session,
    contact: Contact,
    clock: Clock,
    *,
    before: telling.State | None = None,
    by: Principal | None = None,
) -> ContactDetail:
    contact.updated_at = clock.now()
    session.add(contact)
    session.flush()
    if before is not None and by is not None:
        telling.changed(session, contact, before, by=by.user_id, clock=clock)
        names = telling.changed_names(before, telling.state_of(contact))
        if names:
            _record(session, by, "updated", contact.id, {"fields": list(names)}, clock=clock)
    return _detail(session, contact)


def _record(
    session: Session,
    principal: Principal,
    action: str,
    contact_id: UUID,
    detail: dict[str, JsonValue] | None = None,
    *,
    clock: Clock,
) -> None:
    """Write down what somebody did to a contact; never what stands in it: the log outlives the contact's erasure."""
    from pytake_app.accounts import service as accounts

    accounts.record_event(session, principal, action, "contact", contact_id, detail, clock=clock)


def _view(contact: Contact) -> ContactView:
    return ContactView.model_validate({name: getattr(contact, name) for name in ContactView.model_fields})


def _brief(contact: Contact) -> ContactBrief:
    return ContactBrief.model_validate({name: getattr(contact, name) for name in ContactBrief.model_fields})


def _detail(session: Session, contact: Contact) -> ContactDetail:
    identities = [
        IdentityView.model_validate({name: getattr(identity, name) for name in IdentityView.model_fields})
        for identity in repository.identities(session, contact.id)
    ]
    return ContactDetail(**_view(contact).model_dump(), identities=identities)
