"""Endpoints of WhatsApp message templates. Meta is asked between transactions."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import anyio.from_thread
from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.whatsapp import service, template_calls, templates
from pytake_app.whatsapp.template_schemas import SyncResult, TemplateCreate, TemplateView

router = APIRouter(prefix="/whatsapp/templates", tags=["whatsapp"])


@router.get("")
def list_templates(
    who: CurrentPrincipal,
    session: TenantSession,
    status: Annotated[str | None, Query(max_length=40)] = None,
    language: Annotated[str | None, Query(max_length=20)] = None,
) -> Page[TemplateView]:
    """Message templates, one item a language, as Meta last told them."""
    return Page[TemplateView](items=templates.list_templates(session, who, status=status, language=language))


@router.post("", status_code=201)
def create_template(body: TemplateCreate, who: CurrentPrincipal, services: ServicesDep) -> TemplateView:
    """Submit a new template to Meta. It can be sent once its status is APPROVED.

    422 `template_refused` says why Meta doesn't take it; a second one of the same name and language it never takes.
    """
    with services.database.tenant(who.organization_id) as session:
        account = templates.account_to_submit(session, who, body.account_id)
        runtime = service.runtime_of(session, who, services.settings, services.secrets, account.id)
    kept = anyio.from_thread.run(template_calls.submit, runtime.credentials, body)
    with services.database.tenant(who.organization_id) as session:
        templates.store(session, runtime.business_account_id, [kept], whole=False, clock=services.clock)
        return templates.named(session, runtime.business_account_id, body.name, body.language)


@router.post("/sync")
def sync_templates(who: CurrentPrincipal, services: ServicesDep) -> SyncResult:
    """Ask Meta for the templates of every connected business account; what is gone there is forgotten here."""
    with services.database.tenant(who.organization_id) as session:
        runtimes = [
            service.runtime_of(session, who, services.settings, services.secrets, account.id)
            for account in templates.accounts_to_sync(session, who)
        ]
    found = anyio.from_thread.run(template_calls.fetch_all, runtimes)
    with services.database.tenant(who.organization_id) as session:
        return template_calls.keep(session, found, clock=services.clock)


@router.get("/{template_id}")
def get_template(template_id: UUID, who: CurrentPrincipal, session: TenantSession) -> TemplateView:
    """One template."""
    return templates.get_template(session, who, template_id)


@router.delete("/{template_id}", status_code=204)
def delete_template(template_id: UUID, who: CurrentPrincipal, services: ServicesDep) -> Response:
    """Delete this language of a template, at Meta too."""
    with services.database.tenant(who.organization_id) as session:
        template, account = templates.template_of(session, who, template_id)
        runtime = service.runtime_of(session, who, services.settings, services.secrets, account.id)
    anyio.from_thread.run(template_calls.delete, runtime.credentials, template)
    with services.database.tenant(who.organization_id) as session:
        templates.forget(session, who, template_id)
    return Response(status_code=204)
