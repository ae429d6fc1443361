"""What OpenAPI says of refusals: RFC 9457 problem documents, the same shape for every status."""

from __future__ import annotations

from typing import Any, Final

_MEANINGS: Final = {
    403: "The caller's role doesn't allow it.",
    404: "There is no such thing here.",
    409: "The state of the thing doesn't allow it now; `code` says why.",
    413: "What was sent is larger than is taken; `code` says of what.",
    422: "The input can't be accepted; `errors` names the members.",
    429: "Too many requests; try again after `Retry-After` seconds.",
}
_FIELD: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("pointer", "detail", "code")},
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "a stable word for programs"},
        "errors": {"type": "array", "items": _FIELD},
    },
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses` of a route or router.

    Parameters:
        statuses: of 403, 404, 409, 413, 422, 429.
    """
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
        for status in statuses
    }
