"""An HTTP request of another product as the configuration of an `api_call`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
Pairs = Sequence[tuple[str, str]]


def http_request(
    *,
    method: str,
    url: str,
    headers: Pairs = (),
    query: Pairs = (),
    body: str = "",
    timeout_seconds: float | None = None,
    mapping: Pairs = (),
    response_variable: str = "",
) -> dict[str, JsonValue]:
    """The configuration; `mapping` is (variable, JSONPath in the response)."""
    config: dict[str, JsonValue] = {
        "method": method if method in METHODS else "POST",
        "url": url,
        "headers": [{"name": name, "value": value} for name, value in headers[:30] if name],
        "query": [{"name": name, "value": value} for name, value in query[:30] if name],
        "body_type": "none" if not body else "json" if body.lstrip()[:1] in ("{", "[") else "raw",
        "body": body,
        "mapping": [{"name": name, "path": path} for name, path in mapping[:30]],
    }
    if response_variable:
        config["response_variable"] = response_variable
    if timeout_seconds:
        config["timeout_seconds"] = max(1.0, min(60.0, timeout_seconds))
    return config
