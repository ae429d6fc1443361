"""Several people at once: edits follow each other, taking over and the pipeline wait for one another."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.contacts.models import Contact
from pytake_app.conversations import service as inbox
from pytake_app.conversations.models import Message
from pytake_app.core.errors import ConflictError
from pytake_app.flows import service
from pytake_app.flows.models import FlowSession
from pytake_app.messaging.commands import Command, submit_command
from tests.support.tenants import Tenant
from tests.waiting import wait_until

DOCUMENT: dict[str, Any] = {
    "spec_version": "1.0",
    "nodes": [{"id": f"n{i}", "type": "msg_text", "config": {"body": "x"}} for i in range(8)],
}


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment; answers what each returned or raised."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        gate.wait(10)
        try:
            return act()
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_simultaneous_edits_lose_nothing(tenant: Tenant) -> None:
    with tenant.session() as session:
        flow = service.create_flow(session, tenant.admin, name="F", document=DOCUMENT, clock=tenant.clock)

    def editor(number: int) -> Callable[[], Any]:
        def edit() -> Any:
            with tenant.session() as session:
                operation = {"op": "update_config", "id": f"n{number}", "patch": {"body": f"by {number}"}}
                return service.apply_operations(
                    session,
                    tenant.admin,
                    flow.id,
                    [operation],
                    expected_revision=flow.draft_revision,
                    clock=tenant.clock,
                )

        return edit

    results = at_once(*(editor(n) for n in range(8)))
    assert sorted(r.revision - flow.draft_revision for r in results) == list(range(1, 9))
    with tenant.session() as session:
        nodes = service.list_nodes(session, tenant.viewer, flow.id)
        edits = service.edits_since(session, tenant.viewer, flow.id, flow.draft_revision)
    assert [n.config["body"] for n in nodes] == [f"by {n}" for n in range(8)]
    assert edits is not None
    assert [e.seq for e in edits] == [flow.draft_revision + n for n in range(1, 9)]


def test_simultaneous_publishing_gives_each_its_number(tenant: Tenant) -> None:
    with tenant.session() as session:
        flow = service.create_from_starter(session, tenant.admin, starter="orders", clock=tenant.clock)

    def publish() -> Any:
        with tenant.session() as session:
            return service.publish_flow(session, tenant.admin, flow.id, clock=tenant.clock).version

    assert sorted(at_once(*[publish] * 4)) == [1, 2, 3, 4]


def test_simultaneous_new_flows_get_different_slugs(tenant: Tenant) -> None:
    def create() -> Any:
        with tenant.session() as session:
            return service.create_flow(session, tenant.admin, name="Menu", clock=tenant.clock).slug

    assert sorted(at_once(*[create] * 4)) == ["menu", "menu_2", "menu_3", "menu_4"]


@pytest.mark.usefixtures("worker")
def test_taking_over_while_the_bot_talks(tenant: Tenant, services: Services) -> None:
    """Whoever comes first: in the end a person answers, nothing runs, and the bot has not spoken after them."""
    with tenant.session() as session:
        service.seed_organization(session, tenant.organization_id, "pt_BR", clock=tenant.clock)
        flow_id = service.get_flow(session, tenant.admin, "main_menu").id
    for number in range(6):
        phone = f"5511987650{number:03}"
        contact = tenant.contact(phone=phone)
        thread = tenant.conversation(contact)

        def bot(contact: Contact = contact) -> None:
            with tenant.session() as session:
                submit_command(
                    session,
                    organization_id=tenant.organization_id,
                    channel_account_id=tenant.account.id,
                    contact_key=str(contact.phone),
                    command=Command(action="start", flow_id=flow_id),
                    clock=tenant.clock,
                )

        def started(contact: Contact = contact) -> Any:
            with tenant.session() as session:
                return session.exec(select(FlowSession.status).where(FlowSession.contact_id == contact.id)).first()

        bot()
        if number % 2:
            wait_until(started)

        def person(thread: Any = thread) -> Any:
            with tenant.session() as session:
                return inbox.take_over(session, tenant.agent, thread.id, clock=tenant.clock).handling

        assert person() == "person"
        status = wait_until(started)
        with tenant.session() as session:
            said = session.exec(select(Message).where(Message.conversation_id == thread.id)).all()
            now = inbox.get_conversation(session, tenant.viewer, thread.id, clock=tenant.clock)
        if status == "interrupted":  # the bot came first and was stopped
            assert (now.handling, now.flow_session_id) == ("person", None)
            assert len(said) == 2
