"""A preview's outside call, made in earnest because somebody asked for it by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID, uuid4

from pytake_app.core.egress import EgressGuard
from pytake_app.core.errors import ConflictError
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal
from pytake_app.engine.requests import AiRequest, AiResult, HttpRequest, HttpResult
from pytake_app.flows import preview
from pytake_app.flows.preview_schemas import CallResult, PreviewRequest, PreviewResponse
from pytake_app.outgoing import service as outgoing
from pytake_app.outgoing.ai import AiCaller
from pytake_app.outgoing.http import HttpCaller

MAX_SECONDS = 20.0
MAX_BODY = 100_000
MAX_TEXT = 10_000


def call(services: Services, principal: Principal, ref: UUID | str, request: PreviewRequest) -> CallResult:
    """Make the call that the script stops at: once, guarded like those of production, outside any transaction.

    Parameters:
        request: the script; its last step is where it waits for the answer.

    Raises:
        ConflictError: code `no_pending_call`: the script doesn't wait for one.
        ForbiddenError: admins only.
    """
    with services.database.tenant(principal.organization_id) as session:
        pending = preview.pending_call(session, principal, ref, request)
        if pending is None:
            raise ConflictError("The conversation doesn't wait for an answer from outside.", code="no_pending_call")
        made = pending.request.model_copy(
            update={"retries": 0, "timeout_seconds": min(pending.request.timeout_seconds, MAX_SECONDS)}
        )
        secrets: Mapping[str, str] = {}
        if isinstance(made, HttpRequest) and made.secrets():
            secrets = outgoing.secret_values(session, services.secrets, made.secrets(), clock=services.clock)
    result = asyncio.run(_performed(services, made, secrets))
    if isinstance(result, HttpResult):
        response = PreviewResponse(status=result.status, body=result.text[:MAX_BODY], error=result.error)
        truncated = len(result.text) > MAX_BODY
    else:
        response = PreviewResponse(text=result.text[:MAX_TEXT], error=result.error)
        truncated = len(result.text) > MAX_TEXT
    return CallResult(node_id=pending.node_id, response=response, duration_ms=result.duration_ms, truncated=truncated)


async def _performed(
    services: Services, made: HttpRequest | AiRequest, secrets: Mapping[str, str]
) -> HttpResult | AiResult:
    if isinstance(made, AiRequest):
        models = AiCaller(services.settings)
        try:
            return await models.perform(made)
        finally:
            await models.aclose()
    caller = HttpCaller(EgressGuard(services.settings.allow_private_http))
    try:
        return await caller.perform(made, secrets, key=f"preview-{uuid4()}")
    finally:
        await caller.aclose()
