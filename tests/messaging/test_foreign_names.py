"""Flow documents that name another organization's things, by id and by name: the pipeline, which sees every tenant's
rows, finds none of them, changes nothing there and tells nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from pytake_app.accounts.models import Department, DepartmentMember
from pytake_app.contacts.models import Contact
from pytake_app.core.clock import FrozenClock
from pytake_app.core.egress import EgressGuard
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows.requester import Requester
from pytake_app.outgoing import service as secrets
from pytake_app.outgoing.schemas import NewSecret
from pytake_app.queues import service as queues
from pytake_app.queues.schemas import CalendarCreate, Period
from tests.messaging.test_media_send import keep
from tests.security.isolation.test_api import fingerprint
from tests.support.echo_server import EchoServer
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import Pipeline, add_flow

SAID = "Casa Boreal fala"


def flow(word: str, node_type: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": word,
        "nodes": [
            {"id": "in", "type": "trigger_keyword", "config": {"words": [word]}},
            {"id": "it", "type": node_type, "config": config},
        ],
        "edges": [{"id": "e", "source": "in", "port": "next", "target": "it"}],
    }


def seed(pipeline: Pipeline, services: Services, clock: FrozenClock) -> dict[str, str]:
    """Everything that a document may name, by what it is."""
    tenant, organization_id = pipeline.tenant, pipeline.tenant.organization_id
    answer = {"nodes": [{"id": "s", "type": "start"}, {"id": "t", "type": "msg_text", "config": {"body": SAID}}],
              "edges": [{"id": "e", "source": "s", "port": "next", "target": "t"}]}  # fmt: skip
    flow_id = add_flow(services.database, organization_id, {"name": "Segredo", **answer})
    always = [Period(days=[0, 1, 2, 3, 4, 5, 6], opens="00:00", closes="23:59")]
    with tenant.session() as session:
        queues.seed_organization(session, organization_id, "pt_BR", clock=clock)
        calendar = queues.create_calendar(
            session, tenant.admin, CalendarCreate(name="Só deles", periods=always, timezone="UTC"), clock=clock
        )
        department = Department(id=new_id(), organization_id=organization_id, name="Diretoria")
        session.add(department)
        session.flush()
        session.add(
            DepartmentMember(organization_id=organization_id, department_id=department.id, user_id=tenant.agent.user_id)
        )
        who = Principal(new_id(), organization_id, Role.ORG_ADMIN, new_id())
        kept = NewSecret.model_validate({"name": "TOKEN", "value": "abc-123-secret"})
        secrets.put_secret(session, who, services.secrets, kept)
    return {
        "user": str(tenant.agent.user_id),
        "email": pipeline.scalar("SELECT email FROM users WHERE id = :id", id=tenant.agent.user_id),
        "department": str(department.id),
        "queue": str(pipeline.scalar("SELECT id FROM service_queues WHERE organization_id = :o AND NOT is_default"
                                     " ORDER BY name LIMIT 1", o=organization_id)),
        "calendar": str(calendar.id),
        "flow": str(flow_id),
        "slug": pipeline.scalar("SELECT slug FROM flows WHERE id = :id", id=flow_id),
        "media": str(keep(pipeline, services, clock)),
    }  # fmt: skip


async def test_nothing_of_another_organization_is_found(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    own = Pipeline.make(services, graph_stub.base_url)
    theirs = Pipeline.make(services, graph_stub.base_url)
    other = theirs.tenant.organization_id
    names = seed(theirs, services, frozen_clock)
    organization_id = own.tenant.organization_id
    with own.tenant.session() as session:
        queues.seed_organization(session, organization_id, "pt_BR", clock=frozen_clock)
    async with EchoServer() as server:
        call = {"method": "POST", "url": server.url, "auth": "bearer", "token": "{{ secret.TOKEN }}", "retries": 0}
        blocks: dict[str, tuple[str, dict[str, Any]]] = {
            "assignid": ("assign_agent", {"user": names["user"]}),
            "assignmail": ("assign_agent", {"user": names["email"]}),
            "notifyuser": ("notify", {"audience": "user", "target": names["email"], "title": "Oi"}),
            "notifydepartment": ("notify", {"audience": "department", "target": names["department"], "title": "Oi"}),
            "notifyname": ("notify", {"audience": "department", "target": "Diretoria", "title": "Oi"}),
            "jumpid": ("jump", {"flow": names["flow"]}),
            "jumpslug": ("jump", {"flow": names["slug"], "mode": "call"}),
            "queue": ("action_transfer_to_queue", {"queue_id": names["queue"]}),
            "hours": ("business_hours", {"calendar": "named", "calendar_id": names["calendar"]}),
            "media": ("msg_media", {"kind": "image", "media_id": names["media"]}),
            "call": ("api_call", call),
        }
        for word, (node_type, config) in blocks.items():
            add_flow(services.database, organization_id, flow(word, node_type, config))
        before = fingerprint(services.database, other)
        now = frozen_clock.now()
        phones = {word: f"55119{number:08d}" for number, word in enumerate(blocks)}
        await own.hear(*(own.phone(phones[word]).text(word, at=now) for word in blocks))
        worker = Requester(services, guard=EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
        while await worker.begin() or worker._tasks:
            await worker.finish(10)
        await asyncio.to_thread(own.drain)
        await own.send()
        assert server.seen == []  # a secret that isn't there calls nobody
    assert own.scalar("SELECT count(DISTINCT flow_id) FROM flow_sessions") == len(blocks)  # each of them ran

    def about(word: str, statement: str) -> list[tuple[Any, ...]]:
        with own.tenant.session() as session:
            contact = session.query(Contact).filter(Contact.phone == phones[word]).one()  # type: ignore[arg-type]
        return own.rows(statement, contact=contact.id)

    for word in ("assignid", "assignmail"):
        assert about(word, "SELECT assignee_id FROM conversations WHERE contact_id = :contact") == [(None,)]
    told = {row[0] for row in own.rows("SELECT user_id FROM notifications")}
    admins = {row[0] for row in own.rows("SELECT id FROM users WHERE organization_id = :o AND role = 'org_admin'",
                                         o=organization_id)}  # fmt: skip
    assert told == admins  # nobody was meant here, so those in charge are told
    assert own.rows("SELECT text FROM messages WHERE text LIKE :said", said=f"%{SAID}%") == []
    (queued,) = about("queue", "SELECT q.organization_id, q.is_default FROM conversations c JOIN service_queues q"
                               " ON q.id = c.queue_id WHERE c.contact_id = :contact")  # fmt: skip
    assert queued == (organization_id, True)
    (sent,) = about("media", "SELECT state FROM outbox WHERE contact_id = :contact")
    assert sent == ("dead",)
    assert graph_stub.media == {}
    assert fingerprint(services.database, other) == before
    found = own.rows("SELECT count(*) FROM conversations WHERE organization_id = :o AND (assignee_id = :u OR"
                     " queue_id = :q)", o=organization_id, u=UUID(names["user"]), q=UUID(names["queue"]))  # fmt: skip
    assert found == [(0,)]
