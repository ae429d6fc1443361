"""Templates at the stand-in of Meta: listed page by page, submitted, deleted (Cloud API, Message Templates).

What is submitted is approved at once; nobody looks at it.
"""

from __future__ import annotations

import asyncio
from secrets import compare_digest
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from pytake_app.api.deps import get_services
from pytake_app.api.services import Services
from pytake_app.channels.whatsapp import simulator
from pytake_app.sandbox import templates
from pytake_app.whatsapp.service import AccountReader, AccountRuntime

router = APIRouter(prefix="/sandbox/graph/{version}/{business_account_id}/message_templates", include_in_schema=False)


def _refused(status: int, code: int, message: str, subcode: int | None = None) -> Response:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "sandbox"}
    if subcode is not None:
        error["error_subcode"] = subcode
    return JSONResponse({"error": error}, status_code=status)


def _account(request: Request, services: Services, business_account_id: str) -> AccountRuntime | None:
    """The sandbox account whose business account and token these are."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    with services.database.system_connection() as connection:
        found = AccountReader(services.settings, services.secrets).sandbox_of(connection, business_account_id)
    if found is None or scheme.lower() != "bearer" or not found.access_token:
        return None
    return found if compare_digest(found.access_token.encode(), token.encode()) else None


_UNAUTHORIZED = (401, 190, "Invalid OAuth access token - Cannot parse access token")


@router.get("")
def listed(version: str, business_account_id: str, request: Request, limit: int = 25, after: str = "") -> Response:
    """A page of the templates."""
    account = _account(request, get_services(request), business_account_id)
    if account is None:
        return _refused(*_UNAUTHORIZED)
    here = f"{account.api_base_url}/{version}/{business_account_id}/message_templates"
    return JSONResponse(templates.page(account, limit=limit, after=after, address=here))


@router.post("")
async def submitted(business_account_id: str, request: Request) -> Response:
    """A new template."""
    services = get_services(request)
    body = simulator.decoded(await request.body())

    def take() -> Response:
        account = _account(request, services, business_account_id)
        if account is None:
            return _refused(*_UNAUTHORIZED)
        complaint = templates.complaint(account, body)
        if complaint is not None:
            return _refused(400, 100, complaint, 2388023)
        with services.database.tenant(account.organization_id) as session:
            return JSONResponse(templates.take(session, account, body))

    return await asyncio.to_thread(take)


@router.delete("")
def deleted(business_account_id: str, request: Request, name: str = "", hsm_id: str = "") -> Response:
    """A template is deleted: all its languages, or the one with the id."""
    services = get_services(request)
    account = _account(request, services, business_account_id)
    if account is None:
        return _refused(*_UNAUTHORIZED)
    with services.database.tenant(account.organization_id) as session:
        if not templates.delete(session, account, name, hsm_id):
            return _refused(400, 100, "Message template not found", 2593002)
    return JSONResponse({"success": True})
