"""`bench inbox --only pixel`: from the commit of a contact's message until Chromium has painted it, under load.

Signed webhooks go through the running roles at 20 a second; 200 agents hold sockets and hear all of them, one of them
has the inbox open in a real browser. When a transaction was committed PostgreSQL says (`track_commit_timestamp`), when
a bubble or a row of the list was painted the page says, both by this machine's clock. The page's moment is the first
message task after the animation frame that follows the change: never earlier than the paint, at most a frame later.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import psycopg
from sqlalchemy import text

from pytake_app.bench.pipeline import APP_SECRET, LoadProcess, Product, free_port, make_number
from pytake_app.bench.pipeline_load import Phase
from pytake_app.core.services import Services
from pytake_app.embedded.environment import reflex_environment
from pytake_app.embedded.up import prepare_front_end

POSTGRES = {"track_commit_timestamp": "on"}
CONTACTS = 20
"""One conversation each; the first of them is open in the browser."""
_CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
_COMMITS = """
SELECT text, pg_xact_commit_timestamp(xmin) FROM messages
WHERE organization_id = %s AND direction = 'in' AND text LIKE %s
"""
# When which message first stood in the thread and in the list. Messages end with their number.
_WATCH = """() => {
  const seen = (window.__seen = { bubble: {}, row: {} });
  const open = (kind, selector) => {
    const fresh = [];
    for (const element of document.querySelectorAll(selector)) {
      const number = /PT(\\d{9})/.exec(element.textContent)?.[1];
      if (number && !(number in seen[kind])) { seen[kind][number] = 0; fresh.push(number); }
    }
    return fresh;
  };
  const look = () => {
    const [bubbles, rows] = [open("bubble", "[data-testid=bubble]"), open("row", "[data-testid=conversation]")];
    if (!bubbles.length && !rows.length) return;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const now = performance.timeOrigin + performance.now();
        for (const number of bubbles) seen.bubble[number] = now;
        for (const number of rows) seen.row[number] = now;
      };
      channel.port2.postMessage(0);
    });
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
_LONG = """() => {
  window.__long = [];
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.__long.push(entry.duration)))
    .observe({ type: "longtask", buffered: false });
}"""


