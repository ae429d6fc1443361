"""Endpoints of tags and custom fields."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.contacts import service
from pytake_app.contacts.catalog_schemas import FieldCreate, FieldUpdate, FieldView, TagCreate, TagUpdate, TagView
from pytake_app.core.errors import InvalidError
from pytake_app.core.pagination import Page

router = APIRouter()


@router.get("/tags", tags=["contacts"])
def list_tags(who: CurrentPrincipal, session: TenantSession) -> Page[TagView]:
    """Tags by name, with how many contacts carry each."""
    return Page[TagView](items=service.list_tags(session, who))


@router.post("/tags", tags=["contacts"], status_code=201, response_model=TagView)
def create_tag(
    body: TagCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new tag."""
    return once.run(201, lambda: service.create_tag(session, who, body, clock=services.clock))


@router.patch("/tags/{tag_id}", tags=["contacts"])
def update_tag(tag_id: UUID, body: TagUpdate, who: CurrentPrincipal, session: TenantSession) -> TagView:
    """Rename or recolour a tag; contacts that carry it get the new name."""
    if not body.model_fields_set:
        raise InvalidError("There is nothing to change.")
    return service.update_tag(session, who, tag_id, body)


@router.delete("/tags/{tag_id}", tags=["contacts"], status_code=204)
def delete_tag(tag_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a tag away, from the contacts too."""
    service.delete_tag(session, who, tag_id)
    return Response(status_code=204)


@router.get("/custom-fields", tags=["settings"])
def list_fields(who: CurrentPrincipal, session: TenantSession) -> Page[FieldView]:
    """Custom fields of contacts."""
    return Page[FieldView](items=service.list_fields(session, who))


@router.post("/custom-fields", tags=["settings"], status_code=201, response_model=FieldView)
def create_field(
    body: FieldCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new custom field."""
    return once.run(201, lambda: service.create_field(session, who, body, clock=services.clock))


@router.get("/custom-fields/{field_id}", tags=["settings"])
def get_field(field_id: UUID, who: CurrentPrincipal, session: TenantSession) -> FieldView:
    """One custom field."""
    return service.get_field(session, who, field_id)


@router.patch("/custom-fields/{field_id}", tags=["settings"])
def update_field(
    field_id: UUID, body: FieldUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> FieldView:
    """Change label, description or options; key and type stay."""
    return service.update_field(session, who, field_id, body, clock=services.clock)


@router.delete("/custom-fields/{field_id}", tags=["settings"], status_code=204)
def delete_field(field_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a custom field away; contacts keep the values they have."""
    service.delete_field(session, who, field_id)
    return Response(status_code=204)
