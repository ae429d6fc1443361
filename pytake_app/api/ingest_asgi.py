"""WhatsApp's webhook as bare ASGI: no framework between the socket and the batch that stores it.

GET answers Meta's verification (Graph API, Webhooks, "Verification Requests"); POST checks the signature over the raw
bytes before anything is parsed, and is acknowledged once durable. Nothing that arrives unsigned is stored.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from pytake_app.api.services import Services, process_services
from pytake_app.channels.errors import MalformedBody
from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.signature import verify
from pytake_app.core import tracing
from pytake_app.core.errors import NotFoundError, UnavailableError
from pytake_app.core.memory import settle_heap
from pytake_app.core.metrics import counter, webhook_received, webhook_seconds
from pytake_app.messaging import heartbeat
from pytake_app.messaging.ingest import IngestAccount, Ingestor
from pytake_app.whatsapp.service import AccountReader, AccountRuntime

log = structlog.get_logger(__name__)

CHANNEL = "whatsapp"
PATHS = re.compile(
    r"^(?:/api/v1/webhook/whatsapp|/webhook/whatsapp)"
    r"(?:/(?P<account>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}))?/?$"
    r"|^/whatsapp/webhook/?$|^/api/webhooks/whatsapp/?$"
)
_SIGNATURE = b"x-hub-signature-256"
_MAX_CHALLENGE = 1024
HASHED_HERE = 4 * 1024 * 1024
"""Bytes hashed on the event loop, all secrets together: anybody may send a large body to be checked against each."""

_PROBLEM = b'{"type":"urn:pytake:problem:%b","title":"%b","status":%d,"code":"%b","detail":""}'


def _signing(secrets: list[str], body: bytes, header: str) -> list[str]:
    return [secret for secret in secrets if verify(body, header, (secret,))]


class _Refused(Exception):
    """The request ends with this status."""

    def __init__(self, status: int, code: str, title: str, *, retry_after: int | None = None) -> None:
        super().__init__(title)
        self.status, self.code, self.title, self.retry_after = status, code, title, retry_after


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Accounts that a delivery may be for, and secrets that may have signed it."""

    accounts: tuple[AccountRuntime, ...]
    default_secret: str

    def secret_of(self, account: AccountRuntime) -> str:
        return account.app_secret or self.default_secret

    @property
    def secrets(self) -> list[str]:
        """Each secret once: most accounts of an installation belong to one Meta app."""
        own = [self.secret_of(account) for account in self.accounts]
        return list(dict.fromkeys(secret for secret in (*own, self.default_secret) if secret))

    def signed(self, secret: str) -> list[AccountRuntime]:
        """The accounts for which `secret` speaks."""
        return [account for account in self.accounts if self.secret_of(account) == secret]


