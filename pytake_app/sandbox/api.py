"""Endpoints of the sandbox: the phone's own API, and the stand-in of Meta's Graph API."""

from __future__ import annotations

import asyncio
from secrets import compare_digest
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.datastructures import UploadFile as FormFile

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, get_services
from pytake_app.api.services import Services
from pytake_app.channels.errors import MediaError
from pytake_app.channels.whatsapp import simulator
from pytake_app.core.errors import NotFoundError, ProblemError, TooLargeError, UnavailableError
from pytake_app.core.pagination import Page
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.sandbox import media, service, templates
from pytake_app.sandbox.courier import Courier
from pytake_app.sandbox.models import SandboxMessage
from pytake_app.sandbox.schemas import (
    MediaAnswer,
    Persona,
    PhoneMessage,
    PhoneMessageView,
    PhoneRead,
    PhoneReset,
    ReadAnswer,
    SandboxAccountView,
    SimulateInteractive,
)
from pytake_app.whatsapp.service import AccountReader, AccountRuntime

router = APIRouter(tags=["sandbox"])
graph_router = APIRouter(prefix="/sandbox/graph/{version}", include_in_schema=False)

# A browser may show these without running anything inside them.
_INLINE = frozenset({"image/jpeg", "image/png", "image/webp", "audio/mpeg", "audio/ogg", "audio/aac", "video/mp4"})


def courier_of(request: Request) -> Courier:
    """The process's courier."""
    courier = request.app.state.courier
    assert isinstance(courier, Courier)
    return courier


# -- the phone ---------------------------------------------------------------------------------------------------------


@router.get("/sandbox")
def accounts(who: CurrentPrincipal, services: ServicesDep) -> Page[SandboxAccountView]:
    """The organization's sandbox numbers."""
    with services.database.tenant(who.organization_id) as session:
        found = service.sandbox_accounts(session, who, services.settings, services.secrets)
    return Page[SandboxAccountView](items=found)


@router.get("/sandbox/{account_id}/messages")
def messages(
    account_id: UUID,
    who: CurrentPrincipal,
    services: ServicesDep,
    phone: Annotated[str, Query(pattern=r"^[0-9]{0,15}$")] = "",
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=service.MAX_MESSAGES)] = service.MAX_MESSAGES,
) -> Page[PhoneMessageView]:
    """What the phone shows, oldest first: the newest `limit` messages, or those after a message."""
    with services.database.tenant(who.organization_id) as session:
        account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
        found = service.phone_messages(session, who, account, phone=phone, after=after, limit=limit)
    return Page[PhoneMessageView](items=found)


