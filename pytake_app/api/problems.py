"""Errors as problem documents (RFC 9457): what clients see, and nothing of our insides."""

from __future__ import annotations

import errno
import math
from typing import Any

import orjson
import redis
import sqlalchemy.exc
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pytake_app.core.errors import (
    FieldError,
    InvalidError,
    MalformedError,
    ProblemError,
    StorageFullError,
    UnavailableError,
)
from pytake_app.core.texts import known_text

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)

_TITLES = {
    400: ("malformed", "Malformed request"),
    401: ("unauthorized", "Not signed in"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    413: ("too_large", "Too large"),
    415: ("unsupported_media_type", "Unsupported media type"),
    429: ("rate_limited", "Too many requests"),
    500: ("internal", "Internal error"),
    503: ("unavailable", "Temporarily unavailable"),
    507: ("storage_full", "No room left"),
}


MAX_ERRORS = 50
"""Findings an answer lists: a body may be wrong in a hundred thousand places, and the answer must not outgrow it."""


def pointer(parts: tuple[str | int, ...] | list[str | int]) -> str:
    """A JSON pointer (RFC 6901) made of `parts`; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def problem_body(
    status: int,
    *,
    code: str | None = None,
    title: str | None = None,
    detail: str = "",
    errors: tuple[FieldError, ...] = (),
    locale: str = "",
) -> dict[str, Any]:
    """The members of a problem document; also carries the request's id, for support.

    Parameters:
        locale: the caller's, for sentences of `errors` in their language; empty: nobody is signed in.
    """
    known_code, known_title = _TITLES.get(status, ("error", "Error"))
    code = code or known_code
    body: dict[str, Any] = {
        "type": f"urn:pytake:problem:{code}",
        "title": title or known_title,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = [_field(error, locale) for error in errors]
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    return body


def _field(error: FieldError, locale: str) -> dict[str, str]:
    entry = {"pointer": error.pointer, "message": error.message, "code": error.code}
    if error.node_id is not None:
        entry["node_id"] = error.node_id
    sentence = known_text(locale, error.key, error.params) if locale and error.key else None
    if sentence is not None:
        entry["text"] = sentence
    return entry


def problem_response(error: ProblemError, locale: str = "") -> Response:
    """The answer for an expected error; `locale` as `problem_body`'s."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = problem_body(
        error.status, code=error.code, title=error.title, detail=error.detail, errors=error.errors, locale=locale
    )
    return Response(
        orjson.dumps({**error.members, **body}), status_code=error.status, media_type=MEDIA_TYPE, headers=headers
    )


def as_problem(error: BaseException) -> ProblemError | None:
    """The expected error behind `error`, or None when it is a bug of ours."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.TimeoutError | redis.RedisError):
        return UnavailableError("A service we depend on can't be reached; try again.", retry_after=2)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError("The server's disk is full; nothing was kept.")
    if isinstance(error, sqlalchemy.exc.DataError):
        # E.g. U+0000, which PostgreSQL's text can't hold, or a number out of the column's range.
        return InvalidError("The input contains a value that can't be stored.", code="not_storable")
    return None


def from_validation(error: RequestValidationError) -> ProblemError:
    """Pydantic's findings with a pointer each; a body that is no JSON is malformed rather than invalid."""
    found = []
    for item in error.errors()[:MAX_ERRORS]:
        location = list(item["loc"])
        if item["type"] == "json_invalid":
            return MalformedError(
                "The body is not valid JSON.", errors=[FieldError("", "not valid JSON", "json_invalid")]
            )
        source = location.pop(0) if location else "body"
        if source in ("header", "cookie"):
            location.insert(0, source)
        found.append(FieldError(pointer(location), str(item["msg"]), str(item["type"])))
    return InvalidError("The input is not valid.", errors=found)


def _log_refusal(request: Request, problem: ProblemError) -> None:
    """Somebody asked for what they may not do: who, from where and what of (ASVS 5.0, 16.3.2)."""
    from pytake_app.api.deps import client_of

    who = getattr(request.state, "principal", None)
    named = {} if who is None else {"organization_id": str(who.organization_id), "user_id": str(who.user_id)}
    if who is not None and who.api_key_id is not None:
        named["key_id"] = str(who.api_key_id)
    route = getattr(request.scope.get("route"), "path", "")
    log.warning(
        "request_refused", code=problem.code, method=request.method, route=route, address=client_of(request).address,
        **named,
    )  # fmt: skip


def install(app: FastAPI) -> None:
    """Register the handlers."""

    async def on_problem(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        assert problem is not None
        if problem.status == 403:
            _log_refusal(request, problem)
        return problem_response(problem, getattr(request.state, "locale", ""))

    async def on_validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(from_validation(error))

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = problem_body(error.status_code, detail=_detail_of(error))
        headers = dict(error.headers or {})
        return Response(orjson.dumps(body), status_code=error.status_code, media_type=MEDIA_TYPE, headers=headers)

    for kind in (
        ProblemError,
        sqlalchemy.exc.OperationalError,
        sqlalchemy.exc.TimeoutError,
        sqlalchemy.exc.DataError,
        redis.RedisError,
    ):
        app.add_exception_handler(kind, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def _detail_of(error: HTTPException) -> str:
    title = _TITLES.get(error.status_code, ("", ""))[1]
    detail = error.detail if isinstance(error.detail, str) else ""
    return "" if detail == title else detail
