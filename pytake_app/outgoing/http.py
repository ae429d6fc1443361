"""The HTTP client for calls that flows make: guarded, bounded, patient with busy servers."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import quote_plus, urljoin, urlsplit

import httpx
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from pytake_app.core.egress import EgressGuard, EgressRefusedError
from pytake_app.engine.requests import MAX_TOTAL_SECONDS, HttpRequest, HttpResult, Part
from pytake_app.outgoing.answers import ENCODINGS, TooLargeError, UnreadableError, body_of, scrubbed, text_of

log = structlog.get_logger(__name__)

MAX_REDIRECTS = 5
USER_AGENT = "PyTake"
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_PAUSE = 10.0
_OWN_HEADERS = {"user-agent": USER_AGENT, "accept-encoding": ENCODINGS}


class SecretMissingError(Exception):
    """A secret that the request names doesn't exist."""


class _TryAgainError(Exception):
    """This attempt failed in a way that may pass. `result` stands if it was the last one."""

    def __init__(self, result: HttpResult, after: float | None = None) -> None:
        self.result = result
        self.after = after
        super().__init__(result.error or str(result.status))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to the address that was checked, and speaks to the name (Host header, TLS name)."""

    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard
        # No idle connections: one made for a name must not serve another one at the same address.
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, then send."""
        target = await self._guard.check(str(request.url))
        request.extensions = {**request.extensions, "sni_hostname": target.host}
        request.url = request.url.copy_with(host=target.address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


class HttpCaller:
    """Performs `HttpRequest`s.

    Parameters:
        guard: decides where calls may go.
        pause: seconds of the first pause between attempts; it doubles.
    """

    def __init__(self, guard: EgressGuard, *, pause: float = 1.0) -> None:
        # Keeps no cookies: the client is everybody's, and what a server told one tenant is nobody else's to bring back.
        no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(guard), cookies=no_cookies, follow_redirects=False, trust_env=False
        )
        self._pause = pause

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def perform(self, request: HttpRequest, secrets: Mapping[str, str], *, key: str) -> HttpResult:
        """Call, with further attempts where that helps. Never raises for what a server or an author can do.

        Parameters:
            secrets: the values of the secrets that the request names.
            key: sent as Idempotency-Key with what changes something: a call may be made twice when a worker dies.
        """
        began = time.monotonic()
        attempts = 0
        try:
            headers, body = _filled(request, secrets, key)
            async with asyncio.timeout(MAX_TOTAL_SECONDS):
                async for attempt in self._retrying(request):
                    with attempt:
                        attempts = attempt.retry_state.attempt_number
                        result = await self._once(request, headers, body, bool(secrets))
        except _TryAgainError as error:
            result = error.result
        except SecretMissingError:
            result = HttpResult(error="secret_missing")
        except TimeoutError:
            result = HttpResult(error="timeout")
        took = int((time.monotonic() - began) * 1000)
        text = scrubbed(result.text, secrets)
        return result.model_copy(update={"attempts": max(1, attempts), "duration_ms": took, "text": text})

    def _retrying(self, request: HttpRequest) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(_TryAgainError),
            stop=stop_after_attempt(request.retries + 1),
            wait=self._wait,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        doubled = self._pause * 2.0 ** (state.attempt_number - 1)
        asked = error.after if isinstance(error, _TryAgainError) and error.after is not None else 0.0
        return min(max(doubled, asked), _MAX_PAUSE)

    async def _once(
        self, request: HttpRequest, headers: dict[str, bytes], body: bytes, has_secrets: bool
    ) -> HttpResult:
        try:
            async with asyncio.timeout(request.timeout_seconds):
                response, text = await self._followed(request, headers, body, has_secrets)
        except EgressRefusedError as error:
            return HttpResult(error="connection" if error.reason == "unresolved" else f"refused_{error.reason}")
        except TooLargeError:
            return HttpResult(error="too_large")
        except UnreadableError:
            return HttpResult(error="unreadable")
        except (TimeoutError, httpx.TimeoutException):
            raise _TryAgainError(HttpResult(error="timeout")) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            return HttpResult(error="invalid_url")
        except httpx.TransportError:
            raise _TryAgainError(HttpResult(error="connection")) from None
        result = HttpResult(status=response.status_code, text=text)
        if response.status_code in _RETRIED:
            raise _TryAgainError(result, _retry_after(response))
        return result

    async def _followed(
        self, request: HttpRequest, headers: dict[str, bytes], body: bytes, has_secrets: bool
    ) -> tuple[httpx.Response, str]:
        method, url = request.method, request.url
        for _ in range(MAX_REDIRECTS + 1):
            lines = [(name.encode(), value) for name, value in headers.items()]
            built = self._client.build_request(method, url, headers=lines, content=body or None, timeout=None)
            response = await self._client.send(built, stream=True)
            try:
                where = response.headers.get("location")
                if response.status_code not in (301, 302, 303, 307, 308) or not where:
                    return response, await _read(response, request.max_bytes)
            finally:
                await response.aclose()
            following, same_origin = _following(url, where)
            if not same_origin:
                if has_secrets and response.status_code in (307, 308) and body:
                    # What goes there could hold a secret meant for the first server.
                    raise EgressRefusedError("redirect")
                headers = {name: value.encode() for name, value in _OWN_HEADERS.items()} | {"accept": b"*/*"}
            if response.status_code == 303 or (response.status_code in (301, 302) and method == "POST"):
                method, body = "GET" if method != "HEAD" else "HEAD", b""
                headers = {name: value for name, value in headers.items() if name != "content-type"}
            url = following
        raise EgressRefusedError("redirects")


async def _read(response: httpx.Response, limit: int) -> str:
    body = await body_of(response.aiter_raw(), response.headers.get("content-encoding", ""), limit)
    return text_of(body, response.charset_encoding)


def _following(url: str, where: str) -> tuple[str, bool]:
    """Where a redirect leads, and whether that is the same origin.

    Raises:
        httpx.InvalidURL: nowhere.
    """
    try:
        following = urljoin(url, where)
        one, other = urlsplit(url), urlsplit(following)
    except ValueError as error:
        raise httpx.InvalidURL(str(error)) from None
    return following, (one.scheme, one.netloc.lower()) == (other.scheme, other.netloc.lower())


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _text(parts: list[Part], secrets: Mapping[str, str]) -> str:
    out: list[str] = []
    for part in parts:
        if part.secret is None:
            out.append(part.text)
            continue
        value = secrets.get(part.secret)
        if value is None:
            raise SecretMissingError(part.secret)
        if part.encode == "json":
            value = json.dumps(value, ensure_ascii=False)[1:-1]
        out.append(quote_plus(value) if part.encode == "form" else value)
    return "".join(out)


def _filled(request: HttpRequest, secrets: Mapping[str, str], key: str) -> tuple[dict[str, bytes], bytes]:
    """Headers and body with the secrets' values in their places."""
    headers = {**_OWN_HEADERS, "accept": "application/json, */*;q=0.5"}
    if request.method not in ("GET", "HEAD"):
        headers["idempotency-key"] = key
    body = _text(request.body, secrets).encode()
    if request.content_type and body:
        headers["content-type"] = request.content_type
    if request.basic is not None:
        pair = f"{_text(request.basic.username, secrets)}:{_text(request.basic.password, secrets)}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    for line in request.headers:
        value = "".join(c for c in _text(line.value, secrets) if c.isprintable())
        headers[line.name.lower()] = value
    return {name: value.encode() for name, value in headers.items()}, body
