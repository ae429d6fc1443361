"""Parts of `bench inbox`: the inbox with a shop's worth of conversations. One JSON line a part.

* `list`: server milliseconds of the first page in each order and tab, and of the counts, with 200,000 conversations.
* `search`: server milliseconds of searches over 2,000,000 messages: rare, common and several words, names, phones.
* `pixel`: from the commit until Chromium has painted a message, with 200 agents at 20 messages a second.
* `live`: 200 agents on sockets, 20 messages a second: milliseconds from the commit until each agent's client heard.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import psycopg
from sqlalchemy import text

from pytake_app.bench import inbox_pixel
from pytake_app.bench.inbox_fill import fill
from pytake_app.bench.pipeline import Product, environment_for, free_port, machine, servers
from pytake_app.bench.ui_load import people
from pytake_app.config import Settings
from pytake_app.conversations import searching
from pytake_app.conversations import service as conversations
from pytake_app.conversations.models import Message
from pytake_app.conversations.schemas import ConversationFilter
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.embedded.environment import reflex_environment

PARTS = ("list", "search", "live", "pixel")
SEARCHES = (
    "ornitorrinco", "pedido", "pedido 77", "devolucao azul500", "bom dia promoção", "conceicao", "Araujo 7",
    "garantia tenis", "900012345", "+55 11 90001-2345", '"preciso de ajuda"', "azul9", "inexistente",
    "obrigado pedido 1234",
)  # fmt: skip
_LISTS: dict[str, dict[str, Any]] = {
    "open": {"status": ["open"]},
    "mine": {"status": ["open", "pending"], "assignee": "mine"},
    "unassigned": {"status": ["open"], "assignee": "unassigned"},
    "waiting": {"sort": "waiting"},
    "priority": {"sort": "priority"},
    "closed": {"status": ["closed"]},
    "everything": {},
    "unread": {"status": ["open"], "unread": True},
    "tag": {"status": ["open"], "tags": ["VIP"]},
    "named": {"q": "conceicao"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """How large the parts are."""
    parser.add_argument("--conversations", type=int, default=200_000)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=20, help="of each question")
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=20.0)


def measure(wanted: Sequence[str], options: argparse.Namespace) -> None:
    """Measure the parts named; `options` as of `add_options`."""
    data_dir = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    data_dir.chmod(0o711)
    try:
        with servers(data_dir, inbox_pixel.POSTGRES if "pixel" in wanted else None) as (database_url, redis_url):
            environment = environment_for(database_url, redis_url, data_dir, 1) | {
                "PORT": str(free_port()), "ENVIRONMENT": "test", "WEB_WORKERS": "1"
            }  # fmt: skip
            settings = Settings(
                database_url=database_url, redis_url=redis_url, secret_key=environment["SECRET_KEY"],
                port=int(environment["PORT"]), web_workers=1, data_dir=data_dir,
            )  # fmt: skip
            services = Services(settings)
            try:
                for part in wanted:
                    if part == "live":
                        figures = _live(services, environment, data_dir, options)
                    elif part == "pixel":
                        figures = inbox_pixel.measure(services, database_url, environment, data_dir, options)
                    else:
                        figures = _questions(services, database_url, part, options)
                    line = {"bench": "inbox", "part": part, **figures, "machine": machine()}
                    print(orjson.dumps(line).decode(), flush=True)
            finally:
                services.close()
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _questions(services: Services, database_url: str, part: str, options: argparse.Namespace) -> dict[str, Any]:
    me = new_id()
    began = time.monotonic()
    said = options.messages if part == "search" else 0
    organization = fill(services.database, conversations=options.conversations, messages=said, agent=me)
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    filled = time.monotonic() - began
    principal = Principal(me, organization, Role.AGENT, new_id())
    asked: dict[str, Callable[[Any], object]] = {}
    if part == "list":
        for name, values in _LISTS.items():
            where = ConversationFilter(**values)
            asked[name] = lambda session, where=where: conversations.list_conversations(  # type: ignore[misc]
                session, principal, where, limit=50
            )
        asked["counts"] = lambda session: conversations.conversation_stats(session, principal)
    else:
        for q in SEARCHES:
            asked[q] = lambda session, q=q: searching.search(  # type: ignore[misc]
                session, principal, q, limit=30, cursor=None
            )
    figures: dict[str, float] = {}
    every: list[float] = []
    for name, ask in asked.items():
        times = [_timed(services, organization, ask) for _ in range(options.runs + 1)][1:]
        figures[name] = round(statistics.median(times), 1)
        every += times
    return {
        "conversations": options.conversations, "messages": said, "filled_seconds": round(filled, 1),
        "median_ms": figures, "p95_ms": round(_percentile(every, 0.95), 1), "max_ms": round(max(every), 1),
    }  # fmt: skip


def _timed(services: Services, organization: UUID, ask: Callable[[Any], object]) -> float:
    began = time.perf_counter()
    with services.database.tenant(organization) as session:
        answer = ask(session)
    assert answer is not None
    return (time.perf_counter() - began) * 1000


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _live(
    services: Services, environment: dict[str, str], data_dir: Path, options: argparse.Namespace
) -> dict[str, Any]:
    from pytake_app.embedded.up import prepare_front_end

    settings = services.settings
    prepare_front_end(settings, lambda _line: None)
    announced = {name: value for name, value in os.environ.items() if name.startswith("PYTAKE_FRONTEND")}
    product = Product(
        environment | announced | reflex_environment(building=False), data_dir, settings.port, web=settings
    )
    url = f"http://127.0.0.1:{settings.port}"
    try:
        product.start_all(1)
        await_ready(url)
        organization, cookies = people(services, url, options.agents)
        return asyncio.run(_sockets(services, url, organization, cookies, options))
    finally:
        product.stop()


def await_ready(url: str) -> None:
    """Until the web server says that it can work."""
    import urllib.error
    import urllib.request

    deadline = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"{url}/ready", timeout=5).read()  # noqa: S310  # this machine's own address
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


async def _sockets(
    services: Services, url: str, organization: UUID, cookies: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Each agent's client hears of messages written here, as the pipeline writes and tells of them."""
    committed: dict[str, float] = {}
    late: list[float] = []
    heard = [0] * len(cookies)
    broken: list[str] = []
    ready = asyncio.Semaphore(0)

    async def agent(n: int, cookie: str, client: aiohttp.ClientSession) -> None:
        headers = {"Cookie": cookie, "Origin": url}
        async with client.ws_connect(f"{url}/api/v1/ws", headers=headers) as socket:
            async for frame in socket:
                event = orjson.loads(frame.data)
                if event["type"] == "connected":
                    ready.release()
                elif event["type"] == "message_received":
                    late.append((time.perf_counter() - committed[event["message"]["id"]]) * 1000)
                    heard[n] += 1
                elif event["type"] == "reconnected":
                    broken.append(str(event))

    thread = await asyncio.to_thread(_thread, services, organization)
    total = int(options.rate * options.seconds)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        agents = [asyncio.create_task(agent(n, cookie, client)) for n, cookie in enumerate(cookies)]
        for _ in cookies:
            await asyncio.wait_for(ready.acquire(), 60)
        begin = time.perf_counter()
        for number in range(total):
            await asyncio.sleep(max(0.0, begin + number / options.rate - time.perf_counter()))
            await asyncio.to_thread(_say, services, organization, thread, number, committed)
        deadline = time.monotonic() + 15
        while sum(heard) < total * len(cookies) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        for task in agents:
            task.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
    return {
        "agents": len(cookies), "messages": total, "rate": options.rate, "heard": sum(heard),
        "wanted": total * len(cookies), "told_to_reload": len(broken),
        "p50_ms": round(_percentile(late, 0.5), 1), "p95_ms": round(_percentile(late, 0.95), 1),
        "max_ms": round(max(late), 1),
    }  # fmt: skip