@router.post("/sandbox/{account_id}/messages", status_code=201)
async def say(
    account_id: UUID, body: PhoneMessage, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> PhoneMessageView:
    """The person writes, presses or sends something; it reaches us as a signed webhook."""
    return await _say(request, services, who, account_id, body)


async def _say(
    request: Request, services: Services, who: Principal, account_id: UUID | None, body: PhoneMessage
) -> PhoneMessageView:
    def prepare() -> service.Outgoing:
        with services.database.tenant(who.organization_id) as session:
            session.info["live"] = services.live
            account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
            file = media.find(services.settings.data_dir, account.id, body.media_id) if body.media_id else None
            return service.say(session, who, account, body, file, services.clock)

    outgoing = await asyncio.to_thread(prepare)
    taken = await courier_of(request).deliver(outgoing.account, outgoing.body)

    def settle() -> None:
        with services.database.tenant(who.organization_id) as session:
            session.info["live"] = services.live
            service.settle(session, outgoing.message, taken=taken)

    await asyncio.to_thread(settle)
    if not taken:
        raise UnavailableError("The webhook did not take the message; try again.", code="webhook_failed", retry_after=2)
    return PhoneMessageView.model_validate(outgoing.message).model_copy(update={"status": "sent"})


@router.post("/sandbox/{account_id}/read")
async def read(
    account_id: UUID, body: PhoneRead, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> ReadAnswer:
    """The person looks at the chat: what reached the phone is reported as read."""

    def take() -> list[service.Outgoing]:
        with services.database.tenant(who.organization_id) as session:
            session.info["live"] = services.live
            account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
            return service.read_by_person(session, who, account, body.phone, services.clock)

    reports = await asyncio.to_thread(take)
    courier = courier_of(request)

    async def report() -> None:
        for outgoing in reports:
            await courier.deliver(outgoing.account, outgoing.body)

    if reports:
        courier.later(report())
    return ReadAnswer(read=len(reports))


@router.post("/sandbox/{account_id}/reset")
def reset(account_id: UUID, who: CurrentPrincipal, services: ServicesDep, body: PhoneReset | None = None) -> Persona:
    """A new person with a new number: a contact we have never heard of."""
    with services.database.tenant(who.organization_id) as session:
        session.info["live"] = services.live
        account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
        return service.reset(session, who, account, body.name if body else None)


@router.post("/sandbox/{account_id}/media", status_code=201)
def upload(
    account_id: UUID, who: CurrentPrincipal, services: ServicesDep, file: Annotated[UploadFile, File()]
) -> MediaAnswer:
    """A file for the person to send: its id goes into `media_id` of a message."""
    who.needs(Permission.CONVERSATIONS_HANDLE, Permission.FLOWS_EDIT)
    with services.database.tenant(who.organization_id) as session:
        account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
    stored = media.store(
        services.settings.data_dir,
        account.id,
        file.file,
        mime_type=file.content_type or "application/octet-stream",
        filename=file.filename or "",
    )
    return MediaAnswer(id=stored.id, mime_type=stored.mime_type, size=stored.size)


@router.get("/sandbox/{account_id}/media/{media_id}", response_class=FileResponse)
def download(account_id: UUID, media_id: str, who: CurrentPrincipal, services: ServicesDep) -> FileResponse:
    """A file that went over the sandbox's wire."""
    with services.database.tenant(who.organization_id) as session:
        account = service.sandbox_account(session, who, services.settings, services.secrets, account_id)
    return _file(media.find(services.settings.data_dir, account.id, media_id))


@router.post("/webhook/simulate-interactive", status_code=201)
async def simulate_interactive(
    body: SimulateInteractive, request: Request, who: CurrentPrincipal, services: ServicesDep
) -> PhoneMessageView:
    """Play a contact's message on the sandbox number: a text, or a button or row by its id."""

    def compose() -> PhoneMessage:
        with services.database.tenant(who.organization_id) as session:
            return service.simulated(session, who, services.settings, services.secrets, body)

    return await _say(request, services, who, None, await asyncio.to_thread(compose))


# -- Meta's side -------------------------------------------------------------------------------------------------------


class _GraphError(Exception):
    """What Graph answers instead of a result."""

    def __init__(self, status: int, code: int, message: str, subcode: int | None = None) -> None:
        super().__init__(message)
        error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "sandbox"}
        if subcode is not None:
            error["error_subcode"] = subcode
        self.response = JSONResponse({"error": error}, status_code=status)


def _account(request: Request, services: Services, object_id: str) -> AccountRuntime:
    """The sandbox account that the request speaks for.

    Raises:
        _GraphError: there is none with this id, or the token isn't its own.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    with services.database.system_connection() as connection:
        reader = AccountReader(services.settings, services.secrets)
        found = [a for a in reader.by_external_ids(connection, "whatsapp", [object_id]) if a.sandbox]
    wanted = found[0].access_token if found else ""
    matches = compare_digest(wanted.encode(), token.encode()) and bool(wanted)
    if scheme.lower() != "bearer" or not token:
        raise _GraphError(401, 190, "An access token is required to request this resource.")
    if not found:
        raise _GraphError(400, 100, f"Unsupported request. Object with ID '{object_id}' does not exist.", 33)
    if not matches:
        raise _GraphError(401, 190, "Invalid OAuth access token - Cannot parse access token")
    return found[0]


@graph_router.post("/{object_id}/messages")
async def graph_messages(object_id: str, request: Request) -> Response:
    """Send a message or mark one as read."""
    services, courier = get_services(request), courier_of(request)
    body = simulator.decoded(await request.body())
    try:
        account = await asyncio.to_thread(_account, request, services, object_id)
    except _GraphError as error:
        return error.response
    complaints = simulator.validate_send(body)
    if complaints:
        return JSONResponse(simulator.graph_refusal(complaints), status_code=400)
    refused = templates.send_refusal(account, body)
    if refused is not None:
        code, title, details = refused
        return JSONResponse(simulator.graph_refusal([details], code=code, title=title), status_code=400)

    def take() -> tuple[dict[str, Any], SandboxMessage | None]:
        with services.database.tenant(account.organization_id) as session:
            session.info["live"] = services.live
            if "status" in body:
                known = service.take_mark_read(session, account, body)
                refusal = simulator.graph_refusal(["message_id: no such message"], code=131009)
                return (simulator.graph_answer(body) if known else refusal), None
            return service.take_send(session, account, body, services.clock)

    answer, message = await asyncio.to_thread(take)
    if message is not None:
        courier.later(_report(services, courier, account, message))
    return JSONResponse(answer, status_code=400 if "error" in answer else 200)


async def _report(services: Services, courier: Courier, account: AccountRuntime, message: SandboxMessage) -> None:
    """Tell of the message's way to the phone, as Meta does: sent, then delivered; or failed outside the window."""

    def step(word: str) -> bool:
        with services.database.tenant(account.organization_id) as session:
            session.info["live"] = services.live
            return service.advance(session, message, word)

    def refused() -> bool:
        with services.database.tenant(account.organization_id) as session:
            return service.outside_window(session, account, message, services.clock.now())

    words = ["failed"] if await asyncio.to_thread(refused) else ["sent", "delivered"]
    for word in words:
        await asyncio.to_thread(step, word)
        # Reported even if the phone was read meanwhile: real statuses come out of order too.
        await courier.deliver(account, service.status_body(account, message, word, services.clock.now()))


@graph_router.post("/{object_id}/media")
async def graph_upload(object_id: str, request: Request) -> Response:
    """Upload media: `file`, `type` and `messaging_product` in a form, read once the token is known to be right."""
    services = get_services(request)
    try:
        account = await asyncio.to_thread(_account, request, services, object_id)
        async with request.form(max_files=1, max_fields=10) as form:
            file, given = form.get("file"), form.get("type")
            if form.get("messaging_product") != "whatsapp" or not isinstance(file, FormFile):
                return JSONResponse(simulator.graph_refusal(["file: required"], code=100), status_code=400)
            stored = await asyncio.to_thread(
                media.store,
                services.settings.data_dir,
                account.id,
                file.file,
                mime_type=(given if isinstance(given, str) else "") or file.content_type or "application/octet-stream",
                filename=file.filename or "",
            )
    except _GraphError as error:
        return error.response
    except (TooLargeError, MediaError):
        return JSONResponse(simulator.graph_refusal(["file: too large"], code=131052), status_code=400)
    return JSONResponse({"id": stored.id})


@graph_router.get("/files/{object_id}/{media_id}")
def graph_file(object_id: str, media_id: str, request: Request) -> Response:
    """The file itself; needs the account's token, as at Meta."""
    services = get_services(request)
    try:
        account = _account(request, services, object_id)
        return _file(media.find(services.settings.data_dir, account.id, media_id))
    except _GraphError as error:
        return error.response
    except NotFoundError:
        return Response(status_code=404)


@graph_router.get("/{object_id}")
def graph_object(version: str, object_id: str, request: Request, phone_number_id: str = "") -> Response:
    """A number, or a media file when `phone_number_id` says whose."""
    services = get_services(request)
    try:
        account = _account(request, services, phone_number_id or object_id)
        if object_id == account.external_id:
            return JSONResponse(
                {
                    "id": account.external_id,
                    "display_phone_number": "+" + account.phone,
                    "verified_name": account.name,
                    "quality_rating": "GREEN",
                    "platform_type": "CLOUD_API",
                    "throughput": {"level": "STANDARD"},
                    "messaging_limit_tier": "TIER_1K",
                }
            )
        stored = media.find(services.settings.data_dir, account.id, object_id)
    except _GraphError as error:
        return error.response
    except ProblemError:
        return _GraphError(
            400, 100, f"Unsupported get request. Object with ID '{object_id}' does not exist.", 33
        ).response
    return JSONResponse(
        {
            "messaging_product": "whatsapp",
            "id": stored.id,
            "url": f"{account.api_base_url}/{version}/files/{account.external_id}/{stored.id}",
            "mime_type": stored.mime_type,
            "sha256": stored.sha256,
            "file_size": stored.size,
        }
    )


@graph_router.api_route("/{object_id}/subscribed_apps", methods=["GET", "POST"])
def graph_subscribed() -> Response:
    """The sandbox's webhooks always come to us."""
    data = {"data": [{"whatsapp_business_api_data": {"id": "sandbox", "name": "PyTake"}}], "success": True}
    return Response(orjson.dumps(data), media_type="application/json")


def _file(stored: media.StoredMedia) -> FileResponse:
    inline = stored.mime_type.partition(";")[0].strip() in _INLINE
    return FileResponse(
        stored.path,
        media_type=stored.mime_type if inline else "application/octet-stream",
        filename=stored.filename or stored.id,
        content_disposition_type="inline" if inline else "attachment",
        headers={"Cache-Control": "private, max-age=3600"},
    )
