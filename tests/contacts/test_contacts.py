# ruff: noqa: E501
"""Contacts: phones as people write them, search, consent, addresses."""

import pytest

from pytake_app.contacts import service
from pytake_app.contacts.schemas import ContactCreate, ContactFilter, ContactUpdate
from pytake_app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from tests.support.tenants import Tenant, make_tenant


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("+55 (11) 98765-4321", "5511987654321"),
        ("5511987654321", "5511987654321"),
        ("551187654321", "5511987654321"),  # as WhatsApp writes older Brazilian numbers
        ("(11) 98765-4321", "5511987654321"),
        ("11 8765-4321", "5511987654321"),
        ("+1 202 555 0143", "12025550143"),
        ("351912345678", "351912345678"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("(11) 3456-7890", "551134567890"),
        ("", None),
        ("abc", None),
        ("12", None),
        ("+999999999999999999", None),
    ],
)
def test_phones(written: str, stored: str | None) -> None:
    assert service.normalize_phone(written) == stored


def create(tenant: Tenant, **values: object) -> object:
    with tenant.session() as session:
        return service.create_contact(
            session, tenant.agent, ContactCreate.model_validate(values), clock=tenant.clock
        ).id


def test_one_phone_one_contact(tenant: Tenant) -> None:
    create(tenant, name="Ana", phone="11 98765-4321")
    with pytest.raises(ConflictError) as taken:
        create(tenant, name="Outra", phone="551187654321")
    assert taken.value.code == "phone_taken"
    with pytest.raises(InvalidError) as bad:
        create(tenant, phone="not a phone")
    assert [e.pointer for e in bad.value.errors] == ["/phone"]
    other = make_tenant(tenant.db, tenant.clock, name="Outra")
    create(other, name="Ana", phone="11 98765-4321")  # another organization's contacts are nobody's business


def test_changing(tenant: Tenant) -> None:
    contact_id = create(tenant, name="Ana", fields={"city": "Recife", "size": 3}, tags=["vip", " vip ", ""])
    with tenant.session() as session:
        changed = service.update_contact(
            session, tenant.agent, contact_id, ContactUpdate.model_validate({"fields": {"size": None, "x": 1}, "email": "a@b.co"}),
            clock=tenant.clock,
        )  # fmt: skip
        assert (changed.fields, changed.tags, changed.email, changed.name) == (
            {"city": "Recife", "x": 1},
            ["vip"],
            "a@b.co",
            "Ana",
        )
        service.tag_contact(session, tenant.agent, contact_id, "novo", clock=tenant.clock)
        tagged = service.tag_contact(session, tenant.agent, contact_id, "vip", remove=True, clock=tenant.clock)
        assert tagged.tags == ["novo"]
        out = service.set_consent(session, tenant.agent, contact_id, "opted_out", clock=tenant.clock)
        assert (out.consent, out.consent_at) == ("opted_out", tenant.clock.now())
        assert service.set_blocked(session, tenant.agent, contact_id, True, clock=tenant.clock).blocked


def test_search_is_blind_to_accents_and_punctuation(tenant: Tenant) -> None:
    wanted = create(tenant, name="Conceição Müller", phone="21 99999-0000", email="Con@x.com", tags=["vip"])
    create(tenant, name="Bob", phone="11 98888-0000")
    with tenant.session() as session:
        for q in ("conceicao", "MULLER", "99999-0000", "con@X"):
            found = service.list_contacts(session, tenant.viewer, ContactFilter(q=q)).items
            assert [c.id for c in found] == [wanted], q
        assert service.list_contacts(session, tenant.viewer, ContactFilter(q="%")).items == []
        assert [c.id for c in service.list_contacts(session, tenant.viewer, ContactFilter(tag="vip")).items] == [wanted]
        first = service.list_contacts(session, tenant.viewer, limit=1)
        second = service.list_contacts(session, tenant.viewer, limit=1, cursor=first.next_cursor)
        assert [first.items[0].name, second.items[0].name, second.next_cursor] == ["Bob", "Conceição Müller", None]


def test_where_a_contact_is_reached(tenant: Tenant) -> None:
    known = tenant.contact(phone="5511987654321")
    contact_id = create(tenant, phone="21 99999-0000")
    nobody = create(tenant, name="Sem telefone")
    with tenant.session() as session:
        assert service.resolve(session, tenant.agent, "11 8765-4321")[0].id == known.id
        fresh, new = service.resolve(session, tenant.agent, "+55 31 97777-0000", clock=tenant.clock)
        assert (fresh.phone, new) == ("5531977770000", True)
        person, new = service.resolve(session, tenant.agent, str(contact_id))
        assert not new
        address = service.reach(session, person, clock=tenant.clock)
        assert (address.channel_account_id, address.key, address.recipient) == (
            tenant.account.id,
            "5521999990000",
            "5521999990000",
        )
        assert service.address_of(session, person.id, tenant.account.id) == address
        with pytest.raises(ConflictError) as lost:
            service.reach(session, service.resolve(session, tenant.agent, str(nobody))[0], clock=tenant.clock)
        assert lost.value.code == "no_address"
        with pytest.raises(InvalidError):
            service.resolve(session, tenant.agent, "Maria")


def test_who_may_what(tenant: Tenant) -> None:
    contact_id = create(tenant, name="Ana")
    with tenant.session() as session:
        with pytest.raises(ForbiddenError):
            service.create_contact(session, tenant.viewer, ContactCreate(name="x"))
        with pytest.raises(ForbiddenError):
            service.delete_contact(session, tenant.agent, contact_id)
        service.delete_contact(session, tenant.admin, contact_id)
        with pytest.raises(NotFoundError):
            service.get_contact(session, tenant.viewer, contact_id)
