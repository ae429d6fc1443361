"""Calls to the Graph API for WhatsApp numbers. Nothing is retried here: the outbox decides by the error's kind."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Self, cast
from urllib.parse import quote

import aiohttp
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from pytake_app.channels.base import AccountCredentials, JsonObject, OutboundRequest, SendResult
from pytake_app.channels.errors import MalformedBody, MediaError, SendError, SendErrorKind, Withdrawn
from pytake_app.channels.lean.answer import TooLong
from pytake_app.channels.lean.connection import Origin
from pytake_app.channels.lean.transport import LeanTransport, Timeouts, head_of, tls_context
from pytake_app.channels.whatsapp.errors import error_from_answer
from pytake_app.channels.whatsapp.leaving import LeavingBody
from pytake_app.channels.whatsapp.limits import MEDIA_BYTES
from pytake_app.channels.whatsapp.media import DownloadedMedia, MediaDescription, NumberInfo, may_fetch
from pytake_app.channels.whatsapp.render import render_mark_read
from pytake_app.channels.whatsapp.values import as_list, as_object, decode, text

DEFAULT_BASE_URL = "https://graph.facebook.com"
DEFAULT_VERSION = "v23.0"

TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=10.0)
"""Seconds. Meta answers a send in well under a second; media calls have their own total."""

SEND_TOTAL = 45.0
MEDIA_TOTAL = 300.0
MAX_CONNECTIONS = 500
# Below the idle time of Meta's front ends, so that a connection is not used just as the other side closes it.
KEEPALIVE_SECONDS = 30.0
_ANSWER_BYTES = 1024 * 1024
_CHUNK = 64 * 1024
_NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,name_status,messaging_limit_tier,throughput,platform_type"
)

# Of WhatsApp Business Management API, Message Templates. A page stays well below the size that answers may have.
_TEMPLATE_FIELDS = "id,name,language,status,category,components,quality_score,rejected_reason,parameter_format"
_TEMPLATES_A_PAGE = 50
_TEMPLATE_PAGES = 200
# An answer of some hundred bytes is not worth unpacking.
_POST_HEADERS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "PyTake"),
    ("Content-Type", "application/json"),
)

# httpx writes a line with the whole address of each request; media addresses carry a signature.
logging.getLogger("httpx").setLevel(logging.WARNING)


def default_transport(tls: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    """httpx over aiohttp's connections: httpx' own pool collapses under tens of concurrent requests."""
    limits = httpx.Limits(
        max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_SECONDS
    )
    return AiohttpTransport(limits=limits, verify=tls or True)


class WhatsAppClient:
    """One client for all accounts of a process; make it inside the event loop that uses it, close it at the end.

    Messages go by a transport of their own (`channels/lean`), all else by aiohttp's connections. ``base_url``
    and ``api_version`` are the installation's; an account may override both. ``transport`` is for tests, and for
    everything. ``timeout`` bounds each phase of a call, ``total`` (seconds) a whole message call.
    """

    def __init__(
        self,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_version: str = DEFAULT_VERSION,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        total: float = SEND_TOTAL,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._version = api_version
        self._total = total
        self._lean = transport if isinstance(transport, LeanTransport) else None
        if transport is None:
            tls = tls_context()
            transport = default_transport(tls)
            self._lean = LeanTransport(
                tls=tls, max_connections=MAX_CONNECTIONS, keepalive=KEEPALIVE_SECONDS, max_answer=_ANSWER_BYTES
            )
        self._transport = transport
        self._timeouts = Timeouts.of(timeout, total)
        self._extensions = {"timeout": timeout.as_dict()}
        self._http = httpx.AsyncClient(transport=self._transport, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        try:
            await self._http.aclose()
        finally:
            if self._lean is not None:
                await self._lean.aclose()

    async def send(
        self, account: AccountCredentials, request: OutboundRequest, *, may_leave: Callable[[], bool] | None = None
    ) -> SendResult:
        """Send a rendered message for the account. ``may_leave`` is asked as the request goes to the socket.

        Raises :class:`SendError` (kind ``unsure`` when the request left but no usable answer came) and
        :class:`Withdrawn` (it might not leave).
        """
        answer = await self._post(account, f"{account.external_id}/{request.path}", request.body, may_leave)
        message = as_object(next(iter(as_list(answer.get("messages"))), None))
        contact = as_object(next(iter(as_list(answer.get("contacts"))), None))
        external_id = text(message, "id")
        if external_id is None:
            raise SendError(SendErrorKind.UNSURE, http_status=200, reason="bad_answer")
        return SendResult(
            external_id=external_id,
            recipient=text(contact, "wa_id"),
            recipient_bsuid=text(contact, "user_id"),
            message_status=text(message, "message_status"),
            raw=answer,
        )

    async def mark_read(self, account: AccountCredentials, external_id: str, *, typing: bool = False) -> None:
        """Mark a message (and all before it) read; with ``typing`` show the typing sign until the next message or
        25 s. Raises :class:`SendError`."""
        request = render_mark_read(external_id, typing=typing)
        await self._post(account, f"{account.external_id}/{request.path}", request.body)

    async def upload_media(
        self, account: AccountCredentials, file: Path, *, mime_type: str, filename: str | None = None
    ) -> str:
        """Upload a file and return its media id (valid for 30 days). Raises :class:`MediaError` when it is larger
        than Meta takes for its kind, :class:`SendError` when the call fails."""
        limit = upload_limit(mime_type)
        size = (await asyncio.to_thread(file.stat)).st_size
        if size > limit:
            raise MediaError("too_large", limit=limit)
        handle: BinaryIO = await asyncio.to_thread(file.open, "rb")
        try:
            answer = await self._call(
                account,
                "POST",
                f"{account.external_id}/media",
                total=MEDIA_TOTAL,
                data={"messaging_product": "whatsapp", "type": mime_type},
                files={"file": (filename or file.name, handle, mime_type)},
            )
        finally:
            handle.close()
        media_id = text(answer, "id")
        if media_id is None:
            raise SendError(SendErrorKind.RETRYABLE, http_status=200, reason="bad_answer")
        return media_id

    async def media_url(self, account: AccountCredentials, media_id: str) -> MediaDescription:
        """Where the media lies (for five minutes). Raises :class:`SendError`."""
        params = {"phone_number_id": account.external_id}
        answer = await self._call(account, "GET", quote(media_id, safe=""), params=params)
        url = text(answer, "url")
        if url is None:
            raise SendError(SendErrorKind.RETRYABLE, http_status=200, reason="bad_answer")
        size = text(answer, "file_size")
        return MediaDescription(
            id=media_id,
            url=url,
            mime_type=text(answer, "mime_type"),
            sha256=text(answer, "sha256"),
            size=int(size) if size is not None and size.isascii() and size.isdigit() else None,
        )

    async def download_media(
        self, account: AccountCredentials, media_id: str, target: Path, *, max_bytes: int = MEDIA_BYTES["document"]
    ) -> DownloadedMedia:
        """Fetch media into ``target``, written beside it first, so that a half file never has its name.

        Raises :class:`MediaError` (``too_large`` over ``max_bytes``, ``corrupt`` when the digest differs from
        Meta's, ``refused`` when the address is not Meta's) and :class:`SendError`.
        """
        description = await self.media_url(account, media_id)
        if description.size is not None and description.size > max_bytes:
            raise MediaError("too_large", limit=max_bytes)
        if not may_fetch(description.url, self._base(account)):
            raise MediaError("refused", detail="the address is not one of Meta's")
        part = target.with_name(target.name + ".part")
        try:
            size, digest = await self._stream(account, description.url, part, max_bytes)
            wanted = (description.sha256 or "").lower()
            # Meta has sent both hex and, at times, base64 digests; only a hex one can be compared as such.
            if len(wanted) == 64 and wanted != digest:
                raise MediaError("corrupt")
            await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return DownloadedMedia(path=target, size=size, sha256=digest, mime_type=description.mime_type)

    async def verify_number(self, account: AccountCredentials) -> NumberInfo:
        """Ask Meta about the number: proves the token and the id. Raises :class:`SendError`."""
        answer = await self._call(account, "GET", account.external_id, params={"fields": _NUMBER_FIELDS})
        return NumberInfo(
            id=text(answer, "id") or account.external_id,
            display_phone_number=text(answer, "display_phone_number"),
            verified_name=text(answer, "verified_name"),
            quality_rating=text(answer, "quality_rating"),
            name_status=text(answer, "name_status"),
            messaging_limit_tier=text(answer, "messaging_limit_tier"),
            throughput_level=text(as_object(answer.get("throughput")), "level"),
            raw=answer,
        )

    async def subscribed(self, account: AccountCredentials) -> bool:
        """Whether an app receives the business account's webhooks. Raises :class:`SendError`."""
        answer = await self._call(account, "GET", f"{_business(account)}/subscribed_apps")
        return bool(as_list(answer.get("data")))

    async def subscribe(self, account: AccountCredentials) -> None:
        """Subscribe the token's app to the business account's webhooks. Raises :class:`SendError`."""
        await self._call(account, "POST", f"{_business(account)}/subscribed_apps")

    async def templates(self, account: AccountCredentials) -> list[JsonObject]:
        """Every message template of the business account, in Meta's form, page by page. Raises :class:`SendError`."""
        path, found = f"{_business(account)}/message_templates", list[JsonObject]()
        params = {"fields": _TEMPLATE_FIELDS, "limit": str(_TEMPLATES_A_PAGE)}
        for _page in range(_TEMPLATE_PAGES):
            answer = await self._call(account, "GET", path, params=params)
            found += [item for item in as_list(answer.get("data")) if isinstance(item, dict)]
            paging = as_object(answer.get("paging"))
            after = text(as_object(paging.get("cursors")), "after")
            if after is None or not paging.get("next"):
                return found
            params["after"] = after
        raise SendError(SendErrorKind.PERMANENT, http_status=200, reason="bad_answer", message="too many templates")

    async def create_template(self, account: AccountCredentials, template: JsonObject) -> JsonObject:
        """Submit a template for approval; the answer has ``id``, ``status`` and ``category``. Raises
        :class:`SendError`."""
        return await self._post(account, f"{_business(account)}/message_templates", template)

    async def delete_template(self, account: AccountCredentials, name: str, template_id: str) -> None:
        """Delete one language of a template. Raises :class:`SendError`."""
        params = {"name": name, **({"hsm_id": template_id} if template_id else {})}
        await self._call(account, "DELETE", f"{_business(account)}/message_templates", params=params)

    def _base(self, account: AccountCredentials) -> str:
        return (account.base_url or self._base_url).rstrip("/")

    def _url(self, account: AccountCredentials, path: str) -> str:
        return f"{self._base(account)}/{account.api_version or self._version}/{path}"

    async def _post(
        self, account: AccountCredentials, path: str, body: JsonObject, may_leave: Callable[[], bool] | None = None
    ) -> JsonObject:
        data = orjson.dumps(body)
        url = self._url(account, path)
        if self._lean is None:
            return await self._post_by_httpx(account, url, data, may_leave)
        failure: SendError
        try:
            origin, head = _head(url, account.access_token)
            answer = await self._lean.exchange(origin, head, data, self._timeouts, may_leave=may_leave)
            return _judged(account, answer.status, answer.header(b"retry-after"), answer.content(_ANSWER_BYTES))
        except _FAILURES as error:
            failure = _failure(error)
        raise failure

    async def _post_by_httpx(
        self, account: AccountCredentials, url: str, data: bytes, may_leave: Callable[[], bool] | None
    ) -> JsonObject:
        """The same through a transport that was given."""
        leaving = None if may_leave is None else LeavingBody(data, may_leave)
        failure: SendError
        try:
            request = httpx.Request(
                "POST",
                url,
                headers=[*_POST_HEADERS, ("Authorization", f"Bearer {account.access_token}")],
                content=data if leaving is None else None,
                stream=leaving,
                extensions=self._extensions,
            )
            async with asyncio.timeout(self._total):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _body_of(response)
                finally:
                    await response.aclose()
            return _judged(account, response.status_code, response.headers.get("Retry-After"), body)
        except (*_FAILURES, PermissionError) as error:
            if leaving is not None and leaving.withdrawn:
                raise Withdrawn from None
            if isinstance(error, PermissionError):
                raise
            failure = _failure(error)
        raise failure

    async def _call(
        self,
        account: AccountCredentials,
        method: str,
        path: str,
        *,
        total: float | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> JsonObject:
        """One call; the JSON object of a 2xx answer. Raises :class:`SendError`."""
        request_headers = {"Authorization": f"Bearer {account.access_token}", **(headers or {})}
        request = self._http.build_request(method, self._url(account, path), headers=request_headers, **options)
        return await self._read(account, self._answer(request, total or self._total))

    async def _read(
        self, account: AccountCredentials, answer_to: AbstractAsyncContextManager[httpx.Response]
    ) -> JsonObject:
        async with answer_to as response:
            body = await _body_of(response)
        return _judged(account, response.status_code, response.headers.get("Retry-After"), body)

    @asynccontextmanager
    async def _answer(self, request: httpx.Request, total: float) -> AsyncIterator[httpx.Response]:
        """The answer to ``request``; its failures as :class:`SendError` (the cause is dropped: it holds the token)."""
        failure: SendError
        try:
            async with asyncio.timeout(total):
                response = await self._http.send(request, stream=True)
                try:
                    yield response
                finally:
                    await response.aclose()
                return
        except _FAILURES as error:
            failure = _failure(error)
        raise failure

    async def _stream(self, account: AccountCredentials, url: str, part: Path, max_bytes: int) -> tuple[int, str]:
        request = self._http.build_request("GET", url, headers={"Authorization": f"Bearer {account.access_token}"})
        digest = hashlib.sha256()
        size = 0
        async with self._answer(request, MEDIA_TOTAL) as response:
            if not response.is_success:
                body = (await response.aread())[:_ANSWER_BYTES]
                raise error_from_answer(
                    response.status_code,
                    body,
                    retry_after=response.headers.get("Retry-After"),
                    secret=account.access_token,
                )
            file: BinaryIO = await asyncio.to_thread(part.open, "wb")
            try:
                async for chunk in response.aiter_bytes(_CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise MediaError("too_large", limit=max_bytes)
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.to_thread(file.close)
        return size, digest.hexdigest()


@lru_cache(maxsize=1024)
def _head(url: str, token: str) -> tuple[Origin, bytes]:
    """All of a message's request but its body, which is the same for all messages of a number."""
    try:
        return head_of(
            "POST", httpx.URL(url), httpx.Headers([*_POST_HEADERS, ("Authorization", f"Bearer {token}")]).raw
        )
    except UnicodeEncodeError:
        # Its words would show the token.
        raise httpx.LocalProtocolError("a header that is not ASCII") from None


_FAILURES = (httpx.InvalidURL, httpx.TransportError, httpx.DecodingError, TimeoutError, aiohttp.ClientError)


async def _body_of(response: httpx.Response) -> bytes:
    """Raises :class:`SendError` when it is too long."""
    # As it came, unless it came packed: httpx' way through decoders and chunkers costs as much as the reading.
    stream = response.stream
    plain = isinstance(stream, httpx.AsyncByteStream) and "content-encoding" not in response.headers
    chunks = cast("httpx.AsyncByteStream", stream) if plain else response.aiter_bytes(_CHUNK)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > _ANSWER_BYTES:
            raise SendError(SendErrorKind.UNSURE, http_status=response.status_code, reason="bad_answer")
    return bytes(body)


def _judged(account: AccountCredentials, status: int, retry_after: str | None, body: bytes) -> JsonObject:
    """The JSON object of a 2xx answer. Raises :class:`SendError`."""
    if not 200 <= status <= 299:
        raise error_from_answer(status, body, retry_after=retry_after, secret=account.access_token)
    try:
        answer = decode(body)
    except MalformedBody:
        answer = None
    if not isinstance(answer, dict):
        raise SendError(SendErrorKind.UNSURE, http_status=status, reason="bad_answer")
    return answer


def _failure(error: Exception) -> SendError:
    if isinstance(error, httpx.InvalidURL):
        return SendError(SendErrorKind.PERMANENT, reason="invalid_parameter", message="invalid address")
    if isinstance(error, httpx.LocalProtocolError):
        return SendError(SendErrorKind.PERMANENT, reason="invalid_parameter", message="invalid header")
    if isinstance(error, TooLong):
        return SendError(SendErrorKind.UNSURE, http_status=error.status, reason="bad_answer")
    if isinstance(error, httpx.TransportError):
        return _transport_failure(error)
    return SendError(SendErrorKind.UNSURE, reason="unsure", message=type(error).__name__)


def _transport_failure(error: httpx.TransportError) -> SendError:
    """Whether the request can have left: only a connection that never stood proves that nothing was sent.

    The aiohttp transport reports a connection lost in the middle as ``ConnectTimeout``, so its own cause is asked
    first.
    """
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        unsent = isinstance(
            cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL
        )  # fmt: skip
    else:
        unsent = isinstance(
            error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
        )
    name = type(cause or error).__name__
    if unsent:
        return SendError(SendErrorKind.RETRYABLE, reason="not_sent", message=name)
    return SendError(SendErrorKind.UNSURE, reason="unsure", message=name)


def _business(account: AccountCredentials) -> str:
    if not account.business_account_id:
        raise SendError(SendErrorKind.PERMANENT, reason="parameter_missing", message="business account id")
    return account.business_account_id


def upload_limit(mime_type: str) -> int:
    """Largest upload of a media type, in bytes (Cloud API, Media)."""
    kind = mime_type.split("/", 1)[0]
    if mime_type == "image/webp":
        return MEDIA_BYTES["sticker"]
    return MEDIA_BYTES.get(kind, MEDIA_BYTES["document"])
