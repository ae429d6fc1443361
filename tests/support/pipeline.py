"""The pipeline in one hand: ingest, drain, send and look, against real servers and the loopback Graph API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.triggers import flow_triggers
from pytake_app.flows.execution import DrainResult, Executor
from pytake_app.flows.models import Flow, FlowVersion
from pytake_app.messaging.ingest import IngestAccount, Ingestor
from pytake_app.messaging.sender import Sender
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.runtime import write_credentials
from tests.support.tenants import Tenant, make_tenant
from tests.waiting import wait_until_async

APP_SECRET = "app-secret-of-the-tests"

MENU: dict[str, Any] = {
    "name": "Menu",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {
            "id": "menu",
            "type": "msg_buttons",
            "config": {
                "body": "Olá {{contact.name}}!",
                "buttons": [{"id": "sales", "title": "Vendas"}, {"id": "help", "title": "Suporte"}],
            },
        },
        {"id": "sold", "type": "msg_text", "config": {"body": "Vendas: {{session.note}}fale conosco"}},
        {
            "id": "help",
            "type": "action_transfer_to_queue",
            "config": {"queue_name": "Suporte", "wait_timeout_minutes": 30},
        },
    ],
    "edges": [
        {"id": "e1", "source": "in", "port": "next", "target": "menu"},
        {"id": "e2", "source": "menu", "port": "option:sales", "target": "sold"},
        {"id": "e3", "source": "menu", "port": "option:help", "target": "help"},
    ],
}
"""Buttons; one ends with a text, one hands over to people. Anything else is asked again."""

ECHO: dict[str, Any] = {
    "name": "Echo",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "say", "type": "msg_text", "config": {"body": "re: {{message.text}}"}},
    ],
    "edges": [{"id": "e1", "source": "in", "port": "next", "target": "say"}],
}
"""Answers each message with its own text: order and number of the answers can be checked."""


def add_flow(db: Database, organization_id: UUID, document: dict[str, Any], version: int = 1) -> UUID:
    """A live flow with one version, made row by row."""
    parsed = FlowDocument.model_validate(document).model_dump(mode="json")
    flow = Flow(
        id=new_id(),
        organization_id=organization_id,
        name=document["name"],
        slug=uuid4().hex,
        status="active",
        draft_document=parsed,
        live_version=version,
        triggers=[spec.model_dump(mode="json") for spec in flow_triggers(FlowDocument.model_validate(document))],
    )
    with db.tenant(organization_id) as session:
        session.add(flow)
        session.flush()
        session.add(
            FlowVersion(
                organization_id=organization_id, flow_id=flow.id, version=version, document=parsed, checksum="-"
            )
        )
    return flow.id


def connect_account(services: Services, tenant: Tenant, base_url: str, **settings: Any) -> None:
    """Give the tenant's number credentials and point it at a Graph stand-in."""
    cipher = write_credentials(
        services.secrets, {"access_token": "test-access-token", "app_secret": APP_SECRET, "verify_token": "verify"}
    )
    with services.database.tenant(tenant.organization_id) as session:
        row = session.get(ChannelAccount, tenant.account.id)
        assert row is not None
        row.credentials = cipher
        row.settings = {"api_base_url": base_url, "mark_read": False, "messages_per_second": 5000, **settings}
        session.add(row)


@dataclass
class Pipeline:
    """One organization with a number, and every stage of the pipeline called by hand."""

    services: Services
    tenant: Tenant
    business_account_id: str = ""
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = Executor(self.services)

    @classmethod
    def make(cls, services: Services, base_url: str = "http://127.0.0.1:9") -> Pipeline:
        """A new organization whose number sends to `base_url`."""
        tenant = make_tenant(services.database, services.clock)
        connect_account(services, tenant, base_url)
        return cls(services, tenant)

    def phone(self, wa_id: str | None = "5511987654321", name: str = "Ana", bsuid: str | None = None) -> Simulator:
        """Somebody's phone, talking to this number."""
        return Simulator(Account(self.tenant.account.external_id), Person(wa_id, name, bsuid))

    @property
    def ingest_account(self) -> IngestAccount:
        """The number as ingest knows it."""
        account = self.tenant.account
        return IngestAccount(
            account.id, account.organization_id, account.external_id, business_account_id=self.business_account_id
        )

    async def receive(self, *bodies: dict[str, Any]) -> None:
        """Have deliveries stored, one after the other."""
        ingestor = Ingestor(self.services)
        await ingestor.start()
        try:
            for body in bodies:
                await ingestor.submit(self.ingest_account, parse(body))
        finally:
            await ingestor.stop()

    def drain(self) -> DrainResult:
        """Handle everything that is pending."""
        total = DrainResult()
        while True:
            result = self.executor.drain(range(self.services.settings.lanes))
            total = DrainResult(total.events + result.events, total.failed + result.failed, total.dead + result.dead)
            if not result.events or result.failed:
                return total

    async def hear(self, *bodies: dict[str, Any]) -> DrainResult:
        """Receive and handle."""
        await self.receive(*bodies)
        return await asyncio.to_thread(self.drain)

    async def send(self, until: Callable[[], Awaitable[bool]] | None = None) -> None:
        """Run a sender until nothing is due (or until `until`)."""
        stop = asyncio.Event()
        task = asyncio.create_task(Sender(self.services).run(stop))
        try:
            await wait_until_async(until or self._nothing_due)
        finally:
            stop.set()
            await task

    async def _nothing_due(self) -> bool:
        return (
            await asyncio.to_thread(
                lambda: self.scalar("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")
            )
            == 0
        )

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with self.services.database.system_connection() as connection:
            return [tuple(row) for row in connection.execute(text(statement), parameters)]

    def scalar(self, statement: str, **parameters: Any) -> Any:
        """The one value of the one row."""
        (row,) = self.rows(statement, **parameters)
        return row[0]

    def execute(self, statement: str, **parameters: Any) -> None:
        """Change something behind the pipeline's back, as nobody of ours may."""
        with self.services.database.system_connection() as connection:
            connection.execute(text("RESET ROLE"))
            connection.execute(text("SET LOCAL row_security = off"))
            connection.execute(text(statement), parameters)
            connection.execute(text("SET ROLE pytake_system"))
