"""Flows: what other rooms call. Every function runs in the caller's transaction and never commits.

`ref` parameters take a flow's id (UUID or its text) or its slug. Mutations need `org_admin`; reading needs `viewer`.
Raised throughout: `NotFoundError` (no such flow, or another tenant's), `ForbiddenError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.pagination import DEFAULT_LIMIT, Page
from pytake_app.core.tenancy import Principal
from pytake_app.flows.schemas import (
    AppliedEdit,
    EditResult,
    FlowExport,
    FlowStats,
    FlowSummary,
    FlowView,
    PublishResult,
    StarterView,
    VerifyResult,
    VersionDetail,
    VersionView,
)
from pytake_app.flows.session_schemas import PreviewRequest, PreviewResult

FlowRefLike = UUID | str
JsonObject = dict[str, Any]
_CLOCK = SystemClock()


def list_flows(
    session: Session,
    principal: Principal,
    *,
    q: str = "",
    status: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    clock: Clock = _CLOCK,
) -> Page[FlowSummary]:
    raise NotImplementedError


def create_flow(
    session: Session, principal: Principal, *, name: str, document: object | None = None, clock: Clock = _CLOCK
) -> FlowView:
    raise NotImplementedError


def get_flow(session: Session, principal: Principal, ref: FlowRefLike) -> FlowView:
    raise NotImplementedError


def rename_flow(
    session: Session, principal: Principal, ref: FlowRefLike, name: str, *, clock: Clock = _CLOCK
) -> FlowView:
    raise NotImplementedError


def delete_flow(
    session: Session, principal: Principal, ref: FlowRefLike, *, interrupt_sessions: bool = False, clock: Clock = _CLOCK
) -> int:
    raise NotImplementedError


def duplicate_flow(
    session: Session, principal: Principal, ref: FlowRefLike, *, name: str | None = None, clock: Clock = _CLOCK
) -> FlowView:
    raise NotImplementedError


def save_draft(
    session: Session,
    principal: Principal,
    ref: FlowRefLike,
    *,
    expected_revision: int,
    document: object,
    clock: Clock = _CLOCK,
) -> EditResult:
    raise NotImplementedError


def apply_operations(
    session: Session,
    principal: Principal,
    ref: FlowRefLike,
    operations: Sequence[JsonObject],
    *,
    expected_revision: int | None = None,
    clock: Clock = _CLOCK,
) -> EditResult:
    raise NotImplementedError


def undo(session: Session, principal: Principal, ref: FlowRefLike, *, clock: Clock = _CLOCK) -> EditResult:
    raise NotImplementedError


def redo(session: Session, principal: Principal, ref: FlowRefLike, *, clock: Clock = _CLOCK) -> EditResult:
    raise NotImplementedError


def edits_since(session: Session, principal: Principal, ref: FlowRefLike, seq: int) -> list[AppliedEdit] | None:
    """Edits after `seq`, oldest first; None when the journal no longer reaches back that far (reload the draft)."""
    raise NotImplementedError


def verify_flow(session: Session, principal: Principal, ref: FlowRefLike) -> VerifyResult:
    raise NotImplementedError


def publish_flow(
    session: Session,
    principal: Principal,
    ref: FlowRefLike,
    *,
    expected_revision: int | None = None,
    note: str = "",
    clock: Clock = _CLOCK,
) -> PublishResult:
    raise NotImplementedError


def rollback_flow(
    session: Session, principal: Principal, ref: FlowRefLike, *, version: int, note: str = "", clock: Clock = _CLOCK
) -> PublishResult:
    raise NotImplementedError


def activate_flow(session: Session, principal: Principal, ref: FlowRefLike, *, clock: Clock = _CLOCK) -> FlowView:
    raise NotImplementedError


def deactivate_flow(session: Session, principal: Principal, ref: FlowRefLike, *, clock: Clock = _CLOCK) -> FlowView:
    raise NotImplementedError


def list_versions(session: Session, principal: Principal, ref: FlowRefLike) -> list[VersionView]:
    raise NotImplementedError


def get_version(session: Session, principal: Principal, ref: FlowRefLike, version: int) -> VersionDetail:
    raise NotImplementedError


def export_flow(
    session: Session, principal: Principal, ref: FlowRefLike, *, version: int | None = None, clock: Clock = _CLOCK
) -> FlowExport:
    raise NotImplementedError


def import_flow(
    session: Session, principal: Principal, *, document: object, name: str | None = None, clock: Clock = _CLOCK
) -> FlowView:
    raise NotImplementedError


def preview_flow(session: Session, principal: Principal, ref: FlowRefLike, request: PreviewRequest) -> PreviewResult:
    raise NotImplementedError


def flow_stats(
    session: Session, principal: Principal, ref: FlowRefLike, *, days: int = 30, clock: Clock = _CLOCK
) -> FlowStats:
    raise NotImplementedError


def list_starters(locale: str) -> list[StarterView]:
    raise NotImplementedError


def create_from_starter(
    session: Session,
    principal: Principal,
    *,
    starter: str,
    name: str | None = None,
    locale: str | None = None,
    clock: Clock = _CLOCK,
) -> FlowView:
    raise NotImplementedError


def seed_organization(session: Session, organization_id: UUID, locale: str, *, clock: Clock = _CLOCK) -> list[UUID]:
    """Give a new organization `main_menu` and `smart_support`, published and active. Needs `Database.tenant`."""
    raise NotImplementedError
