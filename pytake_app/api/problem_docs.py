"""What OpenAPI says of refusals: RFC 9457 problem documents, the same shape for every status.

Each operation tells which refusals it may answer without saying so itself: `install` adds those that come from what an
operation is (signed in, takes a body, takes a file). `refusals` is for what a route wants to say in its own words.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from fastapi import FastAPI

JsonObject = dict[str, Any]

MEDIA_TYPE: Final = "application/problem+json"
_MEANINGS: Final = {
    400: "The body can't be read.",
    401: "Nobody is signed in, or no longer.",
    403: "The caller's role doesn't allow it.",
    404: "There is no such thing here.",
    409: "The state of the thing doesn't allow it now; `code` says why.",
    411: "The body has no `Content-Length`, or more than it says.",
    413: "What was sent is larger than is taken; `code` says of what.",
    415: "What was sent is of a type that isn't taken.",
    422: "The input can't be accepted; `errors` names the members.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    502: "A service outside refused, or gave an answer that can't be used.",
    503: "Something this needs is away; try again after `Retry-After` seconds.",
    507: "The server's disk is full; nothing was kept.",
}
_TEXT: Final[JsonObject] = {"type": "string"}
_PROBLEM: Final[JsonObject] = {
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:pytake:problem:` and the code"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": {"type": "string", "description": "a stable word for programs"},
        "request_id": {"type": "string", "description": "tell it to support"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message", "code"],
                "properties": {
                    "pointer": {"type": "string", "description": "where in the input (RFC 6901)"},
                    "message": _TEXT,
                    "code": _TEXT,
                    "node_id": {"type": "string", "description": "the block of the flow"},
                    "text": {"type": "string", "description": "a sentence in the caller's language"},
                },
            },
        },
    },
}
_CONTENT: Final[JsonObject] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ANYWHERE: Final = (429, 503)
_SIGNED_IN: Final = (401, 403)
_NAMES_THINGS: Final = (404, 409, 422)
_BODY: Final = (400, 413)
_FILE: Final = (415, 507)


def refusals(*statuses: int) -> dict[int | str, JsonObject]:
    """For `responses` of a route or router.

    Parameters:
        statuses: of those above.
    """
    return {status: {"description": _MEANINGS[status], "content": copy.deepcopy(_CONTENT)} for status in statuses}


_made: dict[str, JsonObject] = {}
"""The document by version: every application of a process has the same routes, and writing it takes seconds."""


def install(app: FastAPI) -> None:
    """Have the application's document tell of every refusal."""
    describe = app.openapi

    def described() -> JsonObject:
        if app.openapi_schema is None:
            if app.version not in _made:
                _made[app.version] = describe()
                _add_refusals(_made[app.version])
            app.openapi_schema = _made[app.version]
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # how FastAPI lets one extend its document


def _add_refusals(document: JsonObject) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own shape, which is never sent
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    components["responses"] = {
        f"Problem{status}": {"description": text, "content": _CONTENT} for status, text in _MEANINGS.items()
    }
    for path, operations in document["paths"].items():
        if path.startswith(("/api/", "/hooks/")):
            for operation in operations.values():
                _complete(operation, signs_in=path.startswith("/api/v1/auth/"))


def _complete(operation: JsonObject, *, signs_in: bool) -> None:
    answers = operation["responses"]
    statuses = set(_ANYWHERE)
    content = operation.get("requestBody", {}).get("content", {})
    if signs_in or operation.get("security"):
        statuses.update(_SIGNED_IN)
    if content or operation.get("parameters"):
        statuses.update(_NAMES_THINGS)
    if content:
        statuses.update(_BODY)
    if "multipart/form-data" in content:
        statuses.update(_FILE)
    for status in sorted(statuses):
        answer = answers.get(str(status), {})
        if not answer or MEDIA_TYPE not in answer.get("content", {}):
            answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