def _thread(services: Services, organization: UUID) -> dict[str, UUID]:
    with services.database.tenant(organization) as session:
        connection = session.connection()
        account = connection.execute(text("SELECT id FROM channel_accounts LIMIT 1")).scalar_one()
        contact, conversation = new_id(), new_id()
        connection.execute(
            text(
                "INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent,"
                " blocked, created_at, updated_at) VALUES (:id, :organization, 'Bench', '5511900000000', '{}', '[]',"
                " 'new', 0, 'unknown', false, now(), now())"
            ),
            {"id": contact, "organization": organization},
        )
        connection.execute(
            text(
                "INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status,"
                " priority, handling, queue_name, tags, unread_count, last_message_preview, last_message_direction,"
                " handoff, created_at, updated_at) VALUES (:id, :organization, :contact, :account, 'whatsapp', 'open',"
                " 'medium', 'person', '', '[]', 0, '', 'in', '{}', now(), now())"
            ),
            {"id": conversation, "organization": organization, "contact": contact, "account": account},
        )
    return {"conversation_id": conversation, "contact_id": contact, "channel_account_id": account}


def _say(
    services: Services, organization: UUID, thread: dict[str, UUID], number: int, committed: dict[str, float]
) -> None:
    message = Message(
        id=new_id(), organization_id=organization, **thread, direction="in", type="text", text=f"Mensagem {number}"
    )
    with services.database.tenant(organization) as session:
        session.add(message)
    committed[str(message.id)] = time.perf_counter()
    told = {"conversation_id": str(thread["conversation_id"]), "message_ids": [str(message.id)]}
    services.live.publish(f"org:{organization}:conversations", {"event": "message_received", **told})
