"""`./pytake bench logins`: what wrong sign-ins by the thousand cost somebody who signs in rightly. One JSON line.

The web server runs as `up` starts it, behind an imagined proxy, so that every request may come from an address of its
own. People sign in at a few a second, half of them from a browser that the account knows: alone, while another process
guesses at accounts that exist (the same people's among them) and at ones that don't, and afterwards. Limits are those
of life: a part of the guesses is hashed, the others are refused. The issue allows a factor of 2.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import random
import shutil
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from sqlalchemy import text

from pytake_app.api.deps import DEVICE_COOKIE
from pytake_app.bench.inbox_desk import await_ready
from pytake_app.bench.pipeline import Product, environment_for, free_port, machine, servers
from pytake_app.bench.ui_load import COLLEAGUE
from pytake_app.bench.ui_sessions import percentile
from pytake_app.config import Settings
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.embedded.environment import reflex_environment

PASSWORD = "Bench-7391-load"  # noqa: S105  # of the throw-away accounts
PEOPLE = 40
"""Accounts; the first half signs in from known browsers and is guessed at, the other half from ones never seen."""
ALLOWED = 2.0
_NO_MORE_THAN = 60.0
"""Seconds one request may take."""


@dataclass(frozen=True, slots=True)
class Storm:
    """The wrong sign-ins.

    Parameters:
        rate: a second; 0 sends as fast as answers come.
        addresses: they come from so many.
    """

    url: str
    count: int
    connections: int
    rate: float
    addresses: int


@dataclass(slots=True)
class Figures:
    """Times of right sign-ins in milliseconds by kind of browser, and answers that were none."""

    times: dict[str, list[float]] = field(default_factory=lambda: {"known": [], "new": []})
    errors: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """For the JSON line."""
        said: dict[str, Any] = {"errors": dict(self.errors)}
        for kind, times in self.times.items():
            said |= {f"{kind}_count": len(times)}
            said |= {f"{kind}_p{share}_ms": percentile(times, share / 100) for share in (50, 95)}
        return said


class Visitors:
    """People who know their passwords."""

    def __init__(self, url: str, http: aiohttp.ClientSession, rate: float) -> None:
        self._url, self._http, self._pause = url, http, 1 / rate
        self._devices: dict[int, str] = {}
        self._turns, self._addresses = itertools.count(), itertools.count()

    async def introduce(self) -> None:
        """Each of the first half signs in once from the browser that is known from then on."""
        for number in range(PEOPLE // 2):
            if await self._sign_in(number, self._home(number)) != "":
                raise RuntimeError("a right sign-in was refused before anything was measured")

    async def go_on(self, ended: Callable[[], bool]) -> Figures:
        """Sign in at the rate, whether or not answers come, until it has ended."""
        figures, under_way = Figures(), set[asyncio.Task[None]]()
        due = time.monotonic()
        while not ended():
            task = asyncio.create_task(self._one(figures))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += self._pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*under_way)
        return figures

    async def _one(self, figures: Figures) -> None:
        turn = next(self._turns)
        number, known = turn // 2 % (PEOPLE // 2), turn % 2 == 0
        began = time.perf_counter()
        if known:
            error = await self._sign_in(number, self._home(number))
        else:
            address = next(self._addresses)
            error = await self._sign_in(PEOPLE // 2 + number, f"10.2.{address // 250}.{address % 250 + 1}")
        took = (time.perf_counter() - began) * 1000
        if error:
            figures.errors[f"{'known' if known else 'new'} {error}"] += 1
        else:
            figures.times["known" if known else "new"].append(took)

    @staticmethod
    def _home(number: int) -> str:
        return f"10.1.0.{number + 1}"

    async def _sign_in(self, number: int, address: str) -> str:
        """What went wrong, or nothing."""
        headers = {"Origin": self._url, "X-Forwarded-For": address}
        if number in self._devices:
            headers["Cookie"] = f"{DEVICE_COOKIE}={self._devices[number]}"
        form = {"email": _email(number), "password": PASSWORD}
        try:
            async with self._http.post(
                f"{self._url}/auth/web/login", data=form, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
        if answer.status != 303 or answer.headers["Location"] != "/inbox":
            return f"{answer.status} {answer.headers.get('Location', '').partition('error=')[2].partition('&')[0]}"
        if number < PEOPLE // 2:
            self._devices[number] = answer.cookies[DEVICE_COOKIE].value
        return ""


def _email(number: int) -> str:
    return f"bench-{number}@example.com"


def _guesses(storm: Storm) -> Iterator[tuple[str, str]]:
    """Address and e-mail of each guess: a third at the first half of our people, the others at nobody."""
    chance = random.Random(7)  # the same storm every time
    for number in range(storm.count):
        address = number % storm.addresses
        known = chance.random() < 1 / 3
        email = _email(chance.randrange(PEOPLE // 2)) if known else f"nobody-{number}@example.com"
        yield f"172.16.{address // 250}.{address % 250 + 1}", email


def rage(storm: Storm) -> dict[str, Any]:
    """Send the wrong sign-ins, in a process of its own; answers are counted by what they say."""
    return asyncio.run(_rage(storm))


async def _rage(storm: Storm) -> dict[str, Any]:
    answers, guesses = Counter[str](), _guesses(storm)
    began, sent = time.monotonic(), itertools.count()
    connector = aiohttp.TCPConnector(limit=storm.connections)
    timeout = aiohttp.ClientTimeout(total=_NO_MORE_THAN)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:

        async def guess() -> None:
            for address, email in guesses:
                if storm.rate:
                    await asyncio.sleep(max(0.0, began + next(sent) / storm.rate - time.monotonic()))
                body = {"email": email, "password": "not the password of anybody"}
                try:
                    async with http.post(
                        f"{storm.url}/api/v1/auth/login", json=body, headers={"X-Forwarded-For": address}
                    ) as answer:
                        answers[str((await answer.json(content_type=None)).get("code", answer.status))] += 1
                except (aiohttp.ClientError, TimeoutError) as error:
                    answers[type(error).__name__] += 1

        await asyncio.gather(*(guess() for _ in range(storm.connections)))
    seconds = time.monotonic() - began
    hashed, limited, busy = (answers.pop(code, 0) for code in ("credentials_invalid", "rate_limited", "too_busy"))
    return {
        "hashed": hashed, "refused_by_limits": limited, "refused_too_busy": busy, "errors": dict(answers),
        "seconds": round(seconds, 1), "a_second": round(storm.count / seconds, 1),
    }  # fmt: skip


def run(argv: Sequence[str]) -> int:
    """Measure and print; 1 when right sign-ins got slower than allowed, or one failed."""
    parser = argparse.ArgumentParser(prog="./pytake bench logins", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="wrong sign-ins")
    parser.add_argument("--connections", type=int, default=32, help="of the wrong ones, at once")
    parser.add_argument("--rate", type=float, default=150.0, help="wrong ones a second; 0: as fast as answers come")
    parser.add_argument("--addresses", type=int, default=100, help="that the wrong ones come from")
    parser.add_argument("--right", type=float, default=4.0, help="right ones a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the phases before and after")
    options = parser.parse_args(list(argv))
    data_dir = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    data_dir.chmod(0o711)
    try:
        with servers(data_dir) as (database_url, redis_url):
            environment = environment_for(database_url, redis_url, data_dir, 1) | {
                "PORT": str(free_port()),
                "TRUSTED_PROXIES": '["127.0.0.0/8"]',
                "ENVIRONMENT": "test",
            }
            figures = _measure(options, environment, data_dir)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    print(orjson.dumps({"bench": "logins", **figures, "machine": machine()}).decode(), flush=True)
    return int(not figures["ok"])


def _measure(options: argparse.Namespace, environment: dict[str, str], data_dir: Path) -> dict[str, Any]:
    settings = Settings(
        database_url=environment["DATABASE_URL"], redis_url=environment["REDIS_URL"],
        secret_key=environment["SECRET_KEY"], port=int(environment["PORT"]),
    )  # fmt: skip
    product = Product(environment | reflex_environment(building=False), data_dir, settings.port, web=settings)
    services = Services(settings)
    url = f"http://127.0.0.1:{settings.port}"
    storm = Storm(url, options.count, options.connections, options.rate, options.addresses)
    try:
        product.start("webhook")  # the whole web server, in front of no other role
        await_ready(url)
        _register(services, url)
        phases, wrong = asyncio.run(_phases(options, storm))
        with services.database.auth() as session:
            seen = session.connection().execute(text("SELECT count(DISTINCT address) FROM auth_sessions")).scalar_one()
    finally:
        product.stop()
        services.close()
    ratios = {
        f"{kind}_p{share}": round(_ratio(phases["during"], phases["before"], kind, share / 100), 2)
        for kind in ("known", "new")
        for share in (50, 95)
    }
    failed = sum(sum(phase.errors.values()) for phase in phases.values()) + sum(wrong["errors"].values())
    return {
        **{name: phase.told() for name, phase in phases.items()},
        "wrong": {"count": storm.count, "connections": storm.connections, "addresses": storm.addresses, **wrong},
        "addresses_signed_in": int(seen), "during_to_before": ratios, "allowed": ALLOWED,
        "ok": not failed and all(0 < ratio <= ALLOWED for ratio in ratios.values()),
    }  # fmt: skip


def _register(services: Services, url: str) -> None:
    """One account made as everybody's is, the others of its row: registering is limited."""
    first = {"email": "bench@example.com", "password": PASSWORD, "full_name": "Bench"}
    request = urllib.request.Request(  # noqa: S310  # this machine's own address
        f"{url}/api/v1/auth/register", orjson.dumps(first), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=20).read()  # noqa: S310
    with services.database.auth() as session:
        for number in range(PEOPLE):
            changes = orjson.dumps({"id": new_id(), "email": _email(number)}).decode()
            session.connection().execute(COLLEAGUE, {"changes": changes, "of": first["email"]})


async def _phases(options: argparse.Namespace, storm: Storm) -> tuple[dict[str, Figures], dict[str, Any]]:
    timeout = aiohttp.ClientTimeout(total=_NO_MORE_THAN)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        visitors = Visitors(storm.url, http, options.right)
        await visitors.introduce()
        await visitors.go_on(_in(3.0))  # the server opens its connections and warms up
        before = await visitors.go_on(_in(options.seconds))
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            future: Future[dict[str, Any]] = pool.submit(rage, storm)
            during = await visitors.go_on(future.done)
            wrong = future.result()
        after = await visitors.go_on(_in(options.seconds))
    return {"before": before, "during": during, "after": after}, wrong


def _in(seconds: float) -> Callable[[], bool]:
    """Whether so much time has passed since now."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _ratio(during: Figures, before: Figures, kind: str, share: float) -> float:
    base = percentile(before.times[kind], share)
    return percentile(during.times[kind], share) / base if base else 0.0