class WebhookApp:
    """The ASGI application.

    Parameters:
        services: the process's own, made at the first request, unless given.
    """

    def __init__(self, services: Services | None = None) -> None:
        self._services = services
        self._reader: AccountReader | None = None
        self._ingestor: Ingestor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loading: dict[str, asyncio.Future[list[AccountRuntime]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError("the webhook speaks HTTP only")
        outcome = "failed"
        arrived = time.perf_counter()
        try:
            match = PATHS.match(scope["path"])
            if match is None:
                raise _Refused(404, "not_found", "Not found")
            account_id = match.group("account")
            if scope["method"] == "GET":
                challenge = await self._challenge(scope, account_id)
                outcome = "verified"
                await _answer(send, 200, challenge, b"text/plain; charset=utf-8")
            elif scope["method"] == "POST":
                await self._deliver(scope, receive, account_id)
                outcome = "stored"
                await _answer(send, 200, b'{"status":"ok"}', b"application/json")
                webhook_seconds.observe(time.perf_counter() - arrived)
            else:
                raise _Refused(405, "method_not_allowed", "Method not allowed")
        except _Refused as refused:
            outcome = refused.code
            await _refuse(send, refused)
        except UnavailableError as error:
            outcome = "unavailable"
            retry = max(1, round(error.retry_after or 2))
            await _refuse(send, _Refused(503, "unavailable", "Temporarily unavailable", retry_after=retry))
        except ConnectionAbortedError:
            outcome = "aborted"
        finally:
            counter(webhook_received, CHANNEL, outcome).inc()

    async def _live(self, receive: Receive, send: Send) -> None:
        """The life of a process that serves webhooks alone; else the whole application has its own."""
        await receive()
        beating = heartbeat.Beating(self._own.redis, "web")
        beating.start()
        settle_heap()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(beating.stop)
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def aclose(self) -> None:
        """Commit what waits."""
        if self._ingestor is not None and self._loop is asyncio.get_running_loop():
            await self._ingestor.stop()
        self._ingestor = None

    # -- GET ---------------------------------------------------------------------------------------------------------

    async def _challenge(self, scope: Scope, account_id: str | None) -> bytes:
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
        mode = query.get("hub.mode", [""])[0]
        token = query.get("hub.verify_token", [""])[0].encode()
        challenge: bytes = query.get("hub.challenge", [""])[0].encode()
        candidates = await self._candidates(account_id)
        default = self._own.settings.whatsapp_webhook_verify_token.get_secret_value()
        matched = False
        for wanted in {*(account.verify_token for account in candidates.accounts), default} - {""}:
            matched |= compare_digest(wanted.encode(), token)
        if mode != "subscribe" or not matched or not challenge or len(challenge) > _MAX_CHALLENGE:
            raise _Refused(403, "forbidden", "Not allowed")
        return challenge

    # -- POST --------------------------------------------------------------------------------------------------------

    async def _deliver(self, scope: Scope, receive: Receive, account_id: str | None) -> None:
        signature = next((value for name, value in scope["headers"] if name == _SIGNATURE), None)
        if signature is None:
            raise _Refused(401, "signature_missing", "The signature is missing")
        body = await _read(scope, receive, self._own.settings.webhook_max_bytes)
        candidates = await self._candidates(account_id)
        header = signature.decode("latin-1")
        secrets = candidates.secrets
        if len(secrets) * len(body) > HASHED_HERE:
            signing = await asyncio.to_thread(_signing, secrets, body, header)
        else:
            signing = _signing(secrets, body, header)
        if not signing:
            raise _Refused(401, "signature_invalid", "The signature is not valid")
        try:
            parsed = parse(body)
        except MalformedBody as error:
            raise _Refused(400, "malformed", "The body is not valid JSON") from error
        spoken_of, businesses = set(parsed.account_ids), set(parsed.business_account_ids)
        accounts = [
            IngestAccount(
                account.id, account.organization_id, account.external_id, account.channel, account.business_account_id
            )
            for account in candidates.signed(signing[0])
            # A delivery may name no number at all: then its own address, or its business account, says whose it is.
            if account_id is not None or account.external_id in spoken_of or account.business_account_id in businesses
        ]
        own = accounts[0] if account_id is not None and accounts else None
        span = tracing.begin("webhook", "server", {"pytake.channel": CHANNEL}) if tracing.on() else None
        try:
            await self._ingest.submit(accounts, parsed, own=own, trace=tracing.carried(span))
        except UnavailableError:
            tracing.end(span, failed="unavailable")
            raise
        tracing.end(span, bytes=len(body))

    # -- what it needs -----------------------------------------------------------------------------------------------

    @property
    def _own(self) -> Services:
        if self._services is None:
            self._services = process_services()
        return self._services

    @property
    def _ingest(self) -> Ingestor:
        """The batcher of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._ingestor is None or self._loop is not loop:
            self._ingestor, self._loop, self._loading = Ingestor(self._own), loop, {}
        return self._ingestor

    @property
    def _accounts(self) -> AccountReader:
        if self._reader is None:
            self._reader = AccountReader(self._own.settings, self._own.secrets)
        return self._reader

    async def _candidates(self, account_id: str | None) -> _Candidates:
        """Whose delivery it may be. Cached, so that in the steady state nothing here waits for the database."""
        default = self._own.settings.whatsapp_app_secret.get_secret_value()
        if account_id is None:
            fresh = self._accounts.known_channel(CHANNEL)
            if fresh is None:
                fresh = await self._load("", self._all)
            return _Candidates(tuple(fresh), default)
        key = UUID(account_id)
        known = self._accounts.known(key)
        accounts = [known] if known is not None else await self._load(account_id, lambda: self._one(key))
        # At an account's own address only its own secret counts; the installation's where it has none.
        usable = bool(accounts) and not accounts[0].app_secret
        return _Candidates(tuple(accounts), default if usable else "")

    def _one(self, account_id: UUID) -> list[AccountRuntime]:
        with _database_errors(), self._own.database.system_connection() as connection:
            try:
                return [self._accounts.by_id(connection, account_id)]
            except NotFoundError:
                return []

    def _all(self) -> list[AccountRuntime]:
        with _database_errors(), self._own.database.system_connection() as connection:
            return self._accounts.of_channel(connection, CHANNEL)

    async def _load(self, key: str, load: Callable[[], list[AccountRuntime]]) -> list[AccountRuntime]:
        """Run `load` in a thread, once for all requests that wait for the same."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            _ = self._ingest
        waiting = self._loading.get(key)
        if waiting is None:
            waiting = self._loading[key] = asyncio.ensure_future(asyncio.to_thread(load))
            waiting.add_done_callback(lambda _done: self._loading.pop(key, None))
        return await asyncio.shield(waiting)


class _database_errors:  # noqa: N801  # reads as a statement
    """A database that is away is a 503, whatever the driver calls it."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SQLAlchemyError):
            raise UnavailableError("The database can't be reached.", retry_after=2) from error


class WebhookFirst:
    """ASGI middleware: webhook requests go to `webhook`, everything else to `app`."""

    def __init__(self, app: ASGIApp, webhook: WebhookApp) -> None:
        self.app = app
        self._webhook = webhook

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and PATHS.match(scope["path"]):
            await self._webhook(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def _read(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body.

    Raises:
        _Refused: it is over `most` bytes.
        ConnectionAbortedError: the client went away.
    """
    too_large = _Refused(413, "too_large", "Too large")
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    if announced.isdigit() and int(announced) > most:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise too_large
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _refuse(send: Send, refused: _Refused) -> None:
    code, title = refused.code.encode(), refused.title.encode()
    body = _PROBLEM % (code, title, refused.status, code)
    extra = [(b"retry-after", str(refused.retry_after).encode())] if refused.retry_after else []
    if refused.status == 405:
        extra.append((b"allow", b"GET, POST"))
    await _answer(send, refused.status, body, b"application/problem+json", extra)


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        *(extra or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = WebhookApp()
"""The process's own webhook application, for servers that route to it directly."""