def measure(
    services: Services, database_url: str, environment: dict[str, str], data_dir: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The figures, in milliseconds.

    Parameters:
        database_url: of a PostgreSQL that runs with `POSTGRES`.
        options: `agents`, `rate` (messages a second) and `seconds`.
    """
    from pytake_app.bench.inbox_desk import await_ready
    from pytake_app.bench.ui_load import people

    settings = services.settings
    prepare_front_end(settings, lambda _line: None)
    announced = {name: value for name, value in os.environ.items() if name.startswith("PYTAKE_FRONTEND")}
    product = Product(
        environment | announced | reflex_environment(building=False), data_dir, settings.port, web=settings
    )
    url = f"http://127.0.0.1:{settings.port}"
    load: LoadProcess | None = None
    try:
        product.start_all(1)
        await_ready(url)
        organization, cookies = people(services, url, options.agents, "pixel")
        graph = free_port()
        number = make_number(services, f"http://127.0.0.1:{graph}", organization=organization)
        with services.database.tenant(organization) as session:  # nobody answers by itself: people are at work
            session.connection().execute(text("UPDATE channel_accounts SET default_flow_id = NULL"))
            session.connection().execute(text("UPDATE flows SET status = 'inactive'"))
        load = LoadProcess(_plan(product.port, number, graph, options))
        load.go()
        warm = load.read()
        return asyncio.run(
            _measured(load, url, organization, cookies, database_url, int(warm["first"]) + int(warm["sent"]))
        )
    finally:
        if load is not None:
            load.stop()
        product.stop()


def _plan(port: int, number: str, graph: int, options: argparse.Namespace) -> dict[str, Any]:
    rate, seconds = options.rate, options.seconds
    phases = [
        Phase("warm_up", 3, rate=rate, contacts=CONTACTS, drain_seconds=2),
        Phase("pixel", seconds, rate=rate, contacts=CONTACTS, drain_seconds=2, hold=True),
    ]
    return {
        "host": "127.0.0.1", "port": port, "path": "/api/v1/webhook/whatsapp", "secret": APP_SECRET, "number": number,
        "graph_port": graph, "phases": [asdict(phase) for phase in phases], "connections": 16,
    }  # fmt: skip


async def _measured(
    load: LoadProcess, url: str, organization: UUID, cookies: list[str], database_url: str, first: int
) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    plain = database_url.replace("+psycopg", "")
    conversation = await asyncio.to_thread(_conversation, plain, organization)
    ready, heard = asyncio.Semaphore(0), [0]

    async def agent(cookie: str, client: aiohttp.ClientSession) -> None:
        async with client.ws_connect(f"{url}/api/v1/ws", headers={"Cookie": cookie, "Origin": url}) as socket:
            async for frame in socket:
                if frame.data.startswith('{"type":"connected"'):
                    ready.release()
                elif frame.data.startswith('{"type":"message_received"'):
                    heard[0] += 1

    found = next((path for path in _CHROMIUM if os.access(path, os.X_OK)), None)
    async with (
        async_playwright() as playwright,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        name, _, value = cookies[0].partition("=")
        await context.add_cookies([{"name": name, "value": value, "url": url}])
        page = await context.new_page()
        await page.goto(f"{url}/inbox?c={conversation}")
        await page.wait_for_selector("[data-testid=bubble]", timeout=60_000)
        agents = [asyncio.create_task(agent(cookie, client)) for cookie in cookies[1:]]
        for _ in agents:
            await asyncio.wait_for(ready.acquire(), 60)
        await page.wait_for_timeout(3000)  # the page has settled: what is measured is news, not its start
        await page.evaluate(_WATCH)
        await page.evaluate(_LONG)
        await asyncio.to_thread(load.go)
        sent = int((await asyncio.to_thread(load.read))["sent"])
        await page.wait_for_timeout(1500)
        seen: dict[str, dict[str, float]] = await page.evaluate("() => window.__seen")
        long_tasks: list[float] = await page.evaluate("() => window.__long")
        for task in agents:
            task.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
        await browser.close()
    commits = await asyncio.to_thread(_commits, plain, organization, first)
    figures = _figures(commits, seen)
    return {
        "agents": len(cookies), "messages": sent, "committed": len(commits), "heard": heard[0],
        "wanted": sent * (len(cookies) - 1), **figures, "long_tasks": len(long_tasks),
        "long_task_max_ms": round(max(long_tasks, default=0.0)),
    }  # fmt: skip


def _conversation(database_url: str, organization: UUID) -> str:
    """The first contact's conversation."""
    with psycopg.connect(database_url) as owner:
        row = owner.execute(
            "SELECT c.id FROM conversations c JOIN contacts p ON p.id = c.contact_id"
            " WHERE c.organization_id = %s ORDER BY p.phone LIMIT 1",
            (organization,),
        ).fetchone()
    assert row is not None
    return str(row[0])


def _commits(database_url: str, organization: UUID, first: int) -> dict[int, float]:
    """Milliseconds at which each message of the measured phase was committed."""
    with psycopg.connect(database_url) as owner:
        rows = owner.execute(_COMMITS, (organization, "%PT%")).fetchall()
    numbered = ((int(said.rpartition("PT")[2]), at.timestamp() * 1000) for said, at in rows)
    return {number: at for number, at in numbered if number >= first}


def _figures(commits: dict[int, float], seen: dict[str, dict[str, float]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for kind in ("bubble", "row"):
        times = {int(number): at for number, at in seen[kind].items() if at and int(number) in commits}
        late = sorted(at - commits[number] for number, at in times.items())
        wanted = [number for number in commits if kind == "row" or number % CONTACTS == 0]
        said |= {f"{kind}s_painted": len(late), f"{kind}s_wanted": len(wanted)}
        for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
            value = late[min(len(late) - 1, int(len(late) * share))] if late else -1.0
            said[f"{kind}_{name}_ms"] = round(value, 1)
    return said
